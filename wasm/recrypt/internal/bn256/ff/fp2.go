package ff

// Fp2Size is the length of an encoded Fp2 in bytes.
const Fp2Size = 2 * FpSize

// Fp2 is A0 + A1·i with i² = −1. The zero value is 0.
type Fp2 struct{ A0, A1 Fp }

// SetZero sets z = 0, and returns z.
func (z *Fp2) SetZero() *Fp2 {
	*z = Fp2{}
	return z
}

// SetOne sets z = 1, and returns z.
func (z *Fp2) SetOne() *Fp2 {
	z.A0.SetOne()
	z.A1.SetZero()
	return z
}

// Set sets z = x, and returns z.
func (z *Fp2) Set(x *Fp2) *Fp2 {
	*z = *x
	return z
}

// Add sets z = x + y, and returns z.
func (z *Fp2) Add(x, y *Fp2) *Fp2 {
	z.A0.Add(&x.A0, &y.A0)
	z.A1.Add(&x.A1, &y.A1)
	return z
}

// Double sets z = 2x, and returns z.
func (z *Fp2) Double(x *Fp2) *Fp2 { return z.Add(x, x) }

// Sub sets z = x − y, and returns z.
func (z *Fp2) Sub(x, y *Fp2) *Fp2 {
	z.A0.Sub(&x.A0, &y.A0)
	z.A1.Sub(&x.A1, &y.A1)
	return z
}

// SubSub sets z = w − x − y, and returns z.
func (z *Fp2) SubSub(w, x, y *Fp2) *Fp2 {
	z.A0.SubSub(&w.A0, &x.A0, &y.A0)
	z.A1.SubSub(&w.A1, &x.A1, &y.A1)
	return z
}

// Neg sets z = −x, and returns z.
func (z *Fp2) Neg(x *Fp2) *Fp2 {
	z.A0.Neg(&x.A0)
	z.A1.Neg(&x.A1)
	return z
}

// Conj sets z = A0 − A1·i = x^p, and returns z.
func (z *Fp2) Conj(x *Fp2) *Fp2 {
	z.A0.Set(&x.A0)
	z.A1.Neg(&x.A1)
	return z
}

// Mul sets z = x·y, and returns z (Karatsuba, three multiplications in Fp).
func (z *Fp2) Mul(x, y *Fp2) *Fp2 {
	var t0, t1, s, t Fp
	s.AddLoose(&x.A0, &x.A1)
	t.AddLoose(&y.A0, &y.A1)
	s.Mul(&s, &t)
	t0.Mul(&x.A0, &y.A0)
	t1.Mul(&x.A1, &y.A1)
	z.A0.Sub(&t0, &t1)
	z.A1.SubSub(&s, &t0, &t1)
	return z
}

// Sqr sets z = x² = (A0 + A1)(A0 − A1) + 2·A0·A1·i, and returns z.
func (z *Fp2) Sqr(x *Fp2) *Fp2 {
	var s, d, t Fp
	s.AddLoose(&x.A0, &x.A1)
	d.Sub(&x.A0, &x.A1)
	t.Mul(&x.A0, &x.A1)
	z.A0.Mul(&s, &d)
	z.A1.Double(&t)
	return z
}

// MulFp sets z = k·x, and returns z.
func (z *Fp2) MulFp(x *Fp2, k *Fp) *Fp2 {
	t := *k // k may lie in z
	z.A0.Mul(&x.A0, &t)
	z.A1.Mul(&x.A1, &t)
	return z
}

// MulXi sets z = ξ·x with ξ = 3 + i, and returns z.
func (z *Fp2) MulXi(x *Fp2) *Fp2 {
	var t Fp
	t.Mul3Sub(&x.A0, &x.A1)
	z.A1.Mul3Add(&x.A1, &x.A0)
	z.A0 = t
	return z
}

// Mul3 sets z = 3x, and returns z.
func (z *Fp2) Mul3(x *Fp2) *Fp2 {
	z.A0.Mul3(&x.A0)
	z.A1.Mul3(&x.A1)
	return z
}

// mul3Add2 sets z = 3x + 2y, and returns z.
func (z *Fp2) mul3Add2(x, y *Fp2) *Fp2 {
	z.A0.Mul3Add2(&x.A0, &y.A0)
	z.A1.Mul3Add2(&x.A1, &y.A1)
	return z
}

// mul3Sub2 sets z = 3x − 2y, and returns z.
func (z *Fp2) mul3Sub2(x, y *Fp2) *Fp2 {
	z.A0.Mul3Sub2(&x.A0, &y.A0)
	z.A1.Mul3Sub2(&x.A1, &y.A1)
	return z
}

// Inv sets z = 1/x, or 0 if x = 0, and returns z.
func (z *Fp2) Inv(x *Fp2) *Fp2 {
	var n, t Fp
	n.Sqr(&x.A0)
	t.Sqr(&x.A1)
	n.Add(&n, &t)
	n.Inv(&n)
	z.A0.Mul(&x.A0, &n)
	n.Neg(&n)
	z.A1.Mul(&x.A1, &n)
	return z
}

// Select sets z = x if cond is 1 and z = y if cond is 0, and returns z.
func (z *Fp2) Select(x, y *Fp2, cond int) *Fp2 {
	z.A0.Select(&x.A0, &y.A0, cond)
	z.A1.Select(&x.A1, &y.A1, cond)
	return z
}

// CondNeg sets z = −x if cond is 1 and z = x if cond is 0, and returns z.
func (z *Fp2) CondNeg(x *Fp2, cond int) *Fp2 {
	z.A0.CondNeg(&x.A0, cond)
	z.A1.CondNeg(&x.A1, cond)
	return z
}

// Equal returns 1 if z = x, and 0 otherwise.
func (z *Fp2) Equal(x *Fp2) int { return z.A0.Equal(&x.A0) & z.A1.Equal(&x.A1) }

// IsZero returns 1 if z = 0, and 0 otherwise.
func (z *Fp2) IsZero() int { return z.A0.IsZero() & z.A1.IsZero() }

// SetBytes sets z to the encoding im ‖ re of exactly Fp2Size bytes. It returns 1
// if both parts are canonical. Otherwise it returns 0, and z is not meaningful.
func (z *Fp2) SetBytes(b []byte) int {
	if len(b) != Fp2Size {
		return 0
	}
	return z.A1.SetBytes(b[:FpSize]) & z.A0.SetBytes(b[FpSize:])
}

// SetBytesReduced is SetBytes with both parts reduced modulo p. It panics if the
// length is wrong.
func (z *Fp2) SetBytesReduced(b []byte) *Fp2 {
	z.A1.SetBytesReduced(b[:FpSize])
	z.A0.SetBytesReduced(b[FpSize:])
	return z
}

// FillBytes writes im ‖ re into the Fp2Size bytes of b.
func (z *Fp2) FillBytes(b []byte) {
	z.A1.FillBytes(b[:FpSize])
	z.A0.FillBytes(b[FpSize:])
}
