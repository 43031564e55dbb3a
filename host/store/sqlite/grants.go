package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"math"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/internal/bounds"
	"github.com/recrypt-service/recrypt/host/store/internal/columns"
	"github.com/recrypt-service/recrypt/host/store/sqlite/sqlitedb"
)

// ActiveGrant implements store.Store.
func (s *Store) ActiveGrant(ctx context.Context, collection [16]byte, epoch uint32, reader [32]byte, now int64) (store.Grant, error) {
	row, err := s.read.ActiveGrant(ctx, sqlitedb.ActiveGrantParams{
		Collection: collection[:], Reader: reader[:], Epoch: int64(epoch), Now: now,
	})
	if err != nil {
		return store.Grant{}, failed(ctx, "get grant", err)
	}
	g := grant(row.Grant, row.Requested)
	g.Sealed = row.Sealed
	return g, nil
}

// HasGrant implements store.Store.
func (s *Store) HasGrant(ctx context.Context, collection [16]byte, reader [32]byte, now int64) (bool, error) {
	has, err := s.read.HasGrant(ctx, sqlitedb.HasGrantParams{
		Collection: collection[:], Reader: reader[:], Now: now,
	})
	return has, failed(ctx, "look for a grant", err)
}

// Readers implements store.Store.
func (s *Store) Readers(ctx context.Context, collection [16]byte, epoch uint32, now int64) ([]store.Reader, error) {
	rows, err := s.read.EpochReaders(ctx, sqlitedb.EpochReadersParams{
		Collection: collection[:], Epoch: int64(epoch), Now: now,
	})
	if err != nil {
		return nil, failed(ctx, "list readers", err)
	}
	readers := make([]store.Reader, len(rows))
	for i, row := range rows {
		readers[i] = store.Reader{ID: columns.ID32(row.Reader), Version: uint32(row.ReaderVersion)}
	}
	return readers, nil
}

// LinkReaders implements store.Store.
func (s *Store) LinkReaders(ctx context.Context, collection [16]byte, now int64) ([][32]byte, error) {
	rows, err := s.read.LinkReaders(ctx, sqlitedb.LinkReadersParams{Collection: collection[:], Now: now})
	var readers [][32]byte
	for _, reader := range rows {
		readers = append(readers, columns.ID32(reader))
	}
	return readers, failed(ctx, "list readers of links", err)
}

// ReaderGrants implements store.Store.
func (s *Store) ReaderGrants(ctx context.Context, collection [16]byte) (head store.CollectionRecord, all []store.Grant, err error) {
	err = s.view(ctx, "list readers", func(q *sqlitedb.Queries) error {
		newest, err := q.CollectionHead(ctx, collection[:])
		if err != nil {
			return err
		}
		head = collectionRecord(newest.Owner, newest.Closed, newest.CollectionRecord)
		rows, err := q.ReaderGrants(ctx, sqlitedb.ReaderGrantsParams{
			Collection: collection[:], Epoch: int64(head.Epoch), Since: head.Created,
		})
		for _, row := range rows {
			all = append(all, grant(row.Grant, row.Requested))
		}
		return err
	})
	if err != nil {
		return store.CollectionRecord{}, nil, err
	}
	return head, all, nil
}

// RecordGrants implements store.Store.
func (s *Store) RecordGrants(ctx context.Context, collection [16]byte, sequence uint64) ([]store.Grant, error) {
	if sequence > math.MaxInt64 {
		return nil, failed(ctx, "list grants of a record", bounds.Invalid("sequence"))
	}
	rows, err := s.read.GrantsOfRecord(ctx, sqlitedb.GrantsOfRecordParams{Collection: collection[:], Sequence: int64(sequence)})
	if err != nil {
		return nil, failed(ctx, "list grants of a record", err)
	}
	var all []store.Grant
	for _, row := range rows {
		all = append(all, grant(row, 0))
	}
	return all, nil
}

// IssuedGrants implements store.Store.
func (s *Store) IssuedGrants(ctx context.Context, owner [32]byte, after store.GrantCursor, limit int) ([]store.Grant, error) {
	created, sequence := bounds.Place(after)
	rows, err := s.read.IssuedGrants(ctx, sqlitedb.IssuedGrantsParams{
		Owner: owner[:], Created: created, Sequence: sequence, ID: after.ID[:], SoMany: bounds.Listed(limit, store.MaxListed),
	})
	var all []store.Grant
	for _, row := range rows {
		all = append(all, grant(row.Grant, row.Requested))
	}
	return all, failed(ctx, "list issued grants", err)
}

// ReceivedGrants implements store.Store.
func (s *Store) ReceivedGrants(ctx context.Context, reader [32]byte, after store.GrantCursor, limit int) ([]store.Grant, error) {
	created, sequence := bounds.Place(after)
	rows, err := s.read.ReceivedGrants(ctx, sqlitedb.ReceivedGrantsParams{
		Reader: reader[:], Created: created, Sequence: sequence, ID: after.ID[:], SoMany: bounds.Listed(limit, store.MaxListed),
	})
	var all []store.Grant
	for _, row := range rows {
		all = append(all, grant(row.Grant, row.Requested))
	}
	return all, failed(ctx, "list received grants", err)
}

// ActiveGrants implements store.Store.
func (s *Store) ActiveGrants(ctx context.Context, reader [32]byte, epochs []store.EpochRef, now int64) ([]store.Grant, error) {
	var all []store.Grant
	err := s.view(ctx, "get grants", func(q *sqlitedb.Queries) error {
		seen := make(map[store.EpochRef]bool, len(epochs))
		for _, e := range epochs {
			if seen[e] {
				continue
			}
			seen[e] = true
			row, err := q.ActiveGrant(ctx, sqlitedb.ActiveGrantParams{
				Collection: e.Collection[:], Reader: reader[:], Epoch: int64(e.Epoch), Now: now,
			})
			if errors.Is(err, sql.ErrNoRows) {
				continue
			}
			if err != nil {
				return err
			}
			g := grant(row.Grant, row.Requested)
			g.Sealed = row.Sealed
			all = append(all, g)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// liveAtOnce is how many rows LiveGrants keeps in memory.
const liveAtOnce = 10_000

// LiveGrants implements store.Store.
func (s *Store) LiveGrants(ctx context.Context, fn func(id [16]byte) error) error {
	return s.view(ctx, "list live grants", func(q *sqlitedb.Queries) error {
		after := sqlitedb.LiveGrantsParams{After: []byte{}, SoMany: liveAtOnce}
		for {
			ids, err := q.LiveGrants(ctx, after)
			if err != nil {
				return err
			}
			for _, id := range ids {
				if err := fn(columns.ID16(id)); err != nil {
					return err
				}
			}
			if len(ids) < liveAtOnce {
				return nil
			}
			after.After = ids[len(ids)-1]
		}
	})
}

// LoseKeys implements store.Store.
func (s *Store) LoseKeys(ctx context.Context, log []store.LogEntry) (lost int, err error) {
	const doing = "mark grants as lost"
	if err := bounds.Log(log); err != nil {
		return 0, failed(ctx, doing, err)
	}
	err = s.maintain(ctx, doing, func(q *sqlitedb.Queries) error {
		marked, err := q.LoseKeys(ctx)
		if lost = int(marked); marked == 0 || err != nil {
			return err
		}
		return appendLog(ctx, q, log)
	})
	if err != nil {
		return 0, err
	}
	return lost, nil
}

// ExpireGrants implements store.Store.
func (s *Store) ExpireGrants(ctx context.Context, now int64, entry func(store.Grant) store.LogEntry) ([][16]byte, error) {
	const doing = "expire grants"
	// Most sweeps find nothing: look first, on a connection that holds up nobody.
	rows, err := s.read.ExpiringGrants(ctx, now)
	if err != nil {
		return nil, failed(ctx, doing, err)
	}
	var ids [][16]byte
	if len(rows) > 0 {
		err = s.maintain(ctx, doing, func(q *sqlitedb.Queries) error {
			ids, err = expire(ctx, q, now, entry)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if len(ids) > 0 || s.unswept.Load() {
		s.sweep(ctx)
	}
	return ids, nil
}

func expire(ctx context.Context, q *sqlitedb.Queries, now int64, entry func(store.Grant) store.LogEntry) (ids [][16]byte, err error) {
	rows, err := q.ExpiringGrants(ctx, now)
	if err != nil {
		return nil, err
	}
	var log []store.LogEntry
	for _, row := range rows {
		if err := errors.Join(q.WipeSealed(ctx, row.ID), q.ExpireGrant(ctx, row.ID)); err != nil {
			return nil, err
		}
		ids = append(ids, columns.ID16(row.ID))
		if entry != nil {
			log = append(log, entry(grant(row, 0)))
		}
	}
	if err := bounds.Log(log); err != nil {
		return nil, err
	}
	return ids, appendLog(ctx, q, log)
}
