package client_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/hosttest"
	"github.com/recrypt-service/recrypt/host/translog"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// TestLateRecord: an evil server takes a collection record by the owner's old keys, which a
// thief has, after they were changed. Its place in the log tells.
func TestLateRecord(t *testing.T) {
	x := newCast(t)
	core := abi.Client{Caller: hosttest.Caller(t)}
	encrypt(t, x.a, []byte("first"))
	chain := capture[api.Collection](t, x.evil, http.MethodGet, "/v1/collections/", func() {
		if _, err := x.a.CreateKey(ctx); err != nil {
			t.Fatal(err)
		}
	})
	seed := hosttest.Random(32)
	record, err := x.a.RotateIdentity(ctx, seed, nil)
	if err != nil {
		t.Fatal(err)
	}
	owner := withKeys(x.alice, seed, record)
	before := chain.Records[len(chain.Records)-1]
	v, err := core.OpenCollection(ctx, x.alice.Record, before, nil)
	if err != nil {
		t.Fatal(err)
	}
	late, err := core.NewCollection(ctx, x.alice.Seed, x.alice.Record, before, &abi.CollectionFields{
		Service: v.Service, Collection: v.Collection, Epoch: v.Epoch, Suite: v.Suite, Salt: v.Salt, Deposit: abi.DepositOpen,
	})
	if err != nil {
		t.Fatal(err)
	}
	s := shadowOf(t, x)
	leaf := translog.CollectionLeaf(v.Collection, v.Sequence+1, late)
	s.add(leaf)
	lies := alter(t, http.MethodGet, "/v1/collections/", func(a *api.Collection) {
		a.Records, a.Logged = append(a.Records, late), s.logged(leaf)
	})
	x.play(s.serve(lies))
	fresh := again(t, x, owner)
	if _, err := fresh.CreateKey(ctx); !errors.Is(err, client.ErrVerification) || errors.Is(err, client.ErrNotLogged) {
		t.Errorf("went on from a thief's record: %v", err)
	}
	x.play(nil)
	if _, err := again(t, x, owner).CreateKey(ctx); err != nil {
		t.Errorf("what was there in time: %v", err)
	}
}
