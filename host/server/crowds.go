package server

import (
	"context"
	"runtime"
	"sync"

	"github.com/recrypt-service/recrypt/host/api"
)

// A large request has more grants than this: it works for a long time.
const manyGrants = 100

// maxCrowds is how many large requests work at once, each of another owner. A request
// that comes in addition does not wait: it would hold a slot of the turnstile.
const maxCrowds = 2

// crowds keeps large requests from taking all slots.
type crowds struct {
	mu     sync.Mutex
	owners map[[32]byte]bool
}

// enter lets a request with n grants work; leave ends it.
func (c *crowds) enter(owner [32]byte, n int) (leave func(), err error) {
	if n <= manyGrants {
		return func() {}, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.owners[owner] || len(c.owners) >= maxCrowds {
		p := refuse(api.CodeBusy, "another request with many grants is being worked on; retry")
		p.retryAfter = "10"
		return nil, p
	}
	if c.owners == nil {
		c.owners = map[[32]byte]bool{}
	}
	c.owners[owner] = true
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.owners, owner)
	}, nil
}

// lanes bounds how many batches of grants are verified at once.
type lanes chan struct{}

// newLanes leaves a processor to everybody else, if there are two.
func newLanes() lanes { return make(lanes, max(1, runtime.GOMAXPROCS(0)-1)) }

// wait waits for a place, or for the end of ctx.
func (l lanes) wait(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	select {
	case l <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l lanes) leave() { <-l }
