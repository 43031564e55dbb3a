package client_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/client"
)

// TestNotModified: what has not changed is asked for and not sent again, and used like what
// has just come.
func TestNotModified(t *testing.T) {
	x := newCast(t)
	create(t, x.a, "box", client.CollectionOptions{Deposit: client.DepositOpen})
	grant(t, x.a, x.bob.ID, client.GrantOptions{Collection: "box"})
	var whole, saved atomic.Int32
	x.play(func(w http.ResponseWriter, r *http.Request, honest http.Handler) {
		rec := httptest.NewRecorder()
		honest.ServeHTTP(rec, r)
		if r.Method == http.MethodGet && rec.Code == http.StatusOK {
			whole.Add(1)
		} else if rec.Code == http.StatusNotModified {
			saved.Add(1)
		}
		pass(w, rec)
	})
	for what, read := range map[string]func() (any, error){
		"grants":      func() (any, error) { l, err := x.a.Grants(ctx); return l, err },
		"received":    func() (any, error) { l, err := x.b.Grants(ctx); return l, err },
		"collections": func() (any, error) { return x.a.Collections(ctx) },
		"identity": func() (any, error) {
			v, _, err := x.b.LookUp(ctx, x.alice.ID)
			return v, err
		},
		"open to": func() (any, error) { return x.m.OpenCollections(ctx, x.alice.ID) },
	} {
		first, err := read()
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		whole.Store(0)
		saved.Store(0)
		again, err := read()
		if err != nil || fmt.Sprintf("%+v", again) != fmt.Sprintf("%+v", first) {
			t.Errorf("%s: %+v, %v\nfirst: %+v", what, again, err, first)
		}
		if whole.Load() != 0 || saved.Load() == 0 {
			t.Errorf("%s: %d answers, %d saved", what, whole.Load(), saved.Load())
		}
	}
	grant(t, x.a, x.charlie.ID, client.GrantOptions{Collection: "box"})
	if list, err := x.a.Grants(ctx); err != nil || len(list.Issued) != 2 {
		t.Errorf("after a change: %+v, %v", list, err)
	}
}

// pass hands a recorded answer on.
func pass(w http.ResponseWriter, rec *httptest.ResponseRecorder) {
	for field, values := range rec.Header() {
		w.Header()[field] = values
	}
	w.WriteHeader(rec.Code)
	w.Write(rec.Body.Bytes())
}

// notModified answers every GET below a path with 304 and a tag.
func notModified(prefix string, tag func(r *http.Request) string) trick {
	return on(http.MethodGet, prefix, func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		w.Header().Set("ETag", tag(r))
		w.WriteHeader(http.StatusNotModified)
	})
}

// TestFalseNotModified: a server that says "not modified" gains nothing: not before there
// was anything, not about something else, and not to hide what is newer than what the client
// knows.
func TestFalseNotModified(t *testing.T) {
	x := newCast(t)
	echo := func(r *http.Request) string { return r.Header.Get("If-None-Match") }
	other := func(*http.Request) string { return `"of something else"` }

	x.play(notModified("/v1/", echo))
	fresh := again(t, x, x.alice)
	if _, err := fresh.Collections(ctx); !errors.Is(err, client.ErrAnswer) {
		t.Errorf("nothing is known: %v", err)
	}
	x.play(nil)
	create(t, x.a, "box", client.CollectionOptions{})
	if _, err := x.a.Collections(ctx); err != nil {
		t.Fatal(err)
	}
	x.play(notModified(headPages, other))
	if _, err := x.a.Collections(ctx); !errors.Is(err, client.ErrAnswer) {
		t.Errorf("another tag: %v", err)
	}
	x.play(nil)

	// The client's own acts, and what it has learned elsewhere, are newer than the old copy.
	x.play(notModified(headPages, echo))
	grant(t, x.a, x.bob.ID, client.GrantOptions{Collection: "box"})
	if _, err := x.a.Collections(ctx); !errors.Is(err, client.ErrRollback) {
		t.Errorf("an old list of collections: %v", err)
	}
	x.play(nil)
	if _, err := x.a.Collections(ctx); err != nil {
		t.Errorf("honest again: %v", err)
	}

	if _, _, err := x.b.LookUp(ctx, x.charlie.ID); err != nil {
		t.Fatal(err)
	}
	newKeys(t, x, x.charlie, x.c)
	if _, err := x.b.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	x.play(notModified("/v1/identities/", echo))
	if _, _, err := x.b.LookUp(ctx, x.charlie.ID); !errors.Is(err, client.ErrOldLog) {
		t.Errorf("an old identity: %v", err)
	}
}

// TestForeignTag: a tag that could not stand in a header is not sent back.
func TestForeignTag(t *testing.T) {
	x := newCast(t)
	var sent atomic.Value
	sent.Store("")
	for _, tag := range []string{"\"a b\"", `"`, `W/"weak"`, strings.Repeat("x", 100), `"` + strings.Repeat("x", 100) + `"`, "\"ü\""} {
		x.play(on(http.MethodGet, issuedPages, func(w http.ResponseWriter, r *http.Request, honest http.Handler) {
			sent.Store(r.Header.Get("If-None-Match"))
			rec := httptest.NewRecorder()
			honest.ServeHTTP(rec, r)
			rec.Header().Set("ETag", tag)
			pass(w, rec)
		}))
		c := again(t, x, x.alice)
		for range 2 {
			if _, err := c.Grants(ctx); err != nil {
				t.Error(err)
			}
		}
		if got := sent.Load(); got != "" {
			t.Errorf("tag %q: sent %q", tag, got)
		}
	}
}

// pagesOf answers pages of grants that the real server has listed, over and over.
func pagesOf(grants []api.ListedGrant, next func(cursor string) string) trick {
	return on(http.MethodGet, issuedPages, func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		answerJSON(w, http.StatusOK, api.GrantPage{Grants: grants, Next: next(strings.TrimPrefix(r.URL.Path, issuedPages))})
	})
}

// TestPages: a list is read to its end; one that has no end, or leads nowhere, ends with an
// error.
func TestPages(t *testing.T) {
	x := newCast(t)
	grant(t, x.a, x.bob.ID, client.GrantOptions{})
	grant(t, x.a, x.charlie.ID, client.GrantOptions{})
	grants := listing(t, x.evil, x.a).Issued
	if len(grants) != 2 {
		t.Fatalf("%d grants", len(grants))
	}
	x.play(pagesOf(grants[:1], func(cursor string) string { // a page each
		return map[string]string{api.FirstPage: "b", "b": ""}[cursor]
	}))
	if list, err := x.a.Grants(ctx); err != nil || len(list.Issued) != 2 {
		t.Errorf("two pages: %+v, %v", list, err)
	}
	for name, trick := range map[string]trick{
		"the same cursor": pagesOf(grants, func(cursor string) string { return "a" }),
		"an empty page":   pagesOf(nil, func(cursor string) string { return cursor + "a" }),
		"no cursor":       pagesOf(grants, func(cursor string) string { return "../../server" }),
		"too long":        pagesOf(grants, func(cursor string) string { return strings.Repeat("a", 81) }),
	} {
		x.play(trick)
		if list, err := x.a.Grants(ctx); !errors.Is(err, client.ErrAnswer) || list != nil {
			t.Errorf("%s: %+v, %v", name, list, err)
		}
	}
	asked := 0
	x.play(pagesOf(grants, func(string) string { asked++; return fmt.Sprintf("p%d", asked) }))
	more, n := false, 0
	more, err := x.a.EachGrant(ctx, client.ListOptions{Limit: 7}, func(client.GrantEntry) error { n++; return nil })
	if err != nil || !more || n != 7 || asked != 4 {
		t.Errorf("%d of a list without an end, in %d pages: %v, %v", n, asked, more, err)
	}
	enough := errors.New("enough")
	if _, err := x.a.EachGrant(ctx, client.ListOptions{}, func(client.GrantEntry) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("%v", err)
	}
}

// TestEachGrant: both directions, in order, with progress, and cut where it is asked for.
func TestEachGrant(t *testing.T) {
	x := newCast(t)
	for _, p := range []string{x.bob.ID, x.charlie.ID, x.mallet.ID} {
		grant(t, x.a, p, client.GrantOptions{})
	}
	grant(t, x.b, x.alice.ID, client.GrantOptions{})
	read := func(o client.ListOptions) (lines []string, more bool) {
		more, err := x.a.EachGrant(ctx, o, func(e client.GrantEntry) error {
			lines = append(lines, fmt.Sprint(e.Received, e.Reader == x.mallet.ID, e.Unverified == nil))
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		return lines, more
	}
	var steps []int
	lines, more := read(client.ListOptions{Progress: func(done int) { steps = append(steps, done) }})
	if want := []string{"false true true", "false false true", "false false true", "true false true"}; !slices.Equal(lines, want) || more || !slices.Equal(steps, []int{3, 4}) {
		t.Errorf("%q, %v, %v", lines, more, steps)
	}
	if lines, more = read(client.ListOptions{Limit: 2}); len(lines) != 3 || !more {
		t.Errorf("%q, %v", lines, more)
	}
	if lines, more = read(client.ListOptions{Limit: 3}); len(lines) != 4 || more {
		t.Errorf("%q, %v", lines, more)
	}
}
