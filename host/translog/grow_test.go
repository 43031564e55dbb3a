package translog

import (
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

// TestGrower compares with package tlog, leaf by leaf, and goes on from saved roots.
func TestGrower(t *testing.T) {
	var stored []tlog.Hash
	read := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var out []tlog.Hash
		for _, i := range indexes {
			out = append(out, stored[i])
		}
		return out, nil
	})
	g := new(Grower)
	for n := int64(0); n < 300; n++ {
		root, err := tlog.TreeHash(n, read)
		if err != nil || root != g.Root() || g.Size() != n {
			t.Fatalf("tree of %d leaves has another root: %v", n, err)
		}
		leaf := []byte{byte(n), byte(n >> 8)}
		want, err := tlog.StoredHashes(n, leaf, read)
		if err != nil {
			t.Fatal(err)
		}
		got := g.Add(leaf)
		if len(got) != len(want) {
			t.Fatalf("leaf %d completes %d hashes, not %d", n, len(got), len(want))
		}
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("hash %d of leaf %d differs", i, n)
			}
		}
		stored = append(stored, want...)
		if g, err = NewGrower(g.Size(), g.Roots()); err != nil {
			t.Fatal(err)
		}
	}
	for _, bad := range []int64{-1, 0, 255, MaxTree + 1} {
		if _, err := NewGrower(bad, g.Roots()); err == nil {
			t.Errorf("the roots of 300 leaves were accepted for %d", bad)
		}
	}
}
