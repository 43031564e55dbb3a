package storetest

import (
	"reflect"
	"testing"

	"github.com/recrypt-service/recrypt/host/store"
)

// has reports whether reader may see the collection.
func (c *chain) has(t testing.TB, s store.Store, reader [32]byte, now int64) bool {
	t.Helper()
	has, err := s.HasGrant(t.Context(), c.id, reader, now)
	fatal(t, err)
	return has
}

// testOpening: an opening counts only while its grant is active.
func testOpening(t *testing.T, s store.Store) {
	ctx := t.Context()
	c := newChain()
	limited, free, timed, lost := c.grant(id32(), 0), c.grant(id32(), 0), c.grant(id32(), 0), c.grant(id32(), 0)
	limited.Uses, limited.Kind, limited.Scope = 3, 3, [][16]byte{id16(), id16()}
	free.Uses = 0
	timed.NotBefore, timed.Expires = 100, 200
	c.put(t, s, 0, limited, free, timed, lost)
	open := func(g store.Grant, now int64, uses uint32, want error) {
		t.Helper()
		log := one()
		expect := log
		if want != nil {
			expect = nil
		}
		logged(t, s, "opening", expect, func() { wantErr(t, "opening", s.RecordOpening(ctx, g.ID, now, uses, log), want) })
	}
	used := func(g store.Grant, want uint32) {
		t.Helper()
		received, err := s.ReceivedGrants(ctx, g.Reader, store.GrantCursor{}, store.MaxListed)
		fatal(t, err)
		g.Used, g.Sealed = want, nil
		if !reflect.DeepEqual(received, []store.Grant{g}) {
			t.Fatalf("got %+v, want %+v", received, g)
		}
	}
	open(limited, 1, 2, nil)
	open(limited, 1, 2, store.ErrNotFound) // only one is left
	used(limited, 2)
	open(limited, 1, 0, nil) // not a use, but an entry
	open(limited, 1, 1, nil)
	open(limited, 1, 0, store.ErrNotFound)
	used(limited, 3)
	if c.active(t, s, limited.Reader, 0, 1) || c.has(t, s, limited.Reader, 1) {
		t.Fatal("a grant that is used up is active")
	}
	for range 5 {
		open(free, 1, 1<<32-1, nil)
	}
	used(free, 0)
	open(timed, 99, 1, store.ErrNotFound)
	open(timed, 100, 1, nil)
	open(timed, 200, 1, store.ErrNotFound)
	open(store.Grant{ID: id16()}, 1, 1, store.ErrNotFound)
	open(lost, 1, 1, nil)
	_, _, err := s.Revoke(ctx, c.revocation(lost.Reader), nil)
	fatal(t, err)
	open(lost, 1, 1, store.ErrNotFound)
	again := c.grant(limited.Reader, 0) // a new grant counts from the beginning
	again.Uses = 1
	c.put(t, s, 1, again)
	open(limited, 1, 1, store.ErrNotFound)
	open(again, 1, 1, nil)
	wantErr(t, "before 1970", s.RecordOpening(ctx, free.ID, -1, 1, nil), store.ErrInvalid)
}

// testPending: a pending grant opens when its reader has asked and waited.
func testPending(t *testing.T, s store.Store) {
	ctx := t.Context()
	c, foreign := newChain(), newChain()
	reader := id32()
	first, second := c.grant(reader, 0), c.grant(reader, 1)
	for _, g := range []*store.Grant{&first, &second} {
		g.Kind, g.Wait, g.Uses = 2, 50, 0
	}
	second.Wait, second.Created = 70, 6000
	plain := c.grant(id32(), 0)
	elsewhere := foreign.grant(reader, 0)
	elsewhere.Wait = 50
	c.put(t, s, 1, first, second, plain)
	foreign.put(t, s, 1, elsewhere)
	if c.active(t, s, reader, 0, 1<<60) || !c.has(t, s, reader, 1) {
		t.Fatal("a pending grant that nobody asked for is active, or hides the collection")
	}
	list := func(what string, requested int64) {
		t.Helper()
		want := []store.Grant{second, first}
		for i := range want {
			want[i].Sealed, want[i].Requested = nil, requested
		}
		got, err := s.PendingGrants(ctx, c.owner, reader)
		fatal(t, err)
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%s: got %+v, want %+v", what, got, want)
		}
		issued, err := s.IssuedGrants(ctx, c.owner, store.GrantCursor{}, store.MaxListed)
		fatal(t, err)
		for _, g := range issued {
			if g.Reader == reader && g.Requested != requested || g.Reader != reader && g.Requested != 0 {
				t.Fatalf("%s: listed as requested at %d", what, g.Requested)
			}
		}
	}
	list("not asked for", 0)
	if got, err := s.PendingGrants(ctx, c.owner, plain.Reader); err != nil || len(got) != 0 {
		t.Fatalf("pending grants of another reader: %+v, %v", got, err)
	}
	for what, who := range map[string][32]byte{"no pending grant": plain.Reader, "a stranger": id32(), "the owner": c.owner} {
		_, err := s.PutRequest(ctx, c.id, who, 1, one())
		wantErr(t, what, err, store.ErrNotFound)
	}
	ask := func(now, want int64) {
		t.Helper()
		since, err := s.PutRequest(ctx, c.id, reader, now, nil)
		fatal(t, err)
		if since != want {
			t.Fatalf("asked since %d, want %d", since, want)
		}
	}
	ask(100, 100)
	ask(120, 100)
	list("asked for", 100)
	opens := func(what string, first, second int64) {
		t.Helper()
		for epoch, at := range []int64{first, second} {
			if c.active(t, s, reader, uint32(epoch), at-1) || !c.active(t, s, reader, uint32(epoch), at) {
				t.Fatalf("%s: epoch %d does not open at %d", what, epoch, at)
			}
		}
	}
	opens("asked for", 150, 170)
	wantErr(t, "early", s.RecordOpening(ctx, first.ID, 149, 1, nil), store.ErrNotFound)
	fatal(t, s.RecordOpening(ctx, first.ID, 150, 1, nil))
	if foreign.active(t, s, reader, 0, 1<<60) {
		t.Fatal("a request counts in another collection")
	}

	fatal(t, s.DropRequest(ctx, c.id, reader, nil))
	wantErr(t, "veto again", s.DropRequest(ctx, c.id, reader, nil), store.ErrNotFound)
	list("vetoed", 0)
	ask(300, 300)
	opens("asked for again", 350, 370)
	testRequestEnds(t, s, c, first)
}

// testRequestEnds: a request lasts as long as its grants do, and no longer.
func testRequestEnds(t *testing.T, s store.Store, c *chain, first store.Grant) {
	ctx := t.Context()
	reader := first.Reader
	next := func(epoch uint32) store.Grant {
		g := c.grant(reader, epoch)
		g.Kind, g.Wait, g.Uses = 2, 50, 0
		return g
	}
	c.put(t, s, 2, next(2))
	if !c.active(t, s, reader, 2, 350) {
		t.Fatal("a request does not survive a rotation")
	}
	c.put(t, s, 2, next(2))
	if !c.active(t, s, reader, 2, 350) {
		t.Fatal("a request does not survive a new grant in place of its own")
	}
	_, _, err := s.Revoke(ctx, c.revocation(reader), nil)
	fatal(t, err)
	c.put(t, s, 3, next(3))
	if c.active(t, s, reader, 3, 1<<60) {
		t.Fatal("a request from before a revocation counts")
	}

	_, err = s.PutRequest(ctx, c.id, reader, 400, nil)
	fatal(t, err)
	c.put(t, s, 3, c.grant(reader, 3)) // direct
	c.put(t, s, 3, next(3))
	if c.active(t, s, reader, 3, 1<<60) {
		t.Fatal("a request from before a direct grant counts")
	}

	stale := next(3)
	stale.Expires = 500 // long before the records, which are made at 1000, 1001, …
	c.put(t, s, 3, stale)
	_, err = s.PutRequest(ctx, c.id, reader, 499, nil)
	fatal(t, err)
	c.put(t, s, 3, next(3))
	if c.active(t, s, reader, 3, 1<<60) {
		t.Fatal("a request for an expired grant counts")
	}
	stale = next(3)
	stale.Expires = 500
	c.put(t, s, 3, stale)
	_, err = s.PutRequest(ctx, c.id, reader, 500, one())
	wantErr(t, "an expired grant", err, store.ErrNotFound)
}

// testClosing: a revocation that ended access closes the epoch, and a new one opens.
func testClosing(t *testing.T, s store.Store) {
	ctx := t.Context()
	c := newChain()
	lost, kept := c.grant(id32(), 3), c.grant(id32(), 4)
	c.put(t, s, 3, lost)
	c.put(t, s, 4, kept)
	heads := func(closed bool, readers int) {
		t.Helper()
		c.head.Closed = closed
		head, err := s.Head(ctx, c.id)
		fatal(t, err)
		newest, err := s.EpochHead(ctx, c.id, c.head.Epoch)
		fatal(t, err)
		list, err := s.CollectionHeads(ctx, c.owner, store.CollectionCursor{}, store.MaxCollections)
		fatal(t, err)
		want := []store.CollectionHead{{CollectionRecord: c.head, Begun: 1000, Readers: readers}}
		if !reflect.DeepEqual(head, c.head) || !reflect.DeepEqual(newest, c.head) || !reflect.DeepEqual(list, want) {
			t.Fatalf("head %+v, %+v, listed %+v, want %+v", head, newest, list, want)
		}
	}
	heads(false, 1)
	_, _, err := s.Revoke(ctx, c.revocation(id32()), nil)
	fatal(t, err)
	heads(false, 1) // nobody lost anything
	key := c.key(c.owner, 4)
	fatal(t, s.PutKey(ctx, key, 0, nil))

	_, _, err = s.Revoke(ctx, c.revocation(lost.Reader), nil)
	fatal(t, err)
	heads(true, 1)
	fatal(t, s.PutKey(ctx, key, 0, nil)) // it was there before
	logged(t, s, "closed", nil, func() {
		wantErr(t, "deposit", s.PutKey(ctx, c.key(c.owner, 4), 0, one()), store.ErrClosed)
		for _, epoch := range []uint32{4, 3, 0} {
			rec, previous := c.record(epoch)
			_, err := s.PutCollection(ctx, rec, previous, []store.Grant{c.grant(id32(), 4)}, one())
			wantErr(t, "record of a closed epoch", err, store.ErrClosed)
			rec.Sequence++
			_, err = s.PutCollection(ctx, rec, previous, nil, one())
			wantErr(t, "out of sequence too", err, store.ErrConflict)
		}
	})
	if !c.active(t, s, kept.Reader, 4, 1) {
		t.Fatal("closing ended a grant")
	}
	fatal(t, s.RecordOpening(ctx, kept.ID, 1, 1, nil))

	c.put(t, s, 5, c.grant(kept.Reader, 5), c.grant(id32(), 4))
	heads(false, 1)
	wantErr(t, "old epoch", s.PutKey(ctx, c.key(c.owner, 4), 0, nil), store.ErrConflict)
	wantErr(t, "epoch to come", s.PutKey(ctx, c.key(c.owner, 6), 0, nil), store.ErrConflict)
	fatal(t, s.PutKey(ctx, c.key(c.owner, 5), 0, nil))
	c.put(t, s, 5)
	repeated := c.revocation(kept.Reader)
	_, _, err = s.Revoke(ctx, repeated, nil)
	fatal(t, err)
	heads(true, 0)
	c.put(t, s, 6)
	_, _, err = s.Revoke(ctx, repeated, nil) // once more, with its epoch long over
	fatal(t, err)
	heads(false, 0)
}
