package ff

// Fp2Size is the length of an encoded Fp2 in bytes.
const Fp2Size = 2 * FpSize

// Fp2 is A0 + A1·i with i² = −1. The zero value is 0.
//
// Its arithmetic, in fp2_arith.go, is what the speed of the
// pairing comes from. So besides the usual methods it has one for every linear
// combination that the tower above needs: each reduces once.
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

// Conj sets z = A0 − A1·i = x^p, and returns z.
func (z *Fp2) Conj(x *Fp2) *Fp2 {
	z.A0.Set(&x.A0)
	z.A1.Neg(&x.A1)
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
