package server

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"
)

// kept is what the store does: it keeps the greatest time.
type kept struct {
	high   atomic.Int64
	writes atomic.Int64
	broken atomic.Bool
}

var errKept = errors.New("broken")

func (k *kept) store(_ context.Context, now int64) (int64, error) {
	if k.broken.Load() {
		return 0, errKept
	}
	k.writes.Add(1)
	for old := k.high.Load(); old < now && !k.high.CompareAndSwap(old, now); {
		old = k.high.Load()
	}
	return k.high.Load(), nil
}

func (w *watermark) now(t interface{ Fatal(...any) }, k *kept, machine int64) int64 {
	if got, ok := w.at(machine); ok {
		return got
	}
	got, err := w.raise(context.Background(), machine, k.store)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestWatermark: over restarts, clocks that jump and two servers, nobody's time runs
// backwards, a restart goes on where the last one stopped, and what is said is stored.
func TestWatermark(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		k := new(kept)
		servers := []*watermark{newWatermark(), newWatermark()}
		said := make([]int64, len(servers))
		machine := int64(1_700_000_000_000)
		most := int64(0)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			i := rapid.IntRange(0, len(servers)-1).Draw(t, "server")
			machine += rapid.SampledFrom([]int64{0, 1, 7, 400, 1000, 5000, -1, -3000, -86_400_000}).Draw(t, "ms")
			if rapid.IntRange(0, 9).Draw(t, "restart") == 0 {
				servers[i], said[i] = newWatermark(), most
			}
			got := servers[i].now(t, k, machine)
			switch {
			case got < said[i]:
				t.Fatalf("%d after %d", got, said[i])
			case got < machine:
				t.Fatalf("%d when the machine's clock says %d", got, machine)
			case got > k.high.Load():
				t.Fatalf("%d is not stored, only %d", got, k.high.Load())
			case got < most-timeLease.Milliseconds() && machine > most:
				t.Fatalf("%d, long after another server said %d", got, most)
			}
			said[i], most = got, max(most, got)
		}
	})
}

// TestWatermarkRests: the time is stored about once in a lease, whoever asks.
func TestWatermarkRests(t *testing.T) {
	k, w := new(kept), newWatermark()
	var wg sync.WaitGroup
	for ms := range int64(5000) {
		if ms%50 == 0 {
			for range 8 {
				wg.Go(func() { w.now(t, k, 1_700_000_000_000+ms) })
			}
		}
		w.now(t, k, 1_700_000_000_000+ms)
		if ms%50 == 49 {
			wg.Wait()
		}
	}
	if n := k.writes.Load(); n < 5 || n > 7 {
		t.Errorf("stored %d times in 5 s", n)
	}
	k.broken.Store(true)
	if _, err := w.raise(t.Context(), 1_700_000_100_000, k.store); !errors.Is(err, errKept) {
		t.Errorf("got %v although nothing could be stored", err)
	}
}

// TestTwoClocks: two servers of one database; the clock of one is ten seconds ahead.
func TestTwoClocks(t *testing.T) {
	var kept int64
	store := func(_ context.Context, n int64) (int64, error) { kept = max(kept, n); return kept, nil }
	at := func(w *watermark, now int64) int64 {
		v, ok := w.at(now)
		if !ok {
			v, _ = w.raise(t.Context(), now, store)
		}
		return v
	}
	a, b := newWatermark(), newWatermark()
	const skew, start = 10_000, 1_000_000
	worst := int64(0)
	for now := int64(start); now < start+60_000; now += 100 {
		ta, tb := at(a, now+skew), at(b, now)
		if now > start+2000 {
			worst = max(worst, ta-tb)
		}
	}
	if worst > 4500 {
		t.Errorf("what one server has said to be over is not over at the other for %d ms", worst)
	}
}
