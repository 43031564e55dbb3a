package vectors

import (
	"crypto/ed25519"
	"crypto/sha512"
	"math/big"
	"slices"
)

// Edwards25519 in big integers, for signatures that no signer makes (RFC 8032).
var (
	edP = sub(new(big.Int).Lsh(small(1), 255), small(19))
	edL = add(new(big.Int).Lsh(small(1), 252), decimal("27742317777372353535851937790883648493"))
	edD = mulMod(sub(edP, small(121665)), new(big.Int).ModInverse(small(121666), edP), edP)

	edB = must1(edDecode(append([]byte{0x58}, slices.Repeat([]byte{0x66}, 31)...)))

	// edTorsion has order 8.
	edTorsion = must1(edDecode(fromHex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")))
)

func add(a, b *big.Int) *big.Int { return new(big.Int).Add(a, b) }
func sub(a, b *big.Int) *big.Int { return new(big.Int).Sub(a, b) }
func mulMod(a, b, m *big.Int) *big.Int {
	x := new(big.Int).Mul(a, b)
	return x.Mod(x, m)
}

func decimal(s string) *big.Int {
	x, ok := new(big.Int).SetString(s, 10)
	return must1(x, ok)
}

func must1[T any](v T, ok bool) T {
	if !ok {
		panic("not ok")
	}
	return v
}

// edPoint is an affine point of -x² + y² = 1 + d·x²·y².
type edPoint struct{ x, y *big.Int }

var edZero = edPoint{small(0), small(1)}

func edAdd(a, b edPoint) edPoint {
	xy := mulMod(a.x, b.y, edP)
	yx := mulMod(a.y, b.x, edP)
	xx := mulMod(a.x, b.x, edP)
	yy := mulMod(a.y, b.y, edP)
	t := mulMod(edD, mulMod(xx, yy, edP), edP)
	x := mulMod(add(xy, yx), new(big.Int).ModInverse(add(small(1), t), edP), edP)
	y := mulMod(add(yy, xx), new(big.Int).ModInverse(new(big.Int).Mod(sub(small(1), t), edP), edP), edP)
	return edPoint{x, y}
}

func edMul(k *big.Int, a edPoint) edPoint {
	out := edZero
	for i := k.BitLen() - 1; i >= 0; i-- {
		out = edAdd(out, out)
		if k.Bit(i) == 1 {
			out = edAdd(out, a)
		}
	}
	return out
}

// little converts between numbers and little-endian bytes.
func little(x *big.Int) []byte {
	b := x.FillBytes(make([]byte, 32))
	slices.Reverse(b)
	return b
}

func fromLittle(b []byte) *big.Int {
	b = slices.Clone(b)
	slices.Reverse(b)
	return number(b)
}

func edEncode(a edPoint) []byte {
	b := little(a.y)
	b[31] |= byte(a.x.Bit(0)) << 7
	return b
}

func edDecode(b []byte) (edPoint, bool) {
	sign := uint(b[31] >> 7)
	y := fromLittle(b)
	y.SetBit(y, 255, 0)
	yy := mulMod(y, y, edP)
	denominator := add(mulMod(edD, yy, edP), small(1))
	x := new(big.Int).ModSqrt(mulMod(sub(yy, small(1)), denominator.ModInverse(denominator, edP), edP), edP)
	if x == nil {
		return edPoint{}, false
	}
	if x.Bit(0) != sign {
		x = new(big.Int).Mod(sub(edP, x), edP)
	}
	return edPoint{x, y}, true
}

// edSecret returns the secret scalar of a seed.
func edSecret(seed []byte) *big.Int {
	h := sha512.Sum512(seed)
	h[0] &= 248
	h[31] = h[31]&127 | 64
	return fromLittle(h[:32])
}

// edChallenge is the hash of RFC 8032 over R, A and the message.
func edChallenge(r, a, message []byte) *big.Int {
	h := sha512.Sum512(slices.Concat(r, a, message))
	k := fromLittle(h[:])
	return k.Mod(k, edL)
}

// edForge signs with R and A as they are given: [nonce]B and [secret]B may have
// other points added to them.
func edForge(nonce, secret *big.Int, r, a, message []byte) []byte {
	s := add(nonce, mulMod(edChallenge(r, a, message), secret, edL))
	return append(slices.Clone(r), little(s.Mod(s, edL))...)
}

// edPublic returns the public key of a seed.
func edPublic(seed []byte) []byte {
	return slices.Clone([]byte(ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)))
}

// edSign signs with a seed.
func edSign(seed, message []byte) []byte { return ed25519.Sign(ed25519.NewKeyFromSeed(seed), message) }

// highS returns a signature with S + L in place of S.
func highS(signature []byte) []byte {
	return append(slices.Clone(signature[:32]), little(add(fromLittle(signature[32:]), edL))...)
}
