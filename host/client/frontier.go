package client

import (
	"crypto/sha256"

	"golang.org/x/mod/sumdb/tlog"
)

// A frontier computes the root of a tree of RFC 6962 while its leaves come: it keeps
// the roots of the complete subtrees, largest first.
type frontier struct {
	size  int64
	roots []tlog.Hash
}

// add appends a leaf.
func (f *frontier) add(leaf []byte) {
	h := tlog.RecordHash(leaf)
	for n := f.size; n&1 == 1; n >>= 1 { // a subtree of the same size is complete
		last := len(f.roots) - 1
		h = tlog.NodeHash(f.roots[last], h)
		f.roots = f.roots[:last]
	}
	f.roots = append(f.roots, h)
	f.size++
}

// root returns the root of the tree so far.
func (f *frontier) root() tlog.Hash {
	if f.size == 0 {
		return sha256.Sum256(nil)
	}
	h := f.roots[len(f.roots)-1]
	for i := len(f.roots) - 2; i >= 0; i-- {
		h = tlog.NodeHash(f.roots[i], h)
	}
	return h
}
