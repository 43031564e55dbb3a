package statespace

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"
)

var (
	want    = flag.Int("states", 0, "search until this many different states are found, with the large alphabet; 0: the small one to depth 4")
	workers = flag.Int("workers", runtime.GOMAXPROCS(0), "how many worlds at once")
)

// A node is a state that was found and is to be searched from.
type node struct {
	files snapshot
	ghost *ghost
	clock time.Duration
	path  *path
	depth int
}

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

// A search is shared by its workers.
type search struct {
	mu     sync.Mutex
	known  map[[sha256.Size]byte]bool
	queue  []*node
	busy   int
	taken  int // steps
	depth  int // deepest state found
	depths int // do not go deeper
	states int // stop then
	keep   int // bound of the queue
	failed string
	wake   *sync.Cond
}

// TestStates is the search.
func TestStates(t *testing.T) {
	s := &search{known: map[[sha256.Size]byte]bool{}, depths: 4, states: 1 << 60, keep: 200_000}
	s.wake = sync.NewCond(&s.mu)
	alphabet := small()
	if *want > 0 {
		alphabet, s.states, s.depths = steps(large()), *want, 1<<30
		// No more states need to be kept than are ever searched from.
		s.keep = *want / 8
	} else if testing.Short() {
		s.depths = 2
	}
	first := newWorld(t)
	if err := first.begin(); err != nil {
		t.Fatal(err)
	}
	s.found(first, nil, 0)
	began := time.Now()
	var done sync.WaitGroup
	for range *workers {
		w := newWorld(t)
		done.Go(func() { s.work(t, w, alphabet, began) })
	}
	done.Wait()
	if s.failed != "" {
		t.Fatal(s.failed)
	}
	t.Logf("%d different states, to depth %d, by %d steps of an alphabet of %d, in %v",
		len(s.known), s.depth, s.taken, len(alphabet), time.Since(began).Round(time.Second))
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

// work takes states off the queue and searches from them.
func (s *search) work(t *testing.T, w *world, alphabet []step, began time.Time) {
	for {
		n := s.next()
		if n == nil {
			return
		}
		for _, next := range alphabet {
			if s.over() {
				break
			}
			w.stop()
			w.restore(n.files)
			w.ghost, w.clock, w.notes = n.ghost.clone(), n.clock, nil
			if err := w.start(); err != nil {
				w.broken("the server does not start: " + err.Error())
			} else if next.action != later || n.clock < ends {
				w.take(next)
			}
			p := &path{n.path, next}
			if w.server != nil {
				s.found(w, p, n.depth+1)
			}
			s.report(t, w, p, began)
		}
		s.mu.Lock()
		s.busy--
		s.wake.Broadcast()
		s.mu.Unlock()
	}
}

// next waits for a state to search from, nil when there will be none.
func (s *search) next() *node {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.queue) == 0 && s.busy > 0 {
		s.wake.Wait()
	}
	if len(s.queue) == 0 || s.failed != "" || len(s.known) >= s.states {
		return nil
	}
	n := s.queue[0]
	s.queue[0] = nil
	s.queue = s.queue[1:]
	s.busy++
	return n
}

func (s *search) over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed != "" || len(s.known) >= s.states
}

// found checks the rules in a world and queues its state if it is new.
func (s *search) found(w *world, p *path, depth int) {
	name := sha256.Sum256([]byte(w.describe()))
	s.mu.Lock()
	fresh := !s.known[name]
	s.known[name] = true
	room := depth < s.depths && len(s.queue) < s.keep
	s.taken++
	s.mu.Unlock()
	if !fresh {
		return
	}
	w.check()
	var files snapshot
	if room {
		w.stop()
		files = w.snapshot()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.depth = max(s.depth, depth)
	if room {
		s.queue = append(s.queue, &node{files, w.ghost.clone(), w.clock, p, depth})
		s.wake.Signal()
	}
}

// report ends the search at the first broken rule, and tells how far it is.
func (s *search) report(t *testing.T, w *world, p *path, began time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(w.notes) > 0 && s.failed == "" {
		s.failed = fmt.Sprintf("after%s\n%s", p, w.notes[0])
		s.wake.Broadcast()
	}
	if s.taken%5000 == 0 {
		t.Logf("%v: %d steps, %d states, depth %d, %d to search from", time.Since(began).Round(time.Second), s.taken, len(s.known), s.depth, len(s.queue))
	}
}
