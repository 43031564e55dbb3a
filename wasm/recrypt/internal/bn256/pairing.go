package bn256

import (
	"sync"

	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/bn256/ff"
)

// millerArg is a pair of arguments of the Miller loop, the point of G1 as −x/y
// and 1/y, or 0 and 0 for the identity, whose lines are all 1.
type millerArg struct {
	xy, yInv ff.Fp
	q        *PreparedG2
}

// newMillerArg returns the pair (p, q), given the inverse of the y-coordinate of
// p.load(), which is not 0; for the identity x and z are.
func newMillerArg(p *G1, q *PreparedG2, inverse *ff.Fp) millerArg {
	a := millerArg{q: q}
	t := p.load()
	a.xy.Mul(&t.x, inverse)
	a.xy.Neg(&a.xy)
	a.yInv.Mul(&t.z, inverse)
	return a
}

// mulLine multiplies f by line k, divided by y:
//
//	ℓ/y = 1 − s·(x/y)·w + c·(1/y)·w³
//
// The factor 1/y disappears in the final exponentiation.
func (a *millerArg) mulLine(f *ff.Fp12, k int) {
	var b, c ff.Fp2
	b.MulFp(&a.q.lines[k].slope, &a.xy)
	c.MulFp(&a.q.lines[k].constant, &a.yInv)
	f.MulLine(f, &b, &c)
}

// miller sets f to the product of the Miller functions of the pairs (spec section
// 6), and overwrites the pairs. The sequence of operations is the same for all arguments.
func miller(f *ff.Fp12, args ...millerArg) {
	f.SetOne()
	k := 0
	step := func() {
		for i := range args {
			args[i].mulLine(f, k)
		}
		k++
	}
	for i, d := range loopDigits { // public
		if i > 0 {
			f.Sqr(f)
		}
		step()
		if d != 0 {
			step()
		}
	}
	step()
	step()
	clear(args)
}

// Pair sets f = e(p, q), the reduced optimal ate pairing (spec section 6), and
// returns f; 1 if either is the identity. The time does not depend on p or q.
func (f *GT) Pair(p *G1, q *G2) *GT {
	return f.PairPrepared(p, new(PreparedG2).Prepare(q))
}

// PairPrepared sets f = e(p, q), and returns f.
func (f *GT) PairPrepared(p *G1, q *PreparedG2) *GT {
	var inv ff.Fp
	inv.Inv(&p.load().y)
	miller(&f.f, newMillerArg(p, q, &inv))
	finalExp(&f.f)
	return f
}

// linesG has the lines of g1.
var linesG = sync.OnceValue(func() *PreparedG2 {
	return new(PreparedG2).Prepare(new(G2).SetGenerator())
})

// PairG sets f = e(p, g1), and returns f. The first call also prepares g1.
func (f *GT) PairG(p *G1) *GT { return f.PairPrepared(p, linesG()) }

// PairPreparedG sets f = e(p, q)·e(p2, g1) by one Miller loop and one final
// exponentiation, and returns f.
func (f *GT) PairPreparedG(p *G1, q *PreparedG2, p2 *G1) *GT {
	var inv, inv1, inv2 ff.Fp
	y, y2 := &p.load().y, &p2.load().y
	inv.Mul(y, y2)
	inv.Inv(&inv)
	inv1.Mul(&inv, y2)
	inv2.Mul(&inv, y)
	miller(&f.f, newMillerArg(p, q, &inv1), newMillerArg(p2, linesG(), &inv2))
	finalExp(&f.f)
	return f
}
