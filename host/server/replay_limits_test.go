package server_test

import (
	"net/http"
	"testing"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/server"
)

// TestReplaysCostNothing: whoever has seen one request of somebody must not use up what he may ask.
func TestReplaysCostNothing(t *testing.T) {
	w := newWorld(t)
	alice := w.join()
	w.limit(server.Limits{Identity: server.Rate{PerSecond: 0.1, Burst: 5}})
	captured := w.sign(alice, request("GET", api.PathGrants, nil), nil)
	copyOf := func() *http.Request { return captured.Clone(t.Context()) }
	w.want("her own", w.do(from(copyOf(), "192.0.2.1")), "")
	for range 10 {
		w.do(from(copyOf(), "203.0.113.9"))
	}
	w.want("alice, afterwards", w.do(from(w.sign(alice, request("GET", api.PathGrants, nil), nil), "192.0.2.1")), "")
}
