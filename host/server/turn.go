package server

import "context"

// A pass is a slot of the turnstile that a request holds.
type pass struct {
	enter func(context.Context) (leave func(), err error)
	leave func()
	busy  func() bool // whether others wait
}

// take waits for the slot.
func (p *pass) take(ctx context.Context) error {
	leave, err := p.enter(ctx)
	if err == nil {
		p.leave = leave
	}
	return err
}

// give gives the slot back, if it is held.
func (p *pass) give() {
	if p.leave != nil {
		p.leave()
		p.leave = nil
	}
}

// turn lets others go first who wait for a slot. A request that takes long calls it
// between pieces of its work, when it holds nothing that others wait for. Its error is that
// of the request: too many wait, or the client has gone.
func (x *exchange) turn(ctx context.Context) error {
	if x.pass == nil || !x.pass.busy() {
		return nil
	}
	x.pass.give()
	return x.pass.take(ctx)
}
