//go:build !wasm && !limbs29

package ff

// The arithmetic of Fp2 in pure Go: for processors without assembly, and to compare it
// with.

func fp2AddGeneric(z, x, y *Fp2) {
	z.A0.Add(&x.A0, &y.A0)
	z.A1.Add(&x.A1, &y.A1)
}

func fp2DoubleGeneric(z, x *Fp2) {
	z.Add(x, x)
}

func fp2SubGeneric(z, x, y *Fp2) {
	z.A0.Sub(&x.A0, &y.A0)
	z.A1.Sub(&x.A1, &y.A1)
}

func fp2SubSubGeneric(z, w, x, y *Fp2) {
	z.A0.SubSub(&w.A0, &x.A0, &y.A0)
	z.A1.SubSub(&w.A1, &x.A1, &y.A1)
}

func fp2NegGeneric(z, x *Fp2) {
	z.A0.Neg(&x.A0)
	z.A1.Neg(&x.A1)
}

func fp2MulGeneric(z, x, y *Fp2) {
	var t0, t1, s, t Fp
	s.AddLoose(&x.A0, &x.A1)
	t.AddLoose(&y.A0, &y.A1)
	s.Mul(&s, &t)
	t0.Mul(&x.A0, &y.A0)
	t1.Mul(&x.A1, &y.A1)
	z.A0.Sub(&t0, &t1)
	z.A1.SubSub(&s, &t0, &t1)
}

func fp2SqrGeneric(z, x *Fp2) {
	var s, d, t Fp
	s.AddLoose(&x.A0, &x.A1)
	d.Sub(&x.A0, &x.A1)
	t.Mul(&x.A0, &x.A1)
	z.A0.Mul(&s, &d)
	z.A1.Double(&t)
}

func fp2MulXiGeneric(z, x *Fp2) {
	var t Fp
	t.Mul3Sub(&x.A0, &x.A1)
	z.A1.Mul3Add(&x.A1, &x.A0)
	z.A0 = t
}

func fp2Mul3Generic(z, x *Fp2) {
	z.A0.Mul3(&x.A0)
	z.A1.Mul3(&x.A1)
}

func fp2AddLooseGeneric(z, x, y *Fp2) {
	z.A0.AddLoose(&x.A0, &y.A0)
	z.A1.AddLoose(&x.A1, &y.A1)
}

func fp2SubLooseGeneric(z, x, y *Fp2) {
	z.Sub(x, y)
}

func fp2AddAddGeneric(z, w, x, y *Fp2) {
	var t Fp2
	t.Add(w, x)
	z.Add(&t, y)
}

func fp2SubSubAddGeneric(z, w, x, y, v *Fp2) {
	var t Fp2
	t.SubSub(w, x, y)
	z.Add(&t, v)
}

func fp2SubSubXiGeneric(z, w, x, y *Fp2) {
	var t Fp2
	t.MulXi(y)
	z.SubSub(w, x, &t)
}

func fp2SubSubAddXiGeneric(z, w, x, y, v *Fp2) {
	var s, t Fp2
	t.MulXi(v)
	s.SubSub(w, x, y)
	z.Add(&s, &t)
}

func fp2AddXiGeneric(z, v, x *Fp2) {
	var t Fp2
	t.MulXi(x)
	z.Add(&t, v)
}

func fp2AddAddXiGeneric(z, v, w, x *Fp2) {
	var t Fp2
	t.MulXi(x)
	z.AddAdd(v, w, &t)
}

func fp2AddXiAddGeneric(z, v, x, y *Fp2) {
	var t Fp2
	t.Add(x, y)
	z.AddXi(v, &t)
}

func fp2AddXiSubSubGeneric(z, v, w, x, y *Fp2) {
	var t Fp2
	t.SubSub(w, x, y)
	z.AddXi(v, &t)
}

func fp2Cyc0Generic(z, x, y, a *Fp2) {
	var t Fp2
	t.AddXi(x, y)
	z.A0.Mul3Sub2(&t.A0, &a.A0)
	z.A1.Mul3Sub2(&t.A1, &a.A1)
}

func fp2Cyc1Generic(z, t, x, y, a *Fp2) {
	var s Fp2
	s.SubSub(t, x, y)
	z.A0.Mul3Add2(&s.A0, &a.A0)
	z.A1.Mul3Add2(&s.A1, &a.A1)
}

func fp2CycXiGeneric(z, t, x, y, a *Fp2) {
	var s Fp2
	s.SubSub(t, x, y)
	s.MulXi(&s)
	z.A0.Mul3Add2(&s.A0, &a.A0)
	z.A1.Mul3Add2(&s.A1, &a.A1)
}
