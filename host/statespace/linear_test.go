package statespace

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/recrypt-service/recrypt/host/client"
)

// What a history is made of.
const (
	doGrant = iota
	doRevoke
	doOpen
)

type input struct{ do, reader int }

// access says what a reader may: the state is whether he may open, the output whether
// he could.
var access = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		parts := make([][]porcupine.Operation, 2)
		for _, op := range history {
			reader := op.Input.(input).reader
			parts[reader] = append(parts[reader], op)
		}
		return parts
	},
	Init: func() any { return false },
	Step: func(state, in, out any) (bool, any) {
		switch in.(input).do {
		case doGrant:
			return true, true
		case doRevoke:
			return true, false
		}
		return out.(bool) == state.(bool), state
	},
	DescribeOperation: func(in, out any) string {
		i := in.(input)
		return fmt.Sprintf("%s %d: %v", [...]string{"grant", "revoke", "open"}[i.do], i.reader, out)
	},
}

// A direct wire answers many devices at once.
type direct struct{ w *world }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		r.Body.Close()
	}
	return d.w.deliver(r, body), nil
}

// TestHistories records what two devices of an owner and two readers do at once, and
// has a checker look for an order in which it all could have happened one after the
// other.
func TestHistories(t *testing.T) {
	runs := 6
	if testing.Short() {
		runs = 1
	}
	for run := range runs {
		w := newWorld(t)
		if err := w.begin(); err != nil {
			t.Fatal(err)
		}
		if len(w.notes) > 0 {
			t.Fatal(w.notes)
		}
		history := record(t, w, 30)
		result, info := porcupine.CheckOperationsVerbose(access, history, time.Minute)
		if result != porcupine.Ok {
			path := t.ArtifactDir() + fmt.Sprintf("/history-%d.html", run)
			_ = porcupine.VisualizePath(access, info, path)
			t.Fatalf("history %d is not one of single steps (%v), drawn in %s", run, result, path)
		}
		w.check()
		if len(w.notes) > 0 {
			t.Fatal(w.notes)
		}
	}
}

// TestHistoriesAreJudged: the checker sees an opening after a revocation.
func TestHistoriesAreJudged(t *testing.T) {
	bad := []porcupine.Operation{
		{ClientId: 0, Input: input{doGrant, 0}, Output: true, Call: 0, Return: 1},
		{ClientId: 0, Input: input{doRevoke, 0}, Output: true, Call: 2, Return: 3},
		{ClientId: 1, Input: input{doOpen, 0}, Output: true, Call: 4, Return: 5},
	}
	if porcupine.CheckOperations(access, bad) {
		t.Error("an opening after a revocation passes")
	}
}

// record runs four devices at once, each n commands.
func record(t *testing.T, w *world, n int) []porcupine.Operation {
	var (
		mu      sync.Mutex
		history []porcupine.Operation
		all     sync.WaitGroup
		began   = time.Now()
		key     = w.ghost.docs[0].key
	)
	devices := []string{"a1", "a2", "c1", "d1"}
	readers := []string{"carol", "dave"}
	for id, name := range devices {
		c := must(client.New(client.Config{
			Caller: core.Caller, Server: origin, Seed: w.devices[name].seed, Identity: w.devices[name].record,
			Now: w.now, HTTP: &http.Client{Transport: direct{w}},
		}))
		all.Go(func() {
			defer c.Close()
			for range n {
				in := input{rand.IntN(2), rand.IntN(2)}
				if id >= 2 {
					in = input{doOpen, id - 2}
				}
				op := porcupine.Operation{ClientId: id, Input: in, Call: time.Since(began).Nanoseconds()}
				var err error
				out := true
				switch in.do {
				case doGrant:
					_, err = c.Grant(ctx, w.people[readers[in.reader]].id, client.GrantOptions{})
				case doRevoke:
					_, err = c.Revoke(ctx, w.people[readers[in.reader]].id, client.RevokeOptions{})
				case doOpen:
					_, err = c.GetKey(ctx, key, client.OpenOptions{})
					if errors.Is(err, client.ErrNoAccess) {
						out, err = false, nil
					}
				}
				op.Return = time.Since(began).Nanoseconds()
				if errors.Is(err, client.ErrNoGrant) {
					err = nil
				}
				if err != nil && in.do == doOpen {
					t.Errorf("open: %v", err)
					continue
				}
				if err != nil { // overtaken too often: it may have been done, at any time
					op.Return = math.MaxInt64
				}
				op.Output = out
				mu.Lock()
				history = append(history, op)
				mu.Unlock()
				if err != nil {
					return // what comes later would be after it
				}
			}
		})
	}
	all.Wait()
	return history
}
