// Consttimetest shows, as far as it can be shown by running, that the core's time
// does not depend on secrets: by comparing traces of the shipped module, by timing,
// and by looking for divisions. README.md says how, and what is not shown.
//
// It is run from the top folder of the module, by "make constant-time".
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"
)

const (
	here   = "wasm/recrypt/consttimetest"
	module = "wasm/dist/recrypt.wasm"
)

// root is the top folder of the module, where this program is run.
var root = "."

// options are what the command line says.
type options struct {
	secrets, measurements, workers int
	quick, json                    bool
	parts                          map[string]bool
	seed                           string
	match                          *regexp.Regexp
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == timeCommand {
		exit(timeHere(os.Args[2:]))
	}
	o, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(0)
	}
	if err == nil {
		err = o.check()
	}
	exit(err)
}

// errFailed is what a check that has printed its findings returns.
var errFailed = errors.New("not constant time, or not shown to be")

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "consttimetest:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

func parse(args []string) (*options, error) {
	o := new(options)
	f := flag.NewFlagSet("consttimetest", flag.ContinueOnError)
	f.BoolVar(&o.quick, "quick", false, "traces of 3 secrets and a scan of the module only; seconds instead of an hour")
	f.BoolVar(&o.json, "json", false, "print the results as JSON")
	f.IntVar(&o.secrets, "secrets", 200, "random `secrets` traced for each operation")
	f.IntVar(&o.measurements, "measurements", 100_000, "`times` that each target is timed (a tenth for slow ones)")
	f.IntVar(&o.workers, "workers", runtime.NumCPU(), "`number` of traces made at a time")
	f.StringVar(&o.seed, "seed", time.Now().UTC().Format(time.RFC3339Nano), "`text` from which the secrets follow")
	match := f.String("operations", ".", "trace only operations whose name and suite match this `pattern`")
	parts := f.String("parts", "trace,timing,scan", "`list` of what is done")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	var err error
	if o.match, err = regexp.Compile(*match); err != nil {
		return nil, err
	}
	if o.quick {
		o.secrets = 3
		*parts = "trace,scan"
	}
	o.parts = map[string]bool{}
	for _, p := range strings.Split(*parts, ",") {
		o.parts[p] = true
	}
	if o.secrets < 2 || o.measurements < 10*leastCount || o.workers < 1 || f.NArg() > 0 {
		return nil, errors.New("the arguments make no sense; see -help")
	}
	return o, nil
}

// check runs the parts and prints what they showed.
func (o *options) check() error {
	if text, err := os.ReadFile(filepath.Join(root, "go.mod")); err != nil || !strings.Contains(string(text), "module github.com/recrypt-service/recrypt\n") {
		return errors.New("run it from the top folder of the module")
	}
	dir, err := os.MkdirTemp("", "consttimetest")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	r := &report{Seed: o.seed, Machine: runtime.GOOS + "/" + runtime.GOARCH + ", " + runtime.Version(), Started: time.Now().UTC()}
	if err := o.fill(r, dir); err != nil {
		return err
	}
	r.Seconds = int(time.Since(r.Started).Seconds())
	r.OK = r.ok()
	if o.json {
		e := json.NewEncoder(os.Stdout)
		e.SetIndent("", "  ")
		err = e.Encode(r)
	} else {
		err = r.print(os.Stdout)
	}
	if err == nil && !r.OK {
		err = errFailed
	}
	return err
}

// fill runs the parts that are wanted.
func (o *options) fill(r *report, dir string) error {
	if o.parts["trace"] || o.parts["scan"] {
		if err := o.traces(r, dir); err != nil {
			return err
		}
	}
	if o.parts["scan"] && !o.quick {
		if err := o.scanNatives(r, dir); err != nil {
			return err
		}
	}
	if o.parts["timing"] {
		if err := o.timeReal(r, dir); err != nil {
			return err
		}
		return o.timeLeaks(r, dir)
	}
	return nil
}

// progress tells on standard error what is going on.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
}

// timeCommand, as the first argument, makes this program time itself and print one
// line of JSON per target. It is run so from a build of its own, which may have a
// deliberate fault.
const timeCommand = "time"

func timeHere(args []string) error {
	f := flag.NewFlagSet(timeCommand, flag.ContinueOnError)
	n := f.Int("measurements", 100_000, "")
	match := f.String("match", ".", "")
	repeat := f.Bool("repeat", true, "")
	if err := f.Parse(args); err != nil {
		return err
	}
	wanted, err := regexp.Compile(*match)
	if err != nil {
		return err
	}
	for _, t := range targets() {
		if !wanted.MatchString(t.label()) {
			continue
		}
		if err := json.NewEncoder(os.Stdout).Encode(t.measure(*n, *repeat)); err != nil {
			return err
		}
	}
	return nil
}
