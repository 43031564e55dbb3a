package sqlite

import (
	"context"
	"database/sql"
	"errors"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/internal/bounds"
	"github.com/recrypt-service/recrypt/host/store/sqlite/sqlitedb"
)

// RecordOpening implements store.Store.
func (s *Store) RecordOpening(ctx context.Context, grant [16]byte, now int64, uses uint32, log []store.LogEntry) error {
	const doing = "record opening"
	if err := errors.Join(bounds.Times(now), bounds.Log(log)); err != nil {
		return failed(ctx, doing, err)
	}
	return s.update(ctx, doing, func(q *sqlitedb.Queries) error {
		limit, err := q.IsActive(ctx, sqlitedb.IsActiveParams{ID: grant[:], Now: now})
		if errors.Is(err, sql.ErrNoRows) {
			return store.ErrNotFound
		}
		if err != nil {
			return err
		}
		if limit > 0 && uses > 0 {
			counted, err := q.CountUses(ctx, sqlitedb.CountUsesParams{ID: grant[:], Uses: int64(uses)})
			if err != nil {
				return err
			}
			if counted == 0 {
				return store.ErrNotFound
			}
		}
		return appendLog(ctx, q, log)
	})
}

// PendingGrants implements store.Store.
func (s *Store) PendingGrants(ctx context.Context, owner, reader [32]byte) ([]store.Grant, error) {
	rows, err := s.read.PendingGrants(ctx, sqlitedb.PendingGrantsParams{
		Owner: owner[:], Reader: reader[:], SoMany: store.MaxListed,
	})
	var all []store.Grant
	for _, row := range rows {
		all = append(all, grant(row.Grant, row.Requested))
	}
	return all, failed(ctx, "list pending grants", err)
}

// PutRequest implements store.Store.
func (s *Store) PutRequest(ctx context.Context, collection [16]byte, reader [32]byte, now int64, log []store.LogEntry) (since int64, err error) {
	const doing = "put request"
	if err := errors.Join(bounds.Times(now), bounds.Log(log)); err != nil {
		return 0, failed(ctx, doing, err)
	}
	err = s.update(ctx, doing, func(q *sqlitedb.Queries) error {
		pending, err := q.HasPendingGrant(ctx, sqlitedb.HasPendingGrantParams{
			Collection: collection[:], Reader: reader[:], Now: now,
		})
		if err == nil && !pending {
			err = store.ErrNotFound
		}
		if err != nil {
			return err
		}
		fresh, err := q.PutRequest(ctx, sqlitedb.PutRequestParams{Collection: collection[:], Reader: reader[:], Since: now})
		if err != nil {
			return err
		}
		if fresh == 0 {
			since, err = q.AccessRequest(ctx, sqlitedb.AccessRequestParams{Collection: collection[:], Reader: reader[:]})
			return err
		}
		since = now
		return appendLog(ctx, q, log)
	})
	if err != nil {
		return 0, err
	}
	return since, nil
}

// DropRequest implements store.Store.
func (s *Store) DropRequest(ctx context.Context, collection [16]byte, reader [32]byte, log []store.LogEntry) error {
	const doing = "drop request"
	if err := bounds.Log(log); err != nil {
		return failed(ctx, doing, err)
	}
	return s.update(ctx, doing, func(q *sqlitedb.Queries) error {
		dropped, err := q.DropRequest(ctx, sqlitedb.DropRequestParams{Collection: collection[:], Reader: reader[:]})
		if err == nil && dropped == 0 {
			err = store.ErrNotFound
		}
		if err != nil {
			return err
		}
		return appendLog(ctx, q, log)
	})
}
