package server_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/blobs"
	"github.com/recrypt-service/recrypt/host/server"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// A contract is a world whose every request and answer is compared with the OpenAPI
// document that the server makes.
type contract struct {
	*world
	doc   *openapi3.T
	mux   *http.ServeMux // of the document's paths, not of the server's
	at    map[string]operationAt
	seen  map[string]map[string]int // by operation id and code; "2xx", "206" and "304" are the good ones
	blobs blobs.Store

	broken bool // something inside is, so that "internal" is right

	alice, bob, carol, lab, eve *person // alice owns; bob reads, carol waits, lab deposits, eve is a stranger
	nobody                      *person // is not published
	key                         aKey
	revoked                     []byte // a revocation that is done
	document                    []byte
	documentID                  string
}

type operationAt struct {
	path, method string
	item         *openapi3.PathItem
	op           *openapi3.Operation
}

// echoed is a text that stands in much of what is sent, and in no answer.
const echoed = "zebra7marker"

func newContract(t testing.TB) *contract {
	c := &contract{world: newWorld(t), mux: http.NewServeMux(), at: map[string]operationAt{}, seen: map[string]map[string]int{}}
	text := must(server.OpenAPI())
	c.doc = must(openapi3.NewLoader().LoadFromData(text))
	for path, item := range c.doc.Paths.Map() {
		for method, op := range item.Operations() {
			pattern := method + " " + strings.Replace(path, "tile/{path}", "tile/{path...}", 1)
			c.mux.HandleFunc(pattern, func(http.ResponseWriter, *http.Request) {})
			c.at[pattern] = operationAt{path, method, item, op}
		}
	}
	c.blobs = must(blobs.OpenDisk(t.TempDir(), blobs.Options{}))
	t.Cleanup(func() { c.blobs.Close() })
	if err := c.store.PutStatement(context.Background(), []byte("the log was begun anew\n")); err != nil {
		t.Fatal(err)
	}
	c.with(func(*server.Config) {})
	c.people(t)
	return c
}

// with lets a server with another configuration answer.
func (c *contract) with(change func(*server.Config)) {
	cfg := c.config(c.store)
	cfg.Blobs = c.blobs
	change(&cfg)
	c.server.Close()
	c.server = must(server.New(context.Background(), cfg))
	c.server.SetEvents(time.Second, time.Millisecond)
}

// people makes a small story, so that everything that can be asked for is there.
func (c *contract) people(t testing.TB) {
	c.alice, c.bob, c.carol, c.lab, c.eve = c.join(), c.join(), c.join(), c.join(), c.join()
	c.nobody = c.newPerson()
	c.policy(c.alice, abi.DepositOpen)
	c.grant(c.alice, c.bob)
	in := c.proposal(c.alice, abi.GrantFields{Kind: abi.GrantPending, Wait: 3_600_000}, c.carol)
	c.want("pending", c.call(c.alice, "POST", api.PathGrants, in), "")
	c.alice.accept(in, c.carol)
	c.key = c.deposit(c.alice, c.alice)
	c.deposit(c.lab, c.alice)
	rita := *c.alice // another collection of hers
	rita.home, rita.collection, rita.readers = [16]byte(random(16)), nil, nil
	c.grant(&rita, c.bob)
	c.revoked = c.revocation(&rita, c.bob)
	c.want("revoke", c.call(c.alice, "POST", api.PathRevocations, api.RevokeAccess{Revocation: c.revoked}), "")
	c.documentID, c.document = document(t, 3000)
}

// operation finds what the document says about a request: nil if nothing.
func (c *contract) operation(r *http.Request) (*operationAt, map[string]string) {
	if r.URL.RawPath != "" || strings.Contains(r.URL.Path, "//") {
		return nil, nil
	}
	_, pattern := c.mux.Handler(r)
	at, ok := c.at[pattern]
	if !ok && r.Method == http.MethodHead {
		return nil, nil
	}
	if !ok {
		return nil, nil
	}
	values := map[string]string{}
	names, parts := strings.Split(at.path, "/"), strings.Split(r.URL.Path, "/")
	for i, name := range names {
		if inner, ok := strings.CutPrefix(name, "{"); ok && i < len(parts) {
			values[strings.TrimSuffix(inner, "}")] = parts[i]
		}
	}
	if _, ok := values["path"]; ok && len(parts) > len(names) {
		values["path"] = strings.Join(parts[len(names)-1:], "/")
	}
	return &at, values
}

// send lets the server answer a request, and compares both with the document. It returns
// what is wrong with them, if something is.
func (c *contract) send(r *http.Request, body []byte) (out reply, wrong error) {
	at, values := c.operation(r)
	input := &openapi3filter.RequestValidationInput{
		Request: forDocument(r, body, at), PathParams: values,
		Options: &openapi3filter.Options{AuthenticationFunc: isSigned, IncludeResponseStatus: true, RejectWhenRequestBodyNotSpecified: true},
	}
	var forbidden error
	if at != nil {
		input.Route = &routers.Route{Spec: c.doc, Path: at.path, PathItem: at.item, Method: at.method, Operation: at.op}
		forbidden = openapi3filter.ValidateRequest(context.Background(), input)
	}
	out = c.answer(r)
	name, code := "-", out.problem.Code
	if at != nil {
		name = at.op.OperationID
	}
	if code == "" && out.status < 300 {
		code = "2xx"
	} else if code == "" {
		code = fmt.Sprint(out.status)
	}
	if c.seen[name] == nil {
		c.seen[name] = map[string]int{}
	}
	if c.seen[name][code]++; out.status == http.StatusPartialContent {
		c.seen[name]["206"]++
	}
	return out, c.judge(r, at, input, forbidden, out)
}

// answer is do, without its own judgement. Whoever watches goes soon after he has been
// answered.
func (c *contract) answer(r *http.Request) reply {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	recorder := &leaver{httptest.NewRecorder(), cancel}
	c.server.ServeHTTP(recorder, r.WithContext(ctx))
	result := recorder.Result()
	out := reply{status: result.StatusCode, header: result.Header, body: recorder.Body.Bytes()}
	if out.header.Get("Content-Type") == api.ContentTypeFault {
		out.problem = decode[api.Problem](c.t, out)
	}
	return out
}

// A leaver ends the request soon after the first part of its answer has come.
type leaver struct {
	*httptest.ResponseRecorder
	leave func()
}

func (l *leaver) Flush() {
	l.ResponseRecorder.Flush()
	time.AfterFunc(5*time.Millisecond, l.leave)
}

// judge says what is wrong with an answer.
func (c *contract) judge(r *http.Request, at *operationAt, input *openapi3filter.RequestValidationInput, forbidden error, out reply) error {
	everything := fmt.Sprintf("%d %v %s", out.status, out.header, out.body)
	switch {
	case strings.Contains(strings.ToLower(everything), echoed):
		return fmt.Errorf("what was sent comes back: %s", everything)
	case out.status >= 500 && out.problem.Code != api.CodeBusy && out.problem.Code != api.CodeFull && !(c.broken && out.problem.Code == api.CodeInternal):
		return fmt.Errorf("status %d: %s", out.status, out.body)
	case out.status >= 400 && out.header.Get("Content-Type") != api.ContentTypeFault:
		return fmt.Errorf("status %d without a problem", out.status)
	case r.Method == http.MethodHead:
		return nil // net/http leaves the body out, a recorder does not
	case out.status == http.StatusNotModified && (len(out.body) != 0 || out.header.Get("ETag") == ""):
		return fmt.Errorf("304 with a body, or without an ETag: %s", everything)
	case at == nil && out.status < 400:
		return fmt.Errorf("the document has no such operation, and the server answers %d", out.status)
	case at == nil || out.status == http.StatusMethodNotAllowed:
		return nil
	case forbidden != nil && out.status < 300:
		return fmt.Errorf("the document forbids what is accepted: %w", forbidden)
	}
	response := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: out.status, Header: out.header,
		Body: io.NopCloser(bytes.NewReader(out.body)), Options: input.Options,
	}
	if err := openapi3filter.ValidateResponse(context.Background(), response); err != nil {
		return fmt.Errorf("the answer is not as documented: %w\n%d %v", err, out.status, out.header)
	}
	return nil
}

// forDocument copies a request for the document's judgement. Without a content type, bytes
// are bytes (RFC 9110 section 8.3).
func forDocument(r *http.Request, body []byte, at *operationAt) *http.Request {
	out := r.Clone(context.Background())
	out.Body, out.ContentLength = http.NoBody, 0
	if body != nil {
		out.Body, out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
	if at != nil && strings.HasPrefix(at.path, "/v1/documents/") && len(out.Header.Values("Content-Type")) == 0 {
		out.Header.Set("Content-Type", "application/octet-stream")
	}
	return out
}

// isSigned reports whether a request has what the security scheme demands.
func isSigned(_ context.Context, in *openapi3filter.AuthenticationInput) error {
	for _, name := range []string{"Signature-Input", "Signature"} {
		if in.RequestValidationInput.Request.Header.Get(name) == "" {
			return in.NewError(fmt.Errorf("%s is missing", name))
		}
	}
	return nil
}

func init() {
	openapi3filter.RegisterBodyDecoder("text/event-stream", openapi3filter.PlainBodyDecoder)
}
