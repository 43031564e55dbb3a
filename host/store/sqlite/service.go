package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/internal/bounds"
	"github.com/recrypt-service/recrypt/host/store/sqlite/sqlitedb"
)

// Bind implements store.Store.
func (s *Store) Bind(ctx context.Context, service [32]byte) error {
	return s.maintain(ctx, "bind", func(q *sqlitedb.Queries) error {
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
func (s *Store) Statement(ctx context.Context) ([]byte, error) {
	statement, err := s.read.Statement(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return statement, failed(ctx, "get statement", err)
}

// PutStatement implements store.Store.
func (s *Store) PutStatement(ctx context.Context, statement []byte) error {
	const doing = "put statement"
	if err := bounds.Record("statement", statement); err != nil {
		return failed(ctx, doing, err)
	}
	return s.maintain(ctx, doing, func(q *sqlitedb.Queries) error { return q.PutStatement(ctx, statement) })
}
