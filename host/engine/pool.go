package engine

import (
	"context"
	"sync"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// A pool runs calls on a bounded number of instances. Calls beyond that wait.
type pool struct {
	start func(ctx context.Context) (*instance, error)
	free  func(ctx context.Context) error

	slots  chan struct{} // holds one token for each call that has an instance
	closed chan struct{} // closed by the first close
	freed  chan struct{} // closed when everything is freed
	err    error         // of free, to be read once freed is closed

	mu   sync.Mutex
	idle []*instance
	busy map[*instance]bool
	done bool
}

// newPool makes a pool of at most n instances; free is called once, when it is
// closed and the last call has returned.
func newPool(n int, start func(context.Context) (*instance, error), free func(context.Context) error) *pool {
	return &pool{
		start:  start,
		free:   free,
		slots:  make(chan struct{}, n),
		closed: make(chan struct{}),
		freed:  make(chan struct{}),
		busy:   make(map[*instance]bool),
	}
}

// run runs one call on an instance of its own.
func (p *pool) run(ctx context.Context, op abi.Op, request []byte) ([]byte, error) {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-p.closed:
		return nil, ErrClosed
	}
	defer func() { <-p.slots }()
	// The call is not bound to ctx any more: wazero would only look at its values.
	ctx = context.WithoutCancel(ctx)
	i, err := p.take(ctx)
	if err != nil {
		return nil, err
	}
	defer p.put(i)
	response, err := i.call(ctx, op, request)
	if err != nil {
		return nil, abi.ErrInternal
	}
	return response, nil
}

// take returns an idle instance or starts one.
func (p *pool) take(ctx context.Context) (*instance, error) {
	if i, err := p.takeIdle(); i != nil || err != nil {
		return i, err
	}
	i, err := p.start(ctx)
	if err != nil {
		return nil, abi.ErrInternal
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done {
		i.close()
		return nil, ErrClosed
	}
	p.busy[i] = true
	return i, nil
}

func (p *pool) takeIdle() (*instance, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.done {
		return nil, ErrClosed
	}
	n := len(p.idle)
	if n == 0 {
		return nil, nil
	}
	// The last one, so that a quiet server uses few instances.
	i := p.idle[n-1]
	p.idle = p.idle[:n-1]
	p.busy[i] = true
	return i, nil
}

// put gives an instance back, or closes it if it is worn or there are enough.
func (p *pool) put(i *instance) {
	p.mu.Lock()
	delete(p.busy, i)
	keep := !p.done && !i.worn() && len(p.idle) < cap(p.slots)
	if keep {
		p.idle = append(p.idle, i)
	}
	p.mu.Unlock()
	if !keep {
		i.close()
	}
}

// drop closes the idle instances.
func (p *pool) drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, i := range p.idle {
		i.close()
	}
	p.idle = nil
}

// close stops running calls and frees everything, in the background if ctx ends
// before the last call has returned.
func (p *pool) close(ctx context.Context) error {
	p.mu.Lock()
	first := !p.done
	p.done = true
	for i := range p.busy {
		i.halt()
	}
	p.mu.Unlock()
	if first {
		close(p.closed)
		go func() {
			for range cap(p.slots) {
				p.slots <- struct{}{}
			}
			p.err = p.free(context.WithoutCancel(ctx))
			close(p.freed)
		}()
	}
	select {
	case <-p.freed:
		return p.err
	case <-ctx.Done():
		return ctx.Err()
	}
}
