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

// Mul of factors below 6m gives less than 3m, and no column overflows.
func TestMulBounds(t *testing.T) {
	c := fpTester(t)
	n := len(c.raw(new(Fp)))
	greatest := max(c.lowLoose()[2], c.high(c.loose)[3])
	limb := new(big.Int).SetUint64(greatest)
	eachModulus(t, func(t *testing.T, m *big.Int, number func(string) *big.Int) {
		// The steps are S = (S − s)/2^29 + s·q with s = S mod 2^29, all but the last,
		// which is S = (S + s·m)/2^29: below xy/R + q·(1 + 2^-29 + …) + m.
		q := new(big.Int).Mul(number("K"), m)
		q.Rsh(q.Add(q, big.NewInt(1)), limbBits)
		bound := new(big.Int).Mul(m, m)
		bound.Rsh(bound.Mul(bound, big.NewInt(looseBound*looseBound)), c.rBits)
		bound.Add(bound, q).Add(bound, new(big.Int).Rsh(q, limbBits-1)).Add(bound, m)
		bound.Add(bound, big.NewInt(2)) // rounding
		if bound.Cmp(new(big.Int).Mul(m, big.NewInt(valueBound))) > 0 {
			t.Error("a product may reach 3m")
		}
		// A column takes part in n rows and moves down by one in each: n products of
		// limbs, n of a limb and one below 2^29, a carry of at most 2^64/2^29.
		column := new(big.Int).Mul(limb, limb)
		column.Add(column, pow2(2*limbBits)).Mul(column, big.NewInt(int64(n)))
		if column.Add(column, pow2(64-limbBits)).BitLen() > 64 {
			t.Error("a column may overflow")
		}
	})
}

// The sums with factors of at most 16 in all take off the right multiple of m: the
// result is never negative and below m·(1 + 2^-8). The quotient is a step function of
// the top limb alone, so it is enough to look at both ends of every step.
func TestSumBounds(t *testing.T) {
	const factors, margin = 16, 64 // as in combine
	c := fpTester(t)
	unit := pow2(int(c.rBits) - limbBits) // of the top limb
	lower := new(big.Int).Mul(big.NewInt(factors), new(big.Int).Sub(unit, big.NewInt(1)))
	eachModulus(t, func(t *testing.T, m *big.Int, number func(string) *big.Int) {
		most := new(big.Int).Mul(m, big.NewInt(factors*valueBound))
		most = most.Div(most, unit).Add(most, big.NewInt(factors)) // |top|
		recip, shift := number("Recip"), uint(number("RecipShift").Int64())
		quotient := func(top *big.Int) *big.Int {
			q := new(big.Int).Sub(top, big.NewInt(margin))
			return q.Rsh(q.Mul(q, recip), shift) // rounds down
		}
		// nothing overflows: the product, and a column with its carry
		product := new(big.Int).Mul(new(big.Int).Add(most, big.NewInt(margin)), recip)
		column := new(big.Int).Add(quotient(most), big.NewInt(factors+2))
		if product.BitLen() > 63 || column.Mul(column, pow2(limbBits)).BitLen() > 63 {
			t.Error("a sum may overflow")
		}
		limit := new(big.Int).Add(m, new(big.Int).Rsh(m, 8))
		if new(big.Int).Div(limit, unit).BitLen() > limbBits || limit.Cmp(c.limit) > 0 && m == c.m {
			t.Error("a sum is not tight")
		}
		steps := 0
		for from := new(big.Int).Neg(most); from.Cmp(most) <= 0; steps++ {
			q := quotient(from)
			// the last top limb with this quotient
			to := new(big.Int).Add(q, big.NewInt(1))
			to.Sub(to.Lsh(to, shift), big.NewInt(1))
			to.Add(to.Div(to, recip), big.NewInt(margin))
			qm := new(big.Int).Mul(q, m)
			low := new(big.Int).Sub(new(big.Int).Mul(from, unit), lower)
			high := new(big.Int).Add(new(big.Int).Mul(to, unit), lower)
			if low.Sub(low, qm).Sign() < 0 {
				t.Fatalf("top limb %v: the remainder may be negative", from)
			}
			if high.Sub(high, qm).Cmp(limit) >= 0 {
				t.Fatalf("top limb %v: the remainder may be too great", to)
			}
			if quotient(to).Cmp(q) != 0 || quotient(new(big.Int).Add(to, big.NewInt(1))).Cmp(q) <= 0 {
				t.Fatal("the steps are wrong")
			}
			from = to.Add(to, big.NewInt(1))
		}
		t.Logf("%d quotients", steps)
	})
}
