package main

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/bench/load/openloop"
	"github.com/recrypt-service/recrypt/host/engine"
	"github.com/recrypt-service/recrypt/host/server"
	"github.com/recrypt-service/recrypt/host/store/pgtest"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// serverEnv makes the test's program the server that is measured.
const serverEnv = "RECRYPT_LOAD_TEST_SERVER"

func TestMain(m *testing.M) {
	if os.Getenv(serverEnv) != "" {
		if err := serveForTest(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// serveForTest understands the command line by which servers are started.
func serveForTest(args []string) error {
	c := server.ServeConfig{Version: "test", Ready: func(url string) { fmt.Println("listening on", url) }}
	kind := engine.Native
	for i := 0; i+1 < len(args); i++ {
		switch args[i] {
		case "--engine":
			kind = args[i+1]
		case "--listen":
			c.Listen = args[i+1]
		case "--data":
			c.DataDir = args[i+1]
		case "--database":
			c.Database = args[i+1]
		case "--cache":
			var mib int
			if _, err := fmt.Sscan(args[i+1], &mib); err != nil {
				return err
			}
			c.PreparedBytes = mib << 20
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	e, err := engine.New(ctx, engine.Config{Kind: kind})
	if err != nil {
		return err
	}
	c.Caller, c.EngineKind = e, e.Kind()
	return server.Serve(ctx, c)
}

// TestEndToEnd measures a little of everything, with real servers in processes of their own.
func TestEndToEnd(t *testing.T) {
	if testing.Short() {
		t.Skip("some seconds")
	}
	for _, kind := range []string{storeSQLite, storePostgres} {
		t.Run(kind, func(t *testing.T) {
			if _, err := pgtest.Find(); kind == storePostgres && errors.Is(err, pgtest.ErrMissing) && os.Getenv("REQUIRE_POSTGRES") == "" {
				t.Skip(err)
			}
			measureAll(t, kind)
		})
	}
}

// endToEnd is what is measured there.
const endToEnd = "^open/native/sqlite/1/cold|^open/native/postgres/2/warm|^timeline.*sqlite|^lookups|^rows|^sequencer"

func measureAll(t *testing.T, kind string) {
	t.Setenv(serverEnv, "1")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	native, err := engine.New(t.Context(), engine.Config{Kind: engine.Native})
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "load") // short, for the database's socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o711); err != nil {
		t.Fatal(err)
	}
	p := quickPace()
	p.world, p.factors, p.length, p.warmUp, p.probe = size{4, 8}, []float64{0.5, 3}, 300*time.Millisecond, 50*time.Millisecond, 20*time.Millisecond
	p.small, p.timeline, p.keys, p.lookups, p.samples, p.rows, p.writing = size{4, 4}, time.Second, []int{200, 2000}, 200*time.Millisecond, 100, 20, 20*time.Millisecond
	b := &bench{
		options: &options{pace: p, only: regexp.MustCompile(endToEnd), binary: self, out: filepath.Join(dir, "out")},
		dir:     dir, core: abi.Client{Caller: native}, results: &file{}, say: t.Logf, begin: time.Now(), sites: map[string]*site{},
	}
	defer func() {
		for _, s := range b.sites {
			s.close()
		}
	}()
	if err := b.store(t.Context(), kind); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(b.failed...); err != nil {
		t.Fatal(err)
	}
	f, err := readResults(filepath.Join(dir, "out", "latest.json"))
	if err != nil {
		t.Fatal(err)
	}
	checkResults(t, f, kind, p)
}

func checkResults(t *testing.T, f *file, kind string, p pace) {
	for _, s := range plan(true) {
		got := f.sweep(s.Name)
		if s.Store != kind || !regexp.MustCompile(endToEnd).MatchString(s.Name) {
			continue
		}
		if got == nil || got.Peak <= 0 || len(got.Steps) != len(p.factors) {
			t.Fatalf("%s: %+v", s.Name, got)
		}
		for _, st := range got.Steps {
			if st.Failed > 0 {
				t.Errorf("%s at %g: %d failed: %v", s.Name, st.Factor, st.Failed, st.Faults)
			}
		}
		if st := got.Steps[0]; st.P50 <= 0 || st.BytesIn < 300 || st.BytesOut < 1000 || st.ServerMiB < 5 {
			t.Errorf("%s: %+v", s.Name, st)
		}
	}
	if kind == storeSQLite && (len(f.Timelines) != 1 || len(f.Timelines[0].Seconds) != 1) {
		t.Errorf("timelines %+v", f.Timelines)
	}
	for i, l := range f.Lookups {
		if l.Keys != p.keys[i] || l.Grants < l.Keys/keysPerGrant || l.StoreP50 <= 0 || l.RequestP50 <= 0 || l.MiB <= 0 {
			t.Errorf("look-up %+v", l)
		}
	}
	if len(f.Lookups) != len(p.keys) || len(f.Rows) < 5 || len(f.Sequencers) < 5 {
		t.Errorf("%d look-ups, %d rows, %d sequencers", len(f.Lookups), len(f.Rows), len(f.Sequencers))
	}
	for _, q := range f.Sequencers {
		if q.Rate <= 0 {
			t.Errorf("sequencer %+v", q)
		}
	}
}

// TestRequests: what is signed for later is what a server takes then, and a request
// is never the same twice.
func TestRequests(t *testing.T) {
	native, err := engine.New(t.Context(), engine.Config{Kind: engine.Native})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{core: abi.Client{Caller: native}, folders: map[uint8]*folder{}}
	p, err := newPerson(t.Context(), w.core)
	if err != nil {
		t.Fatal(err)
	}
	w.folders[abi.Suite256] = &folder{readers: []*person{p}, keys: []string{strings.Repeat("a", 26), strings.Repeat("b", 26)}}
	at := time.Unix(1_750_000_000, 0)
	for _, s := range plan(false) {
		if s.suite() != abi.Suite256 {
			continue
		}
		d := newDraw(w, &s, 1)
		one, _, err := d.request(t.Context(), "127.0.0.1:80", at)
		if err != nil {
			t.Fatal(err)
		}
		two, _, err := d.request(t.Context(), "127.0.0.1:80", at)
		if err != nil {
			t.Fatal(err)
		}
		if s.Operation == opAlive {
			continue
		}
		if bytes.Equal(one, two) || !bytes.Contains(one, []byte("created=1750000000;")) || !bytes.Contains(one, []byte("Host: 127.0.0.1:80\r\n")) {
			t.Errorf("%s: %q", s.Name, one)
		}
	}
}

func TestPlan(t *testing.T) {
	for _, quick := range []bool{false, true} {
		names := map[string]bool{}
		for _, s := range plan(quick) {
			if names[s.Name] || s.Servers > 1 && s.Store != storePostgres {
				t.Errorf("scenario %q", s.Name)
			}
			names[s.Name] = true
		}
		for _, s := range overloads(quick) {
			if !names[s.Name] {
				t.Errorf("%q is overloaded and not swept", s.Name)
			}
		}
		if len(overloads(quick)) != 2 {
			t.Errorf("%d overloads", len(overloads(quick)))
		}
	}
}

// sampleFile has a little of everything.
func sampleFile() *file {
	f := &file{Machine: machine{Processor: "A <fast> one", Cores: 2, Disk: "ext4", FsyncP50: 0.3, FsyncP99: 0.5}, Date: "2030-01-02T03:04:05Z"}
	for i, s := range plan(false) {
		w := &sweep{scenario: s, Capacity: 500, Date: f.Date}
		for _, x := range factors {
			good := min(x*500, 480)
			w.Steps = append(w.Steps, step{Factor: x, Offered: x * 500, Goodput: good, GoodputMin: good - 5, GoodputMax: good + 5, P50: 2 + x + float64(i), P90: 4, P99: 9 * x, ServerCPU: good / 1000, DatabaseCPU: good / 5000, BytesIn: 450, BytesOut: 5400, ServerMiB: 60})
		}
		w.Peak = w.peakOf()
		f.put(w)
	}
	for _, s := range overloads(false) {
		l := &timeline{scenario: s, Peak: 480, Factor: overload, Total: step{Offered: 2400, Goodput: 450}}
		for i := range 20 {
			l.Seconds = append(l.Seconds, secondOfRun{Second: float64(i), Goodput: 450, Busy: 1900, MiB: 50 + float64(i%3)})
		}
		f.putTimeline(l)
	}
	for _, kind := range []string{storeSQLite, storePostgres} {
		for _, n := range []int{1e3, 1e6} {
			f.Lookups = append(f.Lookups, lookup{Store: kind, Keys: n, Grants: n / 10, StoreP50: 0.2, StoreP99: 0.4, RequestP50: 2, RequestP99: 5, RequestCPU: 2, MiB: 100})
		}
		f.Sequencers = append(f.Sequencers, sequencer{Store: kind, Pools: 1, Writers: 64, Lines: 1, Rate: 5000, P50: 1, P99: 2}, sequencer{Store: kind, Pools: 1, Writers: 16, Lines: 100, Rate: 20000, P50: 1, P99: 2})
		for _, what := range []string{"identity", "collection with one reader, recrypt256", "document key, recrypt256", "opening", "nonce, kept for an hour"} {
			f.Rows = append(f.Rows, rowSize{Store: kind, What: what, Rows: 100, Bytes: 1500})
		}
	}
	return f
}

// TestReport: everything that was measured is on the pages and in the plots, which are
// well-formed.
func TestReport(t *testing.T) {
	dir := t.TempDir()
	f := sampleFile()
	if err := f.write(dir, filepath.Join(dir, "SCALE.md")); err != nil {
		t.Fatal(err)
	}
	again, err := readResults(filepath.Join(dir, "latest.json"))
	if err != nil || len(again.Sweeps) != len(f.Sweeps) || again.Sweeps[3].Steps[2].P99 != f.Sweeps[3].Steps[2].P99 {
		t.Fatalf("read again: %v", err)
	}
	page, err := os.ReadFile(filepath.Join(dir, "RESULTS.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range f.Sweeps {
		if strings.Count(string(page), s.Name+" ") < 2 || !strings.Contains(string(page), "## "+s.Name+"\n") {
			t.Errorf("%s is missing", s.Name)
		}
	}
	for _, want := range []string{"| 94 % |", "(rate.svg)", "(latency.svg)", "(overload.svg)", "(memory.svg)", "(lookups.svg)", "| postgres | 1000000 | 100000 |"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	plots, _ := filepath.Glob(filepath.Join(dir, "*.svg"))
	if len(plots) != 5 {
		t.Errorf("plots %q", plots)
	}
	for _, path := range plots {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		wellFormed(t, path, b)
	}
	checkScale(t, filepath.Join(dir, "SCALE.md"))
}

// wellFormed: the plot is XML, and every number in it is one.
func wellFormed(t *testing.T, path string, b []byte) {
	for d := xml.NewDecoder(bytes.NewReader(b)); ; {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
	if bytes.Contains(b, []byte("NaN")) || bytes.Contains(b, []byte("Inf")) || !bytes.Contains(b, []byte("A &lt;fast&gt; one")) {
		t.Errorf("%s is damaged", path)
	}
}

// checkScale compares figures of the page with ones computed here.
func checkScale(t *testing.T, path string) {
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	page := string(b)
	// 1 ms in the server and 0.2 in the database of each opening, at half load.
	for _, want := range []string{
		"| native | 1.00 | 1.00 | 0.200 | 833 | 5.00 |", "native: 2400 cores",
		"takes 5000 openings per second", "400 of them at 50 % load", "| opening | 1500 |",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(page, "NaN") || strings.Contains(page, "Inf") || strings.Contains(page, "%!") {
		t.Error("a figure is damaged")
	}
}

// TestEmpty: pages of nothing are pages without tables.
func TestEmpty(t *testing.T) {
	dir := t.TempDir()
	if err := (&file{}).write(dir, filepath.Join(dir, "SCALE.md")); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "SCALE.md"))
	if err != nil || bytes.Contains(b, []byte("NaN")) {
		t.Errorf("%v: %s", err, b)
	}
}

func TestAxes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		values := []float64{random.Float64() * 1000, random.Float64() * 10, 0.5}
		for _, log := range []bool{false, true} {
			a := newAxis(values, log, false, 100, 600)
			for _, v := range values {
				if p := a.at(v); p < 99.9 || p > 600.1 {
					t.Fatalf("%v at %v on %+v", v, p, a)
				}
			}
			marks := a.marks()
			if len(marks) < 2 || len(marks) > 16 {
				t.Fatalf("marks %v of %v", marks, values)
			}
		}
	}
}

func TestDigits(t *testing.T) {
	for v, want := range map[float64]string{0: "–", 0.01234: "0.0123", 1.234: "1.23", 12.34: "12.3", 99.99: "100.0", 123.4: "123", 12345: "12345"} {
		if got := digits(v); got != want {
			t.Errorf("digits(%v) is %s, want %s", v, got, want)
		}
	}
	if large(2.4e6) != "2.40 million" || large(4e4) != "40.0 thousand" || byteCount(1.5e12) != "1.50 TB" {
		t.Error(large(2.4e6), large(4e4), byteCount(1.5e12))
	}
}

// TestUsage: what this process uses is seen, and its children are found.
func TestUsage(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("there is no /proc")
	}
	before := usageOfOne(self)
	for begin := time.Now(); time.Since(begin) < 60*time.Millisecond; {
		_ = openloop.NewLatencies()
	}
	after := usageOfOne(self)
	if after.cpu <= before.cpu || after.rss < 1<<20 {
		t.Errorf("used %+v, then %+v", before, after)
	}
}
