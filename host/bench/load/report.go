package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// save writes latest.json only.
func (f *file) save(folder string) error {
	b, err := f.json()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	path := filepath.Join(folder, "latest.json")
	if err := os.WriteFile(path+".new", b, 0o666); err != nil {
		return err
	}
	return os.Rename(path+".new", path) // an interrupted run keeps what was measured before
}

// write writes latest.json, the pages and the plots; scale is the path of SCALE.md, "": none.
func (f *file) write(folder, scale string) error {
	if err := f.save(folder); err != nil {
		return err
	}
	errs := []error{os.WriteFile(filepath.Join(folder, "RESULTS.md"), f.markdown(), 0o666)}
	for _, p := range f.plots() {
		errs = append(errs, os.WriteFile(filepath.Join(folder, p.name), p.svg(f.Machine, f.Date), 0o666))
	}
	if scale != "" {
		page, err := f.scale()
		if err == nil {
			err = os.WriteFile(scale, page, 0o666)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// restless is how many cores others may use before the page says so.
const restless = 0.1

// A table is what is shown as one.
type table struct {
	title, about string
	head         []string
	rows         [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) markdown(b *bytes.Buffer) {
	if len(t.rows) == 0 {
		return
	}
	fmt.Fprintf(b, "\n## %s\n\n", t.title)
	if t.about != "" {
		fmt.Fprintf(b, "%s\n\n", t.about)
	}
	fmt.Fprintf(b, "| %s |\n|---%s\n", strings.Join(t.head, " | "), strings.Repeat("|---:", len(t.head)-1)+"|")
	for _, r := range t.rows {
		fmt.Fprintf(b, "| %s |\n", strings.Join(r, " | "))
	}
}

// markdown returns RESULTS.md.
func (f *file) markdown() []byte {
	var b bytes.Buffer
	b.WriteString("# Load\n\nBy `make bench-load`, which writes this file. README.md beside it says what is measured and how.\n\n")
	fmt.Fprintf(&b, "- %s\n- %s\n", f.Machine, f.Date)
	fmt.Fprintf(&b, "- the databases' disk: %s; appending 4 KiB and an fsync takes %s ms (p50), %s ms (p99)\n", f.Machine.Disk, digits(f.Machine.FsyncP50), digits(f.Machine.FsyncP99))
	fmt.Fprintf(&b, "- load of the machine before: %s; something else used %.2f of its cores, in the median over all steps\n", f.Machine.Load, f.unrest())
	if f.unrest() > restless {
		b.WriteString("- **the machine was not idle: rates are too low and latencies too high; processor times are good**\n")
	}
	b.WriteString("- all servers and databases share one core, the generator has the other one: rates are of one core. Two servers share it too, and show what sharing a database costs, not how much two machines do\n")
	if f.Quick {
		b.WriteString("- **a quick run: few and short repetitions**\n")
	}
	for _, p := range f.plots() {
		fmt.Fprintf(&b, "\n![%s](%s)\n", p.question, p.name)
	}
	for _, t := range []*table{f.peaks(), f.shares(), f.overloads(), f.lookupTable(), f.sequencerTable(), f.rowTable()} {
		t.markdown(&b)
	}
	for _, s := range f.Sweeps {
		stepsOf(s).markdown(&b)
	}
	return b.Bytes()
}

// peaks is the table of what each scenario does at most.
func (f *file) peaks() *table {
	t := &table{title: "Peaks", about: "The best goodput, and latencies at 0.8 of the capacity. A request is good if it is answered with 200 within " + goodWithin.String() +
		" from when it was due. Goodput at 5× is of the peak; by core time, of what a core second gave at the capacity.", head: []string{"scenario", "peak, requests/s", "keys/s", "p50 at 0.8, ms", "p99 at 0.8, ms", "goodput at 5×", "the same by core time", "refused p99 at 5×, ms", "memory at 5×, MiB"}}
	for _, s := range f.Sweeps {
		at, most := s.at(0.8), s.at(overload)
		if at == nil {
			continue
		}
		held, core, refused, memory := "–", "–", "–", "–"
		if most.Factor == overload && s.Peak > 0 {
			held, core = fmt.Sprintf("%.0f %%", 100*most.Goodput/s.Peak), fmt.Sprintf("%.0f %%", 100*s.efficiency())
			refused, memory = digits(most.RefusedP99), digits(most.ServerMiB)
		}
		t.add(s.Name, digits(s.Peak), digits(s.Peak*float64(max(s.Keys, 1))), digits(at.P50), digits(at.P99), held, core, refused, memory)
	}
	return t
}

// shares is the table of what a request costs.
func (f *file) shares() *table {
	t := &table{title: "Where the core goes", about: "Processor time of one good answer at 0.8 of the capacity, and bytes on the wire. `livez` is HTTP alone; `collection` adds a signature, a nonce on the disk and look-ups; `open` adds the transform and its line in the log.",
		head: []string{"scenario", "server, ms", "PostgreSQL, ms", "× livez", "request, bytes", "answer, bytes", "generator's core", "generator's lag p99, ms"}}
	var floor float64
	for _, s := range f.Sweeps {
		if s.Operation == opAlive {
			server, database := s.cpuPerRequest()
			floor = server + database
		}
	}
	for _, s := range f.Sweeps {
		server, database := s.cpuPerRequest()
		at, times := s.at(0.8), "–"
		if at == nil {
			continue
		}
		if floor > 0 {
			times = digits((server + database) / floor)
		}
		t.add(s.Name, digits(1000*server), digits(1000*database), times, digits(at.BytesIn), digits(at.BytesOut), fmt.Sprintf("%.0f %%", 100*at.GeneratorCPU), digits(at.LagP99))
	}
	return t
}

// overloads is the table of long overloads.
func (f *file) overloads() *table {
	t := &table{title: fmt.Sprintf("%d times the peak, for a while", overload), about: "Goodput has to stay above 80 % of the peak, and memory flat.",
		head: []string{"scenario", "peak/s", "offered/s", "good/s", "of the peak", "p99 of good, ms", "memory in the second quarter, MiB", "in the last, MiB"}}
	for _, l := range f.Timelines {
		early, late := l.halves()
		t.add(l.Name, digits(l.Peak), digits(l.Total.Offered), digits(l.Total.Goodput), fmt.Sprintf("%.0f %%", 100*l.Total.Goodput/l.Peak), digits(l.Total.P99), digits(early), digits(late))
	}
	return t
}

func (f *file) lookupTable() *table {
	t := &table{title: "Looking things up", about: fmt.Sprintf("What get_sym_key reads on its way (signer, key, grant, collection record, owner), from one goroutine through the store; and whole requests, native, transform keys prepared, %d per second. Keys asked for are drawn from all of them.", lookupRate),
		head: []string{"store", "keys", "grants", "database, MiB", "store p50, ms", "store p99, ms", "request p50, ms", "request p99, ms", "request, core ms"}}
	for _, l := range f.Lookups {
		t.add(l.Store, fmt.Sprint(l.Keys), fmt.Sprint(l.Grants), digits(l.MiB), digits(l.StoreP50), digits(l.StoreP99), digits(l.RequestP50), digits(l.RequestP99), digits(l.RequestCPU))
	}
	return t
}

func (f *file) sequencerTable() *table {
	t := &table{title: "One log", about: "Openings per second that one log takes when nothing else is done: each transaction looks at a grant and appends lines. With PostgreSQL the writers have the generator's core and the database the other one; SQLite has the generator's.",
		head: []string{"store", "servers", "writers", "lines of a transaction", "lines/s", "p50, ms", "p99, ms"}}
	for _, q := range f.Sequencers {
		t.add(q.Store, fmt.Sprint(q.Pools), fmt.Sprint(q.Writers), fmt.Sprint(q.Lines), digits(q.Rate), digits(q.P50), digits(q.P99))
	}
	return t
}

func (f *file) rowTable() *table {
	t := &table{title: "Bytes", about: "By how much the database grows for one, with indexes and its part of the log.", head: []string{"store", "what", "bytes"}}
	for _, r := range f.Rows {
		t.add(r.Store, r.What, digits(r.Bytes))
	}
	return t
}

// stepsOf is the table of one sweep.
func stepsOf(s *sweep) *table {
	t := &table{title: s.Name, about: fmt.Sprintf("Capacity %s/s, peak %s/s, %s.", digits(s.Capacity), digits(s.Peak), s.Date),
		head: []string{"×", "offered/s", "good/s", "least–most", "p50, ms", "p90, ms", "p99, ms", "refused", "late", "failed", "unsent", "server, cores", "PostgreSQL, cores", "others, cores", "memory, MiB", "lag p99, ms"}}
	for _, x := range s.Steps {
		t.add(fmt.Sprint(x.Factor), digits(x.Offered), digits(x.Goodput), digits(x.GoodputMin)+"–"+digits(x.GoodputMax), digits(x.P50), digits(x.P90), digits(x.P99),
			fmt.Sprint(x.Busy), fmt.Sprint(x.Late), fmt.Sprint(x.Failed), fmt.Sprint(x.Unsent), digits(x.ServerCPU), digits(x.DatabaseCPU), digits(x.OthersCPU), digits(x.ServerMiB), digits(x.LagP99))
	}
	return t
}
