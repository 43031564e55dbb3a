package backup_test

import (
	"context"
	"testing"

	"github.com/recrypt-service/recrypt/host/backup"
	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/server"
)

// TestMigrateForgotten: a server of the source that was forgotten, and is idle, must not go on.
func TestMigrateForgotten(t *testing.T) {
	shared := engines["postgres"](t)
	s := serve(t, listen(t), shared, "")
	c := newCast(t, s.url)
	c.write()
	c.grant(c.bob)
	c.must(c.reads(c.bob, 0))
	to := server.Place{DataDir: t.TempDir()}
	if _, err := backup.Migrate(context.Background(), backup.Migration{From: shared, To: to, Core: core(t)}); err != nil {
		t.Fatal(err)
	}
	c.bob.State = client.NewMemoryState()
	if err := c.reads(c.bob, 0); err == nil {
		t.Error("the old server goes on after everything was moved: a revocation at the new one does not reach it")
	}
}
