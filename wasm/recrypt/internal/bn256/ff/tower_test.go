package ff

import (
	"bytes"
	"math/big"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/aliastest"
)

// towerTester compares an extension field with the model.
type towerTester[T comparable, P ring[T]] struct {
	*testing.T
	size   int
	random func() T
}

// parts returns random coefficients, among them extreme ones.
func parts(t *testing.T) (fp func() Fp, fp2 func() Fp2, fp6 func() Fp6) {
	c := fpTester(t)
	fp = func() Fp {
		if c.rnd.IntN(3) == 0 {
			return c.boundary(c.limit, low)
		}
		return c.random()
	}
	fp2 = func() Fp2 { return Fp2{fp(), fp()} }
	fp6 = func() Fp6 { return Fp6{fp2(), fp2(), fp2()} }
	return fp, fp2, fp6
}

func (c *towerTester[T, P]) model(x *T) *towerModel {
	b := make([]byte, c.size)
	P(x).FillBytes(b)
	return decodeModel(b)
}

func (c *towerTester[T, P]) is(what string, got *T, want *towerModel) {
	c.Helper()
	b := make([]byte, c.size)
	P(got).FillBytes(b)
	if !bytes.Equal(b, want.encode(c.size)) {
		c.Fatalf("%s: got %x, want %x", what, b, want.encode(c.size))
	}
}

// products compares random products, squares and sums with the model.
func (c *towerTester[T, P]) products(count int) {
	var z T
	for range count {
		x, y := c.random(), c.random()
		a, b := c.model(&x), c.model(&y)
		c.is("Mul", P(&z).Mul(&x, &y), a.mul(b))
		c.is("Sqr", P(&z).Sqr(&x), a.mul(a))
		c.is("Add", P(&z).Add(&x, &y), a.add(b))
		c.is("Sub", P(&z).Sub(&x, &y), a.add(b.neg()))
	}
	c.Logf("%d random products", count)
}

func TestFp2(t *testing.T) {
	fp, random, _ := parts(t)
	checkRing[Fp2](t, Fp2Size, curve.p, random)
	c := towerTester[Fp2, *Fp2]{t, Fp2Size, random}
	c.products(enough(20_000, 1000, 1_000_000))
	for range enough(500, 100, 20_000) {
		x, k := random(), fp()
		a := c.model(&x)
		var z Fp2
		c.is("Conj", z.Conj(&x), a.frobenius(1))
		c.is("MulFp", z.MulFp(&x, &k), a.mul(c.model(&Fp2{A0: k})))
		c.is("CondNeg 1", z.CondNeg(&x, 1), a.neg())
		c.is("CondNeg 0", z.CondNeg(&x, 0), a)
	}
	aliastest.Check(t, 2, random, map[string]func(v []*Fp2){
		"Conj":    func(v []*Fp2) { v[0].Conj(v[1]) },
		"CondNeg": func(v []*Fp2) { v[0].CondNeg(v[1], 1) },
	})
	aliastest.Check(t, 3, random, map[string]func(v []*Fp2){
		"MulFp":   func(v []*Fp2) { v[0].MulFp(v[1], &v[2].A0) },
		"MulFp 1": func(v []*Fp2) { v[0].MulFp(v[1], &v[2].A1) },
	})
}

func TestFp6(t *testing.T) {
	_, fp2, random := parts(t)
	checkRing[Fp6](t, Fp6Size, curve.p, random)
	c := towerTester[Fp6, *Fp6]{t, Fp6Size, random}
	c.products(enough(2000, 200, 100_000))
	for range enough(300, 50, 10_000) {
		x, y, w, k := random(), random(), random(), fp2()
		a, b := c.model(&x), c.model(&y)
		var z Fp6
		var v Fp2
		v.SetOne()
		c.is("MulV", z.MulV(&x), a.mul(c.model(&Fp6{B1: v})))
		c.is("Neg", z.Neg(&x), a.neg())
		c.is("subSub", z.subSub(&w, &x, &y), c.model(&w).add(a.add(b).neg()))
		c.is("addV", z.addV(&x, &y), a.add(b.mul(c.model(&Fp6{B1: v}))))
		c.is("MulFp2", z.MulFp2(&x, &k), a.mul(c.model(&Fp6{B0: k})))
	}
	aliastest.Check(t, 2, random, map[string]func(v []*Fp6){
		"MulV": func(v []*Fp6) { v[0].MulV(v[1]) },
		"Neg":  func(v []*Fp6) { v[0].Neg(v[1]) },
	})
	aliastest.Check(t, 3, random, map[string]func(v []*Fp6){
		"MulFp2":   func(v []*Fp6) { v[0].MulFp2(v[1], &v[2].B0) },
		"MulFp2 1": func(v []*Fp6) { v[0].MulFp2(v[1], &v[2].B1) },
		"MulFp2 2": func(v []*Fp6) { v[0].MulFp2(v[1], &v[2].B2) },
	})
	aliastest.Check(t, 4, random, map[string]func(v []*Fp6){
		"subSub": func(v []*Fp6) { v[0].subSub(v[1], v[2], v[3]) },
	})
}

func TestFp12(t *testing.T) {
	_, fp2, fp6 := parts(t)
	random := func() Fp12 { return Fp12{fp6(), fp6()} }
	checkRing[Fp12](t, Fp12Size, curve.p, random)
	c := towerTester[Fp12, *Fp12]{t, Fp12Size, random}
	c.products(enough(500, 50, 50_000))
	var one Fp12
	one.SetOne()
	for range enough(100, 20, 3000) {
		x, b, d := random(), fp2(), fp2()
		a := c.model(&x)
		var z, y Fp12
		line := one
		line.C1.B0, line.C1.B1 = b, d
		c.is("MulLine", z.MulLine(&x, &b, &d), a.mul(c.model(&line)))
		c.is("Conj", z.Conj(&x), a.frobenius(1).frobenius(2).frobenius(3))
		c.is("CondConj 1", z.CondConj(&x, 1), c.model(y.Conj(&x)))
		c.is("CondConj 0", z.CondConj(&x, 0), a)
		c.is("Frobenius", z.Frobenius(&x), a.frobenius(1))
		c.is("Frobenius2", z.Frobenius2(&x), a.frobenius(2))
		c.is("Frobenius3", z.Frobenius3(&x), a.frobenius(3))
		if x.IsZero() == 1 {
			continue
		}
		// into the cyclotomic subgroup: x^((p⁶−1)(p²+1))
		y.Conj(&x)
		y.Mul(&y, z.Inv(&x))
		y.Mul(&y, z.Frobenius2(&y))
		a = c.model(&y)
		c.is("CyclotomicSqr", z.CyclotomicSqr(&y), a.mul(a))
		if z.Mul(&y, z.Conj(&y)) != &z || z.Equal(&one) != 1 {
			t.Fatal("the conjugate is not the inverse")
		}
	}
	c.is("CyclotomicSqr of 1", new(Fp12).CyclotomicSqr(&one), c.model(&one))
	aliastest.Check(t, 2, random, map[string]func(v []*Fp12){
		"Frobenius":     func(v []*Fp12) { v[0].Frobenius(v[1]) },
		"Frobenius2":    func(v []*Fp12) { v[0].Frobenius2(v[1]) },
		"Frobenius3":    func(v []*Fp12) { v[0].Frobenius3(v[1]) },
		"Conj":          func(v []*Fp12) { v[0].Conj(v[1]) },
		"CondConj":      func(v []*Fp12) { v[0].CondConj(v[1], 1) },
		"CyclotomicSqr": func(v []*Fp12) { v[0].CyclotomicSqr(v[1]) },
	})
	aliastest.Check(t, 3, random, map[string]func(v []*Fp12){
		"MulLine": func(v []*Fp12) { v[0].MulLine(v[1], &v[2].C0.B0, &v[2].C1.B2) },
	})
}

// Frobenius is the power p, by squarings and multiplications of the package itself.
func TestFrobeniusIsPower(t *testing.T) {
	_, _, fp6 := parts(t)
	x := Fp12{fp6(), fp6()}
	power := func(x *Fp12, e *big.Int) *Fp12 {
		acc := new(Fp12).SetOne()
		for i := e.BitLen() - 1; i >= 0; i-- {
			if acc.Sqr(acc); e.Bit(i) == 1 {
				acc.Mul(acc, x)
			}
		}
		return acc
	}
	p := curve.p
	y := power(&x, p)
	if new(Fp12).Frobenius(&x).Equal(y) != 1 {
		t.Error("Frobenius is not x^p")
	}
	y = power(y, p)
	if new(Fp12).Frobenius2(&x).Equal(y) != 1 {
		t.Error("Frobenius2 is not x^(p²)")
	}
	y = power(y, p)
	if new(Fp12).Frobenius3(&x).Equal(y) != 1 {
		t.Error("Frobenius3 is not x^(p³)")
	}
	y = power(power(power(y, p), p), p)
	if new(Fp12).Conj(&x).Equal(y) != 1 {
		t.Error("Conj is not x^(p⁶)")
	}
}
