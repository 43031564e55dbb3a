//go:build !wasm && !limbs29

package ff

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

// AddLoose sets z = x + y, loose, and returns z. z may only be used as a factor.
func (z *Fp2) AddLoose(x, y *Fp2) *Fp2 {
	z.A0.AddLoose(&x.A0, &y.A0)
	z.A1.AddLoose(&x.A1, &y.A1)
	return z
}

// SubLoose sets z = x − y, loose, and returns z. z may only be used as a factor.
func (z *Fp2) SubLoose(x, y *Fp2) *Fp2 { return z.Sub(x, y) }

// AddAdd sets z = w + x + y, and returns z.
func (z *Fp2) AddAdd(w, x, y *Fp2) *Fp2 {
	var t Fp2
	t.Add(w, x)
	return z.Add(&t, y)
}

// SubSubAdd sets z = w − x − y + v, and returns z.
func (z *Fp2) SubSubAdd(w, x, y, v *Fp2) *Fp2 {
	var t Fp2
	t.SubSub(w, x, y)
	return z.Add(&t, v)
}

// SubSubXi sets z = w − x − ξ·y, and returns z.
func (z *Fp2) SubSubXi(w, x, y *Fp2) *Fp2 {
	var t Fp2
	t.MulXi(y)
	return z.SubSub(w, x, &t)
}

// SubSubAddXi sets z = w − x − y + ξ·v, and returns z.
func (z *Fp2) SubSubAddXi(w, x, y, v *Fp2) *Fp2 {
	var s, t Fp2
	t.MulXi(v)
	s.SubSub(w, x, y)
	return z.Add(&s, &t)
}

// AddXi sets z = v + ξ·x, and returns z.
func (z *Fp2) AddXi(v, x *Fp2) *Fp2 {
	var t Fp2
	t.MulXi(x)
	return z.Add(&t, v)
}

// AddAddXi sets z = v + w + ξ·x, and returns z.
func (z *Fp2) AddAddXi(v, w, x *Fp2) *Fp2 {
	var t Fp2
	t.MulXi(x)
	return z.AddAdd(v, w, &t)
}

// AddXiAdd sets z = v + ξ·(x + y), and returns z.
func (z *Fp2) AddXiAdd(v, x, y *Fp2) *Fp2 {
	var t Fp2
	t.Add(x, y)
	return z.AddXi(v, &t)
}

// AddXiSubSub sets z = v + ξ·(w − x − y), and returns z.
func (z *Fp2) AddXiSubSub(v, w, x, y *Fp2) *Fp2 {
	var t Fp2
	t.SubSub(w, x, y)
	return z.AddXi(v, &t)
}

// cyc0 sets z = 3(x + ξ·y) − 2a, and returns z.
func (z *Fp2) cyc0(x, y, a *Fp2) *Fp2 {
	var t Fp2
	t.AddXi(x, y)
	z.A0.Mul3Sub2(&t.A0, &a.A0)
	z.A1.Mul3Sub2(&t.A1, &a.A1)
	return z
}

// cyc1 sets z = 3(t − x − y) + 2a, and returns z.
func (z *Fp2) cyc1(t, x, y, a *Fp2) *Fp2 {
	var s Fp2
	s.SubSub(t, x, y)
	z.A0.Mul3Add2(&s.A0, &a.A0)
	z.A1.Mul3Add2(&s.A1, &a.A1)
	return z
}

// cycXi sets z = 3ξ(t − x − y) + 2a, and returns z.
func (z *Fp2) cycXi(t, x, y, a *Fp2) *Fp2 {
	var s Fp2
	s.SubSub(t, x, y)
	s.MulXi(&s)
	z.A0.Mul3Add2(&s.A0, &a.A0)
	z.A1.Mul3Add2(&s.A1, &a.A1)
	return z
}
