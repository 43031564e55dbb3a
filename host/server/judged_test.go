package server_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/server"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// lateStore is the real store in which something happens just before a key is stored.
type lateStore struct {
	store.Store
	before func()
}

func (s *lateStore) PutKey(ctx context.Context, key store.Key, quota int, log []store.LogEntry) error {
	if before := s.before; before != nil {
		s.before = nil
		before()
	}
	return s.Store.PutKey(ctx, key, quota, log)
}

// TestJudgedAgain: what was found out about an author counts only as long as the record that
// says so is the newest one.
func TestJudgedAgain(t *testing.T) {
	w := newWorld(t)
	alice, lab, bob := w.join(), w.join(), w.join()
	w.policy(alice, abi.DepositListed, lab)
	late := &lateStore{Store: w.store}
	w.server = must(server.New(context.Background(), w.config(late)))
	deposit := func(before func()) (aKey, reply) {
		key := w.newKey(lab, alice.collection)
		late.before = before
		return key, w.call(lab, "POST", api.PathKeys, key.in)
	}
	_, r := deposit(func() { w.grant(alice, bob) })
	w.want("another record, the same policy", r, "")

	key, r := deposit(func() { w.policy(alice, abi.DepositOpen) })
	w.want("open meanwhile", r, "")
	if k := decode[api.Key](t, w.get(alice, key.id)); !k.Waiting {
		t.Error("who is listed no longer does not wait")
	}
	w.want("not for readers", w.get(bob, key.id), api.CodeNotFound)

	w.policy(alice, abi.DepositListed, lab)
	_, r = deposit(func() { w.rotate(alice, bob) })
	w.want("another epoch", r, api.CodeConflict)

	key, r = deposit(func() { w.policy(alice, abi.DepositClosed) })
	same(t, r, w.call(lab, "POST", api.PathKeys, w.forcedKey(lab, alice, [16]byte{5})))
	w.want("closed meanwhile", w.get(alice, key.id), api.CodeNotFound)
}

// TestLinkPage: a browser that follows a link gets some lines for people.
func TestLinkPage(t *testing.T) {
	w := newWorld(t)
	for _, method := range []string{"GET", "HEAD"} {
		r := w.do(request(method, api.PathLink, nil))
		if r.status != http.StatusOK || r.header.Get("Content-Type") != "text/plain; charset=utf-8" || r.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d, %v", method, r.status, r.header)
		}
		for _, want := range []string{"after #", "recrypt decrypt FILE --link -"} {
			if method == "GET" && !strings.Contains(string(r.body), want) {
				t.Errorf("it does not say %q", want)
			}
		}
	}
	w.want("with a query", w.do(request("GET", api.PathLink+"?a=b", nil)), api.CodeMalformed)
	w.want("another method", w.do(request("POST", api.PathLink, nil)), api.CodeMethod)
	w.want("below", w.do(request("GET", api.PathLink+"/x", nil)), api.CodeNotFound)
}
