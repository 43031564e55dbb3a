package server

import (
	"context"
	"errors"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
)

// flowOf is the flow of somebody.
func flowOf(name string) flow { return flow{name, netip.MustParseAddr("192.0.2.1")} }

func isBusy(err error) bool {
	var p *problem
	return errors.As(err, &p) && p.Code == api.CodeBusy && p.GetHeaders().Get("Retry-After") != ""
}

// empty checks that nothing is left behind.
func (t *turnstile) empty() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.working == 0 && t.waiting == 0 && len(t.lanes) == 0
}

func TestTurnstile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := newTurnstileOf(2, 2, 50*time.Millisecond)
		alice := flowOf("alice")
		first, err := gate.enter(t.Context(), alice)
		if err != nil {
			t.Fatal(err)
		}
		second, err := gate.enter(t.Context(), alice)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := gate.enter(t.Context(), alice); !isBusy(err) {
			t.Errorf("after waiting: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := gate.enter(ctx, alice); !errors.Is(err, context.Canceled) {
			t.Errorf("hung up: %v", err)
		}
		passed := make(chan error, 1)
		gate.patience = 10 * time.Second
		go func() {
			leave, err := gate.enter(context.Background(), alice)
			if err == nil {
				leave()
			}
			passed <- err
		}()
		synctest.Wait()
		first()
		first() // twice is once
		if err := <-passed; err != nil {
			t.Errorf("after somebody left: %v", err)
		}
		second()
		if !gate.empty() {
			t.Errorf("left behind: %+v", gate)
		}
	})
}

// TestQueueFull: so many wait, and the next one is told to come back at once; but if
// somebody else has more waiting, that one's oldest gives way.
func TestQueueFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := newTurnstileOf(1, 1, time.Minute)
		leave, err := gate.enter(t.Context(), flowOf("mallory"))
		if err != nil {
			t.Fatal(err)
		}
		var refused atomic.Int64
		var wait sync.WaitGroup
		for range queueLength {
			wait.Go(func() {
				leave, err := gate.enter(t.Context(), flowOf("mallory"))
				if isBusy(err) {
					refused.Add(1)
				} else {
					leave()
				}
			})
		}
		synctest.Wait()
		if _, err := gate.enter(t.Context(), flowOf("mallory")); !isBusy(err) {
			t.Errorf("one too many: %v", err)
		}
		for _, name := range []string{"bob", "charlie"} {
			wait.Go(func() {
				leave, err := gate.enter(t.Context(), flowOf(name))
				if err != nil {
					t.Errorf("%s: %v", name, err)
					return
				}
				leave()
			})
		}
		synctest.Wait()
		if n := refused.Load(); n != 2 {
			t.Errorf("%d of mallory's gave way", n)
		}
		leave()
		wait.Wait()
		if !gate.empty() {
			t.Error("left behind")
		}
	})
}

// TestTurns: somebody who asks little is served before the rest of a flood, by the time of
// slots that each has had, and a flood leaves room while others are present.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := newTurnstileOf(4, 2, time.Minute)
		var mu sync.Mutex
		var order []string
		var wait sync.WaitGroup
		work := func(name string, took time.Duration) {
			wait.Go(func() {
				leave, err := gate.enter(t.Context(), flowOf(name))
				if err != nil {
					t.Error(err)
					return
				}
				defer leave()
				time.Sleep(took)
				mu.Lock()
				defer mu.Unlock()
				order = append(order, name)
			})
		}
		for range 50 {
			work("mallory", 100*time.Millisecond)
		}
		synctest.Wait()
		time.Sleep(50 * time.Millisecond)
		if working, _ := gate.load(); working != 4 {
			t.Errorf("alone, mallory has %d slots", working)
		}
		for range 3 {
			work("bob", 10*time.Millisecond)
		}
		synctest.Wait()
		time.Sleep(200 * time.Millisecond)
		mu.Lock()
		bobs := 0
		for _, name := range order {
			if name == "bob" {
				bobs++
			}
		}
		before := len(order) - bobs
		mu.Unlock()
		if bobs != 3 || before > 8 {
			t.Errorf("after %d of mallory's, %d of bob's are done", before, bobs)
		}
		// Now he has to leave room, for a while.
		gate.mu.Lock()
		theirs := gate.lanes[flowOf("mallory")].working
		gate.mu.Unlock()
		if theirs > 2 {
			t.Errorf("mallory has %d slots beside bob", theirs)
		}
		wait.Wait()
		if !gate.empty() {
			t.Error("left behind")
		}
	})
}

// TestAgain: long work lets others pass between its parts.
func TestAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := newTurnstileOf(1, 1, time.Minute)
		alice, bob := flowOf("alice"), flowOf("bob")
		leave, err := gate.enter(t.Context(), alice)
		if err != nil {
			t.Fatal(err)
		}
		if gate.busy() {
			t.Error("nobody waits")
		}
		done := make(chan time.Duration, 1)
		start := time.Now()
		go func() {
			leave, err := gate.enter(context.Background(), bob)
			if err != nil {
				t.Error(err)
			}
			time.Sleep(time.Second)
			leave()
			done <- time.Since(start)
		}()
		synctest.Wait()
		time.Sleep(time.Second)
		if !gate.busy() {
			t.Error("bob waits")
		}
		leave()
		if leave, err = gate.again(t.Context(), alice); err != nil {
			t.Fatal(err)
		}
		if took := <-done; took != 2*time.Second {
			t.Errorf("bob was done after %v", took)
		}
		leave()
		if !gate.empty() {
			t.Error("left behind")
		}
	})
}

// TestOverload: at five times what can be done, as much is done as at the peak, nobody
// waits for long, and the newest go first, whom somebody still waits for.
func TestOverload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const took, slots, seconds = 40 * time.Millisecond, 4, 20 // a capacity of 100 a second
		gate := newTurnstileOf(slots, slots, queueTime)
		var good, late, refused atomic.Int64
		most := 0
		var wait sync.WaitGroup
		for i := range 500 * seconds {
			wait.Go(func() {
				start := time.Now()
				leave, err := gate.enter(t.Context(), flowOf(strconv.Itoa(i%20)))
				if err != nil {
					refused.Add(1)
					return
				}
				time.Sleep(took)
				leave()
				if time.Since(start) > 3*time.Second {
					late.Add(1)
				} else {
					good.Add(1)
				}
			})
			time.Sleep(2 * time.Millisecond)
			_, waiting := gate.load()
			most = max(most, waiting)
		}
		wait.Wait()
		peak := int64(seconds * slots * time.Second / took)
		t.Logf("of %d at the peak %d were done in time and %d late, %d refused; %d waited at most", peak, good.Load(), late.Load(), refused.Load(), most)
		if good.Load() < peak*9/10 || most > queueLength {
			t.Error("the overload takes away from what is done")
		}
		if !gate.empty() {
			t.Error("left behind")
		}
	})
}

// TestTurnstileHammer: whatever the order of coming, hanging up and leaving, slots are
// neither lost nor doubled.
func TestTurnstileHammer(t *testing.T) {
	gate := newTurnstileOf(3, 2, 20*time.Millisecond)
	var inside, most atomic.Int64
	var wait sync.WaitGroup
	for i := range 32 {
		wait.Go(func() {
			f := flowOf(strconv.Itoa(i % 5))
			for j := range 100 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(j%7)*time.Millisecond)
				if leave, err := gate.enter(ctx, f); err == nil {
					most.Store(max(most.Load(), inside.Add(1)))
					time.Sleep(time.Duration(j%3) * 100 * time.Microsecond)
					inside.Add(-1)
					leave()
					if leave, err = gate.again(ctx, f); err == nil {
						leave()
					}
				}
				cancel()
			}
		})
	}
	wait.Wait()
	if most.Load() > 3 || !gate.empty() {
		t.Errorf("%d at once; %+v", most.Load(), gate)
	}
}
