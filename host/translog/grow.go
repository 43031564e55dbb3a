package translog

import (
	"errors"

	"golang.org/x/mod/sumdb/tlog"
)

// A Grower computes the hashes of a log's tree while its leaves come. It keeps the roots of
// the complete subtrees, largest first. The zero value is the empty tree.
type Grower struct {
	size  int64
	roots []tlog.Hash
}

// errRoots says that roots are not those of a tree of that size.
var errRoots = errors.New("roots of subtrees do not fit the size of the tree")

// NewGrower goes on from a tree with what Roots has returned.
func NewGrower(size int64, roots []tlog.Hash) (*Grower, error) {
	count := 0
	for n := size; n > 0; n &= n - 1 {
		count++
	}
	if size < 0 || size > MaxTree || count != len(roots) {
		return nil, errRoots
	}
	return &Grower{size, append([]tlog.Hash(nil), roots...)}, nil
}

// Add appends a leaf and returns the hashes that it completes, in the order of their stored
// indexes, the first of which is that of the leaf: see [tlog.StoredHashIndex].
func (g *Grower) Add(leaf []byte) []tlog.Hash {
	h := tlog.RecordHash(leaf)
	completed := []tlog.Hash{h}
	for n := g.size; n&1 == 1; n >>= 1 { // a subtree of the same size is complete
		last := len(g.roots) - 1
		h = tlog.NodeHash(g.roots[last], h)
		g.roots = g.roots[:last]
		completed = append(completed, h)
	}
	g.roots = append(g.roots, h)
	g.size++
	return completed
}

// Size returns how many leaves there are.
func (g *Grower) Size() int64 { return g.size }

// Roots returns the roots of the complete subtrees, largest first.
func (g *Grower) Roots() []tlog.Hash { return append([]tlog.Hash(nil), g.roots...) }

// Root returns the root of the tree so far.
func (g *Grower) Root() tlog.Hash {
	if g.size == 0 {
		return emptyRoot
	}
	h := g.roots[len(g.roots)-1]
	for i := len(g.roots) - 2; i >= 0; i-- {
		h = tlog.NodeHash(g.roots[i], h)
	}
	return h
}
