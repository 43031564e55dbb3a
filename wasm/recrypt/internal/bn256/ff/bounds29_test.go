//go:build wasm || limbs29

package ff

import (
	"math/big"
	"testing"
)

// These tests prove, for all operands at once, the bounds that the comments of the
// 29-bit form state.

func eachModulus(t *testing.T, f func(t *testing.T, m *big.Int, number func(name string) *big.Int)) {
	numbers, _ := generatedNumbers(t, "fp_limbs29.go", "fr_limbs29.go")
	for prefix, m := range map[string]*big.Int{"fp": curve.p, "fr": curve.r} {
		t.Run(prefix, func(t *testing.T) {
			f(t, m, func(name string) *big.Int { return numbers[prefix+name][0] })
		})
	}
}

// A sum of two products of factors within 4m gives less than 2m, and no column
// overflows.
func TestMulBounds(t *testing.T) {
	c := fpTester(t)
	n := int64(len(c.raw(new(Fp))))
	limb := pow2(fpLooseBits - 1)
	if high := new(big.Int).SetUint64(c.high(c.loose)[3]); high.Cmp(limb) > 0 {
		t.Error("the highest limb may be greater than the others")
	}
	eachModulus(t, func(t *testing.T, m *big.Int, number func(string) *big.Int) {
		// The steps are S = (S − s)/2^29 + s·q with |s| ≤ 2^28, all but the last, which is
		// S = (S + s·m)/2^29: within |xy|/R + q/2·(1 + 2^-29 + …) + m/2.
		q := new(big.Int).Mul(number("K"), m)
		q.Rsh(q.Add(q, big.NewInt(1)), limbBits)
		bound := new(big.Int).Mul(m, m)
		bound.Rsh(bound.Mul(bound, big.NewInt(2*looseBound*looseBound)), c.rBits)
		steps := new(big.Int).Add(q, m)
		bound.Add(bound, steps.Rsh(steps, 1)).Add(bound, new(big.Int).Rsh(q, limbBits-1))
		bound.Add(bound, big.NewInt(3)) // rounding
		if bound.Cmp(new(big.Int).Mul(m, big.NewInt(valueBound))) >= 0 {
			t.Error("a product may reach 2m")
		}
		// A column has 2n products of limbs, n of at most 2^28 and a limb of q or m
		// below 2^29, and a carry of at most 2^63/2^29, with a sign.
		column := new(big.Int).Mul(limb, limb)
		column.Mul(column, big.NewInt(2*n)).Add(column, new(big.Int).Mul(pow2(2*limbBits-1), big.NewInt(n)))
		if column.Add(column, pow2(63-limbBits)).BitLen() > 63 {
			t.Error("a column may overflow")
		}
	})
}

// The sums with factors of at most 40 in all take off the right multiple of m: the
// result is within 0.51m. The quotient is a step function of the top limb alone, so it
// is enough to look at both ends of every step.
func TestSumBounds(t *testing.T) {
	const factors = 40 // as in normalize
	c := fpTester(t)
	unit := pow2(int(c.rBits) - limbBits)                                         // of the top limb
	lower := new(big.Int).Mul(big.NewInt(factors), pow2(int(c.rBits)-limbBits-1)) // of all others
	lower.Add(lower, new(big.Int).Rsh(lower, limbBits-1))
	eachModulus(t, func(t *testing.T, m *big.Int, number func(string) *big.Int) {
		most := new(big.Int).Mul(m, big.NewInt(factors*valueBound))
		most = most.Div(most, unit).Add(most, big.NewInt(factors)) // |top|
		recip, shift := number("Recip"), int(number("RecipShift").Int64())
		half := pow2(shift - 1)
		quotient := func(top *big.Int) *big.Int {
			q := new(big.Int).Mul(top, recip)
			q.Add(q, half)
			return q.Rsh(q, uint(shift)) // rounds down
		}
		// nothing overflows: the product, and a column with its carry
		product := new(big.Int).Mul(most, recip)
		column := new(big.Int).Add(quotient(most), big.NewInt(factors+2))
		if product.Add(product, half).BitLen() > 63 || column.Mul(column, pow2(limbBits)).BitLen() > 63 {
			t.Error("a sum may overflow")
		}
		limit := new(big.Int).Mul(m, big.NewInt(51))
		limit.Div(limit, big.NewInt(100))
		steps := 0
		for from := new(big.Int).Neg(most); from.Cmp(most) <= 0; steps++ {
			q := quotient(from)
			// the last top limb with this quotient
			to := new(big.Int).Add(q, big.NewInt(1))
			to.Sub(to.Mul(to, pow2(shift)), half).Sub(to, big.NewInt(1))
			to.Div(to, recip)
			qm := new(big.Int).Mul(q, m)
			least := new(big.Int).Sub(new(big.Int).Mul(from, unit), lower)
			greatest := new(big.Int).Add(new(big.Int).Mul(to, unit), lower)
			if least.Sub(least, qm).CmpAbs(limit) >= 0 || greatest.Sub(greatest, qm).CmpAbs(limit) >= 0 {
				t.Fatalf("top limbs %v to %v: the remainder may be too great", from, to)
			}
			if quotient(to).Cmp(q) != 0 || quotient(new(big.Int).Add(to, big.NewInt(1))).Cmp(q) <= 0 {
				t.Fatal("the steps are wrong")
			}
			from = to.Add(to, big.NewInt(1))
		}
		t.Logf("%d quotients", steps)
	})
}
