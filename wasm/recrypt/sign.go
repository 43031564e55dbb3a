package recrypt

import (
	"crypto/ed25519"

	"github.com/recrypt-service/recrypt/wasm/internal/entropy"
	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/eddsa"
)

// A SigningKey signs encrypted values and transform keys, with Ed25519. It
// belongs to no suite.
//
// The signatures inside values carry no label (spec section 13, note 5): use a
// signing key for values only, and another one for everything else.
type SigningKey struct {
	b []byte // 64 bytes, seed ‖ public key
}

// GenerateSigningKey returns a new signing key. It panics if the self-test of Ed25519
// fails, see ErrSelfTest.
func GenerateSigningKey() *SigningKey {
	if signingTest() != nil {
		panic("recrypt: self-test of Ed25519 failed")
	}
	seed := make([]byte, ed25519.SeedSize)
	defer clear(seed)
	entropy.Read(seed)
	return &SigningKey{ed25519.NewKeyFromSeed(seed)}
}

// NewSigningKey decodes a signing key: seed ‖ public key, 64 bytes. If the second
// half is not the public key of the first, the error is ErrSigningKey.
func NewSigningKey(b []byte) (*SigningKey, error) {
	if err := signingTest(); err != nil {
		return nil, err
	}
	if len(b) != SigningKeySize {
		return nil, ErrSize
	}
	k := ed25519.NewKeyFromSeed(b[:ed25519.SeedSize])
	if !equal(k, b) {
		clear(k)
		return nil, ErrSigningKey
	}
	return &SigningKey{k}, nil
}

// NewSigningKeyFromSeed makes a signing key from its 32-byte seed.
func NewSigningKeyFromSeed(seed []byte) (*SigningKey, error) {
	if err := signingTest(); err != nil {
		return nil, err
	}
	if len(seed) != ed25519.SeedSize {
		return nil, ErrSize
	}
	return &SigningKey{ed25519.NewKeyFromSeed(seed)}, nil
}

// Bytes returns the key as seed ‖ public key, 64 bytes.
func (k *SigningKey) Bytes() []byte { return clone(k.b) }

// VerifyingKey returns the public half. It panics if k has been wiped.
func (k *SigningKey) VerifyingKey() *VerifyingKey {
	k.mustHold()
	return &VerifyingKey{[VerifyingKeySize]byte(k.b[ed25519.SeedSize:])}
}

// Sign returns the Ed25519 signature (RFC 8032) of message, 64 bytes. It panics if
// k has been wiped.
func (k *SigningKey) Sign(message []byte) []byte {
	k.mustHold()
	return ed25519.Sign(k.b, message)
}

// Wipe overwrites the key. Later uses as an argument give ErrSigningKey.
func (k *SigningKey) Wipe() {
	clear(k.b)
	k.b = nil
}

func (k *SigningKey) mustHold() {
	if len(k.b) == 0 {
		panic("recrypt: use of an empty or wiped signing key")
	}
}

// A VerifyingKey verifies what a SigningKey signed.
//
// Verification is stricter than in most Ed25519 libraries, so that every platform
// gives the same answer and no key accepts a signature for every message: the
// encodings of the key and of R must be canonical, neither may have small
// order, S must be below the group order, and the equation has no cofactor.
type VerifyingKey struct {
	b [VerifyingKeySize]byte
}

// NewVerifyingKey decodes a verifying key of 32 bytes. A key that is not canonical,
// not a point, or of small order is ErrEncoding.
func NewVerifyingKey(b []byte) (*VerifyingKey, error) {
	if err := signingTest(); err != nil {
		return nil, err
	}
	if len(b) != VerifyingKeySize {
		return nil, ErrSize
	}
	if !eddsa.ValidKey(b) {
		return nil, ErrEncoding
	}
	return &VerifyingKey{[VerifyingKeySize]byte(b)}, nil
}

// Bytes returns the key's 32 bytes.
func (k *VerifyingKey) Bytes() []byte { return clone(k.b[:]) }

// Verify reports whether signature is the key's signature of message.
func (k *VerifyingKey) Verify(message, signature []byte) bool {
	return eddsa.Verify(k.b[:], message, signature)
}

// Equal reports whether the keys are the same.
func (k *VerifyingKey) Equal(other *VerifyingKey) bool { return k.b == other.b }

// SignSchnorr signs message with an encryption key (spec section 9.2) and returns
// r ‖ s, 2n bytes. pub is the public key to name in the signature: the key's own,
// or, for an augmented key, the sum that others know.
func (k *PrivateKey) SignSchnorr(pub *PublicKey, message []byte) ([]byte, error) {
	c, err := k.scheme(pub.suite)
	if err != nil {
		return nil, err
	}
	nonce := k.suite.randomScalar(c)
	defer clear(nonce)
	return c.SignSchnorr(k.b, pub.b, message, nonce)
}

// VerifySchnorr reports whether signature is a Schnorr signature of message with
// public key k. If k was augmented (k = signer's key + augmenting's public key),
// augmenting is the private key that was added; otherwise it is nil.
//
// Both halves of the signature must be below the group order, and r not zero.
func (k *PublicKey) VerifySchnorr(augmenting *PrivateKey, message, signature []byte) bool {
	c, err := k.suite.scheme()
	if err != nil {
		return false
	}
	var a []byte
	if augmenting != nil {
		if augmenting.suite != k.suite || len(augmenting.b) == 0 {
			return false
		}
		a = augmenting.b
	}
	return c.VerifySchnorr(k.b, a, message, signature)
}
