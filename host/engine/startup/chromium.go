package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// page loads the script, which times the start, or with a query the opening of documents, and
// sends what it measured. It waits until the browser itself has started.
const page = `<!doctype html><meta charset="utf-8"><title>start-up</title><script type="module">
import { openings, startUp } from "./tools/startup.mjs";
setTimeout(async () => {
  let body;
  try {
    const compile = () => WebAssembly.compileStreaming(fetch("recrypt.wasm"));
    const suite = location.search.slice(1);
    const measured = suite === "" ? startUp(compile) : openings(compile, (await (await fetch("requests.json")).json())[suite]);
    body = JSON.stringify(await measured);
  } catch (e) {
    body = JSON.stringify({ error: String(e) });
  }
  await fetch("result", { method: "POST", body });
}, 1000);
</script>`

const (
	patience = 60 * time.Second // for one start of the browser
	linger   = 6 * time.Second  // how long the browser that fills the cache stays
)

// chromium times the module in Chromium: first with a new profile, then several times
// with that profile, each time in a new browser.
func (o *options) chromium(ctx context.Context, row func(string, []sample)) error {
	b, err := o.newBrowser()
	if err != nil {
		return err
	}
	defer b.close()
	visit := func(linger time.Duration) (s sample, err error) {
		return s, b.visit(ctx, "", linger, &s)
	}
	first, err := visit(linger)
	if err != nil {
		return err
	}
	row("Chromium, nothing cached", []sample{first})
	var samples []sample
	for range o.runs {
		s, err := visit(time.Second)
		if err != nil {
			return err
		}
		samples = append(samples, s)
	}
	row("Chromium, cached", samples)
	return nil
}

// openInChromium opens documents in Chromium, after visits that fill the cache, each time
// in a new browser.
func (o *options) openInChromium(ctx context.Context) ([]openings, error) {
	b, err := o.newBrowser()
	if err != nil {
		return nil, err
	}
	defer b.close()
	var all []openings
	for n := range o.runs + 1 {
		stay := time.Second
		if n == 0 {
			stay = linger
		}
		times, err := bySuite(func(suite string, row *[]float64) error { return b.visit(ctx, "?"+suite, stay, row) })
		if err != nil {
			return nil, err
		}
		if n > 0 {
			all = append(all, times)
		}
	}
	return all, nil
}

// findChromium returns the program's path.
func findChromium() (string, error) {
	if path := os.Getenv("CHROMIUM"); path != "" {
		return path, nil
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errMissing{"Chromium: not installed (on Debian: apt-get install chromium), nor named by the variable CHROMIUM"}
}

// A site serves the page and takes what it measured.
type site struct {
	server  *http.Server
	url     string
	results chan []byte
}

// serve starts the site on the loopback. Everything may be kept by the browser.
func (o *options) serve() (*site, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &site{url: "http://" + l.Addr().String() + "/", results: make(chan []byte, 1)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		io.WriteString(w, page)
	})
	keep := func(pattern, kind, path string) {
		mux.HandleFunc("GET "+pattern, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Cache-Control", "public, max-age=86400, immutable")
			http.ServeFile(w, r, path)
		})
	}
	keep("/recrypt.wasm", "application/wasm", o.module)
	keep("/wasm_exec.js", "text/javascript", filepath.Join(o.sdk, "wasm_exec.js"))
	mux.HandleFunc("GET /requests.json", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(o.requests)
	})
	keep("/tools/startup.mjs", "text/javascript", filepath.Join(o.sdk, filepath.FromSlash(script)))
	mux.HandleFunc("POST /result", func(_ http.ResponseWriter, r *http.Request) {
		if b, err := io.ReadAll(io.LimitReader(r.Body, 1<<16)); err == nil {
			select {
			case s.results <- b:
			default: // one is waiting already
			}
		}
	})
	s.server = &http.Server{Handler: mux, ReadHeaderTimeout: patience}
	go s.server.Serve(l)
	return s, nil
}

// A browser is a program with a profile, and where it goes.
type browser struct {
	path, profile string
	site          *site
}

// newBrowser finds the program, makes a profile and starts the site.
func (o *options) newBrowser() (*browser, error) {
	path, err := findChromium()
	if err != nil {
		return nil, err
	}
	profile, err := os.MkdirTemp("", "startup-chromium-*")
	if err != nil {
		return nil, err
	}
	site, err := o.serve()
	if err != nil {
		os.RemoveAll(profile)
		return nil, err
	}
	return &browser{path: path, profile: profile, site: site}, nil
}

func (b *browser) close() {
	b.site.server.Close()
	os.RemoveAll(b.profile)
}

// visit starts the browser, waits for what the page measures, lets it be for a while and
// ends it in an orderly way, so that it writes its caches.
func (b *browser) visit(ctx context.Context, query string, linger time.Duration, answer any) error {
	args := []string{"--headless", "--user-data-dir=" + b.profile, "--no-first-run", "--disable-gpu", "--disable-extensions"}
	if os.Geteuid() == 0 {
		args = append(args, "--no-sandbox") // it refuses to start as root with one
	}
	cmd := exec.CommandContext(ctx, b.path, append(args, b.site.url+query)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting Chromium: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	defer func() {
		cmd.Process.Signal(os.Interrupt)
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			cmd.Process.Kill()
			<-ended
		}
	}()
	select {
	case body := <-b.site.results:
		time.Sleep(linger)
		return readResult(body, answer)
	case err := <-ended:
		ended <- err
		return fmt.Errorf("Chromium ended: %w", err)
	case <-time.After(patience):
		return errors.New("Chromium did not answer")
	case <-ctx.Done():
		return ctx.Err()
	}
}

// readResult reads what the page sent.
func readResult(body []byte, answer any) error {
	var failure struct{ Error string }
	if json.Unmarshal(body, &failure) == nil && failure.Error != "" {
		return fmt.Errorf("the page failed: %s", failure.Error)
	}
	if err := json.Unmarshal(body, answer); err != nil {
		return fmt.Errorf("reading what the page measured: %w", err)
	}
	return nil
}
