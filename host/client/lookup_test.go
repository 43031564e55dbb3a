package client_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/hosttest"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// TestLookUpMany: one request for all, and one that is not there does not spoil the rest.
func TestLookUpMany(t *testing.T) {
	x := newCast(t)
	absent := hosttest.NewPerson(t, "absent")
	addSuites(t, x.m, abi.Suite480)
	var asked atomic.Int32
	x.play(on(http.MethodPost, api.PathLookUp, func(w http.ResponseWriter, r *http.Request, honest http.Handler) {
		asked.Add(1)
		honest.ServeHTTP(w, r)
	}))
	ids := []string{x.mallet.ID, x.bob.ID, absent.ID, x.bob.ID, x.charlie.ID}
	versions, errs, err := client.LookUpMany(ctx, x.a, ids)
	if err != nil || len(versions) != 3 || versions[x.mallet.ID] != 2 || versions[x.bob.ID] != 1 || asked.Load() != 1 {
		t.Errorf("%v, %v, asked %d times", versions, err, asked.Load())
	}
	if len(errs) != 1 || !errors.Is(errs[absent.ID], client.ErrNotFound) {
		t.Errorf("%v", errs)
	}
	x.play(nil)
	anybody, err := client.New(client.Config{Caller: hosttest.Caller(t), Server: x.server.URL})
	if err != nil {
		t.Fatal(err)
	}
	if versions, errs, err = client.LookUpMany(ctx, anybody, ids); err != nil || len(versions) != 3 || !errors.Is(errs[absent.ID], client.ErrNotFound) {
		t.Errorf("without an identity: %v, %v, %v", versions, errs, err)
	}
	if _, _, err := client.LookUpMany(ctx, x.a, []string{x.bob.ID, "rid1nobody"}); err == nil {
		t.Error("looked up what is no id")
	}
}

// TestEvilLookUpMany: a lie about one is the error of that one; answers that are not to
// what was asked are an error as a whole.
func TestEvilLookUpMany(t *testing.T) {
	x := newCast(t)
	ids := []string{x.bob.ID, x.charlie.ID, x.mallet.ID}
	slices.Sort(ids)
	for name, tt := range map[string]struct {
		change func(*api.Identities)
		one    error // of the first
		all    error
	}{
		"not logged":       {func(v *api.Identities) { v.Identities[0].Logged = nil }, client.ErrNotLogged, nil},
		"proof of other":   {func(v *api.Identities) { v.Identities[0].Logged = v.Identities[1].Logged }, client.ErrNotLogged, nil},
		"swapped":          {func(v *api.Identities) { v.Identities[0].Record = v.Identities[1].Record }, client.ErrSwapped, nil},
		"altered":          {func(v *api.Identities) { v.Identities[0].Record = flipped(v.Identities[0].Record, 100) }, client.ErrVerification, nil},
		"unknown code":     {func(v *api.Identities) { v.Identities[0].Code = "busy" }, client.ErrVerification, nil},
		"other order":      {func(v *api.Identities) { slices.Reverse(v.Identities) }, client.ErrVerification, nil},
		"one missing":      {func(v *api.Identities) { v.Identities = v.Identities[1:] }, nil, client.ErrVerification},
		"one more":         {func(v *api.Identities) { v.Identities = append(v.Identities, v.Identities[0]) }, nil, client.ErrVerification},
		"no checkpoint":    {func(v *api.Identities) { v.Checkpoint = "" }, client.ErrNotLogged, nil},
		"other's origin":   {func(v *api.Identities) { v.Checkpoint = strings.Replace(v.Checkpoint, "rsv1", "rsv2", 1) }, nil, client.ErrCheckpoint},
		"not a checkpoint": {func(v *api.Identities) { v.Checkpoint = "hello" }, nil, client.ErrCheckpoint},
	} {
		t.Run(name, func(t *testing.T) {
			x.play(alter(t, http.MethodPost, api.PathLookUp, tt.change))
			defer x.play(nil)
			versions, errs, err := client.LookUpMany(ctx, x.a, ids)
			if !errors.Is(err, tt.all) || tt.all == nil && !errors.Is(errs[ids[0]], tt.one) {
				t.Errorf("%v, %v, %v", versions, errs, err)
			}
		})
	}
	if versions, _, err := client.LookUpMany(ctx, x.a, ids); err != nil || len(versions) != 3 {
		t.Errorf("afterwards: %v, %v", versions, err)
	}
}

// TestFolderComparesLogsCheaply: each document of a folder was signed at another state of
// the log, and comparing all of them takes a few files.
func TestFolderComparesLogsCheaply(t *testing.T) {
	x := newCast(t)
	grant(t, x.a, x.bob.ID, client.GrantOptions{})
	documents := make([][]byte, 12)
	for i := range documents {
		documents[i] = encrypt(t, x.a, []byte("text"))
	}
	var asked atomic.Int32
	x.play(func(w http.ResponseWriter, r *http.Request, honest http.Handler) {
		if strings.HasPrefix(r.URL.Path, "/v1/log/") || strings.HasPrefix(r.URL.Path, api.PathLog) {
			asked.Add(1)
		}
		honest.ServeHTTP(w, r)
	})
	keys := openMany(t, x.b, documents...)
	defer keys.Close()
	for _, d := range documents {
		if got, _, err := decryptFrom(keys, d, client.DecryptOptions{}); err != nil || string(got) != "text" {
			t.Errorf("%q, %v", got, err)
		}
	}
	if n := asked.Load(); n == 0 || n > 6 {
		t.Errorf("%d requests for %d documents", n, len(documents))
	}
}
