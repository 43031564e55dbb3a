package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/blobs"
	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/hosttest"
)

// newLibrary starts a server with a document repository, behind wrap if that is not nil.
func newLibrary(t *testing.T, o blobs.Options, wrap func(http.Handler) http.Handler) (*hosttest.Server, *blobs.Disk) {
	t.Helper()
	store, err := blobs.OpenDisk(t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return hosttest.NewServer(t, hosttest.Options{Blobs: store, Wrap: wrap}), store
}

// anonymous returns a client without an identity.
func anonymous(t *testing.T, url string) *client.Client {
	t.Helper()
	c, err := client.New(client.Config{Caller: hosttest.Caller(t), Server: url})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// encrypted returns a document of n bytes of content, and the content.
func encrypted(t *testing.T, c *client.Client, n int) (document, content []byte) {
	t.Helper()
	content = hosttest.Random(n)
	var out bytes.Buffer
	if _, err := c.Encrypt(context.Background(), &out, bytes.NewReader(content), client.EncryptOptions{}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), content
}

func get(t *testing.T, url string) []byte {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 {
		t.Fatalf("%s: %s, %v", url, resp.Status, err)
	}
	return body
}

func TestUpload(t *testing.T) {
	s, _ := newLibrary(t, blobs.Options{}, nil)
	alice := hosttest.NewPerson(t, "alice").Publish(t, s.URL)
	c := anonymous(t, s.URL)
	for _, n := range []int{0, 1000, api.MaxPart - 1000, 2*api.MaxPart + 12345} {
		document, _ := encrypted(t, alice, n)
		for _, existed := range []bool{false, true} {
			var last int64
			info, err := c.Upload(t.Context(), bytes.NewReader(document), int64(len(document)), client.UploadOptions{Progress: func(done int64) { last = done }})
			if err != nil {
				t.Fatal(err)
			}
			if info.Existed != existed || info.Bytes != int64(len(document)) || last != info.Bytes && !existed {
				t.Errorf("%d bytes: %+v, %d done", n, info, last)
			}
			if got := get(t, info.URL); !bytes.Equal(got, document) {
				t.Errorf("%d bytes: %d came back", n, len(got))
			}
		}
	}
	_, err := c.Upload(t.Context(), strings.NewReader("<html>"), 6, client.UploadOptions{})
	expect(t, err, client.ErrNotDocument)
	_, err = anonymous(t, hosttest.NewServer(t, hosttest.Options{}).URL).Upload(t.Context(), strings.NewReader("RECRYPT…"), 10, client.UploadOptions{})
	expect(t, err, client.ErrNoRepository)
	document, _ := encrypted(t, alice, 1000)
	document[0] ^= 0
	broken := bytes.Clone(document[:100])
	_, err = c.Upload(t.Context(), bytes.NewReader(broken), 100, client.UploadOptions{})
	var refused *client.Error
	if !errors.As(err, &refused) || refused.Code != api.CodeRejected {
		t.Errorf("what is no document: %v", err)
	}
	_, err = c.Upload(t.Context(), bytes.NewReader(document), int64(len(document))+1, client.UploadOptions{})
	expect(t, err, io.ErrUnexpectedEOF)
}

func expect(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

// TestUploadFull meets bounds of the server.
func TestUploadFull(t *testing.T) {
	s, _ := newLibrary(t, blobs.Options{MaxBytes: 1 << 20, MaxDocument: 32 << 20}, nil)
	alice := hosttest.NewPerson(t, "alice").Publish(t, s.URL)
	for n, want := range map[int]error{2 << 20: client.ErrRepository, 20 << 20: client.ErrRepository} {
		document, _ := encrypted(t, alice, n)
		_, err := alice.Upload(t.Context(), bytes.NewReader(document), int64(len(document)), client.UploadOptions{})
		expect(t, err, want)
	}
	document, _ := encrypted(t, alice, 33<<20)
	_, err := alice.Upload(t.Context(), bytes.NewReader(document), int64(len(document)), client.UploadOptions{})
	var refused *client.Error
	if !errors.As(err, &refused) || refused.Code != api.CodeTooLarge {
		t.Errorf("%v", err)
	}
}

// TestUploadResumes loses connections and answers, restarts the server, and ends the client:
// no part that has come is sent again.
func TestUploadResumes(t *testing.T) {
	var puts, mode atomic.Int64
	wrap := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodPut || !strings.Contains(r.URL.Path, "/parts/") {
				next.ServeHTTP(w, r)
				return
			}
			n := puts.Add(1)
			switch {
			case mode.Load() == 1 && n%2 == 1: // the answer is lost
				next.ServeHTTP(httptest.NewRecorder(), r)
				panic(http.ErrAbortHandler)
			case mode.Load() == 1 && n%4 == 2: // the connection is
				panic(http.ErrAbortHandler)
			case mode.Load() == 2 && n > 2:
				io.Copy(io.Discard, r.Body)
				select { // until the client has gone
				case <-r.Context().Done():
				case <-time.After(2 * time.Second):
				}
				return
			}
			next.ServeHTTP(w, r)
		})
	}
	s, store := newLibrary(t, blobs.Options{}, wrap)
	alice := hosttest.NewPerson(t, "alice").Publish(t, s.URL)
	c := anonymous(t, s.URL)
	document, _ := encrypted(t, alice, 4*api.MaxPart)
	mode.Store(1)
	info, err := c.Upload(t.Context(), bytes.NewReader(document), int64(len(document)), client.UploadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := get(t, info.URL); !bytes.Equal(got, document) {
		t.Errorf("%d bytes came back", len(got))
	}
	if n := puts.Load(); n > 9 {
		t.Errorf("5 parts took %d requests", n)
	}
	// ended by its user after two parts, then again by another process on another server
	document, _ = encrypted(t, alice, 4*api.MaxPart)
	mode.Store(2)
	puts.Store(0)
	ctx, cancel := context.WithCancel(t.Context())
	_, err = c.Upload(ctx, bytes.NewReader(document), int64(len(document)), client.UploadOptions{Progress: func(done int64) {
		if done > 2*api.MaxPart {
			cancel()
		}
	}})
	expect(t, err, context.Canceled)
	mode.Store(0)
	puts.Store(0)
	s = s.Restart(t, hosttest.Options{Blobs: store, Wrap: wrap})
	info, err = anonymous(t, s.URL).Upload(t.Context(), bytes.NewReader(document), int64(len(document)), client.UploadOptions{})
	if err != nil || info.Existed {
		t.Fatalf("%+v, %v", info, err)
	}
	if n := puts.Load(); n != 3 {
		t.Errorf("%d parts were sent after the restart, 3 were missing", n)
	}
	if got := get(t, info.URL); !bytes.Equal(got, document) {
		t.Errorf("%d bytes came back", len(got))
	}
}

// TestUploadTogether uploads one document by several clients at once, to two servers on one
// folder.
func TestUploadTogether(t *testing.T) {
	dir := t.TempDir()
	var urls []string
	for range 2 {
		store, err := blobs.OpenDisk(dir, blobs.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		urls = append(urls, hosttest.NewServer(t, hosttest.Options{Blobs: store}).URL)
	}
	document, _ := encrypted(t, hosttest.NewPerson(t, "alice").Publish(t, urls[0]), 2*api.MaxPart)
	var all sync.WaitGroup
	for i := range 4 {
		c := anonymous(t, urls[i%2])
		all.Go(func() {
			info, err := c.Upload(context.Background(), bytes.NewReader(document), int64(len(document)), client.UploadOptions{})
			if err != nil {
				t.Errorf("client %d: %v", i, err)
			} else if got := get(t, info.URL); !bytes.Equal(got, document) {
				t.Errorf("client %d: %d bytes came back", i, len(got))
			}
		})
	}
	all.Wait()
}

// TestUploadSpoiled has somebody else put other bytes into the upload that everybody can guess.
func TestUploadSpoiled(t *testing.T) {
	var first atomic.Pointer[string]
	s, _ := newLibrary(t, blobs.Options{}, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPut && first.CompareAndSwap(nil, &r.URL.Path) {
				body, _ := io.ReadAll(r.Body)
				body[5000] ^= 1
				r.Body = io.NopCloser(bytes.NewReader(body))
			}
			next.ServeHTTP(w, r)
		})
	})
	document, _ := encrypted(t, hosttest.NewPerson(t, "alice").Publish(t, s.URL), api.MaxPart)
	first.Store(nil)
	info, err := anonymous(t, s.URL).Upload(t.Context(), bytes.NewReader(document), int64(len(document)), client.UploadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := get(t, info.URL); !bytes.Equal(got, document) {
		t.Errorf("%d bytes came back", len(got))
	}
	// a document that changes while it is read
	_, err = anonymous(t, s.URL).Upload(t.Context(), &changing{b: document}, int64(len(document)), client.UploadOptions{})
	expect(t, err, client.ErrChanged)
}

// changing is a file that is changed after it was read once.
type changing struct {
	b    []byte
	read int64
}

func (c *changing) ReadAt(p []byte, at int64) (int, error) {
	n, err := bytes.NewReader(c.b).ReadAt(p, at)
	if c.read += int64(n); at <= 6000 && at+int64(n) > 6000 {
		p[6000-at] ^= byte(c.read / int64(len(c.b)+100))
	}
	if at <= 7000 && at+int64(n) > 7000 {
		p[7000-at] = 0 // not the document that is there
	}
	return n, err
}

// TestUploadLies has a server lie about how far an upload is: it ends with an error, soon.
func TestUploadLies(t *testing.T) {
	alice := hosttest.NewPerson(t, "alice").Publish(t, hosttest.NewServer(t, hosttest.Options{}).URL)
	document, _ := encrypted(t, alice, api.MaxPart)
	size := int64(len(document))
	for _, lie := range []api.Upload{
		{Received: size + 1, Total: size}, {Received: -1, Total: size}, {Received: 5, Total: size}, {Received: api.MaxPart, Total: size + 1}, {Received: 0, Total: size},
		{Received: size, Total: size}, {Received: 0, Total: size, Complete: true}, {ID: "x", Received: size, Total: size, Complete: true},
	} {
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			id := strings.Split(r.URL.Path, "/")[3]
			if lie.ID != "" {
				id = lie.ID
			}
			w.Header().Set("Content-Type", api.ContentTypeJSON)
			fmt.Fprintf(w, `{"id":%q,"received":%d,"total":%d,"complete":%v}`, id, lie.Received, lie.Total, lie.Complete)
		}))
		_, err := anonymous(t, web.URL).Upload(t.Context(), bytes.NewReader(document), size, client.UploadOptions{})
		web.Close()
		expect(t, err, client.ErrAnswer)
	}
}
