package client_test

import (
	"net/http"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/hosttest"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// ReadersEnv names the environment variable with the number of readers in
// TestManyReaders; SuiteEnv that with the number of their suite.
const (
	ReadersEnv = "RECRYPT_TEST_READERS"
	SuiteEnv   = "RECRYPT_TEST_SUITE"
)

// TestManyReaders: one revocation grants to all who remain with one request, in steps that
// are shown.
func TestManyReaders(t *testing.T) {
	n, suite := 120, uint8(abi.Suite256)
	if v, err := strconv.Atoi(os.Getenv(ReadersEnv)); err == nil {
		n = v
	}
	if v, err := strconv.ParseUint(os.Getenv(SuiteEnv), 10, 8); err == nil {
		suite = uint8(v)
	}
	e := &evil{}
	s := hosttest.NewServer(t, hosttest.Options{Wrap: e.wrap})
	alice := hosttest.NewPerson(t, "alice", suite)
	a := alice.Publish(t, s.URL)
	var ids []string
	var last *client.Client
	for range n {
		p := hosttest.NewPerson(t, "reader", suite)
		last = p.Publish(t, s.URL)
		ids = append(ids, p.ID)
	}
	start := time.Now()
	if err := client.GrantMany(ctx, a, ids); err != nil {
		t.Fatal(err)
	}
	granted := time.Since(start)
	requests, steps, done, body := 0, 0, 0, int64(0)
	var serving, made time.Duration
	e.play(on(http.MethodPost, api.PathGrants, func(w http.ResponseWriter, r *http.Request, honest http.Handler) {
		requests++
		body = r.ContentLength
		begin := time.Now()
		made = begin.Sub(start)
		honest.ServeHTTP(w, r)
		serving = time.Since(begin)
	}))
	start = time.Now()
	info, err := a.Revoke(ctx, ids[0], client.RevokeOptions{Progress: func(n, all int) { steps, done = steps+1, n }})
	if err != nil || info.Remaining != n-1 || !info.Rotated || done != n-1 || steps < n/50 || requests != 1 {
		t.Fatalf("%+v, %v, %d done in %d steps, %d requests", info, err, done, steps, requests)
	}
	t.Logf("%d readers of suite %d: granted in %v; revoked in %v, of which the client %v before the one request of %d bytes, and the server %v for it",
		n, suite, granted, time.Since(start), made, body, serving)
	e.play(nil)
	opens(t, last, encrypt(t, a, []byte("young")), "young")
}
