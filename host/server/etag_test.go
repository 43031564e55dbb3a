package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
)

// ifNoneMatch sends a GET with a tag of an answer that the client has.
func (w *world) ifNoneMatch(p *person, path, tag string) reply {
	r := request("GET", path, nil)
	r.Header.Set("If-None-Match", tag)
	if p != nil {
		w.sign(p, r, nil)
	}
	return w.do(r)
}

// TestConditional: what has not changed is not sent again, and what has is.
func TestConditional(t *testing.T) {
	w := newWorld(t)
	alice, bob, dora := w.join(), w.join(), w.join()
	w.grant(alice, bob)
	w.want("checkpoint", w.do(request("GET", api.PathCheckpoint, nil)), "") // signed once for all that follows
	size := w.logSize()
	home := "/v1/collections/" + api.FormatID(w.home(alice))
	first := func(path string) string { return strings.Replace(path, "{cursor}", api.FirstPage, 1) }
	for name, tt := range map[string]struct {
		who     *person
		path    string
		caching string
		change  func() // nil: it never changes
	}{
		"identity":    {nil, "/v1/identities/" + dora.id, "public, no-cache", func() { w.want("new version", w.publish(w.later(dora)), "") }},
		"chain":       {bob, home, "private, no-cache", func() { w.grant(alice) }},
		"readers":     {alice, home + "/readers", "private, no-cache", func() { w.grant(alice) }},
		"collections": {alice, api.PathCollections, "private, no-cache", func() { w.grant(alice) }},
		"heads":       {alice, first(api.PathCollectionsAfter), "private, no-cache", func() { w.grant(alice) }},
		"issued":      {alice, first(api.PathIssued), "private, no-cache", func() { w.rotate(alice, bob) }},
		"received":    {bob, first(api.PathReceived), "private, no-cache", func() { w.rotate(alice, bob) }},
		"grants":      {bob, api.PathGrants, "private, no-cache", func() { w.rotate(alice, bob) }},
		"tile":        {nil, fmt.Sprintf("/log/tile/0/000.p/%d", size), "public, max-age=31536000, immutable", nil},
		"bundle":      {nil, fmt.Sprintf("/log/tile/entries/000.p/%d", size), "public, max-age=31536000, immutable", nil},
		"consistency": {nil, fmt.Sprintf("/v1/log/consistency/1/%d", size), "public, max-age=31536000, immutable", nil},
	} {
		get := func(tag string) reply {
			w.t.Helper()
			return w.ifNoneMatch(tt.who, tt.path, tag)
		}
		whole := get(`"something else"`)
		w.want(name, whole, "")
		tag := whole.header.Get("ETag")
		if len(tag) < 20 {
			t.Fatalf("%s: ETag %q", name, tag)
		}
		if tag[0] != '"' || whole.header.Get("Cache-Control") != tt.caching {
			t.Errorf("%s: ETag %s, Cache-Control %s", name, tag, whole.header.Get("Cache-Control"))
		}
		for _, form := range []string{tag, "W/" + tag, `"a", ` + tag, "*", `W/"b",` + tag + `, "c"`} {
			r := get(form)
			if r.status != http.StatusNotModified || len(r.body) != 0 {
				t.Errorf("%s: If-None-Match %s: %d, %d bytes", name, form, r.status, len(r.body))
			}
			for _, header := range []string{"ETag", "Cache-Control", "X-Content-Type-Options", "Date"} {
				if header != "Date" && r.header.Get(header) != whole.header.Get(header) || r.header.Get(header) == "" {
					t.Errorf("%s: 304 with %s %q", name, header, r.header.Get(header))
				}
			}
			if r.header.Get("Content-Type") != "" {
				t.Errorf("%s: 304 with a type", name)
			}
		}
		for _, form := range []string{"", tag[1:], strings.Trim(tag, `"`), `"` + tag, tag[:len(tag)-2] + `"`, "w/" + tag, "W/", `"`, "*, " + tag} {
			if r := get(form); r.status != http.StatusOK || string(r.body) != string(whole.body) {
				t.Errorf("%s: If-None-Match %q: %d", name, form, r.status)
			}
		}
		if tt.change == nil {
			continue
		}
		tt.change()
		if r := get(tag); r.status != http.StatusOK || r.header.Get("ETag") == tag || string(r.body) == string(whole.body) {
			t.Errorf("%s: after a change: %d", name, r.status)
		}
	}
	// What is good for the moment only, and what fails, is not kept by anybody.
	for _, path := range []string{"/v1/server", api.PathCheckpoint, "/livez", "/v1/identities/" + w.newPerson().id} {
		r := w.ifNoneMatch(nil, path, "*")
		if r.status == http.StatusNotModified || r.header.Get("ETag") != "" || r.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d, %v", path, r.status, r.header)
		}
	}
	k := w.deposit(alice, alice)
	if r := w.get(bob, k.id); r.header.Get("Cache-Control") != "no-store" || r.header.Get("ETag") != "" {
		t.Errorf("a transformed key: %v", r.header)
	}
}

// TestConditionalStrangers: the right tag opens nothing to who may not see the answer.
func TestConditionalStrangers(t *testing.T) {
	w := newWorld(t)
	alice, bob, eve := w.join(), w.join(), w.join()
	w.grant(alice, bob)
	home := "/v1/collections/" + api.FormatID(w.home(alice))
	tag := w.call(bob, "GET", home, nil).header.Get("ETag")
	same(t, w.ifNoneMatch(eve, home, tag), w.ifNoneMatch(eve, "/v1/collections/"+api.FormatID([16]byte{1}), tag))
	w.want("unsigned", w.ifNoneMatch(nil, home, tag), api.CodeUnsigned)
	w.want("revoke", w.revoke(alice, bob), "")
	w.want("revoked", w.ifNoneMatch(bob, home, tag), api.CodeNotFound)
}

// TestConditionsOnWrites: a condition that is not signed is not one, so it is refused, and
// nothing happens.
func TestConditionsOnWrites(t *testing.T) {
	w := newWorld(t)
	alice := w.join()
	w.open(alice)
	size := w.logSize()
	body := must(json.Marshal(w.newKey(alice, alice.collection).in))
	for name, value := range map[string]string{"If-Match": `"x"`, "If-Unmodified-Since": w.now().Add(-time.Hour).UTC().Format(http.TimeFormat)} {
		r := request("POST", api.PathKeys, body)
		r.Header.Set(name, value)
		w.want(name, w.do(w.sign(alice, r, body)), api.CodeMalformed)
		get := request("GET", "/v1/identities/"+alice.id, nil)
		get.Header.Set(name, value)
		w.want(name, w.do(get), api.CodeMalformed)
	}
	if w.logSize() != size {
		t.Error("something was stored")
	}
	r := request("POST", api.PathKeys, body) // of a write it means nothing
	r.Header.Set("If-None-Match", "*")
	w.want("If-None-Match", w.do(w.sign(alice, r, body)), "")
}

// TestConditionalHead: HEAD is answered with the headers of GET.
func TestConditionalHead(t *testing.T) {
	w := newWorld(t)
	alice := w.join()
	path := "/v1/identities/" + alice.id
	get := w.do(request("GET", path, nil))
	if head := w.do(request("HEAD", path, nil)); head.header.Get("ETag") != get.header.Get("ETag") || head.header.Get("ETag") == "" {
		t.Errorf("HEAD: %v", head.header)
	}
}
