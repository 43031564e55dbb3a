package ff

// Add sets z = x + y, and returns z.
func (z *Fp2) Add(x, y *Fp2) *Fp2 {
	fp2Add(z, x, y)
	return z
}

// Double sets z = 2x, and returns z.
func (z *Fp2) Double(x *Fp2) *Fp2 {
	fp2Double(z, x)
	return z
}

// Sub sets z = x − y, and returns z.
func (z *Fp2) Sub(x, y *Fp2) *Fp2 {
	fp2Sub(z, x, y)
	return z
}

// SubSub sets z = w − x − y, and returns z.
func (z *Fp2) SubSub(w, x, y *Fp2) *Fp2 {
	fp2SubSub(z, w, x, y)
	return z
}

// Neg sets z = −x, and returns z.
func (z *Fp2) Neg(x *Fp2) *Fp2 {
	fp2Neg(z, x)
	return z
}

// Mul sets z = x·y, and returns z. The factors may be loose.
func (z *Fp2) Mul(x, y *Fp2) *Fp2 {
	fp2Mul(z, x, y)
	return z
}

// Sqr sets z = x², and returns z. The factor may be loose.
func (z *Fp2) Sqr(x *Fp2) *Fp2 {
	fp2Sqr(z, x)
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
	fp2MulXi(z, x)
	return z
}

// Mul3 sets z = 3x, and returns z.
func (z *Fp2) Mul3(x *Fp2) *Fp2 {
	fp2Mul3(z, x)
	return z
}

// AddLoose sets z = x + y, loose, and returns z. z may only be used as a factor.
func (z *Fp2) AddLoose(x, y *Fp2) *Fp2 {
	fp2AddLoose(z, x, y)
	return z
}

// SubLoose sets z = x − y, loose, and returns z. z may only be used as a factor.
func (z *Fp2) SubLoose(x, y *Fp2) *Fp2 {
	fp2SubLoose(z, x, y)
	return z
}

// AddAdd sets z = w + x + y, and returns z.
func (z *Fp2) AddAdd(w, x, y *Fp2) *Fp2 {
	fp2AddAdd(z, w, x, y)
	return z
}

// SubSubAdd sets z = w − x − y + v, and returns z.
func (z *Fp2) SubSubAdd(w, x, y, v *Fp2) *Fp2 {
	fp2SubSubAdd(z, w, x, y, v)
	return z
}

// SubSubXi sets z = w − x − ξ·y, and returns z.
func (z *Fp2) SubSubXi(w, x, y *Fp2) *Fp2 {
	fp2SubSubXi(z, w, x, y)
	return z
}

// SubSubAddXi sets z = w − x − y + ξ·v, and returns z.
func (z *Fp2) SubSubAddXi(w, x, y, v *Fp2) *Fp2 {
	fp2SubSubAddXi(z, w, x, y, v)
	return z
}

// AddXi sets z = v + ξ·x, and returns z.
func (z *Fp2) AddXi(v, x *Fp2) *Fp2 {
	fp2AddXi(z, v, x)
	return z
}

// AddAddXi sets z = v + w + ξ·x, and returns z.
func (z *Fp2) AddAddXi(v, w, x *Fp2) *Fp2 {
	fp2AddAddXi(z, v, w, x)
	return z
}

// AddXiAdd sets z = v + ξ·(x + y), and returns z.
func (z *Fp2) AddXiAdd(v, x, y *Fp2) *Fp2 {
	fp2AddXiAdd(z, v, x, y)
	return z
}

// AddXiSubSub sets z = v + ξ·(w − x − y), and returns z.
func (z *Fp2) AddXiSubSub(v, w, x, y *Fp2) *Fp2 {
	fp2AddXiSubSub(z, v, w, x, y)
	return z
}

// cyc0 sets z = 3(x + ξ·y) − 2a, and returns z.
func (z *Fp2) cyc0(x, y, a *Fp2) *Fp2 {
	fp2Cyc0(z, x, y, a)
	return z
}

// cyc1 sets z = 3(t − x − y) + 2a, and returns z.
func (z *Fp2) cyc1(t, x, y, a *Fp2) *Fp2 {
	fp2Cyc1(z, t, x, y, a)
	return z
}

// cycXi sets z = 3ξ(t − x − y) + 2a, and returns z.
func (z *Fp2) cycXi(t, x, y, a *Fp2) *Fp2 {
	fp2CycXi(z, t, x, y, a)
	return z
}
