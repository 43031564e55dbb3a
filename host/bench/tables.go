package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// A table is printed as text or as Markdown.
type table struct {
	title string
	head  []string
	rows  [][]string
	note  string
}

// print writes a table for a terminal: the first column to the left, the others to the
// right.
func (t *table) print(w io.Writer) {
	if len(t.rows) == 0 {
		return
	}
	width := make([]int, len(t.head))
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i, c := range row {
			width[i] = max(width[i], utf8.RuneCountInString(c))
		}
	}
	fmt.Fprintf(w, "\n%s\n", t.title)
	for _, row := range append([][]string{t.head}, t.rows...) {
		var line strings.Builder
		for i, c := range row {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(c))
			if i == 0 {
				line.WriteString("  " + c + pad)
			} else {
				line.WriteString("  " + pad + c)
			}
		}
		fmt.Fprintln(w, strings.TrimRight(line.String(), " "))
	}
	if t.note != "" {
		fmt.Fprintf(w, "  %s\n", t.note)
	}
}

// markdown writes a table for RESULTS.md.
func (t *table) markdown(w io.Writer) {
	if len(t.rows) == 0 {
		return
	}
	fmt.Fprintf(w, "\n## %s\n\n| %s |\n|---|%s\n", t.title, strings.Join(t.head, " | "), strings.Repeat("---:|", len(t.head)-1))
	for _, row := range t.rows {
		fmt.Fprintf(w, "| %s |\n", strings.Join(row, " | "))
	}
	if t.note != "" {
		fmt.Fprintf(w, "\n%s\n", t.note)
	}
}

// duration formats nanoseconds with three digits.
func duration(ns int64) string {
	switch d := time.Duration(ns); {
	case d < time.Millisecond:
		return digits(float64(ns)/1e3) + " µs"
	case d < 10*time.Second:
		return digits(float64(ns)/1e6) + " ms"
	default:
		return digits(float64(ns)/1e9) + " s"
	}
}

// digits formats a number with about three digits.
func digits(x float64) string {
	switch {
	case x < 10:
		return fmt.Sprintf("%.2f", x)
	case x < 100:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.0f", x)
}

// tables returns everything that a run shows.
func tables(r results) []*table {
	var all []*table
	for _, suite := range suites {
		all = append(all, timesOf(r, suite))
	}
	all = append(all, ratiosOf(r, "recrypt256"), ratiosOf(r, "recrypt480"), batchesOf(r), pairingsOf(r), floorsOf(r))
	for _, t := range all {
		t.compact()
	}
	return all
}

// compact drops the columns that hold nothing.
func (t *table) compact() {
	for i := len(t.head) - 1; i > 0; i-- {
		if !slices.ContainsFunc(t.rows, func(row []string) bool { return row[i] != dash }) {
			t.head = slices.Delete(t.head, i, i+1)
			for j := range t.rows {
				t.rows[j] = slices.Delete(t.rows[j], i, i+1)
			}
		}
	}
}

var columns = map[string]string{"native": "native", "wazero": "wazero", "node": "Node", "npm": "npm"}

// timesOf returns the times of a suite.
func timesOf(r results, suite string) *table {
	t := &table{title: suite + ": time of one call, minimum and median of the rounds", head: []string{"operation"}}
	for _, engine := range engines {
		if engine != "npm" || suite == "recrypt256" {
			t.head = append(t.head, columns[engine], "median")
		}
	}
	for _, op := range operations {
		line, any := []string{op}, false
		for _, engine := range engines {
			if engine == "npm" && suite != "recrypt256" {
				continue
			}
			row, ok := r[key{op, suite, engine}]
			any = any || ok
			line = append(line, orDash(ok, duration(row.Min)), orDash(ok, duration(row.Median)))
		}
		if any {
			t.rows = append(t.rows, line)
		}
	}
	return t
}

// ratiosOf returns the quotients of a suite's times and those of npm's 256 bits.
func ratiosOf(r results, suite string) *table {
	t := &table{title: suite + " beside the npm package's 256 bits: quotients of minimum (of median) times",
		head: []string{"operation", "npm ÷ Node", "npm ÷ wazero", "npm ÷ native", "wazero ÷ Node", "Node ÷ native"}}
	for _, op := range operations {
		npm := key{op, "recrypt256", "npm"}
		our := func(engine string) key { return key{op, suite, engine} }
		line, any := []string{op}, false
		for _, pair := range [][2]key{{npm, our("node")}, {npm, our("wazero")}, {npm, our("native")}, {our("wazero"), our("node")}, {our("node"), our("native")}} {
			q, ok := r.ratio(pair[0], pair[1])
			median := float64(r[pair[0]].Median) / float64(r[pair[1]].Median)
			any = any || ok
			line = append(line, orDash(ok, digits(q)+" ("+digits(median)+")"))
		}
		if any {
			t.rows = append(t.rows, line)
		}
	}
	if suite == "recrypt256" {
		t.note = "Beyond the floors, the aim is 22 natively, which is 10 times upstream's native code, and 6 in WebAssembly."
	}
	return t
}

// batchesOf returns the times of an item when many are given in one call, and how many
// times faster that is than one by one.
func batchesOf(r results) *table {
	t := &table{title: fmt.Sprintf("%d at once, in one call: minimum time of one of them (one by one ÷ that)", batch), head: []string{"operation"}}
	for _, engine := range engines[:3] {
		t.head = append(t.head, columns[engine])
	}
	for _, suite := range suites {
		for _, op := range batches {
			line, any := []string{op + ", " + suite}, false
			for _, engine := range engines[:3] {
				k := key{op, suite, engine}
				row, ok := r[k]
				any = any || ok
				q, _ := r.ratio(key{strings.TrimSuffix(op, "_x16"), suite, engine}, k)
				line = append(line, orDash(ok, duration(row.Min)+" ("+digits(q)+")"))
			}
			if any {
				t.rows = append(t.rows, line)
			}
		}
	}
	return t
}

// pairingsOf returns the table of pairings by themselves.
func pairingsOf(r results) *table {
	t := &table{title: "The pairing by itself, minimum times", head: []string{"pairing"}}
	columns := []struct{ head, suite, engine string }{
		{"ours 256 native", "recrypt256", "native"},
		{"gnark-crypto BN254 native", other, gnark},
		{"ours 480 native", "recrypt480", "native"},
		{"ours 256 in Node", "recrypt256", "node"},
		{"mcl-wasm BN254 in Node", other, mcl},
		{"ours 480 in Node", "recrypt480", "node"},
	}
	for _, c := range columns {
		t.head = append(t.head, c.head)
	}
	names := map[string]string{"pairing": "both arguments change", "pairing_prepared": "table of the second one made before", "pairing_fixed": "fixed second argument (ours: g1)"}
	for _, op := range pairings {
		line, any := []string{names[op]}, false
		for _, c := range columns {
			row, ok := r[key{op, c.suite, c.engine}]
			any = any || ok
			line = append(line, orDash(ok, duration(row.Min)))
		}
		if any {
			t.rows = append(t.rows, line)
		}
	}
	return t
}

// floorsOf returns the table of what must be met, as far as it was measured.
func floorsOf(r results) *table {
	t := &table{title: "Floors", head: []string{"quotient of minimum times", "floor", "measured", ""}}
	met, all := 0, floors()
	for _, f := range all {
		q, ok, known := f.verdict(r)
		if !known {
			continue
		}
		sign, word := "≥ ", "missed"
		if f.atMost {
			sign = "≤ "
		}
		if ok {
			met, word = met+1, "met"
		}
		t.rows = append(t.rows, []string{f.what, sign + digits(f.limit), digits(q), word})
	}
	t.note = fmt.Sprintf("%d of %d met, %d not measured.", met, len(all), len(all)-len(t.rows))
	return t
}

// against returns the comparison with an earlier run: the new minimum times divided by
// the old ones.
func against(r results, old *file) *table {
	t := &table{title: "Against the run of " + old.Date + ": new times ÷ old times", head: []string{"row", "old", "new", "minimum", "median", ""}}
	logs, n := map[string]float64{}, map[string]int{}
	for _, before := range old.Rows {
		now, ok := r[before.key]
		if !ok {
			continue
		}
		q, m := float64(now.Min)/float64(before.Min), float64(now.Median)/float64(before.Median)
		word := ""
		switch {
		case q >= 1.1:
			word = "slower"
		case q <= 1/1.1:
			word = "faster"
		}
		logs[now.Engine] += math.Log(q)
		n[now.Engine]++
		t.rows = append(t.rows, []string{now.key.String(), duration(before.Min), duration(now.Min), digits(q), digits(m), word})
	}
	for _, engine := range engines {
		if n[engine] > 0 {
			t.rows = append(t.rows, []string{engine + ", geometric mean", "", "", digits(math.Exp(logs[engine] / float64(n[engine]))), "", ""})
		}
	}
	t.note = "Quotients of two runs tell little when the machine or its load was another: that of npm shows how much."
	return t
}

// dash stands for what was not measured.
const dash = "–"

func orDash(ok bool, s string) string {
	if ok {
		return s
	}
	return dash
}
