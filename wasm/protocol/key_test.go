package protocol

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

func sha(b []byte) [32]byte { return sha256.Sum256(b) }

// keyOf draws and signs a key.
func keyOf(t *testing.T, who string, author, collection []byte) error {
	t.Helper()
	_, value, err := NewKey(seedOf(who), author, collection, id16(1))
	if err != nil {
		if _, err2 := NewKeyRecord(seedOf(who), author, collection, id16(1), shared().value, nil, abi.Extensions{}); err2 == nil {
			t.Error("a record where no key is given")
		}
		return err
	}
	record, err := NewKeyRecord(seedOf(who), author, collection, id16(1), value, nil, abi.Extensions{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = OpenKeyRecord(author, collection, record, value)
	return err
}

func TestDeposit(t *testing.T) {
	w := shared()
	with := func(deposit uint8, authors ...[32]byte) []byte {
		f := fields(w, 1, 1)
		f.Deposit, f.Authors = deposit, authors
		return must(NewCollection(seedOf("alice"), w.alice, nil, f))
	}
	closed, open, listed := with(abi.DepositClosed), with(abi.DepositOpen), with(abi.DepositListed, must(OpenIdentity(w.carol)).ID)
	for _, c := range []struct {
		what       string
		collection []byte
		who        string
		author     []byte
		allowed    bool
	}{
		{"closed, owner", closed, "alice", w.alice, true},
		{"closed, stranger", closed, "bob", w.bob, false},
		{"listed, owner", listed, "alice", w.alice, true},
		{"listed, author", listed, "carol", w.carol, true},
		{"listed, stranger", listed, "bob", w.bob, false},
		{"open, stranger", open, "bob", w.bob, true},
	} {
		err := keyOf(t, c.who, c.author, c.collection)
		if c.allowed && err != nil {
			t.Errorf("%s: %v", c.what, err)
		} else if !c.allowed {
			check(t, c.what, err, abi.ErrMismatch)
		}
	}
	check(t, "another's seed", keyOf(t, "bob", w.alice, w.first), abi.ErrMismatch)
	v := must(parseCollection(w.first))
	check(t, "owner sees a forged record", keyOf(t, "alice", w.alice, v.resign("mallory")), abi.ErrSignature)
}

// An openCase is a document key to be opened, with what comes of it.
type openCase struct {
	what, who                                   string
	own, author, collection, service, record, v []byte
	want                                        []byte
	status                                      *abi.Error
}

func openCases(w *world) []openCase {
	return []openCase{
		{"owner", "alice", w.alice, w.alice, w.first, w.service, w.key, w.value, w.documentKey, nil},
		{"owner, without service", "alice", w.alice, w.alice, w.first, nil, w.key, w.value, w.documentKey, nil},
		{"owner, later record", "alice", w.alice, w.alice, w.second, w.service, w.key, w.value, w.documentKey, nil},
		{"owner, another author", "alice", w.alice, w.carol, w.first, w.service, w.carolKey, w.carolValue, w.carolDocument, nil},
		{"reader", "bob", w.bob, w.alice, w.first, w.service, w.key, w.transformed, w.documentKey, nil},

		{"reader of a fresh value", "bob", w.bob, w.alice, w.first, w.service, w.key, w.value, nil, abi.ErrMismatch},
		{"reader without service", "bob", w.bob, w.alice, w.first, nil, w.key, w.transformed, nil, abi.ErrMalformed},
		{"another service", "bob", w.bob, w.alice, w.first, w.otherService, w.key, w.transformed, nil, abi.ErrMismatch},
		{"owner, another service", "alice", w.alice, w.alice, w.first, w.otherService, w.key, w.value, nil, abi.ErrMismatch},
		{"another reader", "carol", w.carol, w.alice, w.first, w.service, w.key, w.transformed, nil, abi.ErrDecrypt},
		{"owner of a transformed value", "alice", w.alice, w.alice, w.first, w.service, w.key, w.transformed, nil, abi.ErrDecrypt},
		{"another's seed", "carol", w.bob, w.alice, w.first, w.service, w.key, w.transformed, nil, abi.ErrMismatch},
		{"another author", "alice", w.alice, w.carol, w.first, w.service, w.key, w.value, nil, abi.ErrMismatch},
		{"another author's record", "alice", w.alice, w.alice, w.first, w.service, w.carolKey, w.value, nil, abi.ErrMismatch},
		{"another value", "alice", w.alice, w.alice, w.first, w.service, w.key, w.carolValue, nil, abi.ErrMismatch},
		{"another epoch", "alice", w.alice, w.alice, w.third, w.service, w.key, w.value, nil, abi.ErrMismatch},
		{"another collection", "alice", w.alice, w.alice, w.foreign, w.service, w.key, w.value, nil, abi.ErrMismatch},
		{"a transform key", "alice", w.alice, w.alice, w.first, w.service, w.key, w.transformKey, nil, abi.ErrMalformed},
		{"no value", "alice", w.alice, w.alice, w.first, w.service, w.key, nil, nil, abi.ErrMalformed},
	}
}

func TestOpenKey(t *testing.T) {
	for _, c := range openCases(shared()) {
		got, err := OpenKey(seedOf(c.who), c.own, c.author, c.collection, c.service, c.record, c.v)
		switch {
		case c.status != nil:
			if check(t, c.what, err, c.status); got != nil {
				t.Errorf("%s: a key with the error", c.what)
			}
		case err != nil:
			t.Errorf("%s: %v", c.what, err)
		case !bytes.Equal(got, c.want):
			t.Errorf("%s: another key", c.what)
		}
	}
}

// TestOpenKeyWrongEpochSeed: a collection record whose key is not the owner's
// seed's cannot be made by the owner, but by someone who stole the signing key.
func TestOpenKeyWrongEpochSeed(t *testing.T) {
	w := shared()
	v := must(parseCollection(w.first))
	private := must(epochKey(seedOf("mallory"), v.Salt, 1, id16(1), 1))
	v.key = private.PublicKey()
	v.PublicKey = v.key.Bytes()
	record := must(v.sign(must(recordKey(seedOf("alice"))), private))
	_, value := must2(NewKey(seedOf("alice"), w.alice, record, id16(1)))
	key := must(NewKeyRecord(seedOf("alice"), w.alice, record, id16(1), value, nil, abi.Extensions{}))
	_, err := OpenKey(seedOf("alice"), w.alice, w.alice, record, w.service, key, value)
	check(t, "owner", err, abi.ErrMismatch)
	_, _, err = NewGrant(seedOf("alice"), w.alice, record, w.bob, grantFields())
	check(t, "grant", err, abi.ErrMismatch)
}

// TestTransformedCorruption changes bytes of a transformed value: never another
// key. It steps, because every attempt decodes all the elements of the value.
func TestTransformedCorruption(t *testing.T) {
	w := shared()
	step := 3
	if testing.Short() {
		step = 17
	}
	for i := 0; i < len(w.transformed); i += step {
		b := bytes.Clone(w.transformed)
		b[i] ^= 1 << (i % 8)
		if key, err := OpenKey(seedOf("bob"), w.bob, w.alice, w.first, w.service, w.key, b); err == nil || key != nil {
			t.Errorf("change at %d: accepted", i)
		}
	}
}

func TestTransformKeyValue(t *testing.T) {
	w := shared()
	service := seedOf("service")
	for _, c := range []struct {
		what             string
		seed, value, key []byte
		want             *abi.Error
	}{
		{"second hop", service, w.transformed, w.transformKey, abi.ErrMismatch},
		{"no seed", nil, w.value, w.transformKey, abi.ErrMalformed},
		{"no value", service, nil, w.transformKey, abi.ErrMalformed},
		{"no key", service, w.value, nil, abi.ErrMalformed},
		{"swapped", service, w.transformKey, w.value, abi.ErrMalformed},
		{"zeros as a key of another suite", service, w.value, make([]byte, 1296), abi.ErrMalformed},
		{"key of no suite", service, w.value, make([]byte, 1000), abi.ErrMalformed},
		{"damaged key", service, w.value, flip(w.transformKey, 735), abi.ErrSignature},
		{"damaged value", service, flip(w.value, 575), w.transformKey, abi.ErrSignature},
	} {
		got, err := TransformKeyValue(c.seed, c.value, c.key)
		if check(t, c.what, err, c.want); got != nil {
			t.Errorf("%s: a value with the error", c.what)
		}
	}
	if len(recryptSizes()) != 2 {
		t.Error("two suites have transform keys of one size")
	}
}

// flip returns b with one bit changed that keeps an Ed25519 S below the order.
func flip(b []byte, at int) []byte {
	b = bytes.Clone(b)
	b[at] ^= 1
	return b
}

// recryptSizes is the set of transform key sizes.
func recryptSizes() map[int]bool {
	return map[int]bool{recrypt.Suite256.TransformKeySize(): true, recrypt.Suite480.TransformKeySize(): true}
}

// TestTwoTransforms: a value that two proxies transformed is refused, although
// the scheme could open it.
func TestTwoTransforms(t *testing.T) {
	w := shared()
	inner := must(recryptKey(seedOf("service")))
	bob := must(encryptionKey(seedOf("bob"), 1))
	onward := must(bob.TransformKey(must(openIdentity(w.carol)).key(1), must(recryptKey(seedOf("bob")))))
	twice := must(onward.Transform(must(recrypt.NewEncryptedValue(1, w.transformed)), inner)).Bytes()
	_, err := OpenKey(seedOf("carol"), w.carol, w.alice, w.first, w.service, w.key, twice)
	check(t, "two hops", err, abi.ErrMismatch)
	_, err = OpenKeyRecord(w.alice, w.first, w.key, w.transformed)
	check(t, "deposit of a transformed value", err, abi.ErrMismatch)

	// An author who transforms by himself signs level 1 with his own key.
	own := must(TransformKeyValue(seedOf("alice"), w.value, w.transformKey))
	_, err = OpenKeyRecord(w.alice, w.first, w.key, own)
	check(t, "deposit of a value that its author transformed", err, abi.ErrMismatch)
	_, err = NewKeyRecord(seedOf("alice"), w.alice, w.first, id16(0x50), own, nil, abi.Extensions{})
	check(t, "record for a value that its author transformed", err, abi.ErrMismatch)
}

// TestAuthorshipTheft: somebody signs another author's value again.
func TestAuthorshipTheft(t *testing.T) {
	w := shared()
	resigned := bytes.Clone(w.value)
	thief := must(recryptKey(seedOf("carol")))
	copy(resigned[480:512], thief.VerifyingKey().Bytes())
	copy(resigned[512:], thief.Sign(resigned[:480]))
	_, err := OpenKeyRecord(w.alice, w.first, w.key, resigned)
	check(t, "value of the record, signed by another", err, abi.ErrMismatch)
	_, err = NewKeyRecord(seedOf("carol"), w.carol, w.first, id16(0x50), w.value, nil, abi.Extensions{})
	check(t, "record for another's value", err, abi.ErrMismatch)
	_, err = NewKeyRecord(seedOf("alice"), w.alice, w.first, id16(0x50), w.transformed, nil, abi.Extensions{})
	check(t, "record for a transformed value", err, abi.ErrMismatch)
	_, err = NewKeyRecord(seedOf("alice"), w.alice, w.first, id16(0x50), nil, nil, abi.Extensions{})
	check(t, "record for nothing", err, abi.ErrMalformed)
}

// TestServiceSigns: only the collection's service may sign a transformed value.
func TestServiceSigns(t *testing.T) {
	w := shared()
	other := must(TransformKeyValue(seedOf("other service"), w.value, w.transformKey))
	_, err := OpenKey(seedOf("bob"), w.bob, w.alice, w.first, w.service, w.key, other)
	check(t, "transformed elsewhere", err, abi.ErrMismatch)
}

func TestKeyRecordRules(t *testing.T) {
	w := shared()
	for what, c := range map[string]struct {
		change func(v *keyRecord)
		want   *abi.Error
	}{
		"another service":    {func(v *keyRecord) { v.Service[0]++ }, abi.ErrMismatch},
		"another owner":      {func(v *keyRecord) { v.Owner[0]++ }, abi.ErrMismatch},
		"another collection": {func(v *keyRecord) { v.Collection[0]++ }, abi.ErrMismatch},
		"another epoch":      {func(v *keyRecord) { v.Epoch++ }, abi.ErrMismatch},
		"another author":     {func(v *keyRecord) { v.Author[0]++ }, abi.ErrMismatch},
		"author version 0":   {func(v *keyRecord) { v.AuthorVersion = 0 }, abi.ErrMalformed},
		"author version 2":   {func(v *keyRecord) { v.AuthorVersion = 2 }, abi.ErrMismatch},
		"another authHash":   {func(v *keyRecord) { v.authHash[0]++ }, abi.ErrMismatch},
		"no ephemeral point": {func(v *keyRecord) { v.ephemeral = make([]byte, 64) }, abi.ErrMalformed},
		"another ephemeral":  {func(v *keyRecord) { v.ephemeral = must(parseKeyRecord(w.carolKey)).ephemeral }, abi.ErrMismatch},
		"critical extension": {func(v *keyRecord) { v.ext = []byte{0x80, 1, 0, 0} }, abi.ErrMalformed},
	} {
		v := must(parseKeyRecord(w.key))
		c.change(v)
		_, err := OpenKeyRecord(w.alice, w.first, v.resign("alice"), w.value)
		check(t, what, err, c.want)
	}
	_, err := OpenKeyRecord(w.alice, w.first, must(parseKeyRecord(w.key)).resign("mallory"), nil)
	check(t, "signed by another", err, abi.ErrSignature)

	// The document key depends on the key id: a value does not serve two records.
	v := must(parseKeyRecord(w.key))
	v.Key[0]++
	got := must(OpenKey(seedOf("alice"), w.alice, w.alice, w.first, nil, v.resign("alice"), w.value))
	if bytes.Equal(got, w.documentKey) {
		t.Error("the document key does not depend on the key id")
	}
}

func TestPayload(t *testing.T) {
	w := shared()
	v := must(OpenKeyRecord(w.alice, w.first, w.key, w.value))
	if v.Payload == nil || v.Payload.Length != 1<<33 || v.Payload.Hash != id32(0x77) {
		t.Error("payload is not kept")
	}
	if v := must(OpenKeyRecord(w.carol, w.first, w.carolKey, nil)); v.Payload != nil {
		t.Error("a bare key has a payload")
	}
	p := must(parseKeyRecord(w.carolKey))
	has := len(p.body) - 2 - 41 // the last fields: 1 + 8 + 32 and an empty extension area
	for what, at := range map[string]int{"length": has + 8, "hash": has + 40} {
		body := flip(p.body, at)
		_, err := OpenKeyRecord(w.carol, w.first, append(body, must(recordKey(seedOf("carol"))).Sign(body)...), nil)
		check(t, "absent payload with a "+what, err, abi.ErrMalformed)
	}
	body := bytes.Clone(p.body)
	body[has] = 2
	_, err := OpenKeyRecord(w.carol, w.first, append(body, must(recordKey(seedOf("carol"))).Sign(body)...), nil)
	check(t, "payload flag 2", err, abi.ErrMalformed)
	empty := must(NewKeyRecord(seedOf("alice"), w.alice, w.first, id16(1), w.value, &abi.Payload{}, abi.Extensions{}))
	if v := must(OpenKeyRecord(w.alice, w.first, empty, nil)); v.Payload == nil {
		t.Error("an empty payload is taken for none")
	}
}

func TestRevocationRules(t *testing.T) {
	w := shared()
	alice, bob := must(OpenIdentity(w.alice)), must(OpenIdentity(w.bob))
	v := must(OpenRevocation(w.alice, w.revocation))
	if v.Revocation != id16(0x60) || v.Sequence != 1 || v.Reader != bob.ID || v.Time != 1_750_000_000_000 || v.Service != w.serviceID {
		t.Error("fields are not kept")
	}
	_, err := NewRevocation(seedOf("bob"), w.alice, w.second, bob.ID, id16(1), 1)
	check(t, "another's seed", err, abi.ErrMismatch)
	_, err = NewRevocation(seedOf("alice"), w.alice, w.foreign, bob.ID, id16(1), 1)
	check(t, "another's collection", err, abi.ErrMismatch)
	_, err = NewRevocation(seedOf("alice"), w.alice, w.second, alice.ID, id16(1), 1)
	check(t, "the owner", err, abi.ErrMismatch)
	_, err = OpenRevocation(w.mallory, w.revocation)
	check(t, "another owner", err, abi.ErrMismatch)
	forged := must(parseRevocation(w.revocation))
	_, err = OpenRevocation(w.alice, forged.resign("mallory"))
	check(t, "signed by another", err, abi.ErrSignature)
	forged.Reader = forged.Owner
	_, err = OpenRevocation(w.alice, forged.resign("alice"))
	check(t, "of the owner", err, abi.ErrMalformed)
}

func TestReceiptRules(t *testing.T) {
	w := shared()
	at, n, err := OpenReceipt(w.service, w.revocation, w.receipt)
	if err != nil || at != 1_750_000_000_001 || n != 3 {
		t.Fatal("receipt is not kept", err)
	}
	_, _, err = OpenReceipt(w.service, w.otherRevocation, w.receipt)
	check(t, "another revocation", err, abi.ErrMismatch)
	_, _, err = OpenReceipt(w.otherService, w.revocation, w.receipt)
	check(t, "another service", err, abi.ErrMismatch)
	_, _, err = OpenReceipt(w.service, w.revocation, must(parseReceipt(w.receipt)).resign("other service"))
	check(t, "signed by another", err, abi.ErrSignature)
	renamed := must(parseReceipt(w.receipt))
	renamed.service[0]++
	_, _, err = OpenReceipt(w.service, w.revocation, renamed.resign("service"))
	check(t, "signed in another's name", err, abi.ErrMismatch)
	_, err = NewReceipt(seedOf("other service"), w.otherService, w.revocation, 1, 1)
	check(t, "revocation for another service", err, abi.ErrMismatch)
	_, err = NewReceipt(seedOf("other service"), w.service, w.revocation, 1, 1)
	check(t, "another's seed", err, abi.ErrMismatch)
}

// TestKinds gives every record to the parser of every other type.
func TestKinds(t *testing.T) {
	w := shared()
	records := map[string][]byte{
		"identity": w.alice, "service": w.service, "collection": w.first, "grant": w.grant, "key": w.key,
		"revocation": w.revocation, "receipt": w.receipt, "value": w.value, "transform key": w.transformKey, "header": w.header,
		"sealed": must(SealSecret(nil, 1, seedOf("x"), 0, 0)), "nothing": nil,
	}
	parsers := map[string]func(b []byte) error{
		"identity":   func(b []byte) error { _, err := OpenIdentity(b); return err },
		"service":    func(b []byte) error { _, err := OpenService(b); return err },
		"collection": func(b []byte) error { _, err := OpenCollection(w.alice, b, nil); return err },
		"grant":      func(b []byte) error { _, err := OpenGrant(w.alice, nil, nil, b, nil); return err },
		"key":        func(b []byte) error { _, err := OpenKeyRecord(w.alice, w.first, b, nil); return err },
		"revocation": func(b []byte) error { _, err := OpenRevocation(w.alice, b); return err },
		"receipt":    func(b []byte) error { _, _, err := OpenReceipt(w.service, w.revocation, b); return err },
		"sealed":     func(b []byte) error { _, _, err := OpenSecret(nil, b); return err },
		"header":     func(b []byte) error { _, err := OpenHeader(b); return err },
	}
	for parser, parse := range parsers {
		for name, record := range records {
			if err := parse(record); name == parser && err != nil {
				t.Errorf("%s: %v", name, err)
			} else if name != parser {
				check(t, name+" as "+parser, err, abi.ErrMalformed)
			}
		}
	}
}

// TestOpenKeyRecordAlone: without a collection the record is still its author's,
// says where it belongs, and its value is still checked.
func TestOpenKeyRecordAlone(t *testing.T) {
	w := shared()
	v, err := OpenKeyRecord(w.carol, nil, w.carolKey, w.carolValue)
	if err != nil {
		t.Fatal(err)
	}
	of := must(OpenCollection(w.alice, w.first, nil))
	if v.Collection != of.Collection || v.Epoch != of.Epoch || v.Service != of.Service || v.Owner != of.Owner {
		t.Error("the record names another place than its collection")
	}
	if _, err := OpenKeyRecord(w.alice, nil, w.carolKey, nil); !errors.Is(err, abi.ErrMismatch) {
		t.Errorf("another author: %v", err)
	}
	if _, err := OpenKeyRecord(w.carol, nil, w.carolKey, w.value); !errors.Is(err, abi.ErrMismatch) {
		t.Errorf("another value: %v", err)
	}
}
