package server_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/server"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// TestGetKeysRevoked is TestRevokeRace for many keys at once, with a cache of prepared
// transform keys and without: no key is answered by a request that starts after the
// revocation was answered.
func TestGetKeysRevoked(t *testing.T) {
	for _, cache := range []int{0, server.DefaultPreparedBytes} {
		t.Run(fmt.Sprint(cache), func(t *testing.T) {
			w := newWorld(t)
			w.cache, w.kept = cache, cache
			w.restart()
			bob, carol := w.join(), w.join()
			w.grant(carol, bob)
			carols := w.deposit(carol, carol)
			for range 4 {
				alice := w.join()
				w.grant(alice, bob)
				ids := []string{carols.id, w.deposit(alice, alice).id, w.deposit(alice, alice).id}
				w.want("warm up", w.getMany(bob, ids...), "")
				var mu sync.Mutex
				var answered bool
				var wait sync.WaitGroup
				for range 3 {
					wait.Go(func() {
						for range 6 {
							mu.Lock()
							late := answered
							mu.Unlock()
							answer := decode[api.Keys](t, w.getMany(bob, ids...))
							if answer.Keys[0].Code != "" {
								t.Errorf("another owner's key: %q", answer.Keys[0].Code)
							}
							for _, item := range answer.Keys[1:] {
								if late && item.Code != api.CodeNotFound || item.Code != "" && item.Code != api.CodeNotFound {
									t.Errorf("revoked: %v, code %q", late, item.Code)
								}
							}
						}
					})
				}
				wait.Go(func() {
					time.Sleep(5 * time.Millisecond)
					r := w.revoke(alice, bob)
					mu.Lock()
					answered = true
					mu.Unlock()
					w.want("revoke", r, "")
				})
				wait.Wait()
			}
		})
	}
}

// TestPreparedHits: a transform key is prepared once, also for many keys; a hit asks the
// store and the keyring as ever.
func TestPreparedHits(t *testing.T) {
	w, l := newLedger(t)
	w.kept = 0
	alice, bob, carol := w.join(), w.join(), w.join()
	w.grant(alice, bob, carol)
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
	did("keys:1 grants:1 prepare transform_many identity record", func() { w.get(bob, one.id) })
	did("keys:1 grants:1 transform_many identity record", func() { w.get(bob, two.id) })
	did("keys:2 grants:2 transform_many identity record", func() { w.getMany(bob, one.id, two.id) })
	did("keys:1 grants:1 prepare transform_many identity record", func() { w.get(carol, one.id) })
	w.want("revoke", w.revoke(alice, carol), "")
	did("keys:1 grants:1", func() { w.get(carol, one.id) })
	did("keys:1 grants:1 transform_many identity record", func() { w.get(bob, one.id) })

	// Granted again with another transform key under another id: prepared again.
	in := w.rotation(alice, abi.GrantFields{}, bob)
	in.Grants = append(in.Grants, w.again(alice, alice.collection, bob)...)
	w.want("grant again", w.call(alice, "POST", api.PathGrants, in), "")
	did("keys:1 grants:1 prepare transform_many identity record", func() { w.read(bob, one) })
	w.server.Close()
	did("keys:1 grants:1 prepare transform_many identity record", func() { w.get(bob, one.id) })
	did("keys:1 grants:1 prepare transform_many identity record", func() { w.get(bob, one.id) })
	if !strings.Contains(w.log.String(), `msg="prepared transform keys" used=3 made=3 evicted=0`) {
		t.Error("the log does not tell how the cache did", w.log.String())
	}

	// Without a cache: as it is for one key, prepared for many.
	w.cache = 0
	w.server = must(server.New(t.Context(), w.config(readerLedger{l})))
	did("keys:1 grants:1 transform identity record", func() { w.get(bob, one.id) })
	did("keys:2 grants:2 prepare transform_many identity record", func() { w.getMany(bob, one.id, two.id) })
}

// TestPreparedExpires: an expired grant opens nothing, cached or not, before and after
// the sweep.
func TestPreparedExpires(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.join(), w.join()
	in := w.proposal(alice, abi.GrantFields{Expires: uint64(w.now().Add(time.Hour).UnixMilli())}, bob)
	w.want("grant", w.call(alice, "POST", api.PathGrants, in), "")
	alice.accept(in, bob)
	k := w.deposit(alice, alice)
	w.read(bob, k)
	if n := w.server.Prepared(); n != 1 {
		t.Errorf("%d prepared transform keys", n)
	}
	w.advance(2 * time.Hour)
	w.want("expired", w.get(bob, k.id), api.CodeNotFound)
	if err := w.server.Sweep(t.Context()); err != nil || w.server.Prepared() != 0 {
		t.Errorf("%d prepared after the sweep, %v", w.server.Prepared(), err)
	}
	w.want("swept", w.get(bob, k.id), api.CodeNotFound)
}

// TestPreparedRevoked: when a revocation is answered, nothing of its transform keys is
// prepared any more, even if destroying them failed at first, and whatever was on its way.
func TestPreparedRevoked(t *testing.T) {
	w := newWorld(t)
	alice, bob, carol := w.join(), w.join(), w.join()
	w.grant(alice, bob, carol)
	k := w.deposit(alice, alice)
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			for range 10 {
				w.get(bob, k.id)
			}
		})
	}
	time.Sleep(10 * time.Millisecond)
	w.want("revoke", w.revoke(alice, bob), "")
	if n := w.server.Prepared(); n != 0 {
		t.Errorf("%d prepared transform keys at the answer", n)
	}
	wait.Wait()
	if n := w.server.Prepared(); n != 0 {
		t.Errorf("%d prepared transform keys afterwards", n)
	}
	w.read(carol, k)
	w.breakWith(&brokenStore{failFinish: true})
	w.read(carol, k)
	w.want("revoke", w.revoke(alice, carol), api.CodeInternal)
	if n := w.server.Prepared(); n != 0 {
		t.Errorf("%d prepared transform keys after a revocation without a receipt", n)
	}
}
