package openloop

import (
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// An Outcome is what became of a load.
type Outcome struct {
	Window time.Duration // that was measured

	Offered int // arrivals that were due in the window; the sum of the next five
	Good    int // answered with 200 within the deadline
	Late    int // answered with 200 after it
	Busy    int // refused with 503 or 429
	Failed  int // another status, or no answer
	Unsent  int // given up before a connection was free

	GoodInTime int   // good answers that came in the window, whenever they were due
	Bytes      int64 // of the good answers

	Latency *Latencies // of good answers, from when they were due
	Service *Latencies // of good answers, from when they were sent
	Refusal *Latencies // of refusals, from when they were due
	Lag     *Latencies // between due and sent: whether the generator kept up

	Faults map[string]int // what failed, a few
}

func newOutcome(window time.Duration) *Outcome {
	return &Outcome{
		Window: window, Faults: map[string]int{},
		Latency: NewLatencies(), Service: NewLatencies(), Refusal: NewLatencies(), Lag: NewLatencies(),
	}
}

// Goodput is how many good answers came per second.
func (o *Outcome) Goodput() float64 { return rate(o.GoodInTime, o.Window) }

func rate(n int, window time.Duration) float64 {
	if window <= 0 {
		return 0
	}
	return float64(n) / window.Seconds()
}

// Add adds another run of the same load: windows and counts are summed, histograms merged.
func (o *Outcome) Add(p *Outcome) {
	o.Window += p.Window
	o.Offered += p.Offered
	o.Good += p.Good
	o.Late += p.Late
	o.Busy += p.Busy
	o.Failed += p.Failed
	o.Unsent += p.Unsent
	o.GoodInTime += p.GoodInTime
	o.Bytes += p.Bytes
	o.Latency.Add(p.Latency)
	o.Service.Add(p.Service)
	o.Refusal.Add(p.Refusal)
	o.Lag.Add(p.Lag)
	for what, n := range p.Faults {
		o.Faults[what] += n
	}
}

// maxFaults is how many different faults are told apart.
const maxFaults = 5

func (o *Outcome) note(what string) {
	if _, known := o.Faults[what]; !known && len(o.Faults) >= maxFaults {
		what = "others"
	}
	o.Faults[what]++
}

func (o *Outcome) noteStatus(status int) { o.note(fmt.Sprintf("status %d", status)) }

// longest is the longest time that is told apart; what takes longer counts as that.
const longest = 5 * time.Minute

// Latencies is a histogram of times, three digits exact, from a microsecond on.
type Latencies struct{ h *hdrhistogram.Histogram }

// NewLatencies returns an empty histogram.
func NewLatencies() *Latencies {
	return &Latencies{hdrhistogram.New(1, longest.Microseconds(), 3)}
}

func (l *Latencies) add(d time.Duration) {
	_ = l.h.RecordValue(min(max(d, 0), longest).Microseconds()) // within its bounds
}

// Record counts a time.
func (l *Latencies) Record(d time.Duration) { l.add(d) }

// Add merges another histogram into this one.
func (l *Latencies) Add(m *Latencies) { l.h.Merge(m.h) }

// Count is how many times were counted.
func (l *Latencies) Count() int64 { return l.h.TotalCount() }

// Quantile returns the time within which the part q, from 0 to 1, of all lie; 0 if there is none.
func (l *Latencies) Quantile(q float64) time.Duration {
	if l.h.TotalCount() == 0 {
		return 0
	}
	return time.Duration(l.h.ValueAtQuantile(q*100)) * time.Microsecond
}

// Max is the longest.
func (l *Latencies) Max() time.Duration { return time.Duration(l.h.Max()) * time.Microsecond }
