package storetest

import (
	"crypto/sha256"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/recrypt-service/recrypt/host/store"
)

// Benchmark measures what requests cost an engine. open returns an empty store.
func Benchmark(b *testing.B, open func(b *testing.B) store.Store) {
	for _, bench := range []struct {
		name string
		run  func(*testing.B, store.Store)
	}{
		{"ClaimNonce", benchmarkClaimNonce},
		{"ActiveGrant", benchmarkActiveGrant},
		{"Opening", benchmarkOpening},
		{"HighWater", benchmarkHighWater},
		{"AppendLog", benchmarkAppendLog},
		{"Tile", benchmarkTile},
	} {
		b.Run(bench.name, func(b *testing.B) { bench.run(b, open(b)) })
	}
}

// clients runs fn alone and from eight goroutines, who share commits.
func clients(b *testing.B, fn func(n int) error) {
	var calls atomic.Int64
	for _, clients := range []int{1, 8} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			b.ReportAllocs()
			b.SetParallelism(max(1, clients/runtime.GOMAXPROCS(0)))
			work := func(next func() bool) {
				for next() {
					if err := fn(int(calls.Add(1))); err != nil {
						b.Error(err)
						return
					}
				}
			}
			if clients == 1 {
				work(b.Loop)
				return
			}
			b.RunParallel(func(pb *testing.PB) { work(pb.Next) })
		})
	}
}

// benchmarkClaimNonce: every signed request does that.
func benchmarkClaimNonce(b *testing.B, s store.Store) {
	clients(b, func(n int) error { return s.ClaimNonce(b.Context(), [32]byte{byte(n)}, fmt.Sprint(n), 1) })
}

// opened stores a grant that opens epoch 0.
func opened(b *testing.B, s store.Store) store.Grant {
	b.Helper()
	c := newChain()
	g := c.grant(id32(), 0)
	g.Uses = 0
	c.put(b, s, 0, g)
	return g
}

func benchmarkActiveGrant(b *testing.B, s store.Store) {
	g := opened(b, s)
	clients(b, func(int) error {
		_, err := s.ActiveGrant(b.Context(), g.Collection, 0, g.Reader, 1)
		return err
	})
}

// benchmarkOpening is what an opening adds to the nonce of its request: the grant is
// checked and an entry with its evidence appended.
func benchmarkOpening(b *testing.B, s store.Store) {
	g := opened(b, s)
	clients(b, func(n int) error { return s.RecordOpening(b.Context(), g.ID, 1, 1, entries(n, 1)) })
}

// benchmarkHighWater: a clock that goes on with each call.
func benchmarkHighWater(b *testing.B, s store.Store) {
	clients(b, func(n int) error {
		_, err := s.HighWater(b.Context(), int64(n))
		return err
	})
}

// benchmarkAppendLog appends one entry to logs of growing size: the time must not grow
// with them.
func benchmarkAppendLog(b *testing.B, s store.Store) {
	n := 0
	for _, size := range []int{0, 1_000, 100_000} {
		for ; n < size; n += 1000 {
			fatal(b, s.AppendLog(b.Context(), entries(n, 1000)))
		}
		b.Run(fmt.Sprintf("leaves=%d", size), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				n++
				fatal(b, s.AppendLog(b.Context(), entries(n, 1)))
			}
		})
	}
}

// benchmarkTile reads what a full tile of the log is made of.
func benchmarkTile(b *testing.B, s store.Store) {
	fatal(b, s.AppendLog(b.Context(), entries(0, 1000)))
	indexes := make([]int64, 256)
	for i := range indexes {
		indexes[i] = tlog.StoredHashIndex(0, int64(i))
	}
	b.ReportAllocs()
	for b.Loop() {
		_, err := s.LogHashes(b.Context(), indexes)
		fatal(b, err)
	}
}

// entries makes entries of the usual size, with evidence that no two share.
func entries(first, n int) []store.LogEntry {
	log := make([]store.LogEntry, n)
	for i := range log {
		evidence := sha256.Sum256(fmt.Append(nil, first+i))
		log[i] = store.LogEntry{
			Leaf: evidence[:], Entry: make([]byte, 250),
			Evidence: append(make([]byte, 600), evidence[:]...), Actor: [32]byte{1},
		}
	}
	return log
}
