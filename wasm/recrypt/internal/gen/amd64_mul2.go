//go:build ignore

// Products and squares of Fp2 for amd64, with one reduction per coordinate.

package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// negate sets z = k·p − y.
func (a *amd64) negate(z, y words, k int) {
	t := a.registers(a.n)
	a.load(t, a.multiple(k))
	a.addWords(t, y, a.n, -1)
	a.store(t, z)
}

// mul2 writes z = x·y: z1 = x0·y1 + x1·y0, z0 = x0·y0 + x1·(p − y1).
func (a *amd64) mul2() {
	a.begin("fp2Mul", "z = x·y", "z, x, y")
	size := 8 * a.n
	neg, z1 := at(a.AllocLocal(size)), at(a.AllocLocal(size))
	x, y := a.arg("x"), a.arg("y")
	x0, x1, y0, y1 := at(x), at(x.Offset(size)), at(y), at(y.Offset(size))
	t := a.registers(a.n)
	a.load(t, a.multiple(1))
	a.addWords(t, y1, a.n, -1)
	a.store(t, neg)
	t = a.product([2]words{x0, y1}, [2]words{x1, y0})
	t = a.less(a.less(t, len(t)), a.n) // from below 3p
	a.store(t, z1)
	t = a.product([2]words{x0, y0}, [2]words{x1, neg})
	t = a.less(a.less(t, len(t)), a.n)
	z := a.arg("z")
	a.store(t, at(z))
	a.move(z1, at(z.Offset(size)))
	a.RET()
}

// karatsuba2 writes z = x·y for a modulus with spare bits, by three products of double
// width and two reductions (Aranha, Karabina, Longa, Gebotys and López, "Faster explicit
// formulas for computing pairings over ordinary curves", 2011). With k = 4p², which is
// not below x1·y1: z0 = (x0·y0 + k) − x1·y1,
// z1 = ((x0 + x1)·(y0 + y1) + k) − (x0·y0 + k) − x1·y1.
func (a *amd64) karatsuba2(k words) {
	a.begin("fp2Mul", "z = x·y", "z, x, y")
	size := 8 * a.n
	local := func() words { return at(a.AllocLocal(2 * size)) }
	v0, v1, v2 := local(), local(), local()
	sums := a.AllocLocal(2 * size)
	x := func(c int) words { return at(a.arg("x").Offset(size * c)) }
	y := func(c int) words { return at(a.arg("y").Offset(size * c)) }
	for i, v := range []func(int) words{x, y} {
		t := a.registers(a.n)
		a.load(t, v(0))
		a.addWords(t, v(1), a.n, 1)
		a.store(t, at(sums.Offset(i*size)))
	}
	a.wide(v2, at(sums), at(sums.Offset(size)), k)
	a.wide(v0, x(0), y(0), k)
	a.wide(v1, x(1), y(1), nil)
	t := a.GP64()
	for j := range 2 * a.n {
		a.MOVQ(v2(j), t)
		if j == 0 {
			a.SUBQ(v0(j), t)
		} else {
			a.SBBQ(v0(j), t)
		}
		a.MOVQ(t, v2(j))
	}
	z := at(a.arg("z"))
	a.store(a.difference(v2, v1), func(j int) operand.Mem { return z(a.n + j) })
	a.store(a.difference(v0, v1), z)
	a.RET()
}

// wide sets z = x·y + k, of 2n words.
func (a *amd64) wide(z, x, y, k words) {
	t := a.registers(a.n + 1)
	a.zero = a.GP64()
	for i := range a.n {
		a.MOVQ(x(i), reg.RDX)
		switch {
		case i > 0:
			a.row(t, y, false)
		case k == nil:
			a.firstRow(t, y)
		default:
			a.load(t, k)
			a.row(t, y, false)
		}
		a.MOVQ(t[0], z(i))
		if i+1 < a.n {
			if k == nil {
				a.XORQ(t[0], t[0])
			} else {
				a.MOVQ(k(a.n+1+i), t[0])
			}
		}
		t = append(t[1:len(t):len(t)], t[0])
	}
	for j, r := range t[:a.n] {
		a.MOVQ(r, z(a.n+j))
	}
}

// difference returns (x − y)/R modulo p, reduced, for x − y of 2n words from 0 to p·R/2.
// Its high words replace those of x.
func (a *amd64) difference(x, y words) []register {
	t := a.registers(a.n + 1)
	high := a.GP64()
	for j := range 2 * a.n {
		r := high
		if j < a.n {
			r = t[j]
		}
		a.MOVQ(x(j), r)
		if j == 0 {
			a.SUBQ(y(j), r)
		} else {
			a.SBBQ(y(j), r)
		}
		if j >= a.n {
			a.MOVQ(r, x(j))
		}
	}
	a.zero = a.GP64()
	a.XORQ(t[a.n], t[a.n])
	for range a.n {
		t = a.shift(t)
	}
	t = t[:a.n] // at most p
	a.addWords(t, func(j int) operand.Mem { return x(a.n + j) }, a.n, 1)
	return a.less(t, a.n)
}

// sqr2 writes z = x²: z1 = 2x0·x1, z0 = (x0 + x1)·(x0 − x1).
func (a *amd64) sqr2() {
	a.begin("fp2Sqr", "z = x²", "z, x")
	size := 8 * a.n
	factor := func(c, sign int) term {
		v := term{sign, func(int) words { return at(a.arg("x").Offset(size * c)) }, 0, 1, a.n}
		if a.spare {
			v.to = looseLimit
		}
		return v
	}
	store := func(terms ...term) words {
		s, local := &sum{a: a}, at(a.AllocLocal(size))
		s.all(terms, 0)
		s.bias()
		a.store(a.reduced(s, true), local)
		return local
	}
	z1 := at(a.AllocLocal(size))
	t := a.product([2]words{factor(0, 1).words(0), factor(1, 1).words(0)})
	u := &sum{a: a, t: a.less(t, len(t)), to: 1}
	u.twice()
	a.store(a.reduced(u, false), z1)
	t = a.product([2]words{store(factor(0, 1), factor(1, 1)), store(factor(0, 1), factor(1, -1))})
	t = a.less(t, a.n)
	z := a.arg("z")
	a.store(t, at(z))
	a.move(z1, at(z.Offset(size)))
	a.RET()
}
