package bn256

import (
	"sync"

	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/bn256/ff"
)

// Elements g of GT have conj(g) = 1/g, so that g = z/conj(z) with z = 1 + g, or any
// multiple of z by an element of Fp6: for g ≠ 1 with z = c + w, c in Fp6. That is half
// of what g takes, a product by it costs two multiplications in Fp6 instead of three,
// and one division at the end leads back (Rubin and Silverberg, "Torus-based
// cryptography", CRYPTO 2003). The inverse of g has −c.

// tableGT has the c of the powers g^(d·2^(2·baseWindow·i)), d = 1 … baseTableSize.
type tableGT [(baseWindows4 + 1) / 2][torusParts * baseTableSize]ff.Packed

func newTableGT(g *ff.Fp12) *tableGT {
	table := new(tableGT)
	inverses := make([]ff.Fp6, 0, len(table)*baseTableSize)
	elements := make([]ff.Fp6, 0, len(table)*baseTableSize)
	var row [baseTableSize]ff.Fp12
	var one ff.Fp6
	one.SetOne()
	base := *g
	for range table {
		fillPowers(row[:], &base)
		last := row[baseTableSize-1]
		for j := range row { // 1 + g₀ + g₁w, and g₁ = 0 for 1 and −1 only
			row[j].C0.Add(&row[j].C0, &one)
			elements = append(elements, row[j].C0)
			inverses = append(inverses, row[j].C1)
		}
		base = last
		for range baseWindow + 1 {
			base.CyclotomicSqr(&base)
		}
	}
	invertAll6(inverses)
	for k := range elements {
		c := &elements[k]
		c.Mul(c, &inverses[k])
		parts := torusPartsOf(c)
		store(table[k/baseTableSize][:], baseTableSize, k%baseTableSize, parts[:])
	}
	return table
}

// mulEntry multiplies z by the power d of the row's element, reading the whole row.
func (table *tableGT) mulEntry(z *ff.Fp12, row int, d digit) {
	var c, s ff.Fp6
	parts := torusPartsOf(&c)
	lookUp(parts[:], table[row][:], baseTableSize, d)
	s.Neg(&c)
	c.Select(&s, &c, d.negative())
	// (z₀ + z₁w)(c + w) = z₀c + v·z₁ + (z₁c + z₀)w
	var t ff.Fp12
	t.C0.Mul(&z.C0, &c)
	s.MulV(&z.C1)
	t.C0.Add(&t.C0, &s)
	t.C1.Mul(&z.C1, &c)
	t.C1.Add(&t.C1, &z.C0)
	z.Select(z, &t, d.is(0))
}

// power sets f to the power that the digits of k₀, …, k₃ spell (see split4). Digits of
// odd place come first, as in multiplyBase; the power p is taken after each scalar but
// the last.
func (table *tableGT) power(f *ff.Fp12, k *[4 * baseWindows4]digit) {
	var z ff.Fp12
	z.SetOne()
	for place := 1; place >= 0; place-- {
		for s := 3; s >= 0; s-- {
			if s < 3 {
				z.Frobenius(&z)
			}
			d := k[s*baseWindows4:][:baseWindows4]
			for i := place; i < len(d); i += 2 {
				table.mulEntry(&z, i/2, d[i])
			}
		}
		if place == 1 {
			for range baseWindow {
				z.Sqr(&z)
			}
			// takes back three times the power p: p⁻³ = −p³ as exponents
			z.Frobenius3(&z)
			z.Conj(&z)
		}
	}
	var norm ff.Fp6
	z.Conj(&z)
	halfEasyPart(&z, &norm)
	norm.Inv(&norm)
	f.C0.Mul(&z.C0, &norm)
	f.C1.Mul(&z.C1, &norm)
}

// tableT has the powers of e(G, g1).
var tableT = sync.OnceValue(func() *tableGT {
	return newTableGT(&new(GT).PairG(new(G1).SetGenerator()).f)
})

// BaseExp sets f = e(G, g1)^k, and returns f. The time does not depend on k; the
// first call also builds a table.
func (f *GT) BaseExp(k *Scalar) *GT {
	var d [4 * baseWindows4]digit
	k.digits4(d[:], baseWindow)
	tableT().power(&f.f, &d)
	clear(d[:])
	return f
}
