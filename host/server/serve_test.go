package server_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/httpsig"
	"github.com/recrypt-service/recrypt/host/server"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/dispatch"
)

// run starts Serve on dir and returns its URL and a function that stops it.
func run(t *testing.T, cfg server.ServeConfig) (url string, stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan string, 1), make(chan error, 1)
	cfg.Caller, cfg.EngineKind, cfg.Version = dispatch.Native{}, "native", "test"
	cfg.Ready = func(u string) { ready <- u }
	if cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:0"
	}
	go func() { done <- server.Serve(ctx, cfg) }()
	stop = func() error {
		cancel()
		err := <-done
		done <- err
		return err
	}
	t.Cleanup(func() { stop() })
	select {
	case url = <-ready:
	case err := <-done:
		done <- err // for stop
		t.Fatal(err)
	}
	return url, stop
}

func fetch(t *testing.T, url string) (*http.Response, api.Server) {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	var out api.Server
	json.NewDecoder(r.Body).Decode(&out)
	return r, out
}

func TestServe(t *testing.T) {
	before := runtime.NumGoroutine()
	dir := filepath.Join(t.TempDir(), "data")
	url, stop := run(t, server.ServeConfig{DataDir: dir})
	_, first := fetch(t, url+api.PathServer)
	if len(first.URLs) != 2 || first.URLs[0] != url || !strings.HasPrefix(first.URLs[1], "http://localhost:") {
		t.Errorf("urls %v", first.URLs)
	}
	for name, mode := range map[string]os.FileMode{"": 0o700, "server.key": 0o600, "recrypt.db": 0o600, "keyring.db": 0o600} {
		if info := must(os.Stat(filepath.Join(dir, name))); info.Mode().Perm() != mode {
			t.Errorf("%q has mode %o", name, info.Mode().Perm())
		}
	}
	// A second server on the same folder is refused and does no harm.
	second := server.ServeConfig{DataDir: dir, Listen: "127.0.0.1:0", Caller: dispatch.Native{}}
	if err := server.Serve(t.Context(), second); !errors.Is(err, store.ErrLocked) {
		t.Errorf("second server: %v", err)
	}
	publish(t, url)
	if err := stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	url, stop = run(t, server.ServeConfig{DataDir: dir, PublicURLs: []string{"https://recrypt.example.org"}})
	_, again := fetch(t, url+api.PathServer)
	if again.ID != first.ID || len(again.URLs) != 1 || again.URLs[0] != "https://recrypt.example.org" {
		t.Errorf("after a restart: %+v", again)
	}
	if err := stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
	http.DefaultClient.CloseIdleConnections()
	for range 100 {
		if runtime.NumGoroutine() <= before {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("%d goroutines are left over", n-before)
	}

	// Data without its key is not given a new identity.
	if err := os.Remove(filepath.Join(dir, "server.key")); err != nil {
		t.Fatal(err)
	}
	if err := server.Serve(t.Context(), second); err == nil || !strings.Contains(err.Error(), "server.key is missing") {
		t.Errorf("without its key: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "server.key"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := server.Serve(t.Context(), second); !errors.Is(err, abi.ErrMalformed) {
		t.Errorf("with a damaged key: %v", err)
	}
}

// publish sends a signed request over a real connection.
func publish(t *testing.T, url string) {
	t.Helper()
	core := abi.Client{Caller: dispatch.Native{}}
	seed := random(32)
	record := must(core.NewIdentity(t.Context(), seed, random(32), []byte{suite}))
	identity := must(core.OpenIdentity(t.Context(), record))
	id := must(core.FormatID(t.Context(), abi.KindPerson, identity.ID))
	body := must(json.Marshal(api.CreateIdentity{Record: record}))
	r := must(http.NewRequest("POST", url+api.PathIdentities, bytes.NewReader(body)))
	r.Header.Set("Content-Type", api.ContentTypeJSON)
	if err := httpsig.Sign(t.Context(), core, seed, id+"/1", r, body, time.Now()); err != nil {
		t.Fatal(err)
	}
	answer := must(http.DefaultClient.Do(r))
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("publish: %s", must(io.ReadAll(answer.Body)))
	}
}

// TestWire sends what no client library would.
func TestWire(t *testing.T) {
	url, _ := run(t, server.ServeConfig{DataDir: t.TempDir()})
	host := strings.TrimPrefix(url, "http://")
	cases := map[string]struct {
		text   string
		status int
	}{
		"two hosts":         {"GET /v1/server HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
		"huge header":       {"GET /v1/server HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("a", 64<<10) + "\r\n\r\n", 431},
		"both lengths":      {"POST /v1/keys HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 401},
		"absolute target":   {"GET http://evil.test/v1/server HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 400},
		"encoded dots":      {"GET /v1/%2e%2e/v1/server HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 400},
		"dots":              {"GET /v1/../v1/server HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 400},
		"asterisk":          {"OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200},
		"connect":           {"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\nConnection: close\r\n\r\n", 400},
		"length cut":        {"POST /v1/keys HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9999999999999\r\n\r\n", 413},
		"expect":            {"POST /v1/keys HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nExpect: 100-continue\r\nContent-Length: 5\r\nConnection: close\r\n\r\n", 415},
		"chunked, too much": {"POST /v1/keys HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n200000\r\n" + strings.Repeat("a", 0x200000) + "\r\n0\r\n\r\n", 401},
		"unsigned":          {"GET /v1/grants HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n", 401},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", host)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			conn.SetDeadline(time.Now().Add(10 * time.Second))
			go io.WriteString(conn, c.text) // the server may answer before it read everything
			r, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Body.Close()
			if r.StatusCode != c.status {
				t.Errorf("status %d, want %d", r.StatusCode, c.status)
			}
		})
	}
	if r, _ := fetch(t, url+"/livez"); r.StatusCode != http.StatusOK {
		t.Error("the server is not well afterwards")
	}
}

func TestServeErrors(t *testing.T) {
	base := func() server.ServeConfig {
		return server.ServeConfig{DataDir: t.TempDir(), Listen: "127.0.0.1:0", Caller: dispatch.Native{}}
	}
	taken := must(net.Listen("tcp", "127.0.0.1:0"))
	defer taken.Close()
	cfg := base()
	cfg.Listen = taken.Addr().String()
	if err := server.Serve(t.Context(), cfg); err == nil {
		t.Error("a port that is taken")
	}
	cfg.Listen = "127.0.0.1:0"
	cfg.PublicURLs = []string{"recrypt.example.org"}
	if err := server.Serve(t.Context(), cfg); err == nil {
		t.Error("a public url without a scheme")
	}
	cfg = base()
	file := filepath.Join(cfg.DataDir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg.DataDir = file
	if err := server.Serve(t.Context(), cfg); err == nil {
		t.Error("a file for a folder")
	}
}
