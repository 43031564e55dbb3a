package storetest

import (
	"bytes"
	"reflect"
	"slices"
	"testing"

	"github.com/recrypt-service/recrypt/host/store"
)

// testHeads: the newest record of a chain and of each epoch, and the chain's size.
func testHeads(t *testing.T, s store.Store) {
	ctx := t.Context()
	c, other := newChain(), newChain()
	other.put(t, s, 7)
	_, err := s.Head(ctx, c.id)
	wantErr(t, "head of an unknown collection", err, store.ErrNotFound)
	_, err = s.EpochHead(ctx, c.id, 0)
	wantErr(t, "epoch of an unknown collection", err, store.ErrNotFound)
	if size, err := s.ChainSize(ctx, c.id); err != nil || size != 0 {
		t.Fatalf("an unknown collection has %d bytes, %v", size, err)
	}

	newest := make(map[uint32]store.CollectionRecord)
	var size int64
	for _, epoch := range []uint32{0, 0, 1, 3, 3, 3} { // the store allows gaps
		c.put(t, s, epoch)
		newest[epoch] = c.head
		size += int64(len(c.head.Record))
		got, err := s.Head(ctx, c.id)
		fatal(t, err)
		if !reflect.DeepEqual(got, c.head) {
			t.Fatalf("head: got %+v, want %+v", got, c.head)
		}
	}
	for epoch, want := range newest {
		got, err := s.EpochHead(ctx, c.id, epoch)
		fatal(t, err)
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("epoch %d: got %+v, want %+v", epoch, got, want)
		}
	}
	for _, epoch := range []uint32{2, 4, 7} {
		_, err := s.EpochHead(ctx, c.id, epoch)
		wantErr(t, "epoch without a record", err, store.ErrNotFound)
	}
	if got, err := s.ChainSize(ctx, c.id); err != nil || got != size {
		t.Fatalf("the chain has %d bytes, %v, want %d", got, err, size)
	}
}

// testReaders: who counts as a reader of an epoch, and nobody is cut off.
func testReaders(t *testing.T, s store.Store) {
	ctx := t.Context()
	c, foreign := newChain(), newChain()
	want := func(what string, epoch uint32, now int64, readers ...store.Grant) {
		t.Helper()
		got, err := s.Readers(ctx, c.id, epoch, now)
		fatal(t, err)
		if list := readersOf(readers); !slices.Equal(got, list) {
			t.Fatalf("%s: got %d readers %x, want %d %x", what, len(got), got, len(list), list)
		}
	}
	want("unknown collection", 0, 1)
	plain, later, timed, revoked, old := c.grant(id32(), 2), c.grant(id32(), 2), c.grant(id32(), 2), c.grant(id32(), 2), c.grant(id32(), 1)
	later.NotBefore, timed.Expires = 1<<40, 100
	c.put(t, s, 2, plain, later, timed, revoked, old)
	foreign.put(t, s, 2, foreign.grant(id32(), 2))
	want("before the expiry", 2, 99, plain, later, timed, revoked)
	want("at the expiry", 2, 100, plain, later, revoked)
	want("older epoch", 1, 99, old)
	want("epoch without grants", 0, 99)

	newer := c.grant(plain.Reader, 2)
	newer.ReaderVersion++
	c.put(t, s, 2, newer)
	_, _, err := s.Revoke(ctx, c.revocation(revoked.Reader), nil)
	fatal(t, err)
	want("a newer grant and a revocation", 2, 99, newer, later, timed)
	_, err = s.ExpireGrants(ctx, 100, nil)
	fatal(t, err)
	want("swept", 2, 1, newer, later)

	many := make([]store.Grant, store.MaxListed+10)
	for i := range many {
		many[i] = c.grant(id32(), 3)
		many[i].Record, many[i].Sealed = []byte{1}, []byte{1}
	}
	c.put(t, s, 3, many...)
	want("more than are listed", 3, 1, many...)
}

// testReaderGrants: the grants that account for the readers of the newest record,
// before and after they have ended.
func testReaderGrants(t *testing.T, s store.Store) {
	ctx := t.Context()
	c, foreign := newChain(), newChain()
	_, _, err := s.ReaderGrants(ctx, c.id)
	wantErr(t, "unknown collection", err, store.ErrNotFound)
	want := func(what string, grants ...store.Grant) {
		t.Helper()
		head, got, err := s.ReaderGrants(ctx, c.id)
		fatal(t, err)
		if !reflect.DeepEqual(head, c.head) {
			t.Fatalf("%s: head %+v, want %+v", what, head, c.head)
		}
		ids, wanted := make([][16]byte, 0), make([][16]byte, 0)
		for i, g := range got {
			ids = append(ids, g.ID)
			if g.Sealed != nil || i > 0 && bytes.Compare(got[i-1].Reader[:], g.Reader[:]) > 0 {
				t.Fatalf("%s: a sealed transform key, or not in order", what)
			}
		}
		for _, g := range grants {
			wanted = append(wanted, g.ID)
		}
		if !sameIDs(ids, wanted) {
			t.Fatalf("%s: got %x, want %x", what, ids, wanted)
		}
	}
	revoke := func(g store.Grant, at int64) {
		v := c.revocation(g.Reader)
		v.Created = at
		stored, _, err := s.Revoke(ctx, v, nil)
		fatal(t, err)
		c.head.Closed = c.head.Closed || stored.Destroyed > 0
	}
	old := c.grant(id32(), 0)
	c.put(t, s, 0, old) // records are made at 1000, 1001, …
	forever, later, timed, past, gone := c.grant(id32(), 1), c.grant(id32(), 1), c.grant(id32(), 1), c.grant(id32(), 1), c.grant(id32(), 1)
	later.NotBefore, timed.Expires, past.Expires = 1<<40, 5000, 1001
	c.put(t, s, 1, forever, later, timed, past, gone)
	foreign.put(t, s, 1, foreign.grant(forever.Reader, 1))
	want("the newest epoch", forever, later, timed, gone)

	revoke(gone, 1001)
	want("revoked since", forever, later, timed, gone)

	forever, later, timed = c.grant(forever.Reader, 2), c.grant(later.Reader, 2), c.grant(timed.Reader, 2)
	later.NotBefore, timed.Expires = 1<<40, 5000
	c.put(t, s, 2, forever, later, timed)
	want("revoked in the epoch before", forever, later, timed)
	newer := c.grant(forever.Reader, 2)
	c.put(t, s, 2, newer)
	want("superseded", newer, later, timed)
	revoke(newer, 1003)
	_, err = s.ExpireGrants(ctx, 5000, nil)
	fatal(t, err)
	want("ended since", newer, later, timed)
	revoke(timed, 6000)
	want("revoked when it had expired", newer, later, timed)

	later = c.grant(later.Reader, 3)
	rec, previous := c.record(3)
	rec.Created = 7000
	_, err = s.PutCollection(ctx, rec, previous, []store.Grant{later}, nil)
	fatal(t, err)
	c.advance(rec)
	want("ended before", later)
}

// readersOf returns the readers of grants in the order of their ids.
func readersOf(grants []store.Grant) []store.Reader {
	var readers []store.Reader
	for _, g := range grants {
		readers = append(readers, store.Reader{ID: g.Reader, Version: g.ReaderVersion})
	}
	slices.SortFunc(readers, func(a, b store.Reader) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	return readers
}

// testLinkReaders: links of every epoch are found, as long as they live.
func testLinkReaders(t *testing.T, s store.Store) {
	c, other := newChain(), newChain()
	want := func(what string, now int64, readers ...[32]byte) {
		t.Helper()
		got, err := s.LinkReaders(t.Context(), c.id, now)
		fatal(t, err)
		slices.SortFunc(readers, func(a, b [32]byte) int { return slices.Compare(a[:], b[:]) })
		if !slices.Equal(got, readers) {
			t.Fatalf("%s: got %x, want %x", what, got, readers)
		}
	}
	link := func(c *chain, reader [32]byte, epoch uint32) store.Grant {
		g := c.grant(reader, epoch)
		g.Kind = 3
		return g
	}
	want("unknown collection", 0)
	old, both, timed := link(c, id32(), 0), id32(), link(c, id32(), 0)
	timed.Expires = 100
	c.put(t, s, 0, old, link(c, both, 0), timed, c.grant(id32(), 0))
	other.put(t, s, 0, link(other, id32(), 0))
	want("newest epoch", 99, old.Reader, both, timed.Reader)
	c.put(t, s, 1, link(c, both, 1))
	want("older epochs too", 99, old.Reader, both, timed.Reader)
	want("at the expiry", 100, old.Reader, both)
	replaced := c.grant(both, 1)
	c.put(t, s, 1, replaced)
	want("replaced in one epoch", 100, old.Reader, both)
	_, _, err := s.Revoke(t.Context(), c.revocation(both), nil)
	fatal(t, err)
	want("revoked", 100, old.Reader)
}
