package backup

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"golang.org/x/mod/sumdb/tlog"
	_ "modernc.org/sqlite" // the driver

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/postgres"
)

// A Database is a database of a service, opened beside its engine to read or write whole
// tables.
type Database struct {
	db       *sql.DB
	postgres bool
	name     string // for messages, without a password
}

// Open opens a database: a postgres:// URL, or the path of a SQLite file, which may
// be in use by a server. The file must exist, and its schema be up to date.
func Open(ctx context.Context, target string) (*Database, error) {
	var d *Database
	if postgres.IsURL(target) {
		config, err := pgx.ParseConfig(target)
		if err != nil {
			return nil, errors.New("the database's url is not well-formed") // the parser's error may show parts of it
		}
		d = &Database{db: stdlib.OpenDB(*config), postgres: true, name: "database " + config.Database}
	} else {
		path, err := filepath.Abs(target)
		if err != nil {
			return nil, err
		}
		if _, err := os.Stat(path); err != nil {
			return nil, fmt.Errorf("open database: %w", err)
		}
		db, err := sql.Open("sqlite", sqliteURI(path))
		if err != nil {
			return nil, fmt.Errorf("open database: %w", err)
		}
		db.SetMaxOpenConns(1)
		d = &Database{db: db, name: path}
	}
	if err := d.db.PingContext(ctx); err != nil {
		d.db.Close()
		return nil, d.wrap("open", err)
	}
	return d, nil
}

// sqliteURI names a file that must exist; what package dbfile sets for durability and
// erasure holds here too.
func sqliteURI(path string) string {
	slash := filepath.ToSlash(path)
	if !strings.HasPrefix(slash, "/") {
		slash = "/" + slash // a drive letter
	}
	query := url.Values{"mode": {"rw"}, "_dqs": {"0"}, "_defensive": {"1"}, "_pragma": {
		"busy_timeout(10000)", "synchronous(FULL)", "secure_delete(ON)", "foreign_keys(ON)",
		"temp_store(MEMORY)", "trusted_schema(OFF)",
	}}
	uri := url.URL{Scheme: "file", Path: slash, RawQuery: query.Encode()}
	return uri.String()
}

// Close closes the database.
func (d *Database) Close() error { return d.db.Close() }

// wrap says in err what was being done, and with which database.
func (d *Database) wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s: %w", doing, d.name, err)
}

// bind writes the placeholders of a query, ?, as the engine wants them.
func (d *Database) bind(query string) string {
	if !d.postgres {
		return query
	}
	var b strings.Builder
	n := 0
	for i := range len(query) {
		if query[i] == '?' {
			n++
			b.WriteString("$" + strconv.Itoa(n))
		} else {
			b.WriteByte(query[i])
		}
	}
	return b.String()
}

// selection is the query for all rows of a table in the order of its key, which is that of
// the bytes in both engines.
func (d *Database) selection(t *table) string {
	order := make([]string, t.keys)
	for i, c := range t.columns[:t.keys] {
		order[i] = c.name
	}
	return "SELECT " + strings.Join(t.names(), ", ") + " FROM " + t.name + " ORDER BY " + strings.Join(order, ", ")
}

// snapshot begins a transaction that sees one moment.
func (d *Database) snapshot(ctx context.Context) (*sql.Tx, error) {
	options := &sql.TxOptions{ReadOnly: true}
	if d.postgres {
		options.Isolation = sql.LevelRepeatableRead
	}
	tx, err := d.db.BeginTx(ctx, options)
	return tx, d.wrap("read", err)
}

// each reads all rows of a table. A row is fn's own until it returns.
func (d *Database) each(ctx context.Context, tx *sql.Tx, t *table, fn func(row []any) error) error {
	rows, err := tx.QueryContext(ctx, d.selection(t))
	if err != nil {
		return d.wrap("read", fmt.Errorf("table %s, is the database of another version? start a server of this one on it first: %w", t.name, err))
	}
	defer rows.Close()
	numbers, texts, blobs := make([]int64, len(t.columns)), make([]string, len(t.columns)), make([][]byte, len(t.columns))
	targets, row := make([]any, len(t.columns)), make([]any, len(t.columns))
	for i, c := range t.columns {
		targets[i] = map[form]any{integer: &numbers[i], text: &texts[i], octets: (*sql.RawBytes)(&blobs[i])}[c.form]
	}
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			return d.wrap("read", fmt.Errorf("table %s: %w", t.name, err))
		}
		for i, c := range t.columns {
			switch {
			case c.form == integer:
				row[i] = numbers[i]
			case c.form == text:
				row[i] = texts[i]
			case blobs[i] == nil && c.null:
				row[i] = nil
			case blobs[i] == nil:
				row[i] = []byte{} // drivers tell an empty value from NULL in their own ways
			default:
				row[i] = blobs[i]
			}
		}
		if err := fn(row); err != nil {
			return err
		}
	}
	return d.wrap("read", rows.Err())
}

// count returns the number of rows of a table.
func (d *Database) count(ctx context.Context, tx *sql.Tx, t *table) (n int64, err error) {
	err = tx.QueryRowContext(ctx, "SELECT COUNT(*) FROM "+t.name).Scan(&n)
	return n, d.wrap("count", err)
}

// describe fills a header from a snapshot.
func (d *Database) describe(ctx context.Context, tx *sql.Tx, h *Header) error {
	var service []byte
	err := tx.QueryRowContext(ctx, "SELECT service FROM service WHERE id = 1").Scan(&service)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return d.wrap("read", err)
	}
	if len(service) == len(h.Service) {
		h.Service = [32]byte(service)
	}
	h.Size, h.Root, err = d.tree(ctx, tx)
	return err
}

// tree returns size and root of the log.
func (d *Database) tree(ctx context.Context, tx *sql.Tx) (size int64, root tlog.Hash, err error) {
	if err := tx.QueryRowContext(ctx, "SELECT COALESCE(MAX(position) + 1, 0) FROM log_leaves").Scan(&size); err != nil {
		return 0, root, d.wrap("read the log of", err)
	}
	root, err = tlog.TreeHash(size, d.hashes(ctx, tx))
	return size, root, d.wrap("read the log of", err)
}

// hashes reads stored hashes of the log.
func (d *Database) hashes(ctx context.Context, tx *sql.Tx) tlog.HashReader {
	query := d.bind("SELECT hash FROM log_hashes WHERE position = ?")
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			var h []byte
			err := tx.QueryRowContext(ctx, query, index).Scan(&h)
			if err == nil && len(h) != tlog.HashSize || errors.Is(err, sql.ErrNoRows) {
				err = fmt.Errorf("%w: the log lacks a hash", store.ErrDamaged)
			}
			if err != nil {
				return nil, err
			}
			out[i] = tlog.Hash(h)
		}
		return out, nil
	})
}
