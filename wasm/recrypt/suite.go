package recrypt

import (
	"crypto/subtle"

	"github.com/recrypt-service/recrypt/wasm/internal/entropy"
	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/opaque"
)

// Suite names a parameter set: a curve and everything that follows from it.
// Keys and values of different suites never work together. The numbers are
// stable and may be stored.
type Suite uint8

const (
	// Suite256 is "recrypt256", recrypt's 256-bit curve: about 100-bit strength.
	Suite256 Suite = 1

	// Suite480 is "recrypt480", recrypt's 480-bit curve: 128-bit class.
	Suite480 Suite = 2
)

// MaxBlocks is the largest number of transform blocks of an encrypted value.
// It is checked before any arithmetic, because the work of decrypting grows with
// the number of blocks and the number is chosen by whoever made the value.
const MaxBlocks = 16

// Sizes in bytes that are the same in every suite.
const (
	AuthHashSize     = 32 // authentication hash of an encrypted value
	SymmetricKeySize = 32 // key derived from a plaintext
	SigningKeySize   = 64 // Ed25519 private key: seed ‖ public key
	VerifyingKeySize = 32 // Ed25519 public key
	SignatureSize    = 64 // Ed25519 signature
)

// scheme is one suite's algorithms, on byte strings. Arguments that are keys,
// plaintexts or values have passed the Check function of their kind; scalars are
// n bytes, GT elements 12n bytes. A temp key is given by the n bytes of its logarithm.
type scheme interface {
	CheckPrivateKey(b []byte) error
	CheckPublicKey(b []byte) error
	CheckPlaintext(b []byte) error
	CheckEncryptedValue(b []byte) error
	CheckTransformKey(b []byte) error

	UniformScalar(uniform []byte) []byte
	UniformGT(uniform []byte) []byte

	PublicKey(private []byte) ([]byte, error)
	AddPrivateKeys(a, b []byte) []byte
	SubPrivateKeys(a, b []byte) []byte
	AddPublicKeys(a, b []byte) ([]byte, error)
	PlaintextPrivateKey(m []byte) []byte

	Encrypt(m, to, signer, ephemeral []byte) ([]byte, error)
	DecryptMany(values []opaque.Signed, private []byte) ([][]byte, []error)
	VerifyValue(value []byte) error

	TransformKey(private, to, signer, ephemeral, temp []byte) ([]byte, error)
	VerifyTransformKey(key []byte) error
	AugmentTransformKey(key, private []byte) ([]byte, error)

	PrepareTransformKey(key opaque.Signed) (opaque.TransformKey, error)
	UseTransformKey(key opaque.Signed) (opaque.TransformKey, error)
	ReadPrepared(b []byte) (opaque.TransformKey, error)
	PreparedSize() int
	PreparePublicKey(key []byte) (opaque.PublicKey, error)

	SignSchnorr(private, public, message, nonce []byte) ([]byte, error)
	VerifySchnorr(public, augmenting, message, signature []byte) bool
}

// String returns the suite's name.
func (s Suite) String() string {
	switch s {
	case Suite256:
		return "recrypt256"
	case Suite480:
		return "recrypt480"
	}
	return "unknown suite"
}

// Suites returns the suites of this build, ascending.
func Suites() []Suite { return []Suite{Suite256, Suite480} }

// ParseSuite returns the suite of that name. Any other name gives ErrSuite.
func ParseSuite(name string) (Suite, error) {
	for _, s := range Suites() {
		if s.String() == name {
			return s, nil
		}
	}
	return 0, ErrSuite
}

// Available reports whether this build can use the suite.
func (s Suite) Available() bool {
	_, err := s.scheme()
	return err == nil
}

// FieldSize returns n, the length in bytes of a field element and of a private
// key: 32 or 60, or 0 for an unknown suite. All other lengths follow from it.
func (s Suite) FieldSize() int {
	switch s {
	case Suite256:
		return 32
	case Suite480:
		return 60
	}
	return 0
}

// PrivateKeySize returns n.
func (s Suite) PrivateKeySize() int { return s.FieldSize() }

// PublicKeySize returns 2n.
func (s Suite) PublicKeySize() int { return 2 * s.FieldSize() }

// SchnorrSize returns the length of a Schnorr signature, 2n.
func (s Suite) SchnorrSize() int { return 2 * s.FieldSize() }

// PlaintextSize returns 12n.
func (s Suite) PlaintextSize() int { return 12 * s.FieldSize() }

// UniformSize returns 2n, the length of the argument of DerivePrivateKey.
func (s Suite) UniformSize() int { return 2 * s.FieldSize() }

// BlockSize returns the length of one transform block, 28n.
func (s Suite) BlockSize() int { return 28 * s.FieldSize() }

// EncryptedValueSize returns the length of an encrypted value with that many
// transform blocks: 14n + 128 + 28n·blocks.
func (s Suite) EncryptedValueSize(blocks int) int {
	return 14*s.FieldSize() + AuthHashSize + VerifyingKeySize + SignatureSize + blocks*s.BlockSize()
}

// TransformKeySize returns the length of a transform key: 20n + 96.
func (s Suite) TransformKeySize() int {
	return 20*s.FieldSize() + VerifyingKeySize + SignatureSize
}

// agree returns the scheme that all the suites name.
func agree(s Suite, others ...Suite) (scheme, error) {
	for _, o := range others {
		if o != s {
			return nil, ErrSuite
		}
	}
	return s.scheme()
}

// randomScalar draws a scalar, uniform in [1, r-1], from 2n random bytes.
func (s Suite) randomScalar(c scheme) []byte {
	b := make([]byte, s.UniformSize())
	defer clear(b)
	entropy.Read(b)
	return c.UniformScalar(b)
}

// randomGT draws an element of GT other than 1, uniformly, from 2n random bytes.
func (s Suite) randomGT(c scheme) []byte {
	b := make([]byte, s.UniformSize())
	defer clear(b)
	entropy.Read(b)
	return c.UniformGT(b)
}

// equal compares in constant time.
func equal(a, b []byte) bool { return subtle.ConstantTimeCompare(a, b) == 1 }

// clone returns a copy of b.
func clone(b []byte) []byte { return append([]byte(nil), b...) }
