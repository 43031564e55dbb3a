package server_test

import (
	"crypto/sha256"
	"encoding/json"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
)

// TestManyKeysLeaveRoom: while one identity fetches a thousand keys at once, over and over,
// another one's single keys take about as long as beside anything else that keeps one
// processor busy: they do not wait for its locks, its transactions or its place in the queue.
// The two are measured in turns, because other programs share the machine.
func TestManyKeysLeaveRoom(t *testing.T) {
	w := newWorld(t)
	w.cache, w.kept = 0, 0 // the longest work
	w.restart()
	alice, bob, carol := w.join(), w.join(), w.join()
	w.grant(alice, bob, carol)
	ids := make([]string, api.MaxKeys)
	for i := range ids {
		if i < 300 {
			ids[i] = w.deposit(alice, alice).id
			continue
		}
		ids[i] = api.FormatID([16]byte{byte(i), byte(i >> 8), 3})
	}
	body := must(json.Marshal(api.GetKeys{Keys: ids}))
	many := func() {
		out := httptest.NewRecorder()
		w.server.ServeHTTP(out, w.sign(bob, request("POST", api.PathTransforms, body), body))
		if out.Code != 200 {
			t.Errorf("status %d: %s", out.Code, out.Body)
		}
	}
	single := func(n int) (all []time.Duration) {
		for range n {
			r := w.sign(carol, request("POST", transformPath(ids[0]), nil), nil)
			start := time.Now()
			if status := serve(w.server, r); status != 200 {
				t.Errorf("status %d", status)
			}
			all = append(all, time.Since(start))
			time.Sleep(2 * time.Millisecond)
		}
		return all
	}
	single(5)
	var alone, busy, beside []time.Duration
	for range 5 {
		alone = append(alone, single(12)...)
		during(compute, func() { busy = append(busy, single(12)...) })
		during(many, func() { beside = append(beside, single(12)...) })
	}
	t.Logf("alone: half within %v, nine of ten within %v; beside arithmetic: %v and %v; beside requests for %d keys: %v and %v",
		share(alone, 2), share(alone, 10), share(busy, 2), share(busy, 10), len(ids), share(beside, 2), share(beside, 10))
	if got, most := share(beside, 2), 3*share(busy, 2)+10*time.Millisecond; got > most {
		t.Errorf("half of the requests took longer than %v, expected at most %v", got, most)
	}
}

// during lets something happen over and over while do runs.
func during(over, do func()) {
	stop := make(chan struct{})
	var wait sync.WaitGroup
	wait.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				over()
			}
		}
	})
	time.Sleep(10 * time.Millisecond)
	do()
	close(stop)
	wait.Wait()
}

// compute keeps a processor busy for some milliseconds.
func compute() {
	sum := sha256.Sum256(nil)
	for range 20_000 {
		sum = sha256.Sum256(sum[:])
	}
}

// share returns within what all but one of n were answered.
func share(all []time.Duration, n int) time.Duration {
	all = slices.Sorted(slices.Values(all))
	return all[len(all)-1-(len(all)-1)/n]
}
