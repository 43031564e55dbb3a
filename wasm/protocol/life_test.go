package protocol

import (
	"bytes"
	"sync"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// A life is that of ana, whose identity has four versions: the second and the fourth change
// her keys, the third adds recrypt480. She opens an epoch of her collection under each of
// her three seeds and deposits a key in it. ben reads it; his second version changes his
// keys. Its records are made in a fixed order.
type life struct {
	ana, ben     []byte // all versions
	epochs       [3]epochOfLife
	bensOld      []byte    // his first version
	grants, keys [3][]byte // to his second version, for each epoch
	lost         []byte    // ana's second version without the seed before
}

// An epochOfLife is an epoch with a document, and what ben got of it as version 1.
type epochOfLife struct {
	seed, ana                 []byte // of then
	record                    []byte
	grant, transformKey       []byte
	document, value, key, got []byte
}

// generation is the name of a seed of a generation.
func generation(who string, n int) string { return who + []string{"", " again", " once more"}[n] }

func newLife(w *world) *life {
	l := &life{}
	first := must(NewIdentity(seedOf("ana"), seedOf("ana's recovery"), []byte{1}))
	second := must(RotateIdentity(seedOf("ana"), nil, seedOf("ana again"), nil, first, 1, []byte{1}))
	third := must(NewIdentityVersion(seedOf("ana again"), second, []byte{2}))
	l.ana = must(RotateIdentity(seedOf("ana again"), nil, seedOf("ana once more"), nil, third, 3, []byte{1, 2}))
	l.bensOld = must(NewIdentity(seedOf("ben"), seedOf("ben's recovery"), []byte{1}))
	var previous []byte
	for i, at := range [][]byte{first, second, l.ana} {
		e := &l.epochs[i]
		e.seed, e.ana = seedOf(generation("ana", i)), at
		f := fields(w, uint32(i+1), byte(0x20+16*i))
		f.Collection, f.Title = must(DefaultCollection(seedOf("ana"), w.serviceID)), nil
		e.record = must(NewCollection(e.seed, at, previous, f))
		previous = e.record
		e.grant, e.transformKey = must2(NewGrant(e.seed, at, e.record, l.bensOld, grantFields()))
		e.document, e.value = must2(NewKey(e.seed, at, e.record, id16(byte(i))))
		e.key = must(NewKeyRecord(e.seed, at, e.record, id16(byte(i)), e.value, nil, abi.Extensions{}))
		e.got = must(TransformKeyValue(seedOf("service"), e.value, e.transformKey))
	}
	l.ben = must(RotateIdentity(seedOf("ben"), nil, seedOf("ben again"), nil, l.bensOld, 1, []byte{1}))
	for i, e := range l.epochs {
		l.grants[i], l.keys[i] = must2(NewGrant(l.seed(), l.ana, e.record, l.ben, grantFields()))
	}
	l.lost = must(RotateIdentity(nil, seedOf("ana's recovery"), seedOf("ana once more"), seedOf("ana's other recovery"), first, 1, []byte{1}))
	return l
}

// seed is ana's newest.
func (l *life) seed() []byte { return seedOf("ana once more") }

var lived = sync.OnceValue(func() *life { return newLife(shared()) })

func TestLife(t *testing.T) { lived().opens(t, shared()) }

// opens opens everything with the newest seeds and identities only.
func (l *life) opens(t *testing.T, w *world) {
	t.Helper()
	var previous []byte
	for i, e := range l.epochs {
		if _, err := OpenCollection(l.ana, e.record, previous); err != nil {
			t.Errorf("collection %d: %v", i, err)
		}
		previous = e.record
		if g, err := OpenGrant(l.ana, e.record, l.ben, e.grant, e.transformKey); err != nil || g.ReaderVersion != 1 {
			t.Errorf("grant %d to version 1: %v", i, err)
		}
		g, err := OpenGrant(l.ana, e.record, l.ben, l.grants[i], l.keys[i])
		if err != nil || g.ReaderVersion != 2 || g.OwnerVersion != 4 {
			t.Errorf("grant %d to version 2: %v", i, err)
		}
		if _, err := OpenKeyRecord(l.ana, e.record, e.key, e.value); err != nil {
			t.Errorf("key %d: %v", i, err)
		}
		for what, o := range map[string]struct{ seed, own, value []byte }{
			"ana":                    {l.seed(), l.ana, e.value},
			"ana then":               {e.seed, e.ana, e.value},
			"ben":                    {seedOf("ben again"), l.ben, must(TransformKeyValue(seedOf("service"), e.value, l.keys[i]))},
			"ben, for his old key":   {seedOf("ben again"), l.ben, e.got},
			"ben, before the change": {seedOf("ben"), l.bensOld, e.got},
		} {
			key, err := OpenKey(o.seed, o.own, l.ana, e.record, w.service, e.key, o.value)
			if err != nil || !bytes.Equal(key, e.document) {
				t.Errorf("document %d, %s: %v", i, what, err)
			}
		}
		if _, err := NewRevocation(l.seed(), l.ana, e.record, id32(1), id16(1), 1); err != nil {
			t.Errorf("revocation %d: %v", i, err)
		}
	}
	if id := must(OwnDefaultCollection(l.seed(), l.ana, w.serviceID)); id != must(DefaultCollection(seedOf("ana"), w.serviceID)) {
		t.Error("another default collection")
	}
	if got, want := must(OwnDefaultCollection(seedOf("alice"), w.alice, w.serviceID)), must(DefaultCollection(seedOf("alice"), w.serviceID)); got != want {
		t.Error("another default collection of an identity of one version")
	}
}

// TestLifeInOneBatch opens values for all keys of all generations together.
func TestLifeInOneBatch(t *testing.T) {
	w, l := shared(), lived()
	var items []abi.KeyItem
	var wanted [][]byte
	for range 7 { // more than one step of each
		for i, e := range l.epochs {
			fresh := must(TransformKeyValue(seedOf("service"), e.value, l.keys[i]))
			for _, value := range [][]byte{e.got, fresh, must(TransformKeyValue(seedOf("service"), e.value, w.transformKey))} {
				items = append(items, abi.KeyItem{Author: l.ana, Collection: e.record, Record: e.key, Value: value})
			}
			wanted = append(wanted, e.document, e.document, nil)
		}
	}
	keys, errs, err := OpenKeys(seedOf("ben again"), l.ben, w.service, items, func() bool { return false })
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range wanted {
		switch {
		case want == nil:
			check(t, "a value for somebody else", errs[i], abi.ErrDecrypt)
		case errs[i] != nil || !bytes.Equal(keys[i], want):
			t.Errorf("item %d: %v", i, errs[i])
		}
	}
}

// TestLostSeed: without the seed before, old things stay closed and new ones work.
func TestLostSeed(t *testing.T) {
	w, l := shared(), lived()
	seed, e := l.seed(), l.epochs[0]
	if v := must(OpenIdentity(l.lost)); v.Version != 2 || v.Since != 2 || v.ID != must(OpenIdentity(l.ana)).ID {
		t.Errorf("%+v", v)
	}
	_, err := OpenKey(seed, l.lost, e.ana, e.record, nil, e.key, e.value)
	check(t, "document of before", err, abi.ErrMismatch)
	_, _, err = NewGrant(seed, l.lost, e.record, l.ben, grantFields())
	check(t, "grant to an epoch of before", err, abi.ErrMismatch)
	_, err = OwnDefaultCollection(seed, l.lost, w.serviceID)
	check(t, "default collection", err, abi.ErrMismatch)
	if _, err := OpenCollection(l.lost, e.record, nil); err != nil {
		t.Errorf("collection of before: %v", err)
	}
	f := fields(w, 2, 0x70)
	f.Collection = must(parseCollection(e.record)).Collection.Collection
	next := must(NewCollection(seed, l.lost, e.record, f))
	_, transformKey := must2(NewGrant(seed, l.lost, next, l.ben, grantFields()))
	document, value := must2(NewKey(seed, l.lost, next, id16(1)))
	key := must(NewKeyRecord(seed, l.lost, next, id16(1), value, nil, abi.Extensions{}))
	got, err := OpenKey(seedOf("ben again"), l.ben, l.lost, next, w.service, key, must(TransformKeyValue(seedOf("service"), value, transformKey)))
	if err != nil || !bytes.Equal(got, document) {
		t.Errorf("new document: %v", err)
	}
}

// TestEpochsFollowKeys: whoever changed his keys goes on in a new epoch.
func TestEpochsFollowKeys(t *testing.T) {
	w, l := shared(), lived()
	e := l.epochs[1]
	f := fields(w, 2, 0x30)
	f.Collection = must(parseCollection(e.record)).Collection.Collection
	same := must(NewCollection(e.seed, e.ana, e.record, f)) // in one epoch, of one seed
	if _, err := OpenCollection(l.ana, same, e.record); err != nil {
		t.Errorf("within an epoch: %v", err)
	}
	added := records(l.ana)[:3]
	third := bytes.Join(added, nil) // adds a suite only
	if _, err := OpenCollection(l.ana, must(NewCollection(e.seed, third, e.record, f)), e.record); err != nil {
		t.Errorf("within an epoch, with another suite: %v", err)
	}
	_, err := NewCollection(l.seed(), l.ana, e.record, f)
	check(t, "old epoch, new keys", err, abi.ErrMismatch)
	v := must(parseCollection(same))
	v.OwnerVersion = 4
	private := must(epochKey(e.seed, v.Salt, 1, v.Collection.Collection, v.Epoch))
	_, err = OpenCollection(l.ana, must(v.sign(must(recordKey(l.seed())), private)), e.record)
	check(t, "old epoch and its key, signed by new keys", err, abi.ErrMismatch)
	v.OwnerVersion = 1
	_, err = OpenCollection(l.ana, must(v.sign(must(recordKey(seedOf("ana"))), private)), e.record)
	check(t, "back to older keys", err, abi.ErrMismatch)
	v.OwnerVersion = 2
	_, err = OpenCollection(l.ana, must(v.sign(must(recordKey(seedOf("ana"))), private)), e.record)
	check(t, "signed by older keys than it says", err, abi.ErrSignature)

	_, _, err = NewKey(l.seed(), l.ana, e.record, id16(1))
	check(t, "key in an epoch of older keys", err, abi.ErrMismatch)
	_, err = NewKeyRecord(l.seed(), l.ana, e.record, id16(1), e.value, nil, abi.Extensions{})
	check(t, "key record in an epoch of older keys", err, abi.ErrMismatch)
	for what, seed := range map[string][]byte{"older": e.seed, "first": seedOf("ana"), "recovery": seedOf("ana's recovery")} {
		_, _, err = NewGrant(seed, l.ana, e.record, l.ben, grantFields())
		check(t, what+" seed, newest identity", err, abi.ErrMismatch)
		_, err = OpenKey(seed, l.ana, e.ana, e.record, nil, e.key, e.value)
		check(t, what+" seed, newest identity, document", err, abi.ErrMismatch)
	}
}
