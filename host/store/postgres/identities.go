package postgres

import (
	"bytes"
	"context"
	"errors"
	"math"

	"github.com/jackc/pgx/v5"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/internal/bounds"
	"github.com/recrypt-service/recrypt/host/store/postgres/postgresdb"
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
	return s.update(ctx, doing, func(t *tx) error {
		stored, err := t.makeRoom(ctx, v, o)
		if stored || err != nil {
			return err
		}
		t.later.InsertIdentity(ctx, postgresdb.InsertIdentityParams{
			ID: v.ID[:], Version: int64(v.Version), Record: v.Record,
			SigningKey: v.SigningKey[:], Since: int64(v.Since), Created: v.Created,
		})
		if o.Suspend {
			t.suspend(ctx, v, o)
		}
		return t.append(o.Log)
	})
}

// makeRoom removes what v overrides and makes sure that v continues the rest. It
// reports whether v has been stored before, as the newest version.
func (t *tx) makeRoom(ctx context.Context, v store.Identity, o store.IdentityChange) (stored bool, err error) {
	newest, err := t.NewestIdentity(ctx, v.ID[:])
	if errors.Is(err, pgx.ErrNoRows) {
		newest, err = postgresdb.Identity{Version: -1}, nil
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
		t.later.RemoveVersions(ctx, postgresdb.RemoveVersionsParams{ID: v.ID[:], Version: int64(o.Replace)})
		newest, err = t.NewestIdentity(ctx, v.ID[:])
		if errors.Is(err, pgx.ErrNoRows) {
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
func (t *tx) suspend(ctx context.Context, v store.Identity, o store.IdentityChange) {
	from := int64(math.MaxInt64)
	if o.Replace > 0 {
		from = int64(o.Replace)
	}
	t.later.SuspendGrants(ctx, postgresdb.SuspendGrantsParams{Reader: v.ID[:], Before: int64(v.Since), Since: from})
}

// Identity implements store.Store.
func (s *Store) Identity(ctx context.Context, id [32]byte) (versions []store.Identity, err error) {
	err = s.do(ctx, "get identity", func(ctx context.Context, q *postgresdb.Queries) error {
		rows, err := q.Identities(ctx, id[:])
		if err == nil && len(rows) == 0 {
			err = store.ErrNotFound
		}
		versions = nil
		for _, row := range rows {
			versions = append(versions, identity(row))
		}
		return err
	})
	return versions, err
}
