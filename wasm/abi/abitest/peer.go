package abitest

import (
	"maps"
	"slices"
	"strings"

	"github.com/recrypt-service/recrypt/wasm/abi"
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

// checkChain opens every recorded level, and every level anew from the one
// before with the recorded transform key.
func (c *peerCase) checkChain(s suite) {
	m := c.Plaintext.Bytes
	for i, e := range c.Encrypted {
		to := c.private(e.DecryptWith)
		signing := c.Signing[e.Signer].PrivateKey
		equal(get(s.Decrypt(s.ctx, c.number, e.Value.bytes(), to)), m)
		if i == 0 {
			public := get(s.PublicKey(s.ctx, c.number, to))
			v := get(s.Encrypt(s.ctx, c.number, m, public, signing))
			same(len(v), c.valueSize)
			equal(get(s.Decrypt(s.ctx, c.number, v, to)), m)
			continue
		}
		v := get(s.Transform(s.ctx, c.number, c.Encrypted[i-1].Value.bytes(), c.TransformKeys[i-1].Value.bytes(), signing))
		same(len(v), c.valueSize+e.Level*c.blockSize)
		equal(get(s.Decrypt(s.ctx, c.number, v, to)), m)
	}
}

// private returns the private key of that name.
func (c *peerCase) private(name string) []byte {
	if strings.HasSuffix(name, "+SERVER") {
		return c.Augmentation.SumPrivateKey
	}
	return c.scalar(c.Keys[name].PrivateKey)
}
