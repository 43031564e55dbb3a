package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"sync"
)

// leakSecrets and leakMeasurements suffice to find a deliberate fault.
const (
	leakSecrets      = 3
	leakMeasurements = 50_000
)

// build compiles this program, with a deliberate fault if overlay is not empty.
func build(out, overlay string, environment ...string) error {
	args := []string{"build", "-trimpath", "-buildvcs=false", "-o", out}
	if overlay != "" {
		args = append(args, "-overlay", overlay)
	}
	cmd := exec.Command("go", append(args, "./"+here)...)
	cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0"), environment...)
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", here, err, text)
	}
	return nil
}

// builder is the command that makes the module.
const builder = "github.com/recrypt-service/recrypt/host/engine/build"

// buildModule makes the module as "make wasm" does, but with names. Should the code
// differ, the tracer says so.
func buildModule(out, overlay string) error {
	args := []string{"run", builder, "-C", root, "-names", "-o", out}
	if overlay != "" {
		args = append(args, "-overlay", overlay)
	}
	if text, err := exec.Command("go", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("building the module: %w\n%s", err, text)
	}
	return nil
}

// traces makes the modules, the shipped one and those with a deliberate fault, and
// traces and scans them. They are instrumented side by side, each once.
func (o *options) traces(r *report, dir string) error {
	progress("building the module again, with names …")
	shipped, err := o.shipped(dir)
	if err != nil {
		return err
	}
	spoilt, err := o.spoilt(dir)
	if err != nil {
		return err
	}
	teams := append([]*team{shipped}, spoilt...)
	progress("instrumenting it, and %d with a deliberate fault …", len(spoilt))
	if err := together(len(teams), o.workers, func(i int) error { return teams[i].instrument() }); err != nil {
		return err
	}
	if err := o.traceShipped(r, shipped); err != nil {
		return err
	}
	for _, t := range spoilt {
		if err := o.traceLeak(r, t); err != nil {
			return err
		}
	}
	return nil
}

// together calls f for 0 to n-1, as many at a time as there are workers.
func together(n, workers int, f func(i int) error) error {
	errs := make([]error, n)
	free := make(chan struct{}, workers)
	var wait sync.WaitGroup
	for i := range n {
		free <- struct{}{}
		wait.Go(func() {
			errs[i] = f(i)
			<-free
		})
	}
	wait.Wait()
	return errors.Join(errs...)
}

// shipped makes the team for the module as it is shipped.
func (o *options) shipped(dir string) (*team, error) {
	t := &team{path: filepath.Join(root, module), named: filepath.Join(dir, "named.wasm"), secrets: o.secrets, edges: !o.quick, locate: true}
	if o.parts["trace"] { // or else the machine just tells about the module
		t.list = slices.DeleteFunc(operations(o.seed), func(op operation) bool { return !o.wants(&op) })
		if len(t.list) == 0 {
			return nil, errors.New("no operation matches the pattern")
		}
	}
	return t, buildModule(t.named, "")
}

// spoilt makes a team for each of the modules with a deliberate fault.
func (o *options) spoilt(dir string) ([]*team, error) {
	var teams []*team
	for i := range leaks {
		l := &leaks[i]
		if o.quick && !l.quick || !o.parts["trace"] && !l.divides {
			continue
		}
		folder, overlay, err := l.prepare(dir)
		if err != nil {
			return nil, err
		}
		bad := filepath.Join(folder, "bad.wasm")
		if err := buildModule(bad, overlay); err != nil {
			return nil, err
		}
		t := &team{path: bad, named: bad, secrets: leakSecrets, locate: !o.quick, leak: l}
		if o.parts["trace"] {
			t.list = slices.DeleteFunc(operations(o.seed), func(op operation) bool { return !slices.Contains(l.operates, op.name) })
		}
		teams = append(teams, t)
	}
	return teams, nil
}

// traceShipped traces the module as it is shipped, and scans it.
func (o *options) traceShipped(r *report, t *team) error {
	if err := o.traceAll(t); err != nil {
		return err
	}
	r.Traces = t.results
	r.Functions, r.Sites = len(t.profile.Functions), t.profile.Sites
	if o.parts["scan"] {
		r.Scans = append(r.Scans, *scanModule("wasm", &t.profile))
	}
	return nil
}

// wants reports whether an operation is to be traced. For a quick look one
// arrangement of each is enough.
func (o *options) wants(op *operation) bool {
	return o.match.MatchString(op.name+", "+suiteName(op.suite)) && !(o.quick && op.signed && op.name != ownDecrypt)
}

// A team traces a list of operations, several at a time.
type team struct {
	path, named string // the module, and the same with names
	list        []operation
	secrets     int
	edges       bool
	locate      bool  // find where traces part
	leak        *leak // the deliberate fault that the module has, if any
	profile     profile

	lock           sync.Mutex
	next, finished int
	results        []traceResult // in the order of the list
}

// traceAll compares the traces of the team's operations.
func (o *options) traceAll(t *team) error {
	t.results = make([]traceResult, len(t.list))
	workers := min(o.workers, len(t.list))
	return together(workers, max(1, workers), func(int) error { return t.work() })
}

// instrumented is where the instrumented module is kept.
func (t *team) instrumented() string { return t.named + ".instrumented" }

// instrument makes the instrumented module, and the profile.
func (t *team) instrument() error {
	m, err := newMachine(t.path, t.named, t.instrumented())
	if err != nil {
		return err
	}
	t.profile = m.profile
	return m.close()
}

// work takes operations from the list until there are no more.
func (t *team) work() error {
	m, err := newMachine(t.path, t.named, t.instrumented())
	if err != nil {
		return err
	}
	defer m.close()
	if err := m.warm(t.list); err != nil {
		return err
	}
	for i := t.take(); i < len(t.list); i = t.take() {
		r, err := m.compare(&t.list[i], t)
		if err != nil {
			return err
		}
		t.put(i, r)
	}
	return nil
}

// take returns the index of an operation that nobody has taken.
func (t *team) take() int {
	t.lock.Lock()
	defer t.lock.Unlock()
	t.next++
	return t.next - 1
}

func (t *team) put(i int, r *traceResult) {
	t.lock.Lock()
	defer t.lock.Unlock()
	t.results[i] = *r
	t.finished++
	verdict := "all traces equal"
	if !r.ok() {
		verdict = fmt.Sprintf("%d differ", r.Different)
	}
	progress("traced %d of %d: %s, %s, %d secrets: %s", t.finished, len(t.list), r.Operation, r.Suite, r.Secrets, verdict)
}

// traceLeak traces, and scans, a module with a deliberate fault.
func (o *options) traceLeak(r *report, t *team) error {
	progress("with a deliberate fault, %s …", t.leak.name)
	if err := o.traceAll(t); err != nil {
		return err
	}
	for _, result := range t.results {
		r.Leaks = append(r.Leaks, leakResult{t.leak.name, "trace of " + result.Operation, result.Suite, result.Different > 0, result.difference()})
	}
	if t.leak.divides && o.parts["scan"] {
		found := scanModule("wasm", &t.profile).Found
		r.Leaks = append(r.Leaks, leakResult{t.leak.name, "scan of the module", "-", len(found) > 0, fmt.Sprint(len(found), " functions with divisions")})
	}
	return nil
}

// prepare writes the overlay of a fault into a folder of its own.
func (l *leak) prepare(dir string) (folder, overlay string, err error) {
	if folder, err = os.MkdirTemp(dir, "leak"); err != nil {
		return "", "", err
	}
	overlay, err = l.overlay(folder)
	return folder, overlay, err
}

// scanNatives scans this program, which holds the scheme, for the usual processors.
func (o *options) scanNatives(r *report, dir string) error {
	for _, arch := range []string{"amd64", "arm64"} {
		progress("scanning %s …", arch)
		out := filepath.Join(dir, "scanned-"+arch)
		if err := build(out, "", "GOARCH="+arch); err != nil {
			return err
		}
		s, err := scanNative(arch, out, arch)
		if err != nil {
			return err
		}
		r.Scans = append(r.Scans, *s)
	}
	return nil
}

// timeReal times the real code.
func (o *options) timeReal(r *report, dir string) error {
	out := filepath.Join(dir, "timed")
	if err := build(out, ""); err != nil {
		return err
	}
	return timeBinary(out, o.measurements, ".", true, func(t timeResult) { r.Times = append(r.Times, t) })
}

// timeLeaks times code with a deliberate fault.
func (o *options) timeLeaks(r *report, dir string) error {
	for i := range leaks {
		l := &leaks[i]
		if l.times == "" {
			continue
		}
		progress("with a deliberate fault, %s …", l.name)
		folder, overlay, err := l.prepare(dir)
		if err != nil {
			return err
		}
		out := filepath.Join(folder, "timed")
		if err := build(out, overlay); err != nil {
			return err
		}
		err = timeBinary(out, leakMeasurements, l.times, false, func(t timeResult) {
			r.Leaks = append(r.Leaks, leakResult{l.name, "timing of " + t.Target, t.Suite, t.Test != "" && !t.ok(), fmt.Sprintf("t = %.1f", t.T)})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// timeBinary runs a build of this program that times itself.
func timeBinary(path string, measurements int, match string, repeat bool, done func(timeResult)) error {
	cmd := exec.Command(path, timeCommand, "-measurements", strconv.Itoa(measurements), "-match", match, "-repeat="+strconv.FormatBool(repeat))
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(), "GOMAXPROCS="+strconv.Itoa(min(2, runtime.NumCPU())))
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	n, err := readTimes(out, done)
	if err != nil {
		io.Copy(io.Discard, out) // it must not wait for a reader
	}
	if failed := cmd.Wait(); failed != nil || err != nil {
		return errors.Join(failed, err)
	}
	if n == 0 {
		return fmt.Errorf("no target matches %q: nothing was timed", match)
	}
	return nil
}

// readTimes reads the lines of a build that times itself, and says how many there were.
func readTimes(in io.Reader, done func(timeResult)) (n int, err error) {
	for lines := json.NewDecoder(in); ; n++ {
		var t timeResult
		if err := lines.Decode(&t); err == io.EOF {
			return n, nil
		} else if err != nil {
			return n, fmt.Errorf("reading times: %w", err)
		}
		progress("timed %s, %s: t = %.2f", t.Target, t.Suite, t.T)
		done(t)
	}
}
