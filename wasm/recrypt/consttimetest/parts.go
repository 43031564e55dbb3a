package main

import (
	"encoding/json"
	"errors"
	"fmt"
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

// build compiles a package, with a deliberate fault if overlay is not empty.
func build(out, pkg, overlay string, environment []string, flags ...string) error {
	args := append([]string{"build", "-trimpath", "-buildvcs=false", "-o", out}, flags...)
	if overlay != "" {
		args = append(args, "-overlay", overlay)
	}
	cmd := exec.Command("go", append(args, pkg)...)
	cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0"), environment...)
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", pkg, err, text)
	}
	return nil
}

// buildModule makes the module as "make wasm" does, but with names. Should the flags
// there differ, the tracer says that the code does.
func buildModule(out, overlay string) error {
	return build(out, guest, overlay, []string{"GOOS=wasip1", "GOARCH=wasm"}, "-buildmode=c-shared", "-ldflags=-buildid= -X runtime.godebugDefault=clobberfree=1")
}

// traceShipped traces the module as it is shipped, and scans it.
func (o *options) traceShipped(r *report, dir string) error {
	progress("building the module again, with names …")
	named := filepath.Join(dir, "named.wasm")
	if err := buildModule(named, ""); err != nil {
		return err
	}
	list := slices.DeleteFunc(operations(o.seed), func(op operation) bool { return !o.wants(&op) })
	if !o.parts["trace"] {
		list = nil // the machine tells about the module when it starts
	}
	progress("instrumenting it …")
	t := &team{path: filepath.Join(root, module), named: named, list: list, secrets: o.secrets, edges: !o.quick}
	if err := o.traceAll(t); err != nil {
		return err
	}
	r.Traces = t.results
	r.Functions, r.Sites = len(t.profile.Functions), t.profile.Sites
	if o.parts["scan"] {
		r.Scans = append(r.Scans, *scanModule("wasm", t.profile))
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

	lock           sync.Mutex
	next, finished int
	results        []traceResult // in the order of the list
	profile        *profile
}

// traceAll compares the traces of the team's operations.
func (o *options) traceAll(t *team) error {
	t.results = make([]traceResult, len(t.list))
	errs := make([]error, max(1, min(o.workers, len(t.list))))
	var wait sync.WaitGroup
	for i := range errs {
		wait.Go(func() { errs[i] = t.work() })
	}
	wait.Wait()
	return errors.Join(errs...)
}

// work takes operations from the list until there are no more.
func (t *team) work() error {
	m, err := newMachine(t.path, t.named)
	if err != nil {
		return err
	}
	defer m.close()
	if err := m.warm(t.list); err != nil {
		return err
	}
	for i := t.take(m); i < len(t.list); i = t.take(m) {
		r, err := m.compare(&t.list[i], t.secrets, t.edges)
		if err != nil {
			return err
		}
		t.put(i, r)
	}
	return nil
}

// take returns the index of an operation that nobody has taken.
func (t *team) take(m *machine) int {
	t.lock.Lock()
	defer t.lock.Unlock()
	t.profile = &m.profile
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

// traceLeaks traces, and scans, modules with a deliberate fault.
func (o *options) traceLeaks(r *report, dir string) error {
	for i := range leaks {
		l := &leaks[i]
		if o.quick && !l.quick {
			continue
		}
		progress("with a deliberate fault, %s …", l.name)
		folder, overlay, err := l.prepare(dir)
		if err != nil {
			return err
		}
		bad := filepath.Join(folder, "bad.wasm")
		if err := buildModule(bad, overlay); err != nil {
			return err
		}
		list := slices.DeleteFunc(operations(o.seed), func(op operation) bool { return !slices.Contains(l.operates, op.name) })
		t := &team{path: bad, named: bad, list: list, secrets: leakSecrets}
		if err := o.traceAll(t); err != nil {
			return err
		}
		for _, result := range t.results {
			r.Leaks = append(r.Leaks, leakResult{l.name, "trace of " + result.Operation, result.Suite, result.Different > 0, result.difference()})
		}
		if l.divides {
			found := scanModule("wasm", t.profile).Found
			r.Leaks = append(r.Leaks, leakResult{l.name, "scan of the module", "-", len(found) > 0, fmt.Sprint(len(found), " functions with divisions")})
		}
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
		if err := build(out, "./"+here, "", []string{"GOARCH=" + arch}); err != nil {
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
	if err := build(out, "./"+here, "", nil); err != nil {
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
		if err := build(out, "./"+here, overlay, nil); err != nil {
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
	for lines := json.NewDecoder(out); lines.More(); {
		var t timeResult
		if err := lines.Decode(&t); err != nil {
			break
		}
		progress("timed %s, %s: t = %.2f", t.Target, t.Suite, t.T)
		done(t)
	}
	return cmd.Wait()
}
