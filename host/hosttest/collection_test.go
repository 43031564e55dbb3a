package hosttest_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/hosttest"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// TestCollection: what is made by hand is what a server takes.
func TestCollection(t *testing.T) {
	clock := hosttest.NewClock()
	s := hosttest.NewServer(t, hosttest.Options{Clock: clock.Now})
	alice, bob, carol, lab := hosttest.NewPerson(t, "alice"), hosttest.NewPerson(t, "bob"), hosttest.NewPerson(t, "carol"), hosttest.NewPerson(t, "lab")
	for _, p := range []*hosttest.Person{alice, bob, carol, lab} {
		if code := s.Call(t, p, http.MethodPost, api.PathIdentities, api.CreateIdentity{Record: p.Record}, nil); code != "" {
			t.Fatal(code)
		}
	}
	want := func(what, got, code string) {
		t.Helper()
		if got != code {
			t.Errorf("%s: %q, want %q", what, got, code)
		}
	}
	c := s.NewCollection(t, alice, abi.DepositListed, lab)
	c.Grant(t, hosttest.Terms{bob: {}, carol: {Kind: abi.GrantPending, Wait: 1000}})
	key, code := c.Deposit(t, lab)
	want("deposit", code, "")
	want("bob", s.Get(t, bob, key), "")
	want("carol", s.Get(t, carol, key), api.CodeNotFound)
	want("carol asks", s.Call(t, carol, http.MethodPost, api.PathRequests, api.Request{Owner: alice.ID}, nil), "")
	clock.Advance(time.Second)
	want("carol", s.Get(t, carol, key), "")
	if c.Revoke(t, bob).Destroyed != 1 {
		t.Error("nothing was destroyed")
	}
	_, code = c.Deposit(t, lab)
	want("closed", code, api.CodeClosed)
	c.Rotate(t, hosttest.Terms{carol: {}})
	c.Grant(t, nil)
	key2, code := c.Deposit(t, lab)
	want("new epoch", code, "")
	want("carol", s.Get(t, carol, key2), "")
	want("bob", s.Get(t, bob, key2), api.CodeNotFound)
	if _, err := alice.Client(t, s.URL).Collections(t.Context()); err != nil {
		t.Errorf("a client does not understand it: %v", err)
	}
}
