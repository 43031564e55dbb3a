package server

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/httpsig"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// route says what the gate demands of a request.
type route struct {
	operation string // operation id
	signed    bool   // by a known identity
	selfMade  bool   // by the identity in the body
	body      bool   // has a JSON body; otherwise none is allowed
	free      bool   // costs nothing: no slot needed
}

// exchange is what the gate knows about a request; handlers find it in their
// context.
type exchange struct {
	operation string
	code      string        // of the problem answered, for the log
	signer    *signer       // nil on public routes
	identity  *abi.Identity // create_identity: the verified record in the body
}

type exchangeKey struct{}

// of returns the exchange that ctx belongs to.
func of(ctx context.Context) *exchange { return ctx.Value(exchangeKey{}).(*exchange) }

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	out := &answer{ResponseWriter: w}
	x := &exchange{operation: "-"}
	secure(w.Header())
	w.Header().Set("Date", s.clock().UTC().Format(http.TimeFormat))
	defer func() {
		if fault := recover(); fault != nil {
			// The value may quote input, so only its place is worth a log line.
			s.log.Error("panic", "operation", x.operation, "at", panicPlace())
			if out.status != 0 {
				panic(http.ErrAbortHandler) // too late for an answer: cut the connection
			}
			x.code = api.CodeInternal
			writeProblem(out, refuse(api.CodeInternal, ""))
		}
		s.access(x, out, time.Since(start))
	}()
	if err := s.admit(out, r, x); err != nil {
		p := s.explain(x, err)
		if p.Code == api.CodeTooLarge || p.Code == api.CodeMediaType {
			out.Header().Set("Connection", "close") // do not read what is still coming
		}
		writeProblem(out, p)
	}
}

// secure sets the headers of every answer: nothing here is a document, to be
// cached, or to be framed.
func secure(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
}

// admit passes r through the gate to its handler.
func (s *Server) admit(w http.ResponseWriter, r *http.Request, x *exchange) error {
	rt, err := s.target(w, r)
	if err != nil {
		return err
	}
	x.operation = rt.operation
	body, err := readBody(w, r, rt)
	if err != nil {
		return err
	}
	defer clear(body) // it may hold transform keys
	if !rt.free {
		leave, err := s.gate.enter(r.Context())
		if err != nil {
			return err
		}
		defer leave()
	}
	if rt.signed {
		if err := s.authenticate(r, body, rt, x); err != nil {
			return err
		}
	}
	if rt.body && !strictJSON(body) {
		return refuse(api.CodeMalformed, "the body is not strict JSON")
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	s.mux.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x)))
	return nil
}

// target finds the route of r. The path must have one spelling only and must not
// carry a query: no operation has parameters there, and what is signed should
// mean something.
func (s *Server) target(w http.ResponseWriter, r *http.Request) (route, error) {
	u := r.URL
	if !httpsig.CanonicalPath(u) || u.RawQuery != "" || u.ForceQuery || (r.RequestURI != "" && r.RequestURI != u.Path) {
		return route{}, refuse(api.CodeMalformed, "the path is not in canonical form or has a query")
	}
	handler, pattern := s.mux.Handler(r)
	if rt, ok := s.routes[pattern]; ok {
		return rt, nil
	}
	// ServeMux answers by itself, in plain text: keep what it found out.
	own := &answer{ResponseWriter: discard{http.Header{}}}
	handler.ServeHTTP(own, r)
	if own.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", own.Header().Get("Allow"))
		return route{}, refuse(api.CodeMethod, "see the Allow header")
	}
	return route{}, absent()
}

// readBody reads the whole body, or refuses it before reading more than it must.
func readBody(w http.ResponseWriter, r *http.Request, rt route) ([]byte, error) {
	if len(r.Header.Values("Content-Encoding")) != 0 {
		return nil, refuse(api.CodeMediaType, "send the body without content encoding")
	}
	if !rt.body {
		return nil, noBody(w, r)
	}
	if r.ContentLength > api.MaxBody {
		return nil, refuse(api.CodeTooLarge, "the body may have 1 MiB")
	}
	if !isJSON(r.Header.Values("Content-Type")) {
		return nil, refuse(api.CodeMediaType, "send content type application/json")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, api.MaxBody))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, refuse(api.CodeTooLarge, "the body may have 1 MiB")
	}
	if err != nil || len(body) == 0 {
		return nil, refuse(api.CodeMalformed, "the body is missing or was cut off")
	}
	return body, nil
}

// noBody refuses a body where there is none to be.
func noBody(w http.ResponseWriter, r *http.Request) error {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	var one [1]byte
	if n, err := http.MaxBytesReader(w, r.Body, 1).Read(one[:]); n != 0 || (err != nil && err != io.EOF) {
		return refuse(api.CodeMalformed, "this operation has no body")
	}
	return nil
}

// isJSON reports whether there is one Content-Type and it is JSON in UTF-8.
func isJSON(values []string) bool {
	if len(values) != 1 {
		return false
	}
	media, params, err := mime.ParseMediaType(values[0])
	if err != nil || media != api.ContentTypeJSON {
		return false
	}
	for name, value := range params {
		if name != "charset" || !strings.EqualFold(value, "utf-8") {
			return false
		}
	}
	return true
}

// explain turns err into its answer, and logs it if it is our own fault.
func (s *Server) explain(x *exchange, err error) *problem {
	p, fault := toProblem(err)
	if x.code = p.Code; fault {
		s.log.Error("request failed", "operation", x.operation, "error", err)
	}
	return p
}

// access writes the line of a request to the log: never headers, bodies or paths.
func (s *Server) access(x *exchange, out *answer, took time.Duration) {
	attrs := []slog.Attr{
		slog.String("operation", x.operation), slog.Int("status", out.status),
		slog.Float64("ms", float64(took.Microseconds())/1000),
	}
	if x.code != "" {
		attrs = append(attrs, slog.String("code", x.code))
	}
	if x.signer != nil {
		attrs = append(attrs, slog.String("signer", x.signer.text))
	}
	s.log.LogAttrs(context.Background(), slog.LevelInfo, "request", attrs...)
}
