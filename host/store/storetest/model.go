package storetest

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/recrypt-service/recrypt/host/store"
)

// model is grants and revocations of one collection as plain as can be: lists that
// are searched from end to end.
type model struct {
	t           *testing.T
	s           store.Store
	c           *chain
	readers     [3][32]byte
	grants      []store.Grant // Sealed nil: wiped
	revocations []store.Revocation
	last        struct { // the newest request, for retries
		rec      store.CollectionRecord
		previous [32]byte
		grants   []store.Grant
	}
}

// testModel compares the store with the model after each of many random steps.
func testModel(t *testing.T, s store.Store) {
	rapid.Check(t, func(r *rapid.T) {
		m := &model{t: t, s: s, c: newChain(), readers: [3][32]byte{id32(), id32(), id32()}}
		r.Repeat(map[string]func(*rapid.T){
			"put":     m.put,
			"retry":   m.retry,
			"stale":   m.stale,
			"revoke":  m.revoke,
			"again":   m.again,
			"finish":  m.finish,
			"expire":  m.expire,
			"":        m.compare,
			"reader2": m.revoke, // as often as put
		})
	})
}

func (m *model) live(g store.Grant) bool { return g.Sealed != nil }

func (m *model) put(r *rapid.T) {
	rec, previous := m.c.record(uint32(m.c.next))
	var grants []store.Grant
	for reader := range m.readers {
		if !rapid.Bool().Draw(r, "granted") {
			continue
		}
		g := m.c.grant(m.readers[reader], rapid.Uint32Range(0, 2).Draw(r, "epoch"))
		g.NotBefore = rapid.Int64Range(0, 20).Draw(r, "not before")
		g.Expires = rapid.Int64Range(0, 60).Draw(r, "expires")
		grants = append(grants, g)
	}
	superseded, err := m.s.PutCollection(m.t.Context(), rec, previous, grants, nil)
	if err != nil {
		r.Fatal(err)
	}
	var want [][16]byte
	for _, g := range grants {
		for i := range m.grants {
			old := &m.grants[i]
			if m.live(*old) && old.Reader == g.Reader && old.Epoch == g.Epoch {
				old.Sealed, old.Superseded = nil, &g.ID
				want = append(want, old.ID)
			}
		}
	}
	if !sameIDs(superseded, want) {
		r.Fatalf("superseded %x, want %x", superseded, want)
	}
	m.grants = append(m.grants, grants...)
	m.last.rec, m.last.previous, m.last.grants = rec, previous, grants
	m.c.advance(rec)
}

func (m *model) retry(r *rapid.T) {
	if m.c.next == 0 {
		r.Skip("nothing to retry")
	}
	superseded, err := m.s.PutCollection(m.t.Context(), m.last.rec, m.last.previous, m.last.grants, nil)
	if err != nil || len(superseded) > 0 {
		r.Fatalf("retry: %x, %v", superseded, err)
	}
}

func (m *model) stale(r *rapid.T) {
	if m.c.next == 0 {
		r.Skip("nothing before")
	}
	rec, previous := m.c.record(0)
	rec.Sequence = rapid.Uint64Range(0, m.c.next-1).Draw(r, "sequence")
	grants := []store.Grant{m.c.grant(m.readers[0], 0)}
	_, err := m.s.PutCollection(m.t.Context(), rec, previous, grants, nil)
	if !errors.Is(err, store.ErrConflict) {
		r.Fatalf("stale record: %v", err)
	}
}

func (m *model) revoke(r *rapid.T) {
	v := m.c.revocation(rapid.SampledFrom(m.readers[:]).Draw(r, "reader"))
	stored, destroyed, err := m.s.Revoke(m.t.Context(), v, nil)
	if err != nil {
		r.Fatal(err)
	}
	var live uint32
	for i := range m.grants {
		g := &m.grants[i]
		if g.Reader != v.Reader || g.Revocation != nil {
			continue
		}
		if m.live(*g) {
			live++
		}
		g.Sealed, g.Revocation = nil, &v.ID
	}
	if want := m.ended(v.Reader); !sameIDs(destroyed, want) || stored.Destroyed != live {
		r.Fatalf("destroyed %x (%d), want %x (%d)", destroyed, stored.Destroyed, want, live)
	}
	v.Destroyed = stored.Destroyed
	m.revocations = append(m.revocations, v)
}

// ended lists the grants of reader that are not live.
func (m *model) ended(reader [32]byte) (ids [][16]byte) {
	for _, g := range m.grants {
		if g.Reader == reader && !m.live(g) {
			ids = append(ids, g.ID)
		}
	}
	return ids
}

// again repeats a revocation: it must not touch anything.
func (m *model) again(r *rapid.T) {
	if len(m.revocations) == 0 {
		r.Skip("nothing to repeat")
	}
	v := rapid.SampledFrom(m.revocations).Draw(r, "revocation")
	stored, destroyed, err := m.s.Revoke(m.t.Context(), v, nil)
	if err != nil {
		r.Fatal(err)
	}
	want := m.ended(v.Reader)
	if v.Receipt != nil {
		want = nil
	}
	if !sameIDs(destroyed, want) || stored.Destroyed != v.Destroyed {
		r.Fatalf("repeated: %x, want %x", destroyed, want)
	}
}

func (m *model) finish(r *rapid.T) {
	if len(m.revocations) == 0 {
		r.Skip("nothing to finish")
	}
	i := rapid.IntRange(0, len(m.revocations)-1).Draw(r, "revocation")
	v := &m.revocations[i]
	if err := m.s.FinishRevocation(m.t.Context(), v.ID, []byte("receipt"), v.Destroyed); err != nil {
		r.Fatal(err)
	}
	v.Receipt = []byte("receipt")
}

func (m *model) expire(r *rapid.T) {
	now := rapid.Int64Range(0, 60).Draw(r, "now")
	ids, err := m.s.ExpireGrants(m.t.Context(), now, nil)
	if err != nil {
		r.Fatal(err)
	}
	var want [][16]byte
	for i := range m.grants {
		g := &m.grants[i]
		if m.live(*g) && g.Expires > 0 && g.Expires <= now {
			g.Sealed = nil
			want = append(want, g.ID)
		}
	}
	if got := m.mine(ids); !sameIDs(got, want) {
		r.Fatalf("at %d: expired %x, want %x", now, got, want)
	}
}

// mine drops what earlier runs left in the store.
func (m *model) mine(ids [][16]byte) [][16]byte {
	return slices.DeleteFunc(ids, func(id [16]byte) bool {
		return !slices.ContainsFunc(m.grants, func(g store.Grant) bool { return g.ID == id })
	})
}

func (m *model) compare(r *rapid.T) {
	now := rapid.Int64Range(0, 60).Draw(r, "now")
	for _, reader := range m.readers {
		any := false
		for epoch := range uint32(3) {
			i := slices.IndexFunc(m.grants, func(g store.Grant) bool {
				return m.live(g) && g.Reader == reader && g.Epoch == epoch &&
					g.NotBefore <= now && (g.Expires == 0 || g.Expires > now)
			})
			got, err := m.s.ActiveGrant(m.t.Context(), m.c.id, epoch, reader, now)
			switch {
			case i < 0 && errors.Is(err, store.ErrNotFound):
			case i < 0 || err != nil:
				r.Fatalf("epoch %d: model %d, store %x, %v", epoch, i, got.ID, err)
			case got.ID != m.grants[i].ID || !slices.Equal(got.Sealed, m.grants[i].Sealed):
				r.Fatalf("epoch %d: got %x, want %x", epoch, got.ID, m.grants[i].ID)
			}
			any = any || i >= 0
		}
		has, err := m.s.HasGrant(m.t.Context(), m.c.id, reader, now)
		if err != nil || has != any {
			r.Fatalf("has = %t, %v, want %t", has, err, any)
		}
	}
	m.compareReaders(r, now)
	m.compareLists(r)
}

func (m *model) compareReaders(r *rapid.T, now int64) {
	for epoch := range uint32(3) {
		var active []store.Grant
		for _, g := range m.grants {
			if m.live(g) && g.Epoch == epoch && (g.Expires == 0 || g.Expires > now) {
				active = append(active, g)
			}
		}
		got, err := m.s.Readers(m.t.Context(), m.c.id, epoch, now)
		if err != nil || !slices.Equal(got, readersOf(active)) {
			r.Fatalf("readers of epoch %d: %x, %v, want %x", epoch, got, err, readersOf(active))
		}
	}
}

func (m *model) compareLists(r *rapid.T) {
	ids, err := m.s.LiveGrants(m.t.Context())
	if err != nil {
		r.Fatal(err)
	}
	var want [][16]byte
	for _, g := range m.grants {
		if m.live(g) {
			want = append(want, g.ID)
		}
	}
	if got := m.mine(ids); !sameIDs(got, want) {
		r.Fatalf("live %x, want %x", got, want)
	}
	issued, _, err := m.s.Grants(m.t.Context(), m.c.owner)
	if err != nil || len(issued) != len(m.grants) {
		r.Fatalf("issued %d grants, want %d, %v", len(issued), len(m.grants), err)
	}
	for _, g := range issued {
		i := slices.IndexFunc(m.grants, func(w store.Grant) bool { return w.ID == g.ID })
		if i < 0 || !equalID(g.Revocation, m.grants[i].Revocation) || !equalID(g.Superseded, m.grants[i].Superseded) {
			r.Fatalf("grant %x is listed wrongly", g.ID)
		}
	}
}

func equalID(a, b *[16]byte) bool {
	return a == nil && b == nil || a != nil && b != nil && *a == *b
}
