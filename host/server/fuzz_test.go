package server_test

import (
	"encoding/json"
	"testing"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

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
	}
	seed := func(route int, value any) { f.Add(uint8(route), must(json.Marshal(value)), true) }
	seed(0, api.CreateIdentity{Record: late.record})
	seed(1, in)
	seed(1, w.proposal(alice, abi.GrantFields{}, bob))
	seed(2, api.RevokeAccess{Revocation: w.revocation(alice, bob)})
	seed(3, k.in)
	seed(3, w.newKey(alice, alice.collection).in)
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
		w.mu.Lock()
		w.answers = nil
		w.mu.Unlock()
	})
}
