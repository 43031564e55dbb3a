package storetest

import (
	"bytes"
	"errors"
	"slices"

	"pgregory.net/rapid"

	"github.com/recrypt-service/recrypt/host/store"
)

func (m *model) ask(r *rapid.T) {
	reader, now := m.reader(r), rapid.Int64Range(0, 60).Draw(r, "now")
	log, effect := m.appends()
	since, err := m.s.PutRequest(m.t.Context(), m.c.id, reader, now, log)
	if !m.pending(reader, now) {
		if !errors.Is(err, store.ErrNotFound) {
			r.Fatalf("request for nothing: %v", err)
		}
		return
	}
	before, asked := m.requests[reader]
	if !asked {
		m.requests[reader], before = now, now
	}
	effect(!asked)
	if err != nil || since != before {
		r.Fatalf("asked since %d, %v, want %d", since, err, before)
	}
}

func (m *model) veto(r *rapid.T) {
	reader := m.reader(r)
	_, asked := m.requests[reader]
	log, effect := m.appends()
	effect(asked)
	if err := m.s.DropRequest(m.t.Context(), m.c.id, reader, log); asked != (err == nil) || !asked && !errors.Is(err, store.ErrNotFound) {
		r.Fatalf("veto, asked %t: %v", asked, err)
	}
	delete(m.requests, reader)
}

func (m *model) open(r *rapid.T) {
	if len(m.grants) == 0 {
		r.Skip("nothing to open")
	}
	g := &m.grants[rapid.IntRange(0, len(m.grants)-1).Draw(r, "grant")]
	now, uses := rapid.Int64Range(0, 60).Draw(r, "now"), rapid.Uint32Range(0, 2).Draw(r, "uses")
	want := m.active(*g, now) && (g.Uses == 0 || g.Used+uses <= g.Uses)
	log, effect := m.appends()
	effect(want)
	err := m.s.RecordOpening(m.t.Context(), g.ID, now, uses, log)
	if want != (err == nil) || !want && !errors.Is(err, store.ErrNotFound) {
		r.Fatalf("opening of %+v at %d: %v, want %t", g, now, err, want)
	}
	if want && g.Uses > 0 {
		g.Used += uses
	}
}

// change publishes a new version of a reader: with the same keys, with others, or with
// others in place of the newest.
func (m *model) change(r *rapid.T) {
	p := m.people[rapid.IntRange(0, len(m.people)-1).Draw(r, "reader")]
	o := store.IdentityChange{Suspend: true}
	after, fresh := len(p.versions), rapid.Bool().Draw(r, "keys")
	if after > 1 && rapid.Bool().Draw(r, "override") {
		o.Replace, o.Over = uint32(after), p.newest().Record
		after, fresh = after-1, true
	}
	v := p.next(after, fresh)
	log, effect := m.appends()
	o.Log = log
	effect(true)
	p.put(m.t, m.s, v, o)
	for i := range m.grants {
		g := &m.grants[i]
		if m.live(*g) && g.Reader == v.ID && (g.ReaderVersion < v.Since || o.Replace > 0 && g.ReaderVersion >= o.Replace) {
			g.Suspended = true
		}
	}
}

func (m *model) putKey(r *rapid.T) {
	if m.c.next == 0 {
		r.Skip("no collection yet")
	}
	const quota = 2
	key := m.c.key(m.reader(r), rapid.Uint32Range(0, m.c.head.Epoch+1).Draw(r, "epoch"))
	if rapid.Bool().Draw(r, "newest") {
		key.Epoch = m.c.head.Epoch
	}
	key.Accepted = rapid.Bool().Draw(r, "accepted")
	waiting := 0
	for _, k := range m.keys {
		if k.Author == key.Author && !k.Accepted {
			waiting++
		}
	}
	var want error
	switch {
	case key.Epoch != m.c.head.Epoch:
		want = store.ErrConflict
	case int64(key.Epoch) <= m.closed:
		want = store.ErrClosed
	case !key.Accepted && !m.accepted[key.Author] && waiting >= quota:
		want = store.ErrQuota
	}
	log, effect := m.appends()
	effect(want == nil)
	if err := m.s.PutKey(m.t.Context(), key, quota, log); !errors.Is(err, want) {
		r.Fatalf("put key: %v, want %v", err, want)
	}
	if want == nil {
		key.Accepted = key.Accepted || m.accepted[key.Author]
		m.keys = append(m.keys, key)
	}
}

func (m *model) accept(r *rapid.T) {
	if m.c.next == 0 {
		r.Skip("no collection yet")
	}
	author, want := m.reader(r), 0
	for i := range m.keys {
		if k := &m.keys[i]; k.Author == author && !k.Accepted {
			k.Accepted = true
			want++
		}
	}
	log, effect := m.appends()
	effect(!m.accepted[author])
	m.accepted[author] = true
	if n, err := m.s.AcceptAuthor(m.t.Context(), m.c.id, author, 1, log); err != nil || n != want {
		r.Fatalf("accepted %d keys, %v, want %d", n, err, want)
	}
}

func (m *model) refuse(r *rapid.T) {
	if m.c.next == 0 {
		r.Skip("no collection yet")
	}
	author := m.reader(r)
	before := len(m.keys)
	m.keys = slices.DeleteFunc(m.keys, func(k store.Key) bool { return k.Author == author && !k.Accepted })
	want := before - len(m.keys)
	log, effect := m.appends()
	effect(want > 0)
	if n, err := m.s.RefuseAuthor(m.t.Context(), m.c.id, author, log); err != nil || n != want {
		r.Fatalf("refused %d keys, %v, want %d", n, err, want)
	}
}

func (m *model) compare(r *rapid.T) {
	now := rapid.Int64Range(0, 60).Draw(r, "now")
	for _, reader := range m.readers {
		any := slices.ContainsFunc(m.grants, func(g store.Grant) bool { return g.Reader == reader && m.has(g, now) })
		for epoch := range uint32(3) {
			i := slices.IndexFunc(m.grants, func(g store.Grant) bool {
				return g.Reader == reader && g.Epoch == epoch && m.active(g, now)
			})
			got, err := m.s.ActiveGrant(m.t.Context(), m.c.id, epoch, reader, now)
			switch {
			case i < 0 && errors.Is(err, store.ErrNotFound):
			case i < 0 || err != nil:
				r.Fatalf("epoch %d: model %d, store %x, %v", epoch, i, got.ID, err)
			case got.ID != m.grants[i].ID || !slices.Equal(got.Sealed, m.grants[i].Sealed):
				r.Fatalf("epoch %d: got %x, want %x", epoch, got.ID, m.grants[i].ID)
			}
		}
		has, err := m.s.HasGrant(m.t.Context(), m.c.id, reader, now)
		if err != nil || has != any {
			r.Fatalf("has = %t, %v, want %t", has, err, any)
		}
	}
	m.compareReaders(r, now)
	m.compareLists(r)
	m.comparePending(r)
	m.compareKeys(r)
	m.compareLog(r)
}

func (m *model) comparePending(r *rapid.T) {
	for _, reader := range m.readers {
		var want [][16]byte
		for _, g := range m.grants {
			if m.live(g) && g.Wait > 0 && g.Reader == reader {
				want = append(want, g.ID)
			}
		}
		got, err := m.s.PendingGrants(m.t.Context(), m.c.owner, reader)
		if err != nil {
			r.Fatal(err)
		}
		var ids [][16]byte
		for _, g := range got {
			if ids = append(ids, g.ID); g.Requested != m.requests[reader] {
				r.Fatalf("requested at %d, want %d", g.Requested, m.requests[reader])
			}
		}
		if !sameIDs(ids, want) {
			r.Fatalf("pending %x, want %x", ids, want)
		}
	}
}

func (m *model) compareKeys(r *rapid.T) {
	if m.c.next > 0 {
		head, err := m.s.Head(m.t.Context(), m.c.id)
		if err != nil || head.Epoch != m.c.head.Epoch || head.Closed != (int64(head.Epoch) <= m.closed) {
			r.Fatalf("head: %+v, %v", head, err)
		}
	}
	want := map[[32]byte][][16]byte{}
	for _, k := range m.keys {
		if !k.Accepted {
			want[k.Author] = append(want[k.Author], k.ID)
		}
	}
	waiting, err := m.s.Waiting(m.t.Context(), m.c.owner, store.MaxListed)
	if err != nil || len(waiting) != len(want) {
		r.Fatalf("%d authors wait, want %d, %v", len(waiting), len(want), err)
	}
	for _, w := range waiting { // the quota is less than what is shown
		if w.Collection != m.c.id || w.Count != len(w.Keys) || !sameIDs(w.Keys, want[w.Author]) {
			r.Fatalf("waiting %+v, want %x", w, want[w.Author])
		}
	}
}

// compareLog looks for the leaves of all steps that had an effect, and no others.
func (m *model) compareLog(r *rapid.T) {
	leaves, err := m.s.LogLeaves(m.t.Context(), m.first, len(m.log)+1)
	if err != nil || len(leaves) != len(m.log) {
		r.Fatalf("%d leaves, want %d, %v", len(leaves), len(m.log), err)
	}
	owned := 0
	for i, e := range m.log {
		if !bytes.Equal(leaves[i], e.Leaf) {
			r.Fatalf("leaf %d is another one", i)
		}
		if e.Owner == m.c.owner {
			owned++
		}
	}
	entries, err := m.s.Ledger(m.t.Context(), m.c.owner, 0, store.MaxListed)
	if err != nil || len(entries) != owned {
		r.Fatalf("%d entries, want %d, %v", len(entries), owned, err)
	}
}
