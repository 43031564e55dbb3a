// Command load measures the service under load: how many transforms per second it does and
// how long they take, with each engine and each store, by one server and by two, with
// caches cold and warm; what becomes of it beyond its capacity; whether looking things up
// stays as fast while the database grows; and what a row, an opening and a log cost.
//
//	go run ./host/bench/load [flags]      or: make bench-load ARGS=--quick
//
// The servers are processes of the built program, with their database on a disk. Load is
// open-loop (package openloop): requests are due by a Poisson process and signed
// beforehand, and latencies are counted from when they were due. The generator has one
// core to itself; servers and database share another one, so that all rates are of one
// core. RESULTS.md beside this file and SCALE.md in the folder above are written by it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/recrypt-service/recrypt/host/engine"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// options are what the command line says.
type options struct {
	pace   pace
	only   *regexp.Regexp
	resume bool
	report bool
	out    string
	dir    string
	binary string
	pin    bool
	even   bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // the second interrupt ends the program at once
	o, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil {
		err = realMain(ctx, o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

// parse reads the command line.
func parse(args []string) (*options, error) {
	o := &options{}
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	quick := flags.Bool("quick", false, "two minutes instead of twenty: fewer scenarios, short runs, few repetitions")
	only := flags.String("only", "", "measure only what matches this `pattern`, for instance open/native/sqlite, timeline, lookups, rows, sequencer; and put it into the results that are there")
	flags.BoolVar(&o.resume, "resume", false, "leave out what is in the results already: go on with a run that was interrupted")
	flags.BoolVar(&o.report, "report", false, "measure nothing, write the pages and plots of the results that are there")
	flags.StringVar(&o.out, "out", "", "`folder` of latest.json, RESULTS.md and the plots (host/bench/load; with --quick, none)")
	flags.StringVar(&o.dir, "dir", "", "`folder` for the databases: what is measured is this disk (default: a temporary one)")
	flags.StringVar(&o.binary, "recrypt", "", "the `program` to measure (default: bin/recrypt)")
	flags.BoolVar(&o.pin, "pin", runtime.GOOS == "linux" && runtime.NumCPU() > 1 || os.Getenv(pinnedEnv) != "", "bind the generator to core 0, servers and database to core 1")
	flags.BoolVar(&o.even, "even", false, "requests at even distances instead of a Poisson process")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	o.pace = fullPace()
	if *quick {
		o.pace = quickPace()
	}
	var err error
	if o.only, err = regexp.Compile(*only); err != nil {
		return nil, fmt.Errorf("--only: %w", err)
	}
	return o, nil
}

// realMain finds its places and runs.
func realMain(ctx context.Context, o *options) error {
	root, err := top()
	if err != nil {
		return err
	}
	scale := ""
	if o.out == "" && (!o.pace.quick || o.report) {
		o.out, scale = filepath.Join(root, "host", "bench", "load"), filepath.Join(root, "host", "bench", "SCALE.md")
	}
	if o.binary == "" {
		o.binary = filepath.Join(root, "bin", "recrypt")
	}
	say := func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }
	if o.report {
		f, err := readResults(filepath.Join(o.out, "latest.json"))
		if err != nil {
			return err
		}
		return f.write(o.out, scale)
	}
	if o.pin {
		if err := pinSelf(generatorCore); err != nil {
			return err
		}
	}
	if _, err := exec.LookPath(o.binary); err != nil {
		return fmt.Errorf("build the program first, make build: %w", err)
	}
	return perform(ctx, o, scale, os.Stdout, say)
}

// pinnedEnv tells the generator that it has bound itself to its core.
const pinnedEnv = "LOAD_GENERATOR_PINNED"

// The cores of the parts.
const (
	generatorCore = 0
	serverCore    = 1
)

// perform measures and writes.
func perform(ctx context.Context, o *options, scale string, stdout io.Writer, say func(string, ...any)) error {
	dir := o.dir
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "recrypt-load-"); err != nil {
			return err
		}
		defer remove(dir, say)
	}
	if err := os.Chmod(dir, 0o711); err != nil { // PostgreSQL may have to run as another user
		return err
	}
	native, err := engine.New(ctx, engine.Config{Kind: engine.Native})
	if err != nil {
		return err
	}
	b := &bench{options: o, dir: dir, core: abi.Client{Caller: native}, say: say, results: &file{}, begin: time.Now()}
	if o.out != "" && (o.resume || o.only.String() != "") { // otherwise nothing old remains
		if b.results, err = readResults(filepath.Join(o.out, "latest.json")); err != nil {
			return err
		}
	}
	cores := runtime.NumCPU()
	if o.pin {
		cores = coresOfMachine()
	}
	if b.results.Machine, err = describe(dir, cores); err != nil {
		return err
	}
	b.results.Date, b.results.Quick = now(), o.pace.quick
	err = b.all(ctx)
	if len(b.results.Sweeps)+len(b.results.Lookups)+len(b.results.Rows)+len(b.results.Sequencers) == 0 {
		return errors.Join(err, ctx.Err(), errors.New("nothing was measured"))
	}
	if o.out != "" {
		err = errors.Join(err, b.results.write(o.out, scale))
		say("written: latest.json, RESULTS.md and plots in %s", o.out)
	}
	_, printing := stdout.Write(b.results.markdown())
	return errors.Join(err, printing)
}

// coresOfMachine counts processors, whatever this process is bound to.
func coresOfMachine() int {
	all, _ := filepath.Glob("/sys/devices/system/cpu/cpu[0-9]*")
	return max(len(all), 1)
}

// top returns the top folder of the module.
func top() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		b, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(b), "module github.com/recrypt-service/recrypt\n") {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("run this inside the source tree")
		}
		dir = filepath.Dir(dir)
	}
}
