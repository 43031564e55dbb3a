package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"math"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/internal/bounds"
	"github.com/recrypt-service/recrypt/host/store/sqlite/sqlitedb"
)

// PutIdentity implements store.Store.
func (s *Store) PutIdentity(ctx context.Context, v store.Identity, o store.IdentityChange) error {
	const doing = "put identity"
	err := errors.Join(bounds.Record("record", v.Record), bounds.Times(v.Created), bounds.Log(o.Log))
	if err == nil && o.Replace > v.Version {
		err = bounds.Invalid("versions to replace")
	}
	if err != nil {
		return failed(ctx, doing, err)
	}
	return s.update(ctx, doing, func(q *sqlitedb.Queries) error {
		stored, err := makeRoom(ctx, q, v, o)
		if stored || err != nil {
			return err
		}
		err = q.InsertIdentity(ctx, sqlitedb.InsertIdentityParams{
			ID: v.ID[:], Version: int64(v.Version), Record: v.Record,
			SigningKey: v.SigningKey[:], Since: int64(v.Since), Created: v.Created,
		})
		if err == nil && o.Suspend {
			err = suspend(ctx, q, v, o)
		}
		if err != nil {
			return err
		}
		return appendLog(ctx, q, o.Log)
	})
}

// makeRoom removes what v overrides and makes sure that v continues the rest. It
// reports whether v has been stored before, as the newest version.
func makeRoom(ctx context.Context, q *sqlitedb.Queries, v store.Identity, o store.IdentityChange) (stored bool, err error) {
	newest, err := q.NewestIdentity(ctx, v.ID[:])
	if errors.Is(err, sql.ErrNoRows) {
		newest, err = sqlitedb.Identity{Version: -1}, nil
	}
	if err != nil {
		return false, err
	}
	if newest.Version == int64(v.Version) && bytes.Equal(newest.Record, v.Record) && bytes.Equal(newest.SigningKey, v.SigningKey[:]) {
		return true, nil
	}
	if o.Over != nil && !bytes.Equal(newest.Record, o.Over) {
		return false, store.ErrConflict
	}
	if o.Replace > 0 && newest.Version >= int64(o.Replace) {
		err := q.RemoveVersions(ctx, sqlitedb.RemoveVersionsParams{ID: v.ID[:], Version: int64(o.Replace)})
		if err != nil {
			return false, err
		}
		newest, err = q.NewestIdentity(ctx, v.ID[:])
		if errors.Is(err, sql.ErrNoRows) {
			return false, store.ErrConflict // the first version is what the id stands for
		}
		if err != nil {
			return false, err
		}
	}
	if newest.Version >= int64(v.Version) || newest.Version >= 0 && len(newest.Record) >= len(v.Record) || !bytes.HasPrefix(v.Record, newest.Record) {
		return false, store.ErrConflict
	}
	return false, nil
}

// suspend marks the grants to keys that v has not any more.
func suspend(ctx context.Context, q *sqlitedb.Queries, v store.Identity, o store.IdentityChange) error {
	from := int64(math.MaxInt64)
	if o.Replace > 0 {
		from = int64(o.Replace)
	}
	return q.SuspendGrants(ctx, sqlitedb.SuspendGrantsParams{Reader: v.ID[:], Before: int64(v.Since), Since: from})
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
