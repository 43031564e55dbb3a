package server_test

import (
	"bytes"
	"context"
	"sync"
	"testing"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/translog"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// A life is a person who still has the recovery seed.
type life struct {
	*person
	recovery []byte
}

func (w *world) born() *life {
	l := &life{w.newPerson(), random(32)}
	l.record = must(w.core.NewIdentity(context.Background(), l.seed, l.recovery, []byte{w.suite}))
	l.identity = must(w.core.OpenIdentity(context.Background(), l.record))
	l.id = must(w.core.FormatID(context.Background(), abi.KindPerson, l.identity.ID))
	w.want("publish", w.publish(l.person), "")
	return l
}

// renewed returns p with another version, whose keys are new: signed by the seed, or with
// recovery by that key, over everything after a version. It is not published.
func (w *world) renewed(p *person, recovery []byte, after uint32) *person {
	out := *p
	out.seed = random(32)
	out.record = must(w.core.RotateIdentity(context.Background(), p.seed, recovery, out.seed, nil, p.record, after, []byte{w.suite}))
	out.identity = must(w.core.OpenIdentity(context.Background(), out.record))
	return &out
}

func (w *world) stored(id string) api.Identity {
	w.t.Helper()
	r := w.do(request("GET", "/v1/identities/"+id, nil))
	w.want("look up", r, "")
	return decode[api.Identity](w.t, r)
}

// TestChangeOfKeys: new keys suspend what was granted to the old ones, and the old ones
// sign nothing more.
func TestChangeOfKeys(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.join(), w.born()
	w.grant(alice, bob.person)
	k := w.deposit(alice, alice)
	w.read(bob.person, k)
	changed := w.renewed(bob.person, nil, 1)
	w.want("change of keys", w.publish(changed), "")
	if got := w.stored(bob.id); got.Version != 2 || !bytes.Equal(got.Record, changed.record) {
		t.Errorf("version %d is stored", got.Version)
	}
	w.want("as the old version", w.get(bob.person, k.id), api.CodeSignature)
	older := *changed
	older.seed = bob.seed
	w.want("by the old key as the new version", w.get(&older, k.id), api.CodeSignature)
	w.want("by the new key", w.get(changed, k.id), api.CodeNotFound)
	list := decode[api.Readers](t, w.call(alice, "GET", "/v1/collections/"+api.FormatID(w.fields(alice).Collection)+"/readers", nil))
	if len(list.Grants) != 1 || list.Grants[0].Status != api.GrantSuspended {
		t.Errorf("the grant is listed as %+v", list.Grants)
	}
	// More suites change no key: nothing is suspended.
	alice2, carol := w.join(), w.join()
	w.grant(alice2, carol)
	k2 := w.deposit(alice2, alice2)
	later := w.later(carol)
	w.want("another suite", w.publish(later), "")
	w.want("still open", w.get(later, k2.id), "")
}

// TestForks is B10: of two versions that go on from the same one the first stays, and the
// log shows neither twice, unless the recovery key decides.
func TestForks(t *testing.T) {
	w := newWorld(t)
	owner, alice := w.join(), w.born()
	thief, self := w.renewed(alice.person, nil, 1), w.renewed(alice.person, nil, 1)
	w.want("first", w.publish(thief), "")
	w.want("fork", w.publish(self), api.CodeConflict)
	w.want("longer fork", w.publish(w.renewed(self, nil, 2)), api.CodeConflict)
	w.want("shorter", w.publish(alice.person), api.CodeConflict)

	// The thief of the seed goes on, and gets access by it.
	thief2 := w.renewed(thief, nil, 2)
	w.want("thief goes on", w.publish(thief2), "")
	w.grant(owner, thief2)
	k := w.deposit(owner, owner)
	w.want("thief reads", w.get(thief2, k.id), "")

	// The recovery key takes back version 2.
	back := w.renewed(alice.person, alice.recovery, 1)
	w.want("recovery", w.publish(back), "")
	w.want("again", w.publish(back), "")
	if got := w.stored(alice.id); got.Version != 2 || !bytes.Equal(got.Record, back.record) {
		t.Errorf("version %d is stored", got.Version)
	}
	w.want("thief reads again", w.get(thief2, k.id), api.CodeSignature)
	w.want("a thief's version 3", w.publish(thief2), api.CodeConflict)
	w.want("a second recovery", w.publish(w.renewed(alice.person, alice.recovery, 1)), api.CodeConflict)
	w.want("her own", w.get(back, k.id), api.CodeNotFound)

	leaves := w.leaves(w.newestCheckpoint().Size)
	for what, c := range map[string]struct {
		version uint32
		record  []byte
		times   int
	}{
		"alice": {1, alice.record, 1}, "thief": {2, thief.record, 1}, "refused": {2, self.record, 0},
		"thief 3": {3, thief2.record, 1}, "recovered": {2, back.record, 1},
	} {
		if n := count(leaves, translog.IdentityLeaf(alice.identity.ID, c.version, c.record)); n != c.times {
			t.Errorf("version of %s is in the log %d times", what, n)
		}
	}
	got := w.stored(alice.id)
	w.verifyLogged("recovered", translog.IdentityLeaf(alice.identity.ID, 2, back.record), got.Logged, "")
	w.restart()
	w.want("after a restart", w.call(back, "GET", api.PathGrants, nil), "")
}

// TestRecoveryRace: recovery against a thief who goes on all the time ends with the
// recovered version.
func TestRecoveryRace(t *testing.T) {
	w := newWorld(t)
	alice := w.born()
	back := w.renewed(alice.person, alice.recovery, 1)
	var running sync.WaitGroup
	running.Go(func() {
		thief := alice.person
		for version := uint32(1); version < 6; version++ {
			thief = w.renewed(thief, nil, version)
			w.publish(thief)
		}
	})
	for w.publish(back).problem.Code != "" {
	}
	running.Wait()
	if got := w.stored(alice.id); !bytes.Equal(got.Record, back.record) {
		t.Errorf("version %d of somebody else is stored", got.Version)
	}
}

// TestDeposited: a key that came before its author changed his keys is proved to have, and
// one that came later is not.
func TestDeposited(t *testing.T) {
	w := newWorld(t)
	alice := w.born()
	w.open(alice.person)
	before := w.deposit(alice.person, alice.person)
	if out := w.read(alice.person, before); out.Deposited != nil {
		t.Error("a proof without a need")
	}
	changed := w.renewed(alice.person, nil, 1)
	w.want("change of keys", w.publish(changed), "")
	r := w.get(changed, before.id)
	w.want("get key", r, "")
	d := decode[api.Key](t, r).Deposited
	if d == nil {
		t.Fatal("no proof")
	}
	entry, err := translog.ParseEntry(d.Entry)
	if err != nil || entry.Kind != translog.Deposited || entry.Key != before.raw || entry.Actor != alice.identity.ID {
		t.Errorf("%+v, %v", entry, err)
	}
	w.verifyLogged("entry", translog.EntryLeaf([32]byte(d.Salt), d.Entry), &d.Logged, "")
	w.verifyLogged("change", translog.IdentityLeaf(alice.identity.ID, 2, changed.record), &d.Changed, "")
	if d.Logged.Index >= d.Changed.Index {
		t.Errorf("entry %d, change %d", d.Logged.Index, d.Changed.Index)
	}
}
