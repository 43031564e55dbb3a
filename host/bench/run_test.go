package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/bench/worker"
)

// TestMain lets this program be a worker, good or bad.
func TestMain(m *testing.M) {
	switch os.Getenv("BENCH_TEST_WORKER") {
	case "":
		os.Exit(m.Run())
	case "good":
		err := worker.Serve(os.Stdin, os.Stdout, "good 1.0", func(op, suite string) (worker.Operation, error) {
			if op == "encrypt" {
				return nil, errors.New("no encrypt")
			}
			return func() error { time.Sleep(100 * time.Microsecond); return nil }, nil
		})
		fmt.Fprintln(os.Stderr, err)
	case "silent":
		fmt.Fprintln(os.Stderr, "cannot start:\n no luck")
		os.Exit(3)
	case "junk":
		fmt.Println("Hello!")
		_, _ = io.Copy(io.Discard, os.Stdin)
	case "short":
		fmt.Println(`{"about":"short"}`)
	case "zero":
		fmt.Println(`{"about":"zero"}`)
		fmt.Println(`{"calls":0,"ns":5}`)
		_, _ = io.Copy(io.Discard, os.Stdin)
	}
}

// startMe starts this program as a worker.
func startMe(t *testing.T, kind string) (*process, error) {
	t.Helper()
	t.Setenv("BENCH_TEST_WORKER", kind)
	return start(os.Args[0])
}

func TestProcess(t *testing.T) {
	p, err := startMe(t, "good")
	if err != nil || p.about != "good 1.0" {
		t.Fatal(p, err)
	}
	ns, err := p.measure("decrypt_0", "recrypt256", time.Millisecond)
	if err != nil || ns < 1e5 {
		t.Errorf("%v ns, %v", ns, err)
	}
	if _, err := p.measure("encrypt", "recrypt256", 0); err == nil || err.Error() != "no encrypt" {
		t.Errorf("an operation that is missing: %v", err)
	}
	if _, err := p.measure("decrypt_0", "recrypt256", 0); err != nil {
		t.Errorf("after an error: %v", err)
	}
	p.close()
	if p.cmd.ProcessState == nil || !p.cmd.ProcessState.Success() {
		t.Errorf("it ended with %v", p.cmd.ProcessState)
	}
}

func TestProcessErrors(t *testing.T) {
	if _, err := startMe(t, "silent"); err == nil || err.Error() != "the worker stopped: cannot start: no luck" {
		t.Errorf("a worker that does not start: %v", err)
	}
	if _, err := startMe(t, "junk"); err == nil || !strings.Contains(err.Error(), "invalid character") {
		t.Errorf("a worker that says something else: %v", err)
	}
	if _, err := start(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a program that is not there was started")
	}
	p, err := startMe(t, "short")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.measure("encrypt", "recrypt256", 0); err == nil || !strings.Contains(err.Error(), "the worker stopped") {
		t.Errorf("a worker that ends: %v", err)
	}
	if p, err = startMe(t, "zero"); err != nil {
		t.Fatal(err)
	}
	if _, err := p.measure("encrypt", "recrypt256", 0); err == nil || !strings.Contains(err.Error(), "0 calls") {
		t.Errorf("no calls: %v", err)
	}
	p.close()
}

func TestPlan(t *testing.T) {
	everything := newPlan(regexp.MustCompile(""))
	cells := 0
	for _, g := range everything.groups {
		cells += len(g)
	}
	if cells != 9*7+2*6+3*4+2*2 || len(everything.groups) != 14 || !everything.wants("npm") {
		t.Errorf("%d cells in %d groups", cells, len(everything.groups))
	}
	some := newPlan(regexp.MustCompile("recrypt256/native|decrypt_1/recrypt480/node"))
	if some.wants("npm") || some.wants(mcl) || !some.wants("native") || !some.wants("node") || !some.wants(pairingNative) {
		t.Error("the wrong workers are wanted")
	}
	if n := len(newPlan(regexp.MustCompile("nothing")).groups); n != 0 {
		t.Errorf("%d groups", n)
	}
}

// Every cell is measured in every round, with another first one in each; what fails is
// tried once; what has no worker is left out.
func TestRounds(t *testing.T) {
	good, err := startMe(t, "good")
	if err != nil {
		t.Fatal(err)
	}
	defer good.close()
	p := newPlan(regexp.MustCompile("^(encrypt|decrypt_0|decrypt_1_x16)/recrypt256"))
	var progress []int
	p.run(t.Context(), map[string]*process{"native": good, "node": good}, 3, 0, func(done, all int) {
		if all != 3+warmUps {
			t.Errorf("%d rounds in all", all)
		}
		progress = append(progress, done)
	})
	if !slices.Equal(progress, []int{0, 1, 2, 3, 4, 5}) {
		t.Errorf("progress %v", progress)
	}
	r := p.results()
	if one, many := r[key{"decrypt_0", "recrypt256", "node"}].Min, r[key{"decrypt_1_x16", "recrypt256", "node"}].Min; len(r) != 4 || one < 1e5 || many < 1e5/batch || many > one {
		t.Errorf("results %v", r)
	}
	for _, g := range p.groups {
		for _, c := range g {
			if c.Op == "decrypt_0" && len(c.samples) != 3 {
				t.Errorf("%s: %d samples", c, len(c.samples))
			}
		}
	}
	want := []string{"encrypt/recrypt256/native, encrypt/recrypt256/node: no encrypt"}
	if got := p.failures(); !slices.Equal(got, want) {
		t.Errorf("failures %q", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	p = newPlan(regexp.MustCompile("^decrypt_0/recrypt256/native"))
	p.run(ctx, map[string]*process{"native": good}, 1000, time.Millisecond, func(done, _ int) {
		if done == warmUps+2 {
			cancel()
		}
	})
	if n := len(p.groups[0][0].samples); n != 2 {
		t.Errorf("%d samples when interrupted", n)
	}
}

func TestParse(t *testing.T) {
	o, err := parse([]string{"--rounds", "3", "--time", "5ms", "--only", "decrypt", "--json", "--out", "x", "--offline", "--shares=false"})
	if err != nil || o.rounds != 3 || o.least != 5*time.Millisecond || !o.json || o.out != "x" || !o.offline || o.shares || !o.only.MatchString("decrypt_1/recrypt256/node") {
		t.Errorf("%+v %v", o, err)
	}
	for _, args := range [][]string{{"--rounds", "0"}, {"--time", "-1s"}, {"--only", "("}, {"more"}, {"--against", "none.json"}} {
		if _, err := parse(args); err == nil {
			t.Errorf("%q: accepted", args)
		}
	}
}

// One round of some operations with the real workers: the driver builds and starts them,
// measures, and writes its files.
func TestSmoke(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the workers")
	}
	out := filepath.Join(t.TempDir(), "out")
	o, err := parse([]string{"--rounds", "1", "--time", "4ms", "--offline", "--out", out,
		"--only", "^(key_pair/recrypt480|(transform_2|decrypt_2|decrypt_1_x16|transform_1_x16)/recrypt256)/(native|wazero|npm)|pairing_fixed/recrypt256/native"})
	if err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	if err := run(t.Context(), o, &stdout, &stderr); err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	for _, want := range []string{"npm: not fetched: --offline", "round 3 of 3", "written: "} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("missing %q in\n%s", want, stderr.String())
		}
	}
	f, err := readFile(filepath.Join(out, "latest.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Rows) != 6 || !strings.Contains(stdout.String(), "The pairing by itself") || !strings.Contains(stdout.String(), "at once") || !strings.Contains(stdout.String(), "by what it is for") {
		t.Errorf("%d rows; printed\n%s\n%s", len(f.Rows), stdout.String(), stderr.String())
	}
	if _, err := os.Stat(filepath.Join(out, "RESULTS.md")); err != nil {
		t.Error(err)
	}
}
