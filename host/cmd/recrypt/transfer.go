package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/atomicfile"
	"github.com/recrypt-service/recrypt/host/blobs"
	"github.com/recrypt-service/recrypt/host/client"
)

// newFileSink starts a file that appears when it is whole.
func newFileSink(out string, perm os.FileMode, replace bool) (*sink, error) {
	f, err := atomicfile.Create(out, perm, replace)
	if err != nil {
		return nil, err
	}
	return &sink{Writer: f, commit: f.Commit, abort: f.Abort}, nil
}

// documentsPath is where servers keep documents.
var documentsPath = strings.TrimSuffix(api.PathDocument, "{id}")

// decryptedName chooses the name of the output of decrypt.
func decryptedName(file, out string) (string, error) {
	switch {
	case out != "":
		return out, nil
	case file == "-":
		return "-", nil
	case strings.Contains(file, "://"):
		u, err := url.Parse(file)
		if err != nil {
			return "", usage("that is not a URL")
		}
		// The name comes from somebody else: only its last part counts.
		file = path.Base(u.Path)
		if _, ok := blobs.ParseID(strings.TrimPrefix(u.Path, documentsPath)); ok {
			return "document-" + file[:8], nil // there names are hashes
		}
		if strings.ContainsAny(file, `/\:`) || file != printable(file) || strings.HasPrefix(file, ".") || strings.HasPrefix(file, "-") {
			return "", usage("the URL ends in no usable file name: say where to write with -o OUT")
		}
	}
	name, ok := strings.CutSuffix(file, suffix)
	if !ok || name == "" || strings.HasSuffix(name, "/") {
		return "", usage("the name does not end in %s: say where to write with -o OUT", suffix)
	}
	return name, nil
}

// idleTimeout ends a download on which nothing has come for so long.
const idleTimeout = 60 * time.Second

// webDocument is an encrypted document on any web server.
func webDocument(rawURL string) (*client.WebDocument, error) {
	dialer := &net.Dialer{Timeout: 15 * time.Second}
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: 15 * time.Second, ResponseHeaderTimeout: 30 * time.Second,
		DisableCompression: true, // the bytes are hashed as they lie there
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			return &idleConn{conn}, nil
		},
	}
	d, err := client.NewWebDocument(&http.Client{Transport: transport}, rawURL)
	if err != nil {
		return nil, usage("%v", err)
	}
	return d, nil
}

// fetch opens an encrypted document on any web server, and goes on where it was when the
// connection breaks.
func fetch(ctx context.Context, rawURL string) (io.ReadCloser, int64, error) {
	d, err := webDocument(rawURL)
	if err != nil {
		return nil, 0, err
	}
	body, err := d.Open(ctx)
	if err != nil {
		return nil, 0, err
	}
	return body, d.Size(), nil
}

// An idleConn gives up when nothing is read for a while.
type idleConn struct{ net.Conn }

func (c *idleConn) Read(b []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(idleTimeout)); err != nil {
		return 0, err
	}
	return c.Conn.Read(b)
}

// A bar shows progress on a terminal once the work has taken a second.
type bar struct {
	shown *progressbar.ProgressBar // nil: nobody looks
	late  *lateWriter
}

// A lateWriter drops what is written in the first second.
type lateWriter struct {
	io.Writer
	from time.Time
	used bool
}

func (w *lateWriter) Write(b []byte) (int, error) {
	if time.Now().Before(w.from) {
		return len(b), nil
	}
	w.used = true
	return w.Writer.Write(b)
}

// progress starts a bar over size bytes, -1 if that is not known.
func (a *app) progress(what string, size int64) *bar {
	f, ok := a.stderr.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || a.json {
		return &bar{}
	}
	late := &lateWriter{Writer: f, from: time.Now().Add(time.Second)}
	return &bar{late: late, shown: progressbar.NewOptions64(size,
		progressbar.OptionSetWriter(late), progressbar.OptionSetDescription(what), progressbar.OptionShowBytes(true),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionFullWidth(), progressbar.OptionSpinnerType(14))}
}

// set shows that n bytes are done.
func (b *bar) set(n int64) {
	if b.shown != nil {
		b.shown.Set64(n)
	}
}

// done removes the bar.
func (b *bar) done() {
	if b.shown != nil && b.late.used {
		b.shown.Clear()
	}
}

// counter starts a bar over things of which the number is told with the first step.
func (a *app) counter(what string) *bar {
	f, ok := a.stderr.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) || a.json {
		return &bar{}
	}
	late := &lateWriter{Writer: f, from: time.Now().Add(time.Second)}
	return &bar{late: late, shown: progressbar.NewOptions64(-1,
		progressbar.OptionSetWriter(late), progressbar.OptionSetDescription(what), progressbar.OptionShowCount(),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionFullWidth(), progressbar.OptionSpinnerType(14))}
}

// steps shows that done of all are done.
func (b *bar) steps(done, all int) { b.steps64(int64(done), int64(all)) }

func (b *bar) steps64(done, all int64) {
	if b.shown != nil {
		b.shown.ChangeMax64(all)
		b.shown.Set64(done)
	}
}
