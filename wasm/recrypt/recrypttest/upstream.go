package recrypttest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"

	"github.com/recrypt-service/recrypt/wasm/recrypt"
	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/scheme256"
	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/scheme480"
)

// scheme is one suite's algorithms with lenient decoding.
type scheme interface {
	ReducePrivateKey(b []byte) ([]byte, error)
	ReducePublicKey(b []byte) ([]byte, error)
	ReduceGT(b []byte) ([]byte, error)
	ReduceValue(b []byte) ([]byte, error)
	ReduceTransformKey(b []byte) ([]byte, error)
	FinalExp(b []byte) ([]byte, error)

	PublicKey(private []byte) ([]byte, error)
	AddPrivateKeys(a, b []byte) []byte
	SubPrivateKeys(a, b []byte) []byte
	AddPublicKeys(a, b []byte) ([]byte, error)
	PlaintextPrivateKey(m []byte) []byte
	Encrypt(m, to, signer, ephemeral []byte) ([]byte, error)
	Decrypt(value, private []byte) ([]byte, error)
	TransformKey(private, to, signer, ephemeral, temp []byte) ([]byte, error)
	Transform(value, key, signer, temp, ephemeral []byte) ([]byte, error)
	AugmentTransformKey(key, private []byte) ([]byte, error)
	SignSchnorr(private, public, message, nonce []byte) ([]byte, error)
	VerifySchnorr(public, augmenting, message, signature []byte) bool
}

// Upstream behaves as the upstream library does (spec sections 5, 8 and 11): private
// keys of any n bytes, reduced modulo p; field elements reduced modulo p; no check of
// subgroups; any Ed25519 key. All randomness is given. Keys and values are byte
// strings in the forms of package recrypt.
type Upstream struct {
	s scheme
}

// NewUpstream returns the lenient operations of a suite, or recrypt.ErrSuite.
func NewUpstream(s recrypt.Suite) (*Upstream, error) {
	switch s {
	case recrypt.Suite256:
		return &Upstream{scheme256.Scheme{Lenient: true}}, nil
	case recrypt.Suite480:
		return &Upstream{scheme480.Scheme{Lenient: true}}, nil
	}
	return nil, recrypt.ErrSuite
}

// PrivateKey returns the key upstream makes of n bytes: reduced modulo p.
func (u *Upstream) PrivateKey(b []byte) ([]byte, error) { return u.s.ReducePrivateKey(b) }

// PublicKey returns the canonical encoding of a point.
func (u *Upstream) PublicKey(b []byte) ([]byte, error) { return u.s.ReducePublicKey(b) }

// GT returns the canonical encoding of any element of Fp12.
func (u *Upstream) GT(b []byte) ([]byte, error) { return u.s.ReduceGT(b) }

// Value returns the canonical encoding of an encrypted value.
func (u *Upstream) Value(b []byte) ([]byte, error) { return u.s.ReduceValue(b) }

// TransformKey returns the canonical encoding of a transform key.
func (u *Upstream) TransformKey(b []byte) ([]byte, error) { return u.s.ReduceTransformKey(b) }

// RandomGT returns the element of GT, 12n bytes, that upstream makes of 12n random
// bytes.
func (u *Upstream) RandomGT(random []byte) ([]byte, error) { return u.s.FinalExp(random) }

// CheckSigningKey accepts 64 bytes seed ‖ public key that belong together.
func (u *Upstream) CheckSigningKey(b []byte) error {
	if len(b) != ed25519.PrivateKeySize {
		return recrypt.ErrSize
	}
	if !bytes.Equal(ed25519.NewKeyFromSeed(b[:ed25519.SeedSize]), b) {
		return recrypt.ErrSigningKey
	}
	return nil
}

// ComputePublicKey returns the public key of a private key.
func (u *Upstream) ComputePublicKey(private []byte) ([]byte, error) {
	if _, err := u.s.ReducePrivateKey(private); err != nil {
		return nil, err
	}
	return u.s.PublicKey(private)
}

// AddPrivateKeys returns a + b mod r, which may be zero.
func (u *Upstream) AddPrivateKeys(a, b []byte) ([]byte, error) {
	return u.combine(a, b, u.s.AddPrivateKeys)
}

// SubPrivateKeys returns a - b mod r, which may be zero.
func (u *Upstream) SubPrivateKeys(a, b []byte) ([]byte, error) {
	return u.combine(a, b, u.s.SubPrivateKeys)
}

func (u *Upstream) combine(a, b []byte, op func(a, b []byte) []byte) ([]byte, error) {
	for _, k := range [][]byte{a, b} {
		if _, err := u.s.ReducePrivateKey(k); err != nil {
			return nil, err
		}
	}
	return op(a, b), nil
}

// AddPublicKeys returns the sum of two public keys.
func (u *Upstream) AddPublicKeys(a, b []byte) ([]byte, error) {
	for _, k := range [][]byte{a, b} {
		if _, err := u.s.ReducePublicKey(k); err != nil {
			return nil, err
		}
	}
	return u.s.AddPublicKeys(a, b)
}

// SymmetricKey is derive_symmetric_key of any 12n bytes.
func (u *Upstream) SymmetricKey(m []byte) ([]byte, error) {
	m, err := u.s.ReduceGT(m)
	if err != nil {
		return nil, err
	}
	k := sha256.Sum256(m)
	return k[:], nil
}

// PlaintextPrivateKey is derive_private_key of any 12n bytes.
func (u *Upstream) PlaintextPrivateKey(m []byte) ([]byte, error) {
	m, err := u.s.ReduceGT(m)
	if err != nil {
		return nil, err
	}
	return u.s.PlaintextPrivateKey(m), nil
}

// Encrypt encrypts any 12n bytes; ephemeral is a private key.
func (u *Upstream) Encrypt(m, to, signer, ephemeral []byte) ([]byte, error) {
	m, err := u.s.ReduceGT(m)
	if err != nil {
		return nil, err
	}
	if to, err = u.s.ReducePublicKey(to); err != nil {
		return nil, err
	}
	if err := u.check(signer, ephemeral); err != nil {
		return nil, err
	}
	return u.s.Encrypt(m, to, signer, ephemeral)
}

// Decrypt decrypts a value of any level.
func (u *Upstream) Decrypt(value, private []byte) ([]byte, error) {
	value, err := u.s.ReduceValue(value)
	if err != nil {
		return nil, err
	}
	if _, err := u.s.ReducePrivateKey(private); err != nil {
		return nil, err
	}
	return u.s.Decrypt(value, private)
}

// MakeTransformKey makes a transform key; ephemeral is a private key, temp an element
// of Fp12 that is used as it is (see RandomGT).
func (u *Upstream) MakeTransformKey(private, to, signer, ephemeral, temp []byte) ([]byte, error) {
	to, err := u.s.ReducePublicKey(to)
	if err != nil {
		return nil, err
	}
	if temp, err = u.s.ReduceGT(temp); err != nil {
		return nil, err
	}
	if err := u.check(signer, ephemeral); err != nil {
		return nil, err
	}
	if _, err := u.s.ReducePrivateKey(private); err != nil {
		return nil, err
	}
	return u.s.TransformKey(private, to, signer, ephemeral, temp)
}

// Transform transforms a value; temp is K', used as it is, ephemeral a private key.
func (u *Upstream) Transform(value, key, signer, temp, ephemeral []byte) ([]byte, error) {
	value, err := u.s.ReduceValue(value)
	if err != nil {
		return nil, err
	}
	if key, err = u.s.ReduceTransformKey(key); err != nil {
		return nil, err
	}
	if temp, err = u.s.ReduceGT(temp); err != nil {
		return nil, err
	}
	if err := u.check(signer, ephemeral); err != nil {
		return nil, err
	}
	return u.s.Transform(value, key, signer, temp, ephemeral)
}

// AugmentTransformKey augments a transform key by a private key.
func (u *Upstream) AugmentTransformKey(key, private []byte) ([]byte, error) {
	key, err := u.s.ReduceTransformKey(key)
	if err != nil {
		return nil, err
	}
	if _, err := u.s.ReducePrivateKey(private); err != nil {
		return nil, err
	}
	return u.s.AugmentTransformKey(key, private)
}

// SignSchnorr signs with the nonce given.
func (u *Upstream) SignSchnorr(private, public, message, nonce []byte) ([]byte, error) {
	public, err := u.s.ReducePublicKey(public)
	if err != nil {
		return nil, err
	}
	for _, k := range [][]byte{private, nonce} {
		if _, err := u.s.ReducePrivateKey(k); err != nil {
			return nil, err
		}
	}
	return u.s.SignSchnorr(private, public, message, nonce)
}

// VerifySchnorr verifies a signature whose halves may be at or above the group order.
// augmenting may be nil. A signature of the wrong length is recrypt.ErrSize.
func (u *Upstream) VerifySchnorr(public, augmenting, message, signature []byte) (bool, error) {
	public, err := u.s.ReducePublicKey(public)
	if err != nil {
		return false, err
	}
	if len(signature) != len(public) {
		return false, recrypt.ErrSize
	}
	if augmenting != nil {
		if _, err := u.s.ReducePrivateKey(augmenting); err != nil {
			return false, err
		}
	}
	return u.s.VerifySchnorr(public, augmenting, message, signature), nil
}

// VerifyEd25519 verifies as upstream does, with any key (spec section 9.1).
func (u *Upstream) VerifyEd25519(key, message, signature []byte) (bool, error) {
	if len(key) != ed25519.PublicKeySize || len(signature) != ed25519.SignatureSize {
		return false, recrypt.ErrSize
	}
	return ed25519.Verify(key, message, signature), nil
}

// check checks a signing key and the length of a scalar.
func (u *Upstream) check(signer, scalar []byte) error {
	if err := u.CheckSigningKey(signer); err != nil {
		return err
	}
	_, err := u.s.ReducePrivateKey(scalar)
	return err
}
