package ff

// Fp12Size is the length of an encoded Fp12 in bytes.
const Fp12Size = 2 * Fp6Size

// Fp12 is C0 + C1·w with w² = v. The zero value is 0.
//
// As c₀ + c₁w + … + c₅w⁵ over Fp2 the coefficients are c₀ = C0.B0, c₁ = C1.B0,
// c₂ = C0.B1, c₃ = C1.B1, c₄ = C0.B2, c₅ = C1.B2.
type Fp12 struct{ C0, C1 Fp6 }

// SetZero sets z = 0, and returns z.
func (z *Fp12) SetZero() *Fp12 {
	*z = Fp12{}
	return z
}

// SetOne sets z = 1, and returns z.
func (z *Fp12) SetOne() *Fp12 {
	z.SetZero()
	z.C0.SetOne()
	return z
}

// Set sets z = x, and returns z.
func (z *Fp12) Set(x *Fp12) *Fp12 {
	*z = *x
	return z
}

// Add sets z = x + y, and returns z.
func (z *Fp12) Add(x, y *Fp12) *Fp12 {
	z.C0.Add(&x.C0, &y.C0)
	z.C1.Add(&x.C1, &y.C1)
	return z
}

// Sub sets z = x − y, and returns z.
func (z *Fp12) Sub(x, y *Fp12) *Fp12 {
	z.C0.Sub(&x.C0, &y.C0)
	z.C1.Sub(&x.C1, &y.C1)
	return z
}

// Conj sets z = C0 − C1·w = x^(p⁶), and returns z. In the cyclotomic subgroup,
// hence in GT, that is 1/x.
func (z *Fp12) Conj(x *Fp12) *Fp12 {
	z.C0.Set(&x.C0)
	z.C1.Neg(&x.C1)
	return z
}

// Mul sets z = x·y, and returns z (Karatsuba, 18 multiplications in Fp2).
func (z *Fp12) Mul(x, y *Fp12) *Fp12 {
	var v0, v1, s, t Fp6
	s.Add(&x.C0, &x.C1)
	t.Add(&y.C0, &y.C1)
	s.Mul(&s, &t)
	v0.Mul(&x.C0, &y.C0)
	v1.Mul(&x.C1, &y.C1)
	z.C1.subSub(&s, &v0, &v1)
	z.C0.addV(&v0, &v1)
	return z
}

// Sqr sets z = x², and returns z (complex squaring, 12 multiplications in Fp2).
func (z *Fp12) Sqr(x *Fp12) *Fp12 {
	var m, s, t Fp6
	m.Mul(&x.C0, &x.C1)
	s.Add(&x.C0, &x.C1)
	t.addV(&x.C0, &x.C1)
	s.Mul(&s, &t) // C0² + v·C1² + (1 + v)·C0·C1
	z.C0.B0.SubSubXi(&s.B0, &m.B0, &m.B2)
	z.C0.B1.SubSub(&s.B1, &m.B1, &m.B0)
	z.C0.B2.SubSub(&s.B2, &m.B2, &m.B1)
	z.C1.Add(&m, &m)
	return z
}

// sparse are the products of an element B0 + B1·v + B2·v² of Fp6 with b + c·v, from
// which follow the coefficients v0 + ξt, s − v0 − v1 and q + v1.
type sparse struct{ v0, v1, s, t, q Fp2 }

// set computes the products (five multiplications in Fp2); sum = b + c, loose.
func (m *sparse) set(x *Fp6, b, c, sum *Fp2) {
	m.v0.Mul(&x.B0, b)
	m.v1.Mul(&x.B1, c)
	m.s.AddLoose(&x.B0, &x.B1)
	m.s.Mul(&m.s, sum)
	m.t.Mul(&x.B2, c)
	m.q.Mul(&x.B2, b)
}

// MulLine sets z = x·(1 + b·w + c·w³), and returns z: a line of the Miller loop
// divided by its constant term (10 multiplications in Fp2).
func (z *Fp12) MulLine(x *Fp12, b, c *Fp2) *Fp12 {
	var l struct {
		sum  Fp2
		half [2]sparse // C0·(b + c·v), C1·(b + c·v)
	}
	l.sum.AddLoose(b, c)
	l0, l1 := &l.half[0], &l.half[1]
	l0.set(&x.C0, b, c, &l.sum)
	l1.set(&x.C1, b, c, &l.sum)
	// C0 + v·l1
	z.C0.B0.AddXiAdd(&x.C0.B0, &l1.q, &l1.v1)
	z.C0.B1.AddAddXi(&x.C0.B1, &l1.v0, &l1.t)
	z.C0.B2.SubSubAdd(&l1.s, &l1.v0, &l1.v1, &x.C0.B2)
	// C1 + l0
	z.C1.B0.AddAddXi(&x.C1.B0, &l0.v0, &l0.t)
	z.C1.B1.SubSubAdd(&l0.s, &l0.v0, &l0.v1, &x.C1.B1)
	z.C1.B2.AddAdd(&x.C1.B2, &l0.q, &l0.v1)
	return z
}

// Inv sets z = 1/x, or 0 if x = 0, and returns z.
func (z *Fp12) Inv(x *Fp12) *Fp12 {
	var n, t Fp6
	n.Sqr(&x.C0)
	t.Sqr(&x.C1)
	t.MulV(&t)
	n.Sub(&n, &t)
	n.Inv(&n)
	z.C0.Mul(&x.C0, &n)
	n.Neg(&n)
	z.C1.Mul(&x.C1, &n)
	return z
}

// frobenius sets z = x^(p^k) for odd k and its constants, and returns z.
func (z *Fp12) frobenius(x *Fp12, gamma *[6]Fp2) *Fp12 {
	zc, xc := z.coefficients(), x.coefficients()
	zc[0].Conj(xc[0])
	for i := 1; i < 6; i++ {
		zc[i].Conj(xc[i])
		zc[i].Mul(zc[i], &gamma[i])
	}
	return z
}

func (z *Fp12) coefficients() [6]*Fp2 {
	return [6]*Fp2{&z.C0.B0, &z.C1.B0, &z.C0.B1, &z.C1.B1, &z.C0.B2, &z.C1.B2}
}

// Frobenius sets z = x^p, and returns z.
func (z *Fp12) Frobenius(x *Fp12) *Fp12 { return z.frobenius(x, &gamma1) }

// Frobenius2 sets z = x^(p²), and returns z.
func (z *Fp12) Frobenius2(x *Fp12) *Fp12 {
	zc, xc := z.coefficients(), x.coefficients()
	*zc[0] = *xc[0]
	for i := 1; i < 6; i++ {
		zc[i].MulFp(xc[i], &gamma2[i])
	}
	return z
}

// Frobenius3 sets z = x^(p³), and returns z.
func (z *Fp12) Frobenius3(x *Fp12) *Fp12 { return z.frobenius(x, &gamma3) }

// CyclotomicSqr sets z = x² for x in the cyclotomic subgroup, that is
// x^(p⁴−p²+1) = 1, and returns z. For other x the result is not x². (Granger and
// Scott, "Faster squaring in the cyclotomic subgroup of sixth degree
// extensions", PKC 2010: nine squarings in Fp2.)
//
// With s = w³, s² = ξ and x = A + B·w + C·w², the parts A = c₀ + c₃s,
// B = c₁ + c₄s and C = c₂ + c₅s lie in Fp4, and
// x² = 3A² − 2Ā + (3sC² + 2B̄)·w + (3B² − 2C̄)·w².
func (z *Fp12) CyclotomicSqr(x *Fp12) *Fp12 {
	var q [3]squares4
	a, b, c := &q[0], &q[1], &q[2]
	a.set(&x.C0.B0, &x.C1.B1)
	b.set(&x.C1.B0, &x.C0.B2)
	c.set(&x.C0.B1, &x.C1.B2)
	z.C0.B0.cyc0(&a.xx, &a.yy, &x.C0.B0)
	z.C1.B1.cyc1(&a.ss, &a.xx, &a.yy, &x.C1.B1)
	z.C1.B0.cycXi(&c.ss, &c.xx, &c.yy, &x.C1.B0)
	z.C0.B2.cyc0(&c.xx, &c.yy, &x.C0.B2)
	z.C0.B1.cyc0(&b.xx, &b.yy, &x.C0.B1)
	z.C1.B2.cyc1(&b.ss, &b.xx, &b.yy, &x.C1.B2)
	return z
}

// squares4 are the squares of x, y and x + y, from which follows
// (x + y·s)² = (xx + ξ·yy) + (ss − xx − yy)·s.
type squares4 struct{ xx, yy, ss Fp2 }

func (q *squares4) set(x, y *Fp2) {
	q.xx.Sqr(x)
	q.yy.Sqr(y)
	q.ss.AddLoose(x, y)
	q.ss.Sqr(&q.ss)
}

// Equal returns 1 if z = x, and 0 otherwise.
func (z *Fp12) Equal(x *Fp12) int { return z.C0.Equal(&x.C0) & z.C1.Equal(&x.C1) }

// IsZero returns 1 if z = 0, and 0 otherwise.
func (z *Fp12) IsZero() int { return z.C0.IsZero() & z.C1.IsZero() }

// Select sets z = x if cond is 1 and z = y if cond is 0, and returns z.
func (z *Fp12) Select(x, y *Fp12, cond int) *Fp12 {
	z.C0.Select(&x.C0, &y.C0, cond)
	z.C1.Select(&x.C1, &y.C1, cond)
	return z
}

// CondConj sets z = Conj(x) if cond is 1 and z = x if cond is 0, and returns z.
func (z *Fp12) CondConj(x *Fp12, cond int) *Fp12 {
	var t Fp6
	t.Neg(&x.C1)
	z.C0.Set(&x.C0)
	z.C1.Select(&t, &x.C1, cond)
	return z
}

// SetBytes sets z to the encoding C1 ‖ C0 of exactly Fp12Size bytes. It returns 1
// if every part is canonical. Otherwise it returns 0, and z is not meaningful.
func (z *Fp12) SetBytes(b []byte) int {
	if len(b) != Fp12Size {
		return 0
	}
	return z.C1.SetBytes(b[:Fp6Size]) & z.C0.SetBytes(b[Fp6Size:])
}

// SetBytesReduced is SetBytes with every part reduced modulo p. It panics if the
// length is wrong.
func (z *Fp12) SetBytesReduced(b []byte) *Fp12 {
	z.C1.SetBytesReduced(b[:Fp6Size])
	z.C0.SetBytesReduced(b[Fp6Size:])
	return z
}

// FillBytes writes C1 ‖ C0 into the Fp12Size bytes of b.
func (z *Fp12) FillBytes(b []byte) {
	z.C1.FillBytes(b[:Fp6Size])
	z.C0.FillBytes(b[Fp6Size:])
}
