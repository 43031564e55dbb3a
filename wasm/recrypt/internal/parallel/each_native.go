//go:build !wasm

package parallel

import (
	"runtime"
	"sync/atomic"
)

// Workers returns how many functions may run at the same time.
func Workers() int { return runtime.GOMAXPROCS(0) }

// helpers is the number of goroutines that help others than their own caller, in the
// whole process. It stays below Workers, so that many operations at once do not get in
// each other's way: then each runs where it was called.
var helpers atomic.Int64

// hire reports whether another helper may be started, who is to be dismissed.
func hire() bool {
	if helpers.Add(1) < int64(Workers()) {
		return true
	}
	dismiss()
	return false
}

func dismiss() { helpers.Add(-1) }

// Each runs f(0) … f(n-1) as Do does. On a single processor it does so in this order.
//
// The caller does whatever no helper has begun with. So it never waits for a helper that
// found no processor, only for parts that are being worked on.
func Each(n int, f func(i int)) {
	if n == 0 {
		return
	}
	e := &each{n: int64(n), f: f, ended: make(chan struct{})}
	e.left.Store(e.n)
	for range n - 1 {
		if !hire() {
			break
		}
		go func() {
			defer dismiss()
			e.work()
		}()
	}
	e.work()
	<-e.ended
	if p := e.panicked.Load(); p != nil {
		panic(*p)
	}
}

// An each is a call of Each.
type each struct {
	n        int64
	f        func(i int)
	next     atomic.Int64 // the number that nobody has taken yet
	left     atomic.Int64 // how many have not ended
	ended    chan struct{}
	panicked atomic.Pointer[any]
}

// work takes one number after the other until none is left.
func (e *each) work() {
	for {
		i := e.next.Add(1) - 1
		if i >= e.n {
			return
		}
		e.call(int(i))
	}
}

// call runs f(i) and keeps its panic for the caller of Each.
func (e *each) call(i int) {
	defer func() {
		if p := recover(); p != nil {
			e.panicked.CompareAndSwap(nil, &p)
		}
		if e.left.Add(-1) == 0 {
			close(e.ended)
		}
	}()
	e.f(i)
}
