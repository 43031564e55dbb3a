//go:build unix

package server_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// presigned are requests to open a key that were signed beforehand, as if they came from
// other machines.
func (w *world) presigned(n int, id string, readers ...*person) chan *http.Request {
	out := make(chan *http.Request, n)
	for i := range n {
		out <- w.sign(readers[i%len(readers)], request("POST", transformPath(id), nil), nil)
	}
	return out
}

// status serves a request and returns its status.
func (w *world) status(r *http.Request) int {
	recorder := httptest.NewRecorder()
	w.server.ServeHTTP(recorder, r)
	return recorder.Code
}

// percentile of durations, which it sorts.
func percentile(all []time.Duration, q float64) time.Duration {
	slices.Sort(all)
	return all[int(q*float64(len(all)-1))]
}

// TestFlood: while one identity floods, others are answered about as fast as before: the
// slowest hundredth takes twice as long at most. Both are measured in turn in the same run; on a
// machine that is busy with other things, up to four times.
func TestFlood(t *testing.T) {
	if testing.Short() {
		t.Skip("measures")
	}
	w := newWorldOn(t, chosenEngine(t))
	alice, bob, mallory := w.join(), w.join(), w.join()
	w.grant(alice, bob, mallory)
	k := w.deposit(alice, alice)
	signed := w.presigned(10_000, k.id, mallory)
	measure := func() []time.Duration {
		var out []time.Duration
		for range 300 {
			start := time.Now()
			w.want("bob", w.get(bob, k.id), "")
			out = append(out, time.Since(start))
			time.Sleep(2 * time.Millisecond)
		}
		return out
	}
	measure() // warm
	for range 4 {
		quiet := measure()
		var done atomic.Int64
		stop, wait := make(chan struct{}), new(sync.WaitGroup)
		for range 64 {
			wait.Go(func() {
				for {
					select {
					case <-stop:
						return
					case r := <-signed:
						w.status(r)
						done.Add(1)
					}
				}
			})
		}
		time.Sleep(200 * time.Millisecond)
		busy := measure()
		close(stop)
		wait.Wait()
		ratio := float64(percentile(busy, .99)) / float64(percentile(quiet, .99))
		t.Logf("median %v, with a flood of %d %v; p99 %v, %v: ratio %.2f", percentile(quiet, .5), done.Load(), percentile(busy, .5),
			percentile(quiet, .99), percentile(busy, .99), ratio)
		if done.Load() == 0 || len(signed) == 0 {
			t.Fatal("there was no flood")
		}
		if ratio <= 2 {
			return
		}
	}
	t.Error("others have to wait for a flood")
}

// TestFiveTimes: when five times as much is asked as can be done, nearly as much is done for
// the same processor time as at the peak, and memory stays flat. Time of the processor
// is compared and not that of the wall, because tests share machines; it
// includes who sends the requests, and refusing most of them.
func TestFiveTimes(t *testing.T) {
	if testing.Short() {
		t.Skip("measures")
	}
	w := newWorldOn(t, chosenEngine(t))
	w.cache = 0 // each request costs what opening a key costs, and not less than sending it
	w.restart()
	alice := w.join()
	readers := make([]*person, 20)
	for i := range readers {
		readers[i] = w.join()
	}
	w.grant(alice, readers...)
	k := w.deposit(alice, alice)
	peak, each := w.peak(w.presigned(4000, k.id, readers...))
	signed := w.presigned(int(5*peak*2), k.id, readers...)
	before := processorTime(t)
	good, refused, grown := w.overload(signed, 5*peak)
	loaded := good / (processorTime(t) - before).Seconds()
	t.Logf("peak %.0f per second; at five times that %.0f done and %.0f refused in all; per second of processor %.0f, %.0f: ratio %.2f; the heap grows by %d KiB",
		peak, good, refused, each, loaded, loaded/each, grown>>10)
	if loaded < 0.5*each {
		t.Error("the overload takes away from what is done")
	}
	if grown > 64<<20 {
		t.Error("memory grows")
	}
}

// processorTime is how much of it this process has had.
func processorTime(t *testing.T) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peak is how many requests are answered when there are always some: in a second, and in
// one of processor time.
func (w *world) peak(signed chan *http.Request) (rate, each float64) {
	var done atomic.Int64
	var wait sync.WaitGroup
	start, before := time.Now(), processorTime(w.t.(*testing.T))
	for range 32 {
		wait.Go(func() {
			for time.Since(start) < 2*time.Second {
				select {
				case r := <-signed:
					if w.status(r) == http.StatusOK {
						done.Add(1)
					}
				default:
					return
				}
			}
		})
	}
	wait.Wait()
	n := float64(done.Load())
	return n / time.Since(start).Seconds(), n / (processorTime(w.t.(*testing.T)) - before).Seconds()
}

// overload sends requests at a rate, whatever becomes of them, and returns how many are done
// and refused, and how much the heap has grown before the last are.
func (w *world) overload(signed chan *http.Request, rate float64) (good, refused float64, grown int64) {
	var done, busy atomic.Int64
	var wait sync.WaitGroup
	before := int64(heap())
	start := time.Now()
	for sent := 0; len(signed) > 0; {
		for due := int(time.Since(start).Seconds() * rate); sent < due && len(signed) > 0; sent++ {
			r := <-signed
			wait.Go(func() {
				switch w.status(r) {
				case http.StatusOK:
					done.Add(1)
				case http.StatusServiceUnavailable:
					busy.Add(1)
				default:
					w.t.Errorf("status %d", w.status(r))
				}
			})
		}
		time.Sleep(time.Millisecond)
	}
	grown = int64(heap()) - before
	wait.Wait()
	return float64(done.Load()), float64(busy.Load()), grown
}
