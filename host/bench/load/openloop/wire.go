package openloop

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// A Wire sends requests that were written down beforehand, byte for byte, over one
// connection that stays open, so that sending costs the generator next to nothing. It is
// for one goroutine.
type Wire struct {
	address string
	from    net.Addr // nil: any
	timeout time.Duration
	conn    net.Conn
	in      *bufio.Reader
	used    time.Time // when it connected or sent last
}

// stale is after how long without use a connection may have been given up by the other side,
// so that a new one is made. Servers hang up on who says nothing at first after ten seconds.
const stale = 5 * time.Second

// NewWire returns a wire to an address, host:port. It connects when it is used, and again
// when the other side has closed. timeout is for one request.
func NewWire(address string, timeout time.Duration) *Wire {
	return &Wire{address: address, timeout: timeout}
}

// NewWireFrom is [NewWire] with the IP address from which to connect, so that one machine can
// be many clients. An empty one is any.
func NewWireFrom(from, address string, timeout time.Duration) *Wire {
	w := NewWire(address, timeout)
	if ip := net.ParseIP(from); ip != nil {
		w.from = &net.TCPAddr{IP: ip}
	}
	return w
}

// Address is where the wire leads.
func (w *Wire) Address() string { return w.address }

// Send sends a request and reads its answer. The body is not kept.
func (w *Wire) Send(ctx context.Context, request []byte) Answer {
	return w.send(ctx, request, io.Discard)
}

// Fetch is Send for who wants the body.
func (w *Wire) Fetch(ctx context.Context, request []byte) (Answer, []byte) {
	var body bytes.Buffer
	a := w.send(ctx, request, &body)
	return a, body.Bytes()
}

// Connect connects unless the wire is connected, so that the next request need not.
func (w *Wire) Connect(ctx context.Context) error {
	if w.conn != nil && time.Since(w.used) < stale {
		return nil
	}
	w.Close()
	conn, err := (&net.Dialer{Timeout: w.timeout, LocalAddr: w.from}).DialContext(ctx, "tcp", w.address)
	if err != nil {
		return fmt.Errorf("connect: %w", plain(err))
	}
	w.conn, w.in, w.used = conn, bufio.NewReaderSize(conn, 16<<10), time.Now()
	return nil
}

func (w *Wire) send(ctx context.Context, request []byte, body io.Writer) Answer {
	if err := w.Connect(ctx); err != nil {
		return Answer{Err: err}
	}
	w.used = time.Now()
	_ = w.conn.SetDeadline(w.used.Add(w.timeout))
	if _, err := w.conn.Write(request); err != nil {
		w.Close()
		return Answer{Err: fmt.Errorf("send: %w", plain(err))}
	}
	answer, err := http.ReadResponse(w.in, nil)
	if err != nil {
		w.Close()
		return Answer{Err: fmt.Errorf("read answer: %w", plain(err))}
	}
	n, err := io.Copy(body, answer.Body)
	answer.Body.Close()
	if err != nil || answer.Close {
		w.Close()
	}
	if err != nil {
		return Answer{Err: fmt.Errorf("read answer: %w", plain(err))}
	}
	return Answer{Status: answer.StatusCode, Bytes: int(n)}
}

// Close closes the connection. The wire may be used again.
func (w *Wire) Close() {
	if w.conn != nil {
		w.conn.Close()
		w.conn = nil
	}
}

// plain leaves addresses out of an error, so that equal faults are counted together.
func plain(err error) error {
	if op, ok := err.(*net.OpError); ok {
		return op.Err
	}
	return err
}
