package sqlite

import (
	"context"
	"errors"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/internal/bounds"
	"github.com/recrypt-service/recrypt/host/store/sqlite/sqlitedb"
)

// ClaimNonce implements store.Store.
func (s *Store) ClaimNonce(ctx context.Context, signer [32]byte, nonce string, expires int64) error {
	const doing = "claim nonce"
	if err := errors.Join(bounds.Text("nonce", nonce), bounds.Times(expires)); err != nil {
		return failed(ctx, doing, err)
	}
	return s.maintain(ctx, doing, func(q *sqlitedb.Queries) error {
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
	return s.maintain(ctx, "prune nonces", func(q *sqlitedb.Queries) error {
		return errors.Join(q.PruneNonces(ctx, now), q.PruneClaims(ctx, now))
	})
}

// HighWater implements store.Store.
func (s *Store) HighWater(ctx context.Context, now int64) (int64, error) {
	if high := s.high.Load(); now <= high && high > 0 {
		return high, nil // already on disk
	}
	var high int64
	err := s.maintain(ctx, "raise the clock", func(q *sqlitedb.Queries) error {
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
