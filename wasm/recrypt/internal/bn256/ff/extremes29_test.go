//go:build wasm || limbs29

package ff

import (
	"math/big"
	"testing"
)

// These tests run the kernels on the worst operands there are, and compare limb by limb
// with what the comments of reduce and normalize say, in big integers: so assembly
// and Go give the same limbs, and no column overflows on the way.

// exact has the numbers of Fp.
type exact struct {
	*tester[Fp, *Fp]
	k, q, recip *big.Int
	shift       uint
	unit        uint // log2 of a unit of the top limb
}

func newExact(t *testing.T) *exact {
	c := &exact{tester: fpTester(t), k: big.NewInt(fpK), recip: big.NewInt(fpRecip), shift: fpRecipShift}
	c.unit = c.rBits - limbBits
	c.q = new(big.Int).Mul(c.k, c.m)
	c.q.Rsh(c.q.Add(c.q, big.NewInt(1)), limbBits)
	return c
}

// lowest returns the lowest limb of v.
func lowest(v *big.Int) *big.Int {
	l := new(big.Int).And(v, new(big.Int).Sub(pow2(limbBits), big.NewInt(1)))
	return big.NewInt(int64(limb(l.Uint64())))
}

// reduced returns what reduce makes of v.
func (c *exact) reduced(v *big.Int) (z Fp) {
	s := new(big.Int).Set(v)
	for range fpLimbs - 1 {
		m := lowest(s)
		s.Rsh(s.Sub(s, m), limbBits).Add(s, m.Mul(m, c.q))
	}
	m := lowest(new(big.Int).Mul(s, c.k))
	s.Add(s, m.Mul(m, c.m))
	write(z.l[:], s.Rsh(s, limbBits))
	return z
}

// normalized returns what normalize makes of v, whose top limb is given.
func (c *exact) normalized(v *big.Int, top int64) (z Fp) {
	q := new(big.Int).Mul(big.NewInt(top), c.recip)
	q.Rsh(q.Add(q, pow2(int(c.shift)-1)), c.shift)
	write(z.l[:], q.Sub(v, q.Mul(q, c.m)))
	return z
}

// worst returns the elements with all limbs extreme in one way.
func (c *exact) worst(limit *big.Int, low []uint64) (out []Fp) {
	high := c.high(limit)
	for _, least := range []uint64{low[0], low[2]} {
		for _, h := range high {
			for _, odd := range []uint64{low[0], low[2]} {
				var x Fp
				for i := range x.l {
					if x.l[i] = least; i%2 == 1 {
						x.l[i] = odd
					}
				}
				x.l[fpLimbs-1] = h
				if c.x.read(x.l[:]).CmpAbs(limit) < 0 {
					out = append(out, x)
				}
			}
		}
	}
	return out
}

func (c *exact) same(what string, got, want *Fp) {
	c.Helper()
	if c.bounds(what, got); *got != *want {
		c.Fatalf("%s: got %x, want %x", what, got.l, want.l)
	}
}

func integers(x *Fp2) (re, im *big.Int) {
	return new(number).read(x.A0.l[:]), new(number).read(x.A1.l[:])
}

// product checks every product and square of loose factors.
func (c *exact) product(x, y *Fp2) {
	a0, a1 := integers(x)
	b0, b1 := integers(y)
	mul := func(a, b *big.Int) *big.Int { return new(big.Int).Mul(a, b) }
	check := func(what string, z *Fp2, re, im *big.Int) {
		c.Helper()
		want := Fp2{c.reduced(re), c.reduced(im)}
		c.same(what, &z.A0, &want.A0)
		c.same(what, &z.A1, &want.A1)
	}
	var z Fp2
	im := mul(a0, b1)
	check("Fp2.Mul", z.Mul(x, y), new(big.Int).Sub(mul(a0, b0), mul(a1, b1)), im.Add(im, mul(a1, b0)))
	im = mul(a0, a1)
	check("Fp2.Sqr", z.Sqr(x), new(big.Int).Sub(mul(a0, a0), mul(a1, a1)), im.Add(im, im))
	check("Fp.Mul", &Fp2{*z.A0.Mul(&x.A0, &y.A1), *z.A1.Mul(&x.A1, &y.A0)}, mul(a0, b1), mul(a1, b0))
	check("Fp.Sqr", &Fp2{*z.A0.Sqr(&x.A0), *z.A1.Sqr(&y.A1)}, mul(a0, a0), mul(b1, b1))
}

func TestWorstProducts(t *testing.T) {
	c := newExact(t)
	edge := c.worst(c.loose, lowLoose)
	var factors []Fp2
	for i := range edge {
		for j := range edge {
			factors = append(factors, Fp2{edge[i], edge[j]})
		}
	}
	count := enough(20_000, 2_000, len(factors)*len(factors))
	for i := range factors {
		c.product(&factors[i], &factors[i])
	}
	for range count {
		c.product(&factors[c.rnd.IntN(len(factors))], &factors[c.rnd.IntN(len(factors))])
	}
	t.Logf("%d factors, %d pairs", len(factors), count)
}

// small returns a factor that was reduced modulo p.
func small(v *big.Int) int64 {
	if !v.IsInt64() {
		v = new(big.Int).Sub(v, curve.p)
	}
	return v.Int64()
}

func TestWorstSums(t *testing.T) {
	c := newExact(t)
	edge := c.worst(c.limit, low)
	pick := func() *Fp2 { return &Fp2{edge[c.rnd.IntN(len(edge))], edge[c.rnd.IntN(len(edge))]} }
	for name, k := range linear {
		for range enough(3_000, 300, 100_000) {
			v := []*Fp2{new(Fp2)}
			re, im := new(big.Int), new(big.Int)
			var topRe, topIm int64
			for _, factor := range k.c {
				x := pick()
				v = append(v, x)
				a, b := integers(x)
				r, i := small(factor.re), small(factor.im)
				times := func(k int64, v *big.Int) *big.Int { return new(big.Int).Mul(big.NewInt(k), v) }
				re.Add(re, times(r, a)).Sub(re, times(i, b))
				im.Add(im, times(r, b)).Add(im, times(i, a))
				topA, topB := int64(x.A0.l[fpLimbs-1]), int64(x.A1.l[fpLimbs-1])
				topRe, topIm = topRe+r*topA-i*topB, topIm+r*topB+i*topA
			}
			k.f(v)
			want := Fp2{c.normalized(re, topRe), c.normalized(im, topIm)}
			c.same(name, &v[0].A0, &want.A0)
			c.same(name, &v[0].A1, &want.A1)
		}
	}
}
