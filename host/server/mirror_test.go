package server_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/hosttest"
	"github.com/recrypt-service/recrypt/host/keyring"
	"github.com/recrypt-service/recrypt/host/mirror"
	"github.com/recrypt-service/recrypt/host/server"
	"github.com/recrypt-service/recrypt/host/store/sqlite"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// mirrored starts a server with a mirror on a folder.
func mirrored(t *testing.T, dir, mirror string, seed []byte) (*server.Server, *httptest.Server, error) {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(dir, "recrypt.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	keys, err := keyring.Open(filepath.Join(dir, "keyring.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { keys.Close() })
	web := httptest.NewUnstartedServer(nil)
	s, err := server.New(t.Context(), server.Config{
		Store: db, Keyring: keys, Caller: hosttest.Caller(t), EngineKind: "native", Seed: seed, Version: "test",
		PublicURLs: []string{"http://" + web.Listener.Addr().String()}, Mirror: mirror,
	})
	if err != nil {
		web.Listener.Close()
		db.Close()
		keys.Close()
		return nil, nil, err
	}
	web.Config.Handler = s
	web.Start()
	t.Cleanup(func() { web.Close(); s.Close() })
	return s, web, nil
}

// TestMirror: a revocation is answered once it is in the mirror. If that fails, the answer is
// busy, but the reader reads nothing any more; and a database that is behind its mirror is refused.
func TestMirror(t *testing.T) {
	ctx := context.Background()
	dir, copies, seed := t.TempDir(), t.TempDir(), hosttest.Random(32)
	s, web, err := mirrored(t, dir, copies, seed)
	if err != nil {
		t.Fatal(err)
	}
	alice, bob, eve := hosttest.NewPerson(t, "alice"), hosttest.NewPerson(t, "bob"), hosttest.NewPerson(t, "eve")
	a, b, e := alice.Publish(t, web.URL), bob.Publish(t, web.URL), eve.Publish(t, web.URL)
	key, err := a.DepositKey(ctx, client.KeyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []*hosttest.Person{bob, eve} {
		if _, err := a.Grant(ctx, p.ID, client.GrantOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.GetKey(ctx, key.ID, client.OpenOptions{}); err != nil {
		t.Fatal(err)
	}
	before, _, ok := s.MirrorState()
	if _, err := a.Revoke(ctx, bob.ID, client.RevokeOptions{}); err != nil || !ok {
		t.Fatal(err)
	}
	if after, failed, _ := s.MirrorState(); after <= before || failed != nil {
		t.Errorf("the mirror had %d leaves before a revocation and %d after it: %v", before, after, failed)
	}

	s.BreakMirror()
	_, err = a.Revoke(ctx, eve.ID, client.RevokeOptions{})
	var told *client.Error
	if !errors.As(err, &told) || told.Code != api.CodeBusy {
		t.Errorf("a revocation that is not in the mirror was answered: %v", err)
	}
	if _, err := e.GetKey(ctx, key.ID, client.OpenOptions{}); !errors.Is(err, client.ErrNoAccess) {
		t.Errorf("it has not taken effect: %v", err)
	}

	// An older database is not served beside the mirror.
	if _, _, err := mirrored(t, t.TempDir(), copies, seed); !errors.Is(err, server.ErrOlderLog) || !errors.Is(err, mirror.ErrAhead) {
		t.Errorf("an empty database was served: %v", err)
	}
	if _, _, err := mirrored(t, t.TempDir(), copies, hosttest.Random(32)); !errors.Is(err, mirror.ErrForeign) {
		t.Errorf("another server took the mirror: %v", err)
	}
	report, err := mirror.Check(ctx, copies, abi.Client{Caller: hosttest.Caller(t)})
	if err != nil || report.Receipts == 0 || report.Server != s.ID() {
		t.Errorf("the mirror: %+v, %v", report, err)
	}
}
