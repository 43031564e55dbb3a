package server

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
)

// Bounds of the turnstile.
const (
	queueLength = 256              // requests that may wait
	queueTime   = 10 * time.Second // how long one waits
)

// turnstile bounds how many requests work at once and how many wait, so that a
// flood is answered by "busy" and not by running out of memory.
type turnstile struct {
	slots    chan struct{}
	waiting  atomic.Int64
	patience time.Duration
}

// newTurnstile lets a few more work than there are processors, because some of
// them wait for the disk.
func newTurnstile() *turnstile {
	return &turnstile{slots: make(chan struct{}, 4*runtime.GOMAXPROCS(0)), patience: queueTime}
}

// enter waits for a slot; leave gives it back.
func (t *turnstile) enter(ctx context.Context) (leave func(), err error) {
	select {
	case t.slots <- struct{}{}:
		return t.leave, nil
	default:
	}
	if t.waiting.Add(1) > queueLength {
		t.waiting.Add(-1)
		return nil, refuse(api.CodeBusy, "too many requests wait; retry")
	}
	defer t.waiting.Add(-1)
	timer := time.NewTimer(t.patience)
	defer timer.Stop()
	select {
	case t.slots <- struct{}{}:
		return t.leave, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-timer.C:
		return nil, refuse(api.CodeBusy, "too many requests wait; retry")
	}
}

func (t *turnstile) leave() { <-t.slots }

// busy reports whether somebody waits.
func (t *turnstile) busy() bool { return t.waiting.Load() > 0 }
