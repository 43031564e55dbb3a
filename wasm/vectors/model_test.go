package vectors

import (
	"encoding/hex"
	"encoding/json"
	"math/big"
	"sync"

	"github.com/recrypt-service/recrypt/wasm/recrypt"
	"github.com/recrypt-service/recrypt/wasm/recrypt/recrypttest"
)

// A curve is one suite's mathematics in big integers, as spec sections 2 to 4
// give it: what is needed to make points and field elements that the core never
// makes. It is slow, and only here.
type curve struct {
	suite  recrypt.Suite
	n      int // bytes of a field element
	p, r   *big.Int
	twistB fp2
	g1     twistPoint
	weak   []byte // the constant of spec section 13, note 9
}

// curves are read from the derived values once.
var curves = sync.OnceValue(func() map[recrypt.Suite]*curve {
	var file map[string]map[string]any
	must0(json.Unmarshal(must(recrypttest.Vectors.ReadFile("vectors/recrypt-derived.json")), &file))
	out := map[recrypt.Suite]*curve{}
	for _, s := range recrypt.Suites() {
		values := file[map[recrypt.Suite]string{recrypt.Suite256: "256", recrypt.Suite480: "480"}[s]]
		get := func(name string) []byte { return must(hex.DecodeString(values[name].(string))) }
		c := &curve{suite: s, n: s.FieldSize(), p: number(get("p")), r: number(get("r"))}
		c.twistB = c.fp2(get("twist_b"))
		c.g1 = c.twistPoint(get("g1"))
		c.weak = get("weak_gt_element_of_recrypt_rs_0.8.0_to_0.8.3")
		out[s] = c
	}
	return out
})

func number(b []byte) *big.Int { return new(big.Int).SetBytes(b) }

func small(x int64) *big.Int { return big.NewInt(x) }

// bytes returns x as one field element, which may be any n-byte number.
func (c *curve) bytes(x *big.Int) []byte { return x.FillBytes(make([]byte, c.n)) }

// alias returns the second encoding of a field element, x + p. It panics if that
// does not fit.
func (c *curve) alias(b []byte) []byte { return c.bytes(new(big.Int).Add(number(b), c.p)) }

// uniform returns the 2n random bytes that give the scalar k mod r, which is not 0:
// 1 + (x mod (r-1)) = k.
func (c *curve) uniform(k *big.Int) []byte {
	x := new(big.Int).Mod(k, c.r)
	if x.Cmp(small(1)) == 0 { // x = r-1 and not 0: the core takes zeros for a source that is broken
		x.Set(c.r)
	}
	return x.Sub(x, small(1)).FillBytes(make([]byte, 2*c.n))
}

func (c *curve) add(a, b *big.Int) *big.Int { x := new(big.Int).Add(a, b); return x.Mod(x, c.p) }
func (c *curve) sub(a, b *big.Int) *big.Int { x := new(big.Int).Sub(a, b); return x.Mod(x, c.p) }
func (c *curve) mul(a, b *big.Int) *big.Int { x := new(big.Int).Mul(a, b); return x.Mod(x, c.p) }

// fp2 is re + im·i with i² = -1.
type fp2 struct{ re, im *big.Int }

// fp2 reads im ‖ re.
func (c *curve) fp2(b []byte) fp2 { return fp2{number(b[c.n:]), number(b[:c.n])} }

func (c *curve) bytes2(a fp2) []byte { return append(c.bytes(a.im), c.bytes(a.re)...) }

func (c *curve) add2(a, b fp2) fp2 { return fp2{c.add(a.re, b.re), c.add(a.im, b.im)} }
func (c *curve) sub2(a, b fp2) fp2 { return fp2{c.sub(a.re, b.re), c.sub(a.im, b.im)} }
func (c *curve) mul2(a, b fp2) fp2 {
	return fp2{c.sub(c.mul(a.re, b.re), c.mul(a.im, b.im)), c.add(c.mul(a.re, b.im), c.mul(a.im, b.re))}
}
func (c *curve) inv2(a fp2) fp2 {
	norm := c.add(c.mul(a.re, a.re), c.mul(a.im, a.im))
	norm.ModInverse(norm, c.p)
	return fp2{c.mul(a.re, norm), c.mul(c.sub(small(0), a.im), norm)}
}
func (c *curve) equal2(a, b fp2) bool { return a.re.Cmp(b.re) == 0 && a.im.Cmp(b.im) == 0 }

// sqrt2 returns a square root, if there is one.
func (c *curve) sqrt2(a fp2) (fp2, bool) {
	s := new(big.Int).ModSqrt(c.add(c.mul(a.re, a.re), c.mul(a.im, a.im)), c.p)
	if s == nil {
		return fp2{}, false
	}
	half := new(big.Int).ModInverse(small(2), c.p)
	for _, t := range []*big.Int{c.add(a.re, s), c.sub(a.re, s)} {
		re := new(big.Int).ModSqrt(c.mul(t, half), c.p)
		if re == nil || re.Sign() == 0 {
			continue
		}
		root := fp2{re, c.mul(a.im, new(big.Int).ModInverse(c.add(re, re), c.p))}
		if c.equal2(c.mul2(root, root), a) {
			return root, true
		}
	}
	return fp2{}, false
}

// fp12 is Σ a[k]·w^k with w⁶ = 3 + i.
type fp12 [6]fp2

// wire is the order in which coefficients stand in an encoding.
var wire = [6]int{5, 3, 1, 4, 2, 0}

func (c *curve) fp12(b []byte) (a fp12) {
	for i, k := range wire {
		a[k] = c.fp2(b[2*c.n*i : 2*c.n*(i+1)])
	}
	return a
}

func (c *curve) bytes12(a fp12) (b []byte) {
	for _, k := range wire {
		b = append(b, c.bytes2(a[k])...)
	}
	return b
}

// constant returns an element of Fp2 as one of Fp12.
func constant(re, im *big.Int) (a fp12) {
	for k := range a {
		a[k] = fp2{small(0), small(0)}
	}
	a[0] = fp2{re, im}
	return a
}

func (c *curve) mul12(a, b fp12) (out fp12) {
	var sums [11]fp2
	for k := range sums {
		sums[k] = fp2{new(big.Int), new(big.Int)}
	}
	var x big.Int
	for i := range a {
		for j := range b {
			s := &sums[i+j]
			s.re.Add(s.re, x.Mul(a[i].re, b[j].re))
			s.re.Sub(s.re, x.Mul(a[i].im, b[j].im))
			s.im.Add(s.im, x.Mul(a[i].re, b[j].im))
			s.im.Add(s.im, x.Mul(a[i].im, b[j].re))
		}
	}
	for k := range out {
		re, im := sums[k].re, sums[k].im
		if k < 5 { // (3 + i)·w^k for w^(k+6)
			high := sums[k+6]
			re.Add(re, x.Mul(high.re, small(3))).Sub(re, high.im)
			im.Add(im, x.Mul(high.im, small(3))).Add(im, high.re)
		}
		out[k] = fp2{re.Mod(re, c.p), im.Mod(im, c.p)}
	}
	return out
}

func (c *curve) pow12(a fp12, e *big.Int) fp12 {
	out := constant(small(1), small(0))
	for i := e.BitLen() - 1; i >= 0; i-- {
		out = c.mul12(out, out)
		if e.Bit(i) == 1 {
			out = c.mul12(out, a)
		}
	}
	return out
}

// inGT reports whether f^r = 1.
func (c *curve) inGT(f fp12) bool {
	return string(c.bytes12(c.pow12(f, c.r))) == string(c.bytes12(constant(small(1), small(0))))
}

// twistPoint is an affine point of y² = x³ + 3/ξ over Fp2; the zero value is the
// point at infinity.
type twistPoint struct{ x, y fp2 }

func (c *curve) twistPoint(b []byte) twistPoint {
	half := 2 * c.n
	at := func(i int) *big.Int { return number(b[i : i+c.n]) }
	return twistPoint{fp2{at(c.n), at(0)}, fp2{at(half + c.n), at(half)}}
}

func (c *curve) bytesTwist(q twistPoint) []byte { return append(c.bytes2(q.x), c.bytes2(q.y)...) }

func (q twistPoint) infinite() bool { return q.x.re == nil }

// findTwist returns the first point of the twist with x = start, start + 1, …; it is
// of full order but for a negligible chance.
func (c *curve) findTwist(start int64) twistPoint {
	for i := start; ; i++ {
		x := fp2{small(i), small(1)}
		if y, ok := c.sqrt2(c.add2(c.mul2(c.mul2(x, x), x), c.twistB)); ok {
			return twistPoint{x, y}
		}
	}
}

func (c *curve) addTwist(a, b twistPoint) twistPoint {
	var slope fp2
	switch {
	case a.infinite():
		return b
	case b.infinite():
		return a
	case !c.equal2(a.x, b.x):
		slope = c.mul2(c.sub2(b.y, a.y), c.inv2(c.sub2(b.x, a.x)))
	case c.equal2(a.y, b.y) && (a.y.re.Sign() != 0 || a.y.im.Sign() != 0):
		xx := c.mul2(a.x, a.x)
		slope = c.mul2(c.add2(xx, c.add2(xx, xx)), c.inv2(c.add2(a.y, a.y)))
	default:
		return twistPoint{}
	}
	x := c.sub2(c.sub2(c.mul2(slope, slope), a.x), b.x)
	return twistPoint{x, c.sub2(c.mul2(slope, c.sub2(a.x, x)), a.y)}
}

func (c *curve) mulTwist(k *big.Int, q twistPoint) (out twistPoint) {
	for i := k.BitLen() - 1; i >= 0; i-- {
		out = c.addTwist(out, out)
		if k.Bit(i) == 1 {
			out = c.addTwist(out, q)
		}
	}
	return out
}

// cofactor returns #E′(Fp2) / r = 2p - r.
func (c *curve) cofactor() *big.Int { x := new(big.Int).Lsh(c.p, 1); return x.Sub(x, c.r) }

// must returns v unless there is an error.
func must[T any](v T, err error) T {
	must0(err)
	return v
}

func must0(err error) {
	if err != nil {
		panic(err)
	}
}
