package main

import (
	"strings"
	"testing"
	"time"
)

// traces is what "go tool pprof -traces" prints, in short.
const traces = `File: core
Type: cpu
Duration: 1s, Total samples = 100ms (10%)
-----------+-------------------------------------------------------
      30ms   example.org/internal/bn256/ff.fp2MulADX
             example.org/internal/bn256/ff.(*Fp2).Mul (inline)
             example.org/internal/bn256.miller
             example.org/internal/bn256.PairManyG
             main.main
-----------+-------------------------------------------------------
      20ms   example.org/internal/bn480/ff.(*Fp).Add (inline)
             example.org/internal/bn480.powU
             example.org/internal/bn480.finalExpAll
-----------+-------------------------------------------------------
      10ms   example.org/internal/bn256/ff.fpMulADX
             example.org/internal/bn256.hardPart
             example.org/internal/bn256.(*GT).SetBytes
-----------+-------------------------------------------------------
      25ms   crypto/internal/fips140/edwards25519/field.feMul
             crypto/internal/fips140/ed25519.verify
-----------+-------------------------------------------------------
      10ms   runtime.mallocgc
             example.org/internal/bn256.(*G1).ScalarMult
-----------+-------------------------------------------------------
       5ms   example.org/other.Function
             main.main
`

func TestShares(t *testing.T) {
	p, err := parseTraces([]byte(traces))
	if err != nil {
		t.Fatal(err)
	}
	if p.all != 100*time.Millisecond {
		t.Errorf("%v in all", p.all)
	}
	p.op, p.suite = "decrypt_1", "recrypt256"
	tables := sharesOf([]*profile{p})
	for i, want := range []string{
		"operation Miller loops final exponentiations membership in GT G1 Ed25519 rest / decrypt_1, recrypt256 30 % 20 % 10 % 10 % 25 % 5 %",
		"operation Fp Fp2 Ed25519 Go's runtime rest / decrypt_1, recrypt256 30 % 30 % 25 % 10 % 5 %",
	} {
		if got := strings.Join(tables[i].head, " ") + " / " + strings.Join(tables[i].rows[0], " "); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestSharesOfNothing(t *testing.T) {
	for _, in := range []string{"", "File: core\n", "----\n"} {
		if p, err := parseTraces([]byte(in)); err != nil || p.all != 0 {
			t.Errorf("%q: %v %v", in, p, err)
		}
	}
	if _, err := parseTraces([]byte("-----\n  1.2.3ms  f\n")); err == nil {
		t.Error("a time that is none was read")
	}
	if tables := sharesOf(nil); len(tables[0].rows)+len(tables[1].rows) != 0 {
		t.Error("rows out of nothing")
	}
}
