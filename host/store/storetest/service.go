package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/recrypt-service/recrypt/host/store"
)

// testBind: the first to come owns the database.
func testBind(t *testing.T, s store.Store) {
	ctx := t.Context()
	own := id32()
	fatal(t, s.Bind(ctx, own))
	fatal(t, s.Bind(ctx, own))
	wantErr(t, "another service", s.Bind(ctx, id32()), store.ErrForeign)
	fatal(t, s.Bind(ctx, own))

	if statement, err := s.Statement(ctx); err != nil || statement != nil {
		t.Fatalf("statement: %x, %v", statement, err)
	}
	for _, want := range [][]byte{random(10), random(2000)} {
		fatal(t, s.PutStatement(ctx, want))
		if got, err := s.Statement(ctx); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("statement: %x, %v", got, err)
		}
	}
	wantErr(t, "empty statement", s.PutStatement(ctx, nil), store.ErrInvalid)
}

// testLoseKeys: lost grants open nothing, are listed, and are superseded like others.
func testLoseKeys(t *testing.T, s store.Store) {
	ctx := t.Context()
	c, p := newChain(), newPerson()
	p.put(t, s, p.newest(), store.IdentityChange{})
	lose := func(want int) {
		t.Helper()
		var effect []store.LogEntry
		log := one()
		if want > 0 {
			effect = log
		}
		logged(t, s, "lose keys", effect, func() {
			if n, err := s.LoseKeys(ctx, log); err != nil || n != want {
				t.Fatalf("lost %d, %v, want %d", n, err, want)
			}
		})
	}
	lose(0)
	ended, g, moved := c.grant(id32(), 0), c.grant(id32(), 0), c.grant(p.newest().ID, 0)
	moved.ReaderVersion = 1
	c.put(t, s, 0, ended, g, moved)
	_, _, err := s.Revoke(ctx, c.revocation(ended.Reader), nil)
	fatal(t, err)
	lose(2)
	lose(0)
	if c.active(t, s, g.Reader, 0, 1) || c.has(t, s, g.Reader, 1) {
		t.Fatal("a lost grant is active")
	}
	wantErr(t, "open", s.RecordOpening(ctx, g.ID, 1, 1, nil), store.ErrNotFound)
	if all, err := s.ActiveGrants(ctx, g.Reader, []store.EpochRef{{Collection: c.id}}, 1); err != nil || len(all) != 0 {
		t.Fatalf("active: %d, %v", len(all), err)
	}
	if live, err := liveGrants(ctx, s); err != nil || len(live) != 0 {
		t.Fatalf("live: %x, %v", live, err)
	}
	p.put(t, s, p.next(1, true), store.IdentityChange{Suspend: true}) // lost and suspended
	issued, _, err := lists(t, s, c.owner)
	fatal(t, err)
	for _, got := range issued {
		if got.Lost != (got.ID != ended.ID) || got.Suspended != (got.ID == moved.ID) {
			t.Errorf("listed as lost %t, suspended %t", got.Lost, got.Suspended)
		}
	}
	again := c.grant(g.Reader, 0)
	if old := c.put(t, s, 1, again); !sameIDs(old, [][16]byte{g.ID}) {
		t.Fatalf("superseded %x", old)
	}
	if !c.active(t, s, g.Reader, 0, 1) {
		t.Fatal("granted again, and not active")
	}
	if live, err := liveGrants(ctx, s); err != nil || !sameIDs(live, [][16]byte{again.ID}) {
		t.Fatalf("live: %x, %v", live, err)
	}
}

// testMany: what is asked for in one go is what single questions say.
func testMany(t *testing.T, s store.Store) {
	ctx := t.Context()
	c, other := newChain(), newChain()
	reader := id32()
	var grants []store.Grant
	for epoch := range uint32(6) {
		g := c.grant(reader, epoch)
		g.NotBefore, g.Expires = int64(epoch)*10, 1000-int64(epoch)
		grants = append(grants, g)
	}
	foreign := other.grant(reader, 3)
	other.put(t, s, 3, foreign)
	c.put(t, s, 6, append(grants, c.grant(id32(), 0))...)
	epochs := []store.EpochRef{{Collection: c.id, Epoch: 9}, {Collection: other.id, Epoch: 3}, {Collection: id16()}, {Collection: other.id, Epoch: 3}}
	for epoch := range uint32(6) {
		epochs = append(epochs, store.EpochRef{Collection: c.id, Epoch: epoch})
	}
	for _, now := range []int64{0, 25, 997, 2000} {
		got, err := s.ActiveGrants(ctx, reader, epochs, now)
		fatal(t, err)
		want := []store.Grant{foreign}
		for _, g := range grants {
			if g.NotBefore <= now && now < g.Expires {
				want = append(want, g)
			}
		}
		order := func(a, b store.Grant) int { return bytes.Compare(a.ID[:], b.ID[:]) }
		slices.SortFunc(got, order)
		slices.SortFunc(want, order)
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("at %d: %d grants, want %d", now, len(got), len(want))
		}
	}
	var ids [][16]byte
	for range 700 {
		ids = append(ids, id16())
	}
	if keys, err := s.Keys(ctx, ids); err != nil || len(keys) != 0 {
		t.Fatalf("unknown keys: %d, %v", len(keys), err)
	}
	want := map[[16]byte]store.Key{}
	for i := 3; i < len(ids); i += 100 {
		key := other.key(other.owner, 3)
		key.ID = ids[i]
		fatal(t, s.PutKey(ctx, key, 0, nil))
		want[key.ID] = key
	}
	keys, err := s.Keys(ctx, ids)
	if err != nil || len(keys) != len(want) {
		t.Fatalf("%d keys, %v, want %d", len(keys), err, len(want))
	}
	for _, key := range keys {
		if !reflect.DeepEqual(key, want[key.ID]) {
			t.Fatalf("key %x: %+v", key.ID, key)
		}
	}
}

// testPages: pages of any size give the whole list, each row once.
func testPages(t *testing.T, s store.Store) {
	ctx := t.Context()
	owner, reader := id32(), id32()
	const collections = 7
	for i := range collections {
		c := newChain()
		c.owner = owner
		rec, previous := c.record(0)
		rec.Created = int64(i / 3) // some at the same time, and at the beginning of time
		var grants []store.Grant
		for epoch := range uint32(5) {
			g := c.grant(reader, epoch)
			g.Created = int64(epoch) / 2
			grants = append(grants, g)
		}
		_, err := s.PutCollection(ctx, rec, previous, grants, nil)
		fatal(t, err)
	}
	all, err := s.CollectionHeads(ctx, owner, store.CollectionCursor{}, store.MaxCollections)
	if err != nil || len(all) != collections {
		t.Fatalf("%d collections, %v", len(all), err)
	}
	issued, received, err := lists(t, s, owner)
	fatal(t, err)
	if _, received, err = lists(t, s, reader); err != nil || !reflect.DeepEqual(issued, received) || len(issued) != 5*collections {
		t.Fatalf("%d issued, %d received, %v", len(issued), len(received), err)
	}
	for _, limit := range []int{1, 2, 3, 100} {
		var heads []store.CollectionHead
		for cursor := (store.CollectionCursor{}); ; cursor = heads[len(heads)-1].Cursor() {
			page, err := s.CollectionHeads(ctx, owner, cursor, limit)
			fatal(t, err)
			if heads = append(heads, page...); len(page) < limit {
				break
			}
		}
		if !reflect.DeepEqual(heads, all) {
			t.Fatalf("pages of %d: %d collections", limit, len(heads))
		}
		for name, list := range map[string]func(context.Context, [32]byte, store.GrantCursor, int) ([]store.Grant, error){
			"issued": s.IssuedGrants, "received": s.ReceivedGrants,
		} {
			party := owner
			if name == "received" {
				party = reader
			}
			var grants []store.Grant
			for cursor := (store.GrantCursor{}); ; cursor = grants[len(grants)-1].Cursor() {
				page, err := list(ctx, party, cursor, limit)
				fatal(t, err)
				if grants = append(grants, page...); len(page) < limit {
					break
				}
			}
			if !reflect.DeepEqual(grants, issued) {
				t.Fatalf("%s in pages of %d: %d grants", name, limit, len(grants))
			}
		}
	}
	for _, limit := range []int{0, -1} {
		if page, err := s.IssuedGrants(ctx, owner, store.GrantCursor{}, limit); err != nil || len(page) != 0 {
			t.Fatalf("limit %d: %d grants, %v", limit, len(page), err)
		}
	}
}

// testTail: the end of the log has all that was appended.
func testTail(t *testing.T, s store.Store) {
	ctx := t.Context()
	var log []store.LogEntry
	for i := range 20 {
		e := leaf([]byte{byte(i)})
		if i%3 > 0 {
			e = entry(id32(), id32(), nil)
			e.Time = int64(i)
		}
		if i%3 == 2 {
			e.Evidence = nil
		}
		log = append(log, e)
	}
	fatal(t, s.AppendLog(ctx, log))
	for _, test := range []struct{ from, limit, first, n int }{
		{0, 100, 0, 20}, {0, 7, 0, 7}, {18, 7, 18, 2}, {20, 7, 20, 0}, {-5, 3, 0, 3}, {5, 0, 5, 0}, {5, -1, 5, 0},
	} {
		tail, err := s.LogTail(ctx, int64(test.from), test.limit)
		if err != nil || len(tail) != test.n {
			t.Fatalf("from %d, %d at most: %d rows, %v", test.from, test.limit, len(tail), err)
		}
		for i, row := range tail {
			if want := (store.LogRow{Index: int64(test.first + i), LogEntry: log[test.first+i]}); !reflect.DeepEqual(row, want) {
				t.Fatalf("row %d: %+v, want %+v", i, row, want)
			}
		}
	}
}

// testNewest: a revocation that names an older record is refused, unless it was stored.
func testNewest(t *testing.T, s store.Store) {
	ctx := t.Context()
	c := newChain()
	g := c.grant(id32(), 0)
	c.put(t, s, 0, g)
	stale := c.revocation(g.Reader)
	c.put(t, s, 0, c.grant(id32(), 0))
	logged(t, s, "stale", nil, func() {
		_, _, err := s.Revoke(ctx, stale, one())
		wantErr(t, "stale", err, store.ErrConflict)
	})
	if !c.active(t, s, g.Reader, 0, 1) {
		t.Fatal("a refused revocation ended a grant")
	}
	now := c.revocation(g.Reader)
	_, _, err := s.Revoke(ctx, now, nil)
	fatal(t, err)
	c.put(t, s, 1)
	_, ids, err := s.Revoke(ctx, now, nil) // asked again, with a record in between
	if err != nil || !sameIDs(ids, [][16]byte{g.ID}) {
		t.Fatalf("again: %x, %v", ids, err)
	}
}

// testClaims: a claim is there with the change that it was made for, or not at all.
func testClaims(t *testing.T, s store.Store) {
	ctx := t.Context()
	c := newChain()
	claim := store.Claim{Signer: c.owner, Key: "key", Request: id32(), Expires: 100}
	claiming := store.WithClaim(ctx, claim)
	claimed := func(what string, answer []byte, want error) {
		t.Helper()
		got, request, err := s.Claimed(ctx, claim.Signer, claim.Key)
		wantErr(t, what, err, want)
		if err == nil && (!bytes.Equal(got, answer) || (got == nil) != (answer == nil) || request != claim.Request) {
			t.Fatalf("%s: answer %x to %x", what, got, request)
		}
	}
	claimed("at first", nil, store.ErrNotFound)
	wantErr(t, "answer to nothing", s.PutAnswer(ctx, claim.Signer, claim.Key, []byte("yes"), 100), store.ErrNotFound)
	wantErr(t, "refused", s.PutKey(claiming, c.key(c.owner, 0), 0, nil), store.ErrNotFound)
	claimed("refused", nil, store.ErrNotFound)

	g := c.grant(id32(), 0)
	rec, previous := c.record(0)
	_, err := s.PutCollection(claiming, rec, previous, []store.Grant{g}, nil)
	fatal(t, err)
	c.advance(rec)
	claimed("done", nil, nil)
	_, err = s.PutCollection(claiming, rec, previous, []store.Grant{g}, nil) // repeated
	fatal(t, err)
	fatal(t, s.RecordOpening(claiming, g.ID, 1, 1, nil)) // more of the same request
	other := claim
	other.Request = id32()
	logged(t, s, "another request", nil, func() {
		for what, err := range map[string]error{
			"open":     s.RecordOpening(store.WithClaim(ctx, other), g.ID, 1, 1, one()),
			"identity": s.PutIdentity(store.WithClaim(ctx, other), store.Identity{ID: id32(), Record: []byte{1}}, store.IdentityChange{Log: one()}),
			"finish":   s.FinishRevocation(store.WithClaim(ctx, other), id16(), []byte{1}, 1),
		} {
			wantErr(t, what, err, store.ErrClaimed)
		}
	})
	fatal(t, s.PutAnswer(ctx, claim.Signer, claim.Key, []byte("first"), 100))
	fatal(t, s.PutAnswer(ctx, claim.Signer, claim.Key, []byte("second"), 200))
	claimed("answered", []byte("first"), nil)
	other.Signer = id32() // somebody else's key of the same name
	fatal(t, s.RecordOpening(store.WithClaim(ctx, other), g.ID, 1, 1, nil))

	fatal(t, s.PruneNonces(ctx, 100))
	claimed("at its end", []byte("first"), nil)
	fatal(t, s.PruneNonces(ctx, 101))
	claimed("forgotten", nil, store.ErrNotFound)
	for _, bad := range []store.Claim{{Expires: 1}, {Key: string(make([]byte, store.MaxNonce+1))}, {Key: "x", Expires: -1}} {
		wantErr(t, "bad claim", s.RecordOpening(store.WithClaim(ctx, bad), g.ID, 1, 1, nil), store.ErrInvalid)
	}
}

// testRaceClaim: of racing requests under one key one is carried out.
func testRaceClaim(t *testing.T, s store.Store) {
	ctx := t.Context()
	for range 10 {
		claim := store.Claim{Signer: id32(), Key: fmt.Sprint("key\x00", id16()), Expires: 1}
		errs := race(8, func(i int) error {
			mine := claim
			mine.Request[0] = byte(i)
			return s.PutIdentity(store.WithClaim(ctx, mine), store.Identity{ID: id32(), Record: []byte{1}}, store.IdentityChange{})
		})
		winner := oneWins(t, errs, store.ErrClaimed)
		if _, request, err := s.Claimed(ctx, claim.Signer, claim.Key); err != nil || request[0] != byte(winner) {
			t.Fatalf("claimed by %d, %v, want %d", request[0], err, winner)
		}
	}
}

// testLiveOrder: ids come in ascending order, and an error ends it.
func testLiveOrder(t *testing.T, s store.Store) {
	ctx := t.Context()
	c := newChain()
	var grants []store.Grant
	for range 50 {
		grants = append(grants, c.grant(id32(), 0))
	}
	c.put(t, s, 0, grants...)
	live, err := liveGrants(ctx, s)
	if err != nil || len(live) != 50 || !slices.IsSortedFunc(live, func(a, b [16]byte) int { return bytes.Compare(a[:], b[:]) }) {
		t.Fatalf("%d live grants, %v", len(live), err)
	}
	enough, n := errors.New("enough"), 0
	err = s.LiveGrants(ctx, func([16]byte) error {
		if n++; n == 3 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || n != 3 {
		t.Fatalf("after %d: %v", n, err)
	}
}
