package postgres

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/recrypt-service/recrypt/host/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Tables that are not of the schema.
const (
	versionTable = "store_version"
	lockTable    = "store_lock"
)

// prepare checks that the database is ours, or empty, and brings its schema up to date.
func prepare(ctx context.Context, config *pgx.ConnConfig) error {
	db := stdlib.OpenDB(*config)
	defer db.Close()
	begun := time.Now()
	for n := 0; ; n++ {
		err := check(ctx, db)
		if err == nil {
			err = migrate(ctx, db)
		}
		// 42P07, 23505: another server that starts has just made the same table.
		again := passes(err) || code(err) == "42P07" || code(err) == "23505"
		if err == nil || ctx.Err() != nil || !again {
			return err
		}
		if time.Since(begun) > patience {
			return unavailable(err)
		}
		pause(ctx, n)
	}
}

// check refuses a database that cannot be, or become, a store.
func check(ctx context.Context, db *sql.DB) error {
	var encoding string
	if err := db.QueryRowContext(ctx, "SHOW server_encoding").Scan(&encoding); err != nil {
		return err
	}
	if encoding != "UTF8" {
		return fmt.Errorf("%w: its encoding is %s, make one with ENCODING 'UTF8' TEMPLATE template0", store.ErrInvalid, encoding)
	}
	var ours, others int
	err := db.QueryRowContext(ctx, `SELECT COUNT(CASE WHEN table_name = $1 THEN 1 END),
			COUNT(CASE WHEN table_name NOT LIKE 'store\_%' AND table_name NOT LIKE 'keyring%' THEN 1 END)
		FROM information_schema.tables WHERE table_schema = current_schema()`, versionTable).Scan(&ours, &others)
	if err == nil && ours == 0 && others > 0 {
		err = fmt.Errorf("%w: it holds tables of something else, make an empty one", store.ErrDamaged)
	}
	return err
}

// migrate brings the schema up to date, each step in one transaction, while other servers
// wait.
func migrate(ctx context.Context, db *sql.DB) error {
	steps, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	locker, err := lock.NewPostgresTableLocker(lock.WithTableName(lockTable),
		lock.WithTableLockTimeout(200*time.Millisecond, 3000), lock.WithTableLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, steps, goose.WithTableName(versionTable),
		goose.WithDisableGlobalRegistry(true), goose.WithLocker(locker), goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return fmt.Errorf("read migrations: %w", err)
	}
	have, want, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	switch {
	case have > want:
		return fmt.Errorf("%w: schema %d, this one knows %d", store.ErrVersion, have, want)
	case have == want:
		return nil
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}
