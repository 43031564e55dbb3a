package postgres

import (
	"bytes"
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/internal/bounds"
	"github.com/recrypt-service/recrypt/host/store/internal/columns"
	"github.com/recrypt-service/recrypt/host/store/postgres/postgresdb"
)

// Revoke implements store.Store.
func (s *Store) Revoke(ctx context.Context, v store.Revocation, log []store.LogEntry) (stored store.Revocation, destroyed [][16]byte, err error) {
	const doing = "revoke"
	err = errors.Join(bounds.Record("record", v.Record), bounds.Times(v.Created), bounds.Log(log))
	if err != nil {
		return store.Revocation{}, nil, failed(ctx, doing, err)
	}
	err = s.update(ctx, doing, func(t *tx) error {
		row, err := t.RevocationByID(ctx, v.ID[:])
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			if stored, destroyed, err = t.revoke(ctx, v); err != nil {
				return err
			}
			return t.append(log)
		case err != nil:
			return err
		case !bytes.Equal(row.Record, v.Record):
			return store.ErrExists
		}
		stored, destroyed = revocation(row), nil
		if row.Receipt == nil { // interrupted before its receipt: let the caller finish
			destroyed, err = t.endedGrants(ctx, stored)
			return err
		}
		return nil
	})
	if err != nil {
		return store.Revocation{}, nil, err
	}
	return stored, destroyed, nil
}

func (t *tx) revoke(ctx context.Context, v store.Revocation) (store.Revocation, [][16]byte, error) {
	head, err := t.CollectionHead(ctx, v.Collection[:])
	if err == nil && head.CollectionRecord.Sequence != int64(v.Sequence) {
		err = store.ErrConflict
	}
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return v, nil, err
	}
	live, err := t.LiveGrantsOfReader(ctx, postgresdb.LiveGrantsOfReaderParams{Collection: v.Collection[:], Reader: v.Reader[:]})
	if err != nil {
		return v, nil, err
	}
	v.Receipt, v.Destroyed, v.Sequence = nil, uint32(len(live)), 0
	t.later.InsertRevocation(ctx, postgresdb.InsertRevocationParams{
		ID: v.ID[:], Collection: v.Collection[:], Owner: v.Owner[:], Reader: v.Reader[:],
		Record: v.Record, Destroyed: int64(v.Destroyed), Created: v.Created,
	})
	t.later.DropRequests(ctx, postgresdb.DropRequestsParams{Collection: v.Collection[:], Readers: [][]byte{v.Reader[:]}})
	if len(live) > 0 {
		t.later.WipeSealed(ctx, live)
		t.later.CloseEpochs(ctx, postgresdb.CloseEpochsParams{ID: v.Collection[:], Closed: head.CollectionRecord.Epoch})
	}
	t.later.RevokeGrants(ctx, postgresdb.RevokeGrantsParams{Revocation: v.ID[:], Collection: v.Collection[:], Reader: v.Reader[:]})
	ended, err := t.endedGrants(ctx, v)
	return v, ended, err
}

// endedGrants are all grants whose keys must be gone before the receipt: also those
// that ended earlier, should destroying theirs have failed. A newer grant is not
// among them.
func (t *tx) endedGrants(ctx context.Context, v store.Revocation) ([][16]byte, error) {
	ids, err := t.EndedGrantsOfReader(ctx, postgresdb.EndedGrantsOfReaderParams{Collection: v.Collection[:], Reader: v.Reader[:]})
	return columns.IDs16(ids), err
}

// FinishRevocation implements store.Store.
func (s *Store) FinishRevocation(ctx context.Context, id [16]byte, receipt []byte, destroyed uint32) error {
	const doing = "finish revocation"
	if err := bounds.Record("receipt", receipt); err != nil {
		return failed(ctx, doing, err)
	}
	return s.update(ctx, doing, func(t *tx) error {
		changed, err := t.Queries.FinishRevocation(ctx, postgresdb.FinishRevocationParams{
			Receipt: receipt, Destroyed: int64(destroyed), ID: id[:],
		})
		if err != nil || changed == 1 {
			return err
		}
		if _, err = t.RevocationByID(ctx, id[:]); errors.Is(err, pgx.ErrNoRows) {
			return store.ErrNotFound
		}
		return err
	})
}

// Revocation implements store.Store.
func (s *Store) Revocation(ctx context.Context, id [16]byte) (v store.Revocation, err error) {
	err = s.do(ctx, "get revocation", func(ctx context.Context, q *postgresdb.Queries) error {
		row, err := q.RevocationByID(ctx, id[:])
		if err == nil {
			v = revocation(row)
		}
		return err
	})
	return v, err
}
