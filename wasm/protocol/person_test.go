package protocol

import (
	"bytes"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

// records takes an identity apart.
func records(identity []byte) (out [][]byte) {
	for len(identity) > 0 {
		r := newReader("identity", identity)
		readIdentity(r)
		out, identity = append(out, identity[:r.off]), identity[r.off:]
	}
	return out
}

// resign makes a changed version, signed well by who, with the encryption keys of
// the seed of who.
func (v *identity) resign(who string) []byte {
	var private []*recrypt.PrivateKey
	for _, k := range v.Keys {
		private = append(private, must(encryptionKey(seedOf(who), recrypt.Suite(k.Suite))))
	}
	return must(v.sign(must(recordKey(seedOf(who))), private))
}

func TestNewIdentityVersion(t *testing.T) {
	w, s := shared(), strong()
	first, second := must(OpenIdentity(w.alice)), must(OpenIdentity(s.alice))
	if second.ID != first.ID || second.Version != 2 || len(second.Keys) != 2 || second.SigningKey != first.SigningKey ||
		second.RecryptKey != first.RecryptKey || second.RecoveryHash != first.RecoveryHash {
		t.Errorf("version 2 is %+v", second)
	}
	if !bytes.Equal(second.Keys[0].PublicKey, first.Keys[0].PublicKey) || second.Keys[1].Suite != abi.Suite480 {
		t.Error("version 2 does not keep and add")
	}
	// A seed gives the same keys whenever a suite was added.
	at := must(OpenIdentity(must(NewIdentity(seedOf("alice"), seedOf("alice's recovery"), []byte{1, 2}))))
	if !bytes.Equal(at.Keys[1].PublicKey, second.Keys[1].PublicKey) || at.ID == second.ID {
		t.Error("another key than an identity has that had both suites from the start")
	}
	if !bytes.HasPrefix(s.alice, w.alice) || len(records(s.alice)) != 2 {
		t.Error("earlier records are not kept as they were")
	}
	down := must(NewIdentity(seedOf("alice"), seedOf("alice's recovery"), []byte{2}))
	if v := must(OpenIdentity(must(NewIdentityVersion(seedOf("alice"), down, []byte{1})))); v.Keys[0].Suite != 1 || v.Keys[1].Suite != 2 {
		t.Error("suites are not in order")
	}
	for _, c := range []struct {
		what           string
		seed, identity []byte
		suites         []byte
		want           *abi.Error
	}{
		{"has it already", seedOf("alice"), w.alice, []byte{1}, abi.ErrMismatch},
		{"has both already", seedOf("alice"), s.alice, []byte{1, 2}, abi.ErrMismatch},
		{"another seed", seedOf("bob"), w.alice, []byte{2}, abi.ErrMismatch},
		{"recovery seed", seedOf("alice's recovery"), w.alice, []byte{2}, abi.ErrMismatch},
		{"no suite", seedOf("alice"), w.alice, nil, abi.ErrMalformed},
		{"twice", seedOf("alice"), w.alice, []byte{2, 2}, abi.ErrMalformed},
		{"unknown suite", seedOf("alice"), w.alice, []byte{3}, abi.ErrSuite},
		{"no identity", seedOf("alice"), nil, []byte{2}, abi.ErrMalformed},
		{"a service", seedOf("service"), w.service, []byte{2}, abi.ErrMalformed},
	} {
		got, err := NewIdentityVersion(c.seed, c.identity, c.suites)
		if check(t, c.what, err, c.want); got != nil {
			t.Errorf("%s: a record with the error", c.what)
		}
	}
}

// TestVersionRules changes version 2 and signs it again.
func TestVersionRules(t *testing.T) {
	w, s := shared(), strong()
	open := func(change func(v *identity), who string) error {
		v := must(parseIdentity(records(s.alice)[1]))
		change(v)
		_, err := OpenIdentity(append(bytes.Clone(w.alice), v.resign(who)...))
		return err
	}
	if err := open(func(*identity) {}, "alice"); err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(v *identity){
		"version 3":               func(v *identity) { v.Version = 3 },
		"version 1 again":         func(v *identity) { v.Version, v.previous = 1, zero32 },
		"another id":              func(v *identity) { v.ID[0]++ },
		"another previous record": func(v *identity) { v.previous[0]++ },
		"another signing key":     func(v *identity) { v.SigningKey = must(OpenIdentity(w.bob)).SigningKey },
		"another recrypt key":     func(v *identity) { v.RecryptKey = must(OpenIdentity(w.bob)).RecryptKey },
		"another recovery hash":   func(v *identity) { v.RecoveryHash[0]++ },
		"a suite removed":         func(v *identity) { v.Keys, v.keys = v.Keys[1:], v.keys[1:] },
		"no suite added":          func(v *identity) { v.Keys, v.keys = v.Keys[:1], v.keys[:1] },
		"an encryption key changed": func(v *identity) {
			v.Keys[0].PublicKey = must(OpenIdentity(w.bob)).Keys[0].PublicKey
		},
	} {
		check(t, what, open(change, "alice"), abi.ErrMismatch)
	}
	check(t, "signed by another", open(func(*identity) {}, "bob"), abi.ErrSignature)
	check(t, "another's key added", open(func(v *identity) {
		v.Keys[1].PublicKey = must(OpenIdentity(s.dora)).Keys[1].PublicKey
	}, "alice"), abi.ErrSignature)
	check(t, "critical extension", open(func(v *identity) { v.ext = []byte{0x80, 1, 0, 0} }, "alice"), abi.ErrMalformed)
	if err := open(func(v *identity) { v.ext = []byte{0, 1, 0, 0} }, "alice"); err != nil {
		t.Errorf("an extension: %v", err)
	}
}

// TestVersionOrder: the records of an identity come whole, in order, and once.
func TestVersionOrder(t *testing.T) {
	w, s := shared(), strong()
	two := records(s.alice)
	bobs := records(s.bobs)
	fork := records(must(NewIdentityVersion(seedOf("alice"), w.alice, []byte{2})))
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	for what, c := range map[string]struct {
		identity []byte
		want     *abi.Error
	}{
		"version 2 alone":        {two[1], abi.ErrMismatch},
		"in the wrong order":     {join(two[1], two[0]), abi.ErrMismatch},
		"version 1 twice":        {join(two[0], two[0]), abi.ErrMismatch},
		"version 2 twice":        {join(two[0], two[1], two[1]), abi.ErrMismatch},
		"two of one number":      {join(two[0], two[1], fork[1]), abi.ErrMismatch},
		"another's version 2":    {join(two[0], bobs[1]), abi.ErrMismatch},
		"another's at the end":   {join(two[0], two[1], w.bob), abi.ErrMismatch},
		"after version 1 remade": {join(must(NewIdentity(seedOf("alice"), seedOf("alice's recovery"), []byte{1})), two[1]), abi.ErrMismatch},
		"a service behind":       {join(two[0], w.service), abi.ErrMalformed},
		"a byte behind":          {append(bytes.Clone(s.alice), 27), abi.ErrMalformed},
		"cut":                    {s.alice[:len(s.alice)-1], abi.ErrMalformed},
	} {
		v, err := OpenIdentity(c.identity)
		if check(t, what, err, c.want); v != nil {
			t.Errorf("%s: a result with the error", what)
		}
	}
	if _, err := OpenIdentity(join(fork...)); err != nil {
		t.Errorf("another version 2: %v", err)
	}
	for i := 0; i < len(s.alice); i += 1 + len(s.alice)/150 {
		b := bytes.Clone(s.alice)
		b[i] ^= 1 << (i % 8)
		if v, err := OpenIdentity(b); err == nil || v != nil {
			t.Errorf("changed at %d of %d: accepted", i, len(b))
		}
	}
}

// TestVersionBound: the number of versions is bounded before anything is verified.
// With two suites no chain of them can have so many, so the rule is tested on its own.
func TestVersionBound(t *testing.T) {
	p := &person{}
	for n := range uint32(MaxVersions) {
		v := &identity{Identity: abi.Identity{ID: id32(1), Version: n + 1}}
		p.identity, p.versions = v, append(p.versions, v)
	}
	for version, want := range map[uint32]bool{0: false, 1: true, MaxVersions: true, MaxVersions + 1: false, 1<<32 - 1: false} {
		if got := p.at(id32(1), version); (got != nil) != want || got != nil && got.Version != version {
			t.Errorf("version %d: %v", version, got)
		}
		if p.at(id32(2), version) != nil {
			t.Errorf("version %d of another", version)
		}
	}
	check(t, "one more", p.add(&identity{}), abi.ErrTooLarge)
}

// TestOldVersionsStayGood: what names version 1 holds beside version 2, and nothing
// that names version 2 opens with the first record alone.
func TestOldVersionsStayGood(t *testing.T) {
	w, s := shared(), strong()
	carol := must(NewIdentityVersion(seedOf("carol"), w.carol, []byte{2}))
	dead := func(_ any, err error) error { return err }
	for what, err := range map[string]error{
		"collection":                       dead(OpenCollection(s.alice, w.third, w.second)),
		"collection of version 2 after 1":  dead(OpenCollection(s.alice, s.old, w.second)),
		"grant, both sides newer":          dead(OpenGrant(s.alice, w.first, s.bobs, w.grant, w.transformKey)),
		"grant to the newer version":       dead(OpenGrant(s.alice, s.old, s.bobs, s.bobsGrant, s.bobsKey)),
		"key record":                       dead(OpenKeyRecord(carol, w.first, w.carolKey, w.carolValue)),
		"revocation":                       dead(OpenRevocation(s.alice, w.revocation)),
		"key of the owner":                 dead(OpenKey(seedOf("alice"), s.alice, carol, w.first, nil, w.carolKey, w.carolValue)),
		"key of a reader of version 1":     dead(OpenKey(seedOf("bob"), s.bobs, s.alice, w.first, w.service, w.key, w.transformed)),
		"revocation of an older record":    dead(NewRevocation(seedOf("alice"), s.alice, w.second, id32(1), id16(1), 1)),
		"new key in a collection before 2": dead(NewKeyRecord(seedOf("carol"), carol, w.first, id16(0x50), w.carolValue, nil, abi.Extensions{})),
	} {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	for what, err := range map[string]error{
		"collection":                 dead(OpenCollection(w.alice, s.first, nil)),
		"grant by version 2":         dead(OpenGrant(w.alice, nil, nil, s.grant, nil)),
		"grant to version 2":         dead(OpenGrant(s.alice, nil, w.bob, s.bobsGrant, nil)),
		"key record":                 dead(OpenKeyRecord(w.alice, nil, s.key, nil)),
		"revocation":                 dead(OpenRevocation(w.alice, s.revoked)),
		"own collection, older self": dead(NewKeyRecord(seedOf("alice"), w.alice, s.first, id16(1), s.value, nil, abi.Extensions{})),
		"a version that is missing": func() error {
			v := must(parseGrant(s.bobsGrant))
			v.ReaderVersion = 3
			return dead(OpenGrant(s.alice, nil, s.bobs, v.resign("alice"), nil))
		}(),
		"back to version 1": func() error {
			v := must(parseCollection(w.third))
			v.Previous, v.Sequence = must(parseCollection(s.old)).Hash, 3
			return dead(OpenCollection(s.alice, v.resign("alice"), s.old))
		}(),
		"a key that version 1 does not have": func() error {
			v := must(parseGrant(s.grant))
			v.Reader, v.ReaderVersion, v.readerKey = must(OpenIdentity(s.bobs)).ID, 1, must(openIdentity(s.bobs)).key(recrypt.Suite480)
			return dead(OpenGrant(s.alice, nil, s.bobs, v.resign("alice"), nil))
		}(),
	} {
		check(t, what, err, abi.ErrMismatch)
	}
}

// parseIdentity reads an identity record of any version and verifies nothing that
// needs more than the fields: encodings, points, order.
func parseIdentity(record []byte) (*identity, error) {
	r := newReader("identity", record)
	v := readIdentity(r)
	if err := r.end(); err != nil {
		return nil, err
	}
	return v, nil
}
