package recrypt

import (
	"sync/atomic"

	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/opaque"
)

// A TransformKey lets its holder, the proxy, turn values encrypted to one key (the
// delegator's) into values for another (the delegatee's), without reading them.
//
// It is a secret. Together with the delegatee's private key it opens everything
// that was or will be encrypted to the delegator's key. Never give it to the
// delegatee.
//
// Its bytes are the fields in order (spec section 5):
//
//	ephemeralPublicKey  2n
//	toPublicKey         2n
//	encryptedTempKey    12n
//	hashedTempKey       4n
//	publicSigningKey    32
//	signature           64
//
// All but the signature are what the spec calls the transform key bytes. The
// signature does not cover hashedTempKey.
type TransformKey struct {
	suite    Suite
	b        []byte
	verified atomic.Bool // the signature, by an earlier operation
}

// newTransformKey returns a transform key with these bytes.
func newTransformKey(s Suite, b []byte) *TransformKey { return &TransformKey{suite: s, b: b} }

// signed returns the key for package scheme.
func (t *TransformKey) signed() opaque.Signed {
	return opaque.Signed{Bytes: t.b, Verified: t.verified.Load()}
}

// TransformKey makes a transform key from k to another public key, and signs it.
// To delegate to oneself is possible and useless; callers refuse it.
func (k *PrivateKey) TransformKey(to *PublicKey, signer *SigningKey) (*TransformKey, error) {
	c, err := k.scheme(to.suite)
	if err != nil {
		return nil, err
	}
	if len(signer.b) == 0 {
		return nil, ErrSigningKey
	}
	ephemeral := k.suite.randomScalar(c)
	defer clear(ephemeral)
	temp := k.suite.randomScalar(c)
	defer clear(temp)
	b, err := c.TransformKey(k.b, to.b, signer.b, ephemeral, temp)
	if err != nil {
		return nil, err
	}
	return newTransformKey(k.suite, b), nil
}

// NewTransformKey decodes a transform key. Every point, the GT element and the
// verifying key are checked, among them that hashedTempKey is in the subgroup of
// order r (ErrSize, ErrTransformKey, ErrEncoding). The signature is not: Transform
// and VerifySignature do that.
func NewTransformKey(s Suite, b []byte) (*TransformKey, error) {
	c, err := s.tested()
	if err != nil {
		return nil, err
	}
	if err := c.CheckTransformKey(b); err != nil {
		return nil, err
	}
	return newTransformKey(s, clone(b)), nil
}

// Bytes returns the key in the form that NewTransformKey reads.
func (t *TransformKey) Bytes() []byte { return clone(t.b) }

// Suite returns the key's suite.
func (t *TransformKey) Suite() Suite { return t.suite }

// ToPublicKey returns the delegatee's public key.
func (t *TransformKey) ToPublicKey() *PublicKey {
	t.mustHold()
	n := t.suite.PublicKeySize()
	return &PublicKey{t.suite, clone(t.b[n : 2*n])}
}

// Signer returns the key whose signature the transform key carries. Compare it with
// a key that is known from elsewhere.
func (t *TransformKey) Signer() *VerifyingKey {
	t.mustHold()
	end := len(t.b) - SignatureSize
	return &VerifyingKey{[VerifyingKeySize]byte(t.b[end-VerifyingKeySize : end])}
}

// VerifySignature checks the signature inside the key (ErrTransformKey). It does
// not cover hashedTempKey, and does not say who the signer is.
func (t *TransformKey) VerifySignature() error {
	c, err := t.scheme()
	if err != nil || t.verified.Load() {
		return err
	}
	if err := c.VerifyTransformKey(t.b); err != nil {
		return err
	}
	t.verified.Store(true)
	return nil
}

// Augment returns the transform key for values encrypted to the delegator's public
// key plus k's public key (spec section 10.7). The signature stays valid.
func (t *TransformKey) Augment(k *PrivateKey) (*TransformKey, error) {
	c, err := t.scheme(k.suite)
	if err != nil {
		return nil, err
	}
	if len(k.b) == 0 {
		return nil, ErrPrivateKey
	}
	b, err := c.AugmentTransformKey(t.b, k.b)
	if err != nil {
		return nil, err
	}
	return newTransformKey(t.suite, b), nil
}

// Transform turns v, a value for the delegator, into one for the delegatee, and
// signs it with the proxy's signing key. It checks the signature of v
// (ErrSignature) and then that of t (ErrTransformKey).
//
// It cannot notice that v was not encrypted to the delegator of t: the delegatee
// then gets ErrDecrypt. A value that has MaxBlocks blocks already is ErrBlocks.
//
// Who transforms several values by one key calls Prepare first.
func (t *TransformKey) Transform(v *EncryptedValue, signer *SigningKey) (*EncryptedValue, error) {
	c, err := t.scheme(v.suite)
	if err != nil {
		return nil, err
	}
	if err := refuses(v, signer); err != nil {
		return nil, err
	}
	key, err := c.UseTransformKey(t.signed())
	if err != nil {
		return nil, err
	}
	k := &PreparedTransformKey{t.suite, key}
	defer k.Wipe()
	out, err := k.Transform(v, signer)
	if err == nil {
		t.verified.Store(true)
	}
	return out, err
}

// Wipe overwrites the key. Later uses give ErrTransformKey.
func (t *TransformKey) Wipe() {
	clear(t.b)
	t.b = nil
}

// scheme returns the algorithms for an operation of t together with things of
// other suites.
func (t *TransformKey) scheme(others ...Suite) (scheme, error) {
	c, err := agree(t.suite, others...)
	if err != nil {
		return nil, err
	}
	if len(t.b) == 0 {
		return nil, ErrTransformKey
	}
	return c, nil
}

func (t *TransformKey) mustHold() {
	if len(t.b) == 0 {
		panic("recrypt: use of an empty or wiped transform key")
	}
}
