package protocol

import (
	"crypto/sha256"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// A theft is what happened to eve's identity: a thief of her first seed has published a
// second and a third version and signed records of her collection with them; her recovery
// key has overridden them, and then she has changed her keys once more.
type theft struct {
	first, thiefs, recovered, changed []byte
	before, stolen, again             []byte // records: hers, the thief's next two
}

func stolen(w *world) *theft {
	eve, recovery := seedOf("eve"), seedOf("eve's recovery")
	x := &theft{first: must(NewIdentity(eve, recovery, []byte{1}))}
	second := must(RotateIdentity(eve, nil, seedOf("thief"), nil, x.first, 1, []byte{1}))
	x.thiefs = must(RotateIdentity(seedOf("thief"), nil, seedOf("thief again"), nil, second, 2, []byte{1}))
	x.recovered = must(RotateIdentity(eve, recovery, seedOf("eve again"), nil, x.thiefs, 1, []byte{1}))
	x.changed = must(RotateIdentity(seedOf("eve again"), nil, seedOf("eve at last"), nil, x.recovered, 2, []byte{1}))
	x.before = must(NewCollection(eve, x.first, nil, eves(w, 0, 0x20)))
	x.stolen = must(NewCollection(seedOf("thief again"), x.thiefs, x.before, eves(w, 1, 0x30)))
	x.again = must(NewCollection(seedOf("thief again"), x.thiefs, x.stolen, eves(w, 1, 0x30)))
	return x
}

// eves are the fields of a record of eve's collection.
func eves(w *world, epoch uint32, salt byte) *abi.CollectionFields {
	return &abi.CollectionFields{Service: w.serviceID, Collection: id16(0x33), Epoch: epoch, Suite: 1, Salt: id32(salt), Deposit: abi.DepositOpen, Title: []byte("title")}
}

// TestOverriddenRecords: what the thief has signed stays in the chain, has its place only,
// and is followed by an epoch under keys of the recovery or later.
func TestOverriddenRecords(t *testing.T) {
	w := shared()
	x := stolen(w)
	for what, c := range map[string]struct{ record, previous []byte }{
		"the thief's first":  {x.stolen, x.before},
		"the thief's second": {x.again, x.stolen},
	} {
		p := must(parseCollection(c.record))
		v, err := OpenCollection(x.recovered, c.record, c.previous)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if v.OwnerVersion != 0 || v.Sequence != p.Sequence || v.Epoch != p.Epoch || v.Hash != sha256.Sum256(c.record) || v.Collection != id16(0x33) {
			t.Errorf("%s: %+v", what, v)
		}
		if v.PublicKey != nil || v.Title != nil || v.Deposit != 0 || v.ReadersHash != zero32 || v.Salt != zero32 {
			t.Errorf("%s: it has more than its place: %+v", what, v)
		}
		_, err = OpenCollection(x.recovered, c.record, nil)
		check(t, what+", by itself", err, nil)
	}
	for what, c := range map[string]struct {
		seed string
		by   []byte
	}{"recovered": {"eve again", x.recovered}, "changed later": {"eve at last", x.changed}} {
		next := must(NewCollection(seedOf(c.seed), c.by, x.again, eves(w, 2, 0x40)))
		for _, as := range [][]byte{c.by, x.changed} {
			if v, err := OpenCollection(as, next, x.again); err != nil || v.OwnerVersion == 0 || string(v.Title) != "title" || v.Sequence != 3 {
				t.Errorf("%s: %+v, %v", what, v, err)
			}
		}
		// Whoever holds on to the overridden versions does not see it as one of them.
		_, err := OpenCollection(x.thiefs, next, x.again)
		check(t, what+", as the thief's", err, nil)
	}
}

// TestOverriddenRefusals: what may not follow an overridden record, and what is none.
func TestOverriddenRefusals(t *testing.T) {
	w := shared()
	x := stolen(w)
	make := func(seed string, by, previous []byte, f *abi.CollectionFields) error {
		_, err := NewCollection(seedOf(seed), by, previous, f)
		return err
	}
	open := func(owner, record, previous []byte) error {
		v, err := OpenCollection(owner, record, previous)
		if err != nil && v != nil {
			t.Error("a record with the error")
		}
		return err
	}
	// One by the keys that were stolen, after the thief's last.
	old := must(parseCollection(must(NewCollection(seedOf("eve"), x.first, x.before, eves(w, 1, 0x50)))))
	last := must(parseCollection(x.again))
	old.Sequence, old.Previous, old.Epoch = last.Sequence+1, last.Hash, last.Epoch+1
	byStolen := old.resign("eve")
	if err := open(x.first, byStolen, nil); err != nil {
		t.Fatal(err) // its signature is good
	}
	good := must(NewCollection(seedOf("eve again"), x.recovered, x.again, eves(w, 2, 0x40)))
	rotated := must(RotateIdentity(seedOf("eve"), nil, seedOf("eve again"), nil, x.first, 1, []byte{1}))
	for what, c := range map[string]struct {
		err  error
		want *abi.Error
	}{
		"goes on with the thief's epoch":              {make("eve again", x.recovered, x.again, eves(w, 1, 0x30)), abi.ErrMismatch},
		"goes on with the epoch, with another salt":   {make("eve again", x.recovered, x.again, eves(w, 1, 0x40)), abi.ErrMismatch},
		"goes back to the epoch of before":            {make("eve again", x.recovered, x.again, eves(w, 0, 0x20)), abi.ErrMismatch},
		"leaves an epoch out":                         {make("eve again", x.recovered, x.again, eves(w, 3, 0x40)), abi.ErrMismatch},
		"opens an epoch with the thief's salt":        {make("eve again", x.recovered, x.again, eves(w, 2, 0x30)), abi.ErrMismatch},
		"is by the stolen keys":                       {open(x.recovered, byStolen, x.again), abi.ErrMismatch},
		"follows another record":                      {open(x.recovered, good, x.stolen), abi.ErrMismatch},
		"overridden, follows another record":          {open(x.recovered, x.again, x.before), abi.ErrMismatch},
		"overridden, follows itself":                  {open(x.recovered, x.again, x.again), abi.ErrMismatch},
		"nothing was overridden: a plain change":      {open(rotated, x.stolen, x.before), abi.ErrMismatch},
		"nothing was overridden, made":                {make("eve again", rotated, x.stolen, eves(w, 2, 0x40)), abi.ErrMismatch},
		"version below the recovery, bad signature":   {open(x.recovered, flipped(old.resign("eve")), x.again), abi.ErrSignature},
		"version of before, bad signature, to follow": {make("eve again", x.recovered, flipped(x.before), eves(w, 1, 0x40)), abi.ErrSignature},
		"another's record":                            {open(x.recovered, w.second, w.first), abi.ErrMismatch},
		"another's record, to follow":                 {make("eve again", x.recovered, w.second, eves(w, 2, 0x40)), abi.ErrMismatch},
		"no record":                                   {open(x.recovered, flipped(x.again)[:90], x.stolen), abi.ErrMalformed},
	} {
		check(t, what, c.err, c.want)
	}
}

// TestReplacedRecoveryKey: a recovery key overrides until another one has taken its place.
func TestReplacedRecoveryKey(t *testing.T) {
	one, two := seedOf("eve's recovery"), seedOf("eve's other recovery")
	first := must(NewIdentity(seedOf("eve"), one, []byte{1}))
	rotate := func(seed, recovery, next string, newRecovery, at []byte, after uint32) []byte {
		var s, r []byte
		if seed != "" {
			s = seedOf(seed)
		}
		if recovery != "" {
			r = seedOf(recovery)
		}
		return must(RotateIdentity(s, r, seedOf(next), newRecovery, at, after, []byte{1}))
	}
	second := rotate("eve", "", "eve 2", nil, first, 1)
	third := rotate("eve 2", "eve's recovery", "eve 3", two, second, 2)     // replaces the recovery key
	finder := rotate("", "eve's recovery", "finder", seedOf("x"), first, 1) // of the old kit
	kept := rotate("", "eve's recovery", "finder", nil, first, 1)
	again := rotate("", "eve's other recovery", "eve 4", nil, third, 3)
	for what, c := range map[string]struct {
		known, offered []byte
		want, back     uint8 // back: the other way round
	}{
		"the old kit's, after it was replaced": {third, finder, abi.RelationFork, abi.RelationFork},
		"the old kit's, which keeps its key":   {third, kept, abi.RelationFork, abi.RelationFork},
		"the old kit's, long after":            {again, finder, abi.RelationFork, abi.RelationFork},
		"the old kit's, before":                {second, finder, abi.RelationOverrides, abi.RelationOverridden},
		"the new one goes on":                  {third, again, abi.RelationNewer, abi.RelationOlder},
	} {
		if got := must(CompareIdentities(c.known, c.offered)); got != c.want {
			t.Errorf("%s: relation %d, want %d", what, got, c.want)
		}
		if got := must(CompareIdentities(c.offered, c.known)); got != c.back {
			t.Errorf("%s, the other way round: relation %d, want %d", what, got, c.back)
		}
	}
}
