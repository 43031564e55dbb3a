package main

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/server"
	"github.com/recrypt-service/recrypt/host/store/pgtest"
	"github.com/recrypt-service/recrypt/wasm/dispatch"
)

// TestDoctorTLS: what can be wrong with a certificate, and without one.
func TestDoctorTLS(t *testing.T) {
	year := time.Now().Add(365 * 24 * time.Hour)
	cert, key := selfSigned(t, "recrypt.example.org", year)
	soon, soonKey := selfSigned(t, "recrypt.example.org", time.Now().Add(72*time.Hour))
	over, overKey := selfSigned(t, "recrypt.example.org", time.Now().Add(-time.Minute))
	in := &installation{t: t, arguments: []string{"--data", t.TempDir(), "--listen", "127.0.0.1:1"}}
	for name, c := range map[string]struct {
		args          []string
		status, found string
	}{
		"good":         {[]string{"--tls-cert", cert, "--tls-key", key, "--public-url", "https://recrypt.example.org"}, checkOK, "until"},
		"soon over":    {[]string{"--tls-cert", soon, "--tls-key", soonKey}, checkWarning, "ends in"},
		"over":         {[]string{"--tls-cert", over, "--tls-key", overKey}, checkFault, "expired"},
		"another key":  {[]string{"--tls-cert", cert, "--tls-key", soonKey}, checkFault, "cannot be used"},
		"another name": {[]string{"--tls-cert", cert, "--tls-key", key, "--public-url", "https://other.example.org"}, checkFault, "not for other.example.org"},
		"no file":      {[]string{"--tls-cert", cert, "--tls-key", key + "x"}, checkFault, "no such file"},
		"plain":        {[]string{"--public-url", "http://recrypt.example.org"}, checkFault, "everybody on the way"},
		"proxy":        {[]string{"--public-url", "https://recrypt.example.org", "--behind-proxy"}, checkOK, "proxy"},
		"proxy unsaid": {[]string{"--public-url", "https://recrypt.example.org"}, checkWarning, "does not know of it"},
		"local":        {nil, checkOK, "only this machine"},
	} {
		in.t = t
		in.want(name, "certificate", c.status, c.found, c.args...)
	}
}

// TestDoctorServer: what can be wrong on the way to the server.
func TestDoctorServer(t *testing.T) {
	in := install(t, nil)
	in.want("right", "server", checkOK, "answers")
	foreign := install(t, nil)
	in.want("another server", "server", checkFault, "is server rsv1", "--public-url", "http://"+foreign.listen)
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	in.want("something else", "server", checkFault, "is not reached", "--public-url", web.URL)
	in.want("no name", "server", checkFault, "does not lead anywhere", "--public-url", "http://nowhere.invalid")
	in.want("closed port", "server", checkFault, "it runs, and is not reached", "--public-url", "http://127.0.0.1:1")
	in.want("no metrics", "metrics", checkFault, "nobody answers", "--ops", "127.0.0.1:1")
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		resp, err := http.Get("http://" + in.listen + r.URL.Path)
		if err != nil {
			return
		}
		defer resp.Body.Close()
		w.Header().Set("Date", time.Now().Add(-5*time.Minute).UTC().Format(http.TimeFormat))
		w.WriteHeader(resp.StatusCode)
		io.Copy(w, resp.Body)
	}))
	defer slow.Close()
	in.want("clock", "server", checkFault, "the clock of", "--public-url", slow.URL)
	unready := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/readyz" {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		http.Redirect(w, r, "http://"+in.listen+r.URL.Path, http.StatusFound)
	}))
	defer unready.Close()
	in.want("a redirect", "server", checkFault, "", "--public-url", unready.URL)
	cert, key := selfSigned(t, "localhost", time.Now().Add(365*24*time.Hour))
	secure := installTLS(t, cert, key)
	secure.want("not trusted", "server", checkFault, "does not trust")
	old := httptest.NewUnstartedServer(http.NotFoundHandler())
	old.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	old.StartTLS()
	defer old.Close()
	u, _ := url.Parse(old.URL)
	if !speaksOld(t.Context(), u) {
		t.Error("TLS 1.2 is not noticed")
	}
	if u, _ := url.Parse("https://" + secure.listen); speaksOld(t.Context(), u) {
		t.Error("our server speaks TLS 1.2")
	}
}

// installTLS runs a server with TLS.
func installTLS(t *testing.T, cert, key string) *installation {
	in := &installation{t: t, dir: filepath.Join(t.TempDir(), "data")}
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan string, 1), make(chan error, 1)
	go func() {
		done <- server.Serve(ctx, server.ServeConfig{
			DataDir: in.dir, Listen: "127.0.0.1:0", Caller: dispatch.Native{}, TLSCert: cert, TLSKey: key, Ready: func(u string) { ready <- u },
		})
	}()
	t.Cleanup(func() { cancel(); <-done })
	select {
	case u := <-ready:
		in.listen = strings.TrimPrefix(u, "https://")
	case err := <-done:
		done <- err
		t.Fatal(err)
	}
	in.arguments = []string{"--data", in.dir, "--listen", in.listen, "--tls-cert", cert, "--tls-key", key}
	return in
}

// TestDoctorPostgres: what can be wrong with a PostgreSQL database.
func TestDoctorPostgres(t *testing.T) {
	cluster := pgtest.Start(t, pgtest.Options{Fsync: true})
	address := cluster.Database(t)
	in := install(t, func(c *server.ServeConfig) { c.Database = address })
	in.arguments = append(in.arguments, "--database", address)
	in.want("right", "database", checkOK, "PostgreSQL")
	in.want("right", "keyring", checkOK, "keys of 1 grant")
	in.want("right", "log", checkOK, "as they were signed")
	in.stop()
	name := address[strings.LastIndex(address, "/")+1:]
	name, _, _ = strings.Cut(name, "?")
	check(t, cluster.Exec(t.Context(), name, "DELETE FROM keyring_keys"))
	in.want("no keys", "keyring", checkFault, "it is empty")
	check(t, cluster.Exec(t.Context(), name, "UPDATE service SET service = sha256('x')"))
	in.want("another's", "database", checkFault, "belongs to another server")
	fresh := cluster.Database(t)
	in.want("empty", "database", checkWarning, "has not the tables", "--database", fresh)
	standby := pgtest.URL(name, cluster, cluster) // as if a second host were there
	in.want("no synchronous standby", "database", checkFault, "no standby is synchronous", "--database", strings.Replace(standby, "5432%2C5432", "5432%2C5433", 1))
	in.want("wrong password", "database", checkFault, "no connection", "--database", "postgres://recrypt:s3cret@127.0.0.1:1/recrypt")
	careless := pgtest.Start(t, pgtest.Options{Settings: []string{"fsync=off"}})
	in.want("fsync off", "database", checkFault, "fsync is off", "--database", careless.Database(t))
}
