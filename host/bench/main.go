// Command bench measures every operation of the core, of both suites: natively, by the
// module in wazero and in Node, beside upstream's npm package in Node, and the pairing
// beside those of mcl-wasm and gnark-crypto.
//
//	go run ./host/bench [flags]
//
// Everything runs in one go and interleaved: workers, one process for each engine and
// peer (package worker), are started once, and measure each operation for a short time
// in each of many rounds. The minimum and the median over the rounds are shown, and
// quotients of minimum times. A time is of one call from bytes to bytes, strict decoding
// included: of the public Go API natively, else of one call of the boundary. README.md
// beside this file says more.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// options are what the command line says.
type options struct {
	rounds  int
	least   time.Duration
	only    *regexp.Regexp
	json    bool
	out     string
	old     *file
	offline bool
	shares  bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	context.AfterFunc(ctx, stop) // the second interrupt ends the program at once
	o, err := parse(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil {
		err = run(ctx, o, os.Stdout, os.Stderr)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// parse reads the command line.
func parse(args []string) (*options, error) {
	o := &options{}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.IntVar(&o.rounds, "rounds", 60, "rounds that count")
	flags.DurationVar(&o.least, "time", 40*time.Millisecond, "least time to measure one operation in one round")
	only := flags.String("only", "", "measure only rows that match this `pattern`, for instance decrypt, recrypt256/node, pairing")
	flags.BoolVar(&o.json, "json", false, "print latest.json instead of the tables")
	flags.StringVar(&o.out, "out", "", "write latest.json, RESULTS.md and results.svg to this `folder` (host/bench for a complete run, else none)")
	earlier := flags.String("against", "", "compare with an earlier latest.json, this `file`")
	flags.BoolVar(&o.offline, "offline", false, "install nothing from npm: without the packages that come from there")
	flags.BoolVar(&o.shares, "shares", true, "also show where the time of native operations goes, some seconds for each")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if o.rounds < 1 || o.least < 0 {
		return nil, errors.New("--rounds must be at least 1, --time must not be negative")
	}
	var err error
	if o.only, err = regexp.Compile(*only); err != nil {
		return nil, fmt.Errorf("--only: %w", err)
	}
	if *earlier != "" {
		if o.old, err = readFile(*earlier); err != nil {
			return nil, fmt.Errorf("--against: %w", err)
		}
	}
	return o, nil
}

// run measures and shows.
func run(ctx context.Context, o *options, stdout, stderr io.Writer) error {
	root, err := top()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "recrypt-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	show := newProgress(stderr)
	w := &workshop{root: root, dir: dir, offline: o.offline, say: show.say}
	rep, err := measure(ctx, o, w, show)
	if err != nil {
		return err
	}
	if err := rep.write(stdout, o.json); err != nil {
		return err
	}
	return rep.save(ctx, o.out, root, show.say)
}

// measure starts the workers, lets them work, and reports what was found.
func measure(ctx context.Context, o *options, w *workshop, show *progress) (*report, error) {
	p, before := newPlan(o.only), load()
	if len(p.groups) == 0 {
		return nil, errors.New("--only matches nothing")
	}
	t := w.assemble(ctx, p.wants)
	defer t.close()
	for _, m := range t.missing {
		show.say("missing: %s", m)
	}
	p.run(ctx, t.workers, o.rounds, o.least, show.round)
	for _, f := range p.failures() {
		show.say("failed: %s", f)
	}
	if len(p.results()) == 0 {
		return nil, errors.New("nothing was measured")
	}
	rep := &report{
		file:    file{Machine: machine(), Date: time.Now().UTC().Format(time.RFC3339), Rows: p.results().scheme()},
		results: p.results(), rounds: o.rounds, least: o.least, load: before, old: o.old,
		abouts: abouts(t.workers), missing: append(t.missing, p.failures()...),
	}
	if o.shares && t.workers["native"] != nil && ctx.Err() == nil {
		show.say("profiling …")
		var err error
		if rep.profiles, err = w.profiles(ctx, o.only, 25*o.least); err != nil {
			rep.missing = append(rep.missing, "where the time goes: "+err.Error())
		}
	}
	return rep, nil
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
