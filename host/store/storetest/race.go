package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"

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
