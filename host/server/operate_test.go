package server_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/server"
	"github.com/recrypt-service/recrypt/wasm/dispatch"
)

// writeCertificate writes a certificate of 127.0.0.1 and its key into a folder.
func writeCertificate(t *testing.T, dir string, from, until time.Time) (cert, key string) {
	t.Helper()
	secret := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "test"}, NotBefore: from, NotAfter: until,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
	}
	der := must(x509.CreateCertificate(rand.Reader, template, template, &secret.PublicKey, secret))
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, block := range map[string]*pem.Block{
		cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(secret))},
	} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// serial asks a server for its certificate, by the highest version of TLS that is given.
func serial(addr string, most uint16) (*big.Int, string, error) {
	conn, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, MaxVersion: most, NextProtos: []string{"h2"}}) //nolint:gosec // a test
	if err != nil {
		return nil, "", err
	}
	defer conn.Close()
	state := conn.ConnectionState()
	return state.PeerCertificates[0].SerialNumber, state.NegotiatedProtocol, nil
}

// TestTLS: 1.3 and HTTP/2 are spoken, 1.2 and plain HTTP are not; a renewed certificate is
// taken on demand, a broken one is not.
func TestTLS(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	cert, key := writeCertificate(t, dir, now.Add(-time.Hour), now.Add(24*time.Hour))
	again, log := make(chan struct{}), &lockedBuffer{}
	url, _ := run(t, server.ServeConfig{DataDir: t.TempDir(), TLSCert: cert, TLSKey: key, Reload: again, Log: server.NewLog(log, false, 0)})
	addr, ok := strings.CutPrefix(url, "https://")
	if !ok {
		t.Fatalf("url %s", url)
	}
	first, protocol, err := serial(addr, 0)
	if err != nil || protocol != "h2" {
		t.Errorf("protocol %q, %v", protocol, err)
	}
	if _, _, err := serial(addr, tls.VersionTLS12); err == nil {
		t.Error("TLS 1.2 is spoken")
	}
	if r, err := http.Get("http://" + addr + "/livez"); err == nil {
		if r.StatusCode == http.StatusOK {
			t.Error("plain http is spoken")
		}
		r.Body.Close()
	}
	web := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true}}
	defer web.CloseIdleConnections()
	r := must(web.Get(url + api.PathServer))
	defer r.Body.Close()
	if r.StatusCode != http.StatusOK || r.ProtoMajor != 2 || r.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("%s %s %v", r.Proto, r.Status, r.Header)
	}
	if !strings.Contains(log.String(), "the certificate ends soon") {
		t.Error("nobody is told that the certificate ends")
	}

	writeCertificate(t, dir, now.Add(-time.Hour), now.Add(90*24*time.Hour))
	again <- struct{}{}
	again <- struct{}{} // the first one has been dealt with
	second, _, err := serial(addr, 0)
	if err != nil || second.Cmp(first) == 0 {
		t.Errorf("the old certificate stays: %v", err)
	}
	if err := os.WriteFile(cert, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	again <- struct{}{}
	again <- struct{}{}
	if third, _, err := serial(addr, 0); err != nil || third.Cmp(second) != 0 {
		t.Errorf("a broken certificate took effect: %v", err)
	}
	if !strings.Contains(log.String(), "the one before stays") {
		t.Error("nobody is told of the broken certificate")
	}
}

// TestListenRefused: what would be insecure, or cannot work, does not start, and makes
// nothing.
func TestListenRefused(t *testing.T) {
	now, dir := time.Now(), t.TempDir()
	good, goodKey := writeCertificate(t, dir, now.Add(-time.Hour), now.Add(time.Hour))
	folder := func(from, until time.Time) (string, string) { return writeCertificate(t, t.TempDir(), from, until) }
	old, oldKey := folder(now.Add(-48*time.Hour), now.Add(-24*time.Hour))
	early, earlyKey := folder(now.Add(24*time.Hour), now.Add(48*time.Hour))
	open, openKey := folder(now.Add(-time.Hour), now.Add(time.Hour))
	if err := os.Chmod(openKey, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		cfg  server.ServeConfig
		want error
	}{
		"plain, everywhere":       {server.ServeConfig{Listen: ":0"}, server.ErrPlain},
		"plain, everywhere too":   {server.ServeConfig{Listen: "0.0.0.0:0"}, server.ErrPlain},
		"plain, IPv6":             {server.ServeConfig{Listen: "[::]:0"}, server.ErrPlain},
		"plain, a private net":    {server.ServeConfig{Listen: "10.0.0.1:0"}, server.ErrPlain},
		"expired":                 {server.ServeConfig{TLSCert: old, TLSKey: oldKey}, server.ErrCertificate},
		"not valid yet":           {server.ServeConfig{TLSCert: early, TLSKey: earlyKey}, server.ErrCertificate},
		"another's key":           {server.ServeConfig{TLSCert: good, TLSKey: oldKey}, server.ErrCertificate},
		"a key that all can read": {server.ServeConfig{TLSCert: open, TLSKey: openKey}, server.ErrCertificate},
		"no key":                  {server.ServeConfig{TLSCert: good}, server.ErrCertificate},
		"no file":                 {server.ServeConfig{TLSCert: good, TLSKey: goodKey + "x"}, server.ErrCertificate},
		"metrics, everywhere":     {server.ServeConfig{Ops: ":0"}, server.ErrOps},
		"metrics, everywhere too": {server.ServeConfig{Ops: "0.0.0.0:0"}, server.ErrOps},
		"metrics, in public":      {server.ServeConfig{Ops: "192.0.2.1:0"}, server.ErrOps},
	} {
		c.cfg.DataDir, c.cfg.Caller = filepath.Join(t.TempDir(), "data"), dispatch.Native{}
		if c.cfg.Listen == "" {
			c.cfg.Listen = "127.0.0.1:0"
		}
		c.cfg.Ready = func(string) { t.Errorf("%s: it runs", name) }
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		if err := server.Serve(ctx, c.cfg); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		cancel()
		if _, err := os.Stat(c.cfg.DataDir); err == nil && errors.Is(c.want, server.ErrPlain) {
			t.Errorf("%s: a folder was made", name)
		}
	}
	// Behind a proxy plain HTTP may be spoken, and only proxies may connect.
	url, _ := run(t, server.ServeConfig{DataDir: t.TempDir(), Listen: "0.0.0.0:0", BehindProxy: true, TrustedProxies: must(server.ParseProxies([]string{"192.0.2.0/24"}))})
	if r, err := http.Get(url + "/livez"); err == nil {
		r.Body.Close()
		t.Error("somebody came past the proxy")
	}
}

// TestSlowClients: who is slow with the header or the body is cut off, and who does
// nothing is hung up on; meanwhile others are answered.
func TestSlowClients(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for time limits")
	}
	t.Parallel()
	url, _ := run(t, server.ServeConfig{DataDir: t.TempDir()})
	host := strings.TrimPrefix(url, "http://")
	type client struct {
		name  string
		text  string        // sent at once
		every string        // sent every second
		limit time.Duration // within which it is over
	}
	over := make(chan string)
	clients := []client{
		{"slow header", "GET /v1/server HTTP/1.1\r\nHost: a\r\nX: ", "a", 15 * time.Second},
		{"no header", "", "", 15 * time.Second},
		{"slow body", "POST /v1/keys HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n", "a", 40 * time.Second},
	}
	for _, c := range clients {
		conn := must(net.Dial("tcp", host))
		defer conn.Close()
		start := time.Now()
		go func() {
			io.WriteString(conn, c.text)
			for c.every != "" {
				time.Sleep(time.Second)
				if _, err := io.WriteString(conn, c.every); err != nil {
					return
				}
			}
		}()
		go func() {
			conn.SetReadDeadline(start.Add(c.limit))
			_, err := io.Copy(io.Discard, conn)
			var timeout net.Error
			if errors.As(err, &timeout) && timeout.Timeout() {
				over <- fmt.Sprintf("%s: still there after %v", c.name, time.Since(start))
				return
			}
			over <- ""
		}()
	}
	for done := 0; done < len(clients); {
		select {
		case fault := <-over:
			done++
			if fault != "" {
				t.Error(fault)
			}
		case <-time.After(200 * time.Millisecond):
			start := time.Now()
			if r, _ := fetch(t, url+api.PathServer); r.StatusCode != http.StatusOK || time.Since(start) > 2*time.Second {
				t.Errorf("others: %s after %v", r.Status, time.Since(start))
			}
		}
	}
}

// TestIdleConnections: one address that opens connections and does nothing does not keep
// others out.
func TestIdleConnections(t *testing.T) {
	url, _ := run(t, server.ServeConfig{DataDir: t.TempDir(), Connections: 30, Each: 20})
	host := strings.TrimPrefix(url, "http://")
	for range 200 {
		if conn, err := net.Dial("tcp", host); err == nil {
			defer conn.Close()
		}
	}
	// Another address of this machine.
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}}
	web := &http.Client{Transport: &http.Transport{DialContext: dialer.DialContext}, Timeout: 10 * time.Second}
	defer web.CloseIdleConnections()
	r, err := web.Get(url + "/livez")
	if err != nil {
		if strings.Contains(err.Error(), "assign requested address") {
			t.Skip("this machine has one loopback address")
		}
		t.Fatal(err)
	}
	r.Body.Close()
}

// TestHTTP2Flood: a connection that opens and resets streams without end, and one that asks
// for more at once than it may, do not keep others from being answered.
func TestHTTP2Flood(t *testing.T) {
	now := time.Now()
	cert, key := writeCertificate(t, t.TempDir(), now.Add(-time.Hour), now.Add(48*time.Hour))
	url, _ := run(t, server.ServeConfig{DataDir: t.TempDir(), TLSCert: cert, TLSKey: key})
	conn := must(tls.Dial("tcp", strings.TrimPrefix(url, "https://"), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}}))
	defer conn.Close()
	frame := func(kind, flags byte, stream uint32, payload []byte) []byte {
		n := len(payload)
		return append([]byte{byte(n >> 16), byte(n >> 8), byte(n), kind, flags, byte(stream >> 24), byte(stream >> 16), byte(stream >> 8), byte(stream)}, payload...)
	}
	header := []byte{0x82, 0x87, 0x84, 0x41, 1, 'a'} // GET, https, /, authority a
	var flood bytes.Buffer
	flood.WriteString("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	flood.Write(frame(4, 0, 0, nil))
	for i := range uint32(20_000) {
		flood.Write(frame(1, 5, 2*i+1, header))             // HEADERS, ends stream and headers
		flood.Write(frame(3, 0, 2*i+1, []byte{0, 0, 0, 8})) // RST_STREAM
	}
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	go conn.Write(flood.Bytes())
	web := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}, Timeout: 10 * time.Second}
	defer web.CloseIdleConnections()
	for range 20 {
		r, err := web.Get(url + "/livez")
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
	}
	reader, away := bufio.NewReader(conn), false
	for !away {
		head := make([]byte, 9)
		if _, err := io.ReadFull(reader, head); err != nil {
			break // hung up on
		}
		payload := make([]byte, int(head[0])<<16|int(head[1])<<8|int(head[2]))
		if _, err := io.ReadFull(reader, payload); err != nil {
			break
		}
		if head[3] == 4 && head[4] == 0 { // SETTINGS: id 3 is the bound of streams
			streams := uint32(0)
			for p := payload; len(p) >= 6; p = p[6:] {
				if p[1] == 3 {
					streams = uint32(p[4])<<8 | uint32(p[5])
				}
			}
			if streams == 0 || streams > 64 {
				t.Errorf("%d streams at once", streams)
			}
		}
		away = head[3] == 7 // GOAWAY
	}
}

// TestStopping: during a stop /readyz is false first, what runs may finish, and a second
// signal cuts it short.
func TestStopping(t *testing.T) {
	hurry, log := make(chan struct{}), &lockedBuffer{}
	url, stop := run(t, server.ServeConfig{DataDir: t.TempDir(), StopDelay: 20 * time.Second, Hurry: hurry, Log: server.NewLog(log, false, 0)})
	conn := must(net.Dial("tcp", strings.TrimPrefix(url, "http://")))
	defer conn.Close()
	fmt.Fprintf(conn, "GET /livez HTTP/1.1\r\nHost: a\r\nX: ") // a request that does not end
	done := make(chan error, 1)
	start := time.Now()
	go func() { done <- stop() }()
	for r, _ := fetch(t, url+"/readyz"); r.StatusCode != http.StatusServiceUnavailable; r, _ = fetch(t, url+"/readyz") {
		if time.Since(start) > 5*time.Second {
			t.Fatal("still ready")
		}
		time.Sleep(5 * time.Millisecond)
	}
	if r, _ := fetch(t, url+"/livez"); r.StatusCode != http.StatusOK {
		t.Error("requests are refused while load balancers do not know it yet")
	}
	close(hurry)
	select {
	case err := <-done:
		if err != nil || time.Since(start) > 10*time.Second {
			t.Errorf("stopped after %v: %v", time.Since(start), err)
		}
	case <-time.After(15 * time.Second):
		t.Fatal("the second signal has no effect")
	}
}

// TestOrigins: pages of other origins get nothing that lets them read answers, no answer sets
// a cookie, and methods that a path does not have are refused.
func TestOrigins(t *testing.T) {
	w := newWorld(t)
	alice := w.join()
	for _, path := range []string{api.PathServer, "/v1/identities/" + alice.id, api.PathGrants, api.PathKeys, api.PathCheckpoint, "/openapi.json", "/livez", "/nothing"} {
		for _, method := range []string{"OPTIONS", "GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"} {
			r := request(method, path, nil)
			r.Header.Set("Origin", "https://evil.test")
			r.Header.Set("Access-Control-Request-Method", "POST")
			answer := w.do(r)
			if (method == "OPTIONS" || method == "TRACE" || method == "PROPFIND") && answer.status != http.StatusMethodNotAllowed && answer.status != http.StatusNotFound {
				t.Errorf("%s %s: status %d", method, path, answer.status)
			}
			for name := range answer.header {
				if strings.HasPrefix(name, "Access-Control-") || name == "Set-Cookie" {
					t.Errorf("%s %s: %s", method, path, name)
				}
			}
			for _, name := range []string{"Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy", "Cache-Control"} {
				if answer.header.Get(name) == "" {
					t.Errorf("%s %s: no %s", method, path, name)
				}
			}
		}
	}
}
