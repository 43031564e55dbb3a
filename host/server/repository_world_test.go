package server_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/blobs"
	"github.com/recrypt-service/recrypt/host/cobblestone"
	"github.com/recrypt-service/recrypt/host/hosttest"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// A library is a server with a document repository on a folder.
type library struct {
	*hosttest.Server
	t     testing.TB
	store *blobs.Disk
	log   *lockedBuffer
}

func newLibrary(t testing.TB, o blobs.Options) *library {
	t.Helper()
	store, err := blobs.OpenDisk(t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	log := &lockedBuffer{}
	return &library{Server: hosttest.NewServer(t, hosttest.Options{Blobs: store, Log: slog.New(slog.NewTextHandler(log, nil))}), t: t, store: store, log: log}
}

// document makes an encrypted document whose content has n bytes, and its id.
func document(t testing.TB, n int) (id string, content []byte) {
	t.Helper()
	core := abi.Client{Caller: hosttest.Caller(t)}
	header, err := core.NewHeader(context.Background(), &abi.Header{
		Key: [16]byte(random(16)), Collection: [16]byte(random(16)), Epoch: 1, Author: [32]byte(random(32)), Server: "https://example.org",
	})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	out.Write(header)
	w, err := cobblestone.NewWriter(&out, random(32), header)
	if err != nil {
		t.Fatal(err)
	}
	io.CopyN(w, zeros{}, int64(n))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return idOf(out.Bytes()), out.Bytes()
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func idOf(content []byte) string { return blobs.ID(sha256.Sum256(content)).String() }

func documentPath(id string) string { return strings.Replace(api.PathDocument, "{id}", id, 1) }

func partPath(id string, upload byte) string {
	path := strings.Replace(api.PathParts, "{id}", id, 1)
	return strings.Replace(path, "{upload}", api.FormatID([16]byte{upload}), 1)
}

// do sends a request; header holds names and values.
func (l *library) do(method, path string, body io.Reader, header ...string) (*http.Response, []byte) {
	l.t.Helper()
	req, err := http.NewRequest(method, l.URL+path, body)
	if err != nil {
		l.t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		l.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		l.t.Fatalf("%s %s: %v", method, path, err)
	}
	return resp, answer
}

// refused checks that an answer is the problem with a code, and says nothing of what was sent.
func (l *library) refused(what string, resp *http.Response, answer []byte, code string) {
	l.t.Helper()
	var p api.Problem
	err := json.Unmarshal(answer, &p)
	if err != nil || p.Code != code || p.Status != resp.StatusCode || resp.Header.Get("Content-Type") != api.ContentTypeFault {
		l.t.Errorf("%s: %d %s, want %s", what, resp.StatusCode, answer, code)
	}
	if resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("X-Content-Type-Options") != "nosniff" || resp.Header.Get("ETag") != "" {
		l.t.Errorf("%s: header %v", what, resp.Header)
	}
}

// putPart sends the part of content from first.
func (l *library) putPart(id string, upload byte, content []byte, first int) (*http.Response, []byte) {
	l.t.Helper()
	end := min(first+api.MaxPart, len(content))
	return l.do("PUT", partPath(id, upload), bytes.NewReader(content[first:end]), "Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, end-1, len(content)))
}

// upload reads the answer about an upload.
func (l *library) progress(answer []byte) (u api.Upload) {
	l.t.Helper()
	if err := json.Unmarshal(answer, &u); err != nil {
		l.t.Fatalf("%v: %s", err, answer)
	}
	return u
}

// empty checks that nothing is stored.
func (l *library) empty() {
	l.t.Helper()
	if u, err := l.store.Usage(context.Background()); err != nil || u.Bytes != 0 {
		l.t.Errorf("%d bytes are stored, %v", u.Bytes, err)
	}
}
