package server

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/netip"
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
	largest   int    // bytes that the body may have; 0: api.MaxBody
	claims    bool   // a write that an Idempotency-Key makes happen once
	kept      string // Cache-Control of a successful answer to GET; "": it may not be kept
}

// maxBody is how many bytes the body may have.
func (rt route) maxBody() int { return max(rt.largest, api.MaxBody) }

// exchange is what the gate knows about a request; handlers find it in their
// context.
type exchange struct {
	operation string
	code      string        // of the problem answered, for the log
	signer    *signer       // nil on public routes
	claim     *claim        // the verified signature behind signer
	body      []byte        // as it was signed; gone when the handler has returned
	identity  *abi.Identity // create_identity: the verified record in the body
	keys      int           // get_sym_keys: how many were asked for, for the log
	oneOwner  bool          // get_sym_keys: all keys asked for are there and of one owner
	unread    bool          // a body may still be coming
	unsent    share         // of the answer
	address   netip.Addr    // that it is counted for
	pass      *pass         // of the turnstile; nil if none is needed
	again     bool          // what is asked for was done under the same Idempotency-Key before
	stream    *stream       // watch_events: what follows the header

	connection *http.ResponseController
}

type exchangeKey struct{}

// of returns the exchange that ctx belongs to.
func of(ctx context.Context) *exchange { return ctx.Value(exchangeKey{}).(*exchange) }

// ServeHTTP answers one request. Sending the answer is not part of its work: a
// client that does not read holds nothing but its own connection and its share of
// what may be unsent.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	s.metrics.inFlight.Inc()
	defer s.metrics.inFlight.Dec()
	if r.TLS != nil {
		w.Header().Set("Strict-Transport-Security", "max-age=31536000")
	}
	x := &exchange{operation: "-", address: s.proxies.client(r), unsent: share{of: s.unsent}}
	refused := s.greet(r, x.address)
	if s.origins.share(w, r) && refused == nil {
		x.operation = "preflight"
		out := s.newAnswer()
		out.status = http.StatusNoContent
		s.access(x, out, time.Since(start))
		out.send(w, stallTime, sendTime)
		return
	}
	if refused == nil && s.inRepository(r) {
		s.serveDocument(w, r)
		return
	}
	if f := s.site.find(r); refused == nil && f != nil {
		s.servePage(w, r, f)
		return
	}
	defer x.unsent.giveBack()
	x.connection = http.NewResponseController(w)
	out := s.respond(r, x, refused)
	s.access(x, out, time.Since(start))
	if x.stream != nil {
		x.stream.run(r.Context(), w, out.header)
		return
	}
	out.send(w, stallTime, sendTime)
}

// respond makes the answer to r, whatever happens. If it is refused already, nothing of it is
// looked at.
func (s *Server) respond(r *http.Request, x *exchange, refused error) (out *answer) {
	out = s.newAnswer()
	defer func() {
		if fault := recover(); fault != nil {
			// The value may quote input, so only its place is worth a log line.
			s.log.Error("panic", "operation", x.operation, "at", panicPlace())
			s.metrics.panics.Inc()
			x.code = api.CodeInternal
			out = s.newAnswer()
			writeProblem(out, refuse(api.CodeInternal, ""))
		}
	}()
	err := refused
	if err == nil {
		err = s.admit(out, r, x)
	}
	if err != nil {
		p := s.explain(x, err)
		if x.unread && (r.ContentLength < 0 || r.ContentLength > freeOfEach) {
			out.Header().Set("Connection", "close") // do not read what is still coming
		}
		writeProblem(out, p)
	}
	return out
}

// admit passes r through the gate to its handler.
func (s *Server) admit(out *answer, r *http.Request, x *exchange) error {
	rt, err := s.target(out, r)
	if err != nil {
		return err
	}
	x.operation = rt.operation
	x.unread = rt.body
	if err := checkHeader(r, rt); err != nil {
		return err
	}
	if err := checkConditions(r); err != nil {
		return err
	}
	var claim *claim
	if rt.signed {
		if claim, err = s.readClaim(r, rt); err != nil {
			return err
		}
	}
	if !rt.free {
		if err := s.claimed(x.flow(claim, rt)); err != nil {
			return err
		}
	}
	held := share{of: s.bodies}
	defer held.giveBack()
	var body []byte
	if rt.body {
		if rt.largest > api.MaxBody {
			_ = x.connection.SetReadDeadline(time.Now().Add(largeReadTimeout)) // a recorder has none
		}
		if body, err = readBody(r, &held, rt.maxBody()); err != nil {
			return err
		}
	}
	x.unread = false
	// The deadline was for the request. If it passed while a handler works, net/http would
	// take the client for gone.
	_ = x.connection.SetReadDeadline(time.Time{})
	defer clear(body) // it may hold transform keys
	return s.work(out, r, rt, x, claim, body)
}

// work takes a slot and does what costs something.
func (s *Server) work(out *answer, r *http.Request, rt route, x *exchange, c *claim, body []byte) error {
	if !rt.free {
		x.pass = s.gate.pass(x.flow(c, rt))
		if err := x.pass.take(r.Context()); err != nil {
			return err
		}
		defer x.pass.give()
	}
	if rt.signed {
		if err := s.authenticate(r.Context(), c, body, rt, x); err != nil {
			return err
		}
	}
	if rt.body && !strictJSON(body) {
		return refuse(api.CodeMalformed, "the body is not strict JSON")
	}
	x.body = body
	defer func() { x.body = nil }()
	if err := s.perform(out, r, rt, x); err != nil {
		return err
	}
	revalidate(out, r, rt)
	if !x.unsent.cover(cap(out.body)) {
		*out = *s.newAnswer()
		return refuse(api.CodeBusy, "too many large answers are under way; retry")
	}
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
	own := &answer{header: http.Header{}}
	handler.ServeHTTP(own, r)
	if own.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", own.Header().Get("Allow"))
		return route{}, refuse(api.CodeMethod, "see the Allow header")
	}
	return route{}, absent()
}

// checkHeader refuses a body by its header, before anything of it is read.
func checkHeader(r *http.Request, rt route) error {
	switch {
	case len(r.Header.Values("Content-Encoding")) != 0:
		return refuse(api.CodeMediaType, "send the body without content encoding")
	case !rt.body:
		return noBody(r)
	case r.ContentLength > int64(rt.maxBody()):
		return tooLarge(rt.maxBody())
	case !isJSON(r.Header.Values("Content-Type")):
		return refuse(api.CodeMediaType, "send content type application/json")
	case r.ContentLength == 0:
		return refuse(api.CodeMalformed, "the body is missing or was cut off")
	}
	return nil
}

func tooLarge(bound int) *problem {
	return refuse(api.CodeTooLarge, fmt.Sprintf("the body may have %d MiB", bound>>20))
}

// readBody reads the whole body, at most bound bytes. What it holds is covered by held before it is
// allocated, so bodies that never end cannot hold more than all of them may.
func readBody(r *http.Request, held *share, bound int) (body []byte, err error) {
	const first = 4 << 10
	body = make([]byte, 0, first)
	defer func() {
		if err != nil {
			clear(body)
		}
	}()
	for {
		if len(body) == cap(body) {
			size := min(2*cap(body), bound+1)
			if !held.cover(size) {
				return body, refuse(api.CodeBusy, "too many large requests are under way; retry")
			}
			larger := append(make([]byte, 0, size), body...)
			clear(body)
			body = larger
		}
		n, err := r.Body.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case len(body) > bound:
			return body, tooLarge(bound)
		case err == io.EOF && len(body) > 0:
			return body, nil
		case err != nil:
			return body, refuse(api.CodeMalformed, "the body is missing or was cut off")
		}
	}
}

// noBody refuses a body where there is none to be.
func noBody(r *http.Request) error {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	var one [1]byte
	if n, err := r.Body.Read(one[:]); n != 0 || (err != nil && err != io.EOF) {
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

// access counts a request and writes its line to the log: never headers, bodies or paths.
func (s *Server) access(x *exchange, out *answer, took time.Duration) {
	s.metrics.request(x, out.status, took)
	s.charge(x)
	attrs := []slog.Attr{
		slog.String("operation", x.operation), slog.Int("status", out.status),
		slog.Float64("ms", float64(took.Microseconds())/1000),
	}
	if x.code != "" {
		attrs = append(attrs, slog.String("code", x.code))
	}
	if x.keys > 0 {
		attrs = append(attrs, slog.Int("keys", x.keys))
	}
	if x.signer != nil {
		attrs = append(attrs, slog.String("signer", x.signer.text))
	}
	log := s.log
	if refusedSparse(x.code) {
		log = s.sparseLog
	}
	log.LogAttrs(context.Background(), slog.LevelInfo, "request", attrs...)
}
