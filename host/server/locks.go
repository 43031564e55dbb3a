package server

import "sync"

// locks let requests about one collection pass one after the other in this process. Nothing
// correct rests on them, as other servers may change the same collection at the same time:
// the store decides in its transactions. They spare work that would be refused, and the same
// request sent twice at once the answer that its ids are taken.
type locks struct {
	mu sync.Mutex
	of map[[16]byte]*lock
}

type lock struct {
	sync.Mutex
	users int
}

// take waits for the lock of a collection; release ends it.
func (l *locks) take(collection [16]byte) (release func()) {
	l.mu.Lock()
	if l.of == nil {
		l.of = map[[16]byte]*lock{}
	}
	c := l.of[collection]
	if c == nil {
		c = &lock{}
		l.of[collection] = c
	}
	c.users++
	l.mu.Unlock()
	c.Lock()
	return func() {
		c.Unlock()
		l.mu.Lock()
		defer l.mu.Unlock()
		if c.users--; c.users == 0 {
			delete(l.of, collection)
		}
	}
}
