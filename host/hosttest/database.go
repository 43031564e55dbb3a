package hosttest

import (
	"bytes"
	"context"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/recrypt-service/recrypt/host/keyring"
	"github.com/recrypt-service/recrypt/host/server"
	"github.com/recrypt-service/recrypt/host/store/postgres"
	"github.com/recrypt-service/recrypt/host/store/sqlite"
)

// open opens what a server keeps its data in.
func open(ctx context.Context, s *Server) (parts server.Parts, err error) {
	parts.Seed = bytes.Clone(s.Seed)
	if s.Database == "" {
		db, err := sqlite.Open(ctx, filepath.Join(s.Dir, "recrypt.db"))
		if err != nil {
			return parts, err
		}
		parts.Store = db
		parts.Keyring, err = keyring.Open(filepath.Join(s.Dir, "keyring.db"))
		return parts, err
	}
	parts.Shared = true
	db, err := postgres.Open(ctx, s.Database)
	if err != nil {
		return parts, err
	}
	parts.Store = db
	parts.Keyring, err = keyring.OpenPostgres(ctx, s.Database, s.Seed)
	return parts, err
}

// truncate empties the keyring in a database.
func truncate(t testing.TB, url string) {
	t.Helper()
	ctx := context.Background()
	c, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	if _, err := c.Exec(ctx, "TRUNCATE keyring_keys"); err != nil {
		t.Fatal(err)
	}
}
