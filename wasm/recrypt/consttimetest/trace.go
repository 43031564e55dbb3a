package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// publicFunctions are left out of the trace of operations whose signatures differ
// from secret to secret: they see nothing but signed public bytes, the public key
// and the signature, and their packages say that they are not constant time.
var publicFunctions = []string{
	"github.com_recrypt_service_recrypt_wasm_recrypt_internal_eddsa.Verify",
	"github.com_recrypt_service_recrypt_wasm_recrypt_internal_eddsa.ValidKey",
}

// knownCalls, by caller and callee, are left out of every trace, because what they
// do is known not to be constant time: to see whether a point was ever set, the
// standard library compares its X coordinate with zero, in WebAssembly byte by byte
// up to the first that is not zero. README.md says what that gives away.
var knownCalls = [][2]string{
	{"crypto_internal_fips140_edwards25519.__Point_.bytes", "runtime.memequal"},
}

// A machine runs an instrumented module in Node, each time from the same state.
type machine struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Reader
	profile profile
}

// A profile is what the tracer says of a module.
type profile struct {
	Functions []string   // names, by index
	Sites     int        // places in the code that make events
	Divisions []division // functions with integer divisions
}

// A division is a function with integer divisions.
type division struct {
	Function     string
	Instructions []string
}

// A run is one call of the core.
type run struct {
	Op      abi.Op `json:"op"`
	Request []byte `json:"request"`
	Random  string `json:"random"` // names the random bytes it gets
	Whole   bool   `json:"whole"`  // leave nothing out
	Mark    int    `json:"mark,omitempty"`
	From    int    `json:"from,omitempty"`
	Span    int    `json:"span,omitempty"`
}

// A trace is the course of a run: the hash over all of its events.
type trace struct {
	Response []byte
	Events   int
	Hash     string
	Noted    string // the hash after event number Mark, "0" if there were fewer
	Seen     []event
}

// An event is a memory access, a condition or an operand of a division.
type event struct {
	Function, Kind, Value string
	Index, Site           int
}

// newMachine starts Node on a module; named is the same one with the names of its
// functions. The instrumented module is kept in a file, or taken from there.
func newMachine(module, named, instrumented string) (*machine, error) {
	dir, err := tracerDir()
	if err != nil {
		return nil, err
	}
	leftOut, err := json.Marshal(map[string]any{"publics": publicFunctions, "known": knownCalls})
	if err != nil {
		return nil, err
	}
	m := &machine{cmd: exec.Command("node", filepath.Join(dir, "main.mjs"), module, named, string(leftOut), instrumented)}
	m.cmd.Stderr = os.Stderr
	if m.in, err = m.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := m.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	m.out = bufio.NewReaderSize(out, 1<<20)
	if err := m.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting the tracer: %w", err)
	}
	if err := m.read(&m.profile); err != nil {
		m.close()
		return nil, err
	}
	return m, nil
}

// tracerDir finds the tracer, whose packages have to be installed.
func tracerDir() (string, error) {
	dir := filepath.Join(root, filepath.FromSlash(here), "trace")
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "binaryen")); err != nil {
		return "", fmt.Errorf("the tracer is not installed: run npm ci in %s/trace", here)
	}
	return dir, nil
}

func (m *machine) close() error {
	m.in.Close()
	return m.cmd.Wait()
}

func (m *machine) read(answer any) error {
	line, err := m.out.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("the tracer stopped: %w", err)
	}
	return json.Unmarshal(line, answer)
}

func (m *machine) ask(command map[string]any, answer any) error {
	line, err := json.Marshal(command)
	if err != nil {
		return err
	}
	if _, err := m.in.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("the tracer stopped: %w", err)
	}
	return m.read(answer)
}

// warm runs every operation once, so that tables that are made at first use exist,
// and makes the state after that the one from which traces start.
func (m *machine) warm(list []operation) error {
	runs := []run{} // the tracer takes null for another command
	for i := range list {
		runs = append(runs, list[i].run(0))
	}
	var answer struct{ Statuses []abi.Status }
	if err := m.ask(map[string]any{"warm": runs}, &answer); err != nil {
		return err
	}
	for i, status := range answer.Statuses {
		if status != list[i].status {
			return fmt.Errorf("%s (%s) answers with status %d, not %d", list[i].name, suiteName(list[i].suite), status, list[i].status)
		}
	}
	return nil
}

// run returns what is run for secret i.
func (o *operation) run(i int) run {
	return run{Op: o.op, Request: o.pack(i), Random: o.label(i), Whole: !o.signed}
}

// trace runs r and checks how it answers.
func (m *machine) trace(o *operation, r run) (*trace, error) {
	t := new(trace)
	if err := m.ask(map[string]any{"run": r}, t); err != nil {
		return nil, err
	}
	if len(t.Response) == 0 || abi.Status(t.Response[0]) != o.status {
		return nil, fmt.Errorf("%s (%s) does not answer with status %d", o.name, suiteName(o.suite), o.status)
	}
	return t, nil
}

// A traceResult says whether an operation ran the same course for all secrets.
type traceResult struct {
	Operation string      `json:"operation"`
	Suite     string      `json:"suite"`
	Secrets   int         `json:"secrets"`
	Events    int         `json:"events"` // of the first secret
	LeftOut   bool        `json:"signatureVerificationLeftOut"`
	Different int         `json:"different"` // secrets whose trace is not that of the first
	First     *divergence `json:"firstDifference,omitempty"`
}

func (r *traceResult) ok() bool { return r.Different == 0 && r.Events > 0 }

// compare traces an operation for all secrets of a team.
func (m *machine) compare(o *operation, team *team) (*traceResult, error) {
	result := &traceResult{Operation: o.name, Suite: suiteName(o.suite), LeftOut: o.signed}
	var first run
	var want *trace
	for i := range indices(team.secrets, team.edges && o.edges) {
		r := o.run(i)
		t, err := m.trace(o, r)
		if err != nil {
			return nil, err
		}
		result.Secrets++
		if want == nil {
			first, want, result.Events = r, t, t.Events
			continue
		}
		if t.Events == want.Events && t.Hash == want.Hash {
			continue
		}
		if result.Different++; result.First == nil && team.locate {
			if result.First, err = m.locate(o, first, r, min(t.Events, want.Events)); err != nil {
				return nil, err
			}
		}
	}
	return result, nil
}

// indices yields 0 to n-1, and then the edges.
func indices(n int, edges bool) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		for i := range n {
			if !yield(i) {
				return
			}
		}
		if edges && yield(-1) {
			yield(-2)
		}
	}
}

// A divergence is where two traces part.
type divergence struct {
	Event int     `json:"event"` // its number
	A     []event `json:"a"`     // the events around it with one secret …
	B     []event `json:"b"`     // … and with another
}

// around is the number of events shown before and after a divergence.
const around = 3

// locate finds the first event in which two runs differ, which have at least n
// events, by bisection.
func (m *machine) locate(o *operation, a, b run, n int) (*divergence, error) {
	low, high := 0, n+1 // equal after low events, different after high
	for high-low > 1 {
		middle := low + (high-low)/2
		a.Mark, b.Mark = middle, middle
		s, err := m.trace(o, a)
		if err != nil {
			return nil, err
		}
		t, err := m.trace(o, b)
		if err != nil {
			return nil, err
		}
		if s.Noted == t.Noted {
			low = middle
		} else {
			high = middle
		}
	}
	a.Mark, b.Mark = 0, 0
	a.From, a.Span = max(1, high-around), 2*around+1
	b.From, b.Span = a.From, a.Span
	s, err := m.trace(o, a)
	if err != nil {
		return nil, err
	}
	t, err := m.trace(o, b)
	if err != nil {
		return nil, err
	}
	return &divergence{Event: high, A: s.Seen, B: t.Seen}, nil
}
