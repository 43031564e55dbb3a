package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// A report is what a run found.
type report struct {
	file
	results  results
	rounds   int
	least    time.Duration
	load     string
	abouts   []string
	missing  []string
	old      *file
	profiles []*profile
}

// tables returns what the run found.
func (r *report) tables() []*table {
	return append(tables(r.results), sharesOf(r.profiles)...)
}

// write prints the tables, or the JSON.
func (r *report) write(w io.Writer, asJSON bool) error {
	if asJSON {
		b, err := r.file.json()
		if err != nil {
			return err
		}
		_, err = w.Write(b)
		return err
	}
	fmt.Fprintf(w, "\n%s\n%s\n%s\n%s\n", r.Machine, r.Date, r.how(), r.quiet())
	for _, a := range r.abouts {
		fmt.Fprintln(w, "  "+a)
	}
	for _, t := range r.tables() {
		t.print(w)
	}
	if r.old != nil {
		against(r.results, r.old).print(w)
	}
	for _, m := range r.missing {
		fmt.Fprintf(w, "\nnot measured: %s\n", m)
	}
	return nil
}

func (r *report) how() string {
	return fmt.Sprintf("%d rounds of at least %s for each operation, interleaved; natively with as many processors as Go takes", r.rounds, r.least)
}

// quiet says how busy the machine was with something else.
func (r *report) quiet() string {
	s := fmt.Sprintf("medians are %s times the minima, in the median over all rows", digits(r.results.unrest()))
	if r.load != "" {
		s += "; load of the machine before: " + r.load
	}
	return s
}

// save writes the files to a folder: to the given one, or to host/bench if the run is
// complete and went to its end.
func (r *report) save(ctx context.Context, folder, root string, say func(string, ...any)) error {
	if folder == "" {
		if !r.results.complete() || ctx.Err() != nil {
			say("no files written: the run is not complete")
			return nil
		}
		folder = filepath.Join(root, "host", "bench")
	}
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	b, err := r.file.json()
	if err != nil {
		return err
	}
	for name, contents := range map[string][]byte{"latest.json": b, "RESULTS.md": r.markdown(), "results.svg": plot(r)} {
		if err := os.WriteFile(filepath.Join(folder, name), contents, 0o666); err != nil {
			return err
		}
	}
	say("written: latest.json, RESULTS.md and results.svg in %s", folder)
	return nil
}

// markdown returns RESULTS.md.
func (r *report) markdown() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Results\n\nBy `make bench`, which writes this file. README.md beside it says what is measured and how.\n\n")
	fmt.Fprintf(&b, "- %s\n- %s\n- %s\n- %s\n", r.Machine, r.Date, r.how(), r.quiet())
	for _, a := range r.abouts {
		fmt.Fprintf(&b, "- %s\n", a)
	}
	for _, m := range r.missing {
		fmt.Fprintf(&b, "- not measured: %s\n", m)
	}
	fmt.Fprintf(&b, "\n![times of every operation](results.svg)\n")
	for _, t := range r.tables() {
		t.markdown(&b)
	}
	return b.Bytes()
}
