package vectors

import (
	"bytes"
	"fmt"
	"math/big"
	"slices"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

// makeTransformKeys makes the vectors of transform keys.
func (m *maker) makeTransformKeys(w *world) {
	at := w.name + "/transform-key/"
	m.ok(at+"make", "A transform key from one key to another.", abi.OpTransformKey, w.s, w.alice.private, w.bob.public, w.maker.private)
	m.ok(at+"make-to-oneself", "A transform key from a key to itself: useless, and possible.", abi.OpTransformKey, w.s, w.alice.private, w.alice.public, w.maker.private)
	m.bad(at+"make-to-no-point", "The delegatee's key is not on the curve.", "make", "public key", flip(w.bob.public, -1), malformed)
	m.bad(at+"make-from-zero", "The delegator's key is 0.", "make", "private key", w.scalar(0), malformed)
	m.bad(at+"make-signing-key", "The halves of the signing key do not belong together.", "make", "signing key", flip(w.maker.private, 63), malformed)
	m.ok(at+"apply", "A good transform key.", abi.OpTransform, w.s, w.values[0], w.keys[0], w.proxy.private)
	m.lengths(at, "The key", "apply", "transform key", malformed)

	key := w.keys[0]
	bad := func(name, about string, b []byte, want abi.Status) {
		m.bad(at+name, about, "apply", "transform key", b, want)
	}
	element := 2 * w.point()
	for _, f := range append(w.gtFaults(cut(key, element, w.gt())), w.smallOrders()...) {
		bad("temp-key-"+f.name, f.about, w.resignKey(splice(key, element, f.b)), malformed)
	}
	bad("temp-key-replaced", "Another element of GT, not signed.", splice(key, element, w.plaintext), signature)
	bad("ephemeral-key-replaced", "Another point of the curve, not signed.", splice(key, 0, w.carol.public), signature)
	bad("to-key-replaced", "Another delegatee, not signed.", splice(key, w.point(), w.carol.public), signature)
	bad("value", "An encrypted value in place of the key.", w.values[0], malformed)
	bad("bytes-only", "What recrypt calls the transform key bytes, without the signature.", key[:len(key)-64], malformed)
	end := len(key) - 64
	bad("signer-changed", "The verifying key is somebody else's.", splice(key, end-32, w.second.public), signature)
	bad("signer-small-order", "A verifying key of order 1.", splice(key, end-32, append([]byte{1}, make([]byte, 31)...)), malformed)
	bad("signer-not-canonical", "The verifying key has y = p + 1.", splice(key, end-32, little(add(edP, small(1)))), malformed)
	bad("signer-no-point", "The verifying key is no point of its curve.", splice(key, end-32, little(small(2))), malformed)
	bad("signature-r-changed", "A bit of R is changed.", flip(key, end), signature)
	bad("signature-s-changed", "A bit of S is changed.", flip(key, end+32), signature)
	bad("signature-high-s", "S is higher by the group order.", splice(key, end, highS(key[end:])), signature)
	m.makeHashedKeys(w)
	m.makeKeyPoints(w)
	m.makeAugmentations(w)
}

// resignKey signs the payload of a transform key anew.
func (w *world) resignKey(key []byte) []byte {
	payload := key[:16*w.n]
	s := edSign(w.maker.private[:32], slices.Concat(w.maker.public, payload))
	return slices.Concat(key[:20*w.n], w.maker.public, s)
}

// makeHashedKeys makes the faults of hashedTempKey, which no signature covers.
func (m *maker) makeHashedKeys(w *world) {
	at, key, place := w.name+"/transform-key/", w.keys[0], 16*w.n
	with := func(q twistPoint) []byte { return splice(key, place, w.bytesTwist(q)) }
	bad := func(name, about string, b []byte) {
		m.bad(at+"hashed-"+name, about, "apply", "transform key", b, malformed)
	}
	m.ok(at+"hashed-replaced", "Another point of G2: the signature does not cover it, and the result opens nowhere.", abi.OpTransform, w.s, w.values[0], with(w.g1), w.proxy.private)
	for i, name := range []string{"x-im", "x-re", "y-im", "y-re"} {
		good := with(w.mulTwist(small(aliasG2[w.suite][i]), w.g1))
		c := place + i*w.n
		m.ok(at+"hashed-small-"+name, "A point of G2 with a small "+name+", which is in order.", abi.OpTransform, w.s, w.values[0], good, w.proxy.private)
		m.bad(at+"hashed-not-canonical-"+name, "p is added to "+name+": another encoding of the same point.", "hashed-small-"+name, "transform key",
			splice(good, c, w.alias(good[c:c+w.n])), malformed)
		bad(name+"-p", "The coordinate "+name+" is p, another encoding of 0.", splice(key, c, w.bytes(w.p)))
	}
	full := w.findTwist(1)
	bad("off-twist", "The point is not on the twist.", flip(key, place+4*w.n-1))
	bad("zero", "The point (0, 0), which some take for infinity.", splice(key, place, make([]byte, 4*w.n)))
	bad("all-ones", "Every bit is set.", splice(key, place, bytes.Repeat([]byte{255}, 4*w.n)))
	bad("off-subgroup", "A point of the twist whose order is r times the cofactor: upstream takes it.", with(full))
	bad("off-subgroup-cofactor", "A point of the twist whose order is the cofactor.", with(w.mulTwist(w.r, full)))
	bad("off-subgroup-sum", "A point of G2 and one whose order is the cofactor, added.", with(w.addTwist(w.g1, w.mulTwist(w.r, full))))
	x := cut(key, place, 2*w.n)
	bad("parts-swapped", "Real and imaginary part of x have changed places.", splice(key, place, slices.Concat(x[w.n:], x[:w.n])))
	bad("of-g1", "The generator of G1, padded with zeros.", splice(key, place, append(w.generator(), make([]byte, 2*w.n)...)))
	if w.suite != recrypt.Suite256 {
		return
	}
	for _, order := range []int64{13, 7369} {
		rest := new(big.Int).Div(new(big.Int).Mul(w.r, w.cofactor()), small(order))
		q := w.mulTwist(rest, full)
		if q.infinite() || !w.mulTwist(small(order), q).infinite() {
			panic("another order")
		}
		bad(fmt.Sprint("order-", order), fmt.Sprintf("A point of order %d: upstream takes it, and some divide by zero over it.", order), with(q))
		bad(fmt.Sprint("order-", order, "r"), fmt.Sprintf("A point of order %d·r.", order), with(w.addTwist(w.g1, q)))
	}
}

// makeKeyPoints makes second encodings of the signed fields.
func (m *maker) makeKeyPoints(w *world) {
	at, element := w.name+"/transform-key/", 2*w.point()
	for _, i := range []int{0, 11} {
		k := new(big.Int).Sub(small(aliasGT[w.suite][i]), small(1)) // the delegatee's key is 1
		key := special(w.scalars(small(1), k), abi.OpTransformKey, w.s, w.alice.private, w.generator(), w.maker.private)
		name := "generator-" + coefficients[i]
		m.ok(at+name, "Both points are the generator, and the coefficient "+coefficients[i]+" of the temp key is small.", abi.OpTransform, w.s, w.values[0], key, w.proxy.private)
		c := element + i*w.n
		m.bad(at+"temp-key-not-canonical-"+coefficients[i], "p is added to the coefficient: another encoding of the same element.", name, "transform key",
			splice(key, c, w.alias(key[c:c+w.n])), malformed)
		if i != 0 {
			continue
		}
		for _, f := range w.pointFaults() {
			m.bad(at+"ephemeral-key-"+f.name, f.about, name, "transform key", splice(key, 0, f.b), malformed)
			m.bad(at+"to-key-"+f.name, f.about, name, "transform key", splice(key, w.point(), f.b), malformed)
		}
	}
}

// makeAugmentations makes the vectors of augmented transform keys, and the story
// around one.
func (m *maker) makeAugmentations(w *world) {
	at := w.name + "/augment/"
	extra := object(w.name+"/extra", abi.OpGenerateKeyPair, w.s)
	public := m.ok(at+"public-key", "A public key, augmented.", abi.OpAddPublicKeys, w.s, w.alice.public, extra[1])[0]
	key := m.ok(at+"transform-key", "A transform key, augmented with the same key.", abi.OpAugmentTransformKey, w.s, w.keys[0], extra[0])[0]
	value := m.ok(at+"encrypt", "A plaintext encrypted to the augmented key.", abi.OpEncrypt, w.s, w.plaintext, public, w.author.private)[0]
	transformed := m.ok(at+"transform", "The value, transformed with the augmented transform key.", abi.OpTransform, w.s, value, key, w.proxy.private)[0]
	both := object(w.name+"/sum", abi.OpAddPrivateKeys, w.s, w.alice.private, extra[0])[0]
	m.ok(at+"decrypt", "The transformed value opens with the delegatee's key.", abi.OpDecrypt, w.s, transformed, w.bob.private)
	m.ok(at+"decrypt-sum", "The value itself opens with the sum of the private keys.", abi.OpDecrypt, w.s, value, both)
	m.bad(at+"decrypt-half", "The delegator's private key alone does not open it.", "decrypt-sum", "private key", w.alice.private, decrypt)
	plain := object(w.name+"/augment/plain", abi.OpTransform, w.s, value, w.keys[0], w.proxy.private)[0]
	m.bad(at+"decrypt-not-augmented", "The value was transformed with the transform key that is not augmented.", "decrypt", "encrypted value", plain, decrypt)
	m.bad(at+"by-zero", "The private key is 0.", "transform-key", "private key", w.scalar(0), malformed)
	m.bad(at+"transform-key-hashed-off-subgroup", "hashedTempKey is outside the subgroup.", "transform-key", "transform key",
		splice(w.keys[0], 16*w.n, w.bytesTwist(w.findTwist(1))), malformed)
	m.lengths(at+"transform-key-", "The transform key", "transform-key", "transform key", malformed)

	atSeven := splice(w.keys[0], 16*w.n, w.bytesTwist(w.mulTwist(small(7), w.g1)))
	m.ok(at+"near-infinity", "hashedTempKey is [7]g1 and becomes g1.", abi.OpAugmentTransformKey, w.s, atSeven, w.scalar(6))
	m.bad(at+"to-infinity", "hashedTempKey is [7]g1 and would become the point at infinity.", "near-infinity", "private key", w.scalar(7), malformed)
}

// makeChains makes the vectors of transforms, with the randomness that they draw.
func (m *maker) makeChains(w *world) {
	at := w.name + "/transform/"
	for i, key := range w.keys {
		m.ok(fmt.Sprint(at, "level-", i, "-to-", i+1), fmt.Sprintf("A value with %d blocks gets one more.", i), abi.OpTransform, w.s, w.values[i], key, w.proxy.private)
	}
	wrong := m.ok(at+"of-another", "A transform key of another delegator: the transform cannot notice.", abi.OpTransform, w.s, w.values[0], w.keys[1], w.proxy.private)[0]
	at2 := w.name + "/value/"
	m.bad(at2+"transformed-by-another", "The value was transformed with a transform key of another delegator.", "level-1", "encrypted value", wrong, decrypt)
	bad := func(name, about, arg string, b []byte, want abi.Status) {
		m.bad(at+name, about, "level-1-to-2", arg, b, want)
	}
	bad("value-signature", "The value's signature is damaged.", "encrypted value", flip(w.values[1], -64), signature)
	bad("key-signature", "The transform key's signature is damaged.", "transform key", flip(w.keys[1], -64), signature)
	bad("value-message-zero", "The value's message is 0.", "encrypted value", w.resign(splice(w.values[1], w.point(), make([]byte, w.gt()))), malformed)
	bad("hashed-off-subgroup", "hashedTempKey is outside the subgroup, at a later transform.", "transform key",
		splice(w.keys[1], 16*w.n, w.bytesTwist(w.findTwist(1))), malformed)
	bad("signing-key", "The halves of the proxy's signing key do not belong together.", "signing key", flip(w.proxy.private, 1), malformed)
	bad("signing-key-short", "The proxy's signing key lacks a byte.", "signing key", w.proxy.private[:63], malformed)
	bad("suite-unknown", "There is no suite 0.", "suite", []byte{0}, suiteFault)
	for _, s := range recrypt.Suites() {
		if s == w.suite {
			continue
		}
		o := m.world(s)
		bad("value-of-other-suite", "The value is one of the other suite.", "encrypted value", o.values[1], malformed)
		bad("key-of-other-suite", "The transform key is one of the other suite.", "transform key", o.keys[1], malformed)
		bad("suite-other", "Value and transform key are not of the suite that is named.", "suite", o.s, malformed)
		m.bad(at2+"of-other-suite", "The value is one of the other suite.", "level-1", "encrypted value", o.values[1], malformed)
		m.bad(at2+"key-of-other-suite", "The private key is one of the other suite.", "level-1", "private key", o.bob.private, malformed)
		m.bad(at2+"encrypt-to-other-suite", "The recipient's key is one of the other suite.", "encrypt", "public key", o.alice.public, malformed)
		m.bad(w.name+"/transform-key/make-to-other-suite", "The delegatee's key is one of the other suite.", "make", "public key", o.bob.public, malformed)
		m.bad(w.name+"/augment/by-other-suite", "The private key is one of the other suite.", "transform-key", "private key", o.bob.private, malformed)
	}
}

// makeSchnorr makes the vectors of Schnorr signatures.
func (m *maker) makeSchnorr(w *world) {
	at, message := w.name+"/schnorr/", []byte("a message")
	signed := m.ok(at+"sign", "A signature.", abi.OpSchnorrSign, w.s, w.alice.private, w.alice.public, message)[0]
	m.ok(at+"sign-nothing", "A signature of no bytes.", abi.OpSchnorrSign, w.s, w.alice.private, w.alice.public, nil)
	m.bad(at+"sign-private-zero", "The private key is 0.", "sign", "private key", w.scalar(0), malformed)
	m.bad(at+"sign-public-off-curve", "The public key is not on the curve.", "sign", "public key", flip(w.alice.public, -1), malformed)
	verify := func(name, about string, public, augmenting, message, s []byte) {
		m.ok(at+name, about, abi.OpSchnorrVerify, w.s, public, augmenting, message, s)
	}
	verify("verify", "A signature.", w.alice.public, nil, message, signed)
	bad := func(name, about, arg string, b []byte, want abi.Status) {
		m.bad(at+name, about, "verify", arg, b, want)
	}
	bad("message-changed", "Another message.", "message", []byte("a Message"), signature)
	bad("key-of-another", "Somebody else's key.", "public key", w.bob.public, signature)
	bad("key-negated", "The negative of the key.", "public key", w.negated(w.alice.public), signature)
	bad("key-off-curve", "The key is not on the curve.", "public key", flip(w.alice.public, -1), malformed)
	bad("augmenting-needless", "An augmenting key, but the key was not augmented.", "augmenting key", w.bob.private, signature)
	bad("augmenting-itself", "The augmenting key takes away the whole key: infinity is left.", "augmenting key", w.alice.private, signature)
	bad("augmenting-zero", "An augmenting key of 0.", "augmenting key", w.scalar(0), malformed)
	bad("augmenting-short", "An augmenting key that lacks a byte.", "augmenting key", w.bob.private[1:], malformed)
	m.lengths(at+"signature-", "The signature", "verify", "signature", malformed)
	r, s := signed[:w.n], signed[w.n:]
	with := func(name, about string, r, s []byte) {
		bad(name, about, "signature", slices.Concat(r, s), signature)
	}
	with("r-changed", "A bit of r is changed.", flip(r, -1), s)
	with("s-changed", "A bit of s is changed.", r, flip(s, -1))
	with("halves-swapped", "s comes before r.", s, r)
	with("r-zero", "r is 0.", w.scalar(0), s)
	with("s-zero", "s is 0.", r, w.scalar(0))
	with("all-zero", "r and s are 0.", w.scalar(0), w.scalar(0))
	with("r-order", "r is the group order.", w.minus(0), s)
	with("s-order", "s is the group order.", r, w.minus(0))
	with("all-ones", "Every bit is set.", bytes.Repeat([]byte{255}, w.n), bytes.Repeat([]byte{255}, w.n))
	with("s-negated", "The negative of s.", r, w.bytes(new(big.Int).Sub(w.r, number(s))))

	m.makeSchnorrAugmented(w)
	m.makeSchnorrAliases(w)
}

// makeSchnorrAugmented makes signatures that name an augmented key.
func (m *maker) makeSchnorrAugmented(w *world) {
	at, message := w.name+"/schnorr/", []byte("a message")
	extra := object(w.name+"/extra", abi.OpGenerateKeyPair, w.s)
	sum := object(w.name+"/augmented", abi.OpAddPublicKeys, w.s, w.alice.public, extra[1])[0]
	signed := m.ok(at+"sign-augmented", "A signature that names an augmented key.", abi.OpSchnorrSign, w.s, w.alice.private, sum, message)[0]
	m.ok(at+"verify-augmented", "A signature of an augmented key, with the key that was added.", abi.OpSchnorrVerify, w.s, sum, extra[0], message, signed)
	m.bad(at+"augmenting-missing", "The key was augmented, and the key that was added is missing.", "verify-augmented", "augmenting key", nil, signature)
	m.bad(at+"augmenting-wrong", "Another augmenting key than the one that was added.", "verify-augmented", "augmenting key", w.bob.private, signature)
	m.bad(at+"augmented-unnamed", "The signature names the key without what was added.", "verify-augmented", "public key", w.alice.public, signature)
}

// makeSchnorrAliases makes signatures with numbers at or above the group order. The
// nonce 1 gives r = 1; for a small s there is a search over messages.
func (m *maker) makeSchnorrAliases(w *world) {
	at := w.name + "/schnorr/"
	limit := new(big.Int).Sub(new(big.Int).Lsh(small(1), uint(8*w.n)), w.r)
	for i := 0; ; i++ {
		message := []byte(fmt.Sprint("message ", i))
		signed := w.signWithOne(message)
		if number(signed[w.n:]).Cmp(limit) >= 0 {
			continue
		}
		got := m.random(at+"sign-nonce-1", "The random bytes give the nonce 1: r is 1, and s is small.", w.scalars(small(1)), abi.OpSchnorrSign, w.s,
			w.alice.private, w.alice.public, message)
		if !bytes.Equal(got[0], signed) {
			panic("another signature")
		}
		m.ok(at+"verify-small", "r is 1, and s is small.", abi.OpSchnorrVerify, w.s, w.alice.public, nil, message, signed)
		above := func(b []byte) []byte { return w.bytes(new(big.Int).Add(number(b), w.r)) }
		m.bad(at+"r-not-canonical", "r is higher by the group order, which upstream takes.", "verify-small", "signature", splice(signed, 0, above(signed[:w.n])), signature)
		m.bad(at+"s-not-canonical", "s is higher by the group order, which upstream takes.", "verify-small", "signature", splice(signed, w.n, above(signed[w.n:])), signature)
		return
	}
}

// signWithOne returns alice's signature with the nonce 1 (spec section 9.2).
func (w *world) signWithOne(message []byte) []byte {
	r := w.scalar(1)
	h := number(slices.Concat(sum(slices.Concat(r, w.alice.public, message)), sum(slices.Concat(w.alice.public, message, r))))
	h.Mod(h, w.p)
	s := h.Sub(small(1), h.Mul(h, number(w.alice.private)))
	return append(r, w.bytes(s.Mod(s, w.r))...)
}
