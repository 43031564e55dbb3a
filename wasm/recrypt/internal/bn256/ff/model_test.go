package ff

import "math/big"

// A model of the tower in big integers, made from x alone (spec sections 2 and 3). It
// shares nothing with the package and with its generator.

// params is what follows from x.
type params struct{ x, u, p, r *big.Int }

var curve = newParams(map[int]int64{ // by FpSize
	32: 1<<21 - 1<<18 + 1<<15 + 1<<8 + 1,
	60: 1<<40 - 1<<38 - 1<<33 - 1<<29 + 1<<27 + 1<<24 - 1<<22 + 1<<18 + 1<<13 + 1<<9 + 1<<7 + 1<<3 + 1,
}[FpSize])

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

// pow2 returns 2^n.
func pow2(n int) *big.Int { return new(big.Int).Lsh(big.NewInt(1), uint(n)) }

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

// mul multiplies without reducing, so that sums of products can be reduced once.
func (a complexModel) mul(b complexModel) complexModel {
	var t big.Int
	re := new(big.Int).Mul(a.re, b.re)
	im := new(big.Int).Mul(a.re, b.im)
	return complexModel{re.Sub(re, t.Mul(a.im, b.im)), im.Add(im, t.Mul(a.im, b.re))}
}

func (a complexModel) exp(e *big.Int) complexModel {
	out := complexInt(1, 0)
	for i := e.BitLen() - 1; i >= 0; i-- {
		if out = out.mul(out).mod(); e.Bit(i) == 1 {
			out = out.mul(a).mod()
		}
	}
	return out
}

// inv returns conj(a)/norm(a).
func (a complexModel) inv() complexModel {
	n := new(big.Int).ModInverse(a.mul(a.conj()).mod().re, curve.p)
	return a.conj().mul(complexModel{n, new(big.Int)}).mod()
}

func (a complexModel) equal(b complexModel) bool { return a.re.Cmp(b.re) == 0 && a.im.Cmp(b.im) == 0 }

var xiModel = complexInt(3, 1)

// gammas keeps what gammaModel has computed.
var gammas = map[[2]int64]complexModel{}

// gammaModel returns γ_{k,j} = ξ^(j(p^k−1)/6).
func gammaModel(k, j int64) complexModel {
	g, ok := gammas[[2]int64{k, j}]
	if !ok {
		g = computeGamma(k, j)
		gammas[[2]int64{k, j}] = g
	}
	return g
}

func computeGamma(k, j int64) complexModel {
	e := new(big.Int).Exp(curve.p, big.NewInt(k), nil)
	e.Sub(e, big.NewInt(1))
	e.Mul(e.Div(e, big.NewInt(6)), big.NewInt(j))
	return xiModel.exp(e)
}

// towerModel is Σ a[k]·w^k with w⁶ = ξ. Fp6 has even k only and Fp2 k = 0.
type towerModel [6]complexModel

// powersOf has the powers of w in the order of their encodings, by the size of an
// encoding.
var powersOf = map[int][]int{Fp2Size: {0}, Fp6Size: {4, 2, 0}, Fp12Size: {5, 3, 1, 4, 2, 0}}

func decodeModel(b []byte) *towerModel {
	out := new(towerModel)
	for k := range out {
		out[k] = complexInt(0, 0)
	}
	for _, k := range powersOf[len(b)] {
		out[k] = complexModel{new(big.Int).SetBytes(b[FpSize:Fp2Size]), new(big.Int).SetBytes(b[:FpSize])}
		b = b[Fp2Size:]
	}
	return out
}

// encode returns the encoding of a given size.
func (a *towerModel) encode(size int) []byte {
	var b []byte
	for _, k := range powersOf[size] {
		b = append(b, a[k].im.FillBytes(make([]byte, FpSize))...)
		b = append(b, a[k].re.FillBytes(make([]byte, FpSize))...)
	}
	return b
}

func (a *towerModel) add(b *towerModel) *towerModel {
	out := new(towerModel)
	for k := range out {
		out[k] = a[k].add(b[k])
	}
	return out
}

func (a *towerModel) neg() *towerModel {
	out := new(towerModel)
	for k := range out {
		out[k] = a[k].neg()
	}
	return out
}

func (a *towerModel) mul(b *towerModel) *towerModel {
	var sums [11]complexModel
	for k := range sums {
		sums[k] = complexModel{new(big.Int), new(big.Int)}
	}
	for i := range a {
		for j := range b {
			t := a[i].mul(b[j])
			sums[i+j].re.Add(sums[i+j].re, t.re)
			sums[i+j].im.Add(sums[i+j].im, t.im)
		}
	}
	out := new(towerModel)
	for k := range out {
		out[k] = sums[k].mod()
		if k+6 < len(sums) {
			out[k] = out[k].add(sums[k+6].mul(xiModel))
		}
	}
	return out
}

// frobenius returns a^(p^k).
func (a *towerModel) frobenius(k int64) *towerModel {
	out := new(towerModel)
	for j := range out {
		out[j] = a[j]
		if k%2 == 1 {
			out[j] = out[j].conj()
		}
		out[j] = out[j].mul(gammaModel(k, int64(j))).mod()
	}
	return out
}

// set sets the coefficient of w^k, and returns a.
func (a *towerModel) set(k int, v complexModel) *towerModel {
	a[k] = v
	return a
}
