package server_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// watched is a world whose store is compared before and after what is to have no effect.
type watched struct{ *arena }

func watch(t *testing.T) watched {
	a := &arena{world: newWorld(t)}
	a.connect()
	t.Cleanup(a.close)
	return watched{a}
}

// refuse sends a request that has no effect, whatever the answer.
func (w watched) refuse(what string, p *person, path string, in any, code string) {
	w.t.Helper()
	before := w.hash()
	w.want(what, w.call(p, "POST", path, in), code)
	if w.hash() != before {
		w.t.Errorf("%s: refused, but something has changed", what)
	}
}

// TestForeignGrants: nobody puts a grant into somebody else's collection, whoever signed
// which part of it.
func TestForeignGrants(t *testing.T) {
	w := watch(t)
	alice, bob, mallory := w.join(), w.join(), w.join()
	w.grant(alice, bob)
	mine := w.phantom(mallory, w.home(alice)) // a chain of his own under her id
	in := w.rotation(mine, abi.GrantFields{}, bob)
	w.refuse("his record, his grant", mallory, api.PathGrants, in, api.CodeNotFound)
	hers := w.rotation(alice, abi.GrantFields{}, mallory)
	w.refuse("her record, sent by him", mallory, api.PathGrants, hers, api.CodeMismatch)
	hers.Grants = in.Grants
	w.refuse("her record, his grant", alice, api.PathGrants, hers, api.CodeMismatch)
	w.refuse("her record, his grant, sent by him", mallory, api.PathGrants, hers, api.CodeMismatch)
	own := w.rotation(w.phantom(mallory, [16]byte{1}), abi.GrantFields{}, bob)
	own.Grants = w.rotation(alice, abi.GrantFields{}, bob).Grants
	w.refuse("his collection, her grant", mallory, api.PathGrants, own, api.CodeNotFound)
}

// TestReplayedGrants: a grant is good where it was made, and once.
func TestReplayedGrants(t *testing.T) {
	w := watch(t)
	alice, bob := w.join(), w.join()
	first := w.grant(alice, bob)

	second := *alice
	second.home, second.collection, second.readers = [16]byte{2}, nil, nil
	in := w.proposal(&second, abi.GrantFields{}, bob)
	good := in.Grants
	in.Grants = first.Grants
	w.refuse("in another collection", alice, api.PathGrants, in, api.CodeMismatch)
	in.Grants = good
	w.want("its own", w.call(alice, "POST", api.PathGrants, in), "")

	next := w.rotation(alice, abi.GrantFields{}, bob)
	own := next.Grants[0]
	next.Grants[0] = first.Grants[0]
	w.refuse("of the epoch before", alice, api.PathGrants, next, api.CodeRejected) // it does not count for the new one
	next.Grants = append(next.Grants, own)
	w.refuse("of the epoch before, beside a new one", alice, api.PathGrants, next, api.CodeExists)
	w.want("revoke", w.revoke(alice, bob), "")
	w.refuse("after a revocation", alice, api.PathGrants, next, api.CodeExists)
	w.refuse("the whole first request, without effect", alice, api.PathGrants, first, "")
	next.Grants = next.Grants[1:]
	w.want("the new one alone", w.call(alice, "POST", api.PathGrants, next), "")

	// Another server with the same people.
	elsewhere := watch(t)
	for _, p := range []*person{alice, bob} {
		elsewhere.want("publish", elsewhere.publish(p), "")
	}
	elsewhere.refuse("at another server", alice, api.PathGrants, first, api.CodeMismatch)
	there := *alice
	there.home, there.collection, there.readers = w.home(alice), nil, nil
	in = elsewhere.proposal(&there, abi.GrantFields{}, bob)
	in.Grants = first.Grants
	elsewhere.refuse("under its own record", alice, api.PathGrants, in, api.CodeMismatch)
}

// TestBadRotations: an epoch is opened whole or not at all.
func TestBadRotations(t *testing.T) {
	w := watch(t)
	alice, bob, charlie := w.join(), w.join(), w.join()
	w.grant(alice, bob, charlie)
	k := w.deposit(alice, alice)
	stale := w.revocation(alice, charlie)

	in := w.rotation(alice, abi.GrantFields{}, bob, charlie)
	without := api.GrantAccess{Collection: in.Collection, Grants: in.Grants[:1]}
	w.refuse("a reader without his grant", alice, api.PathGrants, without, api.CodeRejected)
	more := api.GrantAccess{Collection: w.rotation(alice, abi.GrantFields{}, bob).Collection}
	more.Grants = w.again(alice, more.Collection, bob, charlie)
	w.refuse("a grant without its reader", alice, api.PathGrants, more, api.CodeRejected)
	swapped := w.rotation(alice, abi.GrantFields{}, bob)
	swapped.Grants = w.again(alice, swapped.Collection, charlie)
	w.refuse("somebody else's grant", alice, api.PathGrants, swapped, api.CodeRejected)

	// Another number than the next.
	for _, epoch := range []uint32{2, 7, 1 << 31} {
		skipped := bytes.Clone(in.Collection)
		head := must(w.core.OpenCollection(t.Context(), alice.record, in.Collection, nil))
		at := bytes.Index(skipped, head.Previous[:]) + len(head.Previous)
		skipped = alice.resign(skipped, func(b []byte) {
			b[at], b[at+1], b[at+2], b[at+3] = byte(epoch>>24), byte(epoch>>16), byte(epoch>>8), byte(epoch)
		})
		w.refuse("epoch skipped", alice, api.PathGrants, api.GrantAccess{Collection: skipped, Grants: []api.Grant{}}, api.CodeRejected)
	}
	far := *alice
	f := w.fields(&far)
	f.Epoch = 5
	copy(f.Salt[:], random(32))
	far.collection = nil
	w.refuse("a chain of its own", alice, api.PathGrants, api.GrantAccess{Collection: w.next(&far, f), Grants: []api.Grant{}}, api.CodeConflict)

	// Crashes between the transform keys and the grants, before and after the store has it.
	w.close()
	w.breakWith(&brokenStore{failPut: true})
	w.want("crash", w.call(alice, "POST", api.PathGrants, in), api.CodeInternal)
	w.restart()
	w.connect()
	w.read(charlie, k)
	if head := must(w.store.Head(t.Context(), w.home(alice))); head.Epoch != 0 || head.Closed {
		t.Errorf("epoch %d, closed %t", head.Epoch, head.Closed)
	}
	w.deposit(alice, alice)
	w.want("again", w.call(alice, "POST", api.PathGrants, in), "")
	old := alice.collection
	alice.accept(in)
	fresh := w.deposit(alice, alice)
	for _, reader := range []*person{bob, charlie} {
		w.read(reader, k)
		w.read(reader, fresh)
	}
	w.refuse("the epoch before", alice, api.PathKeys, w.newKey(alice, old).in, api.CodeConflict)
	w.refuse("a revocation that does not name the newest record", alice, api.PathRevocations, api.RevokeAccess{Revocation: stale}, api.CodeConflict)
}

// TestRacingRotations: of two devices that open the same epoch at once one wins, whole; a
// retry of the winner has no effect, and of the loser's keys nothing is left.
func TestRacingRotations(t *testing.T) {
	w := newWorld(t)
	alice, bob, charlie := w.join(), w.join(), w.join()
	w.grant(alice, bob, charlie)
	rounds := 6
	if testing.Short() {
		rounds = 2
	}
	for range rounds {
		devices := make([]api.GrantAccess, 3)
		replies := make([]reply, len(devices))
		for i := range devices {
			devices[i] = w.rotation(alice, abi.GrantFields{}, bob, charlie)
		}
		var wait sync.WaitGroup
		for i := range devices {
			wait.Go(func() { replies[i] = w.call(alice, "POST", api.PathGrants, devices[i]) })
		}
		wait.Wait()
		winner := -1
		for i, r := range replies {
			switch {
			case r.problem.Code == "" && winner < 0:
				winner = i
			case r.problem.Code != api.CodeConflict:
				t.Errorf("device %d: %d %q", i, r.status, r.problem.Code)
			}
		}
		if winner < 0 {
			t.Fatal("nobody won")
		}
		for i := range devices {
			want := api.CodeConflict
			if i == winner {
				want = ""
			}
			w.want("again", w.call(alice, "POST", api.PathGrants, devices[i]), want)
		}
		alice.accept(devices[winner])
		k := w.deposit(alice, alice)
		w.read(bob, k)
		w.read(charlie, k)
	}
	w.restart()
	live := 0
	if err := w.store.LiveGrants(t.Context(), func([16]byte) error { live++; return nil }); err != nil || live != 2*(rounds+1) {
		t.Errorf("%d live grants, %v", live, err)
	}
}

// TestRevokeTwice: what was revoked, or never there, can be revoked again.
func TestRevokeTwice(t *testing.T) {
	w := watch(t)
	alice, bob := w.join(), w.join()
	w.grant(alice, bob)
	in := api.RevokeAccess{Revocation: w.revocation(alice, bob)}
	first := w.call(alice, "POST", api.PathRevocations, in)
	w.want("revoke", first, "")
	before := w.hash()
	same(t, first, w.call(alice, "POST", api.PathRevocations, in))
	if w.hash() != before {
		t.Error("the second time had an effect")
	}
	w.rotate(alice)
	same(t, first, w.call(alice, "POST", api.PathRevocations, in))
	// Somebody who never was a reader: no epoch is closed by that.
	w.want("unknown", w.revoke(alice, w.newPerson()), "")
	w.deposit(alice, alice)
	w.refuse("a grant on an old record", alice, api.PathGrants, api.GrantAccess{Collection: w.phantom(alice, w.home(alice)).collection, Grants: []api.Grant{}}, api.CodeConflict)
}

// phantom makes the first record of a collection that is not p's, or is nowhere, as if it
// were his own.
func (w *world) phantom(p *person, id [16]byte) *person {
	own := *p
	own.home, own.collection, own.readers = id, nil, nil
	own.collection = w.next(&own, w.fields(&own))
	return &own
}

// forcedKey makes a key for a collection of owner that the core would not make for its
// author: it is made in one of the author's own and then moved.
func (w *world) forcedKey(author, owner *person, collection [16]byte) api.CreateKey {
	k := w.newKey(author, w.phantom(author, collection).collection)
	k.in.Record = author.resign(k.in.Record, func(b []byte) { copy(b[23+16+32:], owner.identity.ID[:]) })
	return k.in
}

// TestNoSuppliedCiphertext: the server transforms what it has stored, and nothing that
// comes with a request.
func TestNoSuppliedCiphertext(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.join(), w.join()
	w.grant(alice, bob)
	k := w.deposit(alice, alice)
	w.want("with one key", w.call(bob, "POST", transformPath(k.id), map[string]any{"value": k.in.Value}), api.CodeMalformed)
	w.want("with many", w.call(bob, "POST", api.PathTransforms, map[string]any{"keys": []string{k.id}, "values": []api.Bytes{k.in.Value}}), api.CodeMalformed)
	var document struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
			RequestBody *struct {
				Content map[string]struct {
					Schema struct {
						Ref string `json:"$ref"`
					} `json:"schema"`
				} `json:"content"`
			} `json:"requestBody"`
		} `json:"paths"`
		Components struct {
			Schemas map[string]struct {
				Properties map[string]any `json:"properties"`
			} `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(w.do(request("GET", "/openapi.json", nil)).body, &document); err != nil {
		t.Fatal(err)
	}
	bodies := 0
	for _, methods := range document.Paths {
		for _, op := range methods {
			if op.RequestBody == nil || strings.HasPrefix(op.OperationID, "put_document") {
				continue // a document is bytes that nothing is made of
			}
			bodies++
			for _, content := range op.RequestBody.Content {
				schema := document.Components.Schemas[content.Schema.Ref[strings.LastIndex(content.Schema.Ref, "/")+1:]]
				if _, ok := schema.Properties["value"]; len(schema.Properties) == 0 || ok != (op.OperationID == "create_sym_key") {
					t.Errorf("%s takes %d fields, a value: %t", op.OperationID, len(schema.Properties), ok)
				}
			}
		}
	}
	if bodies < 8 {
		t.Errorf("only %d operations with a body", bodies)
	}
}
