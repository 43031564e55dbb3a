package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/pgtest"
	"github.com/recrypt-service/recrypt/host/store/postgres"
	"github.com/recrypt-service/recrypt/host/store/storetest"
)

// crash runs a child, kills it at a random moment of its work and returns what it had said
// by then.
func crash(t *testing.T, url, seed string) []byte {
	t.Helper()
	cmd := childCommand(url, seed)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	var said bytes.Buffer
	chunk := make([]byte, 4096)
	for {
		n, err := out.Read(chunk)
		if said.Len() == 0 && n > 0 { // it works: set the fuse
			time.AfterFunc(rand.N(150*time.Millisecond), func() { cmd.Process.Kill() })
		}
		said.Write(chunk[:n])
		if err != nil {
			return said.Bytes()
		}
	}
}

// TestCrash kills processes under write load, two at a time on one database, again and
// again, and looks for every write that they had acknowledged and for its leaves in the
// log. Another server is there all the time and sees it at once.
func TestCrash(t *testing.T) {
	url := pgtest.Start(t, pgtest.Options{}).Database(t)
	s := open(t, url)
	writes, n := 0, rounds(8, 500)
	for round := range n {
		seeds := []string{fmt.Sprint("left ", round), fmt.Sprint("right ", round)}
		said := make([][]byte, len(seeds))
		var both sync.WaitGroup
		for i := range seeds {
			both.Go(func() { said[i] = crash(t, url, seeds[i]) })
		}
		both.Wait()
		for i := range seeds {
			writes += storetest.Acknowledged(t, s, seeds[i], bytes.NewReader(said[i]))
		}
	}
	if err := storetest.CheckLog(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d kills, %d acknowledged writes checked", 2*n, writes)
	if writes < n*storetest.Lanes {
		t.Fatalf("only %d writes were acknowledged", writes)
	}
}

// work writes to a store until stop is called, which returns what was acknowledged.
func work(t *testing.T, s *postgres.Store, seed string) (stop func() io.Reader, acknowledged func() int64) {
	ctx, cancel := context.WithCancel(t.Context())
	var said bytes.Buffer
	var n atomic.Int64
	done := make(chan error)
	go func() {
		done <- storetest.Work(ctx, s, seed, writerFunc(func(p []byte) (int, error) {
			n.Add(1)
			return said.Write(p)
		}))
	}()
	return func() io.Reader {
		cancel()
		if err := <-done; err != nil && !strings.Contains(err.Error(), context.Canceled.Error()) {
			t.Errorf("%s: %v", seed, err)
		}
		return &said
	}, n.Load
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// TestServerKilled kills the database server under the load of two stores and starts it
// again. No write fails and none that was acknowledged is lost.
func TestServerKilled(t *testing.T) {
	c := pgtest.Start(t, pgtest.Options{Fsync: true})
	url := c.Database(t)
	a, b := open(t, url), open(t, url)
	stopA, doneA := work(t, a, "a")
	stopB, doneB := work(t, b, "b")
	for range rounds(3, 100) {
		before := doneA() + doneB()
		for doneA()+doneB() < before+20 && !t.Failed() {
			time.Sleep(5 * time.Millisecond)
		}
		time.Sleep(rand.N(100 * time.Millisecond))
		if err := c.Kill(); err != nil {
			t.Fatal(err)
		}
		if err := c.Restart(); err != nil {
			t.Fatal(err)
		}
	}
	saidA, saidB := stopA(), stopB()
	writes := storetest.Acknowledged(t, b, "a", saidA) + storetest.Acknowledged(t, a, "b", saidB)
	if err := storetest.CheckLog(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d acknowledged writes checked", writes)
}

// TestFailover lets a synchronous standby take over under load.
func TestFailover(t *testing.T) {
	primary := pgtest.Start(t, pgtest.Options{Fsync: true})
	name, err := primary.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	standby, err := primary.Standby(true)
	if err != nil {
		t.Fatal(err)
	}
	defer standby.Close()
	s := open(t, pgtest.URL(name, primary, standby))
	stop, done := work(t, s, "failover")
	wait := func(n int64) {
		for done() < n && !t.Failed() {
			time.Sleep(5 * time.Millisecond)
		}
	}
	wait(50)
	if err := primary.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := standby.Promote(); err != nil {
		t.Fatal(err)
	}
	wait(done() + 50)
	writes := storetest.Acknowledged(t, s, "failover", stop())
	if err := storetest.CheckLog(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d acknowledged writes checked", writes)
}

// TestStandbyGone: what the standby has not got is not acknowledged, although the
// primary has it. When the standby is back, the change is found to be there, once.
func TestStandbyGone(t *testing.T) {
	postgres.Hurry(t, time.Minute, time.Second)
	primary := pgtest.Start(t, pgtest.Options{Fsync: true})
	name, err := primary.Create(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, primary.URL(name))
	t.Cleanup(func() { s.Close() }) // before time goes back
	standby, err := primary.Standby(true)
	if err != nil {
		t.Fatal(err)
	}
	defer standby.Close()
	log := func() []store.LogEntry {
		return []store.LogEntry{{Leaf: fmt.Appendf(make([]byte, 0, 32), "%032d", rand.Int64()), Entry: []byte{1}}}
	}
	if err := s.AppendLog(t.Context(), log()); err != nil {
		t.Fatal(err)
	}
	if err := standby.Kill(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
	defer cancel()
	if err := s.AppendLog(ctx, log()); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("without the standby: %v", err)
	}
	done := make(chan error)
	go func() { done <- s.AppendLog(t.Context(), log()) }()
	time.Sleep(1500 * time.Millisecond) // more than one attempt
	if err := standby.Restart(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatalf("with the standby again: %v", err)
	}
	if n, err := s.LogSize(t.Context()); err != nil || n != 3 { // the second was not acknowledged, and is there
		t.Fatalf("%d leaves, %v", n, err)
	}
	if err := storetest.CheckLog(t.Context(), s); err != nil {
		t.Fatal(err)
	}
}

// cutter passes connections to a server on, and cuts them at random moments: when they
// ask, when they have asked, or before they hear the answer.
type cutter struct {
	server string
	on     atomic.Bool
	cuts   atomic.Int64
}

func (c *cutter) serve(l net.Listener) {
	for {
		client, err := l.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("unix", c.server)
		if err != nil {
			client.Close()
			continue
		}
		both := func() { client.Close(); server.Close() }
		go c.copy(server, client, both)
		go c.copy(client, server, both)
	}
}

func (c *cutter) copy(to, from net.Conn, cut func()) {
	defer cut()
	buffer := make([]byte, 1<<16)
	for {
		n, err := from.Read(buffer)
		if c.on.Load() && rand.N(40) == 0 {
			if c.cuts.Add(1); rand.N(2) == 0 {
				to.Write(buffer[:n]) // it arrives, and nothing after it
			}
			return
		}
		if _, failed := to.Write(buffer[:n]); err != nil || failed != nil {
			return
		}
	}
}

// TestCut loses connections again and again, so that nobody knows whether a transaction
// was committed. Everything happens all the same, and openings are counted once.
func TestCut(t *testing.T) {
	cluster := pgtest.Start(t, pgtest.Options{})
	url := cluster.Database(t)
	dir, err := os.MkdirTemp("", "recrypt-cut-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	l, err := net.Listen("unix", filepath.Join(dir, ".s.PGSQL.5432"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	c := &cutter{server: filepath.Join(cluster.Socket(), ".s.PGSQL.5432")}
	go c.serve(l)
	s := open(t, strings.Replace(url, "host="+escaped(cluster.Socket()), "host="+escaped(dir), 1))
	c.on.Store(true)
	stop, done := work(t, s, "cut")
	for want := int64(rounds(300, 50_000)); done() < want && !t.Failed(); {
		time.Sleep(10 * time.Millisecond)
	}
	c.on.Store(false)
	writes := storetest.Acknowledged(t, s, "cut", stop())
	if err := storetest.CheckLog(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d cuts, %d acknowledged writes checked", c.cuts.Load(), writes)
	if c.cuts.Load() == 0 {
		t.Fatal("no connection was cut")
	}
}
