package abitest

import (
	"crypto/sha256"
	"encoding/json"
	"maps"
	"math/big"
	"slices"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// answers are named values in hex, some of them answers in turn.
type answers map[string]json.RawMessage

// text returns the string of that name.
func (a answers) text(name string) (s string) {
	if err := json.Unmarshal(a[name], &s); err != nil {
		fail("malformed vector: %s: %w", name, err)
	}
	return s
}

// hex returns the byte string of that name.
func (a answers) hex(name string) (b hexBytes) {
	if err := json.Unmarshal(a[name], &b); err != nil {
		fail("malformed vector: %s: %w", name, err)
	}
	return b
}

// in returns the answers of that name.
func (a answers) in(name string) (inner answers) {
	if err := json.Unmarshal(a[name], &inner); err != nil {
		fail("malformed vector: %s: %w", name, err)
	}
	return inner
}

// knownAnswers checks the published answers that are of the boundary and not random.
// The tests of package recrypt check the random ones, with given randomness, and what
// is below the boundary is left to the internal packages. A kind that is not known at
// all fails if strict.
func knownAnswers(s suite, vectors []answers, strict bool) {
	checked := 0
	for _, a := range vectors {
		kind := a.text("kind")
		check, known := knownKinds[kind]
		switch {
		case known:
			check(s, suiteNamed(a.text("size")), a)
			checked++
		case strict && !slices.Contains(otherKinds, kind):
			fail("known answer of an unknown kind: %s", kind)
		}
	}
	if checked == 0 {
		fail("none of %d known answers is of the boundary", len(vectors))
	}
}

// otherKinds are left to other packages.
var otherKinds = []string{
	// below the boundary
	"fp2_constant", "fp2_encode", "fp6_encode", "fp_decode", "g1_double_generator_homogeneous", "g2_decode_roundtrip", "g2_fixed_point",
	"line", "pairing", "reduce_64_bytes_mod_p", "reduce_bytes_mod_p", "sha256", "twist_frobenius",
	// random, or no operation
	"derive_private_key", "generate_transform_key", "schnorr_sign", "transform_level2_payload_bytes", "transform_roundtrip_level1",
}

var knownKinds = map[string]func(s suite, v variant, a answers){
	"g1_mul_generator": func(s suite, v variant, a answers) {
		equal(get(s.PublicKey(s.ctx, v.number, a.hex("scalar"))), a.hex("result"))
	},
	"compute_public_key": func(s suite, v variant, a answers) {
		equal(get(s.PublicKey(s.ctx, v.number, v.acts(s, a.hex("privateKey")))), a.hex("publicKey"))
	},
	"compute_public_key_error": func(s suite, v variant, a answers) {
		refused(abi.ErrMalformed, second(s.PublicKey(s.ctx, v.number, a.hex("privateKey"))))
	},
	"group_order": func(s suite, v variant, a answers) {
		equal(a.hex("order"), v.order.Bytes())
		refused(abi.ErrMalformed, second(s.PublicKey(s.ctx, v.number, a.hex("order"))))
		last := new(big.Int).Sub(v.order, big.NewInt(1))
		get(s.PublicKey(s.ctx, v.number, last.Bytes()))
	},
	"prime": func(s suite, v variant, a answers) {
		refused(abi.ErrMalformed, second(s.PublicKey(s.ctx, v.number, a.hex("p"))))
	},
	"augment_private": func(s suite, v variant, a answers) {
		equal(get(s.AddPrivateKeys(s.ctx, v.number, a.hex("a"), a.hex("b"))), a.hex("sum"))
		equal(get(s.SubtractPrivateKeys(s.ctx, v.number, a.hex("a"), a.hex("b"))), v.scalar(a.hex("difference")))
	},
	"derive_symmetric_key": func(s suite, v variant, a answers) {
		equal(get(s.DeriveSymmetricKey(s.ctx, v.number, a.hex("plaintext"))), a.hex("symmetricKey"))
	},
	"decrypt": func(s suite, v variant, a answers) {
		var value []byte
		for _, name := range []string{"ephemeralPublicKey", "encryptedMessage", "authHash", "publicSigningKey", "signature"} {
			value = append(value, a.in("encryptedValue").hex(name)...)
		}
		equal(get(s.Decrypt(s.ctx, v.number, value, a.hex("privateKey"))), a.hex("plaintext"))
	},
	"schnorr_verify": func(s suite, v variant, a answers) {
		ok(s.SchnorrVerify(s.ctx, v.number, a.hex("publicKey"), a.hex("augmentingPrivateKey"), a.hex("message"), a.hex("signature")))
	},
	"schnorr_sign_augmented": func(s suite, v variant, a answers) {
		private, augmenting := a.hex("privateKey"), a.hex("augmentingPrivateKey")
		public := get(s.AddPublicKeys(s.ctx, v.number, get(s.PublicKey(s.ctx, v.number, private)), get(s.PublicKey(s.ctx, v.number, augmenting))))
		ok(s.SchnorrVerify(s.ctx, v.number, public, augmenting, a.hex("message"), a.hex("signature")))
	},
	"ed25519_keypair": func(s suite, _ variant, a answers) {
		get(s.Ed25519Sign(s.ctx, a.hex("keypair"), nil))
	},
	"ed25519_keypair_from_chacha20": func(s suite, _ variant, a answers) {
		equal(a.hex("keypair")[32:], a.hex("publicKey"))
		get(s.Ed25519Sign(s.ctx, a.hex("keypair"), nil))
	},
	"ed25519_keypair_rejected": func(s suite, _ variant, a answers) {
		refused(abi.ErrMalformed, second(s.Ed25519Sign(s.ctx, a.hex("keypair"), nil)))
	},
}

// acts returns the private key in [1, r-1] that acts as any bytes do upstream: they are
// reduced modulo p first. Bytes that are another key are refused.
func (v variant) acts(s suite, private []byte) []byte {
	if !v.inRange(private) {
		refused(abi.ErrMalformed, second(s.PublicKey(s.ctx, v.number, private)))
	}
	k := new(big.Int).SetBytes(private)
	return v.scalar(k.Mod(k, v.prime).Bytes())
}

// derived checks the values that the model of the specification has computed.
func derived(s suite, v variant, a answers) {
	multiples := a.in("multiples_of_G")
	for _, name := range slices.Sorted(maps.Keys(multiples)) {
		k, _ := new(big.Int).SetString(name, 10)
		k.Mod(k, v.order)
		equal(get(s.PublicKey(s.ctx, v.number, k.FillBytes(make([]byte, v.fieldSize)))), multiples.hex(name))
	}
	for _, name := range []string{"e(G,g1)", "e(G,H)", "e([3]G,[5]g1)", "final_exp(a)"} {
		digest := sha256.Sum256(a.hex(name))
		equal(get(s.DeriveSymmetricKey(s.ctx, v.number, a.hex(name))), digest[:])
	}
	for _, name := range []string{"fp12_a", "fp12_b", "weak_gt_element_of_recrypt_rs_0.8.0_to_0.8.3"} {
		refused(abi.ErrMalformed, second(s.DeriveSymmetricKey(s.ctx, v.number, a.hex(name))))
	}

	private, public := get2(s.GenerateKeyPair(s.ctx, v.number))
	signing, _ := get2(s.GenerateSigningKeyPair(s.ctx))
	tk := get(s.TransformKey(s.ctx, v.number, private, public, signing))
	hashed := tk[16*v.fieldSize:] // hashedTempKey, which the signature does not cover
	for _, name := range []string{"g1", "H", "psi(g1)"} {
		copy(hashed, a.hex(name))
		get(s.AugmentTransformKey(s.ctx, v.number, tk, private))
	}
	copy(hashed, a.hex("off_subgroup_twist_point"))
	refused(abi.ErrMalformed, second(s.AugmentTransformKey(s.ctx, v.number, tk, private)))
}
