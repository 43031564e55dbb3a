package client_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// TestOwnerUnverified: an owner who is gone, shown older than before, or forged does not
// take the rest of the list away; a server that does not answer does.
func TestOwnerUnverified(t *testing.T) {
	x := newCast(t)
	older := x.mallet.Record
	grant(t, x.m, x.alice.ID, client.GrantOptions{})
	addSuites(t, x.m, abi.Suite480)
	grant(t, x.b, x.alice.ID, client.GrantOptions{})
	grant(t, x.a, x.bob.ID, client.GrantOptions{})
	if list, err := x.a.Grants(ctx); err != nil || len(list.Received) != 2 || len(list.Unverified) != 0 {
		t.Fatalf("honest: %+v, %v", list, err)
	}
	prefix := strings.Replace(api.PathIdentity, "{id}", x.mallet.ID, 1)
	for name, tt := range map[string]struct {
		trick trick
		want  error
	}{
		"gone":   {respond(http.MethodGet, prefix, 404, api.Problem{Code: api.CodeNotFound, Title: "not found"}), client.ErrNotFound},
		"older":  {alter(t, http.MethodGet, prefix, func(v *api.Identity) { v.Record, v.Version = older, 1 }), client.ErrOldIdentity},
		"forged": {alter(t, http.MethodGet, prefix, func(v *api.Identity) { v.Record = flipped(v.Record, -1) }), client.ErrVerification},
	} {
		x.play(tt.trick)
		list, err := x.a.Grants(ctx)
		if err != nil || len(list.Issued) != 1 || len(list.Received) != 1 || len(list.Unverified) != 1 {
			t.Fatalf("%s: %+v, %v", name, list, err)
		}
		if g := list.Received[0]; g.Owner != x.bob.ID {
			t.Errorf("%s: %+v", name, g)
		}
		if u := list.Unverified[0]; u.Owner != x.mallet.ID || u.ID == "" || !errors.Is(u.Err, tt.want) {
			t.Errorf("%s: %+v", name, u)
		}
	}
	x.play(respond(http.MethodGet, prefix, 503, api.Problem{Code: api.CodeBusy, Title: "busy"}))
	var refused *client.Error
	if list, err := x.a.Grants(ctx); !errors.As(err, &refused) || list != nil {
		t.Errorf("no answer: %+v, %v", list, err)
	}
}

// keeper keeps the answers of one operation of the core, not copies.
type keeper struct {
	abi.Caller
	op      abi.Op
	answers [][]byte
}

func (k *keeper) Call(ctx context.Context, op abi.Op, request []byte) ([]byte, error) {
	answer, err := k.Caller.Call(ctx, op, request)
	if op == k.op && err == nil {
		k.answers = append(k.answers, answer)
	}
	return answer, err
}

// TestTransformKeyIsCleared: after a grant, and after one that the server refuses, the
// transform key is gone from the client's memory.
func TestTransformKeyIsCleared(t *testing.T) {
	x := newCast(t)
	cfg := x.alice.Config(t, x.server.URL)
	k := &keeper{Caller: cfg.Caller, op: abi.OpNewGrant}
	cfg.Caller = k
	a, err := client.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	grant(t, a, x.bob.ID, client.GrantOptions{})
	x.play(respond(http.MethodPost, api.PathGrants, 503, api.Problem{Code: api.CodeBusy, Title: "busy"}))
	if _, err := a.Grant(ctx, x.charlie.ID, client.GrantOptions{}); err == nil {
		t.Error("granted")
	}
	if len(k.answers) != 2 {
		t.Fatalf("%d grants made", len(k.answers))
	}
	for i, answer := range k.answers {
		r := abi.NewReader(answer, 2)
		record, key := r.Bytes(), r.Bytes()
		if r.Err() != nil || len(record) == 0 || len(key) == 0 || !bytes.Equal(key, make([]byte, len(key))) {
			t.Errorf("grant %d: %d bytes of transform key are still there, %v", i, len(key), r.Err())
		}
	}
}
