//go:build !wasip1

package main

import (
	"encoding/json"
	"go/parser"
	"go/token"
	"os"
	"regexp"
	"slices"
	"testing"
)

func atRoot(t *testing.T) {
	t.Helper()
	old := root
	root = "../../.."
	t.Cleanup(func() { root = old })
}

// TestLeaksFit: every deliberate fault fits the sources as they are, and leaves Go.
func TestLeaksFit(t *testing.T) {
	atRoot(t)
	for i := range leaks {
		l := &leaks[i]
		overlay, err := l.overlay(t.TempDir())
		if err != nil {
			t.Errorf("%s: %v", l.name, err)
			continue
		}
		text, err := os.ReadFile(overlay)
		if err != nil {
			t.Fatal(err)
		}
		var list struct{ Replace map[string]string }
		if err := json.Unmarshal(text, &list); err != nil {
			t.Fatal(err)
		}
		if len(list.Replace) < len(curves) {
			t.Errorf("%s: replaces %d files", l.name, len(list.Replace))
		}
		for real, spoilt := range list.Replace {
			if _, err := parser.ParseFile(token.NewFileSet(), spoilt, nil, 0); err != nil {
				t.Errorf("%s, in place of %s: %v", l.name, real, err)
			}
		}
	}
}

func TestEditNeedsItsPlace(t *testing.T) {
	e := edit{"f.go", "b", "c"}
	for text, want := range map[string]string{"abd": "acd", "ad": "", "abb": ""} {
		got, err := e.apply("", text)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("%q becomes %q, %v", text, got, err)
		}
	}
}

// TestLeaksCover: every check has a fault that it must see, and one is tried each time.
func TestLeaksCover(t *testing.T) {
	var traces, times, divides, quick bool
	known := map[string]bool{}
	for _, o := range operations("cover") {
		known[o.name] = true
	}
	timed := targets()
	for _, l := range leaks {
		traces = traces || len(l.operates) > 0
		if l.times != "" {
			times = true
			pattern := regexp.MustCompile(l.times)
			if !slices.ContainsFunc(timed, func(t target) bool { return pattern.MatchString(t.label()) }) {
				t.Errorf("%s: no target matches %q", l.name, l.times)
			}
		}
		divides = divides || l.divides
		quick = quick || l.quick
		for _, name := range l.operates {
			if !known[name] {
				t.Errorf("%s: no operation %q", l.name, name)
			}
		}
	}
	if !traces || !times || !divides || !quick {
		t.Error("a check is never tried on a fault")
	}
}
