package abitest

import (
	"encoding/json"
	"maps"
	"math/big"
	"slices"
	"strings"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/recrypt/recrypttest"
)

// peerFile is the file of recorded answers of the upstream library for
// recrypt256, in the schema of spec section 15.
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
	EphemeralPublicKey point
	EncryptedMessage   []byte
	AuthHash           []byte
	TransformBlocks    []struct {
		PublicKey                       point
		EncryptedTempKey                []byte
		RandomTransformPublicKey        point
		RandomTransformEncryptedTempKey []byte
	}
	PublicSigningKey, Signature []byte
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
	ID      string
	Keys    map[string]peerPair
	Signing map[string]struct{ PrivateKey, PublicKey []byte }

	Plaintext struct {
		Bytes, DerivedSymmetricKey, DerivedPrivateKey []byte
		DerivedPublicKey                              point
	}
	Augmentation *struct {
		Server                              peerPair
		AugmentedPublicKey                  point
		SumPrivateKey, DifferencePrivateKey []byte
	}
	TransformKeys []struct {
		From, To, Signer         string
		UnaugmentedHashedTempKey []byte
		Value                    peerTransformKey
	}
	Encrypted []struct {
		Level               int
		Signer, DecryptWith string
		Value               peerValue
	}
	Schnorr []struct {
		PublicKey                                point
		AugmentingPrivateKey, Message, Signature []byte
	}
	Ed25519 []struct {
		Signer             string
		Message, Signature []byte
	}
}

// loadPeer reads the recorded answers, which are part of the program.
func loadPeer() *peerFile {
	b, err := recrypttest.Vectors.ReadFile("vectors/recrypt256-peer.json")
	if err != nil {
		panic("abitest: " + err.Error())
	}
	var f peerFile
	if err := json.Unmarshal(b, &f); err != nil {
		panic("abitest: " + err.Error())
	}
	return &f
}

// order is the group order r of recrypt256.
var order, _ = new(big.Int).SetString("8fb501e34aa387f9aa6fecb86184dc212e8d8e12f82b39241a2ef45b57ac7261", 16)

// inRange reports whether a private key is in [1, r-1].
func inRange(private []byte) bool {
	k := new(big.Int).SetBytes(private)
	return len(private) == fieldSize && k.Sign() > 0 && k.Cmp(order) < 0
}

// scalar returns the private key in [1, r-1] that acts as any bytes do upstream.
func scalar(private []byte) []byte {
	k := new(big.Int).SetBytes(private)
	return k.Mod(k, order).FillBytes(make([]byte, fieldSize))
}

// check takes the chain through the boundary.
func (c *peerCase) check(s suite) {
	for _, name := range slices.Sorted(maps.Keys(c.Keys)) {
		k := c.Keys[name]
		equal(get(s.PublicKey(s.ctx, suite256, scalar(k.PrivateKey))), k.PublicKey.bytes())
		if !inRange(k.PrivateKey) {
			refused(abi.ErrMalformed, second(s.PublicKey(s.ctx, suite256, k.PrivateKey)))
		}
	}
	m := c.Plaintext
	equal(get(s.DeriveSymmetricKey(s.ctx, suite256, m.Bytes)), m.DerivedSymmetricKey)
	equal(get(s.PublicKey(s.ctx, suite256, scalar(m.DerivedPrivateKey))), m.DerivedPublicKey.bytes())
	c.checkAugmentation(s)
	c.checkChain(s)
	for _, v := range c.Schnorr {
		ok(s.SchnorrVerify(s.ctx, suite256, v.PublicKey.bytes(), v.AugmentingPrivateKey, v.Message, v.Signature))
		refused(abi.ErrSignature, s.SchnorrVerify(s.ctx, suite256, v.PublicKey.bytes(), v.AugmentingPrivateKey,
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
	private, server := scalar(c.Keys["A"].PrivateKey), a.Server.PrivateKey
	equal(get(s.AddPrivateKeys(s.ctx, suite256, private, server)), a.SumPrivateKey)
	equal(get(s.SubtractPrivateKeys(s.ctx, suite256, private, server)), a.DifferencePrivateKey)
	equal(get(s.AddPublicKeys(s.ctx, suite256, c.Keys["A"].PublicKey.bytes(), a.Server.PublicKey.bytes())), a.AugmentedPublicKey.bytes())
	for _, t := range c.TransformKeys {
		if t.UnaugmentedHashedTempKey != nil {
			plain := t.Value
			plain.HashedTempKey = t.UnaugmentedHashedTempKey
			equal(get(s.AugmentTransformKey(s.ctx, suite256, plain.bytes(), server)), t.Value.bytes())
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
		equal(get(s.Decrypt(s.ctx, suite256, e.Value.bytes(), to)), m)
		if i == 0 {
			public := get(s.PublicKey(s.ctx, suite256, to))
			v := get(s.Encrypt(s.ctx, suite256, m, public, signing))
			same(len(v), valueSize)
			equal(get(s.Decrypt(s.ctx, suite256, v, to)), m)
			continue
		}
		v := get(s.Transform(s.ctx, suite256, c.Encrypted[i-1].Value.bytes(), c.TransformKeys[i-1].Value.bytes(), signing))
		same(len(v), valueSize+e.Level*blockSize)
		equal(get(s.Decrypt(s.ctx, suite256, v, to)), m)
	}
}

// private returns the private key of that name.
func (c *peerCase) private(name string) []byte {
	if strings.HasSuffix(name, "+SERVER") {
		return c.Augmentation.SumPrivateKey
	}
	return scalar(c.Keys[name].PrivateKey)
}
