package storetest

import (
	"reflect"
	"slices"
	"testing"

	"github.com/recrypt-service/recrypt/host/store"
)

// person is the client's side of one identity.
type person struct {
	versions []store.Identity
}

func newPerson() *person {
	return &person{[]store.Identity{{ID: id32(), Version: 1, Record: random(300), SigningKey: id32(), Since: 1}}}
}

func (p *person) newest() store.Identity { return p.versions[len(p.versions)-1] }

// next makes a version that follows the one with the number after, with new keys or
// the same ones.
func (p *person) next(after int, fresh bool) store.Identity {
	v := p.versions[after-1]
	v.Version++
	v.Record = append(slices.Clone(v.Record), random(90)...)
	if fresh {
		v.SigningKey, v.Since = id32(), v.Version
	}
	return v
}

// put publishes a version.
func (p *person) put(t testing.TB, s store.Store, v store.Identity, o store.IdentityChange) {
	t.Helper()
	fatal(t, s.PutIdentity(t.Context(), v, o))
	p.versions = append(p.versions[:v.Version-1:v.Version-1], v)
	p.stored(t, s)
}

// stored checks that the store has exactly the versions of p.
func (p *person) stored(t testing.TB, s store.Store) {
	t.Helper()
	got, err := s.Identity(t.Context(), p.versions[0].ID)
	fatal(t, err)
	if !reflect.DeepEqual(got, p.versions) {
		t.Fatalf("got %+v, want %+v", got, p.versions)
	}
}

// testOverride: versions give way to others only when that is asked for.
func testOverride(t *testing.T, s store.Store) {
	ctx := t.Context()
	p := newPerson()
	p.put(t, s, p.newest(), store.IdentityChange{})
	p.put(t, s, p.next(1, true), store.IdentityChange{})
	p.put(t, s, p.next(2, true), store.IdentityChange{})

	other := p.next(1, true)
	foreign := other
	foreign.Record = random(2000)
	longer := other
	longer.Version++
	for what, try := range map[string]struct {
		v    store.Identity
		o    store.IdentityChange
		want error
	}{
		"nothing gives way":          {other, store.IdentityChange{}, store.ErrConflict},
		"not all of it gives way":    {other, store.IdentityChange{Replace: 3}, store.ErrInvalid},
		"not enough gives way":       {longer, store.IdentityChange{Replace: 3}, store.ErrConflict},
		"everything gives way":       {other, store.IdentityChange{Replace: 1}, store.ErrConflict},
		"does not follow the rest":   {foreign, store.IdentityChange{Replace: 2}, store.ErrConflict},
		"compared with another":      {other, store.IdentityChange{Replace: 2, Over: p.versions[1].Record}, store.ErrConflict},
		"a new one has no beginning": {newPerson().newest(), store.IdentityChange{Over: other.Record}, store.ErrConflict},
	} {
		try.o.Suspend, try.o.Log = true, one()
		logged(t, s, what, nil, func() { wantErr(t, what, s.PutIdentity(ctx, try.v, try.o), try.want) })
		p.stored(t, s)
	}
	change := store.IdentityChange{Replace: 2, Over: p.newest().Record, Log: one()}
	logged(t, s, "override", change.Log, func() { p.put(t, s, other, change) })
	logged(t, s, "override again", nil, func() { p.put(t, s, other, change) })
	p.put(t, s, p.next(2, false), store.IdentityChange{Replace: 3, Over: other.Record}) // nothing to replace
	p.put(t, s, p.next(3, true), store.IdentityChange{Over: p.newest().Record})

	// One override of several versions, by several.
	last := p.next(2, true)
	last.Version, last.Since = 9, 8
	fatal(t, s.PutIdentity(ctx, last, store.IdentityChange{Replace: 3}))
	got, err := s.Identity(ctx, last.ID)
	fatal(t, err)
	if want := append(slices.Clone(p.versions[:2]), last); !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v, want %+v", got, want)
	}
}

// testSuspend: a grant to keys that its reader no longer has opens nothing.
func testSuspend(t *testing.T, s store.Store) {
	ctx := t.Context()
	c := newChain()
	p, bystander := newPerson(), newPerson()
	bystander.put(t, s, bystander.newest(), store.IdentityChange{})
	p.put(t, s, p.newest(), store.IdentityChange{Suspend: true})
	p.put(t, s, p.next(1, false), store.IdentityChange{Suspend: true})
	grant := func(p *person, epoch, version uint32) store.Grant {
		g := c.grant(p.newest().ID, epoch)
		g.ReaderVersion = version
		return g
	}
	first, second, foreign := grant(p, 0, 1), grant(p, 1, 2), grant(bystander, 1, 1)
	c.put(t, s, 1, first, second, foreign)
	opens := func(what string, g store.Grant, want bool) {
		t.Helper()
		var refusal error
		if !want {
			refusal = store.ErrNotFound
		}
		wantErr(t, what, s.RecordOpening(ctx, g.ID, 1, 0, nil), refusal)
		if c.active(t, s, g.Reader, g.Epoch, 1) != want {
			t.Fatalf("%s: active = %t", what, !want)
		}
	}
	p.put(t, s, p.next(2, false), store.IdentityChange{Suspend: true})
	opens("the same keys", first, true)
	changed := p.next(3, true)
	p.put(t, s, changed, store.IdentityChange{Suspend: true})
	opens("an old version", first, false)
	opens("an old version", second, false)
	opens("somebody else", foreign, true)
	if c.has(t, s, first.Reader, 1) {
		t.Fatal("suspended grants show the collection")
	}

	// They live on, until something else ends them.
	live, err := liveGrants(ctx, s)
	fatal(t, err)
	if !sameIDs(live, [][16]byte{first.ID, second.ID, foreign.ID}) {
		t.Fatalf("live grants: %x", live)
	}
	readers, err := s.Readers(ctx, c.id, 1, 1)
	fatal(t, err)
	if !slices.Equal(readers, readersOf([]store.Grant{second, foreign})) {
		t.Fatalf("readers: %+v", readers)
	}
	_, listed, err := s.ReaderGrants(ctx, c.id)
	fatal(t, err)
	for _, g := range listed {
		if g.Suspended != (g.ID == second.ID) {
			t.Fatalf("listed as %+v", g)
		}
	}

	rec, previous := c.record(1)
	_, err = s.PutCollection(ctx, rec, previous, []store.Grant{grant(p, 1, 3)}, one())
	wantErr(t, "grant to keys of the past", err, store.ErrConflict)
	again := grant(p, 1, 4)
	if old := c.put(t, s, 1, again); !sameIDs(old, [][16]byte{second.ID}) {
		t.Fatalf("superseded %x", old)
	}
	opens("granted again", again, true)
	p.put(t, s, changed, store.IdentityChange{Suspend: true}) // a retry
	opens("after a retry", again, true)

	// Overridden keys are not his either, whatever number their version had.
	recovered := p.next(3, true)
	p.put(t, s, recovered, store.IdentityChange{Replace: 4, Suspend: true})
	opens("an overridden version", again, false)
	last := grant(p, 1, 4)
	c.put(t, s, 1, last)
	opens("granted to the recovered keys", last, true)
	opens("somebody else", foreign, true)
}
