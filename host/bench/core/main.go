// Command core is a worker of the benchmark: the operations of the scheme, from bytes
// to bytes, either by the Go package or by one call of the boundary into the module
// in wazero. With -profile it writes a profile of one operation instead.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"time"

	"github.com/recrypt-service/recrypt/host/bench/worker"
)

func main() {
	kind := flag.String("engine", "native", "native or wazero")
	profiled := flag.String("profile", "", "write a profile of one operation of the native engine to this `file`")
	op := flag.String("op", "decrypt_1", "the operation to profile")
	suite := flag.String("suite", "recrypt256", "its suite")
	least := flag.Duration("time", time.Second, "how long to profile it")
	flag.Parse()
	var err error
	if *profiled != "" {
		err = profile(*profiled, *op, *suite, *least)
	} else {
		err = run(context.Background(), *kind)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "core:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, kind string) error {
	var make func(suite string) (operations, error)
	about := runtime.Version()
	switch kind {
	case "native":
		make = native
		about = fmt.Sprintf("%s, GOMAXPROCS %d", about, runtime.GOMAXPROCS(0))
	case "wazero":
		e, closed, err := sandbox(ctx)
		if err != nil {
			return err
		}
		defer closed()
		make = e.operations
		about = "wazero, " + about
	default:
		return fmt.Errorf("no engine %q", kind)
	}
	made := map[string]operations{}
	return worker.Serve(os.Stdin, os.Stdout, about, func(op, suite string) (worker.Operation, error) {
		if made[suite] == nil {
			ops, err := make(suite)
			if err != nil {
				return nil, fmt.Errorf("prepare %s: %w", suite, err)
			}
			made[suite] = ops
		}
		run, ok := made[suite][op]
		if !ok {
			return nil, fmt.Errorf("no operation %q", op)
		}
		return run, nil
	})
}

// batch is the number of items of the operations whose names end in x16.
const batch = 16

var errOther = errors.New("another plaintext came out")

// operations are those of one suite by the names of latest.json.
type operations map[string]worker.Operation

// profile runs an operation for some time and writes where that went.
func profile(path, op, suite string, least time.Duration) error {
	ops, err := native(suite)
	if err != nil {
		return err
	}
	run, ok := ops[op]
	if !ok {
		return fmt.Errorf("no operation %q", op)
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	for start := time.Now(); err == nil && time.Since(start) < least; {
		err = run()
	}
	pprof.StopCPUProfile()
	return errors.Join(err, f.Close())
}
