package server

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
)

// The page: static files of the web app, for browsers. Its requests do not pass the gate,
// because they cost nothing but sending: every file is in memory, checked and hashed at the
// start. What is not one of them goes to the gate as if there were no page.

// pagePolicy is the Content-Security-Policy of the page and of its scripts (a worker has that of
// its own script). WebAssembly needs 'wasm-unsafe-eval'; nothing is ever evaluated from text, and
// strings become addresses of scripts in two places, by policies that each know their own worker.
const pagePolicy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; " +
	"img-src 'self' blob:; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; " +
	"frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types recrypt-sdk recrypt-bench"

// pagePermissions turns off what the page has no use for. Passkeys and copying are what it uses.
const pagePermissions = "accelerometer=(), bluetooth=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), hid=(), " +
	"magnetometer=(), microphone=(), midi=(), payment=(), serial=(), usb=(), clipboard-write=(self), " +
	"publickey-credentials-create=(self), publickey-credentials-get=(self)"

// pageTime is how long sending a file may take in all: the module, to a telephone far away.
const pageTime = 5 * time.Minute

// pageTypes are the kinds of files that a page may have. The type of others would be guessed, so
// they are refused.
var pageTypes = map[string]string{
	".html":        "text/html; charset=utf-8",
	".js":          "text/javascript; charset=utf-8",
	".css":         "text/css; charset=utf-8",
	".wasm":        "application/wasm",
	".svg":         "image/svg+xml",
	".png":         "image/png",
	".webmanifest": "application/manifest+json",
	".txt":         "text/plain; charset=utf-8",
}

// Files of a page. What is in hashedFolder has a hash in its name and never changes.
const (
	pageIndex       = "index.html"
	pagePlaceholder = "placeholder.html" // what stands for it in a build without the page
	hashedFolder    = "assets/"
)

// site is the web app, by path.
type site struct {
	files map[string]*pageFile
}

// A pageFile is one file in the forms in which it can be sent.
type pageFile struct {
	media  string
	kept   string     // Cache-Control
	plain  pageForm   // always there
	packed []pageForm // compressed, the smallest first
}

// A pageForm is a file as it is sent.
type pageForm struct {
	encoding string // "": none
	body     []byte
	tag      string
}

func newForm(encoding string, body []byte) pageForm {
	sum := sha256.Sum256(body)
	return pageForm{encoding, body, `"` + base64.RawURLEncoding.EncodeToString(sum[:18]) + `"`}
}

// newSite reads all files. Without a file system there is no page, and nil is returned.
func newSite(files fs.FS) (*site, error) {
	if files == nil {
		return nil, nil
	}
	p := &site{files: map[string]*pageFile{}}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || isPacked(name) || path.Base(name)[0] == '.' {
			return err
		}
		f, err := readPageFile(files, name)
		if err != nil {
			return err
		}
		p.files["/"+name] = f
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the page: %w", err)
	}
	front := p.files["/"+pageIndex]
	if front == nil {
		front = p.files["/"+pagePlaceholder]
	}
	if front == nil {
		return nil, errors.New("read the page: there is no " + pageIndex)
	}
	delete(p.files, "/"+pageIndex) // each page has one address
	delete(p.files, "/"+pagePlaceholder)
	p.files["/"], p.files[api.PathLink] = front, front
	return p, nil
}

// packings are the compressed forms that may lie beside a file, in the order of preference.
var packings = []struct{ ending, encoding string }{{".br", "br"}, {".gz", "gzip"}}

func isPacked(name string) bool {
	for _, p := range packings {
		if strings.HasSuffix(name, p.ending) {
			return true
		}
	}
	return false
}

func readPageFile(files fs.FS, name string) (*pageFile, error) {
	f := &pageFile{media: pageTypes[path.Ext(name)], kept: publicKept}
	if f.media == "" {
		return nil, fmt.Errorf("%s: files of this kind are not served", name)
	}
	if strings.HasPrefix(name, hashedFolder) {
		f.kept = foreverKept
	}
	body, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, err
	}
	f.plain = newForm("", body)
	for _, p := range packings {
		switch body, err := fs.ReadFile(files, name+p.ending); {
		case err == nil:
			f.packed = append(f.packed, newForm(p.encoding, body))
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	return f, nil
}

// find returns the file that a request is for, nil if it is for something else. The page behind
// links is for browsers: others get its text.
func (p *site) find(r *http.Request) *pageFile {
	if p == nil || (r.Method != http.MethodGet && r.Method != http.MethodHead) {
		return nil
	}
	u := r.URL
	if u.RawQuery != "" || u.ForceQuery || (r.RequestURI != "" && r.RequestURI != u.Path) {
		return nil
	}
	if u.Path == api.PathLink && !wantsHTML(r) {
		return nil
	}
	return p.files[u.Path]
}

// wantsHTML reports whether a browser asks for a page to show.
func wantsHTML(r *http.Request) bool {
	for _, value := range r.Header.Values("Accept") {
		for kind := range strings.SplitSeq(value, ",") {
			media, quality, _ := strings.Cut(kind, ";")
			if strings.EqualFold(strings.TrimSpace(media), "text/html") && !isZero(quality) {
				return true
			}
		}
	}
	return false
}

// isZero reports whether the parameters of an item say that it is not wanted.
func isZero(parameters string) bool {
	name, value, _ := strings.Cut(strings.TrimSpace(parameters), "=")
	if !strings.EqualFold(strings.TrimSpace(name), "q") {
		return false
	}
	q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	return err == nil && q == 0
}

// form returns the smallest form that the client takes.
func (f *pageFile) form(r *http.Request) *pageForm {
	taken := map[string]bool{}
	for _, value := range r.Header.Values("Accept-Encoding") {
		for item := range strings.SplitSeq(value, ",") {
			name, quality, _ := strings.Cut(item, ";")
			taken[strings.ToLower(strings.TrimSpace(name))] = !isZero(quality)
		}
	}
	for i := range f.packed {
		if taken[f.packed[i].encoding] {
			return &f.packed[i]
		}
	}
	return &f.plain
}

// servePage answers with a file of the page.
func (s *Server) servePage(w http.ResponseWriter, r *http.Request, f *pageFile) {
	start := time.Now()
	x := &exchange{operation: "page", address: s.proxies.client(r)}
	out := s.newAnswer()
	secureApp(out.header)
	form := f.form(r)
	out.header.Set("Cache-Control", f.kept)
	out.header.Set("Content-Type", f.media)
	out.header.Set("ETag", form.tag)
	out.header["Vary"] = append([]string{"Accept, Accept-Encoding"}, w.Header()["Vary"]...)
	if form.encoding != "" {
		out.header.Set("Content-Encoding", form.encoding)
	}
	out.status, out.body = http.StatusOK, form.body
	if matches(r.Header.Values("If-None-Match"), form.tag) {
		out.header.Del("Content-Type")
		out.header.Del("Content-Encoding")
		out.status, out.body = http.StatusNotModified, nil
	}
	s.access(x, out, time.Since(start))
	out.send(w, stallTime, pageTime)
}

// secureApp sets the headers of what browsers show: nothing but its own parts is loaded, nobody
// frames it, opens it with a hold on its window, or reads it from another origin.
func secureApp(h http.Header) {
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("Cross-Origin-Embedder-Policy", "require-corp")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Integrity-Policy", "blocked-destinations=(script)")
	h.Set("Permissions-Policy", pagePermissions)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
}
