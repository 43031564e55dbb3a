package abitest

import (
	"bytes"
	"math/big"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// The suites.
const (
	suite256 = abi.Suite256
	suite480 = abi.Suite480
)

// A variant is a suite with its sizes in bytes (spec section 5) and the group order.
type variant struct {
	number    byte
	fieldSize int // n
	valueSize int // level 0
	blockSize int // each level more
	tkSize    int // transform key
	prime     *big.Int
	order     *big.Int
}

var variants = map[byte]variant{
	suite256: newVariant(suite256, 32, "5a76ae9aec588301"),
	suite480: newVariant(suite480, 60, "688297affda9fc13d8355a33558259"),
}

// newVariant takes n and the curve's parameter u (spec section 3): r = 36u⁴ + 36u³ +
// 18u² + 6u + 1 and p = r + 6u².
func newVariant(number byte, n int, parameter string) variant {
	u, _ := new(big.Int).SetString(parameter, 16)
	r := new(big.Int)
	for _, c := range []int64{36, 36, 18, 6, 1} {
		r.Add(r.Mul(r, u), big.NewInt(c))
	}
	p := new(big.Int).Mul(u, u)
	p.Add(p.Mul(p, big.NewInt(6)), r)
	return variant{number, n, 14*n + 128, 28 * n, 20*n + 96, p, r}
}

// inRange reports whether a private key is in [1, r-1].
func (v variant) inRange(private []byte) bool {
	k := new(big.Int).SetBytes(private)
	return len(private) == v.fieldSize && k.Sign() > 0 && k.Cmp(v.order) < 0
}

// scalar returns the private key in [1, r-1] that acts as any bytes do upstream, or
// zero.
func (v variant) scalar(private []byte) []byte {
	k := new(big.Int).SetBytes(private)
	return k.Mod(k, v.order).FillBytes(make([]byte, v.fieldSize))
}

// keys makes keys and adds, subtracts and misuses them.
func keys(s suite, v variant) {
	a, pubA := get2(s.GenerateKeyPair(s.ctx, v.number))
	b, pubB := get2(s.GenerateKeyPair(s.ctx, v.number))
	same(len(a), v.fieldSize)
	same(len(pubA), 2*v.fieldSize)
	equal(get(s.PublicKey(s.ctx, v.number, a)), pubA)

	sum := get(s.AddPrivateKeys(s.ctx, v.number, a, b))
	equal(get(s.PublicKey(s.ctx, v.number, sum)), get(s.AddPublicKeys(s.ctx, v.number, pubA, pubB)))
	equal(get(s.SubtractPrivateKeys(s.ctx, v.number, sum, b)), a)
	refused(abi.ErrMalformed, second(s.SubtractPrivateKeys(s.ctx, v.number, a, a)))

	for _, bad := range [][]byte{nil, a[1:], append(a[:len(a):len(a)], 0), make([]byte, v.fieldSize), bytes.Repeat([]byte{0xff}, v.fieldSize)} {
		refused(abi.ErrMalformed, second(s.PublicKey(s.ctx, v.number, bad)))
		refused(abi.ErrMalformed, second(s.AddPrivateKeys(s.ctx, v.number, a, bad)))
		refused(abi.ErrMalformed, second(s.SubtractPrivateKeys(s.ctx, v.number, bad, a)))
	}
	for _, bad := range [][]byte{nil, pubA[1:], make([]byte, 2*v.fieldSize), flip(pubA, 0), bytes.Repeat([]byte{0xff}, 2*v.fieldSize)} {
		refused(abi.ErrMalformed, second(s.AddPublicKeys(s.ctx, v.number, pubA, bad)))
		refused(abi.ErrMalformed, second(s.AddPublicKeys(s.ctx, v.number, bad, pubA)))
	}
	for _, suite := range []byte{0, 3, 255} {
		refused(abi.ErrSuite, third(s.GenerateKeyPair(s.ctx, suite)))
		refused(abi.ErrSuite, second(s.PublicKey(s.ctx, suite, a)))
		refused(abi.ErrSuite, second(s.GeneratePlaintext(s.ctx, suite)))
	}
}

// flip returns b with one bit of byte i changed.
func flip(b []byte, i int) []byte {
	b = bytes.Clone(b)
	b[i] ^= 1
	return b
}

// signatures makes Ed25519 signatures and alters them.
func signatures(s suite) {
	message := []byte("a message")
	signing, verifying := get2(s.GenerateSigningKeyPair(s.ctx))
	same(len(signing), 64)
	equal(signing[32:], verifying)
	signature := get(s.Ed25519Sign(s.ctx, signing, message))
	equal(get(s.Ed25519Sign(s.ctx, signing, message)), signature)
	ok(s.Ed25519Verify(s.ctx, verifying, message, signature))
	refused(abi.ErrSignature, s.Ed25519Verify(s.ctx, verifying, message[1:], signature))
	for i := range signature {
		refused(abi.ErrSignature, s.Ed25519Verify(s.ctx, verifying, message, flip(signature, i)))
	}
	refused(abi.ErrMalformed, s.Ed25519Verify(s.ctx, verifying, message, signature[1:]))
	refused(abi.ErrMalformed, s.Ed25519Verify(s.ctx, verifying[1:], message, signature))
	refused(abi.ErrMalformed, s.Ed25519Verify(s.ctx, make([]byte, 32), message, signature))
	refused(abi.ErrMalformed, second(s.Ed25519Sign(s.ctx, flip(signing, 0), message)))
	refused(abi.ErrMalformed, second(s.Ed25519Sign(s.ctx, flip(signing, 63), message)))
}

// schnorr makes Schnorr signatures, plain and under an augmented key, and alters them.
func schnorr(s suite, v variant) {
	message := []byte("a message")
	private, public := get2(s.GenerateKeyPair(s.ctx, v.number))
	other, otherPublic := get2(s.GenerateKeyPair(s.ctx, v.number))
	augmented := get(s.AddPublicKeys(s.ctx, v.number, public, otherPublic))
	signature := get(s.SchnorrSign(s.ctx, v.number, private, public, message))
	same(len(signature), 2*v.fieldSize)
	ok(s.SchnorrVerify(s.ctx, v.number, public, nil, message, signature))
	refused(abi.ErrSignature, s.SchnorrVerify(s.ctx, v.number, public, nil, nil, signature))
	refused(abi.ErrSignature, s.SchnorrVerify(s.ctx, v.number, otherPublic, nil, message, signature))
	refused(abi.ErrSignature, s.SchnorrVerify(s.ctx, v.number, public, other, message, signature))
	for i := 0; i < len(signature); i += 7 {
		refused(abi.ErrSignature, s.SchnorrVerify(s.ctx, v.number, public, nil, message, flip(signature, i)))
	}
	refused(abi.ErrMalformed, s.SchnorrVerify(s.ctx, v.number, public, nil, message, signature[1:]))
	refused(abi.ErrMalformed, s.SchnorrVerify(s.ctx, v.number, public, other[1:], message, signature))
	signature = get(s.SchnorrSign(s.ctx, v.number, private, augmented, message))
	ok(s.SchnorrVerify(s.ctx, v.number, augmented, other, message, signature))
	refused(abi.ErrSignature, s.SchnorrVerify(s.ctx, v.number, augmented, nil, message, signature))
}

// levels encrypts to one key, transforms along a chain of others, and opens every
// level with its key and no other. The slow suite does fewer: recorded chains are longer.
func levels(s suite, v variant) {
	signing, _ := get2(s.GenerateSigningKeyPair(s.ctx))
	m := get(s.GeneratePlaintext(s.ctx, v.number))
	same(len(m), 12*v.fieldSize)
	same(len(get(s.DeriveSymmetricKey(s.ctx, v.number, m))), 32)

	private, public := get2(s.GenerateKeyPair(s.ctx, v.number))
	value := get(s.Encrypt(s.ctx, v.number, m, public, signing))
	same(len(value), v.valueSize)
	top := 3
	if v.number == suite480 {
		top = 2
	}
	for level := 1; level <= top; level++ {
		next, nextPublic := get2(s.GenerateKeyPair(s.ctx, v.number))
		tk := get(s.TransformKey(s.ctx, v.number, private, nextPublic, signing))
		same(len(tk), v.tkSize)
		refused(abi.ErrSignature, second(s.Transform(s.ctx, v.number, value, flip(tk, v.tkSize-1), signing)))
		value = get(s.Transform(s.ctx, v.number, value, tk, signing))
		same(len(value), v.valueSize+level*v.blockSize)
		equal(get(s.Decrypt(s.ctx, v.number, value, next)), m)
		refused(abi.ErrDecrypt, second(s.Decrypt(s.ctx, v.number, value, private)))
		private = next
	}
	refused(abi.ErrSignature, second(s.Decrypt(s.ctx, v.number, flip(value, len(value)-1), private)))
	refused(abi.ErrMalformed, second(s.Decrypt(s.ctx, v.number, flip(value, 0), private)))
	refused(abi.ErrMalformed, second(s.Decrypt(s.ctx, v.number, value[1:], private)))
	refused(abi.ErrMalformed, second(s.Decrypt(s.ctx, v.number, value[:len(value)-v.blockSize+1], private)))
	refused(abi.ErrTooLarge, second(s.Decrypt(s.ctx, v.number, make([]byte, v.valueSize+17*v.blockSize), private)))
	refused(abi.ErrMalformed, second(s.Encrypt(s.ctx, v.number, flip(m, 0), public, signing)))
	refused(abi.ErrMalformed, second(s.DeriveSymmetricKey(s.ctx, v.number, make([]byte, 12*v.fieldSize))))
}
