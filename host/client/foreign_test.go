package client_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/hosttest"
	"github.com/recrypt-service/recrypt/host/httpsig"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// TestForeignRollback: a reader is shown an older record of somebody else's
// collection than before, also in a later run.
func TestForeignRollback(t *testing.T) {
	x := newCast(t)
	document := encrypt(t, x.a, []byte("secret"))
	grant(t, x.a, x.bob.ID, client.GrantOptions{})
	ask := func() { decrypt(x.b, document, client.DecryptOptions{}) }
	old := capture[api.Key](t, x.evil, http.MethodPost, "/v1/keys/", ask).Collection
	grant(t, x.a, x.charlie.ID, client.GrantOptions{})
	older := alter(t, http.MethodPost, "/v1/keys/", func(v *api.Key) { v.Collection = old })

	x.play(older) // nothing newer has been seen yet
	if got, _, err := decrypt(x.b, document, client.DecryptOptions{}); err != nil || string(got) != "secret" {
		t.Fatalf("%q, %v", got, err)
	}
	x.play(nil)
	ask()
	x.play(older)
	for _, c := range []*client.Client{x.b, x.bob.Client(t, x.server.URL)} {
		got, _, err := decrypt(c, document, client.DecryptOptions{})
		refused(t, got, err, client.ErrRollback)
	}
	if got, _, err := decrypt(x.c, document, client.DecryptOptions{}); err != nil || string(got) != "secret" {
		t.Errorf("who has seen nothing newer: %q, %v", got, err)
	}
	x.play(nil)
	if got, _, err := decrypt(x.b, document, client.DecryptOptions{}); err != nil || string(got) != "secret" {
		t.Errorf("honest: %q, %v", got, err)
	}
}

// TestOvertakenAnswer: an honest answer that another call's newer one has
// overtaken is asked for again.
func TestOvertakenAnswer(t *testing.T) {
	x := newCast(t)
	document := encrypt(t, x.a, []byte("secret"))
	grant(t, x.a, x.bob.ID, client.GrantOptions{})
	ask := func() { decrypt(x.b, document, client.DecryptOptions{}) }
	old := capture[api.Key](t, x.evil, http.MethodPost, "/v1/keys/", ask).Collection
	grant(t, x.a, x.charlie.ID, client.GrantOptions{})
	ask()
	asked := 0
	x.play(alter(t, http.MethodPost, "/v1/keys/", func(v *api.Key) {
		if asked++; asked == 1 {
			v.Collection = old
		}
	}))
	if got, _, err := decrypt(x.b, document, client.DecryptOptions{}); err != nil || string(got) != "secret" || asked != 2 {
		t.Errorf("%q after %d answers, %v", got, asked, err)
	}
}

// TestForeignFork: a reader is shown another record with the number of one
// remembered.
func TestForeignFork(t *testing.T) {
	x := newCast(t)
	core := abi.Client{Caller: hosttest.Caller(t)}
	document := encrypt(t, x.a, []byte("secret"))
	grant(t, x.a, x.bob.ID, client.GrantOptions{})
	answer := capture[api.Key](t, x.evil, http.MethodPost, "/v1/keys/", func() { decrypt(x.b, document, client.DecryptOptions{}) })
	v, err := core.OpenCollection(ctx, answer.Owner, answer.Collection, nil)
	if err != nil {
		t.Fatal(err)
	}
	x.bob.State = client.NewMemoryState()
	if err := x.bob.State.SetEpochHead(v.Owner, v.Collection, v.Epoch, v.Sequence, [32]byte{1}); err != nil {
		t.Fatal(err)
	}
	got, _, err := decrypt(x.bob.Client(t, x.server.URL), document, client.DecryptOptions{})
	refused(t, got, err, client.ErrRollback)
}

// post sends a request that no client makes.
func post(t *testing.T, x *cast, by *hosttest.Person, path string, in any) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodPost, x.server.URL+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", api.ContentTypeJSON)
	if err := httpsig.Sign(ctx, abi.Client{Caller: hosttest.Caller(t)}, by.Seed, by.ID+"/1", r, body, time.Now()); err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: status %d", path, resp.StatusCode)
	}
}

// TestFormerAuthor: what somebody deposited stays valid when the collection no
// longer takes anything from them.
func TestFormerAuthor(t *testing.T) {
	x := newCast(t)
	core := abi.Client{Caller: hosttest.Caller(t)}
	svc, _, _, err := x.a.Service(ctx)
	if err != nil {
		t.Fatal(err)
	}
	mallet, err := core.OpenIdentity(ctx, x.mallet.Record)
	if err != nil {
		t.Fatal(err)
	}
	f := &abi.CollectionFields{
		Service: svc.ID, Collection: [16]byte(hosttest.Random(16)), Suite: abi.Suite256, Salt: [32]byte(hosttest.Random(32)),
		Deposit: abi.DepositListed, Authors: [][32]byte{mallet.ID},
	}
	first, err := core.NewCollection(ctx, x.alice.Seed, x.alice.Record, nil, f)
	if err != nil {
		t.Fatal(err)
	}
	post(t, x, x.alice, api.PathGrants, api.GrantAccess{Collection: first, Grants: []api.Grant{}})
	id := [16]byte(hosttest.Random(16))
	want, value, err := core.NewKey(ctx, x.mallet.Seed, x.mallet.Record, first, id)
	if err != nil {
		t.Fatal(err)
	}
	record, err := core.NewKeyRecord(ctx, x.mallet.Seed, x.mallet.Record, first, id, value, nil, abi.Extensions{})
	if err != nil {
		t.Fatal(err)
	}
	post(t, x, x.mallet, api.PathKeys, api.CreateKey{Record: record, Value: value})
	f.Deposit, f.Authors = abi.DepositClosed, nil
	next, err := core.NewCollection(ctx, x.alice.Seed, x.alice.Record, first, f)
	if err != nil {
		t.Fatal(err)
	}
	post(t, x, x.alice, api.PathGrants, api.GrantAccess{Collection: next, Grants: []api.Grant{}})
	k, err := x.a.GetKey(ctx, api.FormatID(id), client.OpenOptions{From: x.mallet.ID})
	if err != nil || k.Author != x.mallet.ID || !bytes.Equal(k.Key, want) {
		t.Errorf("%+v, %v", k, err)
	}
	if _, err := x.a.GetKey(ctx, api.FormatID(id), client.OpenOptions{From: x.alice.ID}); !errors.Is(err, client.ErrAuthor) {
		t.Errorf("as alice's: %v", err)
	}
}

// TestStateNeverGoesBack: what MemoryState keeps of an epoch.
func TestStateNeverGoesBack(t *testing.T) {
	s := client.NewMemoryState()
	for _, n := range []uint64{3, 2, 5, 4} {
		if err := s.SetEpochHead([32]byte{1}, [16]byte{1}, 1, n, [32]byte{byte(n)}); err != nil {
			t.Fatal(err)
		}
	}
	if n, hash, ok, err := s.EpochHead([32]byte{1}, [16]byte{1}, 1); n != 5 || hash != [32]byte{5} || !ok || err != nil {
		t.Errorf("%d %v %v %v", n, hash, ok, err)
	}
	if _, _, ok, err := s.EpochHead([32]byte{2}, [16]byte{1}, 1); ok || err != nil {
		t.Errorf("another owner's: %v, %v", ok, err)
	}
}
