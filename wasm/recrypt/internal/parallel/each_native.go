//go:build !wasm

package parallel

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// Workers returns how many functions may run at the same time.
func Workers() int { return runtime.GOMAXPROCS(0) }

// pool is what the helpers of the whole process share: goroutines that do parts of calls
// of Each. There are fewer than Workers, so that many operations at once do not get in
// each other's way: then each runs where it was called.
var pool struct {
	sync.Mutex
	helpers int
	calls   []*each // that have parts nobody has begun with, as far as was known
}

// Each runs f(0) … f(n-1) as Do does. On a single processor it does so in this order.
//
// The caller does whatever no helper has begun with. So it never waits for a helper that
// found no processor, only for parts that are being worked on. A helper that has nothing
// left to do in one call helps in another, the newest, which may be a part of the first:
// f(0), which the caller does, is the best place for calls inside of a call.
func Each(n int, f func(i int)) {
	if n == 0 {
		return
	}
	e := &each{n: int64(n), f: f, ended: make(chan struct{})}
	e.left.Store(e.n)
	e.next.Store(1)
	if n > 1 {
		e.call()
		defer e.recall()
	}
	e.run(0)
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

// call calls helpers, as many as can be of use.
func (e *each) call() {
	pool.Lock()
	defer pool.Unlock()
	pool.calls = append(pool.calls, e)
	for hired := int64(1); hired < e.n && pool.helpers+1 < Workers(); hired++ {
		pool.helpers++
		go help(e)
	}
}

// recall is for when helpers are of no use any more.
func (e *each) recall() {
	pool.Lock()
	defer pool.Unlock()
	if i := slices.Index(pool.calls, e); i >= 0 {
		pool.calls = slices.Delete(pool.calls, i, i+1)
	}
}

// help works for one call, then for others.
func help(e *each) {
	for e != nil {
		e.work()
		e = nextCall()
	}
}

// nextCall returns the newest call that has parts left. If there is none, the helper who
// asks is dismissed.
func nextCall() *each {
	pool.Lock()
	defer pool.Unlock()
	for i := len(pool.calls) - 1; i >= 0; i-- {
		if e := pool.calls[i]; e.next.Load() < e.n {
			return e
		}
	}
	pool.helpers--
	return nil
}

// work takes one number after the other until none is left.
func (e *each) work() {
	for {
		i := e.next.Add(1) - 1
		if i >= e.n {
			return
		}
		e.run(int(i))
	}
}

// run runs f(i) and keeps its panic for the caller of Each.
func (e *each) run(i int) {
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
