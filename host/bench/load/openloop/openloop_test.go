package openloop_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/bench/load/openloop"
)

func TestArrivals(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, poisson := range []bool{false, true} {
		due := openloop.Arrivals(2000, 10*time.Second, poisson, random)
		if n := float64(len(due)); math.Abs(n-20000) > 4*math.Sqrt(20000) {
			t.Errorf("poisson %t: %v arrivals, want about 20000", poisson, n)
		}
		if !slices.IsSorted(due) || due[0] < 0 || due[len(due)-1] >= 10*time.Second {
			t.Errorf("poisson %t: arrivals are not ascending or not within the time", poisson)
		}
		// Gaps of a Poisson process vary as much as they last; even ones not at all.
		var sum, squares float64
		for i := 1; i < len(due); i++ {
			gap := (due[i] - due[i-1]).Seconds()
			sum += gap
			squares += gap * gap
		}
		n := float64(len(due) - 1)
		mean := sum / n
		variation := math.Sqrt(max(squares/n-mean*mean, 0)) / mean
		if want := map[bool]float64{false: 0, true: 1}[poisson]; math.Abs(variation-want) > 0.05 {
			t.Errorf("poisson %t: the gaps' variation is %.2f, want %.0f", poisson, variation, want)
		}
	}
	if due := openloop.Arrivals(0, time.Second, true, random); len(due) != 0 {
		t.Error("arrivals without a rate")
	}
}

// TestNoCoordinatedOmission: a server that stands still for a while delays everything
// that is due meanwhile, and the figures say so. Counted from sending, only the few
// requests that were under way would have waited.
func TestNoCoordinatedOmission(t *testing.T) {
	const rate, length, stall = 200, 2 * time.Second, 500 * time.Millisecond
	start := time.Now().Add(20 * time.Millisecond)
	stallAt, stallEnd := start.Add(500*time.Millisecond), start.Add(500*time.Millisecond+stall)
	out := openloop.Run(t.Context(), openloop.Load{
		Start: start, Due: openloop.Arrivals(rate, length, false, nil), Length: length, Workers: 2,
		Do: func(context.Context, int, int) openloop.Answer {
			if now := time.Now(); now.After(stallAt) && now.Before(stallEnd) {
				time.Sleep(time.Until(stallEnd))
			}
			return openloop.Answer{Status: 200}
		},
	})
	if out.Offered != 400 || out.Good != 400 {
		t.Fatalf("%d offered, %d good, want 400", out.Offered, out.Good)
	}
	// A quarter of the arrivals fell into the stall and waited for its end, evenly up to
	// its length: so the 99th percentile is near it, and the 80th well above nothing.
	if p := out.Latency.Quantile(0.99); p < 400*time.Millisecond || p > 700*time.Millisecond {
		t.Errorf("p99 is %v with a stall of %v", p, stall)
	}
	if p := out.Latency.Quantile(0.80); p < 30*time.Millisecond {
		t.Errorf("p80 is %v: what was due during the stall was left out", p)
	}
	if p := out.Latency.Quantile(0.5); p > 50*time.Millisecond {
		t.Errorf("p50 is %v", p)
	}
	// From sending, less than one in a hundred has waited.
	if p := out.Service.Quantile(0.98); p > 100*time.Millisecond {
		t.Errorf("p98 from sending is %v", p)
	}
}

// TestFates: every arrival is counted once, as what became of it.
func TestFates(t *testing.T) {
	due := openloop.Arrivals(100, time.Second, false, nil)
	out := openloop.Run(t.Context(), openloop.Load{
		Due: due, WarmUp: 200 * time.Millisecond, Length: time.Second, Workers: 4, Deadline: 50 * time.Millisecond,
		Do: func(_ context.Context, _, i int) openloop.Answer {
			switch i % 5 {
			case 1:
				return openloop.Answer{Status: 503}
			case 2:
				return openloop.Answer{Status: 404}
			case 3:
				return openloop.Answer{Err: errors.New("gone")}
			case 4:
				time.Sleep(60 * time.Millisecond)
			}
			return openloop.Answer{Status: 200, Bytes: 10}
		},
	})
	if out.Offered != 80 || out.Good+out.Late+out.Busy+out.Failed+out.Unsent != out.Offered {
		t.Errorf("%d offered: %d good, %d late, %d busy, %d failed, %d unsent", out.Offered, out.Good, out.Late, out.Busy, out.Failed, out.Unsent)
	}
	if out.Busy != 16 || out.Failed != 32 || out.Late < 16 || out.Bytes != int64(10*out.Good) {
		t.Errorf("%d busy, %d failed, %d late, %d bytes", out.Busy, out.Failed, out.Late, out.Bytes)
	}
	if out.Faults["gone"] != 16 || out.Faults["status 404"] != 16 {
		t.Errorf("faults %v", out.Faults)
	}
	if rate := float64(out.Offered) / out.Window.Seconds(); math.Abs(rate-100) > 0.01 {
		t.Errorf("offered %v per second", rate)
	}
}

// TestOverload: with one worker that takes 10 ms, 100 of 500 arrivals per second can be
// good, and those that have waited too long are given up.
func TestOverload(t *testing.T) {
	out := openloop.Run(t.Context(), openloop.Load{
		Due: openloop.Arrivals(500, time.Second, true, rand.New(rand.NewPCG(3, 4))), Length: time.Second, Workers: 1,
		Deadline: 300 * time.Millisecond, Patience: 200 * time.Millisecond,
		Do: func(context.Context, int, int) openloop.Answer {
			time.Sleep(10 * time.Millisecond)
			return openloop.Answer{Status: 200}
		},
	})
	if g := out.Goodput(); g > 101 || g < 40 {
		t.Errorf("goodput %v", g)
	}
	if out.Unsent == 0 || out.Lag.Quantile(0.99) < 150*time.Millisecond {
		t.Errorf("%d unsent, lag %v", out.Unsent, out.Lag.Quantile(0.99))
	}
}

// TestLanes: workers serve the arrivals of their lane only.
func TestLanes(t *testing.T) {
	var wrong atomic.Int64
	out := openloop.Run(t.Context(), openloop.Load{
		Due: openloop.Arrivals(500, 200*time.Millisecond, false, nil), Length: 200 * time.Millisecond, Workers: 6,
		Lanes: 3, Lane: func(i int) int { return (i / 7) % 3 },
		Do: func(_ context.Context, w, i int) openloop.Answer {
			if w%3 != (i/7)%3 {
				wrong.Add(1)
			}
			return openloop.Answer{Status: 200}
		},
	})
	if out.Good != 100 || wrong.Load() != 0 {
		t.Errorf("%d good, %d by the wrong worker", out.Good, wrong.Load())
	}
}

func TestMerge(t *testing.T) {
	run := func(status int, wait time.Duration) *openloop.Outcome {
		return openloop.Run(t.Context(), openloop.Load{
			Due: openloop.Arrivals(100, time.Second/2, false, nil), Length: time.Second / 2, Workers: 8,
			Do: func(context.Context, int, int) openloop.Answer {
				time.Sleep(wait)
				return openloop.Answer{Status: status}
			},
		})
	}
	a, b := run(200, 0), run(200, 40*time.Millisecond)
	a.Add(b)
	a.Add(run(503, 0))
	if a.Window != 1500*time.Millisecond || a.Offered != 150 || a.Good != 100 || a.Busy != 50 || a.Latency.Count() != 100 {
		t.Errorf("%+v", a)
	}
	if low, high := a.Latency.Quantile(0.25), a.Latency.Quantile(0.75); low >= 40*time.Millisecond || high < 40*time.Millisecond {
		t.Errorf("quantiles %v and %v of the merged histogram", low, high)
	}
	if q := openloop.NewLatencies().Quantile(0.5); q != 0 {
		t.Errorf("quantile %v of nothing", q)
	}
}

// TestStops: an end from outside ends the run.
func TestStops(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	start := time.Now()
	openloop.Run(ctx, openloop.Load{
		Due: openloop.Arrivals(100, time.Minute, false, nil), Length: time.Minute, Workers: 2,
		Do: func(context.Context, int, int) openloop.Answer { return openloop.Answer{Status: 200} },
	})
	if took := time.Since(start); took > 30*time.Second { // of a minute
		t.Errorf("took %v to stop", took)
	}
}

func TestWire(t *testing.T) {
	var connections atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/close" {
			w.Header().Set("Connection", "close")
		}
		if r.URL.Path == "/busy" {
			w.WriteHeader(503)
		}
		_, _ = w.Write([]byte("hello"))
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.Start()
	defer s.Close()
	address := s.Listener.Addr().String()
	w := openloop.NewWire(address, time.Second)
	defer w.Close()
	get := func(path string) []byte { return []byte("GET " + path + " HTTP/1.1\r\nHost: " + address + "\r\n\r\n") }
	for range 3 {
		if a, body := w.Fetch(t.Context(), get("/")); a.Err != nil || a.Status != 200 || a.Bytes != 5 || string(body) != "hello" {
			t.Fatalf("%+v %q", a, body)
		}
	}
	if a := w.Send(t.Context(), get("/busy")); a.Status != 503 {
		t.Errorf("%+v", a)
	}
	if n := connections.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
	for range 2 {
		if a := w.Send(t.Context(), get("/close")); a.Status != 200 {
			t.Errorf("%+v", a)
		}
	}
	if n := connections.Load(); n != 2 {
		t.Errorf("%d connections after one was closed", n)
	}
	if a := openloop.NewWire("127.0.0.1:1", time.Second).Send(t.Context(), get("/")); a.Err == nil {
		t.Error("nobody listens there")
	}
}
