package parallel_test

import (
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/parallel"
)

// TestEach: every number comes once, for several numbers and processors.
func TestEach(t *testing.T) {
	for _, processors := range []int{1, 2, 5} {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(processors))
		for _, n := range []int{0, 1, 2, 3, 17, 400} {
			seen := make([]atomic.Int64, n)
			parallel.Each(n, func(i int) { seen[i].Add(1) })
			for i := range seen {
				if got := seen[i].Load(); got != 1 {
					t.Errorf("%d came %d times of %d", i, got, n)
				}
			}
		}
	}
}

// TestOrder: on one processor, and in WebAssembly, the order is that of the numbers.
func TestOrder(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var seen []int
	parallel.Each(5, func(i int) { seen = append(seen, i) })
	parallel.Do(func() { seen = append(seen, 5) }, func() { seen = append(seen, 6) })
	if !slices.Equal(seen, []int{0, 1, 2, 3, 4, 5, 6}) {
		t.Errorf("the order was %v", seen)
	}
	if parallel.Workers() != 1 {
		t.Errorf("%d workers", parallel.Workers())
	}
}

// TestRanges: the ranges follow each other, are about equal, and not more than there are
// processors.
func TestRanges(t *testing.T) {
	for _, n := range []int{0, 1, 2, 3, 10, 101} {
		var mu sync.Mutex
		var got [][2]int
		parallel.Ranges(n, func(from, to int) {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, [2]int{from, to})
		})
		slices.SortFunc(got, func(a, b [2]int) int { return a[0] - b[0] })
		next, parts := 0, min(n, parallel.Workers())
		for _, r := range got {
			if r[0] != next || r[1]-r[0] < n/parts || r[1]-r[0] > n/parts+1 {
				t.Errorf("%d in ranges %v", n, got)
			}
			next = r[1]
		}
		if next != n || len(got) != parts {
			t.Errorf("%d in ranges %v", n, got)
		}
	}
}

// TestPanic: a panic comes back to the caller, once everything else has ended.
func TestPanic(t *testing.T) {
	for round := range 50 {
		var running atomic.Int64
		func() {
			defer func() {
				if p := recover(); p != "a fault" {
					t.Errorf("recovered %v", p)
				}
				if n := running.Load(); n != 0 {
					t.Errorf("%d still run", n)
				}
			}()
			parallel.Each(8, func(i int) {
				running.Add(1)
				defer running.Add(-1)
				if i == round%8 {
					panic("a fault")
				}
				runtime.Gosched()
			})
		}()
	}
}

// TestNested: a helper that has done its part helps with what began meanwhile inside of
// another part. The two innermost parts wait for each other.
func TestNested(t *testing.T) {
	if runtime.GOARCH == "wasm" {
		t.Skip("has one thread")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	for range 100 {
		met := make(chan bool)
		begun := make(chan bool)
		parallel.Do(
			func() {
				<-begun // the only helper has work of its own
				parallel.Each(2, func(i int) {
					select {
					case met <- true:
					case <-met:
					case <-time.After(10 * time.Second):
						t.Error("nobody came")
					}
				})
			},
			func() { close(begun) })
	}
}

// TestBound: many callers at once, who call within calls, have no more helpers than there
// are processors, and leave none behind.
func TestBound(t *testing.T) {
	before := runtime.NumGoroutine()
	const callers = 6
	var most atomic.Int64
	var wait sync.WaitGroup
	if runtime.GOARCH == "wasm" {
		t.Skip("has one thread")
	}
	for range callers {
		wait.Go(func() {
			for range 40 {
				parallel.Each(4, func(int) {
					parallel.Each(4, func(int) {
						n := int64(runtime.NumGoroutine())
						for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
						}
						runtime.Gosched()
					})
				})
			}
		})
	}
	wait.Wait()
	if limit := int64(before + callers + parallel.Workers()); most.Load() > limit {
		t.Errorf("%d goroutines, want at most %d", most.Load(), limit)
	}
	for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines are left over", runtime.NumGoroutine()-before)
		}
	}
}
