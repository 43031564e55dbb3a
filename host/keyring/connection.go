package keyring

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/recrypt-service/recrypt/host/store"
)

// patience is how long a statement is tried while the database does not answer: longer
// than a fail-over to its standby takes. Tests have less.
var patience = 30 * time.Second

const (
	// attempt bounds one try, so that a connection that leads nowhere is given up.
	attempt = 10 * time.Second
	// connections is how many a server opens, unless the URL says pool_max_conns. Keys are
	// looked up in less time than transforms take.
	connections = 4
	// migrationLock is the row of goose's table of locks that is ours.
	migrationLock = 0x72636b72
)

//go:embed migrations
var migrations embed.FS

// connect makes a pool and waits until the database answers.
func connect(ctx context.Context, url string) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errURL // pgx's own error shows parts of it
	}
	if !strings.Contains(url, "pool_max_conns") {
		cfg.MaxConns = connections
	}
	if cfg.ConnConfig.ConnectTimeout == 0 {
		cfg.ConnConfig.ConnectTimeout = attempt / 2
	}
	if cfg.ConnConfig.ValidateConnect == nil {
		cfg.ConnConfig.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	cfg.AfterConnect = settle
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if err := again(ctx, pool.Ping); err != nil {
		pool.Close()
		return nil, err
	}
	return pool, nil
}

// settle makes sure that what a session commits is durable, whatever is configured for
// others, and that a server that stands still does not hold up the rest.
func settle(ctx context.Context, c *pgx.Conn) error {
	var durable string
	if err := c.QueryRow(ctx, "SHOW synchronous_commit").Scan(&durable); err != nil {
		return err
	}
	set := "SET idle_in_transaction_session_timeout = '20s'"
	if durable == "off" {
		set += "; SET synchronous_commit = on"
	}
	_, err := c.Exec(ctx, set)
	return err
}

var errURL = errors.New("url of the database is not well-formed: postgres://user@host/database")

// migrate brings the tables up to date. Of servers that start at once one does it.
func migrate(ctx context.Context, pool *pgxpool.Pool) error {
	steps, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	db := stdlib.OpenDBFromPool(pool)
	defer db.Close()
	return again(ctx, func(ctx context.Context) error { return bring(ctx, db, steps) })
}

// bring brings the tables up to date, unless they are.
func bring(ctx context.Context, db *sql.DB, steps fs.FS) error {
	locker, err := lock.NewPostgresTableLocker(lock.WithTableLockID(migrationLock),
		lock.WithTableLockTimeout(100*time.Millisecond, 600), lock.WithTableUnlockTimeout(100*time.Millisecond, 50))
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, steps, goose.WithTableName("keyring_version"),
		goose.WithDisableGlobalRegistry(true), goose.WithLocker(locker), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	var there bool
	err = db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM information_schema.tables WHERE table_name = 'keyring_version')").Scan(&there)
	if err != nil {
		return err
	}
	if there {
		have, want, err := provider.GetVersions(ctx)
		switch {
		case err != nil:
			return err
		case have > want:
			return fmt.Errorf("%w: keyring %d, this one knows %d", store.ErrVersion, have, want)
		case have == want:
			return nil
		}
	}
	_, err = provider.Up(ctx)
	return err
}

// inPieces runs do for a number of things as one transaction, in pieces. It may run more
// than once.
func (k *Postgres) inPieces(ctx context.Context, n int, do func(ctx context.Context, tx pgx.Tx, from, to int) error) error {
	if n == 0 {
		return nil
	}
	return again(ctx, func(ctx context.Context) error {
		return pgx.BeginFunc(ctx, k.pool, func(tx pgx.Tx) error {
			for from := 0; from < n; from += piece {
				if err := do(ctx, tx, from, min(from+piece, n)); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// again runs do until it succeeds, fails for good, or patience is over. It may have happened
// although do failed, so that doing it again must not matter.
func again(ctx context.Context, do func(context.Context) error) error {
	within, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for wait := 5 * time.Millisecond; ; wait = min(2*wait, 500*time.Millisecond) {
		one, end := context.WithTimeout(within, attempt)
		err := do(one)
		end()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !passing(err) {
			return known(err)
		}
		select {
		case <-time.After(wait/2 + rand.N(wait)):
		case <-within.Done():
		}
		if within.Err() != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("%w: %w", store.ErrUnavailable, hide(err))
		}
	}
}

// passing reports whether what has failed may succeed when it is done again.
func passing(err error) bool {
	var answer *pgconn.PgError
	if !errors.As(err, &answer) {
		// A connection that was refused or lost. What else can be wrong is known here.
		return !errors.Is(err, pgx.ErrNoRows) && !errors.Is(err, store.ErrForeign) && !errors.Is(err, store.ErrVersion) && !errors.Is(err, store.ErrDamaged)
	}
	switch answer.Code {
	case "40001", "40P01", // collided with another transaction
		"25006",          // read-only: a standby
		"53300",          // too many connections
		"55000", "55P03", // not in that state, lock not available
		"XX000": // concurrent changes of a table's definition
		return true
	}
	return strings.HasPrefix(answer.Code, "08") || strings.HasPrefix(answer.Code, "57P")
}

// known names errors that callers branch on.
func known(err error) error {
	var answer *pgconn.PgError
	if errors.As(err, &answer) && answer.Code == "53100" {
		return store.ErrFull
	}
	return hide(err)
}

// hide keeps what a connection error says of the URL to itself.
func hide(err error) error {
	var failed *pgconn.ConnectError
	if !errors.As(err, &failed) {
		return err
	}
	var answer *pgconn.PgError
	if errors.As(err, &answer) {
		return fmt.Errorf("connect: %s (SQLSTATE %s)", answer.Message, answer.Code)
	}
	return errors.New("connection refused or lost")
}
