package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/sqlite/sqlitedb"
)

// PutIdentity implements store.Store.
func (s *Store) PutIdentity(ctx context.Context, v store.Identity) error {
	const doing = "put identity"
	if err := errors.Join(checkRecord("record", v.Record), checkTimes(v.Created)); err != nil {
		return failed(ctx, doing, err)
	}
	return s.update(ctx, doing, func(q *sqlitedb.Queries) error {
		newest, err := q.NewestIdentity(ctx, v.ID[:])
		switch {
		case errors.Is(err, sql.ErrNoRows):
		case err != nil:
			return err
		case newest.Version == int64(v.Version) && bytes.Equal(newest.Record, v.Record) && bytes.Equal(newest.SigningKey, v.SigningKey[:]):
			return nil
		case newest.Version >= int64(v.Version) || len(newest.Record) >= len(v.Record) || !bytes.HasPrefix(v.Record, newest.Record):
			return store.ErrConflict
		}
		return q.InsertIdentity(ctx, sqlitedb.InsertIdentityParams{
			ID: v.ID[:], Version: int64(v.Version), Record: v.Record,
			SigningKey: v.SigningKey[:], Created: v.Created,
		})
	})
}

// Identity implements store.Store.
func (s *Store) Identity(ctx context.Context, id [32]byte) ([]store.Identity, error) {
	rows, err := s.read.Identities(ctx, id[:])
	if err == nil && len(rows) == 0 {
		err = store.ErrNotFound
	}
	var versions []store.Identity
	for _, row := range rows {
		versions = append(versions, identity(row))
	}
	return versions, failed(ctx, "get identity", err)
}
