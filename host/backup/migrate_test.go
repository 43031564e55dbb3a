package backup_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/backup"
	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/server"
)

// TestMigrate moves a service from a file to PostgreSQL and back, with people who go on
// without noticing.
func TestMigrate(t *testing.T) {
	ctx := context.Background()
	file, addr := engines["sqlite"](t), listen(t)
	shared := engines["postgres"](t)
	s := serve(t, addr, file, "")
	c := newCast(t, s.url)
	c.write()
	c.grant(c.bob)
	c.grant(c.eve)
	c.revoke(c.eve)
	c.write()
	if _, err := backup.Migrate(ctx, backup.Migration{From: file, To: shared, Core: core(t)}); err == nil {
		t.Fatal("a folder that is served was migrated")
	}
	s.stop()

	there, err := backup.Migrate(ctx, backup.Migration{From: file, To: shared, Core: core(t)})
	if err != nil {
		t.Fatal(err)
	}
	if there.Keys != 2 || there.Rows("document_keys") != 2 {
		t.Errorf("moved %d keys and %d documents", there.Keys, there.Rows("document_keys"))
	}
	s = serve(t, addr, shared, "")
	life(c)
	s.stop()
	if _, err := backup.Migrate(ctx, backup.Migration{From: file, To: shared, Core: core(t)}); err == nil {
		t.Error("the folder was migrated twice")
	}

	back := server.Place{DataDir: t.TempDir()}
	if _, err := backup.Migrate(ctx, backup.Migration{From: shared, To: back, Core: core(t)}); err != nil {
		t.Fatal(err)
	}
	s = serve(t, addr, back, "")
	life(c)
	s.stop()
}

// life goes on: Bob reads, Eve does not, she is granted and revoked again.
func life(c *cast) {
	c.t.Helper()
	c.must(c.reads(c.bob, 0))
	c.must(c.reads(c.bob, 1))
	if err := c.reads(c.eve, 0); !errors.Is(err, client.ErrNoAccess) {
		c.t.Errorf("the revoked reader reads: %v", err)
	}
	number := c.write()
	c.grant(c.eve)
	c.must(c.reads(c.eve, number))
	c.revoke(c.eve)
	if err := c.reads(c.eve, number); !errors.Is(err, client.ErrNoAccess) {
		c.t.Errorf("the revoked reader reads: %v", err)
	}
	c.must(c.as(c.alice, func(k *client.Client) error { _, err := k.Audit(context.Background(), nil); return err }))
}

// TestMigrateRefuses: nothing is overwritten, and nothing half-done is served.
func TestMigrateRefuses(t *testing.T) {
	ctx := context.Background()
	file, addr := engines["sqlite"](t), listen(t)
	s := serve(t, addr, file, "")
	c := newCast(t, s.url)
	c.write()
	c.grant(c.bob)
	s.stop()
	other := engines["sqlite"](t)
	serve(t, listen(t), other, "").stop()
	shared := engines["postgres"](t)
	serve(t, listen(t), shared, "").stop()
	for name, to := range map[string]server.Place{"folder": other, "database": shared} {
		before := snapshot(t, to)
		if _, err := backup.Migrate(ctx, backup.Migration{From: file, To: to, Core: core(t)}); !errors.Is(err, backup.ErrNotEmpty) {
			t.Errorf("a %s with data was filled: %v", name, err)
		}
		if !bytes.Equal(before, snapshot(t, to)) {
			t.Errorf("the %s has changed", name)
		}
	}
	if _, err := backup.Migrate(ctx, backup.Migration{From: file, To: file, Core: core(t)}); err == nil {
		t.Error("a folder was migrated to itself")
	}

	// Interrupted at several moments, then done again.
	for name, to := range map[string]server.Place{"folder": engines["sqlite"](t), "database": engines["postgres"](t)} {
		for _, after := range []int64{1, 20, 40} {
			broken, cancel := context.WithCancel(ctx)
			_, err := backup.Migrate(broken, backup.Migration{From: file, To: to, Core: core(t), Progress: func(done, all int64) {
				if done == after {
					cancel()
				}
			}})
			cancel()
			if err == nil {
				t.Fatalf("%s: it was not interrupted after %d rows", name, after)
			}
			if _, err := os.Stat(filepath.Join(to.DataDir, "recrypt.db")); err == nil {
				t.Errorf("%s: a database is there after the interruption", name)
			}
		}
		copied := duplicate(t, file)
		if _, err := backup.Migrate(ctx, backup.Migration{From: copied, To: to, Core: core(t)}); err != nil {
			t.Fatalf("%s: again after interruptions: %v", name, err)
		}
		s := serve(t, addr, to, "")
		c.bob.State = client.NewMemoryState() // who has not seen the other one
		c.must(c.reads(c.bob, 0))
		s.stop()
	}
}

// duplicate copies the folder of a server that does not run.
func duplicate(t *testing.T, p server.Place) server.Place {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(p.DataDir)); err != nil {
		t.Fatal(err)
	}
	return server.Place{DataDir: dir}
}

// snapshot is what a place holds, without transform keys.
func snapshot(t *testing.T, p server.Place) []byte {
	t.Helper()
	db, err := backup.Open(context.Background(), target(p))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var out bytes.Buffer
	if _, err := backup.Export(context.Background(), db, &out, backup.Options{Time: time.Now().UnixMilli() / 1e9}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func target(p server.Place) string {
	if p.Database != "" {
		return p.Database
	}
	return filepath.Join(p.DataDir, "recrypt.db")
}
