//go:build ignore

// Lattices by which scalars are cut into short ones (spec section 12, note 8).

package main

import (
	"log"
	"math/big"
)

// window is the width of the windows of scalar multiplication.
const window = 5

// baseWindow is that of the tables of fixed bases. A table takes as long to make as some
// ten multiplications, once in each instance: for the greater set, twice as long as is
// worth another sixth of speed.
func (s *params) baseWindow() int {
	if s.size > 32 {
		return 5
	}
	return 6
}

type latticeFile struct {
	Header, Package        string
	Window, BaseWindow     int
	ShortWords, RecipWords int
	Lattices               []lattice
}

// lattice is what lattice.tmpl sees of one basis.
type lattice struct {
	Dim, Bits            int
	Windows, BaseWindows int
	Eigen, Eigenvalue    string
	Basis                [][][]uint64
	Recip                [][]uint64
}

// lattices returns the bases of both dimensions, after checking them.
func (s *params) lattices(header, pkg string) latticeFile {
	f := latticeFile{
		Header: header, Package: pkg, Window: window, BaseWindow: s.baseWindow(),
		// 64 bits beyond r make the error of a quotient less than 2^-64
		RecipWords: (s.R.BitLen()+63)/64 + 1,
	}
	u := func(c ...int64) *big.Int { return poly(s.U, c...) }
	two := [][]*big.Int{{u(0, 2, 6), u(-1, -2)}, {u(1, 2), u(1, 4, 6)}}
	// that of spec section 12, note 8, has three times the determinant; these are its
	// first vector and its multiples by p, with p⁴ = p² − 1
	four := [][]*big.Int{{u(1, 1), u(0, 1), u(0, 1), u(0, -2)}}
	for range 3 {
		c := four[len(four)-1]
		four = append(four, []*big.Int{new(big.Int).Neg(c[3]), c[0], new(big.Int).Add(c[1], c[3]), c[2]})
	}
	lambda := u(-2, -6, -18, -36)
	s.checkLambda(lambda)
	f.ShortWords = (max(s.signedBits(two), s.signedBits(four)) + 63) / 64
	f.Lattices = []lattice{
		s.lattice(two, lambda, f.ShortWords, f.RecipWords),
		s.lattice(four, u(0, 0, 6), f.ShortWords, f.RecipWords),
	}
	f.Lattices[0].Eigen, f.Lattices[0].Eigenvalue = "·λ", ", λ = −(36u³+18u²+6u+2)"
	f.Lattices[1].Eigen, f.Lattices[1].Eigenvalue = "·p + c₂·p²", ""
	return f
}

// checkLambda stops unless (x, y) ↦ (βx, y), β = γ_{2,2}, multiplies points of G1 by λ.
func (s *params) checkLambda(lambda *big.Int) {
	g := &point{fp2{n(1), n(0)}, fp2{n(2), n(0)}}
	want := s.multiply(new(big.Int).Mod(lambda, s.R), g)
	if got := s.gamma(2, 2); got.Re.Cmp(want.X.Re) != 0 || want.Y.Re.Cmp(n(2)) != 0 {
		log.Fatal("the endomorphism of G1 has another eigenvalue")
	}
}

// signedBits returns how many bits, with the sign, the short scalars have at most. What
// is left of a scalar after rounding its coordinates in the basis is a sum of the basis
// vectors, each times at most 1/2 + 2^-64.
func (s *params) signedBits(rows [][]*big.Int) int {
	bits := 0
	for j := range rows {
		sum := n(0)
		for i := range rows {
			sum.Add(sum, new(big.Int).Abs(rows[i][j]))
		}
		sum.Mul(sum, new(big.Int).Add(new(big.Int).Lsh(n(1), 63), n(1)))
		bits = max(bits, sum.Rsh(sum, 64).BitLen()+1)
	}
	return bits
}

func (s *params) lattice(rows [][]*big.Int, eigenvalue *big.Int, shortWords, recipWords int) lattice {
	dim := len(rows)
	l := lattice{Dim: dim, Bits: s.signedBits(rows)}
	base := s.baseWindow()
	l.Windows, l.BaseWindows = (l.Bits+window-1)/window, (l.Bits+base-1)/base
	det := determinant(rows)
	if new(big.Int).Abs(det).Cmp(s.R) != 0 {
		log.Fatal("not a basis of the whole lattice")
	}
	modulus := new(big.Int).Lsh(n(1), uint(64*shortWords))
	for i, row := range rows {
		value := n(0)
		for j := dim - 1; j >= 0; j-- {
			value.Add(value.Mul(value, eigenvalue), row[j])
		}
		if value.Mod(value, s.R).Sign() != 0 {
			log.Fatal("a vector outside the lattice")
		}
		// coordinate i of (1, 0, …) is the cofactor of row i, column 0, over det
		c := determinant(minor(rows, i))
		if i%2 == 1 {
			c.Neg(c)
		}
		negate := c.Sign()*det.Sign() < 0 // takes a row whose coordinate is positive
		var entries [][]uint64
		for _, v := range row {
			t := new(big.Int).Set(v)
			if negate {
				t.Neg(t)
			}
			entries = append(entries, limbs(t.Mod(t, modulus), 64, shortWords))
		}
		l.Basis = append(l.Basis, entries)
		c.Lsh(c.Abs(c), uint(64*recipWords+1))
		c.Div(c, s.R)
		c.Rsh(c.Add(c, n(1)), 1) // rounded
		l.Recip = append(l.Recip, limbs(c, 64, recipWords))
	}
	return l
}

// minor returns the matrix without row i and column 0.
func minor(m [][]*big.Int, i int) [][]*big.Int {
	var out [][]*big.Int
	for k, row := range m {
		if k != i {
			out = append(out, row[1:])
		}
	}
	return out
}

func determinant(m [][]*big.Int) *big.Int {
	if len(m) == 0 {
		return n(1)
	}
	d := n(0)
	for i, row := range m {
		t := determinant(minor(m, i))
		t.Mul(t, row[0])
		if i%2 == 1 {
			t.Neg(t)
		}
		d.Add(d, t)
	}
	return d
}
