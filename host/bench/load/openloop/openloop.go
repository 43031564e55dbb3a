// Package openloop offers load at a rate and measures what comes of it.
//
// Arrivals are drawn beforehand ([Arrivals]) and do not wait for answers: a server that
// stands still meets the same arrivals as one that is fast. A latency is counted from the
// moment when the request was due, not from when it was sent, so that time in which
// nothing could be sent is in the figures of everything that was due in it. (A generator
// that counts from sending leaves such times out: that is called coordinated omission.)
//
//	due := openloop.Arrivals(500, 3*time.Second, true, rand.New(rand.NewPCG(1, 2)))
//	out := openloop.Run(ctx, openloop.Load{Due: due, Length: 3*time.Second, Workers: 512, Do: send})
//
// What is measured is what is due after the warm-up and before the end. Each such arrival is
// counted once: good, late, busy, failed or unsent.
package openloop

import (
	"context"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"
)

// Arrivals returns when requests are due within length, ascending, on average rate of them
// per second: as a Poisson process, as independent users make, or evenly. A rate that is not
// positive gives none.
func Arrivals(rate float64, length time.Duration, poisson bool, random *rand.Rand) []time.Duration {
	if rate <= 0 {
		return nil
	}
	due := make([]time.Duration, 0, int(rate*length.Seconds())+1)
	mean := float64(time.Second) / rate
	for i, at := 0, 0.0; ; i++ {
		if poisson {
			at += random.ExpFloat64() * mean
		} else {
			at = float64(i) * mean
		}
		if at >= float64(length) {
			return due
		}
		due = append(due, time.Duration(at))
	}
}

// An Answer is what became of a request that was sent.
type Answer struct {
	Status int // of HTTP; 0 with Err
	Bytes  int // of the answer
	Err    error
}

// Load is what to offer.
type Load struct {
	Start   time.Time       // when the first arrival can be due; in the past: now
	Due     []time.Duration // after Start, ascending
	WarmUp  time.Duration   // what is due before this is sent but not counted
	Length  time.Duration   // when measuring ends
	Workers int             // requests under way at once, at most: connections

	// Lanes divide workers and arrivals, if there are more than one: worker w serves
	// arrivals i with Lane(i) = w modulo Lanes. So whoever asks has connections of his own.
	Lanes int
	Lane  func(i int) int

	// Deadline is how long after it was due an answer is still good.
	Deadline time.Duration
	// Patience is how long an arrival waits for a worker; then it is given up, as by a
	// user who has left.
	Patience time.Duration

	// Do sends the request of an arrival and waits for the answer. A worker calls it for
	// one after the other, so that it can hold a connection.
	Do func(ctx context.Context, worker, arrival int) Answer
}

// Run offers a load and returns when every arrival has its fate. It stops early with ctx;
// then the outcome is of what was done.
func Run(ctx context.Context, l Load) *Outcome {
	if l.Start.IsZero() || time.Until(l.Start) < 0 {
		l.Start = time.Now()
	}
	r := &recorder{load: l, out: newOutcome(l.Length - l.WarmUp)}
	queues := make([]chan int, max(l.Lanes, 1))
	for i := range queues {
		queues[i] = make(chan int, len(l.Due)) // arrivals never wait to be queued
	}
	var working sync.WaitGroup
	for w := range max(l.Workers, len(queues)) {
		working.Go(func() {
			for i := range queues[w%len(queues)] {
				r.serve(ctx, w, i)
			}
		})
	}
	offer(ctx, l, queues)
	for _, q := range queues {
		close(q)
	}
	working.Wait()
	return r.out
}

// offer puts each arrival into its queue when it is due. It sleeps until just before and
// then yields, because a timer may come a millisecond late.
func offer(ctx context.Context, l Load, queues []chan int) {
	const early = 100 * time.Microsecond
	for i, due := range l.Due {
		for {
			left := time.Until(l.Start.Add(due))
			if left <= 0 {
				break
			}
			if left > early {
				time.Sleep(left - early)
			} else {
				runtime.Gosched()
			}
		}
		if ctx.Err() != nil {
			return
		}
		lane := 0
		if len(queues) > 1 {
			lane = l.Lane(i)
		}
		queues[lane] <- i
	}
}

// A recorder counts what workers tell.
type recorder struct {
	load Load
	mu   sync.Mutex
	out  *Outcome
}

// serve has one arrival done by a worker.
func (r *recorder) serve(ctx context.Context, worker, i int) {
	due := r.load.Start.Add(r.load.Due[i])
	sent := time.Now()
	lag := max(sent.Sub(due), 0)
	if ctx.Err() != nil {
		return
	}
	if r.load.Patience > 0 && lag > r.load.Patience {
		r.record(i, lag, lag, Answer{}, false)
		return
	}
	answer := r.load.Do(ctx, worker, i)
	r.record(i, lag, max(time.Since(due), 0), answer, true)
}

// record counts an arrival. Good answers count for the rate by when they came, everything
// else by when it was due.
func (r *recorder) record(i int, lag, took time.Duration, a Answer, sent bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	o, due := r.out, r.load.Due[i]
	good := sent && a.Err == nil && a.Status == 200 && (r.load.Deadline <= 0 || took <= r.load.Deadline)
	if came := due + took; good && came >= r.load.WarmUp && came < r.load.Length {
		o.GoodInTime++
	}
	if due < r.load.WarmUp || due >= r.load.Length {
		return
	}
	o.Offered++
	o.Lag.add(lag)
	switch {
	case !sent:
		o.Unsent++
		return
	case a.Err != nil:
		o.Failed++
		o.note(a.Err.Error())
	case good:
		o.Good++
		o.Bytes += int64(a.Bytes)
		o.Latency.add(took)
		o.Service.add(took - lag)
	case a.Status == 200:
		o.Late++
	case a.Status == 503 || a.Status == 429:
		o.Busy++
		o.Refusal.add(took)
	default:
		o.Failed++
		o.noteStatus(a.Status)
	}
}
