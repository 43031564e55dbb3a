package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
)

// The operations and suites of the scheme, and the engines, by their names in latest.json.
var (
	operations = []string{"key_pair", "plaintext", "transform_key", "encrypt", "decrypt_0", "transform_1", "decrypt_1", "transform_2", "decrypt_2"}
	suites     = []string{"recrypt256", "recrypt480"}
	engines    = []string{"native", "wazero", "node", "npm"}
)

// The operations on batch items in one call. Their rows are of one item.
var batches = []string{"transform_1_x16", "decrypt_1_x16"}

const batch = 16

// The operations of the table of pairings: both arguments change, a table is made of the
// second one beforehand, the second one is the fixed g1.
var pairings = []string{"pairing", "pairing_prepared", "pairing_fixed"}

// other is the suite of pairings that are not ours.
const other = "BN254"

// A key names a row.
type key struct {
	Op     string `json:"op"`
	Suite  string `json:"suite"`
	Engine string `json:"engine"`
}

func (k key) String() string { return k.Op + "/" + k.Suite + "/" + k.Engine }

// A row is the result of an operation: nanoseconds of one call.
type row struct {
	key
	Min    int64 `json:"ns_min"`
	Median int64 `json:"ns_median"`
}

// A file is latest.json.
type file struct {
	Machine string `json:"machine"`
	Date    string `json:"date"`
	Rows    []row  `json:"rows"`
}

// results are rows by their names.
type results map[key]row

// summarize makes the row of the nanoseconds that the rounds measured.
func summarize(k key, samples []float64) row {
	sorted := slices.Sorted(slices.Values(samples))
	return row{k, int64(math.Round(sorted[0])), int64(math.Round(median(sorted)))}
}

// ratio returns the quotient of two rows' minimum times, or false if one is missing.
func (r results) ratio(above, below key) (float64, bool) {
	a, b := r[above], r[below]
	if a.Min == 0 || b.Min == 0 {
		return 0, false
	}
	return float64(a.Min) / float64(b.Min), true
}

// scheme returns the rows of the scheme's operations in order, without the pairings.
func (r results) scheme() []row {
	rows := []row{}
	for _, suite := range suites {
		for _, op := range operations {
			for _, engine := range engines {
				if row, ok := r[key{op, suite, engine}]; ok {
					rows = append(rows, row)
				}
			}
		}
	}
	return rows
}

// unrest returns the median over all rows of median ÷ minimum: how much the rounds
// differed, 1 if not at all.
func (r results) unrest() float64 {
	var quotients []float64
	for _, row := range r {
		quotients = append(quotients, float64(row.Median)/float64(row.Min))
	}
	return median(slices.Sorted(slices.Values(quotients)))
}

// median returns the median of sorted numbers.
func median(sorted []float64) float64 {
	n := len(sorted)
	if n == 0 {
		return 0
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// complete reports whether every row of the scheme is there: npm has one suite.
func (r results) complete() bool {
	return len(r.scheme()) == len(operations)*(len(suites)*len(engines)-1)
}

// readFile reads a latest.json.
func readFile(path string) (*file, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f, err := parseFile(b)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	return f, nil
}

func parseFile(b []byte) (*file, error) {
	var f file
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, err
	}
	seen := map[key]bool{}
	for _, row := range f.Rows {
		known := slices.Contains(operations, row.Op) && slices.Contains(suites, row.Suite) && slices.Contains(engines, row.Engine)
		if !known || seen[row.key] || row.Min <= 0 || row.Median < row.Min {
			return nil, fmt.Errorf("row %s is not one of ours, is there twice, or has no sensible times", row.key)
		}
		seen[row.key] = true
	}
	return &f, nil
}

// json returns the contents of latest.json, one line a row.
func (f *file) json() ([]byte, error) {
	head, err := json.Marshal(struct {
		Machine string `json:"machine"`
		Date    string `json:"date"`
	}{f.Machine, f.Date})
	if err != nil {
		return nil, err
	}
	out := append(head[:len(head)-1], `,"rows":[`...)
	for i, row := range f.Rows {
		b, err := json.Marshal(row)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(out, '\n'), b...)
	}
	return append(out, "\n]}\n"...), nil
}
