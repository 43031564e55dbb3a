//go:build (limbs29 && !wasm) || (wasm && (tinygo || purego))

package ff

// The kernels of the 29-bit form in Go, where there is no assembly for them. They show
// what kernels_wasm.s computes, and no more: they are not fast.

func fpMul(z, x, y *Fp) {
	var t [2*fpLimbs - 1]int64
	fpColumns(&t, x, y)
	z.reduce(&t)
}

func fpSqr(z, x *Fp) { fpMul(z, x, x) }

func frMul(z, x, y *Fr) {
	var t [2*fpLimbs - 1]int64
	frColumns(&t, x, y)
	z.reduce(&t)
}

func fpAdd(z, x, y *Fp)       { z.combine(x, 1, y, 1, y, 0) }
func fpSub(z, x, y *Fp)       { z.combine(x, 1, y, -1, y, 0) }
func fpSubSub(z, w, x, y *Fp) { z.combine(w, 1, x, -1, y, -1) }
func fpMul3Add(z, x, y *Fp)   { z.combine(x, 3, y, 1, y, 0) }
func fpMul9(z, x *Fp)         { z.combine(x, 9, x, 0, x, 0) }

// fpAddLoose sets z = x + y, whose limbs are carried if columns of a product had no
// room for them.
func fpAddLoose(z, x, y *Fp) { z.loose(x, 1, y) }

// loose sets z = x + k·y, k being 1 or −1.
func (z *Fp) loose(x *Fp, k int64, y *Fp) {
	var c int64
	for i := range z.l {
		c += int64(x.l[i]) + k*int64(y.l[i])
		m := c
		if fpLooseBits == 29 && i < fpLimbs-1 {
			m = c << 35 >> 35
		}
		z.l[i] = uint64(m)
		c = (c - m) >> 29
	}
}

func fp2Mul(z, x, y *Fp2) {
	var re, im [2*fpLimbs - 1]int64
	var n Fp
	for i := range n.l { // a column of A0·B0 − A1·B1 is never out of bounds
		n.l[i] = -x.A1.l[i]
	}
	fpColumns(&re, &x.A0, &y.A0)
	fpColumns(&re, &n, &y.A1)
	fpColumns(&im, &x.A0, &y.A1)
	fpColumns(&im, &x.A1, &y.A0)
	z.A0.reduce(&re)
	z.A1.reduce(&im)
}

func fp2Sqr(z, x *Fp2) { fp2Mul(z, x, x) }

// multiple is (re + im·i)·x.
type multiple struct {
	x      *Fp2
	re, im int64
}

// sum sets z to the sum of multiples, with factors of at most 40 in all.
func (z *Fp2) sum(terms ...multiple) {
	var re, im [fpLimbs]int64
	for _, k := range terms {
		for i := range re {
			a, b := int64(k.x.A0.l[i]), int64(k.x.A1.l[i])
			re[i] += k.re*a - k.im*b
			im[i] += k.re*b + k.im*a
		}
	}
	z.A0.normalize(&re)
	z.A1.normalize(&im)
}

func times(k int64, x *Fp2) multiple   { return multiple{x, k, 0} }
func timesXi(k int64, x *Fp2) multiple { return multiple{x, 3 * k, k} }

func fp2AddLoose(z, x, y *Fp2) { z.A0.loose(&x.A0, 1, &y.A0); z.A1.loose(&x.A1, 1, &y.A1) }
func fp2SubLoose(z, x, y *Fp2) { z.A0.loose(&x.A0, -1, &y.A0); z.A1.loose(&x.A1, -1, &y.A1) }

func fp2Add(z, x, y *Fp2)       { z.sum(times(1, x), times(1, y)) }
func fp2Sub(z, x, y *Fp2)       { z.sum(times(1, x), times(-1, y)) }
func fp2Neg(z, x *Fp2)          { z.sum(times(-1, x)) }
func fp2Mul3(z, x *Fp2)         { z.sum(times(3, x)) }
func fp2MulXi(z, x *Fp2)        { z.sum(timesXi(1, x)) }
func fp2AddAdd(z, w, x, y *Fp2) { z.sum(times(1, w), times(1, x), times(1, y)) }
func fp2SubSub(z, w, x, y *Fp2) { z.sum(times(1, w), times(-1, x), times(-1, y)) }

func fp2SubSubAdd(z, w, x, y, v *Fp2) {
	z.sum(times(1, w), times(-1, x), times(-1, y), times(1, v))
}

func fp2SubSubXi(z, w, x, y *Fp2) { z.sum(times(1, w), times(-1, x), timesXi(-1, y)) }

func fp2SubSubAddXi(z, w, x, y, v *Fp2) {
	z.sum(times(1, w), times(-1, x), times(-1, y), timesXi(1, v))
}

func fp2AddXi(z, v, x *Fp2)       { z.sum(times(1, v), timesXi(1, x)) }
func fp2AddAddXi(z, v, w, x *Fp2) { z.sum(times(1, v), times(1, w), timesXi(1, x)) }
func fp2AddXiAdd(z, v, x, y *Fp2) { z.sum(times(1, v), timesXi(1, x), timesXi(1, y)) }

func fp2AddXiSubSub(z, v, w, x, y *Fp2) {
	z.sum(times(1, v), timesXi(1, w), timesXi(-1, x), timesXi(-1, y))
}

func fp2Cyc0(z, x, y, a *Fp2) { z.sum(times(3, x), timesXi(3, y), times(-2, a)) }

func fp2Cyc1(z, t, x, y, a *Fp2) {
	z.sum(times(3, t), times(-3, x), times(-3, y), times(2, a))
}

func fp2CycXi(z, t, x, y, a *Fp2) {
	z.sum(timesXi(3, t), timesXi(-3, x), timesXi(-3, y), times(2, a))
}
