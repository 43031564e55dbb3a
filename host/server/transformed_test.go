package server_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/server"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// kept is how many transformed values the server keeps.
func (w *world) keptValues() int {
	n, _ := w.server.Transformed()
	return n
}

// TestTransformedHits: a value is transformed once; a hit asks the store as ever, and
// neither the keyring nor the core.
func TestTransformedHits(t *testing.T) {
	w, l := newLedger(t)
	alice, bob := w.join(), w.join()
	w.grant(alice, bob)
	one, two := w.deposit(alice, alice), w.deposit(alice, alice)
	w.server = must(server.New(t.Context(), w.config(readerLedger{l})))
	did := func(what string, do func()) {
		t.Helper()
		l.take()
		do()
		if got := l.take(); !strings.HasSuffix(got, what) {
			t.Errorf("%s\nshould end with\n%s", got, what)
		}
	}
	did("keys:1 grants:1 prepare transform_many identity record", func() { w.read(bob, one) })
	did("keys:1 grants:1 identity record", func() { w.read(bob, one) })
	did("keys:2 grants:2 transform_many identity record", func() { w.getMany(bob, one.id, two.id) })
	did("keys:2 grants:2 identity record", func() { w.getMany(bob, one.id, two.id) })
	if n, used := w.server.Transformed(); n != 2 || used < 2*1000 || used > 2*4096 {
		t.Errorf("%d values in %d bytes", n, used)
	}
	first, again := w.get(bob, one.id), w.get(bob, one.id)
	same(t, first, again)
	w.server.Close()
	if !strings.Contains(w.log.String(), `msg="transformed values"`) || w.keptValues() != 0 {
		t.Error("the log does not tell how the cache did, or something is left")
	}
	w.want("after closing", w.get(bob, one.id), "")
	if w.keptValues() != 0 {
		t.Error("a value came in after closing")
	}
}

// TestTransformedEnds: however a grant ends, its values are gone when that is answered, and
// so is access; those of others stay.
func TestTransformedEnds(t *testing.T) {
	for name, end := range map[string]func(w *world, alice, bob *person){
		"revoked": func(w *world, alice, bob *person) { w.want("revoke", w.revoke(alice, bob), "") },
		"expired": func(w *world, _, _ *person) {
			w.advance(2 * time.Hour)
			must(0, w.server.Sweep(context.Background()))
		},
		"superseded": func(w *world, alice, bob *person) {
			in := w.proposal(alice, abi.GrantFields{Scope: [][16]byte{{9}}})
			in.Grants = append(in.Grants, w.grantTo(alice, in.Collection, bob, abi.GrantFields{Scope: [][16]byte{{9}}}))
			w.want("grant for another document", w.call(alice, "POST", api.PathGrants, in), "")
			alice.accept(in)
		},
		"keys changed": func(w *world, _, bob *person) {
			next := w.changed(bob)
			w.want("new keys", w.publish(next), "")
			*bob = *next
		},
		"lost": func(w *world, _, _ *person) {
			must(w.store.LoseKeys(context.Background(), nil))
			w.restart()
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			alice, bob, carol := w.join(), w.join(), w.join()
			w.give(alice, abi.GrantFields{Expires: uint64(w.now().Add(time.Hour).UnixMilli())}, bob)
			w.grant(carol, bob)
			k, other := w.deposit(alice, alice), w.deposit(carol, carol)
			w.read(bob, k)
			w.want("another collection", w.get(bob, other.id), "")
			if n := w.keptValues(); n != 2 {
				t.Fatalf("%d values are kept", n)
			}
			end(w, alice, bob)
			if n, want := w.keptValues(), map[string]int{"revoked": 1, "expired": 1, "superseded": 1}[name]; n != want {
				t.Errorf("%d values are kept, want %d", n, want)
			}
			w.want("afterwards", w.get(bob, k.id), api.CodeNotFound)
		})
	}
}

// TestTransformedOfThatKey: a key that its owner refused and that comes again under its id
// with other content is another one.
func TestTransformedOfThatKey(t *testing.T) {
	w := newWorld(t)
	alice, bob, lab := w.join(), w.join(), w.join()
	w.policy(alice, abi.DepositOpen)
	w.grant(alice, bob)
	first := w.deposit(lab, alice)
	w.want("it waits", w.get(bob, first.id), api.CodeNotFound)
	path := strings.Replace(api.PathRefusals, "{id}", api.FormatID(w.home(alice)), 1)
	w.want("refuse", w.call(alice, "POST", path, api.RefuseAuthor{Author: lab.id}), "")
	path = strings.Replace(api.PathAuthors, "{id}", api.FormatID(w.home(alice)), 1)
	w.want("accept", w.call(alice, "POST", path, api.AcceptAuthor{Author: lab.id}), "")
	second := w.newKeyOf(lab, alice.collection, first.raw)
	w.want("deposit", w.call(lab, "POST", api.PathKeys, second.in), "")
	w.read(bob, second)
	// And if a database held another value under an id, the kept one would not be answered.
	w.server = must(server.New(t.Context(), w.config(&oddStore{Store: w.store, damaged: first.raw})))
	w.want("damaged", w.get(bob, first.id), api.CodeInternal)
}

// slowRecord is the real store; it tells when an opening is about to be recorded, and waits.
type slowRecord struct {
	store.Store
	at   chan struct{}
	wait chan struct{}
}

func (s *slowRecord) RecordOpening(ctx context.Context, grant [16]byte, now int64, uses uint32, log []store.LogEntry) error {
	if s.at != nil {
		s.at <- struct{}{}
		<-s.wait
	}
	return s.Store.RecordOpening(ctx, grant, now, uses, log)
}

// TestTransformedRevokedInBetween: a revocation is answered after a value was found in the
// cache and before its opening was recorded: it is not answered, and not kept.
func TestTransformedRevokedInBetween(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.join(), w.join()
	w.grant(alice, bob)
	k := w.deposit(alice, alice)
	slow := &slowRecord{Store: w.store}
	w.server = must(server.New(t.Context(), w.config(slow)))
	w.read(bob, k)
	slow.at, slow.wait = make(chan struct{}), make(chan struct{})
	var r reply
	var wait sync.WaitGroup
	wait.Go(func() { r = w.get(bob, k.id) })
	<-slow.at
	w.want("revoke", w.revoke(alice, bob), "")
	slow.at, slow.wait = nil, closeOf(slow.wait)
	wait.Wait()
	w.want("the opening", r, api.CodeNotFound)
	if n := w.keptValues(); n != 0 {
		t.Errorf("%d values are kept", n)
	}
}

func closeOf(c chan struct{}) chan struct{} { close(c); return c }

// TestTransformedRace: many open what is in the cache while revocations come in; whoever asks
// after the answer to a revocation gets nothing, and nothing of it is kept.
func TestTransformedRace(t *testing.T) {
	w := newWorld(t)
	for round := range 5 {
		alice, bob, carol := w.join(), w.join(), w.join()
		w.grant(alice, bob, carol)
		var keys []aKey
		var ids []string
		for range 10 {
			k := w.deposit(alice, alice)
			keys, ids = append(keys, k), append(ids, k.id)
		}
		w.want("warm up", w.getMany(bob, ids...), "")
		var answered atomic.Bool
		var wait sync.WaitGroup
		for i := range 4 {
			wait.Go(func() {
				for n := range 15 {
					late := answered.Load()
					if (i+n)%2 == 0 {
						if got := w.get(bob, keys[n%10].id); late && got.status == 200 {
							t.Errorf("round %d: opened after the revocation", round)
						}
						continue
					}
					for _, item := range decode[api.Keys](t, w.getMany(bob, ids...)).Keys {
						if late && item.Code != api.CodeNotFound {
							t.Errorf("round %d: opened after the revocation, %q", round, item.Code)
						}
					}
				}
			})
		}
		wait.Go(func() {
			time.Sleep(time.Duration(3+4*round) * time.Millisecond)
			w.want("revoke", w.revoke(alice, bob), "")
			answered.Store(true)
		})
		wait.Wait()
		if n := w.keptValues(); n != 0 {
			t.Errorf("round %d: %d values are kept", round, n)
		}
		w.read(carol, keys[0])
		w.want("revoke", w.revoke(alice, carol), "")
	}
}

// TestTransformedBounded: the cache takes the bytes that it may, and no more.
func TestTransformedBounded(t *testing.T) {
	w := newWorld(t)
	w.kept = 20 << 10
	w.restart()
	alice, bob := w.join(), w.join()
	w.grant(alice, bob)
	var ids []string
	for range 30 {
		ids = append(ids, w.deposit(alice, alice).id)
	}
	for range 3 {
		for i, item := range decode[api.Keys](t, w.getMany(bob, ids...)).Keys {
			if item.Code != "" {
				t.Fatalf("item %d: %q", i, item.Code)
			}
		}
		if n, used := w.server.Transformed(); n < 2 || n >= 30 || used > w.kept {
			t.Errorf("%d values in %d bytes", n, used)
		}
	}
	w.kept = 0
	w.restart()
	w.want("none are kept", w.getMany(bob, ids...), "")
	if n := w.keptValues(); n != 0 {
		t.Errorf("%d values are kept", n)
	}
}

// TestManyKeys: a thousand keys of several owners and one stranger, in few look-ups.
func TestManyKeys(t *testing.T) {
	w, l := newLedger(t)
	alice, carol, eve, bob := w.join(), w.join(), w.join(), w.join()
	w.grant(alice, bob)
	w.grant(carol, bob)
	w.open(eve)
	var ids []string
	want := map[string]string{}
	for i := range api.MaxKeys {
		id := api.FormatID([16]byte{byte(i), byte(i >> 8), 7})
		switch {
		case i%100 == 0:
			id = w.deposit(eve, eve).id
		case i%4 == 1:
			id = w.deposit(alice, alice).id
		case i%4 == 3:
			id = w.deposit(carol, carol).id
		}
		if i%4 != 1 && i%4 != 3 || i%100 == 0 {
			want[id] = api.CodeNotFound
		}
		ids = append(ids, id)
	}
	w.server = must(server.New(t.Context(), w.config(readerLedger{l})))
	before := w.logSize()
	l.take()
	answer := decode[api.Keys](t, w.getMany(bob, ids...))
	steps := l.take()
	opened := 0
	for i, item := range answer.Keys {
		if item.ID != ids[i] || item.Code != want[ids[i]] {
			t.Fatalf("item %d: %q, want %q", i, item.Code, want[ids[i]])
		}
		if item.Code == "" {
			opened++
		}
	}
	for look, most := range map[string]int{"keys:": 4, "grants:": 4, "identity": 4, "record": 8, "prepare": 2} {
		if n := strings.Count(steps, look); n > most {
			t.Errorf("%d times %s", n, look)
		}
	}
	if grown := w.logSize() - before; opened != 500 || grown != int64(opened) {
		t.Errorf("%d opened, %d lines in the log", opened, grown)
	}
}

// TestManyKeysFull: what the answer has no room for is not opened, has no line in the
// ledger, and is there when it is asked for again.
func TestManyKeysFull(t *testing.T) {
	w := newWorld(t)
	const longest = 64 << 10
	w.server.SetLongest(longest)
	alice, bob := w.join(), w.join()
	w.grant(alice, bob)
	var ids []string
	for range 60 {
		ids = append(ids, w.deposit(alice, alice).id)
	}
	before := w.logSize()
	r := w.getMany(bob, ids...)
	if len(r.body) > longest || len(r.body) < longest/4 {
		t.Errorf("an answer of %d bytes", len(r.body))
	}
	rounds, opened := 0, 0
	for ; len(ids) > 0; rounds++ {
		var left []string
		for i, item := range decode[api.Keys](t, r).Keys {
			switch item.Code {
			case "":
				opened++
			case api.CodeTooLarge:
				left = append(left, ids[i])
			default:
				t.Fatalf("item %d: %q", i, item.Code)
			}
		}
		if grown := w.logSize() - before; grown != int64(opened) {
			t.Fatalf("%d opened, %d lines in the log", opened, grown)
		}
		if ids = left; len(ids) > 0 {
			r = w.getMany(bob, ids...)
		}
	}
	if rounds < 2 || rounds > 3 {
		t.Errorf("%d rounds", rounds)
	}
}
