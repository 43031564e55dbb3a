package server

import (
	"context"
	"sync"
	"time"
)

// timeLease is how far ahead of itself the time is stored: so it is stored once in that
// while, and not for each request.
const timeLease = time.Second

// A watermark is the time by which grants are judged. It never runs backwards, not even over
// a restart, because whatever it has said is not later than what is stored. A server that
// starts goes on from there: for up to a timeLease, grants begin and expire early.
type watermark struct {
	mu           sync.Mutex
	last, stored int64 // what was said, and what is stored; Unix ms

	storing chan struct{} // holds one value while somebody stores
}

func newWatermark() *watermark { return &watermark{storing: make(chan struct{}, 1)} }

// at returns the time, if the machine's is now and nothing has to be stored for it.
func (w *watermark) at(now int64) (t int64, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	// A clock that is behind what another server has stored does not tell the time: the store does.
	if w.stored == 0 || now > w.stored || now < w.stored-3*timeLease.Milliseconds() {
		return 0, false
	}
	w.last = max(w.last, now)
	return w.last, true
}

// raise returns the time by the machine's, after store has kept one that is later; store
// returns the latest that anybody has kept.
func (w *watermark) raise(ctx context.Context, now int64, store func(context.Context, int64) (int64, error)) (int64, error) {
	select {
	case w.storing <- struct{}{}:
		defer func() { <-w.storing }()
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	if t, ok := w.at(now); ok {
		return t, nil // somebody else was first
	}
	ahead := now + timeLease.Milliseconds()
	w.mu.Lock()
	first := w.stored == 0
	w.mu.Unlock()
	if first {
		ahead = now
	}
	high, err := store(ctx, ahead)
	if err != nil {
		return 0, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stored = high
	if first {
		w.last = high // all of it may have been said before the start
	} else {
		w.last = max(w.last, now, high-timeLease.Milliseconds()) // another server's clock may be ahead
	}
	return w.last, nil
}

// now is the time by which grants are judged, Unix ms. It never runs backwards,
// not even over a restart, so that an expired grant does not come back to life.
func (s *Server) now(ctx context.Context) (int64, error) {
	now := s.clock().UnixMilli()
	if t, ok := s.time.at(now); ok {
		return t, nil
	}
	return s.time.raise(ctx, now, s.highWater)
}
