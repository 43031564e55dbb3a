package protocol

import (
	"bytes"
	"sync"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

// A strongWorld is what a world gains with recrypt480: alice has a second version of
// her identity, dora had both suites from the start, and alice shares a collection
// of recrypt480 with her. Its records are made in a fixed order.
type strongWorld struct {
	alice, dora           []byte // identities
	first, second         []byte // collection records of alice: same epoch
	grant, transformKey   []byte // alice to dora, first
	key, value, document  []byte // by alice in first
	transformed           []byte // value for dora
	bobs, bobsGrant       []byte // bob's second version, and alice's grant to it in the old collection
	bobsKey, revoked, old []byte // its transform key; alice's revocation of dora; first record of the old collection as version 2
}

// strongFields are those of alice's collection of recrypt480.
func strongFields(w *world, readers ...abi.ReaderRef) *abi.CollectionFields {
	f := fields(w, 1, 0x40, readers...)
	f.Collection, f.Suite = id16(0xa0), abi.Suite480
	return f
}

func newStrongWorld(w *world) *strongWorld {
	s := &strongWorld{}
	alice := seedOf("alice")
	s.alice = must(NewIdentityVersion(alice, w.alice, []byte{2}))
	s.dora = must(NewIdentity(seedOf("dora"), seedOf("dora's recovery"), []byte{1, 2}))
	dora := must(OpenIdentity(s.dora)).ID
	s.first = must(NewCollection(alice, s.alice, nil, strongFields(w)))
	s.second = must(NewCollection(alice, s.alice, s.first, strongFields(w, abi.ReaderRef{ID: dora, Version: 1})))
	s.grant, s.transformKey = must2(NewGrant(alice, s.alice, s.first, s.dora, grantFields()))
	s.document, s.value = must2(NewKey(alice, s.alice, s.first, id16(0x50)))
	s.key = must(NewKeyRecord(alice, s.alice, s.first, id16(0x50), s.value, &abi.Payload{Length: 5, Hash: id32(0x77)}, abi.Extensions{}))
	s.transformed = must(TransformKeyValue(seedOf("service"), s.value, s.transformKey))
	s.revoked = must(NewRevocation(alice, s.alice, s.second, dora, id16(0x62), 1_750_000_000_000))

	s.bobs = must(NewIdentityVersion(seedOf("bob"), w.bob, []byte{1, 2}))
	s.old = must(NewCollection(alice, s.alice, w.second, fields(w, 1, 0x20)))
	s.bobsGrant, s.bobsKey = must2(NewGrant(alice, s.alice, s.old, s.bobs, grantFields()))
	return s
}

var strong = sync.OnceValue(func() *strongWorld { return newStrongWorld(shared()) })

// TestStrongStory opens everything of the recrypt480 collection, the transformed
// value included.
func TestStrongStory(t *testing.T) { strong().opens(t, shared()) }

func (s *strongWorld) opens(t *testing.T, w *world) {
	if _, err := OpenCollection(s.alice, s.second, s.first); err != nil {
		t.Errorf("collection: %v", err)
	}
	if _, err := OpenGrant(s.alice, s.first, s.dora, s.grant, s.transformKey); err != nil {
		t.Errorf("grant: %v", err)
	}
	if v, err := OpenKeyRecord(s.alice, s.second, s.key, s.value); err != nil || v.Suite != abi.Suite480 || v.AuthorVersion != 2 {
		t.Errorf("key record: %+v, %v", v, err)
	}
	if key, err := OpenKey(seedOf("alice"), s.alice, s.alice, s.first, nil, s.key, s.value); err != nil || !bytes.Equal(key, s.document) {
		t.Errorf("as the owner: %v", err)
	}
	if key, err := OpenKey(seedOf("dora"), s.dora, s.alice, s.second, w.service, s.key, s.transformed); err != nil || !bytes.Equal(key, s.document) {
		t.Errorf("as the reader: %v", err)
	}
	if _, err := OpenKey(seedOf("bob"), s.bobs, s.alice, s.second, w.service, s.key, s.transformed); err == nil {
		t.Error("as somebody else: opened")
	}
	if _, err := OpenGrant(s.alice, s.old, s.bobs, s.bobsGrant, s.bobsKey); err != nil {
		t.Errorf("grant to version 2: %v", err)
	}
	if _, err := OpenRevocation(s.alice, s.revoked); err != nil {
		t.Errorf("revocation: %v", err)
	}
	for what, size := range map[string][2]int{
		"transform key":     {len(s.transformKey), 1296},
		"value":             {len(s.value), 968},
		"transformed value": {len(s.transformed), 968 + 1680},
		"identity":          {len(s.dora), 27 + 1 + 4 + 64 + 96 + 1 + 1 + 64 + 1 + 120 + 2 + 64 + 120 + 64},
	} {
		if size[0] != size[1] {
			t.Errorf("%s has %d bytes, want %d", what, size[0], size[1])
		}
	}
}

// TestMixedSuites puts things of one suite in the place of the other's.
func TestMixedSuites(t *testing.T) {
	w, s := shared(), strong()
	alice, service := seedOf("alice"), seedOf("service")
	second := func(_ any, err error) error { return err }
	for what, err := range map[string]error{
		"grant to a reader without the suite": func() error {
			_, _, err := NewGrant(alice, s.alice, s.first, w.bob, grantFields())
			return err
		}(),
		"value of 256, key of 480":        second(TransformKeyValue(service, w.value, s.transformKey)),
		"value of 480, key of 256":        second(TransformKeyValue(service, s.value, w.transformKey)),
		"record for a value of 480":       second(NewKeyRecord(alice, s.alice, w.first, id16(1), s.value, nil, abi.Extensions{})),
		"record for a value of 256":       second(NewKeyRecord(alice, s.alice, s.first, id16(1), w.value, nil, abi.Extensions{})),
		"record of 256, value of 480":     second(OpenKeyRecord(s.alice, nil, w.key, s.value)),
		"value of 256 in a record of 480": second(OpenKey(alice, s.alice, s.alice, s.first, nil, s.key, w.value)),
		"transform key of 480, grant of 256": func() error {
			v := must(parseGrant(w.grant))
			v.TransformKeyHash = sha(s.transformKey)
			return second(OpenGrant(w.alice, nil, nil, v.resign("alice"), s.transformKey))
		}(),
		"reader whose identity lacks the suite": second(OpenKey(seedOf("dora"),
			must(NewIdentity(seedOf("dora"), seedOf("dora's recovery"), []byte{1})), s.alice, s.first, w.service, s.key, s.transformed)),
	} {
		check(t, what, err, abi.ErrSuite)
	}
	f := fields(w, 2, 0x31)
	f.Suite = abi.Suite480
	for what, err := range map[string]error{
		"next epoch with another suite":    second(NewCollection(alice, s.alice, w.second, f)),
		"key record in another collection": second(OpenKeyRecord(s.alice, w.first, s.key, nil)),
		"grant of another collection":      second(OpenGrant(s.alice, w.first, nil, s.grant, nil)),
	} {
		check(t, what, err, abi.ErrMismatch)
	}
	third := must(parseCollection(w.third))
	third.Suite = uint8(abi.Suite480)
	check(t, "change of suite", third.follows(must(parseCollection(w.second)), must(openIdentity(s.alice))), abi.ErrMismatch)
	if suiteOfValue(w.transformed) != recrypt.Suite256 || suiteOfValue(s.transformed) != recrypt.Suite480 || suiteOfValue(w.value[1:]) != 0 {
		t.Error("suite of a value by its length")
	}
}
