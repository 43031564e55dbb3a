package vectors

import (
	"bytes"
	"crypto/ed25519"
	"math/big"
	"slices"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// makeEd25519 makes the vectors of Ed25519 under the one strict rule: canonical
// key and R, no key of small order, S below the group order, no cofactor.
func (m *maker) makeEd25519() {
	// Test 2 of RFC 8032, section 7.1.
	seed := fromHex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
	key := ed25519.NewKeyFromSeed(seed)
	signed := m.ok("ed25519/sign", "Test 2 of RFC 8032.", abi.OpEd25519Sign, key, []byte{0x72})[0]
	if want := fromHex("92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"); !bytes.Equal(signed, want) {
		panic("not the signature of RFC 8032")
	}
	m.ok("ed25519/sign-nothing", "A message of no bytes.", abi.OpEd25519Sign, key, nil)
	m.lengths("ed25519/sign-key-", "The signing key", "sign", "signing key", malformed)
	m.bad("ed25519/sign-seed-changed", "The seed does not belong to the public key.", "sign", "signing key", flip(key, 0), malformed)
	m.bad("ed25519/sign-public-changed", "The public key does not belong to the seed.", "sign", "signing key", flip(key, 63), malformed)
	m.bad("ed25519/sign-public-zero", "Zeros in place of the public key.", "sign", "signing key", splice(key, 32, make([]byte, 32)), malformed)

	public := key[32:]
	m.ok("ed25519/verify", "Test 2 of RFC 8032.", abi.OpEd25519Verify, public, []byte{0x72}, signed)
	m.bad("ed25519/message-changed", "Another message.", "verify", "message", []byte{0x73}, signature)
	m.bad("ed25519/message-empty", "No message.", "verify", "message", nil, signature)
	m.lengths("ed25519/key-", "The verifying key", "verify", "verifying key", malformed)
	m.lengths("ed25519/signature-", "The signature", "verify", "signature", malformed)
	m.bad("ed25519/key-of-another", "Somebody else's key.", "verify", "verifying key", edPublic(draw("somebody", 32)), signature)
	m.bad("ed25519/key-negated", "The negative of the key.", "verify", "verifying key", splice(public, 31, []byte{public[31] ^ 0x80}), signature)
	bad := func(name, about string, s []byte) {
		m.bad("ed25519/"+name, about, "verify", "signature", s, signature)
	}
	bad("r-changed", "A bit of R is changed.", flip(signed, 0))
	bad("s-changed", "A bit of S is changed.", flip(signed, 32))
	bad("s-plus-order", "S is higher by the group order: the same number modulo it.", highS(signed))
	bad("s-order", "S is the group order.", append(bytes.Clone(signed[:32]), little(edL)...))
	bad("s-all-ones", "Every bit of S is set.", append(bytes.Clone(signed[:32]), bytes.Repeat([]byte{255}, 32)...))
	bad("s-zero", "S is zero.", append(bytes.Clone(signed[:32]), make([]byte, 32)...))
	bad("all-zero", "Sixty-four zero bytes.", make([]byte, 64))
	bad("r-of-another-message", "R of another signature of the same key.", append(edSign(seed, nil)[:32], signed[32:]...))
	m.makeSmallOrderKeys()
	m.makeTorsion()
}

// makeSmallOrderKeys makes the keys for which one signature is good for many
// messages, and other bytes that are no keys.
func (m *maker) makeSmallOrderKeys() {
	bad := func(name, about string, key []byte) {
		m.bad("ed25519/key-"+name, about, "verify", "verifying key", key, malformed)
	}
	point := edZero
	for i := range 8 {
		b := edEncode(point)
		bad("small-order-"+string('0'+rune(i)), "The key is a point of small order: "+string('0'+rune(i))+" times one of order 8.", b)
		point = edAdd(point, edTorsion)
	}
	one := append([]byte{1}, make([]byte, 31)...)
	bad("zero-negative", "The neutral element with the sign bit set, which is no encoding of it.", splice(one, 31, []byte{0x80}))
	bad("order-2-negative", "The point of order 2 with the sign bit set.", append(append([]byte{0xec}, bytes.Repeat([]byte{255}, 30)...), 0xff))
	bad("y-p", "y is p: another encoding of y = 0.", little(edP))
	bad("y-p-plus-1", "y is p + 1: another encoding of the neutral element.", little(add(edP, small(1))))
	bad("y-p-plus-1-negative", "y is p + 1 with the sign bit set.", splice(little(add(edP, small(1))), 31, []byte{0xff}))
	bad("y-largest", "y is 2^255 - 1.", splice(bytes.Repeat([]byte{255}, 32), 31, []byte{0x7f}))
	bad("all-ones", "Every bit is set.", bytes.Repeat([]byte{255}, 32))
	for y := int64(3); ; y++ { // 2 is a y coordinate of nothing, too
		b := little(add(edP, small(y)))
		if _, ok := edDecode(little(small(y))); ok {
			bad("not-canonical", "y of a point of large order, encoded as y + p.", b)
			break
		}
	}
	bad("no-point", "No point has this y.", little(small(2)))
}

// makeTorsion makes signatures that depend on the verification equation.
func (m *maker) makeTorsion() {
	seed, nonce := draw("torsion", 32), number(draw("nonce", 32))
	secret := edSecret(seed)
	a, r := edMul(secret, edB), edMul(nonce, edB)
	zero := edEncode(edZero)
	key := edEncode(a)
	message := []byte("a message")
	good := edForge(nonce, secret, edEncode(r), key, message)
	m.ok("ed25519/verify-torsion-free", "A signature whose key and R have no part of small order.", abi.OpEd25519Verify, key, message, good)
	neutral := func(name, about string, r []byte) {
		m.bad("ed25519/r-neutral"+name, about, "verify-torsion-free", "signature", edForge(small(0), secret, r, key, message), signature)
	}
	neutral("", "R is the neutral element, and the equation holds: who makes this gives the private key away.", zero)
	neutral("-not-canonical", "R is the neutral element with y = p + 1, and the equation holds.", little(add(edP, small(1))))
	neutral("-negative", "R is the neutral element with the sign bit set, and the equation holds.", splice(zero, 31, []byte{0x80}))
	mixedR := edEncode(edAdd(r, edTorsion))
	m.bad("ed25519/r-mixed-order", "R has a part of order 8: the equation holds only after multiplication by the cofactor.", "verify-torsion-free", "signature",
		edForge(nonce, secret, mixedR, key, message), signature)

	// A key with a part of order 8: what it contributes depends on the challenge.
	mixed := edEncode(edAdd(a, edTorsion))
	text := slices.Clone(message)
	for new(big.Int).Mod(edChallenge(edEncode(r), mixed, text), small(8)).Sign() != 0 {
		text = append(text, '.')
	}
	m.ok("ed25519/key-mixed-order", "The key has a part of order 8, which the challenge, a multiple of 8, takes away: the equation holds.", abi.OpEd25519Verify,
		mixed, text, edForge(nonce, secret, edEncode(r), mixed, text))
	m.bad("ed25519/key-mixed-order-cofactor", "Key and R have a part of order 8: the equation holds only after multiplication by the cofactor.",
		"key-mixed-order", "signature", edForge(nonce, secret, mixedR, mixed, text), signature)
}
