package postgres

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"sync/atomic"

	"github.com/jackc/pgx/v5"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/internal/bounds"
	"github.com/recrypt-service/recrypt/host/store/internal/columns"
	"github.com/recrypt-service/recrypt/host/store/postgres/postgresdb"
)

// ClaimNonce implements store.Store. The row tells its maker from others, because this
// method repeats itself when an answer of the database is lost.
func (s *Store) ClaimNonce(ctx context.Context, signer [32]byte, nonce string, expires int64) error {
	const doing = "claim nonce"
	if err := errors.Join(bounds.Text("nonce", nonce), bounds.Times(expires)); err != nil {
		return failed(ctx, doing, err)
	}
	claim := make([]byte, 16)
	rand.Read(claim)
	return s.do(ctx, doing, func(ctx context.Context, q *postgresdb.Queries) error {
		claimed, err := q.ClaimNonce(ctx, postgresdb.ClaimNonceParams{
			Signer: signer[:], Nonce: []byte(nonce), Expires: expires, Claim: claim, SoMany: store.MaxNonces - 1,
		})
		if claimed == 1 || err != nil {
			return err
		}
		there, err := q.NonceClaim(ctx, postgresdb.NonceClaimParams{Signer: signer[:], Nonce: []byte(nonce)})
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return store.ErrTooMany
		case err == nil && !bytes.Equal(there, claim):
			return store.ErrReplay
		}
		return err
	})
}

// PruneNonces implements store.Store.
func (s *Store) PruneNonces(ctx context.Context, now int64) error {
	return s.do(ctx, "prune nonces", func(ctx context.Context, q *postgresdb.Queries) error {
		if err := q.PruneNonces(ctx, now); err != nil {
			return err
		}
		return q.PruneClaims(ctx, now)
	})
}

// putClaim stores a claim, unless it is stored, and refuses another one under its key.
func (t *tx) putClaim(c store.Claim) error {
	if err := errors.Join(bounds.Text("key of a claim", c.Key), bounds.Times(c.Expires)); err != nil {
		return err
	}
	ctx := t.pipe.ctx
	fresh, err := t.PutClaim(ctx, postgresdb.PutClaimParams{
		Signer: c.Signer[:], Name: []byte(c.Key), Request: c.Request[:], Expires: c.Expires,
	})
	if err != nil {
		return err
	}
	if fresh == 0 {
		old, err := t.Claim(ctx, postgresdb.ClaimParams{Signer: c.Signer[:], Name: []byte(c.Key)})
		if err == nil && !bytes.Equal(old.Request, c.Request[:]) {
			err = store.ErrClaimed
		}
		return err
	}
	tooMany, err := t.HasClaims(ctx, postgresdb.HasClaimsParams{Signer: c.Signer[:], SoMany: store.MaxClaims})
	if err == nil && tooMany {
		err = store.ErrTooMany // undoes the claim
	}
	return err
}

// Claimed implements store.Store.
func (s *Store) Claimed(ctx context.Context, signer [32]byte, key string) (answer []byte, request [32]byte, err error) {
	err = s.do(ctx, "look for a claim", func(ctx context.Context, q *postgresdb.Queries) error {
		row, err := q.Claim(ctx, postgresdb.ClaimParams{Signer: signer[:], Name: []byte(key)})
		answer, request = row.Answer, columns.ID32(row.Request)
		return err
	})
	return answer, request, err
}

// PutAnswer implements store.Store.
func (s *Store) PutAnswer(ctx context.Context, signer [32]byte, key string, answer []byte, expires int64) error {
	const doing = "put answer"
	if err := errors.Join(bounds.Record("answer", answer), bounds.Times(expires)); err != nil {
		return failed(ctx, doing, err)
	}
	return s.do(ctx, doing, func(ctx context.Context, q *postgresdb.Queries) error {
		put, err := q.PutAnswer(ctx, postgresdb.PutAnswerParams{
			Signer: signer[:], Name: []byte(key), Answer: answer, Expires: expires,
		})
		if put == 1 || err != nil {
			return err
		}
		_, err = q.Claim(ctx, postgresdb.ClaimParams{Signer: signer[:], Name: []byte(key)})
		return err
	})
}

// HighWater implements store.Store. Callers that arrive while the time is being stored
// share the next statement. Within one millisecond nobody asks twice.
func (s *Store) HighWater(ctx context.Context, now int64) (int64, error) {
	const doing = "raise the clock"
	if high := s.high.Load(); now == high && high > 0 {
		return high, nil
	}
	raise(&s.wanted, now)
	before := s.started.Load()
	select {
	case s.raising <- struct{}{}:
		defer func() { <-s.raising }()
	case <-ctx.Done():
		return 0, failed(ctx, doing, ctx.Err())
	}
	if s.raised.Load() > before {
		return s.high.Load(), nil // somebody has begun since, and asked for all who waited
	}
	turn := s.started.Add(1)
	err := s.do(ctx, doing, func(ctx context.Context, q *postgresdb.Queries) error {
		high, err := q.RaiseClock(ctx, s.wanted.Load())
		if err == nil {
			raise(&s.high, high)
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	s.raised.Store(turn)
	return s.high.Load(), nil
}

// raise sets v to at least n.
func raise(v *atomic.Int64, n int64) {
	for old := v.Load(); old < n && !v.CompareAndSwap(old, n); {
		old = v.Load()
	}
}

// Bind implements store.Store.
func (s *Store) Bind(ctx context.Context, service [32]byte) error {
	return s.do(ctx, "bind", func(ctx context.Context, q *postgresdb.Queries) error {
		if err := q.InsertService(ctx, service[:]); err != nil {
			return err
		}
		bound, err := q.Service(ctx)
		if err == nil && !bytes.Equal(bound, service[:]) {
			err = store.ErrForeign
		}
		return err
	})
}

// Statement implements store.Store.
func (s *Store) Statement(ctx context.Context) (statement []byte, err error) {
	err = s.do(ctx, "get statement", func(ctx context.Context, q *postgresdb.Queries) error {
		statement, err = q.Statement(ctx)
		if errors.Is(err, pgx.ErrNoRows) {
			statement, err = nil, nil
		}
		return err
	})
	return statement, err
}

// PutStatement implements store.Store.
func (s *Store) PutStatement(ctx context.Context, statement []byte) error {
	const doing = "put statement"
	if err := bounds.Record("statement", statement); err != nil {
		return failed(ctx, doing, err)
	}
	return s.do(ctx, doing, func(ctx context.Context, q *postgresdb.Queries) error {
		return q.PutStatement(ctx, statement)
	})
}
