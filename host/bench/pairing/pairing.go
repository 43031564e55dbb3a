// Command pairing is a worker of the benchmark: our pairing by itself. Built natively it
// serves orders. As a wasip1 reactor it exports the operations, and the worker in Node
// calls them (web/sdk/test/bench/pairing.ts).
package main

import (
	"github.com/recrypt-service/recrypt/wasm/recrypt"
	"github.com/recrypt-service/recrypt/wasm/recrypt/pairingtest"
)

var made = map[recrypt.Suite]*pairingtest.Pairings{}

// of returns the pairings of a suite, which are made once.
func of(suite recrypt.Suite) (*pairingtest.Pairings, error) {
	if p := made[suite]; p != nil {
		return p, nil
	}
	p, err := pairingtest.New(suite)
	if err == nil {
		made[suite] = p
	}
	return p, err
}
