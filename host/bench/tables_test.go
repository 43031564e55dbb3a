package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestFloors(t *testing.T) {
	r := full()
	verdicts := map[string]string{}
	for _, line := range floorsOf(r).rows {
		verdicts[line[0]] = strings.Join(line[1:], " ")
	}
	for what, want := range map[string]string{
		"key_pair: npm ÷ ours in Node":                            "≥ 5.00 6.00 met",
		"key_pair: npm ÷ ours native":                             "≥ 20.0 24.0 met",
		"transform_key: npm ÷ ours in Node":                       "≥ 6.00 6.00 met",
		"decrypt_1: wazero ÷ Node":                                "≤ 1.80 1.50 met",
		"decrypt_1: npm's 256 bits ÷ our recrypt480 native":       "≥ 4.00 24.0 met",
		"decrypt_1: our recrypt480 in Node ÷ npm's 256 bits":      "≤ 1.40 0.17 met",
		"pairing: mcl-wasm ÷ ours with g1, in Node":               "≥ 1.00 2.00 met",
		"pairing: gnark-crypto PairFixedQ ÷ ours with g1, native": "≥ 1.00 0.50 missed",
	} {
		if verdicts[what] != want {
			t.Errorf("%s: %q, want %q", what, verdicts[what], want)
		}
	}
	slow := key{"encrypt", "recrypt256", "wazero"}
	r[slow] = row{slow, 8e6, 8e6}
	delete(r, key{"plaintext", "recrypt256", "npm"})
	table := floorsOf(r)
	for _, line := range table.rows {
		switch word := line[len(line)-1]; line[0] {
		case "encrypt: wazero ÷ Node":
			if word != "missed" {
				t.Errorf("%v", line)
			}
		case "plaintext: npm ÷ ours in Node", "plaintext: npm ÷ ours native":
			t.Errorf("not measured, but there: %v", line)
		}
	}
	if want := "23 of 27 met, 2 not measured."; table.note != want {
		t.Errorf("%q, want %q", table.note, want)
	}
}

func TestDuration(t *testing.T) {
	for ns, want := range map[int64]string{
		850: "0.85 µs", 52_340: "52.3 µs", 123_456: "123 µs", 1_234_567: "1.23 ms", 45_600_000: "45.6 ms", 162_000_000: "162 ms", 12_300_000_000: "12.3 s",
	} {
		if got := duration(ns); got != want {
			t.Errorf("%d: %q, want %q", ns, got, want)
		}
	}
}

func TestAgainst(t *testing.T) {
	old := &file{Date: "yesterday", Rows: full().scheme()}
	r := full()
	change := func(op, engine string, ns int64) {
		k := key{op, "recrypt256", engine}
		r[k] = row{k, ns, ns}
	}
	change("encrypt", "node", 8e6)
	change("decrypt_0", "native", 5e5)
	delete(r, key{"key_pair", "recrypt256", "npm"})
	table := against(r, old)
	words := map[string]string{}
	for _, line := range table.rows {
		words[line[0]] = strings.Join(line[1:], " ")
	}
	for name, want := range map[string]string{
		"encrypt/recrypt256/node":     "4.00 ms 8.00 ms 2.00 1.00 slower",
		"decrypt_0/recrypt256/native": "1.00 ms 500 µs 0.50 0.25 faster",
		"encrypt/recrypt256/wazero":   "6.00 ms 6.00 ms 1.00 1.00 ",
		"node, geometric mean":        "  1.04  ", // 2 to the 1/18
		"npm, geometric mean":         "  1.00  ",
	} {
		if words[name] != want {
			t.Errorf("%s: %q, want %q", name, words[name], want)
		}
	}
	if _, there := words["key_pair/recrypt256/npm"]; there {
		t.Error("a row that was not measured is compared")
	}
}

func TestTables(t *testing.T) {
	var text, markdown bytes.Buffer
	for _, table := range tables(full()) {
		for _, line := range table.rows {
			if len(line) != len(table.head) {
				t.Errorf("%s: %d cells in %v", table.title, len(line), line)
			}
		}
		table.print(&text)
		table.markdown(&markdown)
	}
	for _, want := range []string{
		"encrypt 1.00 ms 2.00 ms 6.00 ms 12.0 ms 4.00 ms 8.00 ms 24.0 ms 48.0 ms decrypt_0",
		"encrypt 6.00 (6.00) 4.00 (4.00) 24.0 (24.0) 1.50 (1.50) 4.00 (4.00) decrypt_0",
		"decrypt_1_x16, recrypt256 500 µs (2.00) The pairing",
	} {
		if !strings.Contains(oneLine(text.String()), want) {
			t.Errorf("missing %q in\n%s", want, text.String())
		}
	}
	if want := "| encrypt | 1.00 ms | 2.00 ms | 6.00 ms | 12.0 ms | 4.00 ms | 8.00 ms |\n"; !strings.Contains(markdown.String(), want) {
		t.Errorf("missing %q", want)
	}
	text.Reset()
	timesOf(results{}, "recrypt256").print(&text)
	if text.Len() > 0 {
		t.Errorf("a table of nothing: %q", text.String())
	}
}

// The plot is well-formed, within its frame, and has a bar for every row.
func TestPlot(t *testing.T) {
	r := full()
	for name, rep := range map[string]*report{
		"full":  {file: file{Machine: "a & <b>", Rows: r.scheme()}, results: r},
		"empty": {results: results{}},
	} {
		b := plot(rep)
		bars := 0
		decoder := xml.NewDecoder(bytes.NewReader(b))
		for {
			token, err := decoder.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if e, ok := token.(xml.StartElement); ok && e.Name.Local == "rect" && slices.ContainsFunc(e.Attr, func(a xml.Attr) bool { return a.Name.Local == "height" && a.Value == "11" }) {
				bars++
			}
		}
		want := len(rep.Rows)
		if want > 0 {
			want += len(operations) // npm's stand in both panels
		}
		if bars != want {
			t.Errorf("%s: %d bars, want %d", name, bars, want)
		}
		if strings.Contains(string(b), `width="-`) || strings.Contains(string(b), "NaN") {
			t.Errorf("%s: numbers out of range", name)
		}
	}
}

func TestReport(t *testing.T) {
	r := full()
	rep := &report{
		file: file{Machine: "m", Date: "d", Rows: r.scheme()}, results: r, rounds: 3, least: time.Millisecond,
		load: "0.42", abouts: []string{"npm: a package"}, missing: []string{"mcl: no network"}, old: &file{Date: "before", Rows: r.scheme()},
	}
	var out bytes.Buffer
	if err := rep.write(&out, false); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\nm\nd\n3 rounds of at least 1ms", "npm: a package", "Floors", "Against the run of before", "medians are 2.00 times the minima", "before: 0.42", "not measured: mcl: no network"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("missing %q", want)
		}
	}
	markdown := string(rep.markdown())
	for _, want := range []string{"# Results", "](results.svg)", "- m\n- d\n", "- not measured: mcl: no network", "## Floors"} {
		if !strings.Contains(markdown, want) {
			t.Errorf("RESULTS.md: missing %q", want)
		}
	}
	if strings.Contains(markdown, "Against") {
		t.Error("RESULTS.md compares")
	}
}
