package server

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestBoundedListener(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := newBoundedListener(inner, 2, 0, nil)
	type accepted struct {
		conn net.Conn
		err  error
	}
	got := make(chan accepted)
	go func() {
		for {
			conn, err := l.Accept()
			got <- accepted{conn, err}
			if err != nil {
				return
			}
		}
	}()
	for range 4 {
		conn, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	first, second := <-got, <-got
	if half, ok := first.conn.(interface{ CloseWrite() error }); !ok || half.CloseWrite() != nil {
		t.Error("net/http cannot half-close the connection")
	}
	select {
	case <-got:
		t.Fatal("one connection too many")
	case <-time.After(50 * time.Millisecond):
	}
	first.conn.Close()
	first.conn.Close() // twice is one place
	third := <-got
	select {
	case <-got:
		t.Fatal("a place was given back twice")
	case <-time.After(50 * time.Millisecond):
	}
	l.Close()
	if last := <-got; !errors.Is(last.err, net.ErrClosed) {
		t.Errorf("closed: %v", last.err)
	}
	l.Close()
	second.conn.Close()
	third.conn.Close()
	if n := len(l.places); n != 0 {
		t.Errorf("%d places are still taken", n)
	}
}

// TestSendStalls: a client that does not read is cut off, and so is one that reads
// for ever.
func TestSendStalls(t *testing.T) {
	sent := make(chan bool, 1)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		a := &answer{body: make([]byte, 16<<20)}
		a.send(w, 200*time.Millisecond, 500*time.Millisecond)
		sent <- true
	}))
	defer web.Close()
	for _, every := range []time.Duration{0, 50 * time.Millisecond} {
		conn, err := net.Dial("tcp", web.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		conn.(*net.TCPConn).SetReadBuffer(4096)
		conn.Write([]byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
		limit := time.After(30 * time.Second)
		for cut := false; !cut; {
			select {
			case <-sent:
				cut = true
			case <-time.After(50 * time.Millisecond):
				if every > 0 {
					conn.Read(make([]byte, 1024))
				}
			case <-limit:
				t.Fatalf("reading every %v: not cut off", every)
			}
		}
	}
}
