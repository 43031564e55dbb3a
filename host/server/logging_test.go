package server_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/server"
)

// TestLogRedaction: whoever logs it, under whatever name: secrets do not come into the log,
// and one event is one line of plain text.
func TestLogRedaction(t *testing.T) {
	const secret = "s3cretcanary"
	for _, asJSON := range []bool{false, true} {
		var out bytes.Buffer
		log := server.NewLog(&out, asJSON, slog.LevelInfo)
		for _, name := range []string{"secret", "password", "Passphrase", "seed", "auth_token", "Cookie", "Authorization", "Signature", "private_key", "nonce", "transformKey", "transform_key", "key", "body"} {
			log.Info("event", name, secret)
			log.With(name, secret).Info("event")
			log.WithGroup("g").Info("event", name, []byte(secret))
		}
		address := &url.URL{Scheme: "postgres", User: url.UserPassword("recrypt", secret), Host: "db"}
		log.Error("event", "error", fmt.Errorf("connect to postgres://recrypt:%s@db/x: %w", secret, errors.New("refused")))
		log.Error("event", "error", errors.New("host=db password="+secret+" user=recrypt"), "address", address, "text", address.String())
		log.Info("event", "raw", []byte(secret), "addr", &net.TCPAddr{IP: net.IPv4(1, 2, 3, 4)}, "some", []string{"password=" + secret})
		log.Debug("event", "text", secret)
		if strings.Contains(out.String(), secret) || strings.Contains(out.String(), hex.EncodeToString([]byte(secret))) ||
			strings.Contains(out.String(), base64.StdEncoding.EncodeToString([]byte(secret))) {
			t.Errorf("the log tells:\n%s", out.String())
		}
		out.Reset()
		log.Info("event", "keys", 5, "seed_count", 3, "operation", "get_sym_key")
		if strings.Contains(out.String(), "redacted") {
			t.Errorf("too much is hidden: %s", out.String())
		}

		out.Reset()
		log.Info("evil\nlevel=ERROR msg=forged", "text", "a\r\n\x1b[31mred\u2028\x00\u202e", "other\nlevel", "x", "long", strings.Repeat("é", 1<<20), "bytes", "\xff\xfe")
		line := out.String()
		if strings.Count(line, "\n") != 1 || len(line) > 4096 || strings.ContainsAny(line[:len(line)-1], "\r\n\x1b\x00\u2028\u202e") {
			t.Errorf("%d bytes: %.300q", len(line), line)
		}
		if asJSON && !json.Valid([]byte(line)) {
			t.Errorf("not json: %.300q", line)
		}
	}
}

// TestLogInjection: nothing that is sent gets into the log but what we have named ourselves.
func TestLogInjection(t *testing.T) {
	w := newWorld(t)
	var log lockedBuffer
	c := w.config(w.store)
	c.Log = server.NewLog(&log, false, slog.LevelDebug)
	w.server = must(server.New(t.Context(), c))
	const canary = "canary\x1b[31m\nlevel=ERROR msg=forged"
	alice := w.join()
	for _, path := range []string{"/" + url.PathEscape(canary), "/v1/identities/" + url.PathEscape(canary), "/v1/identities/canary", "/v1/" + strings.Repeat("canary", 1<<15)} {
		w.do(request("GET", path, nil))
	}
	r := request("GET", api.PathGrants, nil)
	for _, name := range []string{"User-Agent", "X-Forwarded-For", "Referer", "Signature", "Signature-Input", "Idempotency-Key", "Content-Type"} {
		r.Header[name] = []string{canary}
	}
	r.Host = canary
	w.do(r)
	w.raw(alice, "POST", api.PathRevocations, []byte(`{"canary\n":"canary\u001b"}`))
	if text := log.String(); strings.Contains(text, "canary") || strings.Contains(text, "forged") || strings.Contains(text, "\x1b") {
		t.Errorf("log:\n%s", text)
	}
}

// TestSparseLog: what strangers cause does not fill the log.
func TestSparseLog(t *testing.T) {
	now := time.Now()
	cert, key := writeCertificate(t, t.TempDir(), now.Add(-time.Hour), now.Add(60*24*time.Hour))
	log := &lockedBuffer{}
	addr, _ := run(t, server.ServeConfig{DataDir: t.TempDir(), TLSCert: cert, TLSKey: key, Log: server.NewLog(log, false, 0)})
	for range 300 {
		conn := must(net.Dial("tcp", strings.TrimPrefix(addr, "https://")))
		fmt.Fprintf(conn, "GET / HTTP/1.1\r\n\r\n")
		conn.Close()
	}
	until(t, "a line", func() bool { return strings.Contains(log.String(), "handshake") })
	if n := strings.Count(log.String(), "handshake"); n > 60 {
		t.Errorf("%d lines about 300 broken handshakes", n)
	}
}
