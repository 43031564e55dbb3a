package translog

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

// A claim is what a proof is to show; either of leaf and old root is used.
type claim struct {
	leaf       []byte
	index, old int64
	oldRoot    tlog.Hash
	size       int64
	root       tlog.Hash
	proof      [][]byte
}

func (c *claim) inclusion() error { return VerifyInclusion(c.leaf, c.index, c.size, c.root, c.proof) }
func (c *claim) consistency() error {
	return VerifyConsistency(c.old, c.oldRoot, c.size, c.root, c.proof)
}

// mutate changes one thing. A size comes with its root: checkpoints are signed, and
// an inclusion proof alone does not tell the size of the tree.
func (c *claim) mutate(r *rand.Rand, l *testLog) {
	flip := func(b []byte) { b[r.IntN(len(b))] ^= 1 << r.IntN(8) }
	near := func(n int64) int64 { return min(max(n+r.Int64N(7)-3, 0), l.size()) }
	n := len(c.proof)
	switch r.IntN(12) {
	case 0:
		flip(c.leaf)
	case 1:
		c.index += r.Int64N(7) - 3
	case 2:
		c.size = near(c.size)
		c.root = l.root(c.size)
	case 3:
		c.old = near(c.old)
		c.oldRoot = l.root(c.old)
	case 4:
		flip(c.root[:])
	case 5:
		flip(c.oldRoot[:])
	case 6:
		if n > 0 {
			flip(c.proof[r.IntN(n)])
		}
	case 7:
		if n > 0 {
			c.proof = slices.Delete(c.proof, n-1, n)
		}
	case 8:
		h := l.hashes[r.IntN(len(l.hashes))]
		c.proof = slices.Insert(c.proof, r.IntN(n+1), h[:])
	case 9:
		if n > 1 {
			i, j := r.IntN(n), r.IntN(n)
			c.proof[i], c.proof[j] = c.proof[j], c.proof[i]
		}
	case 10:
		if n > 0 {
			i := r.IntN(n)
			c.proof[i] = c.proof[i][:31]
		}
	case 11:
		c.leaf = bytes.Clone(l.leaves[r.IntN(len(l.leaves))])
	}
}

// included reports whether the log makes the claim true, and by this proof.
func (c *claim) included(l *testLog) bool {
	return c.root == l.root(c.size) && c.index >= 0 && c.index < c.size && bytes.Equal(c.leaf, l.leaves[c.index]) &&
		slices.EqualFunc(c.proof, l.inclusion(c.index, c.size), bytes.Equal)
}

func (c *claim) continued(l *testLog) bool {
	if c.old == c.size { // whatever it is, it goes on from itself
		return c.oldRoot == c.root && len(c.proof) == 0
	}
	if c.old == 0 { // everything goes on from nothing
		return c.oldRoot == emptyRoot && len(c.proof) == 0
	}
	return c.root == l.root(c.size) && c.old <= c.size && c.oldRoot == l.root(c.old) &&
		slices.EqualFunc(c.proof, l.consistency(c.old, c.size), bytes.Equal)
}

func TestInclusion(t *testing.T) {
	l := newTestLog(1)
	l.grow(130, 1)
	for size := int64(1); size <= l.size(); size++ {
		root := l.root(size)
		for index := range size {
			if err := VerifyInclusion(l.leaves[index], index, size, root, l.inclusion(index, size)); err != nil {
				t.Fatalf("leaf %d of %d: %v", index, size, err)
			}
		}
	}
}

func TestConsistency(t *testing.T) {
	l := newTestLog(1)
	l.grow(130, 1)
	for newer := range l.size() + 1 {
		for older := range newer + 1 {
			if err := VerifyConsistency(older, l.root(older), newer, l.root(newer), l.consistency(older, newer)); err != nil {
				t.Fatalf("%d to %d: %v", older, newer, err)
			}
		}
	}
	for name, err := range map[string]error{
		"backwards":        VerifyConsistency(9, l.root(9), 8, l.root(8), nil),
		"empty, with root": VerifyConsistency(0, l.root(1), 8, l.root(8), nil),
		"empty, with more": VerifyConsistency(0, emptyRoot, 8, l.root(8), l.consistency(3, 8)),
		"both empty":       VerifyConsistency(0, emptyRoot, 0, l.root(8), nil),
		"negative":         VerifyConsistency(-1, emptyRoot, 8, l.root(8), nil),
		"huge":             VerifyConsistency(1, l.root(1), MaxTree+1, l.root(8), nil),
		"long":             VerifyConsistency(3, l.root(3), 8, l.root(8), make([][]byte, maxProof+1)),
		"same size":        VerifyConsistency(8, l.root(8), 8, l.root(7), nil),
	} {
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// Nothing is accepted but what is true, and that only by its own proof.
func TestMutatedProofs(t *testing.T) {
	l := newTestLog(1)
	l.grow(700, 1)
	for i := range short(200_000) {
		r := rand.New(rand.NewPCG(7, uint64(i)))
		size := 1 + r.Int64N(l.size())
		index, old := r.Int64N(size), 1+r.Int64N(size)
		c := &claim{leaf: bytes.Clone(l.leaves[index]), index: index, old: old, oldRoot: l.root(old), size: size, root: l.root(size)}
		verify, holds := (*claim).inclusion, (*claim).included
		if c.proof = l.inclusion(index, size); i%2 == 0 {
			c.proof = l.consistency(old, size)
			verify, holds = (*claim).consistency, (*claim).continued
		}
		for range 1 + r.IntN(3) {
			c.mutate(r, l)
		}
		if err := verify(c); (err == nil) != holds(c, l) {
			t.Fatalf("case %d: size %d index %d old %d: %v", i, c.size, c.index, c.old, err)
		}
	}
}

// Two histories that part somewhere cannot be shown to be one, whatever of either is used
// as a proof.
func TestEquivocation(t *testing.T) {
	for fork := range int64(40) {
		one, two := newTestLog(1), newTestLog(1)
		one.grow(int(fork), 1)
		two.grow(int(fork), 1)
		one.grow(10, 2)
		two.grow(20, 3)
		for older := fork + 1; older <= one.size(); older++ {
			for newer := older; newer <= two.size(); newer++ {
				proof := two.consistency(older, newer)
				if VerifyConsistency(older, one.root(older), newer, two.root(newer), proof) == nil {
					t.Fatalf("fork at %d: %d goes on to %d of another history", fork, older, newer)
				}
				if newer <= one.size() && VerifyConsistency(older, one.root(older), newer, two.root(newer), one.consistency(older, newer)) == nil {
					t.Fatalf("fork at %d: accepted with the proof of the first", fork)
				}
			}
		}
		if VerifyConsistency(fork, one.root(fork), two.size(), two.root(two.size()), two.consistency(fork, two.size())) != nil {
			t.Fatalf("fork at %d: the common beginning is refused", fork)
		}
	}
}
