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

// putClaim stores a claim, unless it is stored, and refuses another one under its key.
func putClaim(ctx context.Context, q *sqlitedb.Queries, c store.Claim) error {
	fresh, err := q.PutClaim(ctx, sqlitedb.PutClaimParams{
		Signer: c.Signer[:], Name: []byte(c.Key), Request: c.Request[:], Expires: c.Expires,
	})
	if err != nil {
		return err
	}
	if fresh == 0 {
		old, err := q.Claim(ctx, sqlitedb.ClaimParams{Signer: c.Signer[:], Name: []byte(c.Key)})
		if err == nil && !bytes.Equal(old.Request, c.Request[:]) {
			err = store.ErrClaimed
		}
		return err
	}
	tooMany, err := q.HasClaims(ctx, sqlitedb.HasClaimsParams{Signer: c.Signer[:], SoMany: store.MaxClaims})
	if err == nil && tooMany {
		err = store.ErrTooMany // undoes the claim
	}
	return err
}

// Claimed implements store.Store.
func (s *Store) Claimed(ctx context.Context, signer [32]byte, key string) (answer []byte, request [32]byte, err error) {
	row, err := s.read.Claim(ctx, sqlitedb.ClaimParams{Signer: signer[:], Name: []byte(key)})
	if err != nil {
		return nil, request, failed(ctx, "look for a claim", err)
	}
	return row.Answer, columns.ID32(row.Request), nil
}

// PutAnswer implements store.Store.
func (s *Store) PutAnswer(ctx context.Context, signer [32]byte, key string, answer []byte, expires int64) error {
	const doing = "put answer"
	if err := errors.Join(bounds.Record("answer", answer), bounds.Times(expires)); err != nil {
		return failed(ctx, doing, err)
	}
	return s.maintain(ctx, doing, func(q *sqlitedb.Queries) error {
		put, err := q.PutAnswer(ctx, sqlitedb.PutAnswerParams{
			Signer: signer[:], Name: []byte(key), Answer: answer, Expires: expires,
		})
		if put == 1 || err != nil {
			return err
		}
		_, err = q.Claim(ctx, sqlitedb.ClaimParams{Signer: signer[:], Name: []byte(key)})
		if errors.Is(err, sql.ErrNoRows) {
			err = store.ErrNotFound
		}
		return err
	})
}
