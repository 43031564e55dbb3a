package keyring

import (
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"
)

// TestRetainMany measures a start with RECRYPT_TEST_GRANTS grants, all of them live.
func TestRetainMany(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("RECRYPT_TEST_GRANTS"))
	if n == 0 {
		t.Skip("set RECRYPT_TEST_GRANTS to a number to measure")
	}
	onBoth(t, func(t *testing.T, b bench) {
		k := b.open(t)
		grant := func(i int) (id [16]byte) {
			binary.BigEndian.PutUint64(id[:], uint64(i)*0x9e3779b97f4a7c15)
			return id
		}
		for from := 0; from < n; from += 10_000 {
			ids, keys := make([][16]byte, 0, 10_000), make([][]byte, 10_000)
			for i := range 10_000 {
				ids = append(ids, grant(from+i))
			}
			_, err := k.SealAll(t.Context(), ids, keys)
			fatal(t, err)
		}
		b.age(t, k)
		all := make([][16]byte, n)
		for i := range all {
			all[i] = grant(i)
		}
		live := in(all...)
		fatal(t, live(func([16]byte) error { return nil })) // sorts
		begun := time.Now()
		retain(t, k, 0, all...)
		fmt.Printf("%d keys compared in %v\n", n, time.Since(begun))
	})
}
