package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/recrypt-service/recrypt/host/bench/load/openloop"
)

// Bounds of the generator.
const (
	// connections are more than a server lets wait, so that it meets an overload, and fewer
	// than it accepts.
	connections = 512
	// goodWithin is how long after it was due an answer is still good.
	// It is also how long an arrival waits for a free connection before it is given up.
	goodWithin = 5 * time.Second
	// homes are how many addresses readers come from, each at one, as people do. A server
	// limits what it takes from one address.
	homes = 32
	// busyWith is how many requests are under way when the capacity is estimated.
	busyWith = 32
)

var self = os.Getpid()

// A rig offers load to running servers.
type rig struct {
	pace    pace
	world   *world
	running *running
	s       *scenario
	poisson bool
	seed    uint64
	wires   [][]*openloop.Wire // of each worker, to each server
	pinned  bool
}

func newRig(p pace, r *running, s *scenario) *rig {
	g := &rig{pace: p, world: r.site.world, running: r, s: s, poisson: true, seed: 1}
	for i := range connections {
		var all []*openloop.Wire
		for _, address := range r.addresses {
			all = append(all, openloop.NewWireFrom(home(i), address, callTimeout))
		}
		g.wires = append(g.wires, all)
	}
	return g
}

func (g *rig) close() {
	for _, all := range g.wires {
		for _, w := range all {
			w.Close()
		}
	}
}

// prepare signs a request for each arrival, as of the time when it is due if the first is
// due at start: it may be sent within a minute of that. Several servers get them in turn.
func (g *rig) prepare(ctx context.Context, start time.Time, due []time.Duration) ([]request, error) {
	g.seed++
	d := newDraw(g.world, g.s, g.seed)
	requests := make([]request, len(due))
	for i := range due {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		raw, reader, err := d.request(ctx, g.address(i), start.Add(due[i]))
		if err != nil {
			return nil, fmt.Errorf("sign requests: %w", err)
		}
		requests[i] = request{raw, reader}
	}
	return requests, nil
}

// A request is ready to be sent.
type request struct {
	raw    []byte
	reader int // whose it is
}

// home is an address that somebody comes from: another one of this machine, where the
// system has them.
func home(i int) string {
	if runtime.GOOS != "linux" {
		return ""
	}
	return fmt.Sprintf("127.0.1.%d", 1+i%homes)
}

// address is where an arrival goes.
func (g *rig) address(i int) string { return g.running.addresses[i%len(g.running.addresses)] }

// A measured run is an outcome with what was used meanwhile.
type measured struct {
	*openloop.Outcome
	servers, database, generator float64 // cores
	others                       float64 // cores that something else used
	most                         int64   // bytes of all servers
	sent                         int64   // bytes of all requests
	arrivals                     int
	samples                      []sample
}

// A run is one load to be offered.
type run struct {
	due            []time.Duration
	warmUp, length time.Duration
	workers        int
	lanes          int           // homes, or 1: any connection takes any request
	good           time.Duration // within which an answer is good
	// watching is told of each answer and how long after it was due it came.
	watching func(i int, took time.Duration, a openloop.Answer)
}

// connect opens the connections of some workers, as far as they are not open.
func (g *rig) connect(ctx context.Context, workers int) error {
	for _, all := range g.wires[:workers] {
		for _, w := range all {
			if err := w.Connect(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// offer offers a load, of requests that are signed before it begins.
func (g *rig) offer(ctx context.Context, r run) (*measured, error) {
	const signing = 100 * time.Microsecond // about, of one request
	requests, err := g.prepare(ctx, time.Now().Add(time.Duration(len(r.due))*signing), r.due)
	if err != nil {
		return nil, err
	}
	if err := g.connect(ctx, r.workers); err != nil {
		return nil, err
	}
	m := &measured{arrivals: len(r.due)}
	for _, q := range requests {
		m.sent += int64(len(q.raw))
	}
	servers, database := g.running.usage()
	own, all, begin := usageOfOne(self), busy(), time.Now()
	memory := watch(250*time.Millisecond, g.running.memory)
	start := time.Now().Add(5 * time.Millisecond)
	m.Outcome = openloop.Run(ctx, openloop.Load{
		Start: start, Due: r.due, WarmUp: r.warmUp, Length: r.length, Workers: r.workers, Deadline: r.good, Patience: r.good,
		Lanes: r.lanes, Lane: func(i int) int { return requests[i].reader % r.lanes },
		Do: func(ctx context.Context, w, i int) openloop.Answer {
			a := g.wires[w][i%len(g.running.addresses)].Send(ctx, requests[i].raw)
			if r.watching != nil {
				r.watching(i, time.Since(start.Add(r.due[i])), a)
			}
			return a
		},
	})
	took := time.Since(begin).Seconds()
	servers2, database2 := g.running.usage()
	m.servers, m.database = (servers2.cpu-servers.cpu).Seconds()/took, (database2.cpu-database.cpu).Seconds()/took
	m.generator = (usageOfOne(self).cpu - own.cpu).Seconds() / took
	m.others = max((busy()-all).Seconds()/took-m.servers-m.database-m.generator, 0)
	m.most, m.samples = memory.end(), memory.Samples
	return m, ctx.Err()
}

// capacity estimates how many requests per second the servers answer when busyWith of
// them are always under way. What is due at once is a closed loop.
func (g *rig) capacity(ctx context.Context) (float64, error) {
	for n := 64; ; n *= 4 {
		due := make([]time.Duration, n)
		begin := time.Now()
		var took time.Duration
		var mu sync.Mutex
		m, err := g.offer(ctx, run{due: due, length: time.Minute, workers: busyWith, lanes: 1, good: time.Minute,
			watching: func(_ int, after time.Duration, _ openloop.Answer) {
				mu.Lock()
				took = max(took, after)
				mu.Unlock()
			}})
		if err != nil {
			return 0, err
		}
		if m.Good < n*9/10 {
			return 0, fmt.Errorf("%d of %d requests failed: %d refused, %d late, %v", n-m.Good, n, m.Busy, m.Late, m.Faults)
		}
		if took >= g.pace.probe || time.Since(begin) > 30*time.Second {
			return float64(n) / took.Seconds(), nil
		}
	}
}

// sweep measures a scenario: every factor once in each of some rounds.
func (g *rig) sweep(ctx context.Context, say func(string, ...any)) (*sweep, error) {
	out := &sweep{scenario: *g.s, Date: now(), Pinned: g.pinned}
	if err := newDraw(g.world, g.s, 0).touch(ctx, g.running.addresses); err != nil {
		return nil, err
	}
	var err error
	if out.Capacity, err = g.capacity(ctx); err != nil {
		return nil, fmt.Errorf("estimate the capacity: %w", err)
	}
	list := g.pace.factorsOf(g.s)
	runs := make([][]*measured, len(list))
	for range g.pace.repeats {
		for i, f := range list {
			length := g.pace.length
			if f >= overload { // until queues have their length
				length *= 2
			}
			due := openloop.Arrivals(f*out.Capacity, length, g.poisson, newDraw(g.world, g.s, g.seed).Rand)
			m, err := g.offer(ctx, run{due: due, warmUp: g.pace.warmUp, length: length, workers: connections, lanes: homes, good: goodWithin})
			if err != nil {
				return nil, err
			}
			runs[i] = append(runs[i], m)
		}
	}
	for i, f := range list {
		out.Steps = append(out.Steps, stepOf(f, f*out.Capacity, runs[i]))
	}
	out.Peak = out.peakOf()
	last := out.at(list[len(list)-1])
	for _, st := range out.Steps {
		if st.Failed > 0 {
			say("  %d of %d failed at %g: %v", st.Failed, st.Requests, st.Factor, st.Faults)
		}
	}
	say("  capacity %s/s, peak %s/s; at %gx %s/s good, p99 %s ms", digits(out.Capacity), digits(out.Peak), last.Factor, digits(last.Goodput), digits(last.P99))
	return out, nil
}

// stepOf sums the runs of one rate up.
func stepOf(factor, offered float64, runs []*measured) step {
	st := step{Factor: factor, Offered: offered}
	var all *openloop.Outcome
	var sent int64
	arrivals := 0
	for i, m := range runs {
		g := m.Goodput()
		if i == 0 {
			all, st.GoodputMin = m.Outcome, g
		} else {
			all.Add(m.Outcome)
		}
		st.GoodputMin, st.GoodputMax = min(st.GoodputMin, g), max(st.GoodputMax, g)
		st.ServerCPU += m.servers / float64(len(runs))
		st.DatabaseCPU += m.database / float64(len(runs))
		st.GeneratorCPU += m.generator / float64(len(runs))
		st.OthersCPU += m.others / float64(len(runs))
		st.ServerMiB = max(st.ServerMiB, float64(m.most)/(1<<20))
		sent += m.sent
		arrivals += m.arrivals
	}
	st.Goodput = all.Goodput()
	st.P50, st.P90, st.P99, st.Max = ms(all.Latency.Quantile(0.5)), ms(all.Latency.Quantile(0.9)), ms(all.Latency.Quantile(0.99)), ms(all.Latency.Max())
	st.RefusedP99, st.LagP99 = ms(all.Refusal.Quantile(0.99)), ms(all.Lag.Quantile(0.99))
	st.Requests, st.Busy, st.Late, st.Failed, st.Unsent, st.Faults = all.Offered, all.Busy, all.Late, all.Failed, all.Unsent, all.Faults
	if arrivals > 0 {
		st.BytesIn = float64(sent) / float64(arrivals)
	}
	if all.Good > 0 {
		st.BytesOut = float64(all.Bytes) / float64(all.Good)
	}
	return st
}
