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
	list := func(limit int, want ...store.Waiting) {
		t.Helper()
		got, err := s.Waiting(ctx, c.owner, limit)
		fatal(t, err)
		if len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
			t.Fatalf("waiting: got %+v, want %+v", got, want)
		}
	}
	list(9)
	first := put(c, author, nil)
	first.Created++
	fatal(t, s.PutKey(ctx, first, 1, nil)) // again, and the quota does not matter
	first.Created--
	elsewhere := other.key(author, 1)
	elsewhere.Accepted, elsewhere.Created = false, first.Created+2
	fatal(t, s.PutKey(ctx, elsewhere, 2, nil))
	later := c.key(author, 1)
	later.Accepted, later.Created = false, first.Created+1
	fatal(t, s.PutKey(ctx, later, 2, nil))
	put(c, author, store.ErrQuota)
	here := store.Waiting{Collection: c.id, Author: author, Keys: [][16]byte{first.ID, later.ID}, Count: 2}
	there := store.Waiting{Collection: other.id, Author: author, Keys: [][16]byte{elsewhere.ID}, Count: 1}
	list(1, there)
	list(0)
	list(9, there, here)
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
	list(9, there)
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

// testRefusals: an owner gets rid of what waits, and of nothing else.
func testRefusals(t *testing.T, s store.Store) {
	ctx := t.Context()
	c, other := newChain(), newChain()
	other.owner = c.owner
	c.put(t, s, 0)
	other.put(t, s, 0)
	flooder, lab := id32(), id32()
	put := func(c *chain, author [32]byte, at int64) store.Key {
		t.Helper()
		key := c.key(author, 0)
		key.Accepted, key.Created = false, at
		fatal(t, s.PutKey(ctx, key, 20, nil))
		return key
	}
	var flood [][16]byte
	labs := put(c, lab, 1)
	for i := range 20 {
		flood = append(flood, put(c, flooder, int64(2+i)).ID)
	}
	put(other, flooder, 50)
	full := c.key(flooder, 0)
	full.Accepted = false
	wantErr(t, "a full quota", s.PutKey(ctx, full, 20, nil), store.ErrQuota)
	list, err := s.Waiting(ctx, c.owner, 9)
	fatal(t, err)
	want := []store.Waiting{
		{Collection: other.id, Author: flooder, Keys: list[0].Keys, Count: 1},
		{Collection: c.id, Author: flooder, Keys: flood[:store.MaxWaitingShown], Count: 20},
		{Collection: c.id, Author: lab, Keys: [][16]byte{labs.ID}, Count: 1},
	}
	if !reflect.DeepEqual(list, want) {
		t.Fatalf("waiting: got %+v, want %+v", list, want)
	}
	refuse := func(author [32]byte, want int) {
		t.Helper()
		if n, err := s.RefuseAuthor(ctx, c.id, author, nil); err != nil || n != want {
			t.Fatalf("refused %d, %v, want %d", n, err, want)
		}
	}
	refuse(flooder, 20)
	refuse(flooder, 0)
	for _, id := range flood {
		_, err := s.Key(ctx, id)
		wantErr(t, "a refused key", err, store.ErrNotFound)
	}
	if list, err = s.Waiting(ctx, c.owner, 9); err != nil || len(list) != 2 || list[0].Collection != other.id || list[1].Author != lab {
		t.Fatalf("waiting: %+v, %v", list, err)
	}
	put(c, flooder, 60) // there is room again
	_, err = s.AcceptAuthor(ctx, c.id, lab, 1, nil)
	fatal(t, err)
	refuse(lab, 0) // what was accepted stays
	_, err = s.Key(ctx, labs.ID)
	fatal(t, err)
	logged(t, s, "nobody's", nil, func() {
		_, err = s.RefuseAuthor(ctx, id16(), flooder, one())
		wantErr(t, "unknown collection", err, store.ErrNotFound)
	})
}

// testJudged: a key goes by the record by which it was judged.
func testJudged(t *testing.T, s store.Store) {
	ctx := t.Context()
	c := newChain()
	c.put(t, s, 0)
	first := c.head.Hash
	key := c.key(id32(), 0)
	key.Judged = first
	fatal(t, s.PutKey(ctx, key, 0, nil))
	if got, err := s.Key(ctx, key.ID); err != nil || got.Judged != [32]byte{} {
		t.Fatalf("kept %x, %v", got.Judged, err)
	}
	c.put(t, s, 0)
	logged(t, s, "superseded", nil, func() {
		late := c.key(id32(), 0)
		late.Judged = first
		wantErr(t, "by a record that is not the newest", s.PutKey(ctx, late, 0, one()), store.ErrConflict)
		late.Judged = id32()
		wantErr(t, "by an unknown record", s.PutKey(ctx, late, 0, one()), store.ErrConflict)
	})
	fatal(t, s.PutKey(ctx, key, 0, nil)) // it was there before
	key = c.key(id32(), 0)
	key.Judged = c.head.Hash
	fatal(t, s.PutKey(ctx, key, 0, nil))
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
	heads, err := s.CollectionHeads(t.Context(), owner, store.CollectionCursor{}, store.MaxCollections)
	fatal(t, err)
	if len(heads) != store.MaxCollections {
		t.Fatalf("listed %d collections", len(heads))
	}
	newChain().put(t, s, 0) // others are not concerned
}
