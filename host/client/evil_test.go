package client_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/hosttest"
)

// evil stands in front of a real server and, while it has a trick, plays it on
// every request.
type evil struct {
	honest http.Handler
	trick  atomic.Pointer[trick]
}

// A trick answers a request instead of the server behind it.
type trick func(w http.ResponseWriter, r *http.Request, honest http.Handler)

func (e *evil) wrap(h http.Handler) http.Handler { e.honest = h; return e }

func (e *evil) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if t := e.trick.Load(); t != nil {
		(*t)(w, r, e.honest)
		return
	}
	e.honest.ServeHTTP(w, r)
}

// play sets the trick; nil is honest again.
func (e *evil) play(t trick) {
	if t == nil {
		e.trick.Store(nil)
		return
	}
	e.trick.Store(&t)
}

// listReaders is what on takes instead of a prefix for list_readers.
const listReaders = "/readers"

// on plays t on the operation with this method and path prefix only.
func on(method, prefix string, t trick) trick {
	return func(w http.ResponseWriter, r *http.Request, honest http.Handler) {
		asked := strings.HasPrefix(r.URL.Path, prefix)
		if strings.HasSuffix(r.URL.Path, listReaders) {
			asked = prefix == listReaders
		}
		if r.Method == method && asked {
			t(w, r, honest)
			return
		}
		honest.ServeHTTP(w, r)
	}
}

// alter changes the honest answer of an operation.
func alter[T any](t testing.TB, method, prefix string, change func(*T)) trick {
	return on(method, prefix, func(w http.ResponseWriter, r *http.Request, honest http.Handler) {
		rec := httptest.NewRecorder()
		r.Header.Del("If-None-Match") // a whole answer is needed
		honest.ServeHTTP(rec, r)
		var v T
		if rec.Code != http.StatusOK || json.Unmarshal(rec.Body.Bytes(), &v) != nil {
			t.Errorf("%s %s: honest server answered %d", method, r.URL.Path, rec.Code)
		}
		change(&v)
		answerJSON(w, http.StatusOK, v)
	})
}

// respond answers an operation with v.
func respond(method, prefix string, status int, v any) trick {
	return on(method, prefix, func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { answerJSON(w, status, v) })
}

func answerJSON(w http.ResponseWriter, status int, v any) {
	kind := "application/json"
	if status >= 400 {
		kind = "application/problem+json"
	}
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

// capture returns the honest answer to what do asks for.
func capture[T any](t testing.TB, e *evil, method, prefix string, do func()) (v T) {
	t.Helper()
	seen := false
	e.play(alter(t, method, prefix, func(got *T) { v, seen = *got, true }))
	do()
	e.play(nil)
	if !seen {
		t.Fatalf("no %s %s", method, prefix)
	}
	return v
}

// listing returns what the honest server lists to c.
func listing(t testing.TB, e *evil, c *client.Client) (v api.ListGrants) {
	t.Helper()
	e.play(func(w http.ResponseWriter, r *http.Request, honest http.Handler) {
		received := strings.HasPrefix(r.URL.Path, receivedPages)
		if !received && !strings.HasPrefix(r.URL.Path, issuedPages) {
			honest.ServeHTTP(w, r)
			return
		}
		alter(t, r.Method, r.URL.Path, func(page *api.GrantPage) {
			if received {
				v.Received = append(v.Received, page.Grants...)
			} else {
				v.Issued = append(v.Issued, page.Grants...)
			}
		})(w, r, honest)
	})
	if _, err := c.Grants(ctx); err != nil {
		t.Fatal(err)
	}
	e.play(nil)
	return v
}

// The paths of lists, without their cursors.
const (
	issuedPages   = "/v1/grants/issued/"
	receivedPages = "/v1/grants/received/"
	headPages     = "/v1/heads/"
)

// relist lists v in place of what the honest server lists.
func relist(v api.ListGrants) trick {
	return func(w http.ResponseWriter, r *http.Request, honest http.Handler) {
		switch {
		case strings.HasPrefix(r.URL.Path, issuedPages):
			answerJSON(w, http.StatusOK, api.GrantPage{Grants: v.Issued})
		case strings.HasPrefix(r.URL.Path, receivedPages):
			answerJSON(w, http.StatusOK, api.GrantPage{Grants: v.Received})
		default:
			honest.ServeHTTP(w, r)
		}
	}
}

// A cast is a server with a trickster in front and everybody published.
type cast struct {
	*evil
	server                      *hosttest.Server
	alice, bob, charlie, mallet *hosttest.Person
	a, b, c, m                  *client.Client
}

func newCast(t testing.TB) *cast {
	x := &cast{evil: &evil{}}
	x.server = hosttest.NewServer(t, hosttest.Options{Wrap: x.wrap})
	x.alice, x.bob = hosttest.NewPerson(t, "alice"), hosttest.NewPerson(t, "bob")
	x.charlie, x.mallet = hosttest.NewPerson(t, "charlie"), hosttest.NewPerson(t, "mallet")
	url := x.server.URL
	x.a, x.b, x.c, x.m = x.alice.Publish(t, url), x.bob.Publish(t, url), x.charlie.Publish(t, url), x.mallet.Publish(t, url)
	return x
}

// flipped returns b with one bit changed, counted from the end if i < 0.
func flipped(b []byte, i int) []byte {
	b = bytes.Clone(b)
	if i < 0 {
		i += len(b)
	}
	b[i] ^= 1
	return b
}
