package server

import (
	"maps"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Bounds of sending an answer. A client that reads nothing for stallTime is cut
// off, and one that reads slowly when sendTime is over.
const (
	stallTime = 10 * time.Second
	sendTime  = time.Minute
	sendPiece = 64 << 10 // bytes sent within stallTime
)

// answer collects what a handler answers, so that the turnstile can be left before
// it is sent.
type answer struct {
	header http.Header
	status int
	body   []byte
}

func (s *Server) newAnswer() *answer {
	a := &answer{header: http.Header{}}
	secure(a.header)
	a.header.Set("Date", s.clock().UTC().Format(http.TimeFormat))
	return a
}

// secure sets the headers of every answer: nothing here is a document, to be
// cached, or to be framed.
func secure(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
}

// Header returns the header to be sent.
func (a *answer) Header() http.Header { return a.header }

// WriteHeader sets the status; the first one counts.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

// Write adds to the body.
func (a *answer) Write(b []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	a.body = append(a.body, b...)
	return len(b), nil
}

// send writes the answer to the connection, piece by piece, as long as the client
// takes each within stall and all within total. What goes wrong here is the connection's fault: nothing is left to
// tell anybody.
func (a *answer) send(w http.ResponseWriter, stall, total time.Duration) {
	maps.Copy(w.Header(), a.header)
	if a.status != http.StatusNotModified {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	connection := http.NewResponseController(w)
	end := time.Now().Add(total)
	limit := func() {
		deadline := time.Now().Add(stall)
		if deadline.After(end) {
			deadline = end
		}
		_ = connection.SetWriteDeadline(deadline) // a recorder has none
	}
	limit()
	w.WriteHeader(max(a.status, http.StatusOK))
	for rest := a.body; len(rest) > 0; {
		n, err := w.Write(rest[:min(len(rest), sendPiece)])
		if err != nil {
			return
		}
		rest = rest[n:]
		limit()
	}
}

// panicPlace names the line of our own code that panicked.
func panicPlace() string {
	var pcs [32]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	for {
		frame, more := frames.Next()
		if !strings.HasPrefix(frame.Function, "runtime.") {
			return frame.Function + ":" + strconv.Itoa(frame.Line)
		}
		if !more {
			return "unknown"
		}
	}
}
