package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/server"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// keyed sends a write under an Idempotency-Key, signed afresh.
func (w *world) keyed(p *person, path, key string, value any) reply {
	body := must(json.Marshal(value))
	r := request("POST", path, body)
	r.Header.Set(api.IdempotencyHeader, key)
	return w.do(w.sign(p, r, body))
}

// A write is an operation that has an effect, and another request of the same kind.
type write struct {
	who         *person
	path        string
	body, other any
}

// writes makes one of each kind in a world of its own.
var writes = map[string]func(w *world) write{
	"create_identity": func(w *world) write {
		p := w.newPerson()
		return write{p, api.PathIdentities, api.CreateIdentity{Record: p.record}, nil}
	},
	"grant_access": func(w *world) write {
		alice, bob := w.join(), w.join()
		w.open(alice)
		in := w.proposal(alice, abi.GrantFields{}, bob)
		return write{alice, api.PathGrants, in, w.proposal(alice, abi.GrantFields{}, bob)}
	},
	"revoke_access": func(w *world) write {
		alice, bob := w.join(), w.join()
		w.grant(alice, bob)
		return write{
			alice, api.PathRevocations, api.RevokeAccess{Revocation: w.revocation(alice, bob)},
			api.RevokeAccess{Revocation: w.revocation(alice, bob)},
		}
	},
	"create_sym_key": func(w *world) write {
		alice := w.join()
		w.open(alice)
		return write{alice, api.PathKeys, w.newKey(alice, alice.collection).in, w.newKey(alice, alice.collection).in}
	},
	"accept_author": func(w *world) write {
		alice, lab, other := w.join(), w.join(), w.join()
		w.policy(alice, abi.DepositOpen)
		w.deposit(lab, alice)
		path := strings.Replace(api.PathAuthors, "{id}", api.FormatID(w.home(alice)), 1)
		return write{alice, path, api.AcceptAuthor{Author: lab.id}, api.AcceptAuthor{Author: other.id}}
	},
	"refuse_author": func(w *world) write {
		alice, lab, other := w.join(), w.join(), w.join()
		w.policy(alice, abi.DepositOpen)
		w.deposit(lab, alice)
		path := strings.Replace(api.PathRefusals, "{id}", api.FormatID(w.home(alice)), 1)
		return write{alice, path, api.RefuseAuthor{Author: lab.id}, api.RefuseAuthor{Author: other.id}}
	},
	"request_access": func(w *world) write {
		alice, bob := w.join(), w.join()
		w.give(alice, abi.GrantFields{Kind: abi.GrantPending, Wait: ms(time.Hour)}, bob)
		return write{bob, api.PathRequests, api.Request{Owner: alice.id}, api.Request{Owner: bob.id}}
	},
	"veto_request": func(w *world) write {
		alice, bob := w.join(), w.join()
		w.give(alice, abi.GrantFields{Kind: abi.GrantPending, Wait: ms(time.Hour)}, bob)
		w.want("request", w.call(bob, "POST", api.PathRequests, api.Request{Owner: alice.id}), "")
		return write{alice, api.PathVetoes, api.Veto{Reader: bob.id}, api.Veto{Reader: alice.id}}
	},
}

// serve sends r to a server and returns the status.
func serve(s *server.Server, r *http.Request) int {
	out := httptest.NewRecorder()
	s.ServeHTTP(out, r)
	return out.Code
}

// TestIdempotencyKey: of every operation that has an effect, the same request under the same
// key has it once and is answered with the same bytes, after a restart too, and by another
// server on the same database; another request under that key is refused; a nonce is a
// replay whatever the key is.
func TestIdempotencyKey(t *testing.T) {
	for name, prepare := range writes {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			o := prepare(w)
			const key = "first-attempt"
			body := must(json.Marshal(o.body))
			r := request("POST", o.path, body)
			r.Header.Set(api.IdempotencyHeader, key)
			w.sign(o.who, r, body)
			first := w.do(r)
			w.want("first", first, "")
			size := w.logSize()
			w.want("the same nonce", w.do(again(r, body)), api.CodeReplay)
			equal := func(what string) {
				t.Helper()
				if got := w.keyed(o.who, o.path, key, o.body); got.status != 200 || !bytes.Equal(got.body, first.body) {
					t.Errorf("%s: %d %s\nfirst: %s", what, got.status, got.body, first.body)
				}
			}
			equal("again")
			w.advance(time.Minute)
			w.want("something else", w.call(w.join(), "GET", api.PathGrants, nil), "") // the log has grown meanwhile
			size++
			w.restart()
			equal("after a restart")
			w.server = must(server.New(t.Context(), w.config(w.store)))
			equal("by another server")
			if o.other != nil {
				w.want("another request", w.keyed(o.who, o.path, key, o.other), api.CodeRejected)
			}
			if now := w.logSize(); now != size {
				t.Errorf("%d effects more", now-size)
			}
			w.want("other key of another signer", w.keyed(w.join(), api.PathRequests, key, api.Request{Owner: o.who.id}), api.CodeNotFound)
		})
	}
}

// forgetful is the real store, which does not keep answers: the server stops before.
type forgetful struct{ store.Store }

func (forgetful) PutAnswer(context.Context, [32]byte, string, []byte, int64) error {
	return errors.New("stopped")
}

// TestCrashBeforeAnswer: the effect is there and its answer was never kept. Asking again has
// no second effect and is answered with success.
func TestCrashBeforeAnswer(t *testing.T) {
	for name, prepare := range writes {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			o := prepare(w)
			w.server = must(server.New(t.Context(), w.config(forgetful{w.store})))
			const key = "crashed"
			first := w.keyed(o.who, o.path, key, o.body)
			w.want("first", first, "")
			size := w.logSize()
			w.restart()
			again := w.keyed(o.who, o.path, key, o.body)
			w.want("again", again, "")
			switch name {
			case "accept_author", "refuse_author", "veto_request": // they tell what happened, which was before
			default:
				if !bytes.Equal(again.body, first.body) {
					t.Errorf("%s\nfirst: %s", again.body, first.body)
				}
			}
			if now := w.logSize(); now != size {
				t.Errorf("%d effects more", now-size)
			}
			third := w.keyed(o.who, o.path, key, o.body) // now it is kept
			if !bytes.Equal(third.body, again.body) {
				t.Errorf("%s\nbefore: %s", third.body, again.body)
			}
			if o.other != nil {
				w.want("another request", w.keyed(o.who, o.path, key, o.other), api.CodeRejected)
			}
		})
	}
}

// TestOvertakenBeforeAnswer: asking again when the world has gone on since.
func TestOvertakenBeforeAnswer(t *testing.T) {
	w := newWorld(t)
	alice, bob, carol := w.join(), w.join(), w.join()
	w.open(alice)
	w.server = must(server.New(t.Context(), w.config(forgetful{w.store})))
	granted := w.proposal(alice, abi.GrantFields{}, bob)
	first := w.keyed(alice, api.PathGrants, "grant", granted)
	w.want("grant", first, "")
	alice.accept(granted, bob)
	k := w.newKey(alice, alice.collection)
	w.want("deposit", w.keyed(alice, api.PathKeys, "deposit", k.in), "")
	w.grant(alice, carol)
	w.rotate(alice, carol)
	again := decode[api.GrantAccessAnswer](t, w.keyed(alice, api.PathGrants, "grant", granted))
	before := decode[api.GrantAccessAnswer](t, first)
	if again.Sequence != before.Sequence || len(again.Grants) != 1 || again.Grants[0] != before.Grants[0] || !bytes.Equal(again.Receipt, before.Receipt) {
		t.Errorf("%+v\nfirst: %+v", again, before)
	}
	w.want("without the key", w.call(alice, "POST", api.PathGrants, granted), api.CodeConflict)
	w.want("deposit, in an epoch that has ended", w.keyed(alice, api.PathKeys, "deposit", k.in), "")
	w.want("as something new", w.keyed(alice, api.PathKeys, "deposit-2", w.newKey(alice, granted.Collection).in), api.CodeConflict)
}

// TestIdempotencyKeyRace: requests under one key at once, on two servers: one effect, and
// every answer is a success.
func TestIdempotencyKeyRace(t *testing.T) {
	for name, prepare := range writes {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			o := prepare(w)
			size := w.logSize()
			other := must(server.New(t.Context(), w.config(w.store)))
			servers := []*server.Server{w.server, other}
			if name == "grant_access" && w.database == "" {
				servers[1] = w.server // servers do not share a keyring that is a file
			}
			var wait sync.WaitGroup
			for i := range 8 {
				body := must(json.Marshal(o.body))
				r := request("POST", o.path, body)
				r.Header.Set(api.IdempotencyHeader, "race")
				w.sign(o.who, r, body)
				wait.Go(func() {
					if got := serve(servers[i%2], r); got != 200 {
						t.Errorf("attempt %d: %d", i, got)
					}
				})
			}
			wait.Wait()
			grown := w.logSize() - size
			w.want("once more", w.keyed(o.who, o.path, "race", o.body), "")
			if want := map[string]int64{"grant_access": 2}[name]; grown != max(want, 1) {
				t.Errorf("%d lines in the log", grown)
			}
		})
	}
}

// TestIdempotencyKeyUnused: what had no effect has not taken the key, and a key is free
// again when it is forgotten.
func TestIdempotencyKeyUnused(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.join(), w.join()
	w.open(alice)
	refused := strings.Replace(api.PathRefusals, "{id}", api.FormatID(w.home(alice)), 1)
	w.want("not his collection", w.keyed(bob, refused, "one", api.RefuseAuthor{Author: alice.id}), api.CodeNotFound)
	w.want("the same key for something else", w.keyed(bob, api.PathRequests, "one", api.Request{Owner: alice.id}), api.CodeNotFound)
	k := w.newKey(alice, alice.collection)
	w.want("deposit", w.keyed(alice, api.PathKeys, "one", k.in), "")
	w.want("reading does not take keys", w.keyed(alice, transformPath(k.id), "one", nil), api.CodeMalformed)
	w.want("another", w.keyed(alice, api.PathKeys, "one", w.newKey(alice, alice.collection).in), api.CodeRejected)
	w.advance(time.Hour)
	if err := w.server.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.want("forgotten", w.keyed(alice, api.PathKeys, "one", w.newKey(alice, alice.collection).in), "")
}

// TestTransformsTakeNoKey: what a reader fetches is decided by his grant each time, whatever
// was answered under the key before.
func TestTransformsTakeNoKey(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.join(), w.join()
	w.grant(alice, bob)
	k := w.deposit(alice, alice)
	w.want("fetch", w.keyed(bob, api.PathTransforms, "fetch", api.GetKeys{Keys: []string{k.id}}), "")
	w.want("revoke", w.revoke(alice, bob), "")
	after := w.keyed(bob, api.PathTransforms, "fetch", api.GetKeys{Keys: []string{k.id}})
	if got := decode[api.Keys](t, after); got.Keys[0].Code != api.CodeNotFound {
		t.Errorf("after the revocation: %+v", got.Keys[0])
	}
}
