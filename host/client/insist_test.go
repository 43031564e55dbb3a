package client_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/hosttest"
)

// A swallower stands in front of a real server. It passes every write on, waits until it is
// carried out, and swallows the answer the first times.
type swallower struct {
	t     *testing.T
	times int                                      // answers of each write that are swallowed
	how   func(w http.ResponseWriter, attempt int) // what the client gets instead

	mu       sync.Mutex
	attempts map[string]int             // by path and Idempotency-Key
	nonces   map[string]map[string]bool // by the same
	statuses map[string][]int
}

func newSwallower(t *testing.T, times int) *swallower {
	return &swallower{
		t: t, times: times, how: func(http.ResponseWriter, int) { panic(http.ErrAbortHandler) },
		attempts: map[string]int{}, nonces: map[string]map[string]bool{}, statuses: map[string][]int{},
	}
}

var nonceIn = regexp.MustCompile(`nonce="([^"]+)"`)

// isWrite tells the operations that have an effect from those that only read.
func isWrite(r *http.Request) bool {
	return r.Method == http.MethodPost && r.URL.Path != api.PathLookUp && !strings.HasSuffix(r.URL.Path, "/transform")
}

func (s *swallower) trick(w http.ResponseWriter, r *http.Request, honest http.Handler) {
	if !isWrite(r) {
		if r.Header.Get(api.IdempotencyHeader) != "" {
			s.t.Errorf("%s %s has a key", r.Method, r.URL.Path)
		}
		honest.ServeHTTP(w, r)
		return
	}
	key := r.Header.Get(api.IdempotencyHeader)
	nonce := nonceIn.FindStringSubmatch(r.Header.Get("Signature-Input"))
	if len(key) < 16 || len(nonce) != 2 {
		s.t.Errorf("%s: key %q", r.URL.Path, key)
		return
	}
	rec := httptest.NewRecorder()
	honest.ServeHTTP(rec, r)
	name := r.URL.Path + " " + key
	s.mu.Lock()
	if s.nonces[name] == nil {
		s.nonces[name] = map[string]bool{}
	}
	if s.nonces[name][nonce[1]] {
		s.t.Errorf("%s: a nonce is used twice", r.URL.Path)
	}
	s.nonces[name][nonce[1]] = true
	s.attempts[name]++
	s.statuses[name] = append(s.statuses[name], rec.Code)
	n := s.attempts[name]
	s.mu.Unlock()
	if n <= s.times {
		s.how(w, n)
		return
	}
	for field, values := range rec.Header() {
		w.Header()[field] = values
	}
	w.WriteHeader(rec.Code)
	w.Write(rec.Body.Bytes())
}

// done checks that each write was sent until it was answered, and was a success each time.
func (s *swallower) done(what string, writes int) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.attempts) != writes {
		s.t.Errorf("%s: %d writes, want %d: %v", what, len(s.attempts), writes, s.attempts)
	}
	for name, n := range s.attempts {
		if n != s.times+1 {
			s.t.Errorf("%s: %s was sent %d times", what, name, n)
		}
		for _, status := range s.statuses[name] {
			if status != http.StatusOK {
				s.t.Errorf("%s: %s was answered %v", what, name, s.statuses[name])
				break
			}
		}
	}
	clear(s.attempts)
	clear(s.nonces)
	clear(s.statuses)
}

// TestSwallowedAnswers: every write succeeds, with the right result, though the answers to
// its first attempts are lost after the server has carried it out.
func TestSwallowedAnswers(t *testing.T) {
	for name, how := range map[string]func(w http.ResponseWriter, attempt int){
		"cut": func(http.ResponseWriter, int) { panic(http.ErrAbortHandler) },
		"cut in the middle": func(w http.ResponseWriter, _ int) {
			w.Header().Set("Content-Type", api.ContentTypeJSON)
			w.Header().Set("Content-Length", "1000")
			w.Write([]byte(`{"id":"`))
			panic(http.ErrAbortHandler)
		},
		"gateway": func(w http.ResponseWriter, n int) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader([]int{502, 504, 503}[n%3])
			fmt.Fprint(w, "<h1>Bad Gateway</h1>")
		},
	} {
		t.Run(name, func(t *testing.T) { testSwallowed(t, how) })
	}
}

func testSwallowed(t *testing.T, how func(w http.ResponseWriter, attempt int)) {
	x := newCast(t)
	s := newSwallower(t, 2)
	s.how = how
	x.play(s.trick)

	dora := hosttest.NewPerson(t, "dora")
	d := dora.Client(t, x.server.URL)
	if err := d.Publish(ctx); err != nil {
		t.Error("publish:", err)
	}
	s.done("publish", 1)

	info, err := x.a.CreateCollection(ctx, "box", client.CollectionOptions{Deposit: client.DepositOpen})
	if err != nil {
		t.Fatal("create collection:", err)
	}
	s.done("create collection", 1)
	if _, err := x.a.Grant(ctx, x.bob.ID, client.GrantOptions{Collection: "box"}); err != nil {
		t.Error("grant:", err)
	}
	s.done("grant", 1)

	if _, err := x.m.DepositKey(ctx, client.KeyOptions{To: x.alice.ID, Collection: info.ID}); err != nil {
		t.Error("deposit:", err)
	}
	if _, err := x.c.DepositKey(ctx, client.KeyOptions{To: x.alice.ID, Collection: info.ID}); err != nil {
		t.Error("deposit:", err)
	}
	s.done("two deposits", 2)
	if n, err := x.a.AcceptAuthor(ctx, "box", x.charlie.ID); err != nil || n != 1 {
		t.Errorf("accept: %d, %v", n, err)
	}
	if n, err := x.a.RefuseAuthor(ctx, "box", x.mallet.ID); err != nil || n != 1 {
		t.Errorf("refuse: %d, %v", n, err)
	}
	s.done("accept and refuse", 2)

	if rotated, err := x.a.Rotate(ctx, "box", nil); err != nil || rotated.Epoch != 1 || rotated.Receipt.IsZero() {
		t.Errorf("rotate: %+v, %v", rotated, err)
	}
	s.done("rotate", 1)
	if revoked, err := x.a.Revoke(ctx, x.bob.ID, client.RevokeOptions{Collection: "box"}); err != nil || revoked.Destroyed != 2 {
		t.Errorf("revoke: %+v, %v", revoked, err)
	}
	s.done("revoke, and the next epoch", 2)

	if _, err := x.a.Grant(ctx, x.charlie.ID, client.GrantOptions{Collection: "box", Pending: time.Hour}); err != nil {
		t.Error("grant:", err)
	}
	if asked, err := x.c.Request(ctx, x.alice.ID); err != nil || len(asked) == 0 {
		t.Errorf("request: %+v, %v", asked, err)
	}
	if vetoed, err := x.a.Veto(ctx, x.charlie.ID); err != nil || len(vetoed) != 1 || vetoed[0] != info.ID {
		t.Errorf("veto: %v, %v", vetoed, err)
	}
	s.done("pending grant, request and veto", 3)
	x.play(nil)
	if _, err := x.a.Veto(ctx, x.charlie.ID); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("veto of nothing: %v", err)
	}
	if k, err := x.a.GetKey(ctx, strings.Repeat("a", 26), client.OpenOptions{}); !errors.Is(err, client.ErrNoAccess) {
		t.Errorf("%+v, %v", k, err)
	}
}

// TestSwallowedForEver: a write whose answers never come ends with an error, and has had its
// effect once.
func TestSwallowedForEver(t *testing.T) {
	x := newCast(t)
	encrypt(t, x.a, nil)
	s := newSwallower(t, 1000)
	x.play(s.trick)
	start := time.Now()
	if _, err := x.a.CreateKey(ctx); !errors.Is(err, client.ErrUnreachable) {
		t.Errorf("%v", err)
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
	for name, n := range s.attempts {
		if n != 5 || len(s.attempts) != 1 {
			t.Errorf("%s was sent %d times", name, n)
		}
	}
}

// afterwards lets something happen between the first answer to a write and its arrival, which
// then does not take place.
type afterwards struct {
	http.RoundTripper
	path string
	do   func()
	kept [][]byte // all answers to the path
}

func (a *afterwards) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := a.RoundTripper.RoundTrip(r)
	if err != nil || r.Method != http.MethodPost || r.URL.Path != a.path {
		return answer, err
	}
	body, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	if err != nil {
		return nil, err
	}
	if a.kept = append(a.kept, body); len(a.kept) == 1 {
		a.do()
		return nil, errors.New("connection reset")
	}
	answer.Body = io.NopCloser(bytes.NewReader(body))
	return answer, nil
}

// TestSwallowedAndRestarted: the server has carried a write out and starts again before
// anybody is told: the client gets that very answer from the next one.
func TestSwallowedAndRestarted(t *testing.T) {
	x := newCast(t)
	encrypt(t, x.a, nil)
	cfg := x.alice.Config(t, x.server.URL)
	way := &afterwards{RoundTripper: http.DefaultTransport, path: api.PathGrants, do: func() {
		x.server = x.server.Restart(t, hosttest.Options{Wrap: x.wrap})
	}}
	cfg.HTTP = &http.Client{Transport: way}
	a, err := client.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Grant(ctx, x.bob.ID, client.GrantOptions{}); err != nil {
		t.Error(err)
	}
	if len(way.kept) != 2 || !bytes.Equal(way.kept[0], way.kept[1]) {
		t.Errorf("%q", way.kept)
	}
	if chain := chainOf(t, x, x.alice, x.a); len(chain) != 2 {
		t.Errorf("%d records", len(chain))
	}
}
