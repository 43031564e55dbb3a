package client_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/hosttest"
)

// everything calls what needs the server and checks that each fails with want.
func everything(t *testing.T, c *client.Client, reader string, document []byte, want error) {
	t.Helper()
	check := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	check("publish", c.Publish(ctx))
	_, _, err := c.LookUp(ctx, reader)
	check("look up", err)
	_, err = c.Grant(ctx, reader, client.GrantOptions{})
	check("grant", err)
	_, err = c.Revoke(ctx, reader, client.RevokeOptions{})
	check("revoke", err)
	_, err = c.Grants(ctx)
	check("grants", err)
	_, err = c.CreateKey(ctx)
	check("create key", err)
	got, _, err := decrypt(c, document, client.DecryptOptions{})
	check("decrypt", err)
	if len(got) != 0 {
		t.Errorf("released %d bytes", len(got))
	}
}

// TestBadAnswers plays what is not an answer of our server on every operation.
func TestBadAnswers(t *testing.T) {
	x := newCast(t)
	document := encrypt(t, x.a, []byte("secret"))
	grant(t, x.a, x.bob.ID, client.GrantOptions{})
	elsewhere := atomic.Int32{}
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
	defer other.Close()
	raw := func(status int, kind, body string) trick {
		return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}
	}
	for name, tt := range map[string]trick{
		"html":           raw(200, "text/html; charset=utf-8", "<html>Welcome to the hotel</html>"),
		"html as json":   raw(200, "application/json", "<html>Welcome to the hotel</html>"),
		"no type":        raw(200, "", "{}"),
		"truncated json": raw(200, "application/json", `{"id":"rid1`),
		"two values":     raw(200, "application/json", `{}{}`),
		"array":          raw(200, "application/json", `[]`),
		"bad base64":     raw(200, "application/json", `{"record":"====","records":["===="],"receipt":"====","value":"===="}`),
		"padded":         raw(200, "application/json", "{}"+strings.Repeat(" ", api.MaxAnswer)),
		"empty":          raw(200, "application/json", ""),
		"plain 500":      raw(500, "text/plain", "goroutine 1 [running]"),
		"bad problem":    raw(404, "application/problem+json", "not json"),
		"no code":        raw(404, "application/problem+json", `{"title":"x"}`),
		"odd code":       raw(404, "application/problem+json", `{"code":"\u001b[2J"}`),
		"redirect": func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
			http.Redirect(w, r, other.URL+r.URL.Path, http.StatusTemporaryRedirect)
		},
		"endless": func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
			w.Header().Set("Content-Type", "application/json")
			for fmt.Fprint(w, `{"id":"`); r.Context().Err() == nil; {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			x.play(tt)
			defer x.play(nil)
			everything(t, x.bob.Client(t, x.server.URL), x.charlie.ID, document, client.ErrAnswer)
		})
	}
	if n := elsewhere.Load(); n != 0 {
		t.Errorf("%d requests followed a redirect", n)
	}
}

// TestSlowDrip: an answer that never ends, a byte at a time, meets the timeout.
func TestSlowDrip(t *testing.T) {
	x := newCast(t)
	document := encrypt(t, x.a, []byte("secret"))
	x.play(func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", "application/json")
		for r.Context().Err() == nil {
			fmt.Fprint(w, " ")
			w.(http.Flusher).Flush()
			time.Sleep(10 * time.Millisecond)
		}
	})
	cfg := x.bob.Config(t, x.server.URL)
	cfg.HTTP = &http.Client{Timeout: 100 * time.Millisecond}
	c, err := client.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	everything(t, c, x.charlie.ID, document, client.ErrUnreachable)
}

func TestUnreachable(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "http://" + l.Addr().String()
	l.Close()
	bob := hosttest.NewPerson(t, "bob")
	_, _, _, err = bob.Client(t, url).Service(ctx)
	if !errors.Is(err, client.ErrUnreachable) || !strings.Contains(err.Error(), url) || !strings.Contains(err.Error(), "is it running") {
		t.Error(err)
	}
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	if _, _, _, err = bob.Client(t, url).Service(canceled); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}

// TestProblems checks that codes of the server survive the wire, and that its
// words cannot steer a terminal.
func TestProblems(t *testing.T) {
	x := newCast(t)
	document := encrypt(t, x.a, []byte("secret"))
	for code, want := range map[string]error{
		api.CodeReplay: client.ErrReplay, api.CodeSignature: client.ErrSignature, api.CodeUnsigned: client.ErrSignature,
		api.CodeExists: client.ErrExists, api.CodeConflict: client.ErrConflict, api.CodeNotFound: client.ErrNoAccess,
		api.CodeBusy: nil, api.CodeInternal: nil,
	} {
		x.play(respond(http.MethodPost, "/v1/keys/", 418, api.Problem{
			Code: code, Title: "no\x1b[2J\u202etitle\n", Detail: strings.Repeat("z", 5000),
		}))
		got, _, err := decrypt(x.a, document, client.DecryptOptions{})
		var e *client.Error
		if !errors.As(err, &e) || e.Code != code || e.Status != 418 || e.Title != "no[2Jtitle" || len(e.Detail) > 400 {
			t.Errorf("%s: %+v, %v", code, e, err)
		}
		if want != nil && !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", code, err, want)
		}
		if len(got) != 0 {
			t.Errorf("%s: released %d bytes", code, len(got))
		}
	}
}

// TestClockSkew: the server's Date corrects our clock once, within a day.
func TestClockSkew(t *testing.T) {
	for _, tt := range []struct {
		ahead time.Duration
		want  error
	}{{time.Hour, nil}, {-5 * time.Hour, nil}, {-25 * time.Hour, client.ErrClockSkew}, {90 * 24 * time.Hour, client.ErrClockSkew}} {
		s := hosttest.NewServer(t, hosttest.Options{Clock: func() time.Time { return time.Now().Add(tt.ahead) }})
		a := hosttest.NewPerson(t, "alice").Client(t, s.URL)
		if err := a.Publish(ctx); !errors.Is(err, tt.want) {
			t.Errorf("server %v ahead: %v, want %v", tt.ahead, err, tt.want)
		}
		if tt.want != nil {
			continue
		}
		bob := hosttest.NewPerson(t, "bob")
		bob.Publish(t, s.URL)
		g := grant(t, a, bob.ID, client.GrantOptions{Expires: time.Minute})
		if left := g.Expires.Sub(time.Now().Add(tt.ahead)); left < 50*time.Second || left > 70*time.Second {
			t.Errorf("server %v ahead: grant ends in %v by its clock", tt.ahead, left)
		}
	}
}

// TestEvilClock: a server that always blames the clock is asked twice, no more.
func TestEvilClock(t *testing.T) {
	x := newCast(t)
	asked := atomic.Int32{}
	x.play(on(http.MethodGet, "/v1/grants", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		asked.Add(1)
		answerJSON(w, 401, api.Problem{Code: api.CodeClockSkew, Title: "clock"})
	}))
	if _, err := x.a.Grants(ctx); !errors.Is(err, client.ErrClockSkew) || asked.Load() != 2 {
		t.Errorf("asked %d times, %v", asked.Load(), err)
	}
}

// TestNonces records every signed request, over connections that the server
// cuts before it answers, and looks for a nonce used twice.
func TestNonces(t *testing.T) {
	x := newCast(t)
	var mu sync.Mutex
	seen := map[string]int{}
	record := func(r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if input := r.Header.Get("Signature-Input"); input != "" {
			seen[input]++
		}
	}
	n := atomic.Int32{}
	x.play(func(w http.ResponseWriter, r *http.Request, honest http.Handler) {
		record(r)
		if n.Add(1)%2 == 0 {
			panic(http.ErrAbortHandler)
		}
		honest.ServeHTTP(w, r)
	})
	failed := 0
	for range 10 {
		if _, err := x.a.Grants(ctx); errors.Is(err, client.ErrUnreachable) {
			failed++
		} else if err != nil {
			t.Error(err)
		}
		if _, err := x.a.CreateKey(ctx); errors.Is(err, client.ErrUnreachable) {
			failed++
		} else if err != nil {
			t.Error(err)
		}
	}
	mu.Lock() // an aborted request may still be in its handler
	defer mu.Unlock()
	for input, times := range seen {
		if times > 1 {
			t.Errorf("sent %d times: %s", times, input)
		}
	}
	if failed == 0 || len(seen) < 10 {
		t.Errorf("nothing was put to the test: %d failures, %d requests", failed, len(seen))
	}
}

func TestNormaliseURL(t *testing.T) {
	for in, want := range map[string]string{
		"http://127.0.0.1:8080":      "http://127.0.0.1:8080",
		"HTTP://Example.ORG:80/":     "http://example.org",
		"https://example.org:443":    "https://example.org",
		"https://example.org:80":     "https://example.org:80",
		"https://[2001:DB8::1]:443/": "https://[2001:db8::1]",
		"http://[::1]:8080":          "http://[::1]:8080",
		"http://user@example.org":    "",
		"http://example.org/path":    "",
		"http://example.org?":        "",
		"http://example.org?q=1":     "",
		"http://example.org#":        "",
		"http://exämple.org":         "",
		"http://example.org\n":       "",
		"http://example.org:":        "",
		"http://example.org:0":       "",
		"http://example.org:0443":    "",
		"http://example.org:65536":   "",
		"http://example.org:65535":   "http://example.org:65535",
		"ftp://example.org":          "",
		"example.org":                "",
		"http://":                    "",
		"http:///v1":                 "",
		"":                           "",
		"http://[fe80::1%25eth0]":    "",
		"http://" + longHost(260):    "",
	} {
		got, err := client.NormaliseURL(in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v, want %q", in, got, err, want)
		}
	}
}

func longHost(n int) string { return strings.Repeat("a", n) }
