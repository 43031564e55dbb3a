package engine

import "sync/atomic"

// A region is the linear memory of an instance. It reserves the largest size at
// once, so that it never moves: growing leaves no copy of secrets behind, and the
// stop word can be written while a call runs. What is not used yet costs no
// memory.
type region struct {
	b         []byte // of the largest size
	used      int
	unreserve func()
	freed     atomic.Bool
}

// newRegion reserves limit bytes.
func newRegion(limit uint64) *region {
	b, unreserve := reserve(int(limit))
	return &region{b: b, unreserve: unreserve}
}

// Reallocate returns the first size bytes, or nil if there are fewer.
func (r *region) Reallocate(size uint64) []byte {
	if size > uint64(len(r.b)) {
		return nil
	}
	r.used = max(r.used, int(size))
	return r.b[:size]
}

// Free overwrites the region and gives it back, once.
func (r *region) Free() {
	if r.freed.Swap(true) {
		return
	}
	clear(r.b[:r.used])
	r.b = nil
	r.unreserve()
}
