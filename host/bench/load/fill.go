package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/postgres"
	"github.com/recrypt-service/recrypt/host/store/sqlite"
)

// databasePath is where the first server of a site keeps its database, if it is a file.
func (s *site) databasePath() string { return filepath.Join(s.dir, "server-1", "recrypt.db") }

// openStore opens the site's database as a server does. No server may run on a file.
func (s *site) openStore(ctx context.Context) (store.Store, error) {
	if s.url == "" {
		return sqlite.Open(ctx, s.databasePath())
	}
	return postgres.Open(ctx, s.url)
}

// A filler puts many rows into a database behind the store's back: copies of a row that is
// there, with random ids. It knows tables' names and their keys, not their columns.
type filler struct {
	db       *sql.DB
	postgres bool
}

func (s *site) newFiller() (*filler, error) {
	if s.url == "" {
		db, err := sql.Open("sqlite", s.databasePath()+"?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=cache_size(-200000)")
		return &filler{db: db}, err
	}
	db, err := sql.Open("pgx", s.url)
	return &filler{db: db, postgres: true}, err
}

// close makes what was filled in durable and lets PostgreSQL look at it, as it does by
// itself after a while.
func (f *filler) close(ctx context.Context) error {
	finish := []string{"PRAGMA wal_checkpoint(TRUNCATE)"}
	if f.postgres {
		finish = []string{"VACUUM ANALYZE", "CHECKPOINT"}
	}
	var errs []error
	for _, statement := range finish {
		_, err := f.db.ExecContext(ctx, statement)
		errs = append(errs, err)
	}
	return errors.Join(append(errs, f.db.Close())...)
}

// count is how many rows a table has.
func (f *filler) count(ctx context.Context, table string) (n int, err error) {
	err = f.db.QueryRowContext(ctx, "SELECT count(*) FROM "+table).Scan(&n)
	return n, err
}

// copies adds n copies of any row of a table, in which the column named gets random bytes.
func (f *filler) copies(ctx context.Context, table, column string, size, n int) error {
	const atOnce = 100_000
	others, err := f.columns(ctx, table, column)
	if err != nil {
		return fmt.Errorf("fill %s: %w", table, err)
	}
	numbers, value := "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < %d) SELECT i FROM n)", fmt.Sprintf("randomblob(%d)", size)
	if f.postgres {
		numbers = "(SELECT i FROM generate_series(1, %d) AS i)"
		value = strings.TrimSuffix(strings.Repeat("decode(md5(random()::text || n.i::text), 'hex') || ", size/16), " || ")
	}
	for n > 0 {
		query := fmt.Sprintf("INSERT INTO %s (%s, %s) SELECT %s, %s FROM "+numbers+" AS n, (SELECT * FROM %s LIMIT 1) AS t",
			table, column, strings.Join(others, ", "), value, "t."+strings.Join(others, ", t."), min(n, atOnce), table)
		if _, err := f.db.ExecContext(ctx, query); err != nil {
			return fmt.Errorf("fill %s: %w", table, err)
		}
		n -= atOnce
	}
	return nil
}

// columns returns the names of a table's columns but one.
func (f *filler) columns(ctx context.Context, table, but string) ([]string, error) {
	rows, err := f.db.QueryContext(ctx, "SELECT * FROM "+table+" LIMIT 1")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all, err := rows.Columns()
	var out []string
	for _, c := range all {
		if c != but {
			out = append(out, c)
		}
	}
	return out, errors.Join(err, rows.Err())
}

// some returns up to n ids of a table, from all over it.
func (f *filler) some(ctx context.Context, table, column string, n int) (ids [][]byte, err error) {
	rows, err := f.db.QueryContext(ctx, fmt.Sprintf("SELECT %s FROM %s ORDER BY random() LIMIT %d", column, table, n))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id []byte
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// bytes is how large the database is.
func (f *filler) bytes(ctx context.Context) (n int64, err error) {
	query := "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
	if f.postgres {
		query = "SELECT pg_database_size(current_database())"
	}
	err = f.db.QueryRowContext(ctx, query).Scan(&n)
	return n, err
}

// remove deletes a folder, and says so if it cannot.
func remove(dir string, say func(string, ...any)) {
	if err := os.RemoveAll(dir); err != nil {
		say("cannot remove %s: %v", dir, err)
	}
}
