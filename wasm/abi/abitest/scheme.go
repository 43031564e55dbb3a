package abitest

import (
	"bytes"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// The suites, and the sizes of recrypt256 in bytes.
const (
	suite256  = abi.Suite256
	suite480  = abi.Suite480
	fieldSize = 32
	valueSize = 576 // level 0
	blockSize = 896 // each level more
	tkSize    = 736
)

// keys makes keys and adds, subtracts and misuses them.
func keys(s suite) {
	a, pubA := get2(s.GenerateKeyPair(s.ctx, suite256))
	b, pubB := get2(s.GenerateKeyPair(s.ctx, suite256))
	same(len(a), fieldSize)
	same(len(pubA), 2*fieldSize)
	equal(get(s.PublicKey(s.ctx, suite256, a)), pubA)

	sum := get(s.AddPrivateKeys(s.ctx, suite256, a, b))
	equal(get(s.PublicKey(s.ctx, suite256, sum)), get(s.AddPublicKeys(s.ctx, suite256, pubA, pubB)))
	equal(get(s.SubtractPrivateKeys(s.ctx, suite256, sum, b)), a)
	refused(abi.ErrMalformed, second(s.SubtractPrivateKeys(s.ctx, suite256, a, a)))

	for _, bad := range [][]byte{nil, a[1:], append(a[:len(a):len(a)], 0), make([]byte, fieldSize), bytes.Repeat([]byte{0xff}, fieldSize)} {
		refused(abi.ErrMalformed, second(s.PublicKey(s.ctx, suite256, bad)))
		refused(abi.ErrMalformed, second(s.AddPrivateKeys(s.ctx, suite256, a, bad)))
		refused(abi.ErrMalformed, second(s.SubtractPrivateKeys(s.ctx, suite256, bad, a)))
	}
	for _, bad := range [][]byte{nil, pubA[1:], make([]byte, 2*fieldSize), flip(pubA, 0), bytes.Repeat([]byte{0xff}, 2*fieldSize)} {
		refused(abi.ErrMalformed, second(s.AddPublicKeys(s.ctx, suite256, pubA, bad)))
		refused(abi.ErrMalformed, second(s.AddPublicKeys(s.ctx, suite256, bad, pubA)))
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

// signatures makes both kinds of signatures and alters them.
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

	private, public := get2(s.GenerateKeyPair(s.ctx, suite256))
	other, otherPublic := get2(s.GenerateKeyPair(s.ctx, suite256))
	augmented := get(s.AddPublicKeys(s.ctx, suite256, public, otherPublic))
	signature = get(s.SchnorrSign(s.ctx, suite256, private, public, message))
	same(len(signature), 2*fieldSize)
	ok(s.SchnorrVerify(s.ctx, suite256, public, nil, message, signature))
	refused(abi.ErrSignature, s.SchnorrVerify(s.ctx, suite256, public, nil, nil, signature))
	refused(abi.ErrSignature, s.SchnorrVerify(s.ctx, suite256, otherPublic, nil, message, signature))
	refused(abi.ErrSignature, s.SchnorrVerify(s.ctx, suite256, public, other, message, signature))
	for i := 0; i < len(signature); i += 7 {
		refused(abi.ErrSignature, s.SchnorrVerify(s.ctx, suite256, public, nil, message, flip(signature, i)))
	}
	refused(abi.ErrMalformed, s.SchnorrVerify(s.ctx, suite256, public, nil, message, signature[1:]))
	refused(abi.ErrMalformed, s.SchnorrVerify(s.ctx, suite256, public, other[1:], message, signature))
	signature = get(s.SchnorrSign(s.ctx, suite256, private, augmented, message))
	ok(s.SchnorrVerify(s.ctx, suite256, augmented, other, message, signature))
	refused(abi.ErrSignature, s.SchnorrVerify(s.ctx, suite256, augmented, nil, message, signature))
}

// levels encrypts to one key, transforms along a chain of others, and opens every
// level with its key and no other.
func levels(s suite) {
	signing, _ := get2(s.GenerateSigningKeyPair(s.ctx))
	m := get(s.GeneratePlaintext(s.ctx, suite256))
	same(len(m), 12*fieldSize)
	same(len(get(s.DeriveSymmetricKey(s.ctx, suite256, m))), 32)

	private, public := get2(s.GenerateKeyPair(s.ctx, suite256))
	value := get(s.Encrypt(s.ctx, suite256, m, public, signing))
	same(len(value), valueSize)
	for level := 1; level <= 3; level++ {
		next, nextPublic := get2(s.GenerateKeyPair(s.ctx, suite256))
		tk := get(s.TransformKey(s.ctx, suite256, private, nextPublic, signing))
		same(len(tk), tkSize)
		refused(abi.ErrSignature, second(s.Transform(s.ctx, suite256, value, flip(tk, tkSize-1), signing)))
		value = get(s.Transform(s.ctx, suite256, value, tk, signing))
		same(len(value), valueSize+level*blockSize)
		equal(get(s.Decrypt(s.ctx, suite256, value, next)), m)
		refused(abi.ErrDecrypt, second(s.Decrypt(s.ctx, suite256, value, private)))
		private = next
	}
	refused(abi.ErrSignature, second(s.Decrypt(s.ctx, suite256, flip(value, len(value)-1), private)))
	refused(abi.ErrMalformed, second(s.Decrypt(s.ctx, suite256, flip(value, 0), private)))
	refused(abi.ErrMalformed, second(s.Decrypt(s.ctx, suite256, value[1:], private)))
	refused(abi.ErrMalformed, second(s.Decrypt(s.ctx, suite256, value[:len(value)-blockSize+1], private)))
	refused(abi.ErrTooLarge, second(s.Decrypt(s.ctx, suite256, make([]byte, valueSize+17*blockSize), private)))
	refused(abi.ErrMalformed, second(s.Encrypt(s.ctx, suite256, flip(m, 0), public, signing)))
	refused(abi.ErrMalformed, second(s.DeriveSymmetricKey(s.ctx, suite256, make([]byte, 12*fieldSize))))
}
