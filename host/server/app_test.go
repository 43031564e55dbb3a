package server_test

import (
	"bytes"
	"context"
	"io/fs"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/server"
	webapp "github.com/recrypt-service/recrypt/web/app"
)

// site is a page with a file of each kind.
func site() fstest.MapFS {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	return fstest.MapFS{
		"index.html":               file("<!doctype html><title>the page</title>"),
		"index.html.gz":            file("the page, gzip"),
		"assets/main-abc.js":       file("main()"),
		"assets/main-abc.js.gz":    file("main, gzip"),
		"assets/main-abc.js.br":    file("main, br"),
		"assets/recrypt-abc.wasm":  file("\x00asm"),
		"assets/main-abc.css":      file("body{}"),
		"favicon.svg":              file("<svg/>"),
		".hidden":                  file("not for anybody"),
		"assets/.hidden.js":        file("not for anybody"),
		"placeholder.html":         file("there is no page"),
		"assets/only-packed.js.br": file("what it belongs to is gone"),
	}
}

// newSite is a server with a page.
func newSite(t *testing.T, files fs.FS) *world {
	w := newWorld(t)
	cfg := w.config(w.store)
	cfg.App = files
	w.server = must(server.New(context.Background(), cfg))
	return w
}

// browse asks for a path as browsers do.
func (w *world) browse(method, path string, header ...string) reply {
	r := request(method, path, nil)
	r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return w.do(r)
}

func TestPage(t *testing.T) {
	w := newSite(t, site())
	const short, long = "public, no-cache", "public, max-age=31536000, immutable"
	for path, want := range map[string]struct{ media, kept, body string }{
		"/":                        {"text/html; charset=utf-8", short, "<!doctype html><title>the page</title>"},
		"/l":                       {"text/html; charset=utf-8", short, "<!doctype html><title>the page</title>"},
		"/assets/main-abc.js":      {"text/javascript; charset=utf-8", long, "main()"},
		"/assets/recrypt-abc.wasm": {"application/wasm", long, "\x00asm"},
		"/assets/main-abc.css":     {"text/css; charset=utf-8", long, "body{}"},
		"/favicon.svg":             {"image/svg+xml", short, "<svg/>"},
	} {
		r := w.browse("GET", path)
		if r.status != 200 || r.header.Get("Content-Type") != want.media || r.header.Get("Cache-Control") != want.kept || string(r.body) != want.body {
			t.Errorf("%s: %d %v %q", path, r.status, r.header, r.body)
		}
		if r.header.Get("Content-Encoding") != "" || !strings.Contains(r.header.Get("Vary"), "Accept-Encoding") {
			t.Errorf("%s: %v", path, r.header)
		}
		tag := r.header.Get("ETag")
		if again := w.browse("GET", path, "If-None-Match", tag); again.status != 304 || len(again.body) != 0 || again.header.Get("ETag") != tag {
			t.Errorf("%s again: %d %v", path, again.status, again.header)
		}
		if changed := w.browse("GET", path, "If-None-Match", `"other"`); changed.status != 200 {
			t.Errorf("%s, another copy: %d", path, changed.status)
		}
	}
}

// TestPageIsClosed: the headers that keep strangers out of the page, on every kind of file, because a
// worker has the policy of its own script.
func TestPageIsClosed(t *testing.T) {
	w := newSite(t, site())
	for _, path := range []string{"/", "/l", "/assets/main-abc.js", "/assets/recrypt-abc.wasm", "/favicon.svg"} {
		h := w.browse("GET", path).header
		policy := "; " + h.Get("Content-Security-Policy") + ";"
		for _, part := range []string{
			"default-src 'none'", "script-src 'self' 'wasm-unsafe-eval'", "worker-src 'self'", "style-src 'self'", "img-src 'self' blob:",
			"connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
			"require-trusted-types-for 'script'", "trusted-types recrypt-sdk recrypt-bench",
		} {
			if !strings.Contains(policy, "; "+part+";") {
				t.Errorf("%s: no %q in %q", path, part, policy)
			}
		}
		for _, word := range []string{"'unsafe-inline'", "'unsafe-eval'", "http:", "https:", "*", "data:"} {
			if strings.Contains(policy, word) {
				t.Errorf("%s: %s in %q", path, word, policy)
			}
		}
		for name, want := range map[string]string{
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp",
			"Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Integrity-Policy": "blocked-destinations=(script)",
		} {
			if h.Get(name) != want {
				t.Errorf("%s: %s is %q", path, name, h.Get(name))
			}
		}
		if !strings.Contains(h.Get("Permissions-Policy"), "camera=()") || h.Get("Access-Control-Allow-Origin") != "" || h.Get("Set-Cookie") != "" {
			t.Errorf("%s: %v", path, h)
		}
	}
}

func TestPageEncodings(t *testing.T) {
	w := newSite(t, site())
	for accepted, want := range map[string]string{
		"": "", "gzip, deflate, br, zstd": "br", "gzip": "gzip", "GZIP;q=0.5": "gzip", "br;q=0, gzip": "gzip", "br;q=0.0, gzip;q=0.000": "",
		"identity": "", "deflate": "", "brotli": "", "br;q=x": "br", ";;,,": "",
	} {
		r := w.browse("GET", "/assets/main-abc.js", "Accept-Encoding", accepted)
		body := map[string]string{"": "main()", "br": "main, br", "gzip": "main, gzip"}[want]
		if r.header.Get("Content-Encoding") != want || string(r.body) != body {
			t.Errorf("%q: %v %q", accepted, r.header, r.body)
		}
	}
	plain, packed := w.browse("GET", "/"), w.browse("GET", "/", "Accept-Encoding", "br, gzip")
	if packed.header.Get("Content-Encoding") != "gzip" || plain.header.Get("ETag") == packed.header.Get("ETag") {
		t.Errorf("%v, %v", plain.header, packed.header)
	}
}

// TestPageAndService: the page takes nothing from the service.
func TestPageAndService(t *testing.T) {
	w := newSite(t, site())
	for _, accept := range []string{"", "*/*", "application/json", "text/plain", "text/html;q=0", "text/html;q=0.0"} {
		r := w.browse("GET", api.PathLink, "Accept", accept)
		if r.header.Get("Content-Type") != "text/plain; charset=utf-8" || !strings.Contains(string(r.body), "recrypt decrypt FILE --link -") {
			t.Errorf("%q: %v", accept, r.header)
		}
	}
	w.want("a method", w.browse("POST", "/"), api.CodeNotFound)
	w.want("a method of the page behind links", w.browse("POST", "/l"), api.CodeMethod)
	w.want("a query", w.browse("GET", "/?a=b"), api.CodeMalformed)
	w.want("an empty query", w.browse("GET", "/?"), api.CodeMalformed)
	for _, path := range []string{
		"/index.html", "/placeholder.html", "/.hidden", "/assets/.hidden.js", "/assets", "/assets/main-abc.js.br", "/assets/only-packed.js.br",
		"/assets/only-packed.js", "/assets/other.js", "/favicon.ico",
	} {
		w.want(path, w.browse("GET", path), api.CodeNotFound)
	}
	for _, path := range []string{"//", "/assets/", "/l/", "/assets/../index.html", "/assets/%2e%2e/index.html", "/assets/main%2dabc.js"} {
		w.want(path, w.browse("GET", path), api.CodeMalformed)
	}
	if r := w.browse("GET", api.PathServer); r.header.Get("Content-Type") != api.ContentTypeJSON || strings.Contains(r.header.Get("Content-Security-Policy"), "self") {
		t.Errorf("the service: %v", r.header)
	}
	if r := w.browse("HEAD", "/"); r.status != 200 || r.header.Get("Content-Length") != "38" {
		t.Errorf("HEAD: %d %v", r.status, r.header)
	}
}

func TestNoPage(t *testing.T) {
	w := newWorld(t)
	w.want("without a page", w.browse("GET", "/"), api.CodeNotFound)
	if r := w.browse("GET", "/l"); r.header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("page behind links: %v", r.header)
	}
	w = newSite(t, fstest.MapFS{"placeholder.html": {Data: []byte("not built")}})
	if r := w.browse("GET", "/"); string(r.body) != "not built" {
		t.Errorf("%d %q", r.status, r.body)
	}
	for name, files := range map[string]fstest.MapFS{
		"nothing":         {},
		"an unknown kind": {"index.html": {}, "program.exe": {}},
		"no front":        {"assets/a.js": {}},
	} {
		cfg := w.config(w.store)
		cfg.App = files
		if _, err := server.New(context.Background(), cfg); err == nil {
			t.Errorf("%s: a server", name)
		}
	}
}

// TestEmbeddedPage: what is built into this program can be served, the placeholder too.
func TestEmbeddedPage(t *testing.T) {
	w := newSite(t, webapp.Files())
	r := w.browse("GET", "/")
	if r.status != http.StatusOK || !bytes.Contains(r.body, []byte("recrypt")) {
		t.Errorf("%d %q", r.status, r.body)
	}
}
