package protocol

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

// seedOf is a fixed seed of a person or server in the tests.
func seedOf(name string) []byte {
	h := sha256.Sum256([]byte("test seed of " + name))
	return h[:]
}

func id16(b byte) (id [16]byte) {
	for i := range id {
		id[i] = b + byte(i)
	}
	return id
}

func id32(b byte) (id [32]byte) {
	for i := range id {
		id[i] = b + byte(i)
	}
	return id
}

// must returns v unless there is an error.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// must2 is must for two results.
func must2[A, B any](a A, b B, err error) (A, B) {
	if err != nil {
		panic(err)
	}
	return a, b
}

// check fails the test unless err has a status and nothing else came with it.
func check(t *testing.T, what string, err error, want *abi.Error) {
	t.Helper()
	var e *abi.Error
	switch {
	case err == nil:
		t.Errorf("%s: accepted", what)
	case !errors.As(err, &e):
		t.Errorf("%s: an error of another type: %v", what, err)
	case len(e.Message) > 100 || !visible(strings.ReplaceAll(e.Message, " ", "_")):
		t.Errorf("%s: a message that is long or not printable: %q", what, e.Message)
	case want != nil && e.Status != want.Status:
		t.Errorf("%s: status %d (%s), want %d", what, e.Status, e.Message, want.Status)
	}
}

// A world holds one record of every type, of two owners so that records can be
// swapped. Its records are made in a fixed order.
type world struct {
	alice, bob, carol, mallory          []byte // identities
	service, otherService               []byte
	serviceID                           [32]byte
	first, second, third                []byte // collection records of alice: same epoch, next epoch
	foreign                             []byte // collection record of mallory
	grant, transformKey                 []byte // alice to bob, first
	otherGrant, otherTransformKey       []byte // alice to carol, first
	key, value, documentKey             []byte // by alice in first
	carolKey, carolValue, carolDocument []byte // by carol in first
	transformed                         []byte // value for bob
	revocation, otherRevocation         []byte
	receipt                             []byte
	header                              []byte
}

func fields(w *world, epoch uint32, salt byte, readers ...abi.ReaderRef) *abi.CollectionFields {
	return &abi.CollectionFields{
		Service: w.serviceID, Collection: must(DefaultCollection(seedOf("alice"), w.serviceID)), Epoch: epoch, Suite: 1, Salt: id32(salt),
		Readers: readers, Deposit: abi.DepositListed, Authors: [][32]byte{must(OpenIdentity(w.carol)).ID}, Title: []byte("title"),
	}
}

func grantFields() *abi.GrantFields {
	return &abi.GrantFields{
		Grant: id16(0x10), Kind: abi.GrantPending, Scope: [][16]byte{id16(0x90), id16(0x50)},
		NotBefore: 1_700_000_000_000, Expires: 1_800_000_000_000, Wait: 86_400_000, Uses: 7,
	}
}

func newWorld() *world {
	w := &world{}
	w.alice = must(NewIdentity(seedOf("alice"), seedOf("alice's recovery"), []byte{1}))
	w.bob = must(NewIdentity(seedOf("bob"), seedOf("bob's recovery"), []byte{1}))
	w.carol = must(NewIdentity(seedOf("carol"), seedOf("carol's recovery"), []byte{1}))
	w.mallory = must(NewIdentity(seedOf("mallory"), seedOf("mallory's recovery"), []byte{1}))
	w.service = must(NewService(seedOf("service")))
	w.otherService = must(NewService(seedOf("other service")))
	w.serviceID = must(OpenService(w.service)).ID

	bob := must(OpenIdentity(w.bob))
	ref := abi.ReaderRef{ID: bob.ID, Version: 1}
	w.first = must(NewCollection(seedOf("alice"), w.alice, nil, fields(w, 1, 0x20)))
	w.second = must(NewCollection(seedOf("alice"), w.alice, w.first, fields(w, 1, 0x20, ref)))
	w.third = must(NewCollection(seedOf("alice"), w.alice, w.second, fields(w, 2, 0x30)))
	w.foreign = must(NewCollection(seedOf("mallory"), w.mallory, nil, fields(w, 1, 0x20)))

	w.grant, w.transformKey = must2(NewGrant(seedOf("alice"), w.alice, w.first, w.bob, grantFields()))
	w.otherGrant, w.otherTransformKey = must2(NewGrant(seedOf("alice"), w.alice, w.first, w.carol, grantFields()))

	w.documentKey, w.value = must2(NewKey(seedOf("alice"), w.alice, w.first, id16(0x50)))
	w.key = must(NewKeyRecord(seedOf("alice"), w.alice, w.first, id16(0x50), w.value, &abi.Payload{Length: 1 << 33, Hash: id32(0x77)}, abi.Extensions{}))
	w.carolDocument, w.carolValue = must2(NewKey(seedOf("carol"), w.carol, w.first, id16(0x50)))
	w.carolKey = must(NewKeyRecord(seedOf("carol"), w.carol, w.first, id16(0x50), w.carolValue, nil, abi.Extensions{}))
	w.transformed = must(TransformKeyValue(seedOf("service"), w.value, w.transformKey))

	w.revocation = must(NewRevocation(seedOf("alice"), w.alice, w.second, bob.ID, id16(0x60), 1_750_000_000_000))
	w.otherRevocation = must(NewRevocation(seedOf("alice"), w.alice, w.second, bob.ID, id16(0x61), 1_750_000_000_000))
	w.receipt = must(NewReceipt(seedOf("service"), w.service, w.revocation, 1_750_000_000_001, 3))
	w.header = must(NewHeader(&abi.Header{Key: id16(0x50), Collection: id16(1), Epoch: 1, Author: id32(9), Server: "https://files.example"}))
	return w
}

// shared is a world for tests that do not change it.
var shared = sync.OnceValue(newWorld)

// recordOpener opens a record of one type with everything that belongs to it.
type recordOpener struct {
	name   string
	record func(w *world) []byte
	open   func(w *world, record []byte) (any, error)
	empty  bool // an empty record means that it is not given
}

// orNil turns a typed nil into a plain one.
func orNil[T any](v *T, err error) (any, error) {
	if v == nil {
		return nil, err
	}
	return v, err
}

func openers() []recordOpener {
	return []recordOpener{
		{"identity", func(w *world) []byte { return w.alice }, func(w *world, b []byte) (any, error) { return orNil(OpenIdentity(b)) }, false},
		{"service", func(w *world) []byte { return w.service }, func(w *world, b []byte) (any, error) { return orNil(OpenService(b)) }, false},
		{"collection", func(w *world) []byte { return w.second }, func(w *world, b []byte) (any, error) { return orNil(OpenCollection(w.alice, b, w.first)) }, false},
		{"previous collection", func(w *world) []byte { return w.first }, func(w *world, b []byte) (any, error) { return orNil(OpenCollection(w.alice, w.second, b)) }, true},
		{"grant", func(w *world) []byte { return w.grant }, func(w *world, b []byte) (any, error) { return orNil(OpenGrant(w.alice, nil, nil, b, nil)) }, false},
		{"transform key", func(w *world) []byte { return w.transformKey }, func(w *world, b []byte) (any, error) { return orNil(OpenGrant(w.alice, nil, nil, w.grant, b)) }, true},
		{"key", func(w *world) []byte { return w.key }, func(w *world, b []byte) (any, error) { return orNil(OpenKeyRecord(w.alice, w.first, b, nil)) }, false},
		{"value", func(w *world) []byte { return w.value }, func(w *world, b []byte) (any, error) { return orNil(OpenKeyRecord(w.alice, w.first, w.key, b)) }, true},
		{"revocation", func(w *world) []byte { return w.revocation }, func(w *world, b []byte) (any, error) { return orNil(OpenRevocation(w.alice, b)) }, false},
		{"receipt", func(w *world) []byte { return w.receipt }, func(w *world, b []byte) (any, error) {
			if at, n, err := OpenReceipt(w.service, w.revocation, b); err != nil {
				if at != 0 || n != 0 {
					return n, err
				}
				return nil, err
			}
			return true, nil
		}, false},
		{"receipt's revocation", func(w *world) []byte { return w.revocation }, func(w *world, b []byte) (any, error) {
			if _, _, err := OpenReceipt(w.service, b, w.receipt); err != nil {
				return nil, err
			}
			return true, nil
		}, false},
	}
}

// TestRoundTrip opens every record of the world with everything that it can be
// checked against.
func TestRoundTrip(t *testing.T) {
	w := shared()
	for _, o := range openers() {
		if v, err := o.open(w, o.record(w)); err != nil || v == nil {
			t.Errorf("%s: %v", o.name, err)
		}
	}
	if _, err := OpenGrant(w.alice, w.first, w.bob, w.grant, w.transformKey); err != nil {
		t.Errorf("complete grant: %v", err)
	}
	if _, err := OpenKeyRecord(w.carol, w.second, w.carolKey, w.carolValue); err != nil {
		t.Errorf("key of another author, later record of the epoch: %v", err)
	}
}

// TestCorruption changes every byte of every record, cuts it at every length, and
// adds a byte: nothing is accepted, and nothing comes with the error.
func TestCorruption(t *testing.T) {
	w := shared()
	step := 1
	if testing.Short() {
		step = 7
	}
	for _, o := range openers() {
		t.Run(o.name, func(t *testing.T) {
			record := o.record(w)
			try := func(what string, i int, b []byte) {
				if v, err := o.open(w, b); err == nil || v != nil {
					t.Errorf("%s at %d of %d: accepted", what, i, len(record))
				}
			}
			for i := 0; i < len(record); i += step {
				b := bytes.Clone(record)
				b[i] ^= 1 << (i % 8)
				try("change", i, b)
				if i > 0 || !o.empty {
					try("cut", i, record[:i])
				}
			}
			try("addition", len(record), append(bytes.Clone(record), 0))
		})
	}
}

// TestNoAliasing: results survive the wiping of what they were read from.
func TestNoAliasing(t *testing.T) {
	w := shared()
	second := bytes.Clone(w.second)
	c := must(OpenCollection(w.alice, second, nil))
	clear(second)
	if string(c.Title) != "title" || len(c.PublicKey) != 64 || bytes.Equal(c.PublicKey, make([]byte, 64)) {
		t.Error("collection aliases its record")
	}
	alice := bytes.Clone(w.alice)
	i := must(OpenIdentity(alice))
	clear(alice)
	if bytes.Equal(i.Keys[0].PublicKey, make([]byte, 64)) {
		t.Error("identity aliases its record")
	}
	ana := bytes.Clone(lived().ana)
	p := must(parsePerson(ana))
	clear(ana)
	if v := p.versions[1]; bytes.Equal(v.sealed, make([]byte, previousSeedSize)) || bytes.Equal(v.body, make([]byte, len(v.body))) {
		t.Error("version aliases its record")
	}
}

// The resign methods make changed records, signed well, for the rules behind the
// signatures.

func (v *collection) resign(who string) []byte {
	private := must(epochKey(seedOf(who), v.Salt, recrypt.Suite(v.Suite), v.Collection.Collection, v.Epoch))
	v.key = private.PublicKey()
	v.PublicKey = v.key.Bytes()
	return must(v.sign(must(recordKey(seedOf(who))), private))
}

func (v *grant) resign(who string) []byte {
	w := newWriter("grant")
	v.writeBody(w)
	return append(w.b, must(recordKey(seedOf(who))).Sign(w.b)...)
}

func (v *keyRecord) resign(who string) []byte {
	w := newWriter("key")
	v.writeBody(w)
	return append(w.b, must(recordKey(seedOf(who))).Sign(w.b)...)
}

func (v *revocation) resign(who string) []byte {
	w := newWriter("revocation")
	v.writeBody(w)
	return append(w.b, must(recordKey(seedOf(who))).Sign(w.b)...)
}

func (v *receipt) resign(who string) []byte {
	w := newWriter("receipt")
	v.writeBody(w)
	return append(w.b, must(recordKey(seedOf(who))).Sign(w.b)...)
}
