package pgtest_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/recrypt-service/recrypt/host/store/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

func count(t *testing.T, url string) (n int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if err := conn.QueryRow(ctx, "SELECT count(*) FROM t").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestFailover kills a server, starts it again, and lets its standby take over.
func TestFailover(t *testing.T) {
	ctx := t.Context()
	primary := pgtest.Start(t, pgtest.Options{Fsync: true})
	name, err := primary.Create(ctx)
	if err != nil {
		t.Fatal(err)
	}
	exec := func(c *pgtest.Cluster, statement string) {
		t.Helper()
		if err := c.Exec(ctx, name, statement); err != nil {
			t.Fatal(err)
		}
	}
	exec(primary, "CREATE TABLE t (v int)")
	exec(primary, "INSERT INTO t VALUES (1)")
	if err := primary.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := primary.Restart(); err != nil {
		t.Fatal(err)
	}
	if n := count(t, primary.URL(name)); n != 1 {
		t.Fatalf("%d rows after the kill", n)
	}
	standby, err := primary.Standby(true)
	if err != nil {
		t.Fatal(err)
	}
	defer standby.Close()
	exec(primary, "INSERT INTO t VALUES (2)")
	if err := primary.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := standby.Promote(); err != nil {
		t.Fatal(err)
	}
	if n := count(t, pgtest.URL(name, primary, standby)); n != 2 {
		t.Fatalf("%d rows after the standby took over", n)
	}
	exec(standby, "INSERT INTO t VALUES (3)")
}

func TestDatabases(t *testing.T) {
	c := pgtest.Start(t, pgtest.Options{})
	if c != pgtest.Start(t, pgtest.Options{}) {
		t.Fatal("tests do not share a cluster")
	}
	if a, b := c.Database(t), c.Database(t); a == b {
		t.Fatal("tests share a database")
	}
}
