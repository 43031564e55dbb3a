package statespace

import (
	"crypto/sha256"
	"flag"
	"math"
	"runtime/debug"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"
)

var want = flag.Int("states", 0, "search until this many different states are found, with the large alphabet; 0: the small one to depth 4")

// A node is a state that was found and is to be searched from.
type node struct {
	name  name
	files snapshot
	ghost *ghost
	clock time.Duration
	path  *path
	depth int
}

// A name stands for a state.
type name [sha256.Size]byte

// A path tells how a state was reached.
type path struct {
	before *path
	step   step
}

func (p *path) String() string {
	if p == nil {
		return ""
	}
	return p.before.String() + "\n\t" + p.step.String()
}

// A search goes through states in the order in which they were found.
type search struct {
	t      *testing.T
	known  map[name]bool
	queue  []*node
	seed   uint64 // of the random bytes of the next state to search from
	taken  int    // steps
	within int    // states looked at in the middle of steps
	depth  int    // deepest state found
	depths int    // do not go deeper
	states int    // stop then
	keep   int    // bound of the queue
}

// TestStates is the search. Its time is not the machine's: nobody waits for clients who
// pause before they try again.
func TestStates(t *testing.T) { synctest.Test(t, searchStates) }

func searchStates(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	s := &search{t: t, known: map[name]bool{}, depths: 4, states: math.MaxInt, keep: math.MaxInt}
	alphabet := small()
	if *want > 0 {
		// No more states need to be kept than will ever be searched from.
		alphabet, s.states, s.depths, s.keep = steps(large()), *want, math.MaxInt, *want/10
	} else if testing.Short() {
		s.depths = 2
	}
	w := newWorld(t)
	if err := w.begin(); err != nil {
		t.Fatal(err)
	}
	s.found(w, nil, 0)
	for len(s.queue) > 0 && len(s.known) < s.states {
		n := s.queue[0]
		s.queue[0] = nil
		s.queue = s.queue[1:]
		s.from(w, n, alphabet)
	}
	t.Logf("%d different states, to depth %d, by %d steps of an alphabet of %d; %d looks in the middle of steps",
		len(s.known), s.depth, s.taken, len(alphabet), s.within)
}

// from takes every step from a state. All draw the same random bytes, so that the
// core's answers are remembered from one to the next. What changes nothing here does
// not with a fault either.
func (s *search) from(w *world, n *node, alphabet []step) {
	s.seed++
	idle := map[*action]bool{}
	for _, next := range alphabet {
		if len(s.known) >= s.states {
			return
		}
		if next.action == later && n.clock >= ends || next.plan.fault != none && (idle[next.action] || idle[next.plan.other]) {
			continue
		}
		w.restore(n.files, n.clock)
		w.ghost, w.clock, w.notes = n.ghost.clone(), n.clock, nil
		cryptotest.SetGlobalRandom(s.t, s.seed)
		p := &path{n.path, next}
		if err := w.start(); err != nil {
			s.t.Fatalf("after%s\nthe server does not start: %v", p, err)
		}
		w.midway = func(state string) { s.midway(w, p, state) }
		w.take(next)
		w.high = max(w.high, w.clock)
		if name := s.found(w, p, n.depth+1); next.plan.fault == none {
			idle[next.action] = name == n.name
		}
	}
}

// found checks the rules in a world and queues its state if it is new.
func (s *search) found(w *world, p *path, depth int) name {
	if s.taken++; s.taken%10_000 == 0 {
		s.t.Logf("%d steps, %d states, depth %d, %d to search from", s.taken, len(s.known), s.depth, len(s.queue))
	}
	name, fresh := s.see(w, p, w.describe())
	if !fresh {
		return name
	}
	s.depth = max(s.depth, depth)
	if depth < s.depths && len(s.queue) < s.keep {
		s.queue = append(s.queue, &node{name, w.snapshot(), w.ghost.clone(), w.clock, p, depth})
	}
	return name
}

// midway is found for a state in the middle of a step: some requests that write are
// answered, and the device is not done.
func (s *search) midway(w *world, p *path, state string) {
	s.see(w, p, state)
	s.within++
}

// see checks the rules in a world, if its state is new.
func (s *search) see(w *world, p *path, state string) (name, bool) {
	name := name(sha256.Sum256([]byte(state)))
	fresh := !s.known[name]
	if fresh {
		s.known[name] = true
		w.check()
	}
	if len(w.notes) > 0 {
		s.t.Fatalf("after%s\n%s", p, w.notes[0])
	}
	return name, fresh
}

// TestLiesAreFound: the search sees a store that does not do what it says.
func TestLiesAreFound(t *testing.T) {
	for _, lie := range []lie{leaveOut, keepKeys} {
		w := newWorld(t)
		if err := w.begin(); err != nil {
			t.Fatal(err)
		}
		w.crash.lie = lie
		for _, s := range small()[:3] {
			w.take(s)
			w.check()
		}
		if len(w.notes) == 0 {
			t.Errorf("lie %d is not found", lie)
		}
	}
}
