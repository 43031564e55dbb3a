package client_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/hosttest"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// unsigned plays t and fails the test if the client signs a collection record.
func unsigned(t *testing.T, trick trick) trick {
	return func(w http.ResponseWriter, r *http.Request, honest http.Handler) {
		if r.Method == http.MethodPost && r.URL.Path == api.PathGrants {
			t.Error("a record was signed")
		}
		trick(w, r, honest)
	}
}

// readersOf returns the list of readers that who meets when granting to whom.
func readersOf(t *testing.T, x *cast, who *client.Client, whom string) api.Readers {
	return capture[api.Readers](t, x.evil, http.MethodGet, listReaders, func() { grant(t, who, whom, client.GrantOptions{}) })
}

// TestEvilReaders: lists of readers that are not those whom the newest record
// names. Nothing is signed on their ground.
func TestEvilReaders(t *testing.T) {
	x := newCast(t)
	grant(t, x.a, x.bob.ID, client.GrantOptions{})
	earlier := readersOf(t, x, x.a, x.charlie.ID) // Bob is active here
	if _, err := x.a.Revoke(ctx, x.bob.ID, client.RevokeOptions{}); err != nil {
		t.Fatal(err)
	}
	grant(t, x.m, x.bob.ID, client.GrantOptions{})
	mallets := readersOf(t, x, x.m, x.charlie.ID)
	for name, tt := range map[string]struct {
		change func(*api.Readers)
		want   error
	}{
		"revoked is active":     {func(v *api.Readers) { v.Grants = append(v.Grants, earlier.Grants...) }, client.ErrVerification},
		"revoked instead":       {func(v *api.Readers) { v.Grants = earlier.Grants }, client.ErrVerification},
		"reader left out":       {func(v *api.Readers) { v.Grants = nil }, client.ErrRollback},
		"called replaced":       {func(v *api.Readers) { v.Grants[0].Status = api.GrantRevoked }, client.ErrRollback},
		"called expired":        {func(v *api.Readers) { v.Grants[0].Status = api.GrantExpired }, client.ErrVerification},
		"unknown status":        {func(v *api.Readers) { v.Grants[0].Status = "" }, client.ErrVerification},
		"of another owner":      {func(v *api.Readers) { v.Grants = mallets.Grants }, client.ErrVerification},
		"of another collection": {func(v *api.Readers) { v.ID = mallets.ID }, client.ErrVerification},
		"other reader":          {func(v *api.Readers) { v.Grants[0].Reader = x.bob.ID }, client.ErrVerification},
		"altered":               {func(v *api.Readers) { v.Grants[0].Record = flipped(v.Grants[0].Record, -1) }, client.ErrVerification},
		"of an older record":    {func(v *api.Readers) { v.Sequence-- }, client.ErrRollback},
		"of a newer record":     {func(v *api.Readers) { v.Sequence++ }, client.ErrConflict},
	} {
		t.Run(name, func(t *testing.T) {
			x.play(unsigned(t, alter(t, http.MethodGet, listReaders, tt.change)))
			defer x.play(nil)
			if info, err := x.a.Grant(ctx, x.mallet.ID, client.GrantOptions{}); !errors.Is(err, tt.want) || info != nil {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
	grant(t, x.a, x.mallet.ID, client.GrantOptions{})
}

// TestEvilRevoke: a server that says that nothing was revoked, with a receipt,
// and does nothing. It is not believed that there was no grant.
func TestEvilRevoke(t *testing.T) {
	x := newCast(t)
	core := abi.Client{Caller: hosttest.Caller(t)}
	grant(t, x.a, x.bob.ID, client.GrantOptions{})
	idle := on(http.MethodPost, api.PathRevocations, func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		var in api.RevokeAccess
		record, err := core.NewService(ctx, x.server.Seed)
		if err = errors.Join(err, decodeBody(r, &in)); err != nil {
			t.Error(err)
		}
		receipt, err := core.NewReceipt(ctx, x.server.Seed, record, in.Revocation, uint64(time.Now().UnixMilli()), 0)
		if err != nil {
			t.Error(err)
		}
		answerJSON(w, http.StatusOK, api.Receipt{Receipt: receipt})
	})
	for name, tt := range map[string]struct {
		change func(*api.Readers)
		want   error
	}{
		"left out": {func(v *api.Readers) { v.Grants = nil }, client.ErrRollback},
		"active":   {func(*api.Readers) {}, client.ErrKeptGrant},
		"later":    {func(v *api.Readers) { v.Grants[0].Status = api.GrantSuspended }, client.ErrKeptGrant},
	} {
		t.Run(name, func(t *testing.T) {
			lie := alter(t, http.MethodGet, listReaders, tt.change)
			x.play(unsigned(t, func(w http.ResponseWriter, r *http.Request, honest http.Handler) {
				idle(w, r, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { lie(w, r, honest) }))
			}))
			defer x.play(nil)
			if info, err := x.a.Revoke(ctx, x.bob.ID, client.RevokeOptions{}); !errors.Is(err, tt.want) || errors.Is(err, client.ErrNoGrant) || info != nil {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
	if info, err := x.a.Revoke(ctx, x.bob.ID, client.RevokeOptions{}); err != nil || info.Destroyed != 1 {
		t.Errorf("honest: %+v, %v", info, err)
	}
}

// TestDelayedGrant: a grant is lost on its way, revoking finds nothing, and then
// the grant arrives after all.
func TestDelayedGrant(t *testing.T) {
	for _, opened := range []bool{true, false} {
		x := newCast(t)
		if opened {
			encrypt(t, x.a, nil)
		}
		var held *http.Request
		x.play(on(http.MethodPost, api.PathGrants, func(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			held = r.Clone(context.Background())
			held.Body = io.NopCloser(bytes.NewReader(body))
			panic(http.ErrAbortHandler)
		}))
		if _, err := x.a.Grant(ctx, x.bob.ID, client.GrantOptions{}); !errors.Is(err, client.ErrUnreachable) {
			t.Fatal(err)
		}
		x.play(nil)
		if _, err := x.a.Revoke(ctx, x.bob.ID, client.RevokeOptions{}); !errors.Is(err, client.ErrNoGrant) {
			t.Errorf("revoke: %v", err)
		}
		late := httptest.NewRecorder()
		x.honest.ServeHTTP(late, held)
		if late.Code != http.StatusConflict || !strings.Contains(late.Body.String(), api.CodeConflict) {
			t.Errorf("opened %v: the late grant got status %d", opened, late.Code)
		}
		got, _, err := decrypt(x.b, encrypt(t, x.a, []byte("secret")), client.DecryptOptions{})
		refused(t, got, err, client.ErrNoAccess)
	}
}

// TestLateRevocation: a revocation names the record that its device saw, and
// another device grants before it arrives.
func TestLateRevocation(t *testing.T) {
	x := newCast(t)
	grant(t, x.a, x.bob.ID, client.GrantOptions{})
	device := *x.alice
	device.State = client.NewMemoryState()
	other := device.Client(t, x.server.URL)
	first := true
	x.play(on(http.MethodPost, api.PathRevocations, func(w http.ResponseWriter, r *http.Request, honest http.Handler) {
		if first {
			first = false
			grant(t, other, x.charlie.ID, client.GrantOptions{})
		}
		honest.ServeHTTP(w, r)
	}))
	if info, err := x.a.Revoke(ctx, x.bob.ID, client.RevokeOptions{}); err != nil || info.Destroyed != 1 {
		t.Errorf("%+v, %v", info, err)
	}
	x.play(nil)
	grant(t, other, x.mallet.ID, client.GrantOptions{})
}

// TestListIsForPeople: granting and revoking do without the lists of grants, which
// strangers can fill, and from which the server may leave some out.
func TestListIsForPeople(t *testing.T) {
	x := newCast(t)
	grant(t, x.a, x.bob.ID, client.GrantOptions{})
	x.play(respond(http.MethodGet, api.PathGrants, http.StatusOK, strings.Repeat("x", api.MaxAnswer)))
	if _, err := x.a.Grants(ctx); !errors.Is(err, client.ErrAnswer) {
		t.Errorf("grants: %v", err)
	}
	grant(t, x.a, x.charlie.ID, client.GrantOptions{})
	if _, err := x.a.Revoke(ctx, x.bob.ID, client.RevokeOptions{}); err != nil {
		t.Errorf("revoke: %v", err)
	}
	x.play(nil)
	if list, err := x.a.Grants(ctx); err != nil || len(list.Issued) != 3 {
		t.Errorf("%+v, %v", list, err)
	}
}
