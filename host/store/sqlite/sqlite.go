// Package sqlite implements store.Store in one SQLite file, for one server.
//
// Writes go through one connection, one after the other, and return after an fsync
// (WAL, synchronous=FULL), which those that arrive together share. Reads use a pool
// of their own and are never held up by them: each sees everything that was
// committed before it began.
//
// Leaves of the transparency log and the hashes of its tree are rows like others: whoever
// writes a change appends them in its transaction.
//
// What the queries do stands in query/, the schema in migrations/; package
// sqlitedb is generated from both. Adding a migration is all an upgrade takes: it
// runs at the next Open. A database with migrations unknown to the program is
// refused, so that a downgrade cannot lose what a newer version wrote.
//
// Wiped transform keys are overwritten with zeros where they stood, and the log
// file that still holds them is emptied right after the commit. That is a second
// line: they are sealed, and package keyring destroys what opens them.
package sqlite

//go:generate go -C ../../.. tool -modfile=.ci/tools.mod sqlc generate -f host/store/sqlc.yaml

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/dbfile"
	"github.com/recrypt-service/recrypt/host/store/internal/bounds"
	"github.com/recrypt-service/recrypt/host/store/sqlite/sqlitedb"
)

//go:embed migrations/*.sql
var migrations embed.FS

// kind marks the file as a store. The application id reads "rcst".
var kind = dbfile.Kind{Name: "store", ApplicationID: 0x72637374, JournalMode: "WAL"}

// Sizes in bytes up to which Open reads the whole file to find damage, and compares rows
// with their indexes. Either takes about a second; larger files are checked as they are
// read.
const (
	maxFullCheck  = 256 << 20
	maxIndexCheck = 64 << 20
)

// Store is an open database. It implements store.Store.
type Store struct {
	file    *dbfile.File
	writer  *dbfile.Writer
	reader  *sql.DB
	write   *sqlitedb.Queries // prepared on writer
	read    *sqlitedb.Queries // prepared on reader
	unswept atomic.Bool       // the log may still hold wiped values
	high    atomic.Int64      // the highest time known to be on disk
	closed  atomic.Bool
}

var _ store.Store = (*Store)(nil)

// Open opens the database file at path, makes it if there is none, and brings its
// schema up to date. Errors: store.ErrLocked when another server uses it,
// store.ErrDamaged, store.ErrReadOnly and store.ErrVersion.
func Open(ctx context.Context, path string) (*Store, error) {
	file, err := dbfile.Open(ctx, path, kind)
	if err != nil {
		return nil, err
	}
	s := &Store{file: file}
	if err := s.open(ctx); err != nil {
		s.Close()
		return nil, fmt.Errorf("open store %s: %w", file.Path(), dbfile.Wrap(ctx, err))
	}
	return s, nil
}

func (s *Store) open(ctx context.Context) (err error) {
	db, err := s.file.Connect()
	if err != nil {
		return err
	}
	s.writer = dbfile.NewWriter(db)
	if err := s.check(ctx); err != nil {
		return err
	}
	if err := migrate(ctx, s.writer.DB); err != nil {
		return err
	}
	if s.reader, err = s.file.Connect("query_only(ON)"); err != nil {
		return err
	}
	readers := max(4, runtime.GOMAXPROCS(0))
	s.reader.SetMaxOpenConns(readers)
	s.reader.SetMaxIdleConns(readers)
	if s.write, err = sqlitedb.Prepare(ctx, s.writer.DB); err != nil {
		return err
	}
	if s.read, err = sqlitedb.Prepare(ctx, s.reader); err != nil {
		return err
	}
	s.sweep(ctx) // what a crash may have left in the log
	return nil
}

// check looks for damage before anything is served.
func (s *Store) check(ctx context.Context) error {
	info, err := os.Stat(s.file.Path())
	if err != nil || info.Size() > maxFullCheck {
		return err
	}
	if info.Size() > maxIndexCheck {
		return s.writer.Check(ctx)
	}
	return s.writer.CheckIndexes(ctx)
}

// migrate brings the schema up to date, each step in one transaction.
func migrate(ctx context.Context, db *sql.DB) error {
	steps, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, steps,
		goose.WithDisableGlobalRegistry(true), goose.WithGoMigrations(backfillStep()), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	have, want, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	if have > want {
		return fmt.Errorf("%w: schema %d, this one knows %d", store.ErrVersion, have, want)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// Close implements store.Store. Calls that are under way may fail.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	var errs []error
	for _, q := range []*sqlitedb.Queries{s.read, s.write} {
		if q != nil {
			errs = append(errs, q.Close())
		}
	}
	if s.reader != nil {
		errs = append(errs, s.reader.Close())
	}
	if s.writer != nil {
		errs = append(errs, s.writer.DB.Close()) // the last one empties the log
	}
	return errors.Join(append(errs, s.file.Close())...)
}

// update runs fn as one durable transaction, with the claim of ctx. fn may run more than
// once.
func (s *Store) update(ctx context.Context, doing string, fn func(*sqlitedb.Queries) error) error {
	claim, claims := store.ClaimOf(ctx)
	if !claims {
		return s.maintain(ctx, doing, fn)
	}
	if err := errors.Join(bounds.Text("key of a claim", claim.Key), bounds.Times(claim.Expires)); err != nil {
		return failed(ctx, doing, err)
	}
	return s.maintain(ctx, doing, func(q *sqlitedb.Queries) error {
		if err := putClaim(ctx, q, claim); err != nil {
			return err
		}
		return fn(q)
	})
}

// maintain runs fn as one durable transaction. fn may run more than once.
func (s *Store) maintain(ctx context.Context, doing string, fn func(*sqlitedb.Queries) error) error {
	err := s.writer.Write(ctx, func(tx *sql.Tx) error { return fn(s.write.WithTx(tx)) })
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

// view runs fn on one snapshot.
func (s *Store) view(ctx context.Context, doing string, fn func(*sqlitedb.Queries) error) error {
	tx, err := s.reader.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err == nil {
		defer tx.Rollback()
		err = fn(s.read.WithTx(tx))
	}
	return failed(ctx, doing, err)
}

// failed says in err what was being done and adds the sentinels of package store.
func failed(ctx context.Context, doing string, err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		err = store.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("%s: %w", doing, dbfile.Wrap(ctx, err))
	}
	return nil
}

// sweep empties the log, which may hold values that were wiped in the file. It
// waits for readers of older snapshots; should they take too long, the next
// sweep, or closing the store, does it.
func (s *Store) sweep(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	conn, err := s.writer.DB.Conn(ctx)
	if err != nil {
		s.unswept.Store(true)
		return
	}
	defer conn.Close()
	// A backup reads one snapshot for minutes, and no writer must wait for that.
	if _, err := conn.ExecContext(ctx, "PRAGMA busy_timeout(50)"); err != nil {
		s.writer.Note(dbfile.Wrap(ctx, err))
	}
	defer conn.ExecContext(ctx, "PRAGMA busy_timeout(5000)")
	for range 3 {
		var busy, frames, moved int
		row := conn.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
		if err := row.Scan(&busy, &frames, &moved); err != nil {
			s.writer.Note(dbfile.Wrap(ctx, err))
		} else if busy == 0 {
			s.unswept.Store(false)
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.unswept.Store(true)
}
