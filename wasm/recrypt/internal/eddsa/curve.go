package eddsa

import (
	"encoding/binary"
	"math/bits"
)

// onCurve reports whether there is an x with -x² + y² = 1 + d·x²·y², y being the
// number in b without its sign bit: whether (y²-1)/(d·y²+1) is a square, or, as
// d·y²+1 is never zero, whether the product of the two is. crypto/ed25519 does not
// tell bytes that are no point from a bad signature.
func onCurve(b []byte) bool {
	var y, u, v, minusOne element
	y.setBytes(b)
	y.mul(&y, &y)
	minusOne = element{1<<51 - 20, 1<<51 - 1, 1<<51 - 1, 1<<51 - 1, 1<<51 - 1}
	u.add(&y, &minusOne)
	v.add(v.mul(&y, &curveD), &element{1})
	return u.mul(&u, &v).isSquare()
}

// curveD is d = -121665/121666, limbs of 51 bits (RFC 8032 section 5.1).
var curveD = element{929955233495203, 466365720129213, 1662059464998953, 2033849074728123, 1442794654840575}

// An element is a number modulo 2^255 - 19 in five limbs of 51 bits. Limbs stay below
// 2^53 between operations.
type element [5]uint64

const mask51 = 1<<51 - 1

// setBytes reads 32 bytes, least significant first, without the top bit.
func (z *element) setBytes(b []byte) *element {
	z[0] = binary.LittleEndian.Uint64(b) & mask51
	z[1] = binary.LittleEndian.Uint64(b[6:]) >> 3 & mask51
	z[2] = binary.LittleEndian.Uint64(b[12:]) >> 6 & mask51
	z[3] = binary.LittleEndian.Uint64(b[19:]) >> 1 & mask51
	z[4] = binary.LittleEndian.Uint64(b[24:]) >> 12 & mask51
	return z
}

// add sets z = a + b.
func (z *element) add(a, b *element) *element {
	for i := range z {
		z[i] = a[i] + b[i]
	}
	return z
}

// mul sets z = a·b. With limbs below 2^53 the sums stay below 2^114, and the carry out
// of the top limb, times 19, below 2^64.
func (z *element) mul(a, b *element) *element {
	var hi, lo [6]uint64
	for i := range a {
		for j := range b {
			k, y := i+j, b[j]
			if k >= 5 { // 2^255 = 19
				k, y = k-5, y*19
			}
			h, l := bits.Mul64(a[i], y)
			var c uint64
			lo[k], c = bits.Add64(lo[k], l, 0)
			hi[k] += h + c
		}
	}
	for k := range z {
		carry := hi[k]<<13 | lo[k]>>51
		z[k] = lo[k] & mask51
		var c uint64
		lo[k+1], c = bits.Add64(lo[k+1], carry, 0)
		hi[k+1] += c
	}
	z[0] += lo[5] * 19
	z[1] += z[0] >> 51
	z[0] &= mask51
	return z
}

// squares sets z = a^(2^n).
func (z *element) squares(a *element, n int) *element {
	*z = *a
	for range n {
		z.mul(z, z)
	}
	return z
}

// isSquare reports whether a is a square, zero included, by Euler's criterion: the
// exponent (p-1)/2 = 2^254 - 10 is 2^4·(2^250-1) + 6.
func (a *element) isSquare() bool {
	var x1, x5, x10, x50, x, t element // xn = a^(2^n - 1)
	x1 = *a
	x5 = x1
	for range 4 {
		x5.mul(t.squares(&x5, 1), &x1)
	}
	x10.mul(t.squares(&x5, 5), &x5)
	x50 = x10
	for range 4 {
		x50.mul(t.squares(&x50, 10), &x10)
	}
	x = x50
	for range 4 {
		x.mul(t.squares(&x, 50), &x50)
	}
	x.squares(&x, 4)
	t.squares(&x1, 1)
	x.mul(&x, &t)
	t.mul(&t, &t)
	x.mul(&x, &t) // x1^(2+4)
	return x.isZeroOrOne()
}

// isZeroOrOne reports whether z is 0 or 1 modulo 2^255 - 19.
func (z *element) isZeroOrOne() bool {
	var one element
	t := *one.mul(z, &element{1}) // limbs below 2^51, but for a small excess in the second
	for range 2 {
		for k := range 4 {
			t[k+1] += t[k] >> 51
			t[k] &= mask51
		}
		t[0] += t[4] >> 51 * 19
		t[4] &= mask51
	}
	zero := t == element{} || t == element{1}
	p := element{1<<51 - 19, mask51, mask51, mask51, mask51}
	plusOne := element{1<<51 - 18, mask51, mask51, mask51, mask51}
	return zero || t == p || t == plusOne
}
