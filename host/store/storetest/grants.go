package storetest

import (
	"reflect"
	"testing"

	"github.com/recrypt-service/recrypt/host/store"
)

func testActiveGrant(t *testing.T, s store.Store) {
	ctx := t.Context()
	c := newChain()
	forever, timed := c.grant(id32(), 0), c.grant(id32(), 2)
	timed.NotBefore, timed.Expires = 100, 200
	c.put(t, s, 2, forever, timed)

	got, err := s.ActiveGrant(ctx, c.id, 0, forever.Reader, 0)
	fatal(t, err)
	if !reflect.DeepEqual(got, forever) {
		t.Fatalf("got %+v, want %+v", got, forever)
	}
	// Who has to wait for his NotBefore may see the collection already.
	for _, test := range []struct {
		now  int64
		want bool
	}{{0, false}, {99, false}, {100, true}, {199, true}, {200, false}, {1 << 60, false}} {
		if got := c.active(t, s, timed.Reader, 2, test.now); got != test.want {
			t.Errorf("at %d: active = %t", test.now, got)
		}
		has, err := s.HasGrant(ctx, c.id, timed.Reader, test.now)
		fatal(t, err)
		if has != (test.now < timed.Expires) {
			t.Errorf("at %d: has = %t", test.now, has)
		}
	}
	for what, look := range map[string]struct {
		collection [16]byte
		epoch      uint32
		reader     [32]byte
	}{
		"other collection": {id16(), 0, forever.Reader},
		"other epoch":      {c.id, 1, forever.Reader},
		"other reader":     {c.id, 0, timed.Reader},
		"the owner":        {c.id, 0, c.owner},
	} {
		_, err := s.ActiveGrant(ctx, look.collection, look.epoch, look.reader, 150)
		wantErr(t, what, err, store.ErrNotFound)
	}
	for _, stranger := range [][32]byte{c.owner, id32()} {
		if has, err := s.HasGrant(ctx, c.id, stranger, 150); err != nil || has {
			t.Errorf("a stranger has a grant: %t, %v", has, err)
		}
	}
}

func testSupersede(t *testing.T, s store.Store) {
	ctx := t.Context()
	c := newChain()
	reader := id32()
	first, otherEpoch, otherReader := c.grant(reader, 0), c.grant(reader, 1), c.grant(id32(), 0)
	if old := c.put(t, s, 1, first, otherEpoch, otherReader); len(old) != 0 {
		t.Fatalf("superseded %d grants out of nothing", len(old))
	}
	second := c.grant(reader, 0)
	if old := c.put(t, s, 1, second); !sameIDs(old, [][16]byte{first.ID}) {
		t.Fatalf("superseded %x, want %x", old, first.ID)
	}
	got, err := s.ActiveGrant(ctx, c.id, 0, reader, 1)
	fatal(t, err)
	if !reflect.DeepEqual(got, second) {
		t.Fatal("the newer grant is not the active one")
	}
	live, err := liveGrants(ctx, s)
	fatal(t, err)
	if !sameIDs(live, [][16]byte{second.ID, otherEpoch.ID, otherReader.ID}) {
		t.Fatalf("live grants: %x", live)
	}
	received, err := s.ReceivedGrants(ctx, reader, store.GrantCursor{}, store.MaxListed)
	fatal(t, err)
	for _, g := range received {
		if g.ID == first.ID && (g.Superseded == nil || *g.Superseded != second.ID || g.Revocation != nil) {
			t.Fatalf("superseded grant is listed as %+v", g)
		}
	}

	// An expired grant that no sweep has met yet still holds a key.
	stale := c.grant(id32(), 3)
	stale.Expires = 10
	c.put(t, s, 1, stale)
	if old := c.put(t, s, 1, c.grant(stale.Reader, 3)); !sameIDs(old, [][16]byte{stale.ID}) {
		t.Fatalf("superseded %x, want the expired %x", old, stale.ID)
	}
}

func testListGrants(t *testing.T, s store.Store) {
	ctx := t.Context()
	c := newChain()
	reader := id32()
	var want []store.Grant
	for i := range 5 {
		g := c.grant(reader, uint32(i))
		g.Created = int64(1000 - 10*i)
		if i > 2 {
			g.Created = 980 // at the same time: the newer record comes first
		}
		if i == 1 {
			g.Expires = 50
		}
		c.put(t, s, 4, g)
		g.Sealed = nil
		want = append(want, g)
	}
	want[2], want[4] = want[4], want[2]
	issued, received, err := lists(t, s, c.owner)
	fatal(t, err)
	if !reflect.DeepEqual(issued, want) || len(received) != 0 {
		t.Fatalf("owner: issued %+v, received %d", issued, len(received))
	}
	issued, received, err = lists(t, s, reader)
	fatal(t, err)
	if !reflect.DeepEqual(received, want) || len(issued) != 0 {
		t.Fatalf("reader: received %+v, issued %d", received, len(issued))
	}
	revocation := c.revocation(reader)
	_, _, err = s.Revoke(ctx, revocation, nil)
	fatal(t, err)
	for i := range want {
		want[i].Revocation = &revocation.ID
	}
	received, err = s.ReceivedGrants(ctx, reader, store.GrantCursor{}, store.MaxListed)
	fatal(t, err)
	if !reflect.DeepEqual(received, want) {
		t.Fatalf("after the revocation: %+v", received)
	}
	issued, received, err = lists(t, s, id32())
	if err != nil || len(issued)+len(received) != 0 {
		t.Fatalf("a stranger sees %d and %d grants, %v", len(issued), len(received), err)
	}
}

func testListBound(t *testing.T, s store.Store) {
	c := newChain()
	reader := id32()
	const more = 10
	var grants []store.Grant
	for i := range store.MaxListed + more {
		g := c.grant(reader, uint32(i))
		g.Created, g.Record, g.Sealed = int64(i), []byte{1}, []byte{1}
		grants = append(grants, g)
	}
	c.put(t, s, 0, grants...)
	issued, err := s.IssuedGrants(t.Context(), c.owner, store.GrantCursor{}, store.MaxListed)
	fatal(t, err)
	received, err := s.ReceivedGrants(t.Context(), reader, store.GrantCursor{}, store.MaxListed)
	fatal(t, err)
	for _, list := range [][]store.Grant{issued, received} {
		if len(list) != store.MaxListed || list[0].Created != store.MaxListed+more-1 || list[len(list)-1].Created != more {
			t.Fatalf("listed %d grants, from %d to %d", len(list), list[0].Created, list[len(list)-1].Created)
		}
	}
}

func testRevoke(t *testing.T, s store.Store) {
	ctx := t.Context()
	c, foreign := newChain(), newChain()
	reader := id32()
	old := c.grant(reader, 0)
	c.put(t, s, 0, old)
	expired, live, future := c.grant(reader, 1), c.grant(reader, 0), c.grant(reader, 2)
	expired.Expires, future.NotBefore = 10, 1<<40
	bystander, elsewhere := c.grant(id32(), 0), foreign.grant(reader, 0)
	c.put(t, s, 0, expired, live, future, bystander)
	foreign.put(t, s, 0, elsewhere)
	_, err := s.ExpireGrants(ctx, 10, nil)
	fatal(t, err)

	revocation := c.revocation(reader)
	_, err = s.Revocation(ctx, revocation.ID)
	wantErr(t, "unknown revocation", err, store.ErrNotFound)
	wantErr(t, "finish unknown", s.FinishRevocation(ctx, revocation.ID, []byte{1}, 0), store.ErrNotFound)

	stored, destroyed, err := s.Revoke(ctx, revocation, nil)
	fatal(t, err)
	want := revocation
	want.Destroyed, want.Sequence = 2, 0
	if !reflect.DeepEqual(stored, want) {
		t.Fatalf("stored %+v, want %+v", stored, want)
	}
	if all := [][16]byte{old.ID, expired.ID, live.ID, future.ID}; !sameIDs(destroyed, all) {
		t.Fatalf("destroyed %x, want %x", destroyed, all)
	}
	for epoch := range uint32(3) {
		if c.active(t, s, reader, epoch, 1<<41) {
			t.Fatalf("epoch %d is still open to the revoked reader", epoch)
		}
	}
	if has, err := s.HasGrant(ctx, c.id, reader, 1<<41); err != nil || has {
		t.Fatalf("the revoked reader has a grant: %t, %v", has, err)
	}
	if !c.active(t, s, bystander.Reader, 0, 1) || !foreign.active(t, s, reader, 0, 1) {
		t.Fatal("the revocation hit other grants")
	}
	received, err := s.ReceivedGrants(ctx, reader, store.GrantCursor{}, store.MaxListed)
	fatal(t, err)
	for _, g := range received {
		named := g.Revocation != nil && *g.Revocation == revocation.ID
		if (g.Collection == c.id) != named {
			t.Fatalf("grant %x of epoch %d: revocation %x", g.ID, g.Epoch, g.Revocation)
		}
	}

	again := c.grant(reader, 0) // the owner may change his mind
	c.put(t, s, 1, again)
	if !c.active(t, s, reader, 0, 1) {
		t.Fatal("a new grant after the revocation is not active")
	}
	stored, destroyed, err = s.Revoke(ctx, c.revocation(reader), nil)
	fatal(t, err)
	if stored.Destroyed != 1 || !sameIDs(destroyed, [][16]byte{old.ID, expired.ID, live.ID, future.ID, again.ID}) {
		t.Fatalf("the second revocation destroyed %x, counts %d", destroyed, stored.Destroyed)
	}
}

func testRevokeRetry(t *testing.T, s store.Store) {
	ctx := t.Context()
	c := newChain()
	g := c.grant(id32(), 0)
	c.put(t, s, 0, g)
	revocation := c.revocation(g.Reader)
	first, _, err := s.Revoke(ctx, revocation, nil)
	fatal(t, err)

	later := revocation
	later.Created++
	stored, destroyed, err := s.Revoke(ctx, later, nil)
	fatal(t, err)
	if !reflect.DeepEqual(stored, first) || !sameIDs(destroyed, [][16]byte{g.ID}) {
		t.Fatalf("unfinished: got %+v and %x", stored, destroyed)
	}
	regrant := c.grant(g.Reader, 0)
	c.put(t, s, 1, regrant)
	_, destroyed, err = s.Revoke(ctx, later, nil)
	fatal(t, err)
	if !sameIDs(destroyed, [][16]byte{g.ID}) {
		t.Fatalf("unfinished, and granted anew: %x", destroyed)
	}
	fatal(t, s.FinishRevocation(ctx, revocation.ID, []byte("first receipt"), 1))
	fatal(t, s.FinishRevocation(ctx, revocation.ID, []byte("second receipt"), 9))
	first.Receipt = []byte("first receipt")
	stored, destroyed, err = s.Revoke(ctx, revocation, nil)
	fatal(t, err)
	if !reflect.DeepEqual(stored, first) || len(destroyed) != 0 {
		t.Fatalf("finished: got %+v and %x", stored, destroyed)
	}
	if !c.active(t, s, g.Reader, 0, 1) {
		t.Fatal("a repeated revocation ended a newer grant")
	}
	got, err := s.Revocation(ctx, revocation.ID)
	fatal(t, err)
	if !reflect.DeepEqual(got, first) {
		t.Fatalf("got %+v, want %+v", got, first)
	}
	other := revocation
	other.Record = random(150)
	_, _, err = s.Revoke(ctx, other, nil)
	wantErr(t, "same id, other record", err, store.ErrExists)

	// A revocation of nobody is stored as well.
	empty := newChain().revocation(id32())
	stored, destroyed, err = s.Revoke(ctx, empty, nil)
	fatal(t, err)
	if !reflect.DeepEqual(stored, empty) || len(destroyed) != 0 {
		t.Fatalf("empty revocation: got %+v and %x", stored, destroyed)
	}
	fatal(t, s.FinishRevocation(ctx, empty.ID, []byte("receipt"), 0))
}

func testExpire(t *testing.T, s store.Store) {
	ctx := t.Context()
	c := newChain()
	var ids [][16]byte
	for i := range 6 {
		g := c.grant(id32(), 0)
		g.Expires = int64(i * 100) // the first one never
		c.put(t, s, 0, g)
		ids = append(ids, g.ID)
	}
	for _, step := range []struct {
		now  int64
		want [][16]byte
	}{{0, nil}, {99, nil}, {100, ids[1:2]}, {100, nil}, {350, ids[2:4]}, {200, nil}, {1 << 60, ids[4:6]}} {
		got, err := s.ExpireGrants(ctx, step.now, nil)
		fatal(t, err)
		if !sameIDs(got, step.want) {
			t.Fatalf("at %d: expired %x, want %x", step.now, got, step.want)
		}
	}
	live, err := liveGrants(ctx, s)
	fatal(t, err)
	if !sameIDs(live, ids[:1]) {
		t.Fatalf("live grants: %x", live)
	}

	// Swept is gone, even for a caller whose clock went back.
	g := c.grant(id32(), 0)
	g.Expires = 100
	c.put(t, s, 0, g)
	_, err = s.ExpireGrants(ctx, 100, nil)
	fatal(t, err)
	if c.active(t, s, g.Reader, 0, 1) {
		t.Fatal("an expired grant came back when the clock was set back")
	}
}
