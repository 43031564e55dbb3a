package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"sync"
	"testing"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// later returns p with one more version, which has both suites. It is not published.
func (w *world) later(p *person) *person {
	out := *p
	out.record = must(w.core.NewIdentityVersion(context.Background(), p.seed, p.record, []byte{abi.Suite256, abi.Suite480}))
	out.identity = must(w.core.OpenIdentity(context.Background(), out.record))
	return &out
}

func (w *world) publish(p *person) reply {
	return w.call(p, "POST", api.PathIdentities, api.CreateIdentity{Record: p.record})
}

// TestVersions: an identity grows by what goes on from the stored one, and by
// nothing else.
func TestVersions(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.join(), w.join()
	second, fork := w.later(alice), w.later(alice)
	first := w.publish(second)
	w.want("second version", first, "")
	if again := w.publish(second); !bytes.Equal(first.body, again.body) {
		t.Errorf("again: %s", again.body)
	}
	for _, r := range []reply{first, w.do(request("GET", "/v1/identities/"+alice.id, nil))} {
		if out := decode[api.Identity](t, r); out.ID != alice.id || out.Version != 2 || !bytes.Equal(out.Record, second.record) {
			t.Errorf("got version %d of %s", out.Version, out.ID)
		}
	}
	w.want("shorter", w.publish(alice), api.CodeConflict)
	w.want("fork", w.publish(fork), api.CodeConflict)

	broken := *second
	broken.record = append(bytes.Clone(bob.record), second.record[len(alice.record):]...)
	w.want("another's second version", w.publish(&broken), api.CodeMismatch)
	broken.record = second.record[len(alice.record):]
	w.want("without the first", w.publish(&broken), api.CodeMismatch)
	broken.record = second.record[:len(second.record)-1]
	w.want("cut", w.publish(&broken), api.CodeMalformed)
	w.want("signed by another", w.call(bob, "POST", api.PathIdentities, api.CreateIdentity{Record: second.record}), api.CodeSignature)
	older := *second
	older.identity = alice.identity
	w.want("signed as the first version", w.publish(&older), api.CodeSignature)

	w.want("a request as the first version", w.call(alice, "GET", api.PathGrants, nil), api.CodeSignature)
	w.want("a request as the second", w.call(second, "GET", api.PathGrants, nil), "")
	w.want("a request as the third", w.call(&person{seed: alice.seed, id: alice.id, identity: &abi.Identity{Version: 3}}, "GET", api.PathGrants, nil), api.CodeSignature)

	both := w.later(w.newPerson())
	w.want("two versions at once", w.publish(both), "")
	w.restart()
	w.want("after a restart", w.publish(second), "")
}

// TestVersionsRace: many devices of one identity publish a version of their own at
// once; one wins, and its version is whole.
func TestVersionsRace(t *testing.T) {
	w := newWorld(t)
	alice := w.join()
	devices := make([]*person, 6)
	replies := make([]reply, len(devices))
	for i := range devices {
		devices[i] = w.later(alice)
	}
	var wg sync.WaitGroup
	for i := range devices {
		wg.Go(func() { replies[i] = w.publish(devices[i]) })
	}
	wg.Wait()
	stored := decode[api.Identity](t, w.do(request("GET", "/v1/identities/"+alice.id, nil)))
	won := 0
	for i, r := range replies {
		if r.problem.Code == "" {
			won++
			if !bytes.Equal(stored.Record, devices[i].record) {
				t.Error("another than the winner's is stored")
			}
		} else if r.problem.Code != api.CodeConflict {
			t.Errorf("device %d: %s", i, r.problem.Code)
		}
	}
	if won != 1 {
		t.Errorf("%d devices won", won)
	}
}

// TestVersionsKeepGoing: grants, keys and collections of first versions go on when
// owner and reader have second ones; grants to a first version are still taken.
func TestVersionsKeepGoing(t *testing.T) {
	w := newWorld(t)
	alice, bob, charlie := w.join(), w.join(), w.join()
	w.grant(alice, bob)
	k := w.deposit(alice, alice)
	late := w.newKey(alice, alice.collection)
	second, secondBob := w.later(alice), w.later(bob)
	w.want("alice", w.publish(second), "")
	w.want("bob", w.publish(secondBob), "")

	w.read(secondBob, k)
	w.read(second, k)
	w.want("a key that was made before", w.call(second, "POST", api.PathKeys, late.in), "")
	w.read(secondBob, late)
	readers := decode[api.Readers](t, w.call(second, "GET", readersPath(w.home(alice)), nil))
	if len(readers.Grants) != 1 || readers.Grants[0].Status != api.GrantActive {
		t.Errorf("readers: %+v", readers)
	}
	in := w.proposal(second, abi.GrantFields{}, bob, charlie) // who has not looked bob up again
	w.want("grant to the first version", w.call(second, "POST", api.PathGrants, in), "")
	second.collection, second.readers = in.Collection, append(slices.Clone(alice.readers), abi.ReaderRef{ID: charlie.identity.ID, Version: 1})
	w.read(secondBob, w.deposit(second, second))
	unpublished := w.later(charlie)
	in = w.proposal(second, abi.GrantFields{}, unpublished)
	w.want("grant to a version that is not here", w.call(second, "POST", api.PathGrants, in), api.CodeRejected)
	w.want("revoke", w.revoke(second, secondBob), "")
	w.want("after it", w.get(secondBob, k.id), api.CodeNotFound)
}

// TestStrongStory plays grant, deposit, transform and revocation with recrypt480, on
// the engine that the environment chooses, as for package hosttest.
func TestStrongStory(t *testing.T) {
	w := newWorldOn(t, chosenEngine(t))
	w.suite = abi.Suite480
	alice, bob, mallory := w.join(), w.join(), w.join()
	in := w.grant(alice, bob)
	if n := len(in.Grants[0].TransformKey); n != 1296 {
		t.Errorf("transform key of %d bytes", n)
	}
	k := w.deposit(alice, alice)
	if got := w.read(bob, k); got.Level != 1 || len(got.Value) != 968+1680 {
		t.Errorf("level %d, %d bytes", got.Level, len(got.Value))
	}
	if got := w.read(alice, k); got.Level != 0 || len(got.Value) != 968 {
		t.Errorf("level %d, %d bytes", got.Level, len(got.Value))
	}
	w.want("a stranger", w.get(mallory, k.id), api.CodeNotFound)
	w.want("revoke", w.revoke(alice, bob), "")
	w.want("after it", w.get(bob, k.id), api.CodeNotFound)
}

// TestMixedSuites: nothing of one suite is taken in the place of the other's.
func TestMixedSuites(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.join(), w.join()
	second, secondBob := w.later(alice), w.later(bob)
	w.want("alice", w.publish(second), "")
	w.want("bob", w.publish(secondBob), "")
	w.grant(second, secondBob)
	weak := w.newKey(second, second.collection)

	strong := *second
	strong.collection, strong.readers = nil, nil
	w.suite = abi.Suite480
	f := w.fields(&strong)
	f.Collection = [16]byte{7}
	record := w.next(&strong, f)
	w.want("another collection", w.call(second, "POST", api.PathGrants, api.GrantAccess{Collection: record, Grants: []api.Grant{}}), "")
	k := w.newKey(second, record)

	mixed := k.in
	mixed.Value = weak.in.Value
	w.want("value of the other suite", w.call(second, "POST", api.PathKeys, mixed), api.CodeRejected)
	mixed = weak.in
	mixed.Value = k.in.Value
	w.want("and the other way round", w.call(second, "POST", api.PathKeys, mixed), api.CodeRejected)
	w.want("in its own", w.call(second, "POST", api.PathKeys, k.in), "")

	w.suite = suite
	foreign := w.grantTo(second, record, secondBob, abi.GrantFields{})
	in := w.proposal(second, abi.GrantFields{}, secondBob)
	in.Grants = []api.Grant{foreign}
	w.want("grant of the other suite", w.call(second, "POST", api.PathGrants, in), api.CodeMismatch)
	own := w.proposal(second, abi.GrantFields{}, secondBob)
	own.Grants[0].TransformKey = foreign.TransformKey
	w.want("transform key of the other suite", w.call(second, "POST", api.PathGrants, own), api.CodeMismatch)
}

// TestLargestGrants: as many grants of the larger suite as one request may carry
// fit its body.
func TestLargestGrants(t *testing.T) {
	w := newWorld(t)
	w.suite = abi.Suite480
	alice, bob := w.join(), w.join()
	in := w.proposal(alice, abi.GrantFields{}, bob)
	one := in.Grants[0]
	one.Record = make([]byte, api.MaxGrantRecord)
	in.Grants = slices.Repeat([]api.Grant{one}, api.MaxGrants)
	if n := len(must(json.Marshal(in))); n > api.MaxGrantsBody {
		t.Errorf("%d grants have %d bytes", api.MaxGrants, n)
	}
}
