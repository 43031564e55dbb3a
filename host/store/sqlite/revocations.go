package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/internal/bounds"
	"github.com/recrypt-service/recrypt/host/store/internal/columns"
	"github.com/recrypt-service/recrypt/host/store/sqlite/sqlitedb"
)

// Revoke implements store.Store.
func (s *Store) Revoke(ctx context.Context, v store.Revocation, log []store.LogEntry) (stored store.Revocation, destroyed [][16]byte, err error) {
	const doing = "revoke"
	err = errors.Join(bounds.Record("record", v.Record), bounds.Times(v.Created), bounds.Log(log))
	if err != nil {
		return store.Revocation{}, nil, failed(ctx, doing, err)
	}
	err = s.update(ctx, doing, func(q *sqlitedb.Queries) error {
		row, err := q.RevocationByID(ctx, v.ID[:])
		switch {
		case errors.Is(err, sql.ErrNoRows):
			if stored, destroyed, err = revoke(ctx, q, v); err != nil {
				return err
			}
			return appendLog(ctx, q, log)
		case err != nil:
			return err
		case !bytes.Equal(row.Record, v.Record):
			return store.ErrExists
		}
		stored, destroyed = revocation(row), nil
		if row.Receipt == nil { // interrupted before its receipt: let the caller finish
			destroyed, err = endedGrants(ctx, q, stored)
			return err
		}
		return nil
	})
	if err != nil {
		return store.Revocation{}, nil, err
	}
	if len(destroyed) > 0 || s.unswept.Load() {
		s.sweep(ctx)
	}
	return stored, destroyed, nil
}

func revoke(ctx context.Context, q *sqlitedb.Queries, v store.Revocation) (store.Revocation, [][16]byte, error) {
	head, err := q.CollectionHead(ctx, v.Collection[:])
	if err == nil && head.CollectionRecord.Sequence != int64(v.Sequence) {
		err = store.ErrConflict
	}
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return v, nil, err
	}
	live, err := q.LiveGrantsOfReader(ctx, sqlitedb.LiveGrantsOfReaderParams{
		Collection: v.Collection[:], Reader: v.Reader[:],
	})
	if err != nil {
		return v, nil, err
	}
	v.Receipt, v.Destroyed, v.Sequence = nil, uint32(len(live)), 0
	err = q.InsertRevocation(ctx, sqlitedb.InsertRevocationParams{
		ID: v.ID[:], Collection: v.Collection[:], Owner: v.Owner[:], Reader: v.Reader[:],
		Record: v.Record, Destroyed: int64(v.Destroyed), Created: v.Created,
	})
	if err != nil {
		return v, nil, err
	}
	for _, id := range live {
		if err := q.WipeSealed(ctx, id); err != nil {
			return v, nil, err
		}
	}
	err = q.RevokeGrants(ctx, sqlitedb.RevokeGrantsParams{
		Revocation: v.ID[:], Collection: v.Collection[:], Reader: v.Reader[:],
	})
	if err != nil {
		return v, nil, err
	}
	if err := closeAccess(ctx, q, v, head.CollectionRecord.Epoch); err != nil {
		return v, nil, err
	}
	ended, err := endedGrants(ctx, q, v)
	return v, ended, err
}

// closeAccess closes the epochs so far, if access has ended, and forgets the reader's
// request.
func closeAccess(ctx context.Context, q *sqlitedb.Queries, v store.Revocation, newest int64) error {
	_, err := q.DropRequest(ctx, sqlitedb.DropRequestParams{Collection: v.Collection[:], Reader: v.Reader[:]})
	if err != nil || v.Destroyed == 0 {
		return err
	}
	return q.CloseEpochs(ctx, sqlitedb.CloseEpochsParams{ID: v.Collection[:], Closed: newest})
}

// endedGrants are all grants whose keys must be gone before the receipt: also those
// that ended earlier, should destroying theirs have failed. A newer grant is not
// among them.
func endedGrants(ctx context.Context, q *sqlitedb.Queries, v store.Revocation) ([][16]byte, error) {
	ids, err := q.EndedGrantsOfReader(ctx, sqlitedb.EndedGrantsOfReaderParams{
		Collection: v.Collection[:], Reader: v.Reader[:],
	})
	return columns.IDs16(ids), err
}

// FinishRevocation implements store.Store.
func (s *Store) FinishRevocation(ctx context.Context, id [16]byte, receipt []byte, destroyed uint32) error {
	const doing = "finish revocation"
	if err := bounds.Record("receipt", receipt); err != nil {
		return failed(ctx, doing, err)
	}
	return s.update(ctx, doing, func(q *sqlitedb.Queries) error {
		changed, err := q.FinishRevocation(ctx, sqlitedb.FinishRevocationParams{
			Receipt: receipt, Destroyed: int64(destroyed), ID: id[:],
		})
		if err != nil || changed == 1 {
			return err
		}
		if _, err = q.RevocationByID(ctx, id[:]); errors.Is(err, sql.ErrNoRows) {
			return store.ErrNotFound
		}
		return err
	})
}

// Revocation implements store.Store.
func (s *Store) Revocation(ctx context.Context, id [16]byte) (store.Revocation, error) {
	row, err := s.read.RevocationByID(ctx, id[:])
	if err != nil {
		return store.Revocation{}, failed(ctx, "get revocation", err)
	}
	return revocation(row), nil
}
