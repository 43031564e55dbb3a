// Command startup times how the module starts, for "make size": in wazero, in Node and in Chromium,
// where these are installed.
//
//	go run ./host/engine/startup [-runs 5] [-module wasm/dist/recrypt.wasm]
//
// Each figure is the minimum and the median of several runs, in milliseconds: what it
// takes to compile the module, to start an instance, and to test it part by part: the
// first key pair for Ed25519 and for each suite makes that part test itself. "ready" is the sum, run by
// run, and with it the self-test of everything, of which little is left then.
//
//   - wazero, nothing cached: compiled with all processors. Cached: machine code from a
//     folder, as [engine.Config] CacheDir.
//   - Node: a new process each time; the module's bytes are in memory. Node caches nothing.
//   - Chromium, nothing cached: a new profile; the page gets the module from a server on
//     the loopback by WebAssembly.compileStreaming. Cached: the same page and profile in a new
//     browser, after one that stayed a while, so that the files come from its HTTP
//     cache and optimised code of functions that were hot from its code cache. That is what a
//     visitor has who comes back. "compile" includes loading, from the call of fetch.
//
// A second table has what it takes to open a document that somebody else shares: one
// [abi.OpOpenKey] with all its records, as a client sends it for every document. The first
// one in a new process and instance tests Ed25519 and both suites before (the identities have keys of both),
// and in JavaScript its code is compiled; then the minimum and the median of ten more in
// the same instance, over all runs. Chromium has the module cached.
//
// Chromium is looked for under its usual names, or where the variable CHROMIUM says.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "startup:", err)
		os.Exit(1)
	}
}

// options are the command line.
type options struct {
	module string
	sdk    string // the folder with wasm_exec.js and tools/startup.mjs
	runs   int

	requests map[string][]byte // by suite, to open a document
}

// steps are what is timed, in order.
var steps = []string{"compile", "start", "Ed25519", "recrypt256", "recrypt480", "rest"}

// A sample has the milliseconds of each step of one run.
type sample map[string]float64

func (s sample) ready() (sum float64) {
	for _, step := range steps {
		sum += s[step]
	}
	return sum
}

// errMissing means that an engine is not installed. Its text says how to get it.
type errMissing struct{ what string }

func (e errMissing) Error() string { return e.what }

func run(ctx context.Context, args []string, out, log io.Writer) error {
	var o options
	flags := flag.NewFlagSet("startup", flag.ContinueOnError)
	flags.SetOutput(log)
	flags.StringVar(&o.module, "module", "wasm/dist/recrypt.wasm", "the module's `file`")
	flags.StringVar(&o.sdk, "sdk", "web/sdk", "the `folder` of the TypeScript package")
	flags.IntVar(&o.runs, "runs", 5, "`number` of runs")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if o.runs < 1 || flags.NArg() != 0 {
		return errors.New("at least one run, and no arguments")
	}
	var err error
	if o.requests, err = makeRequests(ctx); err != nil {
		return err
	}
	if err := o.startUps(ctx, out); err != nil {
		return err
	}
	return o.documents(ctx, out)
}

// startUps prints the first table.
func (o *options) startUps(ctx context.Context, out io.Writer) error {
	fmt.Fprintf(out, "%-26s", "start-up, ms: min (median)")
	for _, step := range append(slices.Clone(steps[:len(steps)-1]), "ready") {
		fmt.Fprintf(out, " %15s", step)
	}
	fmt.Fprintln(out)
	for _, engine := range []func(context.Context, func(string, []sample)) error{o.wazero, o.node, o.chromium} {
		err := engine(ctx, func(name string, samples []sample) { printRow(out, name, samples) })
		if missing, ok := errors.AsType[errMissing](err); ok {
			fmt.Fprintln(out, missing)
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// documents prints the second table, without the engines that are missing.
func (o *options) documents(ctx context.Context, out io.Writer) error {
	fmt.Fprintf(out, "%-26s", "opening a document, ms")
	for _, suite := range suites {
		fmt.Fprintf(out, " %16s %16s", suite+", 1st", "then")
	}
	fmt.Fprintln(out)
	for _, engine := range []struct {
		name string
		open func(context.Context) ([]openings, error)
	}{{"wazero", o.openInWazero}, {"Node", o.openInNode}, {"Chromium", o.openInChromium}} {
		all, err := engine.open(ctx)
		if _, missing := errors.AsType[errMissing](err); missing {
			continue
		}
		if err != nil {
			return fmt.Errorf("opening a document in %s: %w", engine.name, err)
		}
		printOpenings(out, engine.name, all)
	}
	return nil
}

// printRow prints the minimum and the median of each step, and of their sum.
func printRow(out io.Writer, name string, samples []sample) {
	fmt.Fprintf(out, "%-26s", name)
	column := func(of func(sample) float64) {
		var all []float64
		for _, s := range samples {
			all = append(all, of(s))
		}
		slices.Sort(all)
		fmt.Fprintf(out, " %15s", fmt.Sprintf("%.1f (%.1f)", all[0], all[len(all)/2]))
	}
	for _, step := range steps[:len(steps)-1] {
		column(func(s sample) float64 { return s[step] })
	}
	column(sample.ready)
	fmt.Fprintln(out)
}
