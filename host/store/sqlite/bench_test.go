package sqlite_test

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/sqlite"
)

// BenchmarkClaimNonce is what every signed request costs, alone and together with
// others, who share an fsync.
func BenchmarkClaimNonce(b *testing.B) {
	for _, clients := range []int{1, 16} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			s := openBench(b)
			var n atomic.Int64
			b.SetParallelism(clients)
			if clients == 1 {
				for b.Loop() {
					if err := s.ClaimNonce(b.Context(), [32]byte{byte(n.Load())}, fmt.Sprint(n.Add(1)), 1); err != nil {
						b.Fatal(err)
					}
				}
				return
			}
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := s.ClaimNonce(b.Context(), [32]byte{byte(n.Load())}, fmt.Sprint(n.Add(1)), 1); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

// BenchmarkOpening is what an opening adds to the nonce of its request: the grant is
// checked and an entry with its evidence appended.
func BenchmarkOpening(b *testing.B) {
	for _, clients := range []int{1, 16} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			s := openBench(b)
			g := store.Grant{ID: [16]byte{1}, Record: make([]byte, 400), Sealed: make([]byte, 1200)}
			_, err := s.PutCollection(b.Context(), store.CollectionRecord{Record: []byte{1}}, [32]byte{}, []store.Grant{g}, nil)
			if err != nil {
				b.Fatal(err)
			}
			var n atomic.Int64
			open := func() error { return s.RecordOpening(b.Context(), g.ID, 1, 1, entries(int(n.Add(1)), 1)) }
			if clients == 1 {
				for b.Loop() {
					if err := open(); err != nil {
						b.Fatal(err)
					}
				}
				return
			}
			b.SetParallelism(clients)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := open(); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

// BenchmarkAppendLog appends one entry to logs of growing size: the time must not grow
// with them.
func BenchmarkAppendLog(b *testing.B) {
	for _, size := range []int{0, 1_000, 100_000} {
		b.Run(fmt.Sprintf("leaves=%d", size), func(b *testing.B) {
			s := openBench(b)
			n := 0
			for ; n < size; n += 1000 {
				if err := s.AppendLog(b.Context(), entries(n, 1000)); err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				n++
				if err := s.AppendLog(b.Context(), entries(n, 1)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkTile reads what a full tile of the log is made of.
func BenchmarkTile(b *testing.B) {
	s := openBench(b)
	if err := s.AppendLog(b.Context(), entries(0, 1000)); err != nil {
		b.Fatal(err)
	}
	indexes := make([]int64, 256)
	for i := range indexes {
		indexes[i] = tlog.StoredHashIndex(0, int64(i))
	}
	for b.Loop() {
		if _, err := s.LogHashes(b.Context(), indexes); err != nil {
			b.Fatal(err)
		}
	}
}

func openBench(b *testing.B) *sqlite.Store {
	b.Helper()
	s, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "recrypt.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	return s
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
