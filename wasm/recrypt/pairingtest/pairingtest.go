// Package pairingtest gives benchmarks the pairing by itself, which package recrypt
// does not export: to put it beside those of other libraries.
package pairingtest

import (
	"errors"

	"github.com/recrypt-service/recrypt/wasm/recrypt"
	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/bn256"
	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/bn480"
)

// Pairings compute e(P, Q) of fixed points that are neither generator, and throw the
// result away. They are not for several goroutines.
type Pairings struct {
	Free     func() // both arguments change
	Prepared func() // the line table of Q is made beforehand
	Fixed    func() // Q is the fixed g1 of the scheme (spec section 12)
}

// New returns the pairings of a suite.
func New(suite recrypt.Suite) (*Pairings, error) {
	switch suite {
	case recrypt.Suite256:
		return new256(), nil
	case recrypt.Suite480:
		return new480(), nil
	}
	return nil, errors.New("pairingtest: unknown suite")
}

// seed is where the points come from.
var seed = []byte{0x5e, 0xed, 7: 0xbe, 31: 0xef}

func new256() *Pairings {
	k := new(bn256.Scalar).SetBytesModP(pad(bn256.FieldSize))
	p, q, f := new(bn256.G1).ScalarBaseMult(k), new(bn256.G2).ScalarBaseMult(k), new(bn256.GT)
	table := new(bn256.PreparedG2).Prepare(q)
	return &Pairings{
		Free:     func() { f.Pair(p, q) },
		Prepared: func() { f.PairPrepared(p, table) },
		Fixed:    func() { f.PairG(p) },
	}
}

func new480() *Pairings {
	k := new(bn480.Scalar).SetBytesModP(pad(bn480.FieldSize))
	p, q, f := new(bn480.G1).ScalarBaseMult(k), new(bn480.G2).ScalarBaseMult(k), new(bn480.GT)
	table := new(bn480.PreparedG2).Prepare(q)
	return &Pairings{
		Free:     func() { f.Pair(p, q) },
		Prepared: func() { f.PairPrepared(p, table) },
		Fixed:    func() { f.PairG(p) },
	}
}

// pad returns the seed as n bytes.
func pad(n int) []byte {
	b := make([]byte, n)
	copy(b[n-len(seed):], seed)
	return b
}
