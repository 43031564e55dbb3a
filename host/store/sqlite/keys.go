package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/sqlite/sqlitedb"
)

// PutKey implements store.Store.
func (s *Store) PutKey(ctx context.Context, v store.Key) error {
	const doing = "put document key"
	err := errors.Join(checkRecord("record", v.Record), checkRecord("value", v.Value), checkTimes(v.Created))
	if err != nil {
		return failed(ctx, doing, err)
	}
	return s.update(ctx, doing, func(q *sqlitedb.Queries) error {
		row, err := q.DocumentKey(ctx, v.ID[:])
		if err == nil {
			if bytes.Equal(row.Record, v.Record) && bytes.Equal(row.Value, v.Value) {
				return nil
			}
			return store.ErrExists
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		return q.InsertDocumentKey(ctx, sqlitedb.InsertDocumentKeyParams{
			ID: v.ID[:], Collection: v.Collection[:], Owner: v.Owner[:], Author: v.Author[:],
			Epoch: int64(v.Epoch), Record: v.Record, Value: v.Value, Created: v.Created,
		})
	})
}

// Key implements store.Store.
func (s *Store) Key(ctx context.Context, id [16]byte) (store.Key, error) {
	row, err := s.read.DocumentKey(ctx, id[:])
	if err != nil {
		return store.Key{}, failed(ctx, "get document key", err)
	}
	return documentKey(row), nil
}

// ClaimNonce implements store.Store.
func (s *Store) ClaimNonce(ctx context.Context, signer [32]byte, nonce string, expires int64) error {
	const doing = "claim nonce"
	if len(nonce) == 0 || len(nonce) > store.MaxNonce {
		return failed(ctx, doing, invalid("nonce"))
	}
	if err := checkTimes(expires); err != nil {
		return failed(ctx, doing, err)
	}
	return s.update(ctx, doing, func(q *sqlitedb.Queries) error {
		claimed, err := q.ClaimNonce(ctx, sqlitedb.ClaimNonceParams{
			Signer: signer[:], Nonce: nonce, Expires: expires,
		})
		if err != nil {
			return err
		}
		if claimed == 0 {
			return store.ErrReplay
		}
		tooMany, err := q.HasNonces(ctx, sqlitedb.HasNoncesParams{Signer: signer[:], SoMany: store.MaxNonces})
		if err == nil && tooMany {
			return store.ErrTooMany // undoes the claim
		}
		return err
	})
}

// PruneNonces implements store.Store.
func (s *Store) PruneNonces(ctx context.Context, now int64) error {
	return s.update(ctx, "prune nonces", func(q *sqlitedb.Queries) error {
		return q.PruneNonces(ctx, now)
	})
}

// HighWater implements store.Store.
func (s *Store) HighWater(ctx context.Context, now int64) (int64, error) {
	if high := s.high.Load(); now <= high && high > 0 {
		return high, nil // already on disk
	}
	var high int64
	err := s.update(ctx, "raise the clock", func(q *sqlitedb.Queries) error {
		if err := q.RaiseClock(ctx, max(now, 0)); err != nil {
			return err
		}
		var err error
		high, err = q.Clock(ctx)
		return err
	})
	if err != nil {
		return 0, err
	}
	for old := s.high.Load(); old < high && !s.high.CompareAndSwap(old, high); {
		old = s.high.Load()
	}
	return high, nil
}
