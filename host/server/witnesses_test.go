package server_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/server"
	"github.com/recrypt-service/recrypt/host/translog"
)

// aWitness is a witness that runs, and can be taken down.
type aWitness struct {
	translog.Witness
	url  string
	down atomic.Bool
	hang atomic.Bool
}

// witness starts one that follows the world's log.
func (w *world) witness(name string, logKey [32]byte) *aWitness {
	served, err := translog.NewWitness(translog.WitnessConfig{
		Name: name, Key: random(32), File: filepath.Join(w.t.TempDir(), "witness"),
		Logs: []translog.Log{{Origin: w.server.ID(), Key: logKey}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	out := &aWitness{Witness: served.Witness()}
	s := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if out.hang.Load() {
			_, _ = io.Copy(io.Discard, r.Body) // or it is not noticed that the client has left
			<-r.Context().Done()
			return
		}
		if out.down.Load() {
			rw.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		served.ServeHTTP(rw, r)
	}))
	w.t.Cleanup(s.Close)
	out.url = s.URL
	return out
}

// run runs the server with witnesses.
func (w *world) run(witnesses ...*aWitness) {
	w.t.Helper()
	err := w.reopen(func(c *server.Config) {
		for _, a := range witnesses {
			c.Witnesses = append(c.Witnesses, a.String()+" "+a.url)
		}
	})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { w.server.Run(ctx) })
	w.t.Cleanup(func() { stop(); running.Wait() })
	// Until it asks, nobody waits for it.
	for range 100 {
		if w.newestCheckpoint(); len(witnesses) == 0 || w.server.Asking() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	w.t.Fatal("witnesses are not asked")
}

func TestWitnesses(t *testing.T) {
	w := newWorld(t)
	w.join()
	one, two := w.witness("one.example", w.service.SigningKey), w.witness("two.example", w.service.SigningKey)
	w.run(one, two)
	for range 3 {
		w.join()
		c := w.newestCheckpoint(one.Witness, two.Witness)
		if strings.Join(c.Witnesses, " ") != "one.example two.example" {
			t.Errorf("%d leaves are confirmed by %v", c.Size, c.Witnesses)
		}
	}
	// It is signed again after a minute, and still confirmed.
	w.advance(2 * time.Minute)
	if c := w.newestCheckpoint(one.Witness, two.Witness); len(c.Witnesses) != 2 || c.Time.Unix() != w.now().Unix() {
		t.Errorf("later: %+v", c)
	}
}

// TestWitnessDown: a witness that does not answer, or not as it should, delays and spoils
// nothing.
func TestWitnessDown(t *testing.T) {
	w := newWorld(t)
	w.join()
	good, down := w.witness("good.example", w.service.SigningKey), w.witness("down.example", w.service.SigningKey)
	hangs, foreign := w.witness("hangs.example", w.service.SigningKey), w.witness("foreign.example", [32]byte{1})
	liar := w.witness("liar.example", w.service.SigningKey)
	liar.Key = [32]byte{7} // not the key by which it signs
	down.down.Store(true)
	hangs.hang.Store(true)
	w.run(good, down, hangs, foreign, liar)
	all := []translog.Witness{good.Witness, down.Witness, hangs.Witness, foreign.Witness, liar.Witness}
	w.newestCheckpoint(all...) // may wait for the one that hangs
	for range 3 {
		alice := w.join()
		start := time.Now()
		w.open(alice)
		if took := time.Since(start); took > time.Second {
			t.Errorf("a write took %v", took)
		}
		if c := w.newestCheckpoint(all...); strings.Join(c.Witnesses, " ") != "good.example" {
			t.Errorf("confirmed by %v", c.Witnesses)
		}
		if took := time.Since(start); took > 2500*time.Millisecond {
			t.Errorf("a checkpoint took %v", took)
		}
	}
	for _, a := range []*aWitness{down, hangs, foreign, liar} {
		if n := strings.Count(w.log.String(), "witness="+a.Name); n != 1 {
			t.Errorf("%s is in the log %d times", a.Name, n)
		}
	}
}

// TestWitnessBusy: while the log grows all the time there are checkpoints that are
// confirmed, and never one that is older than what was seen.
func TestWitnessBusy(t *testing.T) {
	w := newWorld(t)
	one := w.witness("one.example", w.service.SigningKey)
	w.join()
	w.run(one)
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		for ctx.Err() == nil {
			w.join()
			time.Sleep(5 * time.Millisecond)
		}
	})
	var last int64
	for range 4 {
		seen := decode[api.Identity](t, w.do(request("GET", "/v1/identities/"+w.join().id, nil)))
		if c := w.checkpoint(seen.Logged.Checkpoint); c.Size < last {
			t.Errorf("%d leaves after %d", c.Size, last)
		} else {
			last = c.Size
		}
		c := w.newestCheckpoint(one.Witness)
		if c.Size < last || len(c.Witnesses) != 1 {
			t.Errorf("%d leaves, confirmed by %v, after %d", c.Size, c.Witnesses, last)
		}
		last = c.Size
	}
	stop()
	running.Wait()
}

// TestWitnessAhead: a witness that has seen more than the database holds says so.
func TestWitnessAhead(t *testing.T) {
	w, newer := newWorld(t), newWorld(t)
	newer.stop()
	newer.seed, newer.service = w.seed, w.service
	newer.start()
	one := w.witness("one.example", w.service.SigningKey)
	w.join()
	for range 3 {
		newer.join()
	}
	newer.run(one)
	if c := newer.newestCheckpoint(one.Witness); len(c.Witnesses) != 1 {
		t.Fatalf("confirmed by %v", c.Witnesses)
	}
	w.run(one)
	if c := w.newestCheckpoint(one.Witness); len(c.Witnesses) != 0 {
		t.Errorf("confirmed by %v", c.Witnesses)
	}
	for range 100 {
		if strings.Contains(w.log.String(), "has cosigned a log of 3 entries that does not go on to ours") {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("the log says: %s", w.log.String())
}

func TestWitnessConfig(t *testing.T) {
	w := newWorld(t)
	good := translog.Witness{Name: "one.example", Key: [32]byte{1}}.String()
	for name, text := range map[string]string{
		"empty": "", "key only": good, "url only": "https://one.example", "no scheme": good + " one.example", "other scheme": good + " ftp://one.example",
		"query": good + " https://one.example?x", "user": good + " https://a@one.example", "key": "x" + good + " https://one.example", "two spaces": good + "  https://one.example",
	} {
		if err := w.reopen(func(c *server.Config) { c.Witnesses = []string{text} }); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for _, url := range []string{"https://one.example", "http://127.0.0.1:8080", "https://one.example/witness/a/"} {
		if err := w.reopen(func(c *server.Config) { c.Witnesses = []string{good + " " + url} }); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}
