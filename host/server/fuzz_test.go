package server_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/httpsig"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// forget keeps a world that is fuzzed for hours small: what was answered and logged is
// dropped, and time goes on, so that used nonces expire.
func (w *world) forget() {
	w.mu.Lock()
	w.answers = nil
	w.clock = w.clock.Add(time.Second)
	w.mu.Unlock()
	w.log.mu.Lock()
	w.log.b.Reset()
	w.log.mu.Unlock()
}

// FuzzServer: no body, however signed, gets an answer of 5xx, and every refusal is
// a problem document (which do checks).
func FuzzServer(f *testing.F) {
	w := newWorld(f)
	alice, bob, late := w.join(), w.join(), w.newPerson()
	in := w.grant(alice, bob)
	k := w.deposit(alice, alice)
	routes := []struct{ method, path string }{
		{"POST", api.PathIdentities}, {"POST", api.PathGrants}, {"POST", api.PathRevocations}, {"POST", api.PathKeys},
		{"POST", transformPath(k.id)}, {"GET", api.PathGrants}, {"GET", "/v1/identities/" + alice.id}, {"GET", api.PathServer},
		{"GET", "/v1/collections/" + k.id}, {"GET", "/v1/collections/" + k.id + "/readers"}, {"POST", "/v1/keys/x/transform"},
		{"POST", api.PathTransforms}, {"POST", api.PathEdgeJobs},
	}
	seed := func(route int, value any) { f.Add(uint8(route), must(json.Marshal(value)), true) }
	seed(0, api.CreateIdentity{Record: late.record})
	seed(1, in)
	seed(1, w.proposal(alice, abi.GrantFields{}, bob))
	seed(2, api.RevokeAccess{Revocation: w.revocation(alice, bob)})
	seed(3, k.in)
	seed(3, w.newKey(alice, alice.collection).in)
	seed(11, api.GetKeys{Keys: []string{k.id, api.FormatID([16]byte{1})}})
	seed(11, api.GetKeys{Keys: []string{k.id, k.id}})
	for i := range routes {
		f.Add(uint8(i), []byte{}, true)
		f.Add(uint8(i), []byte(`{"record":"","collection":"","grants":[{}]}`), false)
	}
	f.Fuzz(func(t *testing.T, route uint8, body []byte, signed bool) {
		to := routes[int(route)%len(routes)]
		if len(body) == 0 {
			body = nil
		}
		r := request(to.method, to.path, body)
		if signed {
			w.sign(alice, r, body)
		}
		w.t = t
		if got := w.do(r); got.status >= 500 {
			t.Errorf("%s %s: %d %q", to.method, to.path, got.status, got.problem.Code)
		}
		w.forget()
	})
}

// FuzzServerRecords damages one record in a request that is well-formed, and with it
// the signature, the transform key or the encrypted value behind it. (People differ
// between the processes of the fuzzer, so each damages what it made itself.)
func FuzzServerRecords(f *testing.F) {
	w := newWorld(f)
	alice, bob, late := w.join(), w.join(), w.newPerson()
	w.grant(alice, bob)
	k := w.newKey(alice, alice.collection)
	requests := []struct {
		path string
		as   *person
		body any
	}{
		{api.PathIdentities, late, api.CreateIdentity{Record: late.record}},
		{api.PathGrants, alice, w.proposal(alice, abi.GrantFields{}, late)},
		{api.PathRevocations, alice, api.RevokeAccess{Revocation: w.revocation(alice, bob)}},
		{api.PathKeys, alice, k.in},
	}
	for i := range uint8(60) {
		f.Add(i%4, i/4, uint32(i)*29, i*11, uint16(0))
	}
	f.Add(uint8(1), uint8(0), uint32(5), byte(1), uint16(1))
	f.Fuzz(func(t *testing.T, which, leaf uint8, at uint32, value byte, cut uint16) {
		to := requests[int(which)%len(requests)]
		var body any
		if err := json.Unmarshal(must(json.Marshal(to.body)), &body); err != nil {
			t.Fatal(err)
		}
		all := leaves(body)
		if len(all) == 0 {
			t.Fatal("nothing to damage")
		}
		same := all[int(leaf)%len(all)](func(b []byte) []byte {
			b[int(at)%len(b)] = value
			return b[:len(b)-int(cut)%(len(b)+1)]
		})
		if same {
			return // once carried out, a repeated request is answered by its records alone
		}
		w.t = t
		if got := w.call(to.as, "POST", to.path, body); got.status < 400 || got.status >= 500 {
			t.Errorf("%s: %d %q", to.path, got.status, got.problem.Code)
		}
		w.forget()
	})
}

// leaves returns functions that each change one byte string in a decoded body, and
// say whether it stays the same.
func leaves(v any) (all []func(change func([]byte) []byte) bool) {
	switch v := v.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			text, ok := v[name].(string)
			if !ok || text == "" {
				all = append(all, leaves(v[name])...)
				continue
			}
			all = append(all, func(change func([]byte) []byte) bool {
				var b api.Bytes
				if err := b.UnmarshalText([]byte(text)); err != nil {
					panic(err)
				}
				changed := api.Bytes(change(bytes.Clone(b)))
				v[name] = changed
				return bytes.Equal(changed, b)
			})
		}
	case []any:
		for _, inner := range v {
			all = append(all, leaves(inner)...)
		}
	}
	return all
}

// FuzzServerTarget: no method, path or query gets an answer of 5xx.
func FuzzServerTarget(f *testing.F) {
	w := newWorld(f)
	alice := w.join()
	for _, path := range []string{api.PathIdentities, "/v1/identities/" + alice.id, "/v1/collections/x/readers", "/v1/keys/%2e/transform", "/v1/grants?a=b", "/livez", "/openapi.json", "//", "/v1/../v1/server"} {
		f.Add("GET", path, true)
		f.Add("POST", path, false)
	}
	f.Fuzz(func(t *testing.T, method, target string, signed bool) {
		u, err := url.ParseRequestURI(target)
		if err != nil || u.Host != "" || u.Path == "" || !token(method) || strings.ContainsFunc(target, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return // net/http refuses it before the server sees it
		}
		r := request(method, target, nil)
		out, err := http.NewRequest(method, origin+r.URL.RequestURI(), nil)
		if signed && err == nil {
			out.Header = r.Header
			// a client does not sign every target; then it goes without
			_ = httpsig.Sign(t.Context(), w.core, alice.seed, alice.id+"/1", out, nil, w.now())
		}
		w.t = t
		if got := w.do(r); got.status >= 500 {
			t.Errorf("%s %s: %d %q", method, target, got.status, got.problem.Code)
		}
		w.forget()
	})
}

// token reports whether s is a method that net/http lets pass.
func token(s string) bool {
	for _, c := range s {
		if c < 'A' || c > 'Z' {
			return false
		}
	}
	return s != ""
}
