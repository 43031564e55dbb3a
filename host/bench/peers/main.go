// Command peers is a worker of the benchmark: the pairing of gnark-crypto on BN254. It
// is a module of its own, so that ours does not depend on what it compares itself with.
package main

import (
	"fmt"
	"math/big"
	"os"
	"runtime/debug"

	"github.com/consensys/gnark-crypto/ecc/bn254"

	"github.com/recrypt-service/recrypt/host/bench/worker"
)

func main() {
	operations, err := gnark()
	if err == nil {
		err = worker.Serve(os.Stdin, os.Stdout, about(), func(op, _ string) (worker.Operation, error) {
			if operation := operations[op]; operation != nil {
				return operation, nil
			}
			return nil, fmt.Errorf("no operation %q", op)
		})
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "peers:", err)
		os.Exit(1)
	}
}

// gnark returns the pairings: of two points that change, and with the lines of the
// second one made beforehand.
func gnark() (map[string]worker.Operation, error) {
	_, _, g1, g2 := bn254.Generators()
	k := big.NewInt(0x5eedbeef)
	p := []bn254.G1Affine{*new(bn254.G1Affine).ScalarMultiplication(&g1, k)}
	q := []bn254.G2Affine{*new(bn254.G2Affine).ScalarMultiplication(&g2, k)}
	lines := bn254.PrecomputeLines(q[0])
	table := append(([][2][len(bn254.LoopCounter)]bn254.LineEvaluationAff)(nil), lines)
	free, err := bn254.Pair(p, q)
	if err != nil {
		return nil, err
	}
	fixed, err := bn254.PairFixedQ(p, table)
	if err != nil {
		return nil, err
	}
	if !free.Equal(&fixed) {
		return nil, fmt.Errorf("the two pairings differ")
	}
	return map[string]worker.Operation{
		"pairing":       func() error { _, err := bn254.Pair(p, q); return err },
		"pairing_fixed": func() error { _, err := bn254.PairFixedQ(p, table); return err },
	}, nil
}

// about returns name and version of the library.
func about() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == "github.com/consensys/gnark-crypto" {
				return "gnark-crypto " + m.Version
			}
		}
	}
	return "gnark-crypto"
}
