package mirror_test

import (
	"path/filepath"
	"testing"

	"github.com/recrypt-service/recrypt/host/mirror"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/sqlite"
)

// switching is a database that fails over to another one.
type switching struct{ store.Store }

// TestMirrorLossyFailover: a mirror does not go on with another history, and does not vouch for it.
func TestMirrorLossyFailover(t *testing.T) {
	w := newWorld(t)
	w.grow(5)
	sw := &switching{w.store}
	m, err := mirror.Open(t.Context(), mirror.Config{Dir: w.dir, Record: w.record, Store: sw})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if m.Size() != 5 {
		t.Fatal(m.Size())
	}
	// The database fails over to one that has only the first three, and goes on otherwise.
	other := &world{t: t, dir: w.dir, record: w.record}
	other.store, err = sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "r.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.store.Close() })
	other.grow(3)
	other.count = 100
	sw.Store = other.store
	other.grow(1) // stands for a revocation: leaf 3
	if err := m.Revoked(t.Context(), &store.Revocation{ID: [16]byte{1}, Receipt: []byte("receipt")}); err == nil {
		t.Error("a revocation whose leaf is not in the mirror was said to be there")
	}
	other.grow(4) // size 8
	if err := m.CatchUp(t.Context(), nil); err == nil {
		t.Errorf("the mirror of one log (5) goes on with another one: size %d", m.Size())
	}
}
