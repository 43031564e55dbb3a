package server_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

func readersPath(id [16]byte) string {
	return strings.Replace(api.PathReaders, "{id}", api.FormatID(id), 1)
}

// home is the id of p's collection.
func (w *world) home(p *person) [16]byte {
	if p.home != ([16]byte{}) {
		return p.home
	}
	return must(w.core.DefaultCollection(w.t.Context(), p.seed, w.service.ID))
}

// TestListReaders: the owner gets exactly the grants that the readers hash of the
// newest record is made of, before and after they have ended; nobody else gets
// anything.
func TestListReaders(t *testing.T) {
	w := newWorld(t)
	alice, bob, charlie, dora := w.join(), w.join(), w.join(), w.join()
	path := readersPath(w.home(alice))
	w.want("before the collection", w.call(alice, "GET", path, nil), api.CodeNotFound)
	w.grant(alice, bob)
	w.grant(alice, charlie)
	timed := w.proposal(alice, abi.GrantFields{Expires: uint64(w.now().Add(time.Hour).UnixMilli())}, dora)
	w.want("grant for an hour", w.call(alice, "POST", api.PathGrants, timed), "")
	alice.accept(timed, dora)

	check := func(what string, want map[*person]string) {
		t.Helper()
		r := w.call(alice, "GET", path, nil)
		w.want(what, r, "")
		got := decode[api.Readers](t, r)
		head := must(w.core.OpenCollection(t.Context(), alice.record, alice.collection, nil))
		if got.ID != api.FormatID(head.Collection) || got.Sequence != head.Sequence || len(got.Grants) != len(want) {
			t.Errorf("%s: %s, sequence %d, %d grants", what, got.ID, got.Sequence, len(got.Grants))
		}
		var refs []abi.ReaderRef
		for _, g := range got.Grants {
			opened := must(w.core.OpenGrant(t.Context(), alice.record, nil, nil, g.Record, nil))
			refs = append(refs, abi.ReaderRef{ID: opened.Reader, Version: opened.ReaderVersion})
			reader := must(w.core.FormatID(t.Context(), abi.KindPerson, opened.Reader))
			for p, status := range want {
				if p.id == g.Reader && status != g.Status {
					t.Errorf("%s: status %s, want %s", what, g.Status, status)
				}
			}
			if g.Owner != alice.id || g.Reader != reader || g.ID != api.FormatID(opened.Grant) {
				t.Errorf("%s: listed as %s of %s to %s", what, g.ID, g.Owner, g.Reader)
			}
			if g.Status == api.GrantRevoked {
				v := must(w.core.OpenRevocation(t.Context(), alice.record, g.Revocation))
				if v.Sequence != head.Sequence || v.Reader != opened.Reader || len(g.Receipt) == 0 {
					t.Errorf("%s: another revocation", what)
				}
			}
		}
		if must(w.core.ReadersHash(t.Context(), refs)) != head.ReadersHash {
			t.Errorf("%s: the grants do not account for the readers", what)
		}
	}
	active := api.GrantActive
	check("granted", map[*person]string{bob: active, charlie: active, dora: active})
	w.advance(time.Second)
	w.want("revoke", w.revoke(alice, bob), "")
	check("revoked", map[*person]string{bob: api.GrantRevoked, charlie: active, dora: active})
	w.advance(2 * time.Hour)
	check("expired", map[*person]string{bob: api.GrantRevoked, charlie: active, dora: api.GrantExpired})
	if err := w.server.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.restart()
	check("swept", map[*person]string{bob: api.GrantRevoked, charlie: active, dora: api.GrantExpired})
	w.rotate(alice, charlie)
	check("left out", map[*person]string{charlie: active})

	stranger := w.call(dora, "GET", path, nil)
	same(t, stranger, w.call(dora, "GET", readersPath([16]byte{5}), nil))
	same(t, stranger, w.call(charlie, "GET", path, nil)) // a reader is none the wiser
	w.want("malformed id", w.call(alice, "GET", strings.ToUpper(path[:16])+path[16:], nil), api.CodeNotFound)
	w.want("malformed id", w.call(alice, "GET", strings.Replace(api.PathReaders, "{id}", "x", 1), nil), api.CodeMalformed)
	w.want("unsigned", w.do(request("GET", path, nil)), api.CodeUnsigned)
}

// TestStaleRevocation: a new revocation names the newest record, so that it is
// known which record still counts the reader.
func TestStaleRevocation(t *testing.T) {
	w := newWorld(t)
	alice, bob, charlie := w.join(), w.join(), w.join()
	w.grant(alice, bob)
	in := api.RevokeAccess{Revocation: w.revocation(alice, bob)}
	w.grant(alice, charlie)
	w.want("made before the newest record", w.call(alice, "POST", api.PathRevocations, in), api.CodeConflict)
	k := w.deposit(alice, alice)
	w.read(bob, k)
	in.Revocation = w.revocation(alice, bob)
	first := w.call(alice, "POST", api.PathRevocations, in)
	w.want("with the newest", first, "")
	w.rotate(alice, charlie)
	if again := w.call(alice, "POST", api.PathRevocations, in); !bytes.Equal(first.body, again.body) {
		t.Errorf("repeated when the chain has moved on: %d %q", again.status, again.problem.Code)
	}
}

// TestCrowdedLists: whatever others grant to somebody, the list fits an answer, and
// what the caller has issued stays in it.
func TestCrowdedLists(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.join(), w.join()
	in := w.grant(alice, bob)
	list := decode[api.ListGrants](t, w.call(alice, "GET", api.PathGrants, nil))
	if list.More || len(list.Issued) != 1 || list.Issued[0].Owner != alice.id || list.Issued[0].Reader != bob.id {
		t.Errorf("%+v", list)
	}
	// Mallory's store is not bound by the server's rules, to be on the safe side.
	mallory := random(32)
	flood := func(collection byte, n, size int) {
		grants := make([]store.Grant, n)
		for i := range grants {
			g := &grants[i]
			*g = store.Grant{Collection: [16]byte{collection}, Owner: [32]byte(mallory), Reader: alice.identity.ID, ReaderVersion: 1, Epoch: uint32(i), Record: random(size), Sealed: []byte{1}, Created: w.now().UnixMilli() + int64(i)}
			rand.Read(g.ID[:])
		}
		rec := store.CollectionRecord{Collection: [16]byte{collection}, Owner: [32]byte(mallory), Record: []byte{1}}
		must(w.store.PutCollection(t.Context(), rec, [32]byte{}, grants, nil))
	}
	flood(1, 800, 5000)
	r := w.call(alice, "GET", api.PathGrants, nil)
	list = decode[api.ListGrants](t, r)
	if len(r.body) > api.MaxAnswer || !list.More || len(list.Issued) != 1 || !bytes.Equal(list.Issued[0].Record, in.Grants[0].Record) {
		t.Errorf("%d bytes, %d issued, %d received, more %t", len(r.body), len(list.Issued), len(list.Received), list.More)
	}
	if n := len(list.Received); n < 200 {
		t.Errorf("only %d received are listed", n)
	}
	w.advance(time.Minute)
	flood(2, 1100, 10)
	list = decode[api.ListGrants](t, w.call(alice, "GET", api.PathGrants, nil))
	if len(list.Received) != store.MaxListed-1 || !list.More || len(list.Received[0].Record) != 10 {
		t.Errorf("%d received, more %t", len(list.Received), list.More)
	}
	w.want("readers", w.call(alice, "GET", readersPath(w.home(alice)), nil), "")
}

// TestLargestReaders: the list of as many readers as an epoch may have fits an
// answer.
func TestLargestReaders(t *testing.T) {
	w := newWorld(t)
	w.suite = abi.Suite480 // whose records are the larger ones
	alice, bob := w.join(), w.join()
	w.grant(alice, bob)
	w.want("revoke", w.revoke(alice, bob), "")
	entry := decode[api.Readers](t, w.call(alice, "GET", readersPath(w.home(alice)), nil)).Grants[0]
	if size := len(must(json.Marshal(entry))) + 1; size*api.MaxReaders > api.MaxAnswer-1024 {
		t.Errorf("an entry has %d bytes: %d readers do not fit", size, api.MaxReaders)
	}
}

// TestLargeGrants: a grant record with padding is refused.
func TestLargeGrants(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.join(), w.join()
	in := w.proposal(alice, abi.GrantFields{}, bob)
	good := in.Grants[0].Record
	padded := func(n int) []byte { // an extension field of n bytes, signed by alice
		body := append(bytes.Clone(good[:len(good)-64-2]), byte((n+4)>>8), byte(n+4), 127, 1, byte(n>>8), byte(n))
		return alice.resign(append(append(body, make([]byte, n)...), make([]byte, 64)...), func([]byte) {})
	}
	in.Grants[0].Record = padded(api.MaxGrantRecord - len(good) - 4 + 1)
	w.want("one byte too many", w.call(alice, "POST", api.PathGrants, in), api.CodeTooLarge)
	in.Grants[0].Record = padded(api.MaxGrantRecord - len(good) - 4)
	w.want("as many as may be", w.call(alice, "POST", api.PathGrants, in), "")
}
