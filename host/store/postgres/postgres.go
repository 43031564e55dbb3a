// Package postgres implements store.Store in a PostgreSQL database, for one server or many
// on the same data.
//
// All servers together are one writer: whoever changes something that the log tells of
// first locks the one row that says where the log ends (see LockHead in query/), and holds
// it until he commits. So what a method finds in its transaction holds when it commits,
// whoever else is there, and leaves are numbered without a gap. The lock lasts over a
// commit; therefore writes of one process that arrive while another one commits share the
// next transaction, each in a savepoint, and statements are sent together whenever no
// answer is needed in between: an opening takes two round trips, however many share them.
//
// Lost connections, servers that fail over to their standby and transactions that collide are
// tried again, for half a minute at most (store.ErrUnavailable). If nobody knows whether a
// transaction was committed, the log tells: its entries are unique. What remains uncertain is
// repeated, which by the rules of package store has no effect.
//
// Queries keep to what PostgreSQL, CockroachDB and YugabyteDB have in common; only the first
// is tested. The schema is in migrations/, package postgresdb is generated from both.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/postgres/postgresdb"
)

// connections is how many the pool has at most, unless the URL says pool_max_conns.
const connections = 16

// Tests have less time.
var (
	// patience is how long a method tries to reach the database.
	patience = 30 * time.Second
	// attempt bounds one try, so that a connection that leads nowhere is given up.
	attempt = 10 * time.Second
)

// Store is an open database. It implements store.Store.
type Store struct {
	pool    *pgxpool.Pool
	queries *postgresdb.Queries // each statement by itself, on any connection
	writer  *writer
	high    atomic.Int64 // the highest time known to be stored
	wanted  atomic.Int64 // the highest time that somebody wants stored
	started atomic.Int64 // numbers the statements that store it
	raised  atomic.Int64 // the last that succeeded
	raising chan struct{}
	close   sync.Once
}

var _ store.Store = (*Store)(nil)

// Open connects to a database, "postgres://user@host/name" with any parameters of libpq and
// pgxpool, brings its schema up to date and returns it. With several hosts it uses the
// one that can be written to. Errors: store.ErrUnavailable, store.ErrVersion,
// and store.ErrDamaged when the database holds something else.
func Open(ctx context.Context, url string) (*Store, error) {
	config, err := configure(url)
	if err != nil {
		return nil, err
	}
	if err := prepare(ctx, config.ConnConfig); err != nil {
		return nil, fmt.Errorf("open database %s: %w", Name(url), wrap(ctx, err))
	}
	pool, err := pgxpool.NewWithConfig(context.WithoutCancel(ctx), config)
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", Name(url), wrap(ctx, err))
	}
	return &Store{pool: pool, queries: postgresdb.New(pool), writer: newWriter(pool), raising: make(chan struct{}, 1)}, nil
}

// Name is what may be shown of a database's URL: no password, no parameters.
func Name(text string) string {
	u, err := url.Parse(text)
	if err != nil || !IsURL(text) || strings.Contains(u.Path, "@") { // a slash too many
		return "(not a URL)"
	}
	host := u.Host
	if host == "" {
		host = u.Query().Get("host")
	}
	return u.Scheme + "://" + host + u.Path
}

// IsURL tells the URL of a database from the name of a file or folder.
func IsURL(text string) bool {
	return strings.HasPrefix(text, "postgres://") || strings.HasPrefix(text, "postgresql://")
}

// configure reads the URL. The parser's errors may hold the password: they are not told.
func configure(text string) (*pgxpool.Config, error) {
	if !IsURL(text) {
		return nil, errors.New("open database: the URL must begin with postgres://")
	}
	config, err := pgxpool.ParseConfig(text)
	if err != nil {
		return nil, fmt.Errorf("open database %s: the URL is malformed or names an unknown parameter", Name(text))
	}
	if !strings.Contains(text, "pool_max_conns") {
		config.MaxConns = connections
	}
	c := config.ConnConfig
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = attempt / 2
	}
	if c.ValidateConnect == nil {
		c.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	// Who hangs up while his request is served costs a statement, not a connection.
	c.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: conn, DeadlineDelay: time.Second}
	}
	config.AfterConnect = settle
	return config, nil
}

// settle makes sure that what a session commits is durable, and that a server that stands
// still in a transaction does not hold up the others for ever.
func settle(ctx context.Context, conn *pgx.Conn) error {
	var durable string
	if err := conn.QueryRow(ctx, "SHOW synchronous_commit").Scan(&durable); err != nil {
		return err
	}
	set := "SET idle_in_transaction_session_timeout = '20s'"
	if durable == "off" {
		set += "; SET synchronous_commit = on"
	}
	_, err := conn.Exec(ctx, set)
	return err
}

// Close implements store.Store. Calls that are under way may fail.
func (s *Store) Close() error {
	s.close.Do(func() {
		s.writer.stop()
		s.pool.Close()
	})
	return nil
}

// do runs fn, which asks one statement or several that do not depend on one another, until
// the database answers.
func (s *Store) do(ctx context.Context, doing string, fn func(context.Context, *postgresdb.Queries) error) error {
	return failed(ctx, doing, s.retry(ctx, func() error {
		ctx, cancel := context.WithTimeout(ctx, attempt)
		defer cancel()
		return fn(ctx, s.queries)
	}))
}

// view runs fn on one snapshot, as long as it takes.
func (s *Store) view(ctx context.Context, doing string, fn func(*postgresdb.Queries) error) error {
	return failed(ctx, doing, s.retry(ctx, func() error {
		options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
		return pgx.BeginTxFunc(ctx, s.pool, options, func(tx pgx.Tx) error { return fn(postgresdb.New(tx)) })
	}))
}

// retry runs fn until its error is not one that passes, or patience ends.
func (s *Store) retry(ctx context.Context, fn func() error) error {
	begun := time.Now()
	for n := 0; ; n++ {
		err := ctx.Err()
		if err == nil {
			err = fn()
		}
		if err == nil || ctx.Err() != nil || !passes(err) {
			return err
		}
		if lost(err) {
			s.pool.Reset() // the other connections are no better
		}
		if time.Since(begun) > patience {
			return unavailable(err)
		}
		pause(ctx, n)
	}
}

// pause waits before the next attempt, longer each time.
func pause(ctx context.Context, n int) {
	select {
	case <-ctx.Done():
	case <-time.After(min(5*time.Millisecond<<min(n, 10), time.Second)):
	}
}

// update runs fn as one durable transaction of the only writer, with the claim of ctx. fn
// may run more than once.
func (s *Store) update(ctx context.Context, doing string, fn func(*tx) error) error {
	return failed(ctx, doing, s.writer.write(&write{ctx: ctx, fn: fn}))
}
