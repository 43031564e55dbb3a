package protocol

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

func TestGrantRules(t *testing.T) {
	w := shared()
	for what, c := range map[string]struct {
		change func(v *grant)
		want   *abi.Error
	}{
		"kind 0":               {func(v *grant) { v.Kind = 0 }, abi.ErrMalformed},
		"kind 4":               {func(v *grant) { v.Kind = 4 }, abi.ErrMalformed},
		"ends when it begins":  {func(v *grant) { v.Expires = v.NotBefore }, abi.ErrMalformed},
		"waits but is direct":  {func(v *grant) { v.Kind = abi.GrantDirect }, abi.ErrMalformed},
		"scope out of order":   {func(v *grant) { v.Scope = [][16]byte{id16(2), id16(1)} }, abi.ErrMalformed},
		"scope twice":          {func(v *grant) { v.Scope = [][16]byte{id16(2), id16(2)} }, abi.ErrMalformed},
		"scope too wide":       {func(v *grant) { v.Scope = make([][16]byte, MaxScope+1) }, abi.ErrTooLarge},
		"to its owner":         {func(v *grant) { v.Reader = v.Owner }, abi.ErrMismatch},
		"to the epoch's key":   {func(v *grant) { v.readerKey = v.epochKey }, abi.ErrMismatch},
		"reader version 0":     {func(v *grant) { v.ReaderVersion = 0 }, abi.ErrMalformed},
		"reader version 2":     {func(v *grant) { v.ReaderVersion = 2 }, abi.ErrMismatch},
		"another owner":        {func(v *grant) { v.Owner[0]++ }, abi.ErrMismatch},
		"another collection":   {func(v *grant) { v.Collection[0]++ }, abi.ErrMismatch},
		"another epoch":        {func(v *grant) { v.Epoch++ }, abi.ErrMismatch},
		"another service":      {func(v *grant) { v.Service[0]++ }, abi.ErrMismatch},
		"another record":       {func(v *grant) { v.CollectionHash[0]++ }, abi.ErrMismatch},
		"another reader":       {func(v *grant) { v.Reader[0]++ }, abi.ErrMismatch},
		"another epoch key":    {func(v *grant) { v.epochKey = must(parseCollection(w.third)).key }, abi.ErrMismatch},
		"bob's id, other key":  {func(v *grant) { v.readerKey = must(openIdentity(w.mallory)).key(1) }, abi.ErrMismatch},
		"another transform":    {func(v *grant) { v.TransformKeyHash[0]++ }, abi.ErrMismatch},
		"critical extension":   {func(v *grant) { v.ext = []byte{0xff, 0xff, 0, 0} }, abi.ErrMalformed},
		"expiry without begin": {func(v *grant) { v.NotBefore, v.Expires = 0, 1 }, nil},
		"never ends":           {func(v *grant) { v.Expires = 0 }, nil},
		"no scope":             {func(v *grant) { v.Scope = nil }, nil},
	} {
		v := must(parseGrant(w.grant))
		c.change(v)
		got, err := OpenGrant(w.alice, w.first, w.bob, v.resign("alice"), w.transformKey)
		if c.want == nil && err != nil {
			t.Errorf("%s: %v", what, err)
		} else if c.want != nil {
			if check(t, what, err, c.want); got != nil {
				t.Errorf("%s: a result with the error", what)
			}
		}
	}
	v := must(parseGrant(w.grant))
	v.readerKey = must(openIdentity(w.mallory)).key(1)
	_, err := OpenGrant(w.alice, nil, w.bob, v.resign("alice"), nil)
	check(t, "bob's id, other key, without transform key", err, abi.ErrMismatch)
	_, err = OpenGrant(w.alice, nil, nil, must(parseGrant(w.grant)).resign("mallory"), nil)
	check(t, "signed by another", err, abi.ErrSignature)
}

func TestGrantSwaps(t *testing.T) {
	w := shared()
	for what, a := range map[string][5][]byte{
		"owner":                 {w.mallory, nil, nil, w.grant, nil},
		"reader":                {w.alice, nil, w.carol, w.grant, nil},
		"later record of epoch": {w.alice, w.second, nil, w.grant, nil},
		"another epoch":         {w.alice, w.third, nil, w.grant, nil},
		"foreign collection":    {w.alice, w.foreign, nil, w.grant, nil},
		"other transform key":   {w.alice, nil, nil, w.grant, w.otherTransformKey},
	} {
		_, err := OpenGrant(a[0], a[1], a[2], a[3], a[4])
		check(t, what, err, abi.ErrMismatch)
	}
}

// TestTransformKeyRules swaps the transform key of a grant for others whose hash
// the owner signed, so that only the checks behind the hash can refuse them.
func TestTransformKeyRules(t *testing.T) {
	w := shared()
	of := must(parseCollection(w.first))
	private := must(unlockEpoch(seedOf("alice"), must(openIdentity(w.alice)), of))
	bob := must(openIdentity(w.bob)).key(1)
	stranger := must(recrypt.NewSigningKeyFromSeed(seedOf("stranger")))
	forged := bytes.Clone(w.transformKey)
	forged[len(forged)-1] ^= 1
	tampered := bytes.Clone(w.transformKey)
	copy(tampered[128:512], w.otherTransformKey[128:512]) // encryptedTempKey, which the inner signature covers

	type test struct {
		what string
		key  []byte
		want *abi.Error
	}
	tests := []test{
		{"to another key", w.otherTransformKey, abi.ErrMismatch},
		{"signed by another", must(private.TransformKey(bob, stranger)).Bytes(), abi.ErrMismatch},
		{"signed by the record key", must(private.TransformKey(bob, must(recordKey(seedOf("alice"))))).Bytes(), abi.ErrMismatch},
		{"signature damaged", forged, nil},
		{"another temp key", tampered, abi.ErrSignature},
		{"too short", w.transformKey[:735], abi.ErrMalformed},
		{"too long", append(bytes.Clone(w.transformKey), 0), abi.ErrMalformed},
		{"an encrypted value", w.value, abi.ErrMalformed},
	}
	for name, point := range badG2 {
		key := bytes.Clone(w.transformKey)
		copy(key[512:640], point) // hashedTempKey, which the inner signature leaves out
		tests = append(tests, test{"hashedTempKey " + name, key, abi.ErrMalformed})
	}
	for _, c := range tests {
		v := must(parseGrant(w.grant))
		v.TransformKeyHash = sha(c.key)
		_, err := OpenGrant(w.alice, w.first, w.bob, v.resign("alice"), c.key)
		check(t, c.what, err, c.want)
	}
	again := must(private.TransformKey(bob, must(recryptKey(seedOf("alice"))))).Bytes()
	v := must(parseGrant(w.grant))
	v.TransformKeyHash = sha(again)
	if _, err := OpenGrant(w.alice, w.first, w.bob, v.resign("alice"), again); err != nil {
		t.Errorf("a good transform key: %v", err)
	}
}

// badG2 are points of the twist outside the subgroup of order r, and no points.
var badG2 = map[string][]byte{
	"of order 13": fromHex("255d1b683b6590764c89e9c8d98954da4be6b567baed11e98322e19df052a4b3" +
		"8d39c1c3dcf08d5732a60d283c9434e5216605135c434d4bf2eddbf25e6fb1eb" +
		"661f399b7bf1850ee8a1d1ddd227f268e7ac5ea46884d3fb81197cbfc07005c1" +
		"834327c3b16566ee2ed063a48ff828d76146a2a64e269b5fce157144106a4a01"),
	"of order 7369": fromHex("170449535da03026d3537714c8cf874e68b0a257639e52e5fa2d0e5ab60c8cbf" +
		"078864524719d333ce9556b953923fbd2e7970781e5a3ef75a4ba1f772e77185" +
		"5c5fc06496ff5d68e04d409b30a2a52758f23b6fc98d3c909bcc7693a1e9aabb" +
		"4aed50446986c17dc4cc4082e477196e85662affdfd3a2d0c401a5a63882aa2e"),
	"of order 13r": fromHex("23ea787884a34426c477d17c5a3def26d94db520869eb51c74da38cc8af37e51" +
		"070cea7c01ff3291e4f9d1c38b28e3cc01b4271f400510c8cad8a5a9a4fd66e2" +
		"584d25b3f389df748da6550dd286ce955d5a594c4929e0c81b16f09fa390cc91" +
		"7f6208049448fcde55c564db38c559f7576c74b511a483b061ccd96066fd6497"),
	"zero":      make([]byte, 128),
	"too large": bytes.Repeat([]byte{0xff}, 128),
}

func fromHex(s string) []byte { return must(hex.DecodeString(s)) }

func TestGrantArguments(t *testing.T) {
	w := shared()
	for what, c := range map[string]struct {
		seed                      string
		owner, collection, reader []byte
		change                    func(f *abi.GrantFields)
		want                      *abi.Error
	}{
		"another's seed":       {"bob", w.alice, w.first, w.bob, nil, abi.ErrMismatch},
		"another's identity":   {"bob", w.bob, w.first, w.carol, nil, abi.ErrMismatch},
		"another's collection": {"alice", w.alice, w.foreign, w.bob, nil, abi.ErrMismatch},
		"to oneself":           {"alice", w.alice, w.first, w.alice, nil, abi.ErrMismatch},
		"kind 0":               {"alice", w.alice, w.first, w.bob, func(f *abi.GrantFields) { f.Kind = 0 }, abi.ErrMalformed},
		"ends before":          {"alice", w.alice, w.first, w.bob, func(f *abi.GrantFields) { f.Expires = 1 }, abi.ErrMalformed},
		"waits but is a link":  {"alice", w.alice, w.first, w.bob, func(f *abi.GrantFields) { f.Kind = abi.GrantLink }, abi.ErrMalformed},
		"scope too wide":       {"alice", w.alice, w.first, w.bob, func(f *abi.GrantFields) { f.Scope = make([][16]byte, MaxScope+1) }, abi.ErrTooLarge},
	} {
		f := grantFields()
		if c.change != nil {
			c.change(f)
		}
		g, k, err := NewGrant(seedOf(c.seed), c.owner, c.collection, c.reader, f)
		if check(t, what, err, c.want); g != nil || k != nil {
			t.Errorf("%s: a result with the error", what)
		}
	}
	_, _, err := NewGrant(seedOf("alice"), w.alice, w.first, w.bob, nil)
	check(t, "no fields", err, abi.ErrMalformed)

	wide := grantFields()
	wide.Scope = make([][16]byte, MaxScope)
	for i := range wide.Scope {
		wide.Scope[i][0], wide.Scope[i][1] = byte(^i>>8), byte(^i)
	}
	g, k := must2(NewGrant(seedOf("alice"), w.alice, w.first, w.bob, wide))
	if got := must(OpenGrant(w.alice, w.first, w.bob, g, k)); len(got.Scope) != MaxScope {
		t.Error("the widest scope is not kept")
	}
}
