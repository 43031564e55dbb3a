package storetest

import (
	"reflect"
	"testing"

	"github.com/recrypt-service/recrypt/host/store"
)

// testDeposits: what an author deposits waits, up to a quota, until he is accepted.
func testDeposits(t *testing.T, s store.Store) {
	ctx := t.Context()
	c, other := newChain(), newChain()
	other.owner = c.owner
	c.put(t, s, 1)
	other.put(t, s, 1)
	author := id32()
	put := func(c *chain, author [32]byte, want error) store.Key {
		t.Helper()
		key := c.key(author, 1)
		key.Accepted = false
		wantErr(t, "deposit", s.PutKey(ctx, key, 2, nil), want)
		return key
	}
	list := func(limit int, want ...store.Key) {
		t.Helper()
		got, err := s.Waiting(ctx, c.owner, limit)
		fatal(t, err)
		for i := range want {
			want[i].Record, want[i].Value = nil, nil
		}
		if len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
			t.Fatalf("waiting: got %+v, want %+v", got, want)
		}
	}
	list(9)
	first := put(c, author, nil)
	first.Created++
	fatal(t, s.PutKey(ctx, first, 1, nil)) // again, and the quota does not matter
	first.Created--
	elsewhere := put(other, author, nil)
	later := c.key(author, 1)
	later.Accepted, later.Created = false, first.Created+1
	fatal(t, s.PutKey(ctx, later, 2, nil))
	put(c, author, store.ErrQuota)
	list(1, sorted(first, elsewhere)[0])
	list(0)
	list(9, append(sorted(first, elsewhere), later)...)
	fatal(t, s.PutKey(ctx, c.key(c.owner, 1), 0, nil)) // the owner's do not wait
	if got, err := s.Waiting(ctx, author, 9); err != nil || len(got) != 0 {
		t.Fatalf("somebody else lists %d waiting keys, %v", len(got), err)
	}
	if got, err := s.Key(ctx, first.ID); err != nil || got.Accepted {
		t.Fatalf("a waiting key: %+v, %v", got, err)
	}

	accept := func(want int) {
		t.Helper()
		n, err := s.AcceptAuthor(ctx, c.id, author, 100, nil)
		fatal(t, err)
		if n != want {
			t.Fatalf("accepted %d keys, want %d", n, want)
		}
	}
	is := func(c *chain, author [32]byte, want bool) {
		t.Helper()
		if got, err := s.Accepted(ctx, c.id, author); err != nil || got != want {
			t.Fatalf("accepted: %t, %v", got, err)
		}
	}
	is(c, author, false)
	accept(2)
	accept(0)
	is(c, author, true)
	is(other, author, false)
	is(c, id32(), false)
	list(9, elsewhere)
	if got, err := s.Key(ctx, first.ID); err != nil || !got.Accepted {
		t.Fatalf("an accepted key: %+v, %v", got, err)
	}
	for range 3 { // he is known now
		key := put(c, author, nil)
		if got, err := s.Key(ctx, key.ID); err != nil || !got.Accepted {
			t.Fatalf("a key of an accepted author waits: %v", err)
		}
	}
	testDepositsRefused(t, s, c)
}

func testDepositsRefused(t *testing.T, s store.Store, c *chain) {
	ctx := t.Context()
	_, err := s.AcceptAuthor(ctx, id16(), id32(), 1, one())
	wantErr(t, "unknown collection", err, store.ErrNotFound)
	_, err = s.AcceptAuthor(ctx, c.id, id32(), -1, nil)
	wantErr(t, "before 1970", err, store.ErrInvalid)
	for what, change := range map[string]func(*store.Key){
		"unknown collection": func(k *store.Key) { k.Collection = id16() },
		"another owner":      func(k *store.Key) { k.Owner = id32() },
	} {
		key := c.key(id32(), 1)
		change(&key)
		logged(t, s, what, nil, func() { wantErr(t, what, s.PutKey(ctx, key, 9, one()), store.ErrNotFound) })
		_, err := s.Key(ctx, key.ID)
		wantErr(t, what, err, store.ErrNotFound)
	}
}

// sorted puts two keys of one time into the order of their ids.
func sorted(a, b store.Key) []store.Key {
	if string(a.ID[:]) > string(b.ID[:]) {
		a, b = b, a
	}
	return []store.Key{a, b}
}

// testCollectionBound: an owner has so many collections and no more.
func testCollectionBound(t *testing.T, s store.Store) {
	owner := id32()
	var last *chain
	for i := range store.MaxCollections + 1 {
		last = newChain()
		last.owner = owner
		rec, previous := last.record(0)
		rec.Created, rec.Record = int64(i), []byte{1}
		_, err := s.PutCollection(t.Context(), rec, previous, nil, nil)
		if i < store.MaxCollections {
			fatal(t, err)
			continue
		}
		wantErr(t, "one more", err, store.ErrQuota)
	}
	_, err := s.Head(t.Context(), last.id)
	wantErr(t, "one more", err, store.ErrNotFound)
	heads, err := s.CollectionHeads(t.Context(), owner)
	fatal(t, err)
	if len(heads) != store.MaxCollections {
		t.Fatalf("listed %d collections", len(heads))
	}
	newChain().put(t, s, 0) // others are not concerned
}
