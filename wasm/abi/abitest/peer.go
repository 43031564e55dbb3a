package abitest

import (
	"maps"
	"slices"
	"strings"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/dispatch"
)

// peerFile is a file of recorded answers of the upstream library, in the schema of
// spec section 15.
type peerFile struct {
	Cases    []*peerCase
	Negative []*peerNegative
}

type point struct{ X, Y []byte }

func (p point) bytes() []byte { return append(p.X[:len(p.X):len(p.X)], p.Y...) }

type peerPair struct {
	PrivateKey []byte
	PublicKey  point
}

type peerValue struct {
	EphemeralPublicKey          point
	EncryptedMessage            []byte
	AuthHash                    []byte
	TransformBlocks             []peerBlock
	PublicSigningKey, Signature []byte
}

type peerBlock struct {
	PublicKey                       point
	EncryptedTempKey                []byte
	RandomTransformPublicKey        point
	RandomTransformEncryptedTempKey []byte
}

// bytes returns the value in the form of the boundary (spec section 5).
func (v *peerValue) bytes() []byte {
	out := append(v.EphemeralPublicKey.bytes(), v.EncryptedMessage...)
	out = append(out, v.AuthHash...)
	for _, b := range v.TransformBlocks {
		out = append(out, b.PublicKey.bytes()...)
		out = append(out, b.EncryptedTempKey...)
		out = append(out, b.RandomTransformPublicKey.bytes()...)
		out = append(out, b.RandomTransformEncryptedTempKey...)
	}
	out = append(out, v.PublicSigningKey...)
	return append(out, v.Signature...)
}

type peerTransformKey struct {
	ToPublicKey, EphemeralPublicKey                              point
	EncryptedTempKey, HashedTempKey, PublicSigningKey, Signature []byte
}

// bytes returns the transform key in the form of the boundary.
func (t *peerTransformKey) bytes() []byte {
	out := append(t.EphemeralPublicKey.bytes(), t.ToPublicKey.bytes()...)
	out = append(out, t.EncryptedTempKey...)
	out = append(out, t.HashedTempKey...)
	out = append(out, t.PublicSigningKey...)
	return append(out, t.Signature...)
}

// peerCase is a chain: keys, a plaintext, its encryption and transforms of it.
type peerCase struct {
	ID            string
	Keys          map[string]peerPair
	Signing       map[string]peerSigning
	Plaintext     peerPlaintext
	Augmentation  *peerAugmentation
	TransformKeys []peerMadeKey
	Encrypted     []peerStep
	Schnorr       []peerSchnorr
	Ed25519       []peerEd25519

	typical bool // on every engine a new value goes the whole way, too
	variant
}

type (
	peerSigning struct{ PrivateKey, PublicKey []byte }

	peerPlaintext struct {
		Bytes, DerivedSymmetricKey, DerivedPrivateKey []byte
		DerivedPublicKey                              point
	}

	peerAugmentation struct {
		Server                              peerPair
		AugmentedPublicKey                  point
		SumPrivateKey, DifferencePrivateKey []byte
	}

	peerMadeKey struct {
		From, To, Signer         string
		UnaugmentedHashedTempKey []byte
		Value                    peerTransformKey
	}

	peerStep struct {
		Level               int
		Signer, DecryptWith string
		Value               peerValue
	}

	peerSchnorr struct {
		PublicKey                                point
		AugmentingPrivateKey, Message, Signature []byte
	}

	peerEd25519 struct {
		Signer             string
		Message, Signature []byte
	}
)

// firstKey is the name of the key that an augmentation augments.
const firstKey = "A"

// check takes the chain through the boundary.
func (c *peerCase) check(s suite) {
	for _, name := range slices.Sorted(maps.Keys(c.Keys)) {
		k := c.Keys[name]
		equal(get(s.PublicKey(s.ctx, c.number, c.scalar(k.PrivateKey))), k.PublicKey.bytes())
		if !c.inRange(k.PrivateKey) {
			refused(abi.ErrMalformed, second(s.PublicKey(s.ctx, c.number, k.PrivateKey)))
		}
	}
	m := c.Plaintext
	equal(get(s.DeriveSymmetricKey(s.ctx, c.number, m.Bytes)), m.DerivedSymmetricKey)
	equal(get(s.PublicKey(s.ctx, c.number, c.scalar(m.DerivedPrivateKey))), m.DerivedPublicKey.bytes())
	c.checkAugmentation(s)
	c.checkChain(s)
	for _, v := range c.Schnorr {
		ok(s.SchnorrVerify(s.ctx, c.number, v.PublicKey.bytes(), v.AugmentingPrivateKey, v.Message, v.Signature))
		refused(abi.ErrSignature, s.SchnorrVerify(s.ctx, c.number, v.PublicKey.bytes(), v.AugmentingPrivateKey,
			append(v.Message, 0), v.Signature))
	}
	for _, v := range c.Ed25519 {
		k := c.Signing[v.Signer]
		equal(get(s.Ed25519Sign(s.ctx, k.PrivateKey, v.Message)), v.Signature)
		ok(s.Ed25519Verify(s.ctx, k.PublicKey, v.Message, v.Signature))
	}
}

// checkAugmentation adds and subtracts keys.
func (c *peerCase) checkAugmentation(s suite) {
	a := c.Augmentation
	if a == nil {
		return
	}
	private, server := c.scalar(c.Keys[firstKey].PrivateKey), a.Server.PrivateKey
	equal(get(s.AddPrivateKeys(s.ctx, c.number, private, server)), a.SumPrivateKey)
	equal(get(s.SubtractPrivateKeys(s.ctx, c.number, private, server)), a.DifferencePrivateKey)
	equal(get(s.AddPublicKeys(s.ctx, c.number, c.Keys[firstKey].PublicKey.bytes(), a.Server.PublicKey.bytes())), a.AugmentedPublicKey.bytes())
	for _, t := range c.TransformKeys {
		if t.UnaugmentedHashedTempKey != nil {
			plain := t.Value
			plain.HashedTempKey = t.UnaugmentedHashedTempKey
			equal(get(s.AugmentTransformKey(s.ctx, c.number, plain.bytes(), server)), t.Value.bytes())
		}
	}
}

// checkChain opens every recorded level, and makes use of every recorded transform key.
func (c *peerCase) checkChain(s suite) {
	for _, e := range c.Encrypted {
		equal(get(s.Decrypt(s.ctx, c.number, e.Value.bytes(), c.private(e.DecryptWith))), c.Plaintext.Bytes)
	}
	if _, native := s.Caller.(dispatch.Native); native || c.typical || len(c.Encrypted) < 2 {
		c.repeatChain(s)
		return
	}
	first, second := c.Encrypted[0], c.Encrypted[1]
	value := get(s.Transform(s.ctx, c.number, first.Value.bytes(), c.TransformKeys[0].Value.bytes(), c.Signing[second.Signer].PrivateKey))
	equal(get(s.Decrypt(s.ctx, c.number, value, c.private(second.DecryptWith))), c.Plaintext.Bytes)
	for _, t := range c.TransformKeys[1:] {
		same(len(get(s.AugmentTransformKey(s.ctx, c.number, t.Value.bytes(), c.private(first.DecryptWith)))), c.tkSize)
	}
}

// repeatChain takes a new value the same way with the recorded transform keys, and opens
// it at its end.
func (c *peerCase) repeatChain(s suite) {
	var value, to []byte
	for i, e := range c.Encrypted {
		to = c.private(e.DecryptWith)
		signing := c.Signing[e.Signer].PrivateKey
		if i == 0 {
			value = get(s.Encrypt(s.ctx, c.number, c.Plaintext.Bytes, get(s.PublicKey(s.ctx, c.number, to)), signing))
		} else {
			value = get(s.Transform(s.ctx, c.number, value, c.TransformKeys[i-1].Value.bytes(), signing))
		}
		same(len(value), c.valueSize+e.Level*c.blockSize)
	}
	equal(get(s.Decrypt(s.ctx, c.number, value, to)), c.Plaintext.Bytes)
}

// private returns the private key of that name.
func (c *peerCase) private(name string) []byte {
	if strings.HasSuffix(name, "+SERVER") {
		return c.Augmentation.SumPrivateKey
	}
	return c.scalar(c.Keys[name].PrivateKey)
}
