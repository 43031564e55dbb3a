package server_test

import (
	"context"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/server"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// halfVeto is a store that fails between two collections.
type halfVeto struct {
	store.Store
	n int
}

func (h *halfVeto) DropRequest(ctx context.Context, c [16]byte, r [32]byte, l []store.LogEntry) error {
	if h.n++; h.n == 2 || h.n == 3 {
		return store.ErrUnavailable
	}
	return h.Store.DropRequest(ctx, c, r, l)
}

// TestHalfVeto: a veto that was cut off between two collections, and repeated when the wait in the second is over, is not said to have had an effect.
func TestHalfVeto(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.join(), w.join()
	pending := abi.GrantFields{Kind: abi.GrantPending, Wait: ms(time.Hour)}
	w.give(alice, pending, bob)
	second := *alice
	second.home, second.collection, second.readers = [16]byte{2}, nil, nil
	w.give(&second, pending, bob)
	w.want("request", w.call(bob, "POST", api.PathRequests, api.Request{Owner: alice.id}), "")
	w.server = must(server.New(t.Context(), w.config(&halfVeto{Store: w.store})))
	veto := api.Veto{Reader: bob.id}
	w.want("cut off", w.keyed(alice, api.PathVetoes, "one", veto), api.CodeBusy)
	w.advance(2 * time.Hour)
	w.want("again, too late", w.keyed(alice, api.PathVetoes, "one", veto), api.CodeConflict)
	w.wantStatus("bob", bob, api.GrantWaiting, api.GrantActive)
}
