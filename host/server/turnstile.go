package server

import (
	"context"
	"net/netip"
	"runtime"
	"strconv"
	"sync"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
)

// Bounds of the turnstile.
const (
	queueLength   = 256              // requests that may wait
	queueFloor    = 16               // so many may in any case, however slow the work is
	queueTime     = 10 * time.Second // how long one waits
	queueTarget   = 2 * time.Second  // the queue is kept so short that it is worked off within this
	queueStanding = time.Second      // a queue that has not been empty for so long is an overload
	flowMemory    = time.Second      // how long somebody counts as present after his last request
)

// A flow is whose work a request is: a signed one is that of the identity it claims, at the
// address it comes from, so that claiming to be somebody else takes nothing from him;
// any other is that of its address.
type flow struct {
	signer  string // rid1…, not verified; "": none
	address netip.Addr
}

// A turnstile is the bounded pool of workers: it decides which requests work at once, which
// wait, and which are told "busy".
//
//	slots     so many work at once: four per processor, because some wait for the disk
//	queue     so many wait: as many as are worked off in two seconds, from 16 to 256, each
//	          for ten seconds at most
//	fairness  a free slot goes to the flow that has had the least time of slots; while
//	          others are present, no flow has more slots than half the processors
//	overload  when the queue is full, the longest flow loses the request that has waited
//	          longest; when the queue has stood for a second, the newest request of a flow
//	          goes first, since whoever sent the oldest will not wait for it any more
//
// So a flood is answered "busy" and not by running out of memory, work that was begun is
// finished, and whoever asks little hardly notices.
type turnstile struct {
	patience time.Duration
	slots    int
	share    int // slots of one flow while others are present
	watch    func(waited time.Duration, outcome string)

	mu       sync.Mutex
	working  int
	waiting  int
	lanes    map[flow]*lane
	virtual  time.Duration // time of slots that the flow served last had had
	emptied  time.Time     // when nobody waited last
	left     time.Time     // when a slot was left last while somebody waited
	interval time.Duration // between two such moments, smoothed
	last     flow          // who came last,
	came     time.Time     // when,
	other    time.Time     // and when somebody came last who was not he
}

// A lane is a flow that works or waits.
type lane struct {
	flow    flow
	working int
	used    time.Duration // of slots, on the scale of turnstile.virtual
	waiters []*waiter     // oldest first
}

// A waiter waits for a slot.
type waiter struct {
	told chan error // nil: it has a slot
}

func newTurnstile() *turnstile {
	procs := runtime.GOMAXPROCS(0)
	return newTurnstileOf(4*procs, max(procs/2, 1), queueTime)
}

func newTurnstileOf(slots, share int, patience time.Duration) *turnstile {
	return &turnstile{slots: slots, share: share, patience: patience, lanes: map[flow]*lane{}, watch: func(time.Duration, string) {}}
}

// Outcomes of waiting, as metrics name them.
const (
	outcomeAdmitted = "admitted"
	outcomeFull     = "queue_full"
	outcomePatience = "waited_too_long"
	outcomeGone     = "client_gone"
)

// enter waits for a slot; leave gives it back.
func (t *turnstile) enter(ctx context.Context, f flow) (leave func(), err error) {
	start := time.Now()
	t.mu.Lock()
	l := t.lane(f, start)
	if t.waiting == 0 && t.working < t.slots && l.working < t.most(l, start) {
		t.admit(l)
		t.mu.Unlock()
		t.watch(0, outcomeAdmitted)
		return t.leaver(l, start), nil
	}
	if t.waiting >= t.limit() && !t.makeRoom(l, start) {
		t.forget(l)
		err := t.full()
		t.mu.Unlock()
		t.watch(0, outcomeFull)
		return nil, err
	}
	w := t.queue(l, start)
	t.dispatch(start)
	t.mu.Unlock()
	return t.wait(ctx, l, w, start)
}

// again is enter for who was inside before and has left for the sake of others, between two
// parts of long work: it is not refused because the queue is full.
func (t *turnstile) again(ctx context.Context, f flow) (leave func(), err error) {
	start := time.Now()
	t.mu.Lock()
	l := t.lane(f, start)
	w := t.queue(l, start)
	t.dispatch(start)
	t.mu.Unlock()
	return t.wait(ctx, l, w, start)
}

// pass is a slot to come, for the work of a flow.
func (t *turnstile) pass(f flow) *pass {
	inside := false
	enter := func(ctx context.Context) (leave func(), err error) {
		if inside {
			return t.again(ctx, f)
		}
		inside = true
		return t.enter(ctx, f)
	}
	return &pass{enter: enter, busy: t.busy}
}

// busy reports whether somebody waits.
func (t *turnstile) busy() bool {
	_, waiting := t.load()
	return waiting > 0
}

// wait waits for a slot that was queued for.
func (t *turnstile) wait(ctx context.Context, l *lane, w *waiter, start time.Time) (func(), error) {
	timer := time.NewTimer(t.patience)
	defer timer.Stop()
	var reason error
	outcome := outcomePatience
	select {
	case err := <-w.told:
		if err != nil {
			t.watch(time.Since(start), outcomeFull)
			return nil, err
		}
		now := time.Now()
		t.watch(now.Sub(start), outcomeAdmitted)
		return t.leaver(l, now), nil
	case <-ctx.Done():
		reason, outcome = ctx.Err(), outcomeGone
	case <-timer.C:
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if reason == nil {
		reason = t.full()
	}
	if !t.unqueue(l, w) { // it was told meanwhile
		if err := <-w.told; err == nil {
			t.release(l, time.Now(), 0)
		}
	}
	t.watch(time.Since(start), outcome)
	return nil, reason
}

// lane returns the lane of a flow.
func (t *turnstile) lane(f flow, now time.Time) *lane {
	if f != t.last {
		t.last, t.other = f, t.came
	}
	t.came = now
	l := t.lanes[f]
	if l == nil {
		l = &lane{flow: f, used: t.virtual} // who comes anew has no claim to what was before
		t.lanes[f] = l
	}
	return l
}

// forget removes a lane in which nothing is left.
func (t *turnstile) forget(l *lane) {
	if l.working == 0 && len(l.waiters) == 0 {
		delete(t.lanes, l.flow)
	}
}

// most is how many slots a flow may have now.
func (t *turnstile) most(l *lane, now time.Time) int {
	if len(t.lanes) > 1 || now.Sub(t.other) < flowMemory {
		return t.share
	}
	return t.slots
}

// limit is how many may wait.
func (t *turnstile) limit() int {
	if t.interval <= 0 {
		return queueLength
	}
	return min(max(int(queueTarget/t.interval), queueFloor), queueLength)
}

// full refuses. It tells to come back when what waits now has been worked off.
func (t *turnstile) full() *problem {
	p := refuse(api.CodeBusy, "too many requests wait; retry")
	p.retryAfter = strconv.Itoa(1 + min(int(time.Duration(t.waiting)*t.interval/time.Second), 10))
	return p
}

// makeRoom refuses somebody who waits for the sake of l, and reports whether it did: the
// oldest of the flow that has the most waiting. One that has no more than l loses it
// only when the queue stands.
func (t *turnstile) makeRoom(l *lane, now time.Time) bool {
	longest := l
	for _, other := range t.lanes {
		if len(other.waiters) > len(longest.waiters) {
			longest = other
		}
	}
	if len(longest.waiters) == 0 || len(longest.waiters) < len(l.waiters)+2 && !t.standing(now) {
		return false
	}
	w := longest.waiters[0]
	t.unqueue(longest, w)
	w.told <- t.full()
	return true
}

// standing reports whether there is an overload.
func (t *turnstile) standing(now time.Time) bool {
	return t.waiting > 0 && now.Sub(t.emptied) > queueStanding
}

// queue appends a waiter to its lane.
func (t *turnstile) queue(l *lane, now time.Time) *waiter {
	if t.waiting == 0 {
		t.emptied = now
	}
	w := &waiter{told: make(chan error, 1)}
	l.waiters = append(l.waiters, w)
	t.waiting++
	return w
}

// unqueue takes a waiter out of its lane and reports whether it was there.
func (t *turnstile) unqueue(l *lane, w *waiter) bool {
	for i, other := range l.waiters {
		if other == w {
			l.waiters = append(l.waiters[:i], l.waiters[i+1:]...)
			t.waiting--
			t.forget(l)
			return true
		}
	}
	return false
}

// dispatch gives free slots to who waits.
func (t *turnstile) dispatch(now time.Time) {
	for t.working < t.slots && t.waiting > 0 {
		var next *lane
		for _, l := range t.lanes {
			if len(l.waiters) > 0 && l.working < t.most(l, now) && (next == nil || l.used < next.used) {
				next = l
			}
		}
		if next == nil {
			return
		}
		at := 0
		if t.standing(now) {
			at = len(next.waiters) - 1
		}
		w := next.waiters[at]
		t.admit(next)
		t.unqueue(next, w)
		w.told <- nil
	}
}

func (t *turnstile) admit(l *lane) {
	l.working++
	t.working++
	t.virtual = max(t.virtual, l.used)
}

// leaver makes the function that gives a slot back.
func (t *turnstile) leaver(l *lane, since time.Time) func() {
	return sync.OnceFunc(func() {
		now := time.Now()
		t.mu.Lock()
		defer t.mu.Unlock()
		t.release(l, now, now.Sub(since))
	})
}

// release gives a slot back that was held for some time.
func (t *turnstile) release(l *lane, now time.Time, held time.Duration) {
	l.working--
	t.working--
	l.used += held
	if t.waiting > 0 {
		if gap := now.Sub(t.left); !t.left.IsZero() && !t.left.Before(t.emptied) {
			t.interval += (gap - t.interval) / 16
		}
		t.left = now
	}
	t.forget(l)
	t.dispatch(now)
}

// load is how many work and how many wait.
func (t *turnstile) load() (working, waiting int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.working, t.waiting
}
