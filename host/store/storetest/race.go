package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/recrypt-service/recrypt/host/store"
)

// race runs fn in n goroutines that start together and returns their errors.
func race(n int, fn func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			errs[i] = fn(i)
		})
	}
	close(start)
	wg.Wait()
	return errs
}

// oneWins checks that one call succeeded and all others failed with want. It
// returns the winner.
func oneWins(t *testing.T, errs []error, want error) int {
	t.Helper()
	winner := -1
	for i, err := range errs {
		switch {
		case err == nil && winner < 0:
			winner = i
		case !errors.Is(err, want):
			t.Fatalf("call %d: %v (winner %d)", i, err, winner)
		}
	}
	if winner < 0 {
		t.Fatal("nobody won")
	}
	return winner
}

// testRaceIdentity lets many devices add a version to one identity, each its own.
func testRaceIdentity(t *testing.T, s store.Store) {
	ctx := t.Context()
	newest := store.Identity{ID: id32(), Version: 1, Record: random(400), SigningKey: id32()}
	for range 10 {
		fatal(t, s.PutIdentity(ctx, newest, store.IdentityChange{}))
		var next [8]store.Identity
		for i := range next {
			next[i] = newest
			next[i].Version++
			next[i].Record = append(newest.Record[:len(newest.Record):len(newest.Record)], random(100)...)
		}
		newest = next[oneWins(t, race(len(next), func(i int) error { return s.PutIdentity(ctx, next[i], store.IdentityChange{}) }), store.ErrConflict)]
	}
	versions, err := s.Identity(ctx, newest.ID)
	fatal(t, err)
	if len(versions) != 11 || !reflect.DeepEqual(versions[10], newest) {
		t.Fatalf("%d versions, or another newest", len(versions))
	}
	for _, err := range race(8, func(int) error { return s.PutIdentity(ctx, newest, store.IdentityChange{}) }) {
		fatal(t, err)
	}
}

// testRacePut lets many devices append to one chain, each with its own record.
func testRacePut(t *testing.T, s store.Store) {
	ctx := t.Context()
	c := newChain()
	reader := id32()
	for round := range 10 {
		const devices = 8
		var recs [devices]store.CollectionRecord
		var grants [devices]store.Grant
		var previous [32]byte
		for i := range devices {
			recs[i], previous = c.record(uint32(round))
			grants[i] = c.grant(reader, uint32(round))
		}
		winner := oneWins(t, race(devices, func(i int) error {
			_, err := s.PutCollection(ctx, recs[i], previous, grants[i:i+1], nil)
			return err
		}), store.ErrConflict)
		c.advance(recs[winner])
		got, err := s.ActiveGrant(ctx, c.id, uint32(round), reader, 1)
		fatal(t, err)
		if got.ID != grants[winner].ID {
			t.Fatalf("round %d: the grant is not the winner's", round)
		}
	}
	chain, err := s.Collection(ctx, c.id)
	fatal(t, err)
	for i, rec := range chain {
		if rec.Sequence != uint64(i) {
			t.Fatalf("record %d has sequence %d", i, rec.Sequence)
		}
	}
	if len(chain) != 10 {
		t.Fatalf("chain has %d records, want 10", len(chain))
	}

	// The same request many times over is accepted every time and stored once.
	rec, previous := c.record(99)
	grants := []store.Grant{c.grant(reader, 99)}
	for _, err := range race(8, func(int) error {
		_, err := s.PutCollection(ctx, rec, previous, grants, nil)
		return err
	}) {
		fatal(t, err)
	}
}

// testRaceRevoke sends the same revocation, and different ones, at once.
func testRaceRevoke(t *testing.T, s store.Store) {
	ctx := t.Context()
	for range 10 {
		c := newChain()
		g := c.grant(id32(), 0)
		c.put(t, s, 0, g)
		same := c.revocation(g.Reader)
		var counted atomic.Int64
		for _, err := range race(8, func(i int) error {
			revocation := same
			if i%2 == 1 {
				revocation = c.revocation(g.Reader)
			}
			stored, destroyed, err := s.Revoke(ctx, revocation, nil)
			if err != nil {
				return err
			}
			if i%2 == 1 || i == 0 {
				counted.Add(int64(stored.Destroyed))
			}
			if len(destroyed) > 1 || len(destroyed) == 1 && destroyed[0] != g.ID {
				return fmt.Errorf("destroyed %x", destroyed)
			}
			return s.FinishRevocation(ctx, revocation.ID, fmt.Appendf(nil, "receipt %d", i), stored.Destroyed)
		}) {
			fatal(t, err)
		}
		if counted.Load() != 1 {
			t.Fatalf("one grant was destroyed %d times", counted.Load())
		}
		first, err := s.Revocation(ctx, same.ID)
		fatal(t, err)
		fatal(t, s.FinishRevocation(ctx, same.ID, []byte("late"), 0))
		second, err := s.Revocation(ctx, same.ID)
		fatal(t, err)
		if first.Receipt == nil || !reflect.DeepEqual(first, second) {
			t.Fatal("the receipt is not the first one for good")
		}
	}
}

// testRaceRevokeRead: once Revoke has returned, no read finds the grant.
func testRaceRevokeRead(t *testing.T, s store.Store) {
	ctx := t.Context()
	for range 10 {
		c := newChain()
		g := c.grant(id32(), 0)
		c.put(t, s, 0, g)
		var revoked atomic.Bool
		for _, err := range race(5, func(i int) error {
			if i == 0 {
				_, _, err := s.Revoke(ctx, c.revocation(g.Reader), nil)
				revoked.Store(true)
				return err
			}
			for range 50 {
				over := revoked.Load() // before the read begins
				_, err := s.ActiveGrant(ctx, c.id, 0, g.Reader, 1)
				if err == nil && over {
					return errors.New("a revoked grant was read")
				}
				if err != nil && !errors.Is(err, store.ErrNotFound) {
					return err
				}
			}
			return nil
		}) {
			fatal(t, err)
		}
	}
}

func testRaceNonce(t *testing.T, s store.Store) {
	signer := id32()
	for round := range 20 {
		nonce := fmt.Sprint("nonce ", round)
		oneWins(t, race(8, func(int) error {
			return s.ClaimNonce(t.Context(), signer, nonce, 100)
		}), store.ErrReplay)
	}
}

// testRaceHighWater: nobody sees the clock run backwards.
func testRaceHighWater(t *testing.T, s store.Store) {
	for _, err := range race(8, func(i int) error {
		last := int64(0)
		for step := range 20 {
			now := int64(step*8 + i)
			got, err := s.HighWater(t.Context(), now)
			if err != nil {
				return err
			}
			if got < now || got < last {
				return fmt.Errorf("gave %d, got %d after %d", now, got, last)
			}
			last = got
		}
		return nil
	}) {
		fatal(t, err)
	}
}

// testRaceOpening: once Revoke has returned, no opening is recorded, and the log has
// exactly those that were.
func testRaceOpening(t *testing.T, s store.Store) {
	ctx := t.Context()
	for range 10 {
		c := newChain()
		g := c.grant(id32(), 0)
		g.Uses = 60
		c.put(t, s, 0, g)
		var revoked atomic.Bool
		var opened, refused atomic.Int64
		for _, err := range race(5, func(i int) error {
			if i == 0 {
				for opened.Load() < 3 { // let some through
					runtime.Gosched()
				}
				_, _, err := s.Revoke(ctx, c.revocation(g.Reader), []store.LogEntry{entry(c.owner, c.owner, nil)})
				revoked.Store(true)
				return err
			}
			for range 20 {
				over := revoked.Load() // before the opening begins
				err := s.RecordOpening(ctx, g.ID, 1, 1, []store.LogEntry{entry(c.owner, g.Reader, nil)})
				switch {
				case err == nil && over:
					return errors.New("a revoked grant was opened")
				case err == nil:
					opened.Add(1)
				case errors.Is(err, store.ErrNotFound):
					refused.Add(1)
				default:
					return err
				}
			}
			return nil
		}) {
			fatal(t, err)
		}
		rows, err := s.Ledger(ctx, c.owner, 0, store.MaxListed)
		fatal(t, err)
		issued, err := s.IssuedGrants(ctx, c.owner, store.GrantCursor{}, store.MaxListed)
		fatal(t, err)
		n := min(opened.Load(), 60)
		if int64(len(rows)) != n+1 || int64(issued[0].Used) != n || opened.Load()+refused.Load() != 80 {
			t.Fatalf("%d openings and %d refusals, %d entries, used %d", opened.Load(), refused.Load(), len(rows), issued[0].Used)
		}
	}
}

// testRaceUses: many openings at once never exceed the limit.
func testRaceUses(t *testing.T, s store.Store) {
	c := newChain()
	g := c.grant(id32(), 0)
	g.Uses = 7
	c.put(t, s, 0, g)
	won := 0
	for _, err := range race(16, func(i int) error { return s.RecordOpening(t.Context(), g.ID, 1, 2, one()) }) {
		if err == nil {
			won++
		} else {
			wantErr(t, "opening", err, store.ErrNotFound)
		}
	}
	if won != 3 {
		t.Fatalf("%d openings of 2 uses, 3 fit into 7", won)
	}
}

// testRaceDeposit: no deposit gets into an epoch after Revoke has closed it or a record
// has opened the next one, and authors stay within their quota.
func testRaceDeposit(t *testing.T, s store.Store) {
	ctx := t.Context()
	for round := range 10 {
		c := newChain()
		g := c.grant(id32(), 0)
		c.put(t, s, 0, g)
		var over atomic.Bool
		want := store.ErrClosed
		epoch, judged := uint32(0), [32]byte{}
		switch round % 3 {
		case 0:
			want, epoch = store.ErrConflict, 1
		case 1: // the same epoch goes on, but another record says who may deposit
			want, judged = store.ErrConflict, c.head.Hash
		}
		for _, err := range race(5, func(i int) error {
			if i == 0 {
				defer over.Store(true)
				if want == store.ErrConflict {
					rec, previous := c.record(epoch)
					_, err := s.PutCollection(ctx, rec, previous, nil, nil)
					return err
				}
				_, _, err := s.Revoke(ctx, c.revocation(g.Reader), nil)
				return err
			}
			for range 20 {
				late := over.Load()
				key := c.key(c.owner, 0)
				key.Judged = judged
				err := s.PutKey(ctx, key, 0, one())
				if err == nil && late {
					return errors.New("a deposit came into an epoch that is over, or by a record that is not the newest")
				}
				if err != nil && !errors.Is(err, want) {
					return err
				}
			}
			return nil
		}) {
			fatal(t, err)
		}
		open := newChain()
		open.put(t, s, 0)
		author := id32()
		stored := 0
		for _, err := range race(12, func(int) error {
			key := open.key(author, 0)
			key.Accepted = false
			return s.PutKey(ctx, key, 5, one())
		}) {
			if err == nil {
				stored++
			} else {
				wantErr(t, "deposit", err, store.ErrQuota)
			}
		}
		if stored != 5 {
			t.Fatalf("%d deposits wait, 5 may", stored)
		}
	}
}

// testRaceLog: appends at once take turns, each in one piece.
func testRaceLog(t *testing.T, s store.Store) {
	ctx := t.Context()
	refs := make([][]byte, 8)
	for i := range refs {
		refs[i] = random(24)
	}
	before := size(t, s)
	for _, err := range race(len(refs), func(i int) error {
		for range 10 {
			log := []store.LogEntry{leaf(refs[i]), entry(id32(), id32(), nil), leaf(refs[i])}
			if err := s.AppendLog(ctx, log); err != nil {
				return err
			}
			newest, err := s.LogIndex(ctx, refs[i])
			if err != nil {
				return err
			}
			leaves, err := s.LogLeaves(ctx, newest-2, 3)
			if err != nil {
				return err
			}
			for j := range log {
				if !bytes.Equal(leaves[j], log[j].Leaf) {
					return errors.New("an append was torn apart")
				}
			}
			// Whoever reads while others append sees a whole tree.
			n, err := s.LogSize(ctx)
			if err != nil {
				return err
			}
			if _, err := tlog.TreeHash(n, hashes(ctx, s)); err != nil {
				return err
			}
		}
		return nil
	}) {
		fatal(t, err)
	}
	if n := size(t, s) - before; n != int64(len(refs))*30 {
		t.Fatalf("appended %d leaves", n)
	}
}
