package server

import "sync/atomic"

// Bounds of the bytes that connections hold, beyond what each may hold anyway. A
// connection that is slow, or idle on purpose, holds no slot of the turnstile; what
// it holds is counted here.
const (
	maxBodies  = 64 << 20 // bytes of bodies that were read or are being read
	maxUnsent  = 64 << 20 // bytes of answers that are on their way
	freeOfEach = 32 << 10 // bytes of each body and answer that are not counted
)

// budget bounds a sum. Who does not get his part is told "busy" and does not wait:
// nothing would be gained by holding more connections.
type budget struct {
	size int64
	left atomic.Int64
}

func newBudget(n int64) *budget {
	b := &budget{size: n}
	b.left.Store(n)
	return b
}

// A share is what one request has taken out of a budget.
type share struct {
	of    *budget
	taken int64
}

// cover makes the share large enough for n bytes, and reports whether it could.
func (s *share) cover(n int) bool {
	more := int64(n) - freeOfEach - s.taken
	if more <= 0 {
		return true
	}
	if s.of.left.Add(-more) < 0 {
		s.of.left.Add(more)
		return false
	}
	s.taken += more
	return true
}

// giveBack empties the share.
func (s *share) giveBack() {
	s.of.left.Add(s.taken)
	s.taken = 0
}
