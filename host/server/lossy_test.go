package server_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/keyring"
	"github.com/recrypt-service/recrypt/host/server"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/sqlite"
)

// What is behind a server may become another database, and another keyring.
type (
	otherStore   struct{ store.Store }
	otherKeyring struct{ keyring.Keyring }
)

// TestLossyFailover: a fail-over to an asynchronous stand-by: store and keyring are a little older, the server runs on. It answers nothing
// any more.
func TestLossyFailover(t *testing.T) {
	w := newWorld(t)
	w.needFiles()
	ctx := context.Background()
	alice, bob := w.join(), w.join()
	w.grant(alice, bob)
	k := w.deposit(alice, alice)
	w.stop()
	old := t.TempDir()
	for _, n := range []string{"recrypt.db", "keyring.db"} {
		if err := os.WriteFile(filepath.Join(old, n), must(os.ReadFile(filepath.Join(w.dir, n))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w.start()
	st, kr := &otherStore{w.store}, &otherKeyring{w.keyring}
	c := w.config(st)
	c.Keyring = kr
	c.CheckpointFile = filepath.Join(t.TempDir(), "checkpoint")
	w.server = must(server.New(ctx, c))
	w.read(bob, k)
	w.want("revoke", w.revoke(alice, bob), "")
	w.want("revoked", w.get(bob, k.id), api.CodeNotFound)
	before := w.newestCheckpoint()

	oldStore := must(sqlite.Open(ctx, filepath.Join(old, "recrypt.db")))
	t.Cleanup(func() { oldStore.Close() })
	oldRing := must(keyring.Open(filepath.Join(old, "keyring.db")))
	t.Cleanup(func() { oldRing.Close() })
	st.Store, kr.Keyring = oldStore, oldRing
	busy := func(when string) {
		t.Helper()
		w.want("checkpoint, "+when, w.do(request("GET", api.PathCheckpoint, nil)), api.CodeBusy) // or within a second of its own accord
		w.want("opening, "+when, w.get(bob, k.id), api.CodeBusy)
		w.want("reading, "+when, w.call(alice, "GET", api.PathGrants, nil), "")
		w.want("readiness, "+when, w.do(request("GET", "/readyz", nil)), api.CodeBusy)
	}
	busy("at once")
	for must(oldStore.LogSize(ctx)) <= before.Size {
		if err := oldStore.AppendLog(ctx, []store.LogEntry{{Leaf: random(64)}}); err != nil {
			t.Fatal(err)
		}
	}
	w.advance(2 * time.Minute)
	busy("when the other history is longer than what was signed")
}
