package ff

// Fp6Size is the length of an encoded Fp6 in bytes.
const Fp6Size = 3 * Fp2Size

// Fp6 is B0 + B1·v + B2·v² with v³ = ξ. The zero value is 0.
type Fp6 struct{ B0, B1, B2 Fp2 }

// SetZero sets z = 0, and returns z.
func (z *Fp6) SetZero() *Fp6 {
	*z = Fp6{}
	return z
}

// SetOne sets z = 1, and returns z.
func (z *Fp6) SetOne() *Fp6 {
	z.SetZero()
	z.B0.SetOne()
	return z
}

// Set sets z = x, and returns z.
func (z *Fp6) Set(x *Fp6) *Fp6 {
	*z = *x
	return z
}

// Add sets z = x + y, and returns z.
func (z *Fp6) Add(x, y *Fp6) *Fp6 {
	z.B0.Add(&x.B0, &y.B0)
	z.B1.Add(&x.B1, &y.B1)
	z.B2.Add(&x.B2, &y.B2)
	return z
}

// Sub sets z = x − y, and returns z.
func (z *Fp6) Sub(x, y *Fp6) *Fp6 {
	z.B0.Sub(&x.B0, &y.B0)
	z.B1.Sub(&x.B1, &y.B1)
	z.B2.Sub(&x.B2, &y.B2)
	return z
}

// subSub sets z = w − x − y, and returns z.
func (z *Fp6) subSub(w, x, y *Fp6) *Fp6 {
	z.B0.SubSub(&w.B0, &x.B0, &y.B0)
	z.B1.SubSub(&w.B1, &x.B1, &y.B1)
	z.B2.SubSub(&w.B2, &x.B2, &y.B2)
	return z
}

// Neg sets z = −x, and returns z.
func (z *Fp6) Neg(x *Fp6) *Fp6 {
	z.B0.Neg(&x.B0)
	z.B1.Neg(&x.B1)
	z.B2.Neg(&x.B2)
	return z
}

// MulV sets z = v·x, and returns z.
func (z *Fp6) MulV(x *Fp6) *Fp6 {
	var t Fp2
	t.MulXi(&x.B2)
	z.B2 = x.B1
	z.B1 = x.B0
	z.B0 = t
	return z
}

// addV sets z = x + v·y, and returns z. z is neither x nor y.
func (z *Fp6) addV(x, y *Fp6) *Fp6 {
	z.B0.AddXi(&x.B0, &y.B2)
	z.B1.Add(&x.B1, &y.B0)
	z.B2.Add(&x.B2, &y.B1)
	return z
}

// products6 are what a multiplication in Fp6 works with: one struct, because wazero
// takes 35 ns to clear a variable and hardly more to clear them all.
type products6 struct{ v0, v1, v2, s, t, c0, c1 Fp2 }

// Mul sets z = x·y, and returns z (Karatsuba, six multiplications in Fp2).
func (z *Fp6) Mul(x, y *Fp6) *Fp6 {
	var p products6
	p.v0.Mul(&x.B0, &y.B0)
	p.v1.Mul(&x.B1, &y.B1)
	p.v2.Mul(&x.B2, &y.B2)

	p.s.AddLoose(&x.B1, &x.B2)
	p.t.AddLoose(&y.B1, &y.B2)
	p.s.Mul(&p.s, &p.t)
	p.c0.AddXiSubSub(&p.v0, &p.s, &p.v1, &p.v2)

	p.s.AddLoose(&x.B0, &x.B1)
	p.t.AddLoose(&y.B0, &y.B1)
	p.s.Mul(&p.s, &p.t)
	p.c1.SubSubAddXi(&p.s, &p.v0, &p.v1, &p.v2)

	p.s.AddLoose(&x.B0, &x.B2)
	p.t.AddLoose(&y.B0, &y.B2)
	p.s.Mul(&p.s, &p.t)
	z.B2.SubSubAdd(&p.s, &p.v0, &p.v2, &p.v1)
	z.B1 = p.c1
	z.B0 = p.c0
	return z
}

// Sqr sets z = x², and returns z (Chung and Hasan's second form: two
// multiplications and three squarings in Fp2).
func (z *Fp6) Sqr(x *Fp6) *Fp6 {
	var s0, s1, s2, s3, s4, t Fp2
	s0.Sqr(&x.B0)
	s1.Mul(&x.B0, &x.B1)
	s1.Double(&s1)
	s2.Sub(&x.B0, &x.B1)
	s2.Add(&s2, &x.B2)
	s2.Sqr(&s2)
	s3.Mul(&x.B1, &x.B2)
	s3.Double(&s3)
	s4.Sqr(&x.B2)

	t.MulXi(&s3)
	z.B0.Add(&t, &s0)
	t.MulXi(&s4)
	z.B1.Add(&t, &s1)
	t.Add(&s1, &s2)
	t.Add(&t, &s3)
	z.B2.SubSub(&t, &s0, &s4)
	return z
}

// MulFp2 sets z = k·x, and returns z.
func (z *Fp6) MulFp2(x *Fp6, k *Fp2) *Fp6 {
	t := *k // k may lie in z
	z.B0.Mul(&x.B0, &t)
	z.B1.Mul(&x.B1, &t)
	z.B2.Mul(&x.B2, &t)
	return z
}

// Inv sets z = 1/x, or 0 if x = 0, and returns z.
func (z *Fp6) Inv(x *Fp6) *Fp6 {
	var c0, c1, c2, t Fp2
	// c0 = B0² − ξ·B1·B2, c1 = ξ·B2² − B0·B1, c2 = B1² − B0·B2
	c0.Sqr(&x.B0)
	t.Mul(&x.B1, &x.B2)
	t.MulXi(&t)
	c0.Sub(&c0, &t)
	c1.Sqr(&x.B2)
	c1.MulXi(&c1)
	t.Mul(&x.B0, &x.B1)
	c1.Sub(&c1, &t)
	c2.Sqr(&x.B1)
	t.Mul(&x.B0, &x.B2)
	c2.Sub(&c2, &t)
	// norm = B0·c0 + ξ·(B2·c1 + B1·c2)
	var n, s Fp2
	n.Mul(&x.B2, &c1)
	s.Mul(&x.B1, &c2)
	n.Add(&n, &s)
	n.MulXi(&n)
	s.Mul(&x.B0, &c0)
	n.Add(&n, &s)
	n.Inv(&n)
	z.B0.Mul(&c0, &n)
	z.B1.Mul(&c1, &n)
	z.B2.Mul(&c2, &n)
	return z
}

// Equal returns 1 if z = x, and 0 otherwise.
func (z *Fp6) Equal(x *Fp6) int {
	return z.B0.Equal(&x.B0) & z.B1.Equal(&x.B1) & z.B2.Equal(&x.B2)
}

// IsZero returns 1 if z = 0, and 0 otherwise.
func (z *Fp6) IsZero() int { return z.B0.IsZero() & z.B1.IsZero() & z.B2.IsZero() }

// Select sets z = x if cond is 1 and z = y if cond is 0, and returns z.
func (z *Fp6) Select(x, y *Fp6, cond int) *Fp6 {
	z.B0.Select(&x.B0, &y.B0, cond)
	z.B1.Select(&x.B1, &y.B1, cond)
	z.B2.Select(&x.B2, &y.B2, cond)
	return z
}

// SetBytes sets z to the encoding B2 ‖ B1 ‖ B0 of exactly Fp6Size bytes. It
// returns 1 if every part is canonical. Otherwise it returns 0, and z is not
// meaningful.
func (z *Fp6) SetBytes(b []byte) int {
	if len(b) != Fp6Size {
		return 0
	}
	ok := z.B2.SetBytes(b[:Fp2Size])
	ok &= z.B1.SetBytes(b[Fp2Size : 2*Fp2Size])
	return ok & z.B0.SetBytes(b[2*Fp2Size:])
}

// SetBytesReduced is SetBytes with every part reduced modulo p. It panics if the
// length is wrong.
func (z *Fp6) SetBytesReduced(b []byte) *Fp6 {
	z.B2.SetBytesReduced(b[:Fp2Size])
	z.B1.SetBytesReduced(b[Fp2Size : 2*Fp2Size])
	z.B0.SetBytesReduced(b[2*Fp2Size:])
	return z
}

// FillBytes writes B2 ‖ B1 ‖ B0 into the Fp6Size bytes of b.
func (z *Fp6) FillBytes(b []byte) {
	z.B2.FillBytes(b[:Fp2Size])
	z.B1.FillBytes(b[Fp2Size : 2*Fp2Size])
	z.B0.FillBytes(b[2*Fp2Size:])
}
