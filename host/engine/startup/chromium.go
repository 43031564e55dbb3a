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

// page loads the script, which times the start and sends what it measured. It waits
// until the browser itself has started.
const page = `<!doctype html><meta charset="utf-8"><title>start-up</title><script type="module">
import { startUp } from "./tools/startup.mjs";
setTimeout(async () => {
  let body;
  try {
    body = JSON.stringify(await startUp(() => WebAssembly.compileStreaming(fetch("recrypt.wasm"))));
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
	path, err := findChromium()
	if err != nil {
		return err
	}
	profile, err := os.MkdirTemp("", "startup-chromium-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(profile)
	site, err := o.serve()
	if err != nil {
		return err
	}
	defer site.server.Close()
	b := browser{path: path, profile: profile, site: site}
	first, err := b.visit(ctx, linger)
	if err != nil {
		return err
	}
	row("Chromium, nothing cached", []sample{first})
	var samples []sample
	for range o.runs {
		s, err := b.visit(ctx, time.Second)
		if err != nil {
			return err
		}
		samples = append(samples, s)
	}
	row("Chromium, cached", samples)
	return nil
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

// visit starts the browser, waits for what the page measures, lets it be for a while and
// ends it in an orderly way, so that it writes its caches.
func (b *browser) visit(ctx context.Context, linger time.Duration) (sample, error) {
	args := []string{"--headless", "--user-data-dir=" + b.profile, "--no-first-run", "--disable-gpu", "--disable-extensions"}
	if os.Geteuid() == 0 {
		args = append(args, "--no-sandbox") // it refuses to start as root with one
	}
	cmd := exec.CommandContext(ctx, b.path, append(args, b.site.url)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting Chromium: %w", err)
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
		return readResult(body)
	case err := <-ended:
		ended <- err
		return nil, fmt.Errorf("Chromium ended: %w", err)
	case <-time.After(patience):
		return nil, errors.New("Chromium did not answer")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// readResult reads what the page sent.
func readResult(body []byte) (sample, error) {
	var failure struct{ Error string }
	if json.Unmarshal(body, &failure) == nil && failure.Error != "" {
		return nil, fmt.Errorf("the page failed: %s", failure.Error)
	}
	var s sample
	if err := json.Unmarshal(body, &s); err != nil {
		return nil, fmt.Errorf("reading what the page measured: %w", err)
	}
	return s, nil
}
