package storetest

import (
	"context"
	"errors"
	"math"
	"reflect"
	"testing"

	"github.com/recrypt-service/recrypt/host/store"
)

func testCollection(t *testing.T, s store.Store) {
	ctx := t.Context()
	c := newChain()
	_, err := s.Collection(ctx, c.id)
	wantErr(t, "unknown collection", err, store.ErrNotFound)
	if ids, err := s.Collections(ctx, c.owner); err != nil || len(ids) != 0 {
		t.Fatalf("collections of a stranger: %d, %v", len(ids), err)
	}

	var all []store.CollectionRecord
	for epoch := range uint32(5) {
		c.put(t, s, epoch/2)
		all = append(all, c.head)
	}
	got, err := s.Collection(ctx, c.id)
	fatal(t, err)
	if !reflect.DeepEqual(got, all) {
		t.Fatalf("got %+v, want %+v", got, all)
	}

	second := newChain()
	second.owner = c.owner
	rec, previous := second.record(0)
	rec.Created = 2000
	_, err = s.PutCollection(ctx, rec, previous, nil, nil)
	fatal(t, err)
	ids, err := s.Collections(ctx, c.owner)
	fatal(t, err)
	if !reflect.DeepEqual(ids, [][16]byte{c.id, second.id}) {
		t.Fatalf("collections: got %x", ids)
	}
	heads, err := s.CollectionHeads(ctx, c.owner, store.CollectionCursor{}, store.MaxCollections)
	fatal(t, err)
	if want := []store.CollectionHead{{CollectionRecord: c.head, Begun: 1000}, {CollectionRecord: rec, Begun: 2000}}; !reflect.DeepEqual(heads, want) {
		t.Fatalf("heads: got %+v, want %+v", heads, want)
	}
	testCollectionConflicts(t, s, c)
}

func testCollectionConflicts(t *testing.T, s store.Store, c *chain) {
	before, err := s.Collection(t.Context(), c.id)
	fatal(t, err)
	for what, change := range map[string]func(*store.CollectionRecord, *[32]byte){
		"old sequence":        func(r *store.CollectionRecord, _ *[32]byte) { r.Sequence-- },
		"sequence 0 again":    func(r *store.CollectionRecord, p *[32]byte) { r.Sequence = 0; *p = [32]byte{} },
		"sequence with a gap": func(r *store.CollectionRecord, _ *[32]byte) { r.Sequence++ },
		"other previous":      func(_ *store.CollectionRecord, p *[32]byte) { p[0] ^= 1 },
		"no previous":         func(_ *store.CollectionRecord, p *[32]byte) { *p = [32]byte{} },
	} {
		rec, previous := c.record(9)
		change(&rec, &previous)
		_, err := s.PutCollection(t.Context(), rec, previous, []store.Grant{c.grant(id32(), 9)}, nil)
		wantErr(t, what, err, store.ErrConflict)
	}
	rec, previous := c.record(9)
	rec.Owner = id32()
	_, err = s.PutCollection(t.Context(), rec, previous, nil, nil)
	wantErr(t, "other owner", err, store.ErrExists)

	fresh := newChain()
	for what, change := range map[string]func(*store.CollectionRecord, *[32]byte){
		"new collection at 1":          func(r *store.CollectionRecord, _ *[32]byte) { r.Sequence = 1 },
		"new collection with previous": func(_ *store.CollectionRecord, p *[32]byte) { p[0] = 1 },
	} {
		rec, previous := fresh.record(0)
		change(&rec, &previous)
		_, err := s.PutCollection(t.Context(), rec, previous, nil, nil)
		wantErr(t, what, err, store.ErrConflict)
	}
	_, err = s.Collection(t.Context(), fresh.id)
	wantErr(t, "refused collection", err, store.ErrNotFound)
	after, err := s.Collection(t.Context(), c.id)
	fatal(t, err)
	if !reflect.DeepEqual(before, after) {
		t.Fatal("refused records changed the chain")
	}
}

func testCollectionRetry(t *testing.T, s store.Store) {
	ctx := t.Context()
	c := newChain()
	reader := id32()
	c.put(t, s, 0, c.grant(reader, 0))

	rec, previous := c.record(0)
	grants := []store.Grant{c.grant(reader, 0), c.grant(id32(), 0)}
	superseded, err := s.PutCollection(ctx, rec, previous, grants, nil)
	fatal(t, err)
	if len(superseded) != 1 {
		t.Fatalf("superseded %d grants, want 1", len(superseded))
	}
	c.advance(rec)

	retry := []store.Grant{grants[1], grants[0]} // the order does not matter
	retry[1].Sealed = random(1200)               // sealed afresh
	superseded, err = s.PutCollection(ctx, rec, previous, retry, nil)
	fatal(t, err)
	if len(superseded) != 0 {
		t.Fatalf("a retry superseded %d grants", len(superseded))
	}
	got, err := s.ActiveGrant(ctx, c.id, 0, reader, 1)
	fatal(t, err)
	if !reflect.DeepEqual(got, grants[0]) {
		t.Fatal("a retry replaced the sealed transform key")
	}

	_, err = s.PutCollection(ctx, rec, previous, grants[:1], nil)
	wantErr(t, "retry with fewer grants", err, store.ErrConflict)
	_, err = s.PutCollection(ctx, rec, previous, append(grants[:2:2], c.grant(id32(), 0)), nil)
	wantErr(t, "retry with more grants", err, store.ErrConflict)
	altered := []store.Grant{grants[0], grants[1]}
	altered[1].Record = random(300)
	_, err = s.PutCollection(ctx, rec, previous, altered, nil)
	wantErr(t, "retry with another grant", err, store.ErrConflict)

	stored, err := s.RecordGrants(ctx, c.id, rec.Sequence)
	fatal(t, err)
	if len(stored) != 2 || stored[0].Sealed != nil || !sameIDs([][16]byte{stored[0].ID, stored[1].ID}, [][16]byte{grants[0].ID, grants[1].ID}) {
		t.Fatalf("grants of the record: %+v", stored)
	}
	for _, at := range []uint64{rec.Sequence + 1, math.MaxInt64} {
		if stored, err := s.RecordGrants(ctx, c.id, at); err != nil || len(stored) != 0 {
			t.Fatalf("grants of no record: %+v, %v", stored, err)
		}
	}

	// A retry that arrives after the revocation must not bring access back.
	_, _, err = s.Revoke(ctx, c.revocation(reader), nil)
	fatal(t, err)
	_, err = s.PutCollection(ctx, rec, previous, grants, nil)
	fatal(t, err)
	if c.active(t, s, reader, 0, 1) {
		t.Fatal("a retry revived a revoked grant")
	}

	c.put(t, s, 1)
	_, err = s.PutCollection(ctx, rec, previous, grants, nil)
	wantErr(t, "retry of a record that is no longer the newest", err, store.ErrConflict)
}

// testAtomic breaks a request in its last grant.
func testAtomic(t *testing.T, s store.Store) {
	ctx := t.Context()
	c := newChain()
	reader := id32()
	first := c.grant(reader, 0)
	c.put(t, s, 0, first)

	rec, previous := c.record(1)
	taken := c.grant(id32(), 1)
	taken.ID = first.ID
	_, err := s.PutCollection(ctx, rec, previous, []store.Grant{c.grant(reader, 0), c.grant(reader, 1), taken}, nil)
	wantErr(t, "taken grant id", err, store.ErrExists)

	chain, err := s.Collection(ctx, c.id)
	fatal(t, err)
	if len(chain) != 1 {
		t.Fatalf("chain has %d records, want 1", len(chain))
	}
	got, err := s.ActiveGrant(ctx, c.id, 0, reader, 1)
	fatal(t, err)
	if got.ID != first.ID {
		t.Fatal("a refused request superseded a grant")
	}
	if c.active(t, s, reader, 1, 1) {
		t.Fatal("a refused request left a grant")
	}
}

// testCancelled: a context that has ended is an error, and nothing is written.
func testCancelled(t *testing.T, s store.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c := newChain()
	rec, previous := c.record(0)
	_, err := s.PutCollection(ctx, rec, previous, nil, nil)
	wantErr(t, "put", err, context.Canceled)
	_, err = s.Collection(ctx, c.id)
	wantErr(t, "get", err, context.Canceled)
	wantErr(t, "claim", s.ClaimNonce(ctx, c.owner, "x", 1), context.Canceled)
	_, err = s.Collection(t.Context(), c.id)
	wantErr(t, "cancelled collection", err, store.ErrNotFound)
	fatal(t, s.ClaimNonce(t.Context(), c.owner, "x", 1))
}

// testReopen puts one of everything, opens the store again and expects it all.
func testReopen(t *testing.T, open Open) {
	ctx := t.Context()
	s := open(t)
	identity := store.Identity{ID: id32(), Version: 1, Record: random(10), SigningKey: id32(), Created: 1}
	fatal(t, s.PutIdentity(ctx, identity, store.IdentityChange{}))
	c := newChain()
	kept, lost := c.grant(id32(), 0), c.grant(id32(), 0)
	c.put(t, s, 0, kept, lost)
	key := store.Key{ID: id16(), Collection: c.id, Owner: c.owner, Author: c.owner, Record: random(9), Value: random(9), Accepted: true}
	fatal(t, s.PutKey(ctx, key, 0, nil))
	revocation := c.revocation(lost.Reader)
	_, _, err := s.Revoke(ctx, revocation, nil)
	fatal(t, err)
	c.head.Closed = true
	fatal(t, s.FinishRevocation(ctx, revocation.ID, []byte("receipt"), 1))
	fatal(t, s.ClaimNonce(ctx, c.owner, "nonce", 100))
	_, err = s.HighWater(ctx, 12345)
	fatal(t, err)
	fatal(t, s.Close())
	fatal(t, s.Close())

	s = open(t)
	defer s.Close()
	if got, err := s.Identity(ctx, identity.ID); err != nil || !reflect.DeepEqual(got, []store.Identity{identity}) {
		t.Fatalf("identity: %+v, %v", got, err)
	}
	if got, err := s.Collection(ctx, c.id); err != nil || !reflect.DeepEqual(got, []store.CollectionRecord{c.head}) {
		t.Fatalf("collection: %+v, %v", got, err)
	}
	if got, err := s.ActiveGrant(ctx, c.id, 0, kept.Reader, 1); err != nil || !reflect.DeepEqual(got, kept) {
		t.Fatalf("grant: %+v, %v", got, err)
	}
	if c.active(t, s, lost.Reader, 0, 1) {
		t.Fatal("a revoked grant came back")
	}
	revocation.Receipt, revocation.Destroyed = []byte("receipt"), 1
	if got, err := s.Revocation(ctx, revocation.ID); err != nil || !reflect.DeepEqual(got, revocation) {
		t.Fatalf("revocation: %+v, %v", got, err)
	}
	if got, err := s.Key(ctx, key.ID); err != nil || !reflect.DeepEqual(got, key) {
		t.Fatalf("key: %+v, %v", got, err)
	}
	wantErr(t, "nonce", s.ClaimNonce(ctx, c.owner, "nonce", 100), store.ErrReplay)
	if high, err := s.HighWater(ctx, 1); err != nil || high != 12345 {
		t.Fatalf("high water: %d, %v", high, err)
	}
}

// testClosed: a closed store answers with errors.
func testClosed(t *testing.T, open Open) {
	s := open(t)
	fatal(t, s.Close())
	_, err := s.Identity(t.Context(), id32())
	if err == nil || errors.Is(err, store.ErrNotFound) {
		t.Fatalf("read after close: %v", err)
	}
	if err := s.ClaimNonce(t.Context(), id32(), "x", 1); err == nil {
		t.Fatal("write after close succeeded")
	}
}
