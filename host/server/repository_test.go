package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/blobs"
)

func TestRepositoryWhole(t *testing.T) {
	l := newLibrary(t, blobs.Options{})
	id, content := document(t, 100_000)
	path := documentPath(id)
	resp, answer := l.do("GET", path, nil)
	l.refused("before", resp, answer, api.CodeNotFound)
	for i, want := range []int{http.StatusCreated, http.StatusOK, http.StatusOK} {
		resp, answer := l.do("PUT", path, bytes.NewReader(content))
		var d api.Document
		if err := json.Unmarshal(answer, &d); err != nil || resp.StatusCode != want || d.ID != id || d.Size != int64(len(content)) {
			t.Fatalf("put %d: %d %s", i, resp.StatusCode, answer)
		}
	}
	for _, method := range []string{"GET", "HEAD"} {
		resp, answer := l.do(method, path, nil)
		if resp.StatusCode != 200 || resp.ContentLength != int64(len(content)) || method == "GET" && !bytes.Equal(answer, content) {
			t.Fatalf("%s: %d, %d bytes", method, resp.StatusCode, len(answer))
		}
		for name, want := range map[string]string{
			"ETag": `"` + id + `"`, "Accept-Ranges": "bytes", "Cache-Control": "public, max-age=31536000, immutable",
			"Content-Type": "application/octet-stream", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			"Content-Disposition":         `attachment; filename="` + id[:16] + `.recrypt"`,
			"Content-Security-Policy":     "default-src 'none'; frame-ancestors 'none'; sandbox",
			"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin",
		} {
			if got := resp.Header.Get(name); got != want {
				t.Errorf("%s %s: %q", method, name, got)
			}
		}
	}
	for _, tag := range []string{`"` + id + `"`, `W/"` + id + `"`, `"other", "` + id + `"`, "*"} {
		if resp, answer := l.do("GET", path, nil, "If-None-Match", tag); resp.StatusCode != http.StatusNotModified || len(answer) != 0 {
			t.Errorf("If-None-Match %s: %d, %d bytes", tag, resp.StatusCode, len(answer))
		}
	}
	if resp, _ := l.do("GET", path, nil, "If-None-Match", `"other"`); resp.StatusCode != 200 {
		t.Errorf("If-None-Match of another: %d", resp.StatusCode)
	}
	if strings.Contains(l.log.String(), id) || !strings.Contains(l.log.String(), "operation=put_document") {
		t.Errorf("log: %s", l.log.String())
	}
}

func TestRepositoryRanges(t *testing.T) {
	l := newLibrary(t, blobs.Options{})
	id, content := document(t, 1000)
	path, size := documentPath(id), len(content)
	l.do("PUT", path, bytes.NewReader(content))
	for text, want := range map[string][2]int{
		"bytes=0-0": {0, 1}, "bytes=0-99": {0, 100}, "bytes=100-": {100, size}, "bytes=-1": {size - 1, size},
		"bytes=-99999999999999999999999": {0, size}, "bytes=5-99999999999999999999999": {5, size}, fmt.Sprintf("bytes=%d-", size-1): {size - 1, size},
	} {
		resp, answer := l.do("GET", path, nil, "Range", text)
		said := fmt.Sprintf("bytes %d-%d/%d", want[0], want[1]-1, size)
		if resp.StatusCode != http.StatusPartialContent || !bytes.Equal(answer, content[want[0]:want[1]]) || resp.Header.Get("Content-Range") != said {
			t.Errorf("%s: %d, %d bytes, %s", text, resp.StatusCode, len(answer), resp.Header.Get("Content-Range"))
		}
	}
	for _, text := range []string{fmt.Sprintf("bytes=%d-", size), "bytes=99999999999999999999999-", "bytes=-0", fmt.Sprintf("bytes=%d-%d", size, size+9)} {
		resp, answer := l.do("GET", path, nil, "Range", text)
		l.refused(text, resp, answer, api.CodeRange)
		if resp.StatusCode != 416 || resp.Header.Get("Content-Range") != fmt.Sprintf("bytes */%d", size) {
			t.Errorf("%s: %d %v", text, resp.StatusCode, resp.Header)
		}
	}
	whole := [][]string{
		{"Range", "bytes=0-1,3-4"}, {"Range", "bytes=0-1,0-1,0-1"}, {"Range", "bytes=9-1"}, {"Range", "lines=0-1"}, {"Range", "bytes=a-b"},
		{"Range", "bytes="}, {"Range", "bytes=-"}, {"Range", "bytes=--1"}, {"Range", "bytes=+1-2"}, {"Range", "0-1"}, {"Range", "bytes 0-1"},
		{"Range", "bytes=0-1", "If-Range", `"other"`}, {"Range", "bytes=0-1", "If-Range", "Mon, 02 Jan 2006 15:04:05 GMT"},
	}
	for _, header := range whole {
		if resp, answer := l.do("GET", path, nil, header...); resp.StatusCode != 200 || !bytes.Equal(answer, content) {
			t.Errorf("%v: %d, %d bytes", header, resp.StatusCode, len(answer))
		}
	}
	resp, answer := l.do("GET", path, nil, "Range", "bytes=0-1", "If-Range", `"`+id+`"`)
	if resp.StatusCode != 206 || len(answer) != 2 {
		t.Errorf("If-Range: %d", resp.StatusCode)
	}
	if resp, _ := l.do("HEAD", path, nil, "Range", "bytes=0-1"); resp.StatusCode != 200 || resp.ContentLength != int64(size) {
		t.Errorf("HEAD with a range: %d %d", resp.StatusCode, resp.ContentLength)
	}
	resp, _ = l.do("OPTIONS", path, nil, "Origin", "https://elsewhere.example", "Access-Control-Request-Method", "PUT")
	if resp.StatusCode != 204 || resp.Header.Get("Access-Control-Allow-Methods") != "GET, HEAD" {
		t.Errorf("preflight: %d %v", resp.StatusCode, resp.Header)
	}
}

func TestRepositoryParts(t *testing.T) {
	l := newLibrary(t, blobs.Options{})
	id, content := document(t, api.MaxPart+1000)
	size := int64(len(content))
	resp, answer := l.do("GET", partPath(id, 1), nil)
	l.refused("no upload", resp, answer, api.CodeNotFound)
	resp, answer = l.putPart(id, 1, content, api.MaxPart)
	l.refused("second part first", resp, answer, api.CodeConflict)
	resp, answer = l.putPart(id, 1, content, 0)
	if u := l.progress(answer); resp.StatusCode != 200 || u != (api.Upload{ID: id, Received: api.MaxPart, Total: size}) {
		t.Fatalf("%d %+v", resp.StatusCode, u)
	}
	resp, answer = l.do("GET", documentPath(id), nil)
	l.refused("unfinished", resp, answer, api.CodeNotFound)
	resp, answer = l.putPart(id, 1, content, 0)
	if u := l.progress(answer); resp.StatusCode != 200 || u.Received != api.MaxPart {
		t.Errorf("first part again: %d %+v", resp.StatusCode, u)
	}
	_, answer = l.do("GET", partPath(id, 1), nil)
	if u := l.progress(answer); u.Received != api.MaxPart || u.Complete {
		t.Errorf("%+v", u)
	}
	for range 2 {
		resp, answer = l.putPart(id, 1, content, api.MaxPart)
		if u := l.progress(answer); resp.StatusCode != 200 || u != (api.Upload{ID: id, Received: size, Total: size, Complete: true}) {
			t.Fatalf("%d %+v", resp.StatusCode, u)
		}
	}
	if _, answer := l.do("GET", documentPath(id), nil); !bytes.Equal(answer, content) {
		t.Errorf("%d bytes came back", len(answer))
	}
	if _, answer := l.do("GET", documentPath(id), nil, "Range", "bytes=8388600-8388700"); !bytes.Equal(answer, content[8388600:8388701]) {
		t.Errorf("%d bytes came back", len(answer))
	}
}

// TestRepositoryRefuses sends what must not be stored; afterwards nothing is.
func TestRepositoryRefuses(t *testing.T) {
	l := newLibrary(t, blobs.Options{MaxDocument: 64 << 20})
	id, content := document(t, 1000)
	otherID, _ := document(t, 1000)
	flipped := bytes.Clone(content)
	flipped[500] ^= 1
	path := documentPath(id)
	size := len(content)
	other := func(f func(b []byte)) (string, []byte) {
		b := bytes.Clone(content)
		f(b)
		return documentPath(idOf(b)), b
	}
	put := func(what, code, path string, body []byte, header ...string) {
		t.Helper()
		resp, answer := l.do("PUT", path, bytes.NewReader(body), header...)
		l.refused(what, resp, answer, code)
		if len(body) > 100 && bytes.Contains(answer, body[20:40]) {
			t.Errorf("%s: the answer has what was sent", what)
		}
	}
	put("other content", api.CodeMismatch, path, flipped)
	put("other id", api.CodeMismatch, documentPath(otherID), content)
	put("cut off", api.CodeMismatch, path, content[:size-1])
	p, b := other(func(b []byte) { b[0] = 'X' })
	put("magic", api.CodeRejected, p, b)
	p, b = other(func(b []byte) { b[7] = 9 })
	put("version", api.CodeRejected, p, b)
	p, b = other(func(b []byte) { b[76], b[77] = 0xff, 0xff })
	put("header length", api.CodeRejected, p, b)
	put("page", api.CodeRejected, documentPath(idOf([]byte("<html>"))), []byte("<html>"))
	put("header only", api.CodeRejected, documentPath(idOf(content[:90])), content[:90])
	put("no stream", api.CodeRejected, documentPath(idOf(content[:160])), content[:160])
	put("nothing", api.CodeMalformed, path, nil)
	put("encoding", api.CodeMediaType, path, content, "Content-Encoding", "gzip")
	put("type", api.CodeMediaType, path, content, "Content-Type", "text/html")
	put("range on a document", api.CodeMalformed, path, content, "Content-Range", fmt.Sprintf("bytes 0-%d/%d", size-1, size))
	put("too large", api.CodeTooLarge, path, make([]byte, api.MaxPart+1))
	resp, answer := l.do("PUT", path, io.MultiReader(bytes.NewReader(content))) // chunked
	l.refused("chunked", resp, answer, api.CodeMalformed)
	for _, span := range []string{
		"", "bytes 0-9/100", "bytes */1000", "bytes 0-1/*", fmt.Sprintf("bytes 0-%d/%d", size, size+1), fmt.Sprintf("bytes 1-%d/%d", size, size+1),
		fmt.Sprintf("bytes 0-%d/9223372036854775807", size-1), fmt.Sprintf("bytes 0-%d/99999999999999999999", size-1), fmt.Sprintf("bytes -0-%d/%d", size-1, size),
		fmt.Sprintf("bytes 00-%d/%d", size-1, size), fmt.Sprintf("bytes  0-%d/%d", size-1, size), fmt.Sprintf("Bytes 0-%d/%d", size-1, size),
		fmt.Sprintf("bytes %d-%d/%d", api.MaxPart, api.MaxPart+size-1, api.MaxPart+size+1), fmt.Sprintf("bytes 0-%d/%d", size-1, size-1), "bytes 5-1/1000",
	} {
		put("span "+span, api.CodeMalformed, partPath(id, 1), content, "Content-Range", span)
	}
	whole := bytes.Repeat(content, api.MaxPart/size+1)[:api.MaxPart]
	put("total over the bound", api.CodeTooLarge, partPath(id, 1), whole, "Content-Range", fmt.Sprintf("bytes 0-%d/%d", api.MaxPart-1, 65<<20))
	put("total over all bounds", api.CodeRejected, partPath(id, 1), append([]byte("<html>"), whole[6:]...), "Content-Range", fmt.Sprintf("bytes 0-%d/%d", api.MaxPart-1, int64(1)<<61))
	for _, bad := range []string{
		"..", "../../server.key", "%2e%2e%2fserver.key", "x", strings.ToUpper(id), id + "a", id[:51], id[:51] + "b", strings.Repeat("/", 52), strings.Repeat(".", 52),
		strings.Repeat("a", 51) + "%00", "./" + id, id + "/", id + "//parts/x", id + "/parts/..", id + "/parts/", id + "/parts/" + id, id + "/PARTS/" + api.FormatID([16]byte{}), id + "?x=1",
	} {
		req, err := http.NewRequest("PUT", l.URL+"/v1/documents/"+bad, bytes.NewReader(content))
		if err != nil {
			continue
		}
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		answer, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode < 400 || resp.StatusCode >= 500 {
			t.Errorf("%s: %d %s", bad, resp.StatusCode, answer)
		}
	}
	for _, method := range []string{"POST", "DELETE", "PATCH", "TRACE"} {
		for _, p := range []string{path, partPath(id, 1)} {
			resp, answer := l.do(method, p, nil)
			l.refused(method, resp, answer, api.CodeMethod)
		}
	}
	l.empty()
	l.do("PUT", path, bytes.NewReader(content))
	put("other content for what is there", api.CodeMismatch, path, flipped)
	if _, answer := l.do("GET", path, nil); !bytes.Equal(answer, content) {
		t.Error("the document has changed")
	}
}

func TestRepositoryAbsent(t *testing.T) {
	w := newWorld(t)
	id, _ := document(t, 10)
	for _, method := range []string{"GET", "PUT", "HEAD"} {
		req, _ := http.NewRequest(method, origin+documentPath(id), nil)
		rec := httptest.NewRecorder()
		w.server.ServeHTTP(rec, req)
		if rec.Code != 404 {
			t.Errorf("%s on a server without repository: %d", method, rec.Code)
		}
	}
}

// TestRepositoryAtOnce stores the same document ten times at once.
func TestRepositoryAtOnce(t *testing.T) {
	l := newLibrary(t, blobs.Options{})
	id, content := document(t, 500_000)
	var created atomic.Int64
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			resp, answer := l.do("PUT", documentPath(id), bytes.NewReader(content))
			switch resp.StatusCode {
			case 201:
				created.Add(1)
			case 200:
			default:
				t.Errorf("%d %s", resp.StatusCode, answer)
			}
		})
	}
	all.Wait()
	if created.Load() < 1 {
		t.Error("nobody has created it")
	}
	if _, answer := l.do("GET", documentPath(id), nil); !bytes.Equal(answer, content) {
		t.Error("other bytes came back")
	}
	if _, err := l.store.Sweep(context.Background(), 0); err != nil {
		t.Fatal(err)
	}
	if u, _ := l.store.Usage(context.Background()); u.Bytes > 520_000 || u.Documents != 1 {
		t.Errorf("%+v", u)
	}
}
