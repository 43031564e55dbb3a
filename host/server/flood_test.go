package server_test

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/translog"
)

// longChain stores a collection with an answer of over 5 MB that p may read.
func (w *world) longChain(p *person) (path string) {
	id, owner := [16]byte(random(16)), [32]byte(random(32))
	var previous [32]byte
	for i := range uint64(4) {
		rec := store.CollectionRecord{Collection: id, Owner: owner, Sequence: i, Record: random(store.MaxRecord), Hash: [32]byte(random(32))}
		var grants []store.Grant
		if i == 0 {
			grants = []store.Grant{{ID: [16]byte(random(16)), Collection: id, Owner: owner, Reader: p.identity.ID, ReaderVersion: 1, Record: []byte{1}, Sealed: []byte{1}}}
		}
		leaf := store.LogEntry{Leaf: translog.CollectionLeaf(id, i, rec.Record), Ref: translog.CollectionRef(id, i)}
		must(w.store.PutCollection(w.t.Context(), rec, previous, grants, []store.LogEntry{leaf}))
		previous = rec.Hash
	}
	return "/v1/collections/" + api.FormatID(id)
}

// TestIdleReaders: connections that ask for much and read nothing do not keep
// anybody else from being answered.
func TestIdleReaders(t *testing.T) {
	w := newWorld(t)
	alice, mallory := w.join(), w.join()
	path := w.longChain(mallory)
	web := httptest.NewServer(w.server)
	defer web.Close()
	host := web.Listener.Addr().String()
	const perSlot = 4
	for range perSlot*runtime.GOMAXPROCS(0) + 2 {
		conn := must(net.Dial("tcp", host))
		defer conn.Close()
		if err := conn.(*net.TCPConn).SetReadBuffer(4096); err != nil {
			t.Fatal(err)
		}
		r := w.sign(mallory, request("GET", path, nil), nil)
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: recrypt.test\r\nSignature-Input: %s\r\nSignature: %s\r\n\r\n", path, r.Header.Get("Signature-Input"), r.Header.Get("Signature"))
	}
	for start := time.Now(); w.server.Held() < 20<<20; time.Sleep(10 * time.Millisecond) {
		if time.Since(start) > 20*time.Second {
			t.Fatalf("only %d bytes are unsent", w.server.Held())
		}
	}
	start := time.Now()
	answer, err := (&http.Client{Timeout: 20 * time.Second}).Get("http://" + host + "/v1/identities/" + alice.id)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if took := time.Since(start); answer.StatusCode != http.StatusOK || took > 5*time.Second {
		t.Errorf("status %d after %v", answer.StatusCode, took)
	}
}

// TestBudgets: when all that may be held is held, small requests still pass, large
// ones are told to come back, and nothing stays behind.
func TestBudgets(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.join(), w.join()
	path := w.longChain(alice)
	small := []byte(`{"revocation":"AAAA"}`)
	large := []byte(`{"revocation":"` + strings.Repeat("A", 100<<10) + `"}`)
	feed := w.server.Starve()
	w.want("small answer", w.call(alice, "GET", api.PathGrants, nil), "")
	w.want("small body", w.raw(alice, "POST", api.PathRevocations, small), api.CodeMalformed)
	for name, r := range map[string]reply{
		"large answer": w.call(alice, "GET", path, nil), "large body": w.raw(alice, "POST", api.PathRevocations, large),
	} {
		w.want(name, r, api.CodeBusy)
		if r.header.Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", name)
		}
	}
	feed()
	w.want("large answer", w.call(alice, "GET", path, nil), "")
	w.want("large body", w.raw(alice, "POST", api.PathRevocations, large), api.CodeMalformed)
	w.want("too large", w.raw(alice, "POST", api.PathRevocations, bytes.Repeat([]byte("a"), api.MaxBody+1)), api.CodeTooLarge)
	w.grant(alice, bob)
	if n := w.server.Held(); n != 0 {
		t.Errorf("%d bytes are still held", n)
	}
}

// TestUnreadBodies: the body of a request without a signature of the right form,
// host and time is not read.
func TestUnreadBodies(t *testing.T) {
	w := newWorld(t)
	alice := w.join()
	ok := []byte(`{"revocation":"AAAA"}`)
	signed := func(at time.Time) *http.Request {
		return w.signAt(alice, request("POST", api.PathRevocations, ok), ok, at)
	}
	unsigned := request("POST", api.PathRevocations, ok)
	elsewhere := signed(w.now())
	elsewhere.Host = "evil.test"
	short := signed(w.now())
	short.Header.Set("Signature", "sig1=:AAAA:")
	undigested := signed(w.now())
	undigested.Header.Del("Content-Digest")
	for name, c := range map[string]struct {
		r    *http.Request
		code string
	}{
		"unsigned": {unsigned, api.CodeUnsigned}, "other host": {elsewhere, api.CodeUnsigned}, "short signature": {short, api.CodeUnsigned},
		"no digest": {undigested, api.CodeUnsigned}, "old": {signed(w.now().Add(-2 * time.Hour)), api.CodeClockSkew},
	} {
		read := &countingReader{}
		c.r.Body, c.r.ContentLength = io.NopCloser(read), api.MaxBody
		r := w.do(c.r)
		w.want(name, r, c.code)
		if read.n != 0 || r.header.Get("Connection") != "close" {
			t.Errorf("%s: %d bytes were read, Connection is %q", name, read.n, r.header.Get("Connection"))
		}
	}
	// A replay is told as one although its time has passed.
	good := signed(w.now())
	w.want("first", w.do(good), api.CodeMalformed)
	w.advance(10 * time.Minute)
	w.want("replay", w.do(again(good, ok)), api.CodeReplay)
}
