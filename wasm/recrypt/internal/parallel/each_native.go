//go:build !wasm

package parallel

import (
	"runtime"
	"sync"
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
func Each(n int, f func(i int)) {
	e := each{n: int64(n), f: f}
	var wait sync.WaitGroup
	for range n - 1 {
		if !hire() {
			break
		}
		wait.Go(func() {
			defer dismiss()
			e.work()
		})
	}
	e.work()
	wait.Wait()
	if p := e.panicked.Load(); p != nil {
		panic(*p)
	}
}

// An each is a call of Each.
type each struct {
	next, n  int64
	f        func(i int)
	panicked atomic.Pointer[any]
}

// work takes one number after the other until none is left.
func (e *each) work() {
	for {
		i := atomic.AddInt64(&e.next, 1) - 1
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
	}()
	e.f(i)
}
