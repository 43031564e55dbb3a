//go:build !wasip1

package main

import (
	"fmt"
	"os"

	"github.com/recrypt-service/recrypt/host/bench/worker"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

func main() {
	err := worker.Serve(os.Stdin, os.Stdout, "recrypt's Go packages", find)
	if err != nil {
		fmt.Fprintln(os.Stderr, "pairing:", err)
		os.Exit(1)
	}
}

// find returns an operation by its name.
func find(op, suite string) (worker.Operation, error) {
	s, err := recrypt.ParseSuite(suite)
	if err != nil {
		return nil, err
	}
	p, err := of(s)
	if err != nil {
		return nil, err
	}
	run, ok := map[string]func(){"pairing": p.Free, "pairing_prepared": p.Prepared, "pairing_fixed": p.Fixed}[op]
	if !ok {
		return nil, fmt.Errorf("no operation %q", op)
	}
	return func() error { run(); return nil }, nil
}
