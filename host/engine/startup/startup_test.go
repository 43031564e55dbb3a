package main

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/dispatch"
	"github.com/recrypt-service/recrypt/wasm/dist"
)

// sources returns options for the real module and the real script.
func sources(t *testing.T) options {
	t.Helper()
	module, err := dist.Module()
	if err != nil {
		t.Skip(err)
	}
	path := filepath.Join(t.TempDir(), "recrypt.wasm")
	if err := os.WriteFile(path, module, 0o600); err != nil {
		t.Fatal(err)
	}
	return options{module: path, sdk: filepath.Join("..", "..", "..", "web", "sdk"), runs: 1}
}

// TestRun runs the command with what is installed here: each engine has its rows, or
// says how to get it.
func TestRun(t *testing.T) {
	if testing.Short() {
		t.Skip("starts browsers")
	}
	o := sources(t)
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-module", o.module, "-sdk", o.sdk, "-runs", "1"}, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	figures := strings.Repeat(` +[0-9]+\.[0-9] \([0-9]+\.[0-9]\)`, len(steps))
	times := strings.Repeat(` +[0-9]+\.[0-9] \([0-9]+\.[0-9]\)`, 2*len(suites)) + `\n`
	for _, want := range []string{
		`wazero, nothing cached` + figures, `wazero, cached` + figures,
		`(Node, nothing cached` + figures + `|Node: not installed)`,
		`(Chromium, nothing cached` + figures + `\nChromium, cached` + figures + `|Chromium: not installed)`,
		`\nwazero` + times, `(\nNode` + times + `|Node: not installed)`, `(\nChromium` + times + `|Chromium: not installed)`,
	} {
		if !regexp.MustCompile(want).Match(out.Bytes()) {
			t.Errorf("no %q in\n%s", want, out.Bytes())
		}
	}
}

func TestRefused(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	for _, args := range [][]string{{"-runs", "0"}, {"more"}, {"-nonsense"}, {"-module", none}} {
		if err := run(t.Context(), args, io.Discard, io.Discard); err == nil {
			t.Errorf("%q: accepted", args)
		}
	}
}

// TestDamaged: a module that does not pass its self-test is not measured.
func TestDamaged(t *testing.T) {
	o := sources(t)
	b, err := os.ReadFile(o.module)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(b, []byte("recrypt self-test")) // the seed of the tests
	if at < 0 {
		t.Fatal("the module does not contain its test's seed")
	}
	b[at] ^= 1
	if err := os.WriteFile(o.module, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := o.wazero(t.Context(), func(string, []sample) {}); !errors.Is(err, abi.ErrInternal) {
		t.Errorf("wazero: %v", err)
	}
	err = o.node(t.Context(), func(string, []sample) {})
	if _, missing := err.(errMissing); !missing && (err == nil || !strings.Contains(err.Error(), "status")) {
		t.Errorf("Node: %v", err)
	}
}

// TestSite: the page and what it needs are there, the browser may keep it, and what the
// page sends arrives.
func TestSite(t *testing.T) {
	o := sources(t)
	s, err := o.serve()
	if err != nil {
		t.Fatal(err)
	}
	defer s.server.Close()
	for path, kind := range map[string]string{"": "text/html", "recrypt.wasm": "application/wasm", "wasm_exec.js": "text/javascript", "tools/startup.mjs": "text/javascript", "requests.json": "application/json"} {
		r, err := http.Get(s.url + path)
		if err != nil {
			t.Fatal(err)
		}
		n, _ := io.Copy(io.Discard, r.Body)
		r.Body.Close()
		if r.StatusCode != http.StatusOK || n == 0 || r.Header.Get("Content-Type") != kind {
			t.Errorf("%s: %s, %d bytes, %v", path, r.Status, n, r.Header)
		}
		if path != "" && path != "requests.json" && !strings.Contains(r.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %v", path, r.Header)
		}
	}
	r, err := http.Post(s.url+"result", "", strings.NewReader(`{"compile":1.5,"start":2}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	var got sample
	err = readResult(<-s.results, &got)
	if err != nil || got["compile"] != 1.5 || got.ready() != 3.5 {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{`{"error":"trap"}`, `[1]`, ``} {
		if err := readResult([]byte(bad), &sample{}); err == nil {
			t.Errorf("%s: accepted", bad)
		}
	}
}

func TestPrintRow(t *testing.T) {
	var out strings.Builder
	printRow(&out, "an engine", []sample{{"compile": 3}, {"compile": 1, "rest": 1}, {"compile": 2}})
	if got := strings.Join(strings.Fields(out.String()), " "); got != "an engine 1.0 (2.0) 0.0 (0.0) 0.0 (0.0) 0.0 (0.0) 0.0 (0.0) 2.0 (2.0)" {
		t.Error(got)
	}
}

func TestPrintOpenings(t *testing.T) {
	var out strings.Builder
	printOpenings(&out, "an engine", []openings{
		{"recrypt256": {9, 3, 1, 2}, "recrypt480": {30, 7}}, {"recrypt256": {8, 5, 4}, "recrypt480": {20, 6}},
	})
	if got := strings.Join(strings.Fields(out.String()), " "); got != "an engine 8.0 (9.0) 1.0 (3.0) 20.0 (30.0) 6.0 (7.0)" {
		t.Error(got)
	}
	if _, err := bySuite(func(_ string, row *[]float64) error { *row = make([]float64, again); return nil }); err == nil {
		t.Error("too few times were enough")
	}
}

// TestRequests: the requests open in the native engine; a changed one does not.
func TestRequests(t *testing.T) {
	requests, err := makeRequests(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, suite := range suites {
		key, err := abi.Result(dispatch.Handle(abi.OpOpenKey, requests[suite]))
		if err != nil || len(key) == 0 {
			t.Errorf("%s: %v", suite, err)
		}
		requests[suite][len(requests[suite])-1] ^= 1
		if _, err := abi.Result(dispatch.Handle(abi.OpOpenKey, requests[suite])); err == nil {
			t.Errorf("%s: a changed value was opened", suite)
		}
	}
}
