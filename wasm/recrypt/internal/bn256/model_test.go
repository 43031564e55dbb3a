package bn256

import (
	"math/big"
	"testing"
)

// A model of the curves in big integers, made from x alone (spec sections 2 to 4). It
// shares nothing with the package and with its generator.

// params is what follows from x.
type params struct{ x, u, p, r *big.Int }

var curve = newParams(map[int]int64{ // by FieldSize
	32: 1<<21 - 1<<18 + 1<<15 + 1<<8 + 1,
	60: 1<<40 - 1<<38 - 1<<33 - 1<<29 + 1<<27 + 1<<24 - 1<<22 + 1<<18 + 1<<13 + 1<<9 + 1<<7 + 1<<3 + 1,
}[FieldSize])

func newParams(x int64) *params {
	c := &params{x: big.NewInt(x)}
	c.u = new(big.Int).Exp(c.x, big.NewInt(3), nil)
	// 36u⁴ + 36u³ + ku² + 6u + 1
	poly := func(k int64) *big.Int {
		v := new(big.Int)
		for _, a := range []int64{36, 36, k, 6, 1} {
			v.Add(v.Mul(v, c.u), big.NewInt(a))
		}
		return v
	}
	c.p, c.r = poly(24), poly(18)
	return c
}

// complexModel is re + im·i in Fp2.
type complexModel struct{ re, im *big.Int }

func complexInt(re, im int64) complexModel {
	return complexModel{big.NewInt(re), big.NewInt(im)}.mod()
}

func (a complexModel) mod() complexModel {
	a.re.Mod(a.re, curve.p)
	a.im.Mod(a.im, curve.p)
	return a
}

func (a complexModel) add(b complexModel) complexModel {
	return complexModel{new(big.Int).Add(a.re, b.re), new(big.Int).Add(a.im, b.im)}.mod()
}

func (a complexModel) neg() complexModel {
	return complexModel{new(big.Int).Neg(a.re), new(big.Int).Neg(a.im)}.mod()
}

func (a complexModel) conj() complexModel {
	return complexModel{new(big.Int).Set(a.re), new(big.Int).Neg(a.im)}.mod()
}

func (a complexModel) mul(b complexModel) complexModel {
	var t big.Int
	re := new(big.Int).Mul(a.re, b.re)
	im := new(big.Int).Mul(a.re, b.im)
	return complexModel{re.Sub(re, t.Mul(a.im, b.im)), im.Add(im, t.Mul(a.im, b.re))}.mod()
}

func (a complexModel) exp(e *big.Int) complexModel {
	out := complexInt(1, 0)
	for i := e.BitLen() - 1; i >= 0; i-- {
		if out = out.mul(out); e.Bit(i) == 1 {
			out = out.mul(a)
		}
	}
	return out
}

// inv returns conj(a)/norm(a).
func (a complexModel) inv() complexModel {
	n := new(big.Int).ModInverse(a.mul(a.conj()).re, curve.p)
	return a.conj().mul(complexModel{n, new(big.Int)})
}

func (a complexModel) equal(b complexModel) bool { return a.re.Cmp(b.re) == 0 && a.im.Cmp(b.im) == 0 }

// pointModel is an affine point of either curve; nil is the identity. Points of G1
// have no imaginary parts.
type pointModel struct{ x, y complexModel }

func (a *pointModel) equal(b *pointModel) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.x.equal(b.x) && a.y.equal(b.y)
}

func (a *pointModel) neg() *pointModel {
	if a == nil {
		return nil
	}
	return &pointModel{a.x, a.y.neg()}
}

// add returns a + b by chord and tangent.
func (a *pointModel) add(b *pointModel) *pointModel {
	if a == nil {
		return b
	}
	if b == nil {
		return a
	}
	if b.equal(a.neg()) {
		return nil
	}
	num, den := b.y.add(a.y.neg()), b.x.add(a.x.neg())
	if a.equal(b) {
		num, den = a.x.mul(a.x).mul(complexInt(3, 0)), a.y.add(a.y)
	}
	m := num.mul(den.inv())
	x := m.mul(m).add(a.x.neg()).add(b.x.neg())
	return &pointModel{x, m.mul(a.x.add(x.neg())).add(a.y.neg())}
}

// times returns [k]a.
func (a *pointModel) times(k *big.Int) *pointModel {
	var out *pointModel
	for i := k.BitLen() - 1; i >= 0; i-- {
		if out = out.add(out); k.Bit(i) == 1 {
			out = out.add(a)
		}
	}
	return out
}

// decodeModel reads an encoded point: the coordinates of G1 are single, those of G2
// double, and the identity is one byte.
func decodeModel(t *testing.T, b []byte) *pointModel {
	t.Helper()
	n := func(i int) *big.Int { return new(big.Int).SetBytes(b[i*FieldSize : (i+1)*FieldSize]) }
	switch len(b) {
	case 1:
		return nil
	case G1Size:
		return &pointModel{complexModel{n(0), new(big.Int)}, complexModel{n(1), new(big.Int)}}
	case G2Size:
		return &pointModel{complexModel{n(1), n(0)}, complexModel{n(3), n(2)}}
	}
	t.Fatalf("a point of %d bytes", len(b))
	return nil
}
