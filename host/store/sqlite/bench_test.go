package sqlite_test

import (
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/recrypt-service/recrypt/host/store/sqlite"
)

// BenchmarkClaimNonce is what every signed request costs, alone and together with
// others, who share an fsync.
func BenchmarkClaimNonce(b *testing.B) {
	for _, clients := range []int{1, 16} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			s, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "recrypt.db"))
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
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
