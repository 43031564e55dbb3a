package main

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/recrypt-service/recrypt/host/bench/load/openloop"
)

// timeline offers several times the peak for a while and looks at each second.
func (g *rig) timeline(ctx context.Context, peak float64, say func(string, ...any)) (*timeline, error) {
	length := g.pace.timeline
	seconds := make([]struct {
		good, busy int
		latency    *openloop.Latencies
	}, int(length.Seconds()))
	for i := range seconds {
		seconds[i].latency = openloop.NewLatencies()
	}
	due := openloop.Arrivals(overload*peak, length, g.poisson, newDraw(g.world, g.s, g.seed).Rand)
	var mu sync.Mutex
	m, err := g.offer(ctx, run{due: due, length: length, workers: connections, lanes: homes, good: goodWithin, watching: func(i int, took time.Duration, a openloop.Answer) {
		mu.Lock()
		defer mu.Unlock()
		at := int((due[i] + took).Seconds()) // when the answer came
		if at >= len(seconds) || a.Err != nil {
			return
		}
		switch {
		case a.Status == 200 && took <= goodWithin:
			seconds[at].good++
			seconds[at].latency.Record(took)
		case a.Status == 503 || a.Status == 429:
			seconds[at].busy++
		}
	}})
	if err != nil {
		return nil, err
	}
	t := &timeline{scenario: *g.s, Date: now(), Peak: peak, Factor: overload}
	for i, s := range seconds {
		t.Seconds = append(t.Seconds, secondOfRun{
			Second: float64(i) + 0.5, Goodput: float64(s.good), Busy: float64(s.busy),
			P50: ms(s.latency.Quantile(0.5)), P99: ms(s.latency.Quantile(0.99)), MiB: memoryAt(m.samples, float64(i)+0.5),
		})
	}
	t.Total = stepOf(overload, overload*peak, []*measured{m})
	say("  %s/s offered, %s/s good: %.0f %% of the peak; memory %s", digits(t.Total.Offered), digits(t.Total.Goodput), 100*t.Total.Goodput/peak, t.memory())
	return t, nil
}

// memoryAt is the memory in MiB at the sample nearest to a time.
func memoryAt(samples []sample, second float64) (mib float64) {
	best := math.Inf(1)
	for _, s := range samples {
		if d := abs(s.At.Seconds() - second); d < best {
			best, mib = d, float64(s.Server)/(1<<20)
		}
	}
	return mib
}

// halves are the largest memory in the second quarter, when the first filling of buffers
// is over, and in the last one.
func (t *timeline) halves() (early, late float64) {
	n := len(t.Seconds)
	for i, s := range t.Seconds {
		switch {
		case i >= n/4 && i < n/2:
			early = max(early, s.MiB)
		case i >= n-n/4:
			late = max(late, s.MiB)
		}
	}
	return early, late
}

func (t *timeline) memory() string {
	early, late := t.halves()
	return fmt.Sprintf("%.0f MiB in the second quarter, %.0f MiB in the last", early, late)
}
