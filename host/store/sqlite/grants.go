package sqlite

import (
	"context"
	"errors"
	"math"

	"github.com/recrypt-service/recrypt/host/store"
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
		readers[i] = store.Reader{ID: id32(row.Reader), Version: uint32(row.ReaderVersion)}
	}
	return readers, nil
}

// LinkReaders implements store.Store.
func (s *Store) LinkReaders(ctx context.Context, collection [16]byte, now int64) ([][32]byte, error) {
	rows, err := s.read.LinkReaders(ctx, sqlitedb.LinkReadersParams{Collection: collection[:], Now: now})
	var readers [][32]byte
	for _, reader := range rows {
		readers = append(readers, id32(reader))
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
		return nil, failed(ctx, "list grants of a record", invalid("sequence"))
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

// Grants implements store.Store.
func (s *Store) Grants(ctx context.Context, party [32]byte) (issued, received []store.Grant, err error) {
	err = s.view(ctx, "list grants", func(q *sqlitedb.Queries) error {
		rows, err := q.IssuedGrants(ctx, sqlitedb.IssuedGrantsParams{Owner: party[:], Limit: store.MaxListed})
		if err != nil {
			return err
		}
		issued, received = nil, nil
		for _, row := range rows {
			issued = append(issued, grant(row.Grant, row.Requested))
		}
		more, err := q.ReceivedGrants(ctx, sqlitedb.ReceivedGrantsParams{Reader: party[:], Limit: store.MaxListed})
		for _, row := range more {
			received = append(received, grant(row.Grant, row.Requested))
		}
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return issued, received, nil
}

// LiveGrants implements store.Store.
func (s *Store) LiveGrants(ctx context.Context) ([][16]byte, error) {
	rows, err := s.read.LiveGrants(ctx)
	return ids16(rows), failed(ctx, "list live grants", err)
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
		err = s.update(ctx, doing, func(q *sqlitedb.Queries) error {
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
		ids = append(ids, id16(row.ID))
		if entry != nil {
			log = append(log, entry(grant(row, 0)))
		}
	}
	if err := checkLog(log); err != nil {
		return nil, err
	}
	return ids, appendLog(ctx, q, log)
}
