package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// A class is the functions whose names match: a part of an operation, or a layer.
type class struct {
	name  string
	names *regexp.Regexp
}

// parts are what an operation does. A sample belongs to the first part that one of its
// functions is of, from the outermost function inwards.
var parts = []class{
	{"Miller loops", regexp.MustCompile(`/bn\d+\.miller`)},
	{"final exponentiations", regexp.MustCompile(`/bn\d+\.finalExp`)},
	{"membership in GT", regexp.MustCompile(`/bn\d+\.(\(\*GT\)\.SetBytes|inGT)`)},
	{"powers in GT", regexp.MustCompile(`/bn\d+\.(\(\*GT\)\.(Base)?Exp|\(\*tableGT\))`)},
	{"G1", regexp.MustCompile(`/bn\d+\.(\(\*G1\)|\(\*point1\))`)},
	{"G2 and its lines", regexp.MustCompile(`/bn\d+\.(\(\*G2\)|\(\*point2\)|\(\*PreparedG2\))`)},
	{"Ed25519", regexp.MustCompile(`/(ed25519|edwards25519|eddsa)[./]`)},
	{"hashes", regexp.MustCompile(`/sha(256|512)\.`)},
}

// layers are where the processor is: a sample belongs to the layer of its innermost
// function. What the assembly of Fp2 does of Fp counts as Fp2.
var layers = []class{
	{"Fp", regexp.MustCompile(`/ff\.(\(\*Fp\)|fp[^0-9.]*$)`)},
	{"Fp2", regexp.MustCompile(`/ff\.(\(\*Fp2\)|fp2)`)},
	{"Fp6, Fp12", regexp.MustCompile(`/ff\.(\(\*(Fp6|Fp12|sparse|squares\d*)\))`)},
	{"other fields", regexp.MustCompile(`/ff\.`)},
	{"groups, pairing", regexp.MustCompile(`/bn\d+\.`)},
	{"Ed25519", regexp.MustCompile(`/(ed25519|edwards25519|eddsa)[./]`)},
	{"hashes", regexp.MustCompile(`/sha(256|512)\.`)},
	{"Go's runtime", regexp.MustCompile(`^(runtime|internal/runtime)[./]`)},
}

const rest = "rest"

// A profile is the time that one operation took, by part and by layer.
type profile struct {
	op, suite       string
	all             time.Duration
	byPart, byLayer map[string]time.Duration
}

// profiles takes a profile of each operation of the native engine that is asked for, one
// after the other.
func (w *workshop) profiles(ctx context.Context, only *regexp.Regexp, least time.Duration) ([]*profile, error) {
	program, out := filepath.Join(w.dir, "native"), filepath.Join(w.dir, "cpu.out")
	var all []*profile
	for _, suite := range suites {
		for _, op := range operations {
			if !only.MatchString(key{op, suite, "native"}.String()) {
				continue
			}
			if _, err := w.run(ctx, nil, program, "-profile", out, "-op", op, "-suite", suite, "-time", least.String()); err != nil {
				return nil, err
			}
			traces, err := w.run(ctx, nil, "go", "tool", "pprof", "-traces", program, out)
			if err != nil {
				return nil, err
			}
			p, err := parseTraces(traces)
			if err != nil {
				return nil, err
			}
			p.op, p.suite = op, suite
			all = append(all, p)
		}
	}
	return all, nil
}

// sampleStart is the first line of a sample: its time, its innermost function.
var sampleStart = regexp.MustCompile(`^ +([0-9.]+(?:ns|us|µs|ms|s|min|h|mins|hrs)) +(\S.*)$`)

// parseTraces reads the output of "go tool pprof -traces".
func parseTraces(b []byte) (*profile, error) {
	p := &profile{byPart: map[string]time.Duration{}, byLayer: map[string]time.Duration{}}
	var stack []string
	var spent time.Duration
	end := func() {
		if len(stack) > 0 {
			p.add(stack, spent)
		}
		stack = nil
	}
	inside := false
	for lines := bufio.NewScanner(bytes.NewReader(b)); lines.Scan(); {
		line := lines.Text()
		if strings.HasPrefix(line, "-----") {
			end()
			inside = true
			continue
		}
		if !inside {
			continue
		}
		if m := sampleStart.FindStringSubmatch(line); m != nil {
			end()
			var err error
			if spent, err = time.ParseDuration(m[1]); err != nil {
				return nil, fmt.Errorf("read a profile: %w", err)
			}
			line = m[2]
		}
		stack = append(stack, strings.TrimSuffix(strings.TrimSpace(line), " (inline)"))
	}
	end()
	return p, nil
}

// add counts a sample; the innermost function is the first one.
func (p *profile) add(stack []string, spent time.Duration) {
	part := rest
	for i := len(stack) - 1; i >= 0 && part == rest; i-- {
		part = classify(parts, stack[i])
	}
	p.all += spent
	p.byPart[part] += spent
	p.byLayer[classify(layers, stack[0])] += spent
}

// classify returns the first class that a function is of, or rest.
func classify(classes []class, function string) string {
	for _, c := range classes {
		if c.names.MatchString(function) {
			return c.name
		}
	}
	return rest
}

// sharesOf returns tables of the shares of time.
func sharesOf(all []*profile) []*table {
	of := func(title string, classes []class, times func(*profile) map[string]time.Duration) *table {
		t := &table{title: title, head: []string{"operation"}}
		for _, c := range append(classes[:len(classes):len(classes)], class{name: rest}) {
			t.head = append(t.head, c.name)
		}
		for _, p := range all {
			line := []string{p.op + ", " + p.suite}
			for _, name := range t.head[1:] {
				spent := times(p)[name]
				line = append(line, orDash(spent > 0, fmt.Sprintf("%.0f %%", 100*float64(spent)/float64(p.all))))
			}
			t.rows = append(t.rows, line)
		}
		t.compact()
		return t
	}
	inner := of("Where the processors' time goes natively, by layer", layers, func(p *profile) map[string]time.Duration { return p.byLayer })
	inner.note = "Innermost functions of samples. What the assembly of Fp2 does of Fp counts as Fp2."
	return []*table{of("Where the processors' time goes natively, by what it is for", parts, func(p *profile) map[string]time.Duration { return p.byPart }), inner}
}
