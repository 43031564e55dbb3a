package server_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// TestEventsSlow: who does not read is cut off, and holds nothing up.
func TestEventsSlow(t *testing.T) {
	w := newWorld(t)
	w.server.SetEvents(time.Hour, 5*time.Millisecond)
	alice := w.join()
	w.open(alice)
	pipe := &stuck{header: http.Header{}, deadline: make(chan time.Time, 100), stopped: make(chan struct{})}
	done := make(chan struct{})
	go func() {
		w.server.ServeHTTP(pipe, w.sign(alice, request("GET", eventsPath(0), nil), nil))
		close(done)
	}()
	select {
	case at := <-pipe.deadline:
		if d := time.Until(at); d <= 0 || d > time.Minute {
			t.Errorf("a write may take %s", d)
		}
	case <-time.After(patience):
		t.Fatal("no deadline was set")
	}
	w.grant(alice, w.join()) // nobody waits for him
	close(pipe.stopped)      // the deadline has passed
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("the stream did not end")
	}
	if n := w.server.Streams(); n != 0 {
		t.Errorf("%d streams are left", n)
	}
}

// stuck is a connection whose other end does not read.
type stuck struct {
	header   http.Header
	deadline chan time.Time
	stopped  chan struct{}
}

func (s *stuck) Header() http.Header { return s.header }
func (s *stuck) WriteHeader(int)     {}
func (s *stuck) Write([]byte) (int, error) {
	<-s.stopped
	return 0, context.DeadlineExceeded
}
func (s *stuck) FlushError() error                  { return nil }
func (s *stuck) SetReadDeadline(time.Time) error    { return nil }
func (s *stuck) SetWriteDeadline(t time.Time) error { s.deadline <- t; return nil }

func testEventsWriteTimeout(t *testing.T, protocol string) {
	w := newWorld(t)
	w.server.SetEvents(20*time.Millisecond, 5*time.Millisecond)
	web := httptest.NewUnstartedServer(w.server)
	web.Config.WriteTimeout, web.Config.ReadTimeout = 100*time.Millisecond, 100*time.Millisecond
	if web.EnableHTTP2 = protocol == "HTTP/2.0"; web.EnableHTTP2 {
		web.StartTLS()
	} else {
		web.Start()
	}
	t.Cleanup(func() { w.server.CloseStreams(); web.Close() })
	alice := w.join()
	o := w.watch(t, web.URL, alice, 0)
	if o.response.Proto != protocol {
		t.Fatalf("it is %s", o.response.Proto)
	}
	begin := time.Now()
	var last sse
	for time.Since(begin) < 400*time.Millisecond {
		m, ok := <-o.messages
		if !ok {
			t.Fatal("it was cut off")
		}
		last = m
	}
	if last.id != w.logSize()-1 || last.name != "" || bytes.Contains([]byte(last.raw), []byte("data")) {
		t.Errorf("%+v, log of %d", last, w.logSize())
	}
	w.open(alice)
	w.grant(alice, w.join())
	o.expect("entry grant")
}

// TestEventsWriteTimeout: a stream outlives the time that net/http gives an answer, and its
// heartbeat tells how far the log was looked at.
func TestEventsWriteTimeout(t *testing.T) {
	for _, protocol := range []string{"HTTP/1.1", "HTTP/2.0"} {
		t.Run(protocol, func(t *testing.T) { testEventsWriteTimeout(t, protocol) })
	}
}
