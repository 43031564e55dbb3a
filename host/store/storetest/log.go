package storetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"reflect"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/translog"
)

// leaf makes a leaf as identities and collections have it.
func leaf(ref []byte) store.LogEntry { return store.LogEntry{Leaf: random(64), Ref: ref} }

// entry makes an entry of the ledger.
func entry(owner, actor [32]byte, ref []byte) store.LogEntry {
	e := store.LogEntry{
		Ref: ref, Entry: random(240), Evidence: random(500), Salt: id32(),
		Owner: owner, Actor: actor, Time: 12345,
	}
	e.Leaf = translog.EntryLeaf(e.Salt, e.Entry)
	return e
}

// one makes a log of one entry that nobody asks for.
func one() []store.LogEntry { return []store.LogEntry{entry(id32(), id32(), nil)} }

// size returns how many leaves there are.
func size(t testing.TB, s store.Store) int64 {
	t.Helper()
	n, err := s.LogSize(t.Context())
	fatal(t, err)
	return n
}

// logged runs fn and checks that it appended exactly log.
func logged(t testing.TB, s store.Store, what string, log []store.LogEntry, fn func()) {
	t.Helper()
	before := size(t, s)
	fn()
	leaves, err := s.LogLeaves(t.Context(), before, len(log)+10)
	fatal(t, err)
	if len(leaves) != len(log) {
		t.Fatalf("%s: appended %d leaves, want %d", what, len(leaves), len(log))
	}
	for i := range leaves {
		if !bytes.Equal(leaves[i], log[i].Leaf) {
			t.Fatalf("%s: leaf %d is another one", what, i)
		}
	}
}

// treeHash is the root as RFC 6962 section 2.1 defines it, without anything stored.
func treeHash(leaves [][]byte) tlog.Hash {
	switch len(leaves) {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return sha256.Sum256(append([]byte{0}, leaves[0]...))
	}
	k := 1
	for 2*k < len(leaves) {
		k *= 2
	}
	left, right := treeHash(leaves[:k]), treeHash(leaves[k:])
	return sha256.Sum256(slices.Concat([]byte{1}, left[:], right[:]))
}

// hashes reads the stored hashes of s.
func hashes(ctx context.Context, s store.Store) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) { return s.LogHashes(ctx, indexes) })
}

// allLeaves reads the whole log.
func allLeaves(ctx context.Context, s store.Store) (all [][]byte, err error) {
	for {
		some, err := s.LogLeaves(ctx, int64(len(all)), store.MaxLeaves)
		if err != nil || len(some) == 0 {
			return all, err
		}
		all = append(all, some...)
	}
}

// CheckLog computes the tree of all leaves afresh and compares it with what is stored.
func CheckLog(ctx context.Context, s store.Store) error {
	n, err := s.LogSize(ctx)
	if err != nil {
		return err
	}
	leaves, err := allLeaves(ctx, s)
	if err != nil {
		return err
	}
	if int64(len(leaves)) != n {
		return errors.New("the log has another size than its leaves")
	}
	root, err := tlog.TreeHash(n, hashes(ctx, s))
	if err == nil && root != treeHash(leaves) {
		err = errors.New("the stored root is not that of the leaves")
	}
	if err != nil {
		return err
	}
	next := tlog.StoredHashCount(n)
	if _, err := s.LogHashes(ctx, []int64{next}); !errors.Is(err, store.ErrNotFound) {
		return errors.New("there are more hashes than the leaves have")
	}
	return nil
}

// testLog: what is appended is there, in order, and only parties list it.
func testLog(t *testing.T, s store.Store) {
	ctx := t.Context()
	start := size(t, s)
	owner, actor, other := id32(), id32(), id32()
	ref, missing := random(24), random(24)
	_, err := s.LogIndex(ctx, ref)
	wantErr(t, "unknown reference", err, store.ErrNotFound)

	log := []store.LogEntry{
		leaf(ref), entry(owner, actor, nil), entry(other, actor, ref[:16]), leaf(ref), entry(owner, owner, nil), leaf(nil),
	}
	log[4].Evidence = nil
	log[2].Evidence = log[1].Evidence // one request, two entries
	log = append(log, entry(other, other, nil))
	log[6].Evidence = log[1].Evidence // and a third, not next to them
	logged(t, s, "append", log, func() { fatal(t, s.AppendLog(ctx, log)) })
	logged(t, s, "nothing", nil, func() { fatal(t, s.AppendLog(ctx, nil)) })

	for want, ref := range map[int64][]byte{start + 3: ref, start + 2: ref[:16]} {
		if got, err := s.LogIndex(ctx, ref); err != nil || got != want {
			t.Fatalf("index %d, %v, want %d", got, err, want)
		}
	}
	for _, ref := range [][]byte{missing, nil, {}} {
		_, err := s.LogIndex(ctx, ref)
		wantErr(t, "no such reference", err, store.ErrNotFound)
	}
	row := func(i int64) store.LedgerRow {
		e := log[i]
		return store.LedgerRow{Index: start + i, Entry: e.Entry, Evidence: e.Evidence, Salt: e.Salt, Time: e.Time}
	}
	for _, list := range []struct {
		party [32]byte
		from  int64
		limit int
		want  []store.LedgerRow
	}{
		{owner, 0, 9, []store.LedgerRow{row(1), row(4)}},
		{actor, 0, 9, []store.LedgerRow{row(1), row(2)}},
		{other, 0, 9, []store.LedgerRow{row(2), row(6)}},
		{owner, start + 1, 1, []store.LedgerRow{row(1)}},
		{owner, start + 2, 9, []store.LedgerRow{row(4)}},
		{owner, start + 5, 9, nil},
		{owner, 0, 0, nil}, {owner, 0, -1, nil}, {id32(), 0, 9, nil},
	} {
		got, err := s.Ledger(ctx, list.party, list.from, list.limit)
		fatal(t, err)
		if !reflect.DeepEqual(got, list.want) {
			t.Fatalf("from %d: got %+v, want %+v", list.from, got, list.want)
		}
	}
	got, err := s.LedgerAt(ctx, start+2)
	fatal(t, err)
	if !reflect.DeepEqual(got, row(2)) {
		t.Fatalf("got %+v, want %+v", got, row(2))
	}
	for _, at := range []int64{start, start + 7, -1} {
		_, err := s.LedgerAt(ctx, at)
		wantErr(t, "no entry there", err, store.ErrNotFound)
	}
	testLogBounds(t, s)
}

func testLogBounds(t *testing.T, s store.Store) {
	ctx := t.Context()
	for what, change := range map[string]func(e *store.LogEntry){
		"no leaf":                    func(e *store.LogEntry) { e.Leaf = nil },
		"leaf of a record":           func(e *store.LogEntry) { e.Leaf = random(64) },
		"leaf without entry":         func(e *store.LogEntry) { e.Entry, e.Evidence = nil, nil },
		"evidence of nothing":        func(e *store.LogEntry) { e.Entry, e.Leaf = nil, random(64) },
		"empty entry":                func(e *store.LogEntry) { e.Entry = []byte{} },
		"long entry":                 func(e *store.LogEntry) { e.Entry = random(store.MaxEntry + 1) },
		"long evidence":              func(e *store.LogEntry) { e.Evidence = random(store.MaxEvidence + 1) },
		"long reference":             func(e *store.LogEntry) { e.Ref = random(store.MaxRef + 1) },
		"before 1970":                func(e *store.LogEntry) { e.Time = -1 },
		"leaf of neither is refused": func(e *store.LogEntry) { e.Leaf = random(33) },
	} {
		bad := entry(id32(), id32(), nil)
		change(&bad)
		log := []store.LogEntry{leaf(nil), bad}
		logged(t, s, what, nil, func() {
			wantErr(t, what, s.AppendLog(ctx, log), store.ErrInvalid)
			c := newChain()
			rec, previous := c.record(0)
			_, err := s.PutCollection(ctx, rec, previous, nil, log)
			wantErr(t, what, err, store.ErrInvalid)
			_, err = s.Head(ctx, c.id)
			wantErr(t, what, err, store.ErrNotFound)
		})
	}
	n := size(t, s)
	for _, read := range []struct {
		from int64
		n    int
		want int64
	}{{0, 1, 1}, {n - 1, 9, 1}, {n, 9, 0}, {1 << 60, 9, 0}, {0, 0, 0}, {0, -1, 0}, {-5, 2, 2}, {0, 1 << 40, n}} {
		leaves, err := s.LogLeaves(ctx, read.from, read.n)
		if err != nil || int64(len(leaves)) != read.want {
			t.Errorf("%d leaves from %d: got %d, %v", read.n, read.from, len(leaves), err)
		}
	}
	for _, index := range []int64{-1, 1 << 60} {
		_, err := s.LogHashes(ctx, []int64{0, index})
		wantErr(t, "no such hash", err, store.ErrNotFound)
	}
}

// testLogTree grows a tree by appends of many sizes and proves everything with it.
func testLogTree(t *testing.T, s store.Store) {
	ctx := t.Context()
	roots := make(map[int64]tlog.Hash)
	for _, n := range []int{1, 1, 2, 3, 1, 600, 1, 5, 64} {
		log := make([]store.LogEntry, n)
		for i := range log {
			log[i] = leaf(nil)
		}
		fatal(t, s.AppendLog(ctx, log))
		fatal(t, CheckLog(ctx, s))
		root, err := tlog.TreeHash(size(t, s), hashes(ctx, s))
		fatal(t, err)
		roots[size(t, s)] = root
	}
	n := size(t, s)
	leaves, err := allLeaves(ctx, s)
	fatal(t, err)
	for i := range n {
		proof, err := tlog.ProveRecord(n, i, hashes(ctx, s))
		fatal(t, err)
		fatal(t, tlog.CheckRecord(proof, n, roots[n], i, tlog.RecordHash(leaves[i])))
	}
	for old, root := range roots {
		proof, err := tlog.ProveTree(n, old, hashes(ctx, s))
		fatal(t, err)
		fatal(t, tlog.CheckTree(proof, n, roots[n], old, root))
	}
	var all []int64 // more than one query asks for, in any order, twice
	for i := range tlog.StoredHashCount(n) {
		all = append(all, tlog.StoredHashCount(n)-1-i)
	}
	all = append(all, all...)
	got, err := s.LogHashes(ctx, all)
	fatal(t, err)
	for i, index := range all {
		one, err := s.LogHashes(ctx, []int64{index})
		fatal(t, err)
		if one[0] != got[i] {
			t.Fatalf("hash %d came in another place", index)
		}
	}
}

// testLogEffects: what changes something appends its leaves, what is repeated or refused
// appends nothing.
func testLogEffects(t *testing.T, s store.Store) {
	ctx := t.Context()
	c := newChain()
	rec, previous := c.record(0)
	pending, timed, lost := c.grant(id32(), 0), c.grant(id32(), 0), c.grant(id32(), 0)
	pending.Wait, timed.Expires = 10, 20
	grants := []store.Grant{pending, timed, lost}
	revocation := c.revocation(lost.Reader)
	key := c.key(c.owner, 0)
	waiting, unwanted := c.key(id32(), 0), c.key(id32(), 0)
	waiting.Accepted, unwanted.Accepted = false, false
	identity := store.Identity{ID: id32(), Version: 1, Record: random(9), SigningKey: id32(), Since: 1}
	for _, step := range []struct {
		what string
		do   func(log []store.LogEntry) error
		then error // when it is repeated
	}{
		{"put identity", func(log []store.LogEntry) error {
			return s.PutIdentity(ctx, identity, store.IdentityChange{Log: log})
		}, nil},
		{"put collection", func(log []store.LogEntry) error {
			_, err := s.PutCollection(ctx, rec, previous, grants, log)
			return err
		}, nil},
		{"put key", func(log []store.LogEntry) error { return s.PutKey(ctx, key, 0, log) }, nil},
		{"put waiting key", func(log []store.LogEntry) error { return s.PutKey(ctx, waiting, 1, log) }, nil},
		{"put unwanted key", func(log []store.LogEntry) error { return s.PutKey(ctx, unwanted, 1, log) }, nil},
		{"refuse author", func(log []store.LogEntry) error {
			_, err := s.RefuseAuthor(ctx, c.id, unwanted.Author, log)
			return err
		}, nil},
		{"accept author", func(log []store.LogEntry) error {
			_, err := s.AcceptAuthor(ctx, c.id, waiting.Author, 1, log)
			return err
		}, nil},
		{"put request", func(log []store.LogEntry) error {
			_, err := s.PutRequest(ctx, c.id, pending.Reader, 1, log)
			return err
		}, nil},
		{"drop request", func(log []store.LogEntry) error { return s.DropRequest(ctx, c.id, pending.Reader, log) }, store.ErrNotFound},
		{"open", func(log []store.LogEntry) error { return s.RecordOpening(ctx, lost.ID, 1, lost.Uses, log) }, store.ErrNotFound},
		{"expire", func(log []store.LogEntry) error {
			_, err := s.ExpireGrants(ctx, 20, func(g store.Grant) store.LogEntry {
				if g.ID != timed.ID || g.Sealed != nil {
					t.Errorf("expired %+v", g)
				}
				return log[0]
			})
			return err
		}, nil},
		{"revoke", func(log []store.LogEntry) error {
			_, _, err := s.Revoke(ctx, revocation, log)
			return err
		}, nil},
	} {
		log := one()
		if step.what != "expire" {
			log = append(log, leaf(nil))
		}
		logged(t, s, step.what, log, func() { fatal(t, step.do(log)) })
		logged(t, s, step.what+" again", nil, func() { wantErr(t, step.what, step.do(append(one(), one()...)), step.then) })
	}
	logged(t, s, "expiry that cannot be logged", nil, func() {
		g := c.grant(id32(), 1)
		g.Expires = 5
		c.advance(rec)
		c.put(t, s, 1, g)
		_, err := s.ExpireGrants(ctx, 5, func(store.Grant) store.LogEntry { return store.LogEntry{} })
		wantErr(t, "expire", err, store.ErrInvalid)
		if !c.active(t, s, g.Reader, 1, 1) {
			t.Fatal("a grant has expired without its entry")
		}
	})
}
