package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/recrypt-service/recrypt/host/bench/load/openloop"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// An example is one of everything that a server has stored, to make others like it.
type example struct {
	identity   []byte
	collection []byte
	grant      store.Grant
	key        store.Key
	opening    store.LedgerRow // of an opening, with its evidence
}

// exampleOf reads what the world's first reader has of a suite.
func (s *site) exampleOf(ctx context.Context, db store.Store, suite uint8) (*example, error) {
	f := s.world.folders[suite]
	e := &example{identity: f.readers[0].record, collection: f.record}
	var err error
	if e.grant, err = db.ActiveGrant(ctx, f.id, 0, f.readers[0].id, time.Now().UnixMilli()); err != nil {
		return nil, fmt.Errorf("read a grant: %w", err)
	}
	if e.key, err = db.Key(ctx, f.firstID); err != nil {
		return nil, fmt.Errorf("read a key: %w", err)
	}
	// The reader's newest entry is the opening by which the world was checked.
	rows, err := db.Ledger(ctx, f.readers[0].id, 0, store.MaxListed)
	if err != nil || len(rows) == 0 {
		return nil, errors.Join(errors.New("there is no opening in the ledger"), err)
	}
	e.opening = rows[len(rows)-1]
	return e, nil
}

// line is an entry of the ledger like that of an opening.
func (e *example) line(owner, actor [32]byte) store.LogEntry {
	evidence := append(append([]byte(nil), e.opening.Evidence[:max(0, len(e.opening.Evidence)-16)]...), random(16)...)
	if len(e.opening.Evidence) == 0 {
		evidence = nil
	}
	return store.LogEntry{
		Leaf: random(32), Entry: e.opening.Entry, Evidence: evidence, Salt: [32]byte(random(32)), Owner: owner, Actor: actor, Time: 1,
	}
}

// A kind of thing is stored by put.
type kind struct {
	what string
	put  func(ctx context.Context, db store.Store, i int) error
}

// kinds are the things whose size is measured, in an order in which they can be stored.
func (e *example) kinds(suite string, grant store.Grant) []kind {
	leaf := func(ref []byte) []store.LogEntry { return []store.LogEntry{{Leaf: random(64), Ref: ref}} }
	return []kind{
		{"identity", func(ctx context.Context, db store.Store, _ int) error {
			id := [32]byte(random(32))
			return db.PutIdentity(ctx, store.Identity{ID: id, Version: 1, Since: 1, Record: e.identity, Created: 1}, store.IdentityChange{Log: leaf(id[:])})
		}},
		{"collection with one reader, " + suite, func(ctx context.Context, db store.Store, _ int) error {
			rec, g := e.another()
			_, err := db.PutCollection(ctx, rec, [32]byte{}, []store.Grant{g}, append(leaf(rec.Collection[:]), e.line(rec.Owner, rec.Owner)))
			return err
		}},
		{"document key, " + suite, func(ctx context.Context, db store.Store, _ int) error {
			k := e.key
			k.ID, k.Collection, k.Owner, k.Author, k.Accepted = [16]byte(random(16)), grant.Collection, grant.Owner, grant.Owner, true
			return db.PutKey(ctx, k, 1, []store.LogEntry{e.line(k.Owner, k.Author)})
		}},
		{"opening", func(ctx context.Context, db store.Store, _ int) error {
			return db.RecordOpening(ctx, grant.ID, 1, 1, []store.LogEntry{e.line(grant.Owner, grant.Reader)})
		}},
		{"nonce, kept for an hour", func(ctx context.Context, db store.Store, i int) error {
			return db.ClaimNonce(ctx, [32]byte{byte(i), byte(i >> 8)}, fmt.Sprintf("%022d", i), 1)
		}},
	}
}

// another is a collection of its own with a grant.
func (e *example) another() (store.CollectionRecord, store.Grant) {
	rec := store.CollectionRecord{Collection: [16]byte(random(16)), Owner: [32]byte(random(32)), Record: e.collection, Hash: [32]byte(random(32)), Created: 1}
	g := e.grant
	g.ID, g.Collection, g.Owner, g.Reader = [16]byte(random(16)), rec.Collection, rec.Owner, [32]byte(random(32))
	return rec, g
}

// sizes measures how many bytes of a database things take, n of each.
func (s *site) sizes(ctx context.Context, kindOf string, n int) ([]rowSize, error) {
	db, err := s.openStore(ctx)
	if err != nil {
		return nil, err
	}
	examples := map[uint8]*example{}
	for suite := range s.world.folders {
		examples[suite], err = s.exampleOf(ctx, db, suite)
		if err != nil {
			break
		}
	}
	if err := errors.Join(err, db.Close()); err != nil {
		return nil, err
	}
	var out []rowSize
	for _, suite := range []uint8{abi.Suite256, abi.Suite480} {
		e := examples[suite]
		if e == nil {
			continue
		}
		fresh, err := s.fresh("sizes-" + abi.SuiteName(suite))
		if err != nil {
			return nil, err
		}
		rows, err := fresh.sizesOf(ctx, e, abi.SuiteName(suite), n)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			if r.Store = kindOf; suite == abi.Suite256 || r.What != "identity" && r.What != "opening" && r.What != "nonce, kept for an hour" {
				out = append(out, r)
			}
		}
	}
	return out, nil
}

// sizesOf stores n of each kind and sees how the database grows.
func (s *site) sizesOf(ctx context.Context, e *example, suite string, n int) (out []rowSize, err error) {
	rec, g := e.another()
	first := kind{"", func(ctx context.Context, db store.Store, _ int) error {
		_, err := db.PutCollection(ctx, rec, [32]byte{}, []store.Grant{g}, nil)
		return err
	}}
	before, err := s.storeMany(ctx, first, 1)
	if err != nil {
		return nil, err
	}
	for _, k := range e.kinds(suite, g) {
		after, err := s.storeMany(ctx, k, n)
		if err != nil {
			return nil, fmt.Errorf("store %s: %w", k.what, err)
		}
		out = append(out, rowSize{What: k.what, Rows: n, Bytes: float64(after-before) / float64(n)})
		before = after
	}
	return out, nil
}

// storeMany stores n of a kind, many at once, and returns how large the database is then.
func (s *site) storeMany(ctx context.Context, k kind, n int) (size int64, err error) {
	db, err := s.openStore(ctx)
	if err != nil {
		return 0, err
	}
	var next atomic.Int64
	var mu sync.Mutex
	var failed error
	var working sync.WaitGroup
	for range min(64, n) {
		working.Go(func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				if err := k.put(ctx, db, int(i)); err != nil {
					mu.Lock()
					failed = errors.Join(failed, err)
					mu.Unlock()
					return
				}
			}
		})
	}
	working.Wait()
	if err := errors.Join(failed, db.Close()); err != nil {
		return 0, err
	}
	f, err := s.newFiller()
	if err != nil {
		return 0, err
	}
	size, err = f.bytes(ctx)
	return size, errors.Join(err, f.db.Close())
}

// sequence measures how many openings per second a log takes when nothing else is done:
// the last thing that is one after the other, whatever the number of servers.
func (s *site) sequence(ctx context.Context, e *example, pools, writers, lines int, length time.Duration) (q sequencer, err error) {
	q = sequencer{Pools: pools, Writers: writers, Lines: lines}
	var dbs []store.Store
	defer func() {
		for _, db := range dbs {
			err = errors.Join(err, db.Close())
		}
	}()
	for range pools {
		db, err := s.openStore(ctx)
		if err != nil {
			return q, err
		}
		dbs = append(dbs, db)
	}
	rec, g := e.another()
	if _, err := dbs[0].PutCollection(ctx, rec, [32]byte{}, []store.Grant{g}, nil); err != nil {
		return q, err
	}
	before, err := dbs[0].LogSize(ctx)
	if err != nil {
		return q, err
	}
	count, err := q.write(ctx, dbs, e, &g, length)
	if err != nil {
		return q, err
	}
	after, err := dbs[0].LogSize(ctx)
	if err == nil && after-before != int64(count) {
		err = fmt.Errorf("the log grew by %d when %d lines were acknowledged", after-before, count)
	}
	return q, err
}

// write lets the writers write for a while and returns how many lines were acknowledged.
func (q *sequencer) write(ctx context.Context, dbs []store.Store, e *example, g *store.Grant, length time.Duration) (count int, err error) {
	var mu sync.Mutex
	times, begin := openloop.NewLatencies(), time.Now()
	var working sync.WaitGroup
	for w := range q.Writers {
		working.Go(func() {
			for time.Since(begin) < length && ctx.Err() == nil {
				entries := make([]store.LogEntry, q.Lines)
				for i := range entries {
					entries[i] = e.line(g.Owner, g.Reader)
				}
				start := time.Now()
				failed := dbs[w%len(dbs)].RecordOpening(ctx, g.ID, 1, uint32(q.Lines), entries)
				took := time.Since(start)
				mu.Lock()
				if err = errors.Join(err, failed); failed == nil {
					times.Record(took)
					count += q.Lines
				}
				mu.Unlock()
				if failed != nil {
					return
				}
			}
		})
	}
	working.Wait()
	q.Rate = float64(count) / time.Since(begin).Seconds()
	q.P50, q.P99 = ms(times.Quantile(0.5)), ms(times.Quantile(0.99))
	return count, err
}
