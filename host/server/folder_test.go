package server_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/recrypt-service/recrypt/host/server"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/sqlite"
	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/dispatch"
)

// served returns the files of a folder in which a server has stored a grant.
func served(t *testing.T) map[string][]byte {
	t.Helper()
	w := newWorld(t)
	k := must(w.core.SealSeed(t.Context(), nil, abi.SecretService, w.seed, 0, 0))
	alice, bob := w.join(), w.join()
	w.grant(alice, bob)
	w.stop()
	files := map[string][]byte{"server.key": k}
	for _, name := range []string{"recrypt.db", "keyring.db"} {
		files[name] = must(os.ReadFile(filepath.Join(w.dir, name)))
	}
	return files
}

// folder makes a data folder of some of files.
func folder(t *testing.T, files map[string][]byte, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), files[name], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestLostFiles: every subset of a server's files either starts or is refused
// without touching what is left.
func TestLostFiles(t *testing.T) {
	files := served(t)
	const lost = "recrypt.db is missing but keyring.db is there"
	for _, c := range []struct {
		names  []string
		refuse string
		warn   bool
	}{
		{nil, "", false},
		{[]string{"server.key"}, "", false},
		{[]string{"recrypt.db"}, "server.key is missing", false},
		{[]string{"keyring.db"}, lost, false},
		{[]string{"server.key", "recrypt.db"}, "", true},
		{[]string{"server.key", "keyring.db"}, lost, false},
		{[]string{"recrypt.db", "keyring.db"}, "server.key is missing", false},
		{[]string{"server.key", "recrypt.db", "keyring.db"}, "", false},
	} {
		t.Run(strings.Join(c.names, " "), func(t *testing.T) {
			dir, log := folder(t, files, c.names...), &lockedBuffer{}
			cfg := server.ServeConfig{DataDir: dir, Log: slog.New(slog.NewTextHandler(log, nil))}
			if c.refuse != "" {
				refused(t, cfg, c.refuse)
				unchanged(t, dir, files, c.names)
				if n := len(must(os.ReadDir(dir))); n != len(c.names) {
					t.Errorf("%d files became %d", len(c.names), n)
				}
				return
			}
			for range 2 { // what a start leaves behind starts again
				_, stop := run(t, cfg)
				if err := stop(); err != nil {
					t.Fatal(err)
				}
			}
			warnings := strings.Count(log.String(), "WARN")
			told := strings.Count(log.String(), "the keyring is empty") == 1 && strings.Contains(log.String(), "grant access again") && strings.Contains(log.String(), "grants=1")
			if c.warn != told || (warnings == 1) != c.warn {
				t.Errorf("log: %s", log)
			}
		})
	}
}

// TestNewDatabase: a keyring beside a database that has never been used belongs
// to another one.
func TestNewDatabase(t *testing.T) {
	files := served(t)
	names := []string{"server.key", "keyring.db"}
	dir := folder(t, files, names...)
	if err := must(sqlite.Open(t.Context(), filepath.Join(dir, "recrypt.db"))).Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		refused(t, server.ServeConfig{DataDir: dir}, "recrypt.db is new but keyring.db is there")
	}
	unchanged(t, dir, files, names)

	files["recrypt.db"] = nil
	names = append(names, "recrypt.db")
	dir = folder(t, files, names...)
	cfg := server.ServeConfig{DataDir: dir, Listen: "127.0.0.1:0", Caller: dispatch.Native{}}
	if err := server.Serve(t.Context(), cfg); !errors.Is(err, store.ErrDamaged) || !strings.Contains(err.Error(), "put a backup in its place") {
		t.Errorf("an empty database: %v", err)
	}
	unchanged(t, dir, files, names)
}

// TestFirstStartFails: a first start that got as far as its files is no loss.
func TestFirstStartFails(t *testing.T) {
	taken := must(net.Listen("tcp", "127.0.0.1:0"))
	defer taken.Close()
	dir := t.TempDir()
	cfg := server.ServeConfig{DataDir: dir, Listen: taken.Addr().String(), Caller: dispatch.Native{}}
	if err := server.Serve(t.Context(), cfg); err == nil {
		t.Fatal("a port that is taken")
	}
	must(os.Stat(filepath.Join(dir, "keyring.db")))
	_, stop := run(t, server.ServeConfig{DataDir: dir})
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// refused runs a server that must not start.
func refused(t *testing.T, cfg server.ServeConfig, want string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cfg.Listen, cfg.Caller = "127.0.0.1:0", dispatch.Native{}
	cfg.Ready = func(string) { cancel() }
	err := server.Serve(ctx, cfg)
	if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "from your backup") {
		t.Errorf("got %v, want %q", err, want)
	}
}

// unchanged: the named files in dir are as they were.
func unchanged(t *testing.T, dir string, files map[string][]byte, names []string) {
	t.Helper()
	for _, name := range names {
		if got := must(os.ReadFile(filepath.Join(dir, name))); string(got) != string(files[name]) {
			t.Errorf("%s was changed", name)
		}
	}
}
