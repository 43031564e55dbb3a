package pgtest

import (
	"context"
	"errors"
	"os"
	"sync"
	"testing"
)

var shared struct {
	sync.Mutex
	cluster *Cluster
	err     error
}

// Start returns a running cluster. Without options all tests of a process share one; with
// any, it belongs to t and ends with it.
//
// Where there is no PostgreSQL the test is skipped, or fails if REQUIRE_POSTGRES=1.
func Start(t testing.TB, o Options) *Cluster {
	t.Helper()
	if o.Fsync || len(o.Settings) > 0 {
		c, err := Run("", o)
		check(t, err)
		t.Cleanup(func() { c.Close() })
		return c
	}
	shared.Lock()
	defer shared.Unlock()
	if shared.cluster == nil && shared.err == nil {
		shared.cluster, shared.err = Run("", o)
	}
	check(t, shared.err)
	if err := shared.cluster.Restart(); err != nil { // after a test that killed it
		t.Fatal(err)
	}
	return shared.cluster
}

// check ends the test without a cluster.
func check(t testing.TB, err error) {
	t.Helper()
	switch {
	case err == nil:
	case errors.Is(err, ErrMissing) && os.Getenv("REQUIRE_POSTGRES") != "1":
		t.Skip("NOT TESTED: " + err.Error())
	default:
		t.Fatal(err)
	}
}

// Database makes an empty database, which is removed after t, and returns its URL.
func (c *Cluster) Database(t testing.TB) string {
	t.Helper()
	name, err := c.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if c.process.running() {
			c.Drop(context.Background(), name)
		}
	})
	return c.URL(name)
}

// Main runs the tests of a package and ends the cluster that they share: for
//
//	func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
//
// Without it the cluster still ends with the process, but its files stay until the next
// one starts.
func Main(m *testing.M) int {
	code := m.Run()
	shared.Lock()
	defer shared.Unlock()
	if shared.cluster != nil {
		shared.cluster.Close()
	}
	return code
}
