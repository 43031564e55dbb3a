package scheme256

import (
	"crypto/sha256"
	"crypto/subtle"

	curve "github.com/recrypt-service/recrypt/wasm/recrypt/internal/bn256"
)

// sum returns the SHA-256 of the parts. They are joined first, because a hash that takes
// one after the other keeps some of them in a buffer that nobody can wipe.
func sum(parts ...[]byte) [sha256.Size]byte {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	joined := make([]byte, 0, n)
	for _, p := range parts {
		joined = append(joined, p...)
	}
	defer clear(joined)
	return sha256.Sum256(joined)
}

// sum2 returns the SHA-256 of 0 ‖ b and that of 1 ‖ b.
func sum2(b []byte) (d [2 * sha256.Size]byte) {
	prefix := []byte{0}
	for i := range 2 {
		prefix[0] = byte(i)
		half := sum(prefix, b)
		copy(d[i*sha256.Size:], half[:])
		clear(half[:])
	}
	return d
}

// HashScalar returns c(K) of spec section 7 as a scalar: the 512-bit hash of a GT
// element, reduced modulo p and only then modulo r.
func HashScalar(gt []byte) *curve.Scalar {
	d := sum2(gt)
	defer clear(d[:])
	return new(curve.Scalar).SetBytesModP(d[:])
}

// hashLog returns h·c(K), the logarithm of hash2(K) to the base g1.
func hashLog(gt []byte) *curve.Scalar {
	c := HashScalar(gt)
	return c.Mul(c, curve.LogH())
}

// addHashLog adds h·c(K) to sum.
func addHashLog(sum *curve.Scalar, gt *curve.GT) {
	b := gt.Bytes()
	defer clear(b)
	c := hashLog(b)
	defer c.Wipe()
	sum.Add(sum, c)
}

// PlaintextPrivateKey is derive_private_key of spec section 7: n bytes below p.
// They need not be below r, though they are but for one in 2^128 plaintexts.
func (Scheme) PlaintextPrivateKey(m []byte) []byte {
	if curve.FieldSize == sha256.Size {
		d := sum(m)
		defer clear(d[:])
		return curve.ReduceModP(d[:])
	}
	d := sum2(m)
	defer clear(d[:])
	return curve.ReduceModP(d[2*sha256.Size-curve.FieldSize:])
}

// weakDigests are the SHA-256, for n = 32 and n = 60, of the one element of GT that
// upstream versions 0.8.0 to 0.8.3 produced for every plaintext: the final
// exponentiation of an Fp12 element with twelve equal coefficients (spec section
// 13, note 9).
var weakDigests = map[int][sha256.Size]byte{
	32: {
		0xdc, 0x9b, 0x84, 0x63, 0x6a, 0xfb, 0xae, 0x83, 0x46, 0xf0, 0x95, 0x87, 0xd5, 0x93, 0x63, 0xe8,
		0x32, 0x2a, 0x4c, 0x39, 0xcd, 0x98, 0xd2, 0x28, 0x93, 0x31, 0x16, 0xfb, 0x4c, 0x2b, 0x9e, 0x32,
	},
	60: {
		0x6f, 0x2b, 0x13, 0xf0, 0xf9, 0x60, 0x74, 0x2b, 0xbf, 0x93, 0xcc, 0x33, 0xcd, 0x21, 0x1f, 0x8f,
		0x23, 0x59, 0x42, 0x79, 0x95, 0xc4, 0x93, 0xbe, 0x4b, 0x16, 0x35, 0x57, 0xff, 0x6b, 0xb2, 0x45,
	},
}

// isWeak reports whether m is that element or 1, keys that everybody knows.
func isWeak(m []byte) bool {
	weak := weakDigests[curve.FieldSize]
	d := sha256.Sum256(m)
	defer clear(d[:])
	var one [GTSize]byte
	one[GTSize-1] = 1
	return subtle.ConstantTimeCompare(d[:], weak[:])|subtle.ConstantTimeCompare(m, one[:]) == 1
}

// Constants returns, for self-tests, constants on which no known answer depends, or not for
// sure: the digest that isWeak compares with, and those by which scalars are cut.
func (Scheme) Constants() []byte {
	weak := weakDigests[curve.FieldSize]
	return append(curve.LatticeBytes(), weak[:]...)
}
