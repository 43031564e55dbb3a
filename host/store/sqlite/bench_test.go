package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/sqlite"
	"github.com/recrypt-service/recrypt/host/store/storetest"
)

func BenchmarkStore(b *testing.B) {
	storetest.Benchmark(b, func(b *testing.B) store.Store {
		s, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "recrypt.db"))
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { s.Close() })
		return s
	})
}
