package ff

import (
	"bytes"
	"math/big"
	"math/rand/v2"
	"testing"
)

// checkAliasing runs each function with all ways of letting its arguments
// coincide and compares with distinct ones.
func checkAliasing[T any](t *testing.T, random func() T, equal func(x, y *T) bool, funcs map[string]func(z, x, y *T)) {
	t.Helper()
	for name, f := range funcs {
		x, y := random(), random()
		var want, square T
		x1, y1 := x, y
		f(&want, &x1, &y1)
		if !equal(&x1, &x) || !equal(&y1, &y) {
			t.Errorf("%s changes an argument", name)
		}
		z := x
		y1 = y
		if f(&z, &z, &y1); !equal(&z, &want) {
			t.Errorf("%s: result on the first argument", name)
		}
		z, x1 = y, x
		if f(&z, &x1, &z); !equal(&z, &want) {
			t.Errorf("%s: result on the second argument", name)
		}
		x1, y1 = x, x
		f(&square, &x1, &y1)
		x1 = x
		if f(&z, &x1, &x1); !equal(&z, &square) {
			t.Errorf("%s: equal arguments", name)
		}
		z = x
		if f(&z, &z, &z); !equal(&z, &square) {
			t.Errorf("%s: everything equal", name)
		}
	}
}

// ring is what the extension fields have in common.
type ring[T any] interface {
	*T
	SetZero() *T
	SetOne() *T
	Set(x *T) *T
	Add(x, y *T) *T
	Sub(x, y *T) *T
	Mul(x, y *T) *T
	Sqr(x *T) *T
	Inv(x *T) *T
	Equal(x *T) int
	IsZero() int
	Select(x, y *T, cond int) *T
	SetBytes(b []byte) int
	SetBytesReduced(b []byte) *T
	FillBytes(b []byte)
}

func randomElement[T any, P ring[T]](rnd *rand.Rand, size int) T {
	var x T
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(rnd.Uint32())
	}
	P(&x).SetBytesReduced(b)
	return x
}

// checkRing checks the laws of a field, aliasing and encoding.
func checkRing[T any, P ring[T]](t *testing.T, size int) {
	rnd := rand.New(rand.NewPCG(3, 4))
	random := func() T { return randomElement[T, P](rnd, size) }
	is := func(law string, x, y *T) {
		t.Helper()
		if P(x).Equal(y) != 1 {
			t.Fatalf("%s fails", law)
		}
	}
	var zero, one T
	P(&one).SetOne()
	for range 20 {
		a, b, c := random(), random(), random()
		var l, r, s T
		is("a + b = b + a", P(&l).Add(&a, &b), P(&r).Add(&b, &a))
		is("(a + b) − b = a", P(&l).Sub(&l, &b), &a)
		is("ab = ba", P(&l).Mul(&a, &b), P(&r).Mul(&b, &a))
		is("(ab)c = a(bc)", P(&l).Mul(&l, &c), P(&r).Mul(&a, P(&s).Mul(&b, &c)))
		P(&l).Mul(P(&l).Add(&a, &b), &c)
		P(&r).Add(P(&r).Mul(&a, &c), P(&s).Mul(&b, &c))
		is("(a + b)c = ac + bc", &l, &r)
		is("a² = aa", P(&l).Sqr(&a), P(&r).Mul(&a, &a))
		is("a·1 = a", P(&l).Mul(&a, &one), &a)
		is("a·0 = 0", P(&l).Mul(&a, &zero), &zero)
		is("a/a = 1", P(&l).Mul(P(&l).Inv(&a), &a), &one)
		is("select", P(&l).Select(&a, &b, 1), &a)
		is("select", P(&l).Select(&a, &b, 0), &b)
		if P(&a).Equal(&b) != 0 || P(&a).IsZero() != 0 || P(&zero).IsZero() != 1 {
			t.Fatal("predicates fail")
		}
		enc := make([]byte, size)
		P(&a).FillBytes(enc)
		if P(&l).SetBytes(enc) != 1 {
			t.Fatal("SetBytes refuses an encoding")
		}
		is("encoding", &l, &a)
	}
	var l T
	is("1/0 = 0", P(&l).Inv(&zero), &zero)

	// one part that is too great, wherever it stands, is refused
	p := modulusInt(fpModulus[:]).FillBytes(make([]byte, FpSize))
	for off := 0; off < size; off += FpSize {
		enc := make([]byte, size)
		copy(enc[off:], p)
		if P(&l).SetBytes(enc) != 0 {
			t.Errorf("SetBytes accepts p at offset %d", off)
		}
		is("reduced p", P(&l).SetBytesReduced(enc), &zero)
		enc[off+FpSize-1]--
		if P(&l).SetBytes(enc) != 1 {
			t.Errorf("SetBytes refuses p − 1 at offset %d", off)
		}
		got := make([]byte, size)
		if P(&l).FillBytes(got); !bytes.Equal(got, enc) {
			t.Errorf("p − 1 at offset %d comes back wrong", off)
		}
	}
	for _, n := range []int{0, size - 1, size + 1} {
		if P(&l).SetBytes(make([]byte, n)) != 0 {
			t.Errorf("SetBytes accepts %d bytes", n)
		}
	}
	checkAliasing(t, random, func(x, y *T) bool { return P(x).Equal(y) == 1 }, map[string]func(z, x, y *T){
		"Add":    func(z, x, y *T) { P(z).Add(x, y) },
		"Sub":    func(z, x, y *T) { P(z).Sub(x, y) },
		"Mul":    func(z, x, y *T) { P(z).Mul(x, y) },
		"Select": func(z, x, y *T) { P(z).Select(x, y, 0) },
		"Sqr":    func(z, x, _ *T) { P(z).Sqr(x) },
		"Inv":    func(z, x, _ *T) { P(z).Inv(x) },
	})
}

func TestFp2(t *testing.T) {
	checkRing[Fp2](t, Fp2Size)
	rnd := rand.New(rand.NewPCG(5, 6))
	random := func() Fp2 { return randomElement[Fp2](rnd, Fp2Size) }
	equal := func(x, y *Fp2) bool { return x.Equal(y) == 1 }

	var i, minus, xi Fp2
	i.A1.SetOne()
	minus.SetOne()
	minus.Neg(&minus)
	if i.Sqr(&i).Equal(&minus) != 1 {
		t.Error("i² ≠ −1")
	}
	xi.A1.SetOne()
	xi.A0.Mul3(&xi.A1)
	for range 20 {
		x, y := random(), random()
		var l, r Fp2
		if l.MulXi(&x).Equal(r.Mul(&x, &xi)) != 1 {
			t.Fatal("MulXi")
		}
		r = x
		r.A1.SetZero()
		if l.MulFp(&y, &x.A0).Equal(r.Mul(&r, &y)) != 1 {
			t.Fatal("MulFp")
		}
		if l.Conj(&x).Equal(r.exp(&x, modulusInt(fpModulus[:]))) != 1 {
			t.Fatal("Conj is not x^p")
		}
		if l.Mul3(&x).Equal(r.Add(&x, r.Double(&x))) != 1 {
			t.Fatal("Mul3")
		}
		if l.CondNeg(&x, 1).Equal(r.Neg(&x)) != 1 || l.CondNeg(&x, 0).Equal(&x) != 1 {
			t.Fatal("CondNeg")
		}
	}
	checkAliasing(t, random, equal, map[string]func(z, x, y *Fp2){
		"MulXi":    func(z, x, _ *Fp2) { z.MulXi(x) },
		"MulFp":    func(z, x, y *Fp2) { z.MulFp(x, &y.A0) },
		"MulFp 1":  func(z, x, y *Fp2) { z.MulFp(x, &y.A1) },
		"Conj":     func(z, x, _ *Fp2) { z.Conj(x) },
		"Neg":      func(z, x, _ *Fp2) { z.Neg(x) },
		"Mul3":     func(z, x, _ *Fp2) { z.Mul3(x) },
		"mul3Add2": func(z, x, y *Fp2) { z.mul3Add2(x, y) },
		"mul3Sub2": func(z, x, y *Fp2) { z.mul3Sub2(x, y) },
		"SubSub":   func(z, x, y *Fp2) { z.SubSub(y, x, y) },
		"CondNeg":  func(z, x, _ *Fp2) { z.CondNeg(x, 1) },
	})
}

// exp is x^e for tests.
func (z *Fp2) exp(x *Fp2, e *big.Int) *Fp2 {
	var acc Fp2
	acc.SetOne()
	for i := e.BitLen() - 1; i >= 0; i-- {
		acc.Sqr(&acc)
		if e.Bit(i) == 1 {
			acc.Mul(&acc, x)
		}
	}
	*z = acc
	return z
}

func TestFp6(t *testing.T) {
	checkRing[Fp6](t, Fp6Size)
	rnd := rand.New(rand.NewPCG(7, 8))
	random := func() Fp6 { return randomElement[Fp6](rnd, Fp6Size) }
	var v Fp6
	v.B1.SetOne()
	for range 20 {
		x, y := random(), random()
		var l, r Fp6
		if l.MulV(&x).Equal(r.Mul(&x, &v)) != 1 {
			t.Fatal("MulV")
		}
		var sum Fp2
		sum.Add(&y.B0, &y.B1)
		r = y
		r.B2.SetZero()
		if l.mulSparse(&x, &y.B0, &y.B1, &sum).Equal(r.Mul(&r, &x)) != 1 {
			t.Fatal("mulSparse")
		}
		r = Fp6{B0: y.B2}
		if l.MulFp2(&x, &y.B2).Equal(r.Mul(&r, &x)) != 1 {
			t.Fatal("MulFp2")
		}
	}
	checkAliasing(t, random, func(x, y *Fp6) bool { return x.Equal(y) == 1 }, map[string]func(z, x, y *Fp6){
		"MulV":   func(z, x, _ *Fp6) { z.MulV(x) },
		"MulFp2": func(z, x, y *Fp6) { z.MulFp2(x, &y.B1) },
		"Neg":    func(z, x, _ *Fp6) { z.Neg(x) },
		"mulSparse": func(z, x, y *Fp6) {
			l0, l1 := y.B0, y.B1
			var sum Fp2
			sum.Add(&l0, &l1)
			z.mulSparse(x, &l0, &l1, &sum)
		},
	})
}

// mulSchoolbook multiplies polynomials in w over Fp2 and folds w⁶ = ξ.
func (z *Fp12) mulSchoolbook(x, y *Fp12) *Fp12 {
	var c [11]Fp2
	var t Fp2
	xc, yc := x.coefficients(), y.coefficients()
	for i := range xc {
		for j := range yc {
			c[i+j].Add(&c[i+j], t.Mul(xc[i], yc[j]))
		}
	}
	var out Fp12
	for k, o := range out.coefficients() {
		*o = c[k]
		if k < 5 {
			o.Add(o, t.MulXi(&c[k+6]))
		}
	}
	*z = out
	return z
}

func TestFp12(t *testing.T) {
	checkRing[Fp12](t, Fp12Size)
	rnd := rand.New(rand.NewPCG(9, 10))
	random := func() Fp12 { return randomElement[Fp12](rnd, Fp12Size) }
	equal := func(x, y *Fp12) bool { return x.Equal(y) == 1 }
	for range 20 {
		x, y := random(), random()
		var l, r Fp12
		if !equal(l.Mul(&x, &y), r.mulSchoolbook(&x, &y)) {
			t.Fatal("Mul")
		}
		var line Fp12
		line.SetOne()
		line.C1.B0, line.C1.B1 = y.C0.B0, y.C0.B1
		if !equal(l.MulLine(&x, &y.C0.B0, &y.C0.B1), r.mulSchoolbook(&x, &line)) {
			t.Fatal("MulLine")
		}
		l.Frobenius(&x)
		l.Frobenius(&l)
		if !equal(&l, r.Frobenius2(&x)) {
			t.Fatal("Frobenius twice")
		}
		l.Frobenius(&l)
		if !equal(&l, r.Frobenius3(&x)) {
			t.Fatal("Frobenius three times")
		}
		if !equal(l.Frobenius3(&l), r.Conj(&x)) {
			t.Fatal("Frobenius six times")
		}
		if !equal(l.CondConj(&x, 1), r.Conj(&x)) || !equal(l.CondConj(&x, 0), &x) {
			t.Fatal("CondConj")
		}
		// into the cyclotomic subgroup: x^((p⁶−1)(p²+1))
		l.Conj(&x)
		l.Mul(&l, r.Inv(&x))
		l.Mul(&l, r.Frobenius2(&l))
		if !equal(r.CyclotomicSqr(&l), x.Sqr(&l)) {
			t.Fatal("CyclotomicSqr")
		}
		if r.Mul(&l, r.Conj(&l)).Equal(new(Fp12).SetOne()) != 1 {
			t.Fatal("conjugate is not the inverse")
		}
	}
	p := modulusInt(fpModulus[:])
	x := random()
	var acc, f Fp12
	acc.SetOne()
	for i := p.BitLen() - 1; i >= 0; i-- {
		acc.Sqr(&acc)
		if p.Bit(i) == 1 {
			acc.Mul(&acc, &x)
		}
	}
	if !equal(&acc, f.Frobenius(&x)) {
		t.Error("Frobenius is not x^p")
	}
	checkAliasing(t, random, equal, map[string]func(z, x, y *Fp12){
		"Frobenius":     func(z, x, _ *Fp12) { z.Frobenius(x) },
		"Frobenius2":    func(z, x, _ *Fp12) { z.Frobenius2(x) },
		"Frobenius3":    func(z, x, _ *Fp12) { z.Frobenius3(x) },
		"Conj":          func(z, x, _ *Fp12) { z.Conj(x) },
		"CondConj":      func(z, x, _ *Fp12) { z.CondConj(x, 1) },
		"CyclotomicSqr": func(z, x, _ *Fp12) { z.CyclotomicSqr(x) },
	})
}

// The constants are what their names say, computed with our own arithmetic.
func TestConstants(t *testing.T) {
	p := modulusInt(fpModulus[:])
	var xi Fp2
	xi.A1.SetOne()
	xi.A0.Mul3(&xi.A1)
	for j := range 6 {
		for k := 1; k <= 3; k++ {
			e := new(big.Int).Exp(p, big.NewInt(int64(k)), nil)
			e.Sub(e, big.NewInt(1))
			e.Mul(e.Div(e, big.NewInt(6)), big.NewInt(int64(j)))
			var want Fp2
			want.exp(&xi, e)
			got := [4]Fp2{1: gamma1[j], 2: {A0: gamma2[j]}, 3: gamma3[j]}[k]
			if got.Equal(&want) != 1 {
				t.Errorf("gamma %d,%d", k, j)
			}
		}
	}
	var b, three Fp2
	three.SetOne()
	three.Mul3(&three)
	if b.Mul(&TwistB, &xi).Equal(&three) != 1 {
		t.Error("TwistB")
	}
	if b.Mul3(&TwistB).Equal(&TwistB3) != 1 {
		t.Error("TwistB3")
	}
	if PsiX.Equal(&gamma1[2]) != 1 || PsiY.Equal(&gamma1[3]) != 1 || Psi2X.Equal(&gamma2[2]) != 1 {
		t.Error("ψ")
	}
}

func BenchmarkFpMul(b *testing.B) {
	x, y := fpR2, fpR2
	for b.Loop() {
		x.Mul(&x, &y)
	}
}

func BenchmarkFpSqr(b *testing.B) {
	x := fpR2
	for b.Loop() {
		x.Sqr(&x)
	}
}

func BenchmarkFpAdd(b *testing.B) {
	x, y := fpR2, fpR2
	for b.Loop() {
		x.Add(&x, &y)
	}
}

func BenchmarkFpInv(b *testing.B) {
	x := fpR2
	for b.Loop() {
		x.Inv(&x)
	}
}

func BenchmarkFp12CyclotomicSqr(b *testing.B) {
	var x Fp12
	x.SetOne()
	for b.Loop() {
		x.CyclotomicSqr(&x)
	}
}
