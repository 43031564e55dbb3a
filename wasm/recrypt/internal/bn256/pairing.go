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

func newMillerArg(p *G1, q *PreparedG2) millerArg {
	a := millerArg{q: q}
	t := p.load()
	var inv ff.Fp
	inv.Inv(&t.y) // y ≠ 0, and for the identity x = z = 0
	a.xy.Mul(&t.x, &inv)
	a.xy.Neg(&a.xy)
	a.yInv.Mul(&t.z, &inv)
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

// powX sets z = a^x for a in the cyclotomic subgroup.
func powX(z, a *ff.Fp12) {
	var pos, neg ff.Fp12
	pos = *a
	neg.Conj(a)
	acc := pos
	for _, d := range xDigits { // public
		acc.CyclotomicSqr(&acc)
		if d > 0 {
			acc.Mul(&acc, &pos)
		} else if d < 0 {
			acc.Mul(&acc, &neg)
		}
	}
	*z = acc
}

// powU sets z = a^u = a^(x³) for a in the cyclotomic subgroup.
func powU(z, a *ff.Fp12) {
	powX(z, a)
	powX(z, z)
	powX(z, z)
}

// finalExp sets f = f^((p¹²−1)/r), exactly, and 0 to 0 (spec section 6, where the
// hard part is given: with a = f^(−6u−5) and b = a^(p+1) it is
//
//	f^(p³) · (b·f^(2p)·f^(p²))^(6u²+1) · b · f^(9(p+1)) · a · f⁴
//
// after Devegili, Scott and Dahab, "Implementing cryptographic pairings over
// Barreto–Naehrig curves", 2007).
func finalExp(f *ff.Fp12) {
	var a, b, s, t, fp ff.Fp12
	// easy part: (p⁶−1)(p²+1)
	t.Inv(f)
	f.Conj(f)
	f.Mul(f, &t)
	t.Frobenius2(f)
	f.Mul(f, &t)

	var f2, f4 ff.Fp12
	f2.CyclotomicSqr(f)
	f4.CyclotomicSqr(&f2)
	fp.Frobenius(f)

	// a = f^(−6u−5) = conj((f^u)⁶·f⁵)
	powU(&t, f)
	a.CyclotomicSqr(&t)
	a.Mul(&a, &t)
	a.CyclotomicSqr(&a)
	a.Mul(&a, &f4)
	a.Mul(&a, f)
	a.Conj(&a)
	b.Frobenius(&a)
	b.Mul(&b, &a)

	// s = (b·f^(2p)·f^(p²))^(6u²+1)
	t.CyclotomicSqr(&fp)
	s.Mul(&b, &t)
	t.Frobenius2(f)
	s.Mul(&s, &t)
	powU(&t, &s)
	powU(&t, &t)
	var t6 ff.Fp12
	t6.CyclotomicSqr(&t)
	t6.Mul(&t6, &t)
	t6.CyclotomicSqr(&t6)
	s.Mul(&s, &t6)

	// t = (f^p·f)⁹
	fp.Mul(&fp, f)
	t.CyclotomicSqr(&fp)
	t.CyclotomicSqr(&t)
	t.CyclotomicSqr(&t)
	t.Mul(&t, &fp)

	s.Mul(&s, &t)
	s.Mul(&s, &b)
	s.Mul(&s, &a)
	s.Mul(&s, &f4)
	t.Frobenius3(f)
	f.Mul(&s, &t)
}

// FinalExp sets f to the element of Fp12 encoded in GTSize bytes, each part reduced
// modulo p, raised to (p¹²−1)/r, and returns f: recrypt's way of making a random
// element of GT from bytes (spec section 8). The result is 0 for 0. It returns an
// error, leaving f alone, if the length is wrong.
func (f *GT) FinalExp(b []byte) (*GT, error) {
	if len(b) != GTSize {
		return nil, errGTLength
	}
	f.f.SetBytesReduced(b)
	finalExp(&f.f)
	return f, nil
}

// Pair sets f = e(p, q), the reduced optimal ate pairing (spec section 6), and
// returns f; 1 if either is the identity. The time does not depend on p or q.
func (f *GT) Pair(p *G1, q *G2) *GT {
	return f.PairPrepared(p, new(PreparedG2).Prepare(q))
}

// PairPrepared sets f = e(p, q), and returns f.
func (f *GT) PairPrepared(p *G1, q *PreparedG2) *GT {
	miller(&f.f, newMillerArg(p, q))
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
	miller(&f.f, newMillerArg(p, q), newMillerArg(p2, linesG()))
	finalExp(&f.f)
	return f
}
