package client_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
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
	k := &keeper{Caller: cfg.Caller, op: abi.OpNewGrants}
	cfg.Caller = k
	a, err := client.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var keys [][]byte
	watch := func(status int) trick {
		return on(http.MethodPost, api.PathGrants, func(w http.ResponseWriter, r *http.Request, honest http.Handler) {
			var in api.GrantAccess
			body, err := io.ReadAll(r.Body)
			if err = errors.Join(err, json.Unmarshal(body, &in)); err != nil {
				t.Error(err)
			}
			if len(in.Grants) == 1 { // not the record that opens the collection
				keys = append(keys, in.Grants[0].TransformKey)
			}
			if r.Body = io.NopCloser(bytes.NewReader(body)); status == 0 {
				honest.ServeHTTP(w, r)
				return
			}
			answerJSON(w, status, api.Problem{Code: api.CodeBusy, Title: "busy"})
		})
	}
	x.play(watch(0))
	grant(t, a, x.bob.ID, client.GrantOptions{})
	x.play(watch(503))
	if _, err := a.Grant(ctx, x.charlie.ID, client.GrantOptions{}); err == nil {
		t.Error("granted")
	}
	if len(keys) != 1+5 || bytes.Equal(keys[0], keys[1]) || !bytes.Equal(keys[1], keys[3]) {
		t.Fatalf("%d times a transform key", len(keys))
	}
	if len(k.answers) != 2 {
		t.Fatalf("%d grants made", len(k.answers))
	}
	for i, answer := range k.answers {
		for _, key := range keys {
			if len(key) < 32 || bytes.Contains(answer, key[len(key)-32:]) {
				t.Errorf("grant %d: its transform key of %d bytes is still there", i, len(key))
			}
		}
	}
}
