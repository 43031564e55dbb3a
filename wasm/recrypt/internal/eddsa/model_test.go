package eddsa

import (
	"crypto/sha512"
	"math/big"
	"slices"
)

// The curve in big integers, straight from RFC 8032 section 5.1, with the leniency of
// implementations in the wild: what the decision table is computed with.

// A point is affine, with coordinates below the prime.
type point struct{ x, y *big.Int }

var (
	curveConstant = modP(new(big.Int).Mul(big.NewInt(-121665), inverse(big.NewInt(121666))))
	neutral       = point{big.NewInt(0), big.NewInt(1)}
	basePoint     = mustPoint(modP(new(big.Int).Mul(big.NewInt(4), inverse(big.NewInt(5)))), 0)
	// torsion is a point of order 8, so that its multiples are all points of small order.
	torsion = mustPoint(fromLittle(lowY[3][:]), 0)
)

func modP(n *big.Int) *big.Int { return n.Mod(n, prime) }

func inverse(n *big.Int) *big.Int { return new(big.Int).ModInverse(modP(new(big.Int).Set(n)), prime) }

func product(f ...*big.Int) *big.Int {
	z := big.NewInt(1)
	for _, x := range f {
		modP(z.Mul(z, x))
	}
	return z
}

// fromLittle reads bytes, least significant first.
func fromLittle(b []byte) *big.Int {
	b = slices.Clone(b)
	slices.Reverse(b)
	return new(big.Int).SetBytes(b)
}

func (p point) add(q point) point {
	e := product(curveConstant, p.x, q.x, p.y, q.y)
	one := big.NewInt(1)
	return point{
		product(new(big.Int).Add(product(p.x, q.y), product(p.y, q.x)), inverse(new(big.Int).Add(one, e))),
		product(new(big.Int).Add(product(p.y, q.y), product(p.x, q.x)), inverse(new(big.Int).Sub(one, e))),
	}
}

// mul adds in projective coordinates (x = X/Z, y = Y/Z), for one inversion in all.
func (p point) mul(k *big.Int) point {
	z := [3]*big.Int{neutral.x, neutral.y, big.NewInt(1)}
	for i := k.BitLen() - 1; i >= 0; i-- {
		z = addProjective(z, z)
		if k.Bit(i) == 1 {
			z = addProjective(z, [3]*big.Int{p.x, p.y, big.NewInt(1)})
		}
	}
	w := inverse(z[2])
	return point{product(z[0], w), product(z[1], w)}
}

func addProjective(p, q [3]*big.Int) [3]*big.Int {
	a, c, d := product(p[2], q[2]), product(p[0], q[0]), product(p[1], q[1])
	b, e := product(a, a), product(curveConstant, c, d)
	f, g := new(big.Int).Sub(b, e), new(big.Int).Add(b, e)
	cross := product(new(big.Int).Add(p[0], p[1]), new(big.Int).Add(q[0], q[1]))
	cross.Sub(cross.Sub(cross, c), d)
	return [3]*big.Int{product(a, f, cross), product(a, g, new(big.Int).Add(d, c)), product(f, g)}
}

func (p point) times(k int64) point { return p.mul(big.NewInt(k)) }

func (p point) equal(q point) bool { return p.x.Cmp(q.x) == 0 && p.y.Cmp(q.y) == 0 }

// order returns the order of a point of small order, 0 for others.
func (p point) order() int {
	for _, n := range []int64{1, 2, 4, 8} {
		if p.times(n).equal(neutral) {
			return int(n)
		}
	}
	return 0
}

// bytes is the canonical encoding.
func (p point) bytes() []byte { return encode(p.y, byte(p.x.Bit(0))) }

// encode writes any number below 2^255 as the y coordinate, with the sign bit given.
func encode(y *big.Int, sign byte) []byte {
	b := little(y)
	b[31] |= sign << 7
	return b
}

// pointAt returns the point with this y coordinate and sign bit, whose sign is ignored
// where x = 0.
func pointAt(y *big.Int, sign byte) (point, bool) {
	y = modP(new(big.Int).Set(y))
	y2 := product(y, y)
	u := new(big.Int).Sub(y2, big.NewInt(1))
	v := new(big.Int).Add(product(curveConstant, y2), big.NewInt(1))
	x := new(big.Int).ModSqrt(product(u, inverse(v)), prime)
	if x == nil {
		return point{}, false
	}
	if byte(x.Bit(0)) != sign {
		modP(x.Neg(x))
	}
	return point{x, y}, true
}

func mustPoint(y *big.Int, sign byte) point {
	p, ok := pointAt(y, sign)
	if !ok {
		panic("eddsa: not a point")
	}
	return p
}

// decodeLeniently reads 32 bytes as a point: y modulo the prime, any sign of x = 0.
func decodeLeniently(b []byte) (point, bool) {
	if len(b) != 32 {
		return point{}, false
	}
	y := slices.Clone(b)
	y[31] &= 0x7f
	return pointAt(fromLittle(y), b[31]>>7)
}

// challengeWide is SHA-512(R ‖ A ‖ M) as a number of 512 bits.
func challengeWide(r, a, message []byte) *big.Int {
	h := sha512.Sum512(slices.Concat(r, a, message))
	return fromLittle(h[:])
}

// challenge is k: SHA-512(R ‖ A ‖ M) modulo the order.
func challenge(r, a, message []byte) *big.Int {
	k := challengeWide(r, a, message)
	return k.Mod(k, order)
}

// equations reports whether [S]B = R + [k]A, and whether 8 times one side is 8 times the
// other, with lenient decoding and any S.
func equations(key, message, signature []byte) (cofactorless, cofactored bool) {
	if len(signature) != 64 {
		return false, false
	}
	a, okA := decodeLeniently(key)
	r, okR := decodeLeniently(signature[:32])
	if !okA || !okR {
		return false, false
	}
	left := basePoint.mul(fromLittle(signature[32:]))
	right := r.add(a.mul(challenge(signature[:32], key, message)))
	return left.equal(right), left.times(8).equal(right.times(8))
}
