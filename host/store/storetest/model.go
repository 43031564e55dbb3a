package storetest

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/recrypt-service/recrypt/host/store"
)

// model is one collection with all its grants, revocations, requests and keys, as plain
// as can be: lists that are searched from end to end.
type model struct {
	t           *testing.T
	s           store.Store
	c           *chain
	people      [3]*person
	readers     [3][32]byte
	grants      []store.Grant // Sealed nil: wiped
	revocations []store.Revocation
	requests    map[[32]byte]int64
	keys        []store.Key
	accepted    map[[32]byte]bool
	closed      int64    // the last closed epoch, -1 none
	last        struct { // the newest request, for retries
		rec      store.CollectionRecord
		previous [32]byte
		grants   []store.Grant
	}
	first int64            // size of the log before the first step
	log   []store.LogEntry // what must have been appended since
}

func newModel(t *testing.T, s store.Store) *model {
	m := &model{
		t: t, s: s, c: newChain(), closed: -1, first: size(t, s),
		requests: make(map[[32]byte]int64), accepted: make(map[[32]byte]bool),
	}
	for i := range m.people {
		m.people[i] = newPerson()
		m.people[i].put(t, s, m.people[i].newest(), store.IdentityChange{})
		m.readers[i] = m.people[i].newest().ID
	}
	return m
}

// testModel compares the store with the model after each of many random steps.
func testModel(t *testing.T, s store.Store) {
	rapid.Check(t, func(r *rapid.T) {
		m := newModel(t, s)
		r.Repeat(map[string]func(*rapid.T){
			"put":    m.put,
			"retry":  m.retry,
			"stale":  m.stale,
			"revoke": m.revoke,
			"again":  m.again,
			"finish": m.finish,
			"expire": m.expire,
			"ask":    m.ask,
			"veto":   m.veto,
			"open":   m.open,
			"change": m.change,
			"lose":   m.lose,
			"key":    m.putKey,
			"accept": m.accept,
			"refuse": m.refuse,
			"":       m.compare,
			"put2":   m.put, // as often as all that ends grants
		})
	})
}

func (m *model) live(g store.Grant) bool { return g.Sealed != nil }

// appends makes an entry that the next step appends if effect is true then.
func (m *model) appends() (log []store.LogEntry, effect func(bool)) {
	log = []store.LogEntry{entry(m.c.owner, m.readers[0], nil)}
	return log, func(happened bool) {
		if happened {
			m.log = append(m.log, log...)
		}
	}
}

func (m *model) reader(r *rapid.T) [32]byte { return rapid.SampledFrom(m.readers[:]).Draw(r, "reader") }

func (m *model) put(r *rapid.T) {
	rec, previous := m.c.record(m.c.head.Epoch + rapid.SampledFrom([]uint32{0, 0, 1}).Draw(r, "step"))
	rec.Created = rapid.Int64Range(0, 60).Draw(r, "created")
	var grants []store.Grant
	refused := m.c.next > 0 && int64(rec.Epoch) <= m.closed
	want := store.ErrClosed
	for i, p := range m.people {
		if !rapid.Bool().Draw(r, "granted") {
			continue
		}
		g := m.c.grant(m.readers[i], rapid.Uint32Range(0, 2).Draw(r, "epoch"))
		g.ReaderVersion = rapid.Uint32Range(max(p.newest().Since, 2)-1, p.newest().Version).Draw(r, "version")
		g.NotBefore = rapid.Int64Range(0, 20).Draw(r, "not before")
		g.Expires = rapid.Int64Range(0, 60).Draw(r, "expires")
		g.Wait = max(0, rapid.Int64Range(-20, 20).Draw(r, "wait"))
		g.Uses = rapid.Uint32Range(0, 2).Draw(r, "uses")
		grants = append(grants, g)
		if !refused && g.ReaderVersion < p.newest().Since {
			refused, want = true, store.ErrConflict
		}
	}
	log, effect := m.appends()
	superseded, err := m.s.PutCollection(m.t.Context(), rec, previous, grants, log)
	if refused {
		if !errors.Is(err, want) {
			r.Fatalf("refused with %v, want %v", err, want)
		}
		return
	}
	if err != nil {
		r.Fatal(err)
	}
	effect(true)
	if want := m.store(rec, grants); !sameIDs(superseded, want) {
		r.Fatalf("superseded %x, want %x", superseded, want)
	}
	m.last.rec, m.last.previous, m.last.grants = rec, previous, grants
	m.c.advance(rec)
}

// store adds grants one by one and returns those they supersede.
func (m *model) store(rec store.CollectionRecord, grants []store.Grant) (superseded [][16]byte) {
	for _, g := range grants {
		if g.Wait > 0 && !m.pending(g.Reader, rec.Created) {
			delete(m.requests, g.Reader)
		}
		for i := range m.grants {
			old := &m.grants[i]
			if m.live(*old) && old.Reader == g.Reader && old.Epoch == g.Epoch {
				old.Sealed, old.Superseded = nil, &g.ID
				superseded = append(superseded, old.ID)
			}
		}
		m.grants = append(m.grants, g)
	}
	return superseded
}

// pending reports whether reader has a pending grant that has not expired.
func (m *model) pending(reader [32]byte, now int64) bool {
	return slices.ContainsFunc(m.grants, func(g store.Grant) bool {
		return m.live(g) && g.Reader == reader && g.Wait > 0 && (g.Expires == 0 || g.Expires > now)
	})
}

// active reports whether a grant opens its epoch.
func (m *model) active(g store.Grant, now int64) bool {
	since, asked := m.requests[g.Reader]
	return m.has(g, now) && g.NotBefore <= now && (g.Wait == 0 || asked && since+g.Wait <= now)
}

// has reports whether a grant is active or will be.
func (m *model) has(g store.Grant, now int64) bool {
	return m.live(g) && !g.Suspended && !g.Lost && (g.Expires == 0 || g.Expires > now) && (g.Uses == 0 || g.Used < g.Uses)
}

func (m *model) retry(r *rapid.T) {
	if m.c.next == 0 {
		r.Skip("nothing to retry")
	}
	superseded, err := m.s.PutCollection(m.t.Context(), m.last.rec, m.last.previous, m.last.grants, one())
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
	_, err := m.s.PutCollection(m.t.Context(), rec, previous, grants, one())
	if !errors.Is(err, store.ErrConflict) {
		r.Fatalf("stale record: %v", err)
	}
}

func (m *model) revoke(r *rapid.T) {
	v := m.c.revocation(m.reader(r))
	log, effect := m.appends()
	stored, destroyed, err := m.s.Revoke(m.t.Context(), v, log)
	if err != nil {
		r.Fatal(err)
	}
	effect(true)
	delete(m.requests, v.Reader)
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
	if live > 0 {
		m.closed = int64(m.c.head.Epoch)
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
	stored, destroyed, err := m.s.Revoke(m.t.Context(), v, one())
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
	entries := make(map[[16]byte]store.LogEntry)
	ids, err := m.s.ExpireGrants(m.t.Context(), now, func(g store.Grant) store.LogEntry {
		entries[g.ID] = entry(g.Owner, g.Reader, nil)
		return entries[g.ID]
	})
	for _, id := range ids { // earlier runs have left grants behind, too
		m.log = append(m.log, entries[id])
	}
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

// lose marks all grants, seldom: it leaves little to do for what comes next.
func (m *model) lose(r *rapid.T) {
	if rapid.IntRange(0, 3).Draw(r, "seldom") > 0 {
		r.Skip("not now")
	}
	log, effect := m.appends()
	lost, err := m.s.LoseKeys(m.t.Context(), log)
	if err != nil {
		r.Fatal(err)
	}
	effect(lost > 0)
	mine := 0
	for i := range m.grants {
		if g := &m.grants[i]; m.live(*g) && !g.Lost {
			g.Lost = true
			mine++
		}
	}
	if mine > lost { // earlier runs have left grants behind, too
		r.Fatalf("lost %d, want %d", lost, mine)
	}
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
	ids, err := liveGrants(m.t.Context(), m.s)
	if err != nil {
		r.Fatal(err)
	}
	var want [][16]byte
	for _, g := range m.grants {
		if m.live(g) && !g.Lost {
			want = append(want, g.ID)
		}
	}
	if got := m.mine(ids); !sameIDs(got, want) {
		r.Fatalf("live %x, want %x", got, want)
	}
	issued, err := m.s.IssuedGrants(m.t.Context(), m.c.owner, store.GrantCursor{}, store.MaxListed)
	if err != nil || len(issued) != len(m.grants) {
		r.Fatalf("issued %d grants, want %d, %v", len(issued), len(m.grants), err)
	}
	for _, g := range issued {
		i := slices.IndexFunc(m.grants, func(w store.Grant) bool { return w.ID == g.ID })
		if i < 0 || g.Used != m.grants[i].Used || g.Suspended != m.grants[i].Suspended || g.Lost != m.grants[i].Lost || !equalID(g.Revocation, m.grants[i].Revocation) || !equalID(g.Superseded, m.grants[i].Superseded) {
			r.Fatalf("grant %x is listed wrongly", g.ID)
		}
	}
}

func equalID(a, b *[16]byte) bool {
	return a == nil && b == nil || a != nil && b != nil && *a == *b
}
