package postgres

import (
	"context"
	"errors"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/internal/bounds"
	"github.com/recrypt-service/recrypt/host/store/postgres/postgresdb"
)

// ActiveGrant implements store.Store.
func (s *Store) ActiveGrant(ctx context.Context, collection [16]byte, epoch uint32, reader [32]byte, now int64) (g store.Grant, err error) {
	err = s.do(ctx, "get grant", func(ctx context.Context, q *postgresdb.Queries) error {
		row, err := q.ActiveGrant(ctx, postgresdb.ActiveGrantParams{
			Collection: collection[:], Reader: reader[:], Epoch: int64(epoch), Now: now,
		})
		if err == nil {
			g = grant(row.Grant, row.Requested)
			g.Sealed = row.Sealed
		}
		return err
	})
	return g, err
}

// ActiveGrants implements store.Store.
func (s *Store) ActiveGrants(ctx context.Context, reader [32]byte, epochs []store.EpochRef, now int64) (all []store.Grant, err error) {
	arg := postgresdb.ActiveGrantsParams{Reader: reader[:], Now: now}
	seen := make(map[store.EpochRef]bool, len(epochs))
	for i := range epochs {
		if !seen[epochs[i]] {
			seen[epochs[i]] = true
			arg.Collections, arg.Epochs = append(arg.Collections, epochs[i].Collection[:]), append(arg.Epochs, int64(epochs[i].Epoch))
		}
	}
	if len(seen) == 0 {
		return nil, ctx.Err()
	}
	err = s.do(ctx, "get grants", func(ctx context.Context, q *postgresdb.Queries) error {
		rows, err := q.ActiveGrants(ctx, arg)
		all = nil
		for _, row := range rows {
			g := grant(row.Grant, row.Requested)
			g.Sealed = row.Sealed
			all = append(all, g)
		}
		return err
	})
	return all, err
}

// RecordOpening implements store.Store.
func (s *Store) RecordOpening(ctx context.Context, grant [16]byte, now int64, uses uint32, log []store.LogEntry) error {
	const doing = "record opening"
	if err := errors.Join(bounds.Times(now), bounds.Log(log)); err != nil {
		return failed(ctx, doing, err)
	}
	o := &opening{grant: grant, now: now}
	return failed(ctx, doing, s.writer.write(&write{ctx: ctx, opening: o, fn: func(t *tx) error {
		if !o.active {
			return store.ErrNotFound
		}
		if o.limit > 0 && uses > 0 {
			counted, err := t.CountUses(ctx, postgresdb.CountUsesParams{ID: grant[:], Uses: int64(uses)})
			if err != nil {
				return err
			}
			if counted == 0 {
				return store.ErrNotFound
			}
		}
		return t.append(log)
	}}))
}

// HasGrant implements store.Store.
func (s *Store) HasGrant(ctx context.Context, collection [16]byte, reader [32]byte, now int64) (has bool, err error) {
	err = s.do(ctx, "look for a grant", func(ctx context.Context, q *postgresdb.Queries) error {
		has, err = q.HasGrant(ctx, postgresdb.HasGrantParams{Collection: collection[:], Reader: reader[:], Now: now})
		return err
	})
	return has, err
}

// PendingGrants implements store.Store.
func (s *Store) PendingGrants(ctx context.Context, owner, reader [32]byte) (all []store.Grant, err error) {
	err = s.do(ctx, "list pending grants", func(ctx context.Context, q *postgresdb.Queries) error {
		rows, err := q.PendingGrants(ctx, postgresdb.PendingGrantsParams{Owner: owner[:], Reader: reader[:], SoMany: store.MaxListed})
		all = nil
		for _, row := range rows {
			all = append(all, grantOf(row))
		}
		return err
	})
	return all, err
}

func grantOf(row postgresdb.PendingGrantsRow) store.Grant { return grant(row.Grant, row.Requested) }

// PutRequest implements store.Store.
func (s *Store) PutRequest(ctx context.Context, collection [16]byte, reader [32]byte, now int64, log []store.LogEntry) (since int64, err error) {
	const doing = "put request"
	if err := errors.Join(bounds.Times(now), bounds.Log(log)); err != nil {
		return 0, failed(ctx, doing, err)
	}
	err = s.update(ctx, doing, func(t *tx) error {
		pending, err := t.HasPendingGrant(ctx, postgresdb.HasPendingGrantParams{Collection: collection[:], Reader: reader[:], Now: now})
		if err == nil && !pending {
			err = store.ErrNotFound
		}
		if err != nil {
			return err
		}
		fresh, err := t.Queries.PutRequest(ctx, postgresdb.PutRequestParams{Collection: collection[:], Reader: reader[:], Since: now})
		if err != nil {
			return err
		}
		if fresh == 0 {
			since, err = t.AccessRequest(ctx, postgresdb.AccessRequestParams{Collection: collection[:], Reader: reader[:]})
			return err
		}
		since = now
		return t.append(log)
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
	return s.update(ctx, doing, func(t *tx) error {
		dropped, err := t.Queries.DropRequest(ctx, postgresdb.DropRequestParams{Collection: collection[:], Reader: reader[:]})
		if err == nil && dropped == 0 {
			err = store.ErrNotFound
		}
		if err != nil {
			return err
		}
		return t.append(log)
	})
}
