package postgres_test

import (
	"testing"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/pgtest"
	"github.com/recrypt-service/recrypt/host/store/storetest"
)

// BenchmarkStore measures with a server that waits for its disk and one that does not.
func BenchmarkStore(b *testing.B) {
	for name, o := range map[string]pgtest.Options{"fsync=off": {}, "fsync=on": {Fsync: true}} {
		b.Run(name, func(b *testing.B) {
			c := pgtest.Start(b, o)
			storetest.Benchmark(b, func(b *testing.B) store.Store { return open(b, c.Database(b)) })
		})
	}
}
