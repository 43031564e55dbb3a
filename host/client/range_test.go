package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/blobs"
	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/hosttest"
)

// countedWriter counts the bytes of all bodies that a server sends, and the requests.
type countedWriter struct {
	http.ResponseWriter
	bytes, requests *atomic.Int64
}

func (c countedWriter) Write(b []byte) (int, error) {
	c.bytes.Add(int64(len(b)))
	return c.ResponseWriter.Write(b)
}

func (c countedWriter) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// shared is a document of alice's that bob may read, in the repository and as a file.
type shared struct {
	bob      *client.Client
	url      string
	document []byte
	content  []byte
	bytes    atomic.Int64 // that the repository has sent
	requests atomic.Int64
}

func newShared(t *testing.T, n int) *shared {
	t.Helper()
	d := new(shared)
	s, _ := newLibrary(t, blobs.Options{}, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, "/v1/documents/") {
				d.requests.Add(1)
				w = countedWriter{w, &d.bytes, &d.requests}
			}
			next.ServeHTTP(w, r)
		})
	})
	alice := hosttest.NewPerson(t, "alice").Publish(t, s.URL)
	d.bob = hosttest.NewPerson(t, "bob").Publish(t, s.URL)
	d.document, d.content = encrypted(t, alice, n)
	if _, err := alice.Grant(t.Context(), d.bob.ID(), client.GrantOptions{}); err != nil {
		t.Fatal(err)
	}
	info, err := alice.Upload(t.Context(), bytes.NewReader(d.document), int64(len(d.document)), client.UploadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	d.url = info.URL
	d.bytes.Store(0)
	d.requests.Store(0)
	return d
}

func web(t *testing.T, url string) *client.WebDocument {
	t.Helper()
	d, err := client.NewWebDocument(http.DefaultClient, url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// TestDecryptRange counts what goes over the wire.
func TestDecryptRange(t *testing.T) {
	const size = 5_000_000
	d := newShared(t, size)
	for _, c := range []struct {
		text        string
		first, last int
		chunks      int64
	}{
		{"0-0", 0, 0, 1}, {"1000000-1000099", 1000000, 1000099, 1}, {"16383-16384", 16383, 16384, 2}, {"16384-32767", 16384, 32767, 1},
		{"-10", size - 10, size - 1, 1}, {"4999999-", size - 1, size - 1, 1}, {"2000000-2999999", 2000000, 2999999, 62}, {"4999990-99999999", 4999990, size - 1, 1},
	} {
		r, err := client.ParseByteRange(c.text)
		if err != nil {
			t.Fatal(err)
		}
		d.bytes.Store(0)
		d.requests.Store(0)
		var out bytes.Buffer
		var author string
		info, err := d.bob.DecryptRange(t.Context(), &out, web(t, d.url), r, client.DecryptOptions{Header: func(i *client.DocumentInfo) { author = i.Author }})
		if err != nil || !bytes.Equal(out.Bytes(), d.content[c.first:c.last+1]) {
			t.Fatalf("%s: %d bytes, %v", c.text, out.Len(), err)
		}
		if info.First != int64(c.first) || info.Length != int64(c.last-c.first+1) || info.Bytes != size || author != info.Author {
			t.Errorf("%s: %+v", c.text, info)
		}
		most := client.StartSize + c.chunks*(16384+16)
		if n := d.bytes.Load(); n > most || n < most-16400 || d.requests.Load() != 2 {
			t.Errorf("%s: %d bytes in %d requests, want %d in 2", c.text, n, d.requests.Load(), most)
		}
		out.Reset()
		if _, err := d.bob.DecryptRange(t.Context(), &out, client.FileSource{ReaderAt: bytes.NewReader(d.document)}, r, client.DecryptOptions{}); err != nil || !bytes.Equal(out.Bytes(), d.content[c.first:c.last+1]) {
			t.Errorf("%s of a file: %v", c.text, err)
		}
	}
	for _, text := range []string{"5000000-", "5000000-5000001", "99999999999-"} {
		r, _ := client.ParseByteRange(text)
		var out bytes.Buffer
		_, err := d.bob.DecryptRange(t.Context(), &out, web(t, d.url), r, client.DecryptOptions{})
		expect(t, err, client.ErrRange)
	}
	empty := newShared(t, 0)
	_, err := empty.bob.DecryptRange(t.Context(), io.Discard, web(t, empty.url), client.ByteRange{First: -5, Last: -1}, client.DecryptOptions{})
	expect(t, err, client.ErrRange)
}

func TestParseByteRange(t *testing.T) {
	for _, text := range []string{"", "-", "--", "1", "a-b", "1-a", "-0", "--5", "5-4", " 1-2", "1-2 ", "+1-2", "0x1-2", "1-2-3", "1-2,3-4", "-99999999999999999999", "99999999999999999999-"} {
		if r, err := client.ParseByteRange(text); err == nil {
			t.Errorf("%q is %+v", text, r)
		}
	}
}

// TestRangeOfPlainServers reads ranges from web servers that know nothing of us.
func TestRangeOfPlainServers(t *testing.T) {
	d := newShared(t, 1_000_000)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "d.recrypt"), d.document, 0o600); err != nil {
		t.Fatal(err)
	}
	files := http.FileServer(http.Dir(dir))
	var sent, requests atomic.Int64
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		whole   bool
		most    int64
	}{
		"static": {files.ServeHTTP, false, client.StartSize + 2*16400},
		"without ranges": {func(w http.ResponseWriter, r *http.Request) {
			r.Header.Del("Range")
			files.ServeHTTP(w, r)
		}, true, 1 << 40},
		"chunked": {func(w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush()
			w.Write(d.document)
		}, true, 1 << 40},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			if name == "chunked" {
				c.handler(w, r)
				return
			}
			c.handler(countedWriter{w, &sent, &requests}, r)
		}))
		sent.Store(0)
		requests.Store(0)
		source := web(t, server.URL+"/d.recrypt")
		var out bytes.Buffer
		_, err := d.bob.DecryptRange(t.Context(), &out, source, client.ByteRange{First: 500_000, Last: 500_099}, client.DecryptOptions{})
		if err != nil || !bytes.Equal(out.Bytes(), d.content[500_000:500_100]) {
			t.Errorf("%s: %d bytes, %v", name, out.Len(), err)
		}
		if source.Whole() != c.whole || sent.Load() > c.most || c.whole && requests.Load() != 1 {
			t.Errorf("%s: whole %v, %d bytes in %d requests", name, source.Whole(), sent.Load(), requests.Load())
		}
		source.Close()
		server.Close()
	}
}

// TestRangeOfBadServers reads ranges from web servers that answer something else.
func TestRangeOfBadServers(t *testing.T) {
	d := newShared(t, 100_000)
	size := len(d.document)
	other := bytes.Clone(d.document)
	other[60_000] ^= 1
	longer := append(bytes.Clone(d.document), 1, 2, 3)
	serve := func(content []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			http.ServeContent(w, r, "", zeroTime, bytes.NewReader(content))
		}
	}
	said := func(header string, n int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Range", header)
			w.WriteHeader(http.StatusPartialContent)
			w.Write(d.document[:n])
		}
	}
	var calls atomic.Int64
	for name, c := range map[string]struct {
		handler http.HandlerFunc
		want    error
	}{
		"flipped":         {serve(other), client.ErrCorrupt},
		"longer":          {serve(longer), nil}, // what follows is not read
		"cut in header":   {serve(d.document[:50]), client.ErrCorrupt},
		"cut in stream":   {serve(d.document[:200]), client.ErrCorrupt},
		"cut before part": {serve(d.document[:50_000]), client.ErrCorrupt},
		"empty":           {serve(nil), client.ErrNotDocument},
		"page":            {serve([]byte("<html>not here</html>")), client.ErrNotDocument},
		"missing":         {http.NotFound, client.ErrFetch},
		"no range said":   {said("", 392), client.ErrFetch},
		"other range":     {said(fmt.Sprintf("bytes 1-392/%d", size), 392), client.ErrFetch},
		"too long":        {said(fmt.Sprintf("bytes 0-500/%d", size), 501), client.ErrFetch},
		"too short":       {said(fmt.Sprintf("bytes 0-10/%d", size), 11), client.ErrFetch},
		"more than said":  {said(fmt.Sprintf("bytes 0-391/%d", size), 5000), client.ErrFetch},
		"nonsense":        {said("bytes x-y/z", 392), client.ErrFetch},
		"huge":            {said("bytes 0-99999999999999999999/999999999999999999999", 392), client.ErrFetch},
		"changing": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", strconv.Quote(fmt.Sprint(calls.Add(1))))
			serve(d.document)(w, r)
		}, client.ErrChanged},
		"changing length": {func(w http.ResponseWriter, r *http.Request) {
			serve(longer[:size+int(calls.Add(1)%2)])(w, r)
		}, client.ErrChanged},
		"broken": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "392")
			w.Header().Set("Content-Range", fmt.Sprintf("bytes 0-391/%d", size))
			w.WriteHeader(http.StatusPartialContent)
			w.Write(d.document[:100])
			panic(http.ErrAbortHandler)
		}, client.ErrFetch},
	} {
		server := httptest.NewServer(c.handler)
		var out bytes.Buffer
		_, err := d.bob.DecryptRange(t.Context(), &out, web(t, server.URL+"/secret?token=sesame"), client.ByteRange{First: 60_000, Last: 69_999}, client.DecryptOptions{})
		server.Close()
		if c.want == nil && err != nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if !bytes.HasPrefix(d.content[60_000:], out.Bytes()) {
			t.Errorf("%s: other bytes than the document's were released", name)
		}
		if err != nil && strings.Contains(err.Error(), "sesame") {
			t.Errorf("%s: the error tells the URL: %v", name, err)
		}
	}
	stranger := hosttest.NewPerson(t, "carol").Publish(t, d.url[:strings.Index(d.url, "/v1/")])
	_, err := stranger.DecryptRange(t.Context(), io.Discard, web(t, d.url), client.ByteRange{Last: 1}, client.DecryptOptions{})
	expect(t, err, client.ErrNoAccess)
	_, err = d.bob.DecryptRange(t.Context(), io.Discard, web(t, d.url), client.ByteRange{Last: 1}, client.DecryptOptions{From: d.bob.ID()})
	expect(t, err, client.ErrAuthor)
}

// TestDownloadResumes breaks the connection of a download again and again.
func TestDownloadResumes(t *testing.T) {
	d := newShared(t, 3_000_000)
	var requests atomic.Int64
	breaking := func(tag string, stay bool) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			n := requests.Add(1)
			if tag != "" {
				w.Header().Set("ETag", tag)
			}
			if !stay && n > 1 {
				w.Header().Set("ETag", `"another"`)
			}
			left := int64(700_000)
			http.ServeContent(&breakingWriter{w, &left}, r, "", zeroTime, bytes.NewReader(d.document))
		}
	}
	server := httptest.NewServer(breaking(`"one"`, true))
	defer server.Close()
	read := func(url string) ([]byte, error) {
		body, err := web(t, url).Open(t.Context())
		if err != nil {
			return nil, err
		}
		defer body.Close()
		return io.ReadAll(body)
	}
	got, err := read(server.URL)
	if err != nil || !bytes.Equal(got, d.document) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	if n := requests.Load(); n < 4 || n > 8 {
		t.Errorf("%d requests", n)
	}
	body, err := web(t, server.URL).Open(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := d.bob.Decrypt(t.Context(), &out, body, client.DecryptOptions{}); err != nil || !bytes.Equal(out.Bytes(), d.content) {
		t.Errorf("decrypted %d bytes, %v", out.Len(), err)
	}
	body.Close()
	for name, h := range map[string]http.HandlerFunc{"no validator": breaking("", true), "another document": breaking(`"one"`, false)} {
		requests.Store(0)
		bad := httptest.NewServer(h)
		if got, err := read(bad.URL); !errors.Is(err, client.ErrFetch) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
		bad.Close()
	}
}

type breakingWriter struct {
	http.ResponseWriter
	left *int64
}

func (b *breakingWriter) Write(p []byte) (int, error) {
	if *b.left -= int64(len(p)); *b.left < 0 {
		b.ResponseWriter.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	return b.ResponseWriter.Write(p)
}

var zeroTime time.Time

// TestSameDocument finds out whether an encryption can be taken up again.
func TestSameDocument(t *testing.T) {
	s, _ := newLibrary(t, blobs.Options{}, nil)
	alice := hosttest.NewPerson(t, "alice").Publish(t, s.URL)
	bob := hosttest.NewPerson(t, "bob").Publish(t, s.URL)
	if _, err := alice.Grant(t.Context(), bob.ID(), client.GrantOptions{}); err != nil {
		t.Fatal(err)
	}
	document, content := encrypted(t, alice, 100_000)
	same := func(c *client.Client, document, content []byte, o client.EncryptOptions) bool {
		t.Helper()
		info, same, err := c.SameDocument(context.Background(), bytes.NewReader(document), bytes.NewReader(content), o)
		if err != nil {
			t.Errorf("%v", err)
		}
		return same && info != nil
	}
	other := bytes.Clone(content)
	other[99_999] ^= 1
	damaged := bytes.Clone(document)
	damaged[50_000] ^= 1
	for name, got := range map[string]bool{
		"other content": same(alice, document, other, client.EncryptOptions{}), "less": same(alice, document, content[:99_999], client.EncryptOptions{}),
		"more": same(alice, document, append(bytes.Clone(content), 1), client.EncryptOptions{}), "none": same(alice, document, nil, client.EncryptOptions{}),
		"damaged": same(alice, damaged, content, client.EncryptOptions{}), "cut": same(alice, document[:90_000], content, client.EncryptOptions{}),
		"of somebody else": same(bob, document, content, client.EncryptOptions{}),
	} {
		if got {
			t.Errorf("%s: taken for the same", name)
		}
	}
	if !same(alice, document, content, client.EncryptOptions{}) {
		t.Error("not taken for the same")
	}
	if _, err := alice.Revoke(t.Context(), bob.ID(), client.RevokeOptions{}); err != nil {
		t.Fatal(err)
	}
	if same(alice, document, content, client.EncryptOptions{}) {
		t.Error("a document of an epoch that bob reads is taken for one of the next")
	}
}

// FuzzParseByteRange checks that what is accepted is written as it was.
func FuzzParseByteRange(f *testing.F) {
	for _, seed := range []string{"0-0", "5-", "-5", "1-2", "--", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := client.ParseByteRange(text)
		if err == nil && (r.First > r.Last && r.Last >= 0 || r.Last < -1) {
			t.Errorf("%q is %+v", text, r)
		}
	})
}
