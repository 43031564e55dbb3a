package recrypt_test

import (
	"fmt"
)

// readNativeChain reads a case in the hexadecimal schema, in which fields name each
// other as in "key_pairs[0]". Names keep that form, with the key in camelCase.
func readNativeChain(n node) *chain {
	c := &chain{keys: map[string]keyPair{}, signing: map[string]signingPair{}}
	n0 := n.f.suite.FieldSize()
	for i, k := range n.get("keyPairs").list() {
		c.keys[keyName(i)] = keyPair{k.get("randomBytes").joined(), k.get("privateKey").bytes(), k.get("publicKey").point()}
	}
	for i, k := range n.get("signingKeyPairs").list() {
		c.signing[keyName(i)] = signingPair{k.get("randomBytes").joined(),
			k.get("key").get("privateSigningKey64").bytes(), k.get("key").get("publicSigningKey").bytes()}
	}
	p := n.get("plaintext")
	c.pt = &plaintextCase{p.get("randomBytes").joined(), p.get("bytes").bytes(), p.get("derivedSymmetricKey").bytes(),
		p.get("derivedPrivateKey").bytes(), p.get("publicKeyOfDerivedPrivateKey").point()}
	for _, k := range n.get("transformKeys").list() {
		r := k.get("randomBytes").joined()
		if len(r) != 13*n0 {
			k.fail("wrong amount of randomness")
		}
		v := k.get("transformKey")
		c.tks = append(c.tks, tkCase{from: keyName(k.get("from").ref()), to: keyName(k.get("to").ref()),
			signer: keyName(k.get("signedBy").ref()), ephemeral: r[:n0], temp: r[n0:],
			value: v.transformKey(), hashable: v.opt("hashableBytes")})
	}
	e := n.get("encryptedValue")
	c.steps = append(c.steps, step{signer: keyName(e.get("signedBy").ref()), key: keyName(e.get("encryptedTo").ref()),
		value: e.get("value").value(), ephemeral: e.get("randomBytes").joined()})
	for level := 1; n.has(fmt.Sprintf("transformedLevel%d", level)); level++ {
		e := n.get(fmt.Sprintf("transformedLevel%d", level))
		s := readNativeStep(e)
		s.level, s.tk, s.key = level, e.get("transformKey").ref(), keyName(e.get("decryptableBy").ref())
		s.signer = keyName(e.get("signedBy").ref())
		c.steps = append(c.steps, s)
	}
	v := n.get("schnorr")
	k := c.pair(keyName(v.get("key").ref()))
	c.schnorr = []schnorrCase{readNativeSchnorr(v, k.private, k.public, nil)}
	v = n.get("ed25519")
	c.messages = []messageCase{{keyName(v.get("signedBy").ref()), v.get("message").bytes(), v.get("signature").bytes()}}
	return c
}

// readNativeStep reads the value and the randomness of a transform: K', then σ.
func readNativeStep(e node) step {
	r := e.get("randomBytes").joined()
	n := e.f.suite.FieldSize()
	if len(r) != 13*n {
		e.fail("wrong amount of randomness")
	}
	return step{value: e.get("value").value(), temp: r[:12*n], ephemeral: r[12*n:]}
}

func readNativeSchnorr(v node, private, public, augmenting []byte) schnorrCase {
	tries := v.get("randomBytes").list()
	if len(tries) == 0 {
		v.fail("no nonce")
	}
	s := schnorrCase{private: private, public: public, augmenting: augmenting, message: v.get("message").bytes(),
		k: tries[len(tries)-1].bytes(), signature: v.get("signature").bytes()}
	for _, k := range tries[:len(tries)-1] {
		s.rejected = append(s.rejected, k.bytes())
	}
	if v.has("messageThatMustNotVerify") {
		s.badMessage, s.hasBad = v.get("messageThatMustNotVerify").bytes(), true
	}
	return s
}

// readNativeAugmented reads the augmentation of a case as a chain of its own: the first
// key augmented by a server's, a value encrypted to the sum, and its transform with the
// first transform key, augmented.
func readNativeAugmented(n node, base *chain) *chain {
	a := n.get("augmentation")
	c := &chain{keys: base.keys, signing: base.signing, pt: base.pt}
	c.augment = &augmentation{key: keyName(0), private: a.get("serverPrivateKey").bytes(), public: a.get("serverPublicKey").point(),
		sumPublic: a.get("augmentedPublicKeyOfKeyPairs0").point(),
		random:    a.get("serverKeyRandomBytes").joined(),
		sum:       a.get("privateKey0PlusServer").bytes(), difference: a.get("privateKey0MinusServer").bytes()}
	c.keys[augmentedName] = keyPair{c.augment.sum, c.augment.sum, c.augment.sumPublic}
	if len(base.tks) < 1 || len(base.steps) < 2 {
		n.fail("nothing to augment")
	}
	k := base.tks[0]
	v := a.get("transformKeys0AugmentedWithServerPrivateKey")
	k.augmentedBy, k.unaugmented = c.augment.private, k.value[16*n.f.suite.FieldSize():20*n.f.suite.FieldSize()]
	k.value, k.hashable = v.transformKey(), v.opt("hashableBytes")
	c.tks = []tkCase{k}

	e := a.get("encryptedToAugmentedPublicKey")
	c.steps = []step{{signer: keyName(e.get("signedBy").ref()), key: augmentedName, value: e.get("value").value(),
		ephemeral: e.get("randomBytes").joined()}}
	e = a.get("transformedWithAugmentedTransformKeyDecryptableByKeyPairs1")
	s := readNativeStep(e)
	s.level, s.key, s.signer = 1, keyName(1), base.steps[1].signer
	if e.has("signedBy") {
		s.signer = keyName(e.get("signedBy").ref())
	}
	c.steps = append(c.steps, s)

	v = a.get("schnorrSignedWithKeyPairs0PrivateAndAugmentedPublic")
	c.schnorr = []schnorrCase{readNativeSchnorr(v, c.pair(keyName(0)).private, c.augment.sumPublic, c.augment.private)}
	return c
}

func keyName(i int) string { return fmt.Sprintf("[%d]", i) }
