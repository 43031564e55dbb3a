package abitest

import (
	"fmt"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// natives are the cases of a file in the hexadecimal schema, in the form of the other.
type natives struct {
	cases []*peerCase
	edges []nativeEdge
	variant
}

// chains turns a file in the hexadecimal schema into the other form. Of each case with
// an augmentation it makes a second one.
func (f *nativeFile) chains(v variant) *natives {
	out := &natives{edges: f.Edges, variant: v}
	for _, c := range f.Cases {
		p := c.chain()
		p.ID = fmt.Sprintf("case-%d", c.Case)
		out.cases = append(out.cases, p)
		if c.Augmentation != nil {
			out.cases = append(out.cases, c.augmented(p))
		}
	}
	for _, c := range out.cases {
		c.variant = v
	}
	return out
}

// checkEdges sees that odd private keys act as upstream's, or are refused.
func (f *natives) checkEdges(s suite) {
	for _, e := range f.edges {
		if !f.inRange(e.Input) {
			refused(abi.ErrMalformed, second(s.PublicKey(s.ctx, f.number, e.Input)))
		}
		key := f.scalar(e.Canonical)
		if e.PublicKey.Error != "" {
			refused(abi.ErrMalformed, second(s.PublicKey(s.ctx, f.number, key)))
			continue
		}
		equal(get(s.PublicKey(s.ctx, f.number, key)), e.PublicKey.point().bytes())
	}
}

// chain returns the case without its augmentation.
func (c *nativeCase) chain() *peerCase {
	out := &peerCase{Keys: map[string]peerPair{}, Signing: map[string]peerSigning{}}
	for i, k := range c.Keys {
		out.Keys[reference(i).name()] = peerPair{PrivateKey: k.Private, PublicKey: k.Public.point()}
	}
	for i, k := range c.Signing {
		out.Signing[reference(i).name()] = peerSigning{k.Key.Private, k.Key.Public}
	}
	m := c.Plaintext
	out.Plaintext = peerPlaintext{m.Bytes, m.SymmetricKey, m.PrivateKey, m.PublicKey.point()}
	for _, k := range c.TransformKeys {
		out.TransformKeys = append(out.TransformKeys, peerMadeKey{
			From: k.From.name(), To: k.To.name(), Signer: k.SignedBy.name(), Value: k.TransformKey.key()})
	}
	for level, s := range c.levels {
		to := s.EncryptedTo
		if level > 0 {
			to = s.DecryptableBy
		}
		out.Encrypted = append(out.Encrypted, peerStep{level, s.SignedBy.name(), to.name(), s.Value.value()})
	}
	public := c.Keys[c.Schnorr.Key].Public.point()
	out.Schnorr = []peerSchnorr{{PublicKey: public, Message: c.Schnorr.Message, Signature: c.Schnorr.Signature}}
	out.Ed25519 = []peerEd25519{{c.Ed25519.SignedBy.name(), c.Ed25519.Message, c.Ed25519.Signature}}
	return out
}

// augmented returns the augmentation of the case as one of its own: the first key
// augmented by a server's, a value encrypted to the sum, and its transform with the
// first transform key, augmented.
func (c *nativeCase) augmented(base *peerCase) *peerCase {
	a := c.Augmentation
	out := *base
	out.ID += "-augmented"
	out.Augmentation = &peerAugmentation{
		Server:             peerPair{PrivateKey: a.ServerPrivate, PublicKey: a.ServerPublic.point()},
		AugmentedPublicKey: a.Public.point(), SumPrivateKey: a.Sum, DifferencePrivateKey: a.Difference}
	out.TransformKeys = []peerMadeKey{{From: base.TransformKeys[0].From, To: base.TransformKeys[0].To,
		Signer: base.TransformKeys[0].Signer, UnaugmentedHashedTempKey: base.TransformKeys[0].Value.HashedTempKey, Value: a.TransformKey.key()}}
	out.Encrypted = []peerStep{
		{0, a.Encrypted.SignedBy.name(), firstKey + "+SERVER", a.Encrypted.Value.value()},
		{1, base.Encrypted[1].Signer, base.Encrypted[1].DecryptWith, a.Transformed.Value.value()},
	}
	out.Schnorr = []peerSchnorr{{a.Public.point(), a.ServerPrivate, a.Schnorr.Message, a.Schnorr.Signature}}
	return &out
}
