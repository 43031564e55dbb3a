package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func TestSummarize(t *testing.T) {
	k := key{"encrypt", "recrypt256", "node"}
	for _, c := range []struct {
		samples     []float64
		min, median int64
	}{
		{[]float64{7}, 7, 7},
		{[]float64{9, 3}, 3, 6},
		{[]float64{5, 1, 3}, 1, 3},
		{[]float64{4, 1, 3, 1000}, 1, 4}, // 3.5, rounded
		{[]float64{10.4, 10.4, 99}, 10, 10},
	} {
		if got, want := summarize(k, c.samples), (row{k, c.min, c.median}); got != want {
			t.Errorf("%v: %+v, want %+v", c.samples, got, want)
		}
	}
	samples := []float64{3, 1, 2}
	summarize(k, samples)
	if samples[0] != 3 {
		t.Error("the samples were sorted in place")
	}
}

// full returns results of a complete run; every quotient of two engines is made by hand.
func full() results {
	r := results{}
	for _, suite := range suites {
		for _, op := range operations {
			for engine, ns := range map[string]int64{"native": 1e6, "wazero": 6e6, "node": 4e6, "npm": 24e6} {
				if engine != "npm" || suite == "recrypt256" {
					k := key{op, suite, engine}
					r[k] = row{k, ns, 2 * ns}
				}
			}
		}
	}
	for k, ns := range map[key]int64{
		{"decrypt_1_x16", "recrypt256", "native"}:     5e5,
		{"pairing", other, mcl}:                       2e6,
		{"pairing_fixed", other, gnark}:               5e5,
		{"pairing_fixed", "recrypt256", "node"}:       1e6,
		{"pairing_fixed", "recrypt256", "native"}:     1e6,
		{"pairing_prepared", "recrypt480", "native"}:  7e5,
		{"pairing_prepared", "recrypt256", "unknown"}: 1,
	} {
		r[k] = row{k, ns, ns}
	}
	return r
}

func TestUnrest(t *testing.T) {
	r := results{}
	for i, median := range []int64{10, 11, 30} {
		k := key{operations[i], "recrypt256", "node"}
		r[k] = row{k, 10, median}
	}
	if got := r.unrest(); got != 1.1 {
		t.Error(got)
	}
	if got := (results{}).unrest(); got != 0 {
		t.Error(got)
	}
}

func TestScheme(t *testing.T) {
	r := full()
	rows := r.scheme()
	if len(rows) != 9*7 || !r.complete() {
		t.Errorf("%d rows, complete: %v", len(rows), r.complete())
	}
	if rows[0].key != (key{"key_pair", "recrypt256", "native"}) || rows[62].key != (key{"decrypt_2", "recrypt480", "node"}) {
		t.Errorf("from %s to %s", rows[0].key, rows[62].key)
	}
	delete(r, key{"encrypt", "recrypt256", "npm"})
	if r.complete() {
		t.Error("complete without a row")
	}
	if len(results{}.scheme()) != 0 {
		t.Error("rows out of nothing")
	}
}

func TestFile(t *testing.T) {
	f := file{Machine: `a "machine"`, Date: "2026-01-02T03:04:05Z", Rows: full().scheme()}
	b, err := f.json()
	if err != nil {
		t.Fatal(err)
	}
	var generic struct {
		Machine, Date string
		Rows          []map[string]any
	}
	if err := json.Unmarshal(b, &generic); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"op": "key_pair", "suite": "recrypt256", "engine": "native", "ns_min": 1e6, "ns_median": 2e6}
	if generic.Machine != f.Machine || !reflect.DeepEqual(generic.Rows[0], want) {
		t.Errorf("%q %v", generic.Machine, generic.Rows[0])
	}
	path := filepath.Join(t.TempDir(), "latest.json")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	again, err := readFile(path)
	if err != nil || !reflect.DeepEqual(*again, f) {
		t.Errorf("read again: %v", err)
	}
	empty, err := (&file{Machine: "m", Rows: []row{}}).json()
	if err != nil || !json.Valid(empty) {
		t.Errorf("%s %v", empty, err)
	}
}

func TestReadFileRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "latest.json")
	line := `{"op":"encrypt","suite":"recrypt256","engine":"node","ns_min":5,"ns_median":6}`
	for name, rows := range map[string]string{
		"cut":               line + ",",
		"unknown operation": strings.Replace(line, "encrypt", "decode", 1),
		"unknown suite":     strings.Replace(line, "256", "512", 1),
		"unknown engine":    strings.Replace(line, "node", "deno", 1),
		"no time":           strings.Replace(line, "5", "0", 1),
		"median below":      strings.Replace(line, "6}", "4}", 1),
		"twice":             line + "," + line,
	} {
		if err := os.WriteFile(path, []byte(`{"machine":"m","date":"d","rows":[`+rows+`]}`), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readFile(path); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := readFile(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a missing file was read")
	}
}

// A committed latest.json is one that can be compared with.
func TestLatest(t *testing.T) {
	f, err := readFile("latest.json")
	if os.IsNotExist(err) {
		t.Skip("no results here")
	}
	if err != nil {
		t.Fatal(err)
	}
	r := results{}
	for _, row := range f.Rows {
		r[row.key] = row
	}
	if f.Machine == "" || f.Date == "" || !r.complete() {
		t.Error("not of a complete run")
	}
}

// FuzzFile: what is accepted is written and read again as it was.
func FuzzFile(f *testing.F) {
	f.Add([]byte(`{"machine":"m","date":"d","rows":[{"op":"encrypt","suite":"recrypt256","engine":"node","ns_min":5,"ns_median":6}]}`))
	f.Add([]byte(`{"rows":[]}`))
	f.Add([]byte(`{`))
	f.Fuzz(func(t *testing.T, b []byte) {
		first, err := parseFile(b)
		if err != nil {
			return
		}
		out, err := first.json()
		if err != nil {
			t.Fatal(err)
		}
		second, err := parseFile(out)
		if err != nil || len(second.Rows) != len(first.Rows) || second.Machine != first.Machine {
			t.Fatalf("not the same again: %v", err)
		}
	})
}
