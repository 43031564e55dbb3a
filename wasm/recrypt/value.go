package recrypt

import (
	"sync/atomic"

	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/opaque"
	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/parallel"
)

// An EncryptedValue is a plaintext encrypted to a public key, or the result of
// transforming such a value for somebody else.
//
// Its bytes are the fields in order (spec section 5):
//
//	ephemeralPublicKey  2n
//	encryptedMessage    12n
//	authHash            32
//	blocks              28n each, one per transform, oldest first
//	publicSigningKey    32
//	signature           64
//
// and each block is publicKey (2n), encryptedTempKey (12n),
// randomTransformPublicKey (2n), randomTransformEncryptedTempKey (12n).
type EncryptedValue struct {
	suite    Suite
	b        []byte
	verified atomic.Bool // the signature, by an earlier operation
}

// newValue returns a value with these bytes.
func newValue(s Suite, b []byte) *EncryptedValue { return &EncryptedValue{suite: s, b: b} }

// signed returns the value for package scheme.
func (v *EncryptedValue) signed() opaque.Signed {
	return opaque.Signed{Bytes: v.b, Verified: v.verified.Load()}
}

// Encrypt encrypts m to a public key and signs the result. The arguments must be
// of one suite (ErrSuite), and not wiped.
func Encrypt(m *Plaintext, to *PublicKey, signer *SigningKey) (*EncryptedValue, error) {
	c, err := agree(m.suite, to.suite)
	if err != nil {
		return nil, err
	}
	switch {
	case len(m.b) == 0:
		return nil, ErrEncoding
	case len(signer.b) == 0:
		return nil, ErrSigningKey
	}
	ephemeral := m.suite.randomScalar(c)
	defer clear(ephemeral)
	b, err := c.Encrypt(m.b, to.b, signer.b, ephemeral)
	if err != nil {
		return nil, err
	}
	return newValue(m.suite, b), nil
}

// NewEncryptedValue decodes an encrypted value; the number of transform blocks
// follows from the length. Every point, GT element and the verifying key are
// checked (ErrSize, ErrBlocks, ErrPublicKey, ErrEncoding). The signature is not:
// Decrypt, Transform and VerifySignature do that.
func NewEncryptedValue(s Suite, b []byte) (*EncryptedValue, error) {
	c, err := s.tested()
	if err != nil {
		return nil, err
	}
	body := len(b) - s.EncryptedValueSize(0)
	switch {
	case body < 0 || body%s.BlockSize() != 0:
		return nil, ErrSize
	case body/s.BlockSize() > MaxBlocks:
		return nil, ErrBlocks
	}
	if err := c.CheckEncryptedValue(b); err != nil {
		return nil, err
	}
	return newValue(s, clone(b)), nil
}

// NewEncryptedValues is NewEncryptedValue for many values. It returns a value or an error
// for each, in order.
func NewEncryptedValues(s Suite, list [][]byte) ([]*EncryptedValue, []error) {
	values, errs := make([]*EncryptedValue, len(list)), make([]error, len(list))
	parallel.Each(len(list), func(i int) { values[i], errs[i] = NewEncryptedValue(s, list[i]) })
	return values, errs
}

// Bytes returns the value in the form that NewEncryptedValue reads.
func (v *EncryptedValue) Bytes() []byte { return clone(v.b) }

// Suite returns the value's suite.
func (v *EncryptedValue) Suite() Suite { return v.suite }

// Level returns the number of transforms that made the value: 0 for what Encrypt
// returns.
func (v *EncryptedValue) Level() int {
	if len(v.b) == 0 {
		return 0
	}
	return (len(v.b) - v.suite.EncryptedValueSize(0)) / v.suite.BlockSize()
}

// Signer returns the key whose signature the value carries: the encryptor's at
// level 0, later that of the last proxy. Anybody can sign a value again with
// another key, so compare it with a key that is known from elsewhere.
func (v *EncryptedValue) Signer() *VerifyingKey {
	end := len(v.b) - SignatureSize
	return &VerifyingKey{[VerifyingKeySize]byte(v.b[end-VerifyingKeySize : end])}
}

// AuthHash returns the hash over the ephemeral public key and the plaintext, 32
// bytes. Transforms do not change it.
func (v *EncryptedValue) AuthHash() []byte {
	start := v.suite.PublicKeySize() + v.suite.PlaintextSize()
	return clone(v.b[start : start+AuthHashSize])
}

// EphemeralPublicKey returns the encryptor's ephemeral public key, 2n bytes.
// Transforms do not change it.
func (v *EncryptedValue) EphemeralPublicKey() []byte {
	return clone(v.b[:v.suite.PublicKeySize()])
}

// VerifySignature checks the signature inside the value (ErrSignature). It says
// that the bytes are as Signer made them, not who that is.
func (v *EncryptedValue) VerifySignature() error {
	c, err := v.suite.scheme()
	if err != nil || v.verified.Load() {
		return err
	}
	if err := c.VerifyValue(v.b); err != nil {
		return err
	}
	v.verified.Store(true)
	return nil
}

// Decrypt decrypts a value that was encrypted to k's public key, or transformed for
// it. A bad signature of the value is ErrSignature; every other failure is
// ErrDecrypt.
//
// A signature that was found good stays so for this object, and is not verified again.
func (k *PrivateKey) Decrypt(v *EncryptedValue) (*Plaintext, error) {
	out, errs := k.DecryptMany([]*EncryptedValue{v})
	return out[0], errs[0]
}

// DecryptMany decrypts the values, in order, and returns a plaintext or an error for
// each: those of Decrypt, and ErrEncoding for nil. One bad value does not spoil the
// others. It costs less than as many calls of Decrypt.
func (k *PrivateKey) DecryptMany(values []*EncryptedValue) ([]*Plaintext, []error) {
	out, errs := make([]*Plaintext, len(values)), make([]error, len(values))
	var b batch
	for i, v := range values {
		if v == nil {
			errs[i] = ErrEncoding
		} else if _, errs[i] = k.scheme(v.suite); errs[i] == nil {
			b.add(i, v)
		}
	}
	if len(b.values) == 0 {
		return out, errs
	}
	c, _ := k.suite.scheme() // it exists: k.scheme has asked
	results, failures := c.DecryptMany(b.values, k.b)
	for j, i := range b.index {
		if errs[i] = failures[j]; errs[i] == nil {
			out[i] = &Plaintext{k.suite, results[j]}
			values[i].verified.Store(true)
		}
	}
	return out, errs
}

// A batch is the values of one operation that have passed the first checks, with their
// places among all values.
type batch struct {
	values []opaque.Signed
	index  []int
}

func (b *batch) add(i int, v *EncryptedValue) {
	b.values = append(b.values, v.signed())
	b.index = append(b.index, i)
}
