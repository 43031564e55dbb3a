package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

// A report is all that was found.
type report struct {
	Seed      string        `json:"seed"`
	Machine   string        `json:"machine"`
	Started   time.Time     `json:"started"`
	Seconds   int           `json:"seconds"`
	OK        bool          `json:"ok"`
	Functions int           `json:"functions,omitempty"` // of the module
	Sites     int           `json:"sites,omitempty"`     // places in it that make events
	Traces    []traceResult `json:"traces,omitempty"`
	Scans     []scanResult  `json:"scans,omitempty"`
	Times     []timeResult  `json:"times,omitempty"`
	Leaks     []leakResult  `json:"leaks,omitempty"`
}

// A leakResult says whether a check saw a deliberate fault.
type leakResult struct {
	Fault  string `json:"fault"`
	Check  string `json:"check"`
	Suite  string `json:"suite"`
	Seen   bool   `json:"seen"`
	Figure string `json:"figure"`
}

func suiteName(s recrypt.Suite) string {
	if s == 0 {
		return "-"
	}
	return s.String()
}

// ok reports whether every check passed and every deliberate fault was seen.
func (r *report) ok() bool {
	ok := len(r.Traces)+len(r.Scans)+len(r.Times) > 0
	for i := range r.Traces {
		ok = ok && r.Traces[i].ok()
	}
	for i := range r.Scans {
		ok = ok && r.Scans[i].ok()
	}
	for i := range r.Times {
		ok = ok && r.Times[i].ok()
	}
	for i := range r.Leaks {
		ok = ok && r.Leaks[i].Seen
	}
	return ok
}

func word(ok bool) string {
	if ok {
		return "ok"
	}
	return "FAILED"
}

func (r *report) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	r.printTraces(w)
	r.printScans(w)
	r.printTimes(w)
	r.printLeaks(w)
	fmt.Fprintf(w, "\n%s; %s; %d s; seed %q\n", word(r.OK), r.Machine, r.Seconds, r.Seed)
	return w.Flush()
}

func (r *report) printTraces(w io.Writer) {
	if len(r.Traces) == 0 {
		return
	}
	fmt.Fprintf(w, "\nTRACES of the shipped module (%d functions, %d places watched): every address, condition and division is the same for all secrets\n", r.Functions, r.Sites)
	fmt.Fprintln(w, "operation\tsuite\tsecrets\tevents\tverdict")
	left := false
	for i := range r.Traces {
		t := &r.Traces[i]
		star := ""
		if t.LeftOut {
			left, star = true, " *"
		}
		fmt.Fprintf(w, "%s%s\t%s\t%d\t%d\t%s\n", t.Operation, star, t.Suite, t.Secrets, t.Events, word(t.ok()))
	}
	if left {
		fmt.Fprintln(w, "* without the verification of the Ed25519 signatures, which are public and differ")
	}
	fmt.Fprintf(w, "left out of all: %d call that is known not to be constant time, in the standard library (README.md)\n", len(knownCalls))
	for i := range r.Traces {
		if t := &r.Traces[i]; !t.ok() {
			fmt.Fprintf(w, "\n%s, %s: %d of %d secrets differ from the first\n%s", t.Operation, t.Suite, t.Different, t.Secrets, t.First)
		}
	}
}

func (r *report) printScans(w io.Writer) {
	if len(r.Scans) == 0 {
		return
	}
	fmt.Fprintln(w, "\nDIVISIONS in functions on secret paths")
	fmt.Fprintln(w, "binary\tfunctions\tdivisions\tof public lengths\tverdict")
	for i := range r.Scans {
		s := &r.Scans[i]
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%s\n", s.Binary, s.Functions, len(s.Found), len(s.Public), word(s.ok()))
	}
	for i := range r.Scans {
		for _, f := range r.Scans[i].Found {
			fmt.Fprintf(w, "%s: division in %s\n", r.Scans[i].Binary, f)
		}
	}
}

func (r *report) printTimes(w io.Writer) {
	if len(r.Times) == 0 {
		return
	}
	fmt.Fprintf(w, "\nTIMES of a fixed and of random secrets, natively: |t| below %d\n", limit)
	fmt.Fprintln(w, "target\tsuite\tmeasurements\tfixed µs\trandom µs\tt\tverdict")
	for i := range r.Times {
		t := &r.Times[i]
		again := ""
		if t.Repeated {
			again = ", at the second time"
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%.2f\t%.2f\t%+.2f\t%s%s\n", t.Target, t.Suite, t.Measurements, t.Fixed/1000, t.Random/1000, t.T, word(t.ok()), again)
	}
}

func (r *report) printLeaks(w io.Writer) {
	if len(r.Leaks) == 0 {
		return
	}
	fmt.Fprintln(w, "\nDELIBERATE FAULTS, which the checks have to see")
	fmt.Fprintln(w, "fault\tcheck\tsuite\tfigure\tverdict")
	for i := range r.Leaks {
		l := &r.Leaks[i]
		verdict := "seen"
		if !l.Seen {
			verdict = "NOT SEEN"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", l.Fault, l.Check, l.Suite, l.Figure, verdict)
	}
}

// difference sums up where traces part, or that they do if it was not looked for.
func (t *traceResult) difference() string {
	if t.First == nil {
		return fmt.Sprintf("%d of %d secrets differ from the first", t.Different, t.Secrets-1)
	}
	e := t.First.at()
	return fmt.Sprintf("%s in %s", e.Kind, short(e.Function))
}

// at returns the first event that differs.
func (d *divergence) at() event {
	for i := range d.A {
		if i >= len(d.B) || d.A[i] != d.B[i] {
			return d.A[i]
		}
	}
	return event{Kind: "end", Function: "the trace"}
}

// short leaves the module's path out of a function's name.
func short(function string) string {
	return strings.TrimPrefix(function, "github.com_recrypt_service_recrypt_wasm_")
}

// String lists the events around the first difference, the latter marked.
func (d *divergence) String() string {
	var b strings.Builder
	side := func(e []event, i int) string {
		if i >= len(e) {
			return "(the trace has ended)"
		}
		return fmt.Sprintf("%s %s in %s", e[i].Kind, e[i].Value, short(e[i].Function))
	}
	for i := range max(len(d.A), len(d.B)) {
		a, o := side(d.A, i), side(d.B, i)
		if a == o {
			fmt.Fprintf(&b, "  %d  %s\n", d.first()+i, a)
		} else {
			fmt.Fprintf(&b, "> %d  %s  |  %s\n", d.first()+i, a, o)
		}
	}
	return b.String()
}

// first is the number of the first event that is shown.
func (d *divergence) first() int { return max(1, d.Event-around) }
