package recrypt_test

import (
	"bytes"
	"crypto/sha256"
	"io/fs"
	"math/big"
	"strings"
	"testing"

	"golang.org/x/crypto/chacha20"

	"github.com/recrypt-service/recrypt/wasm/recrypt"
	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/bn256"
	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/bn480"
	"github.com/recrypt-service/recrypt/wasm/recrypt/recrypttest"
)

// TestKnownAnswers runs the answers published with the upstream libraries.
func TestKnownAnswers(t *testing.T) { embeddedFile(t, "recrypt-kat.json").run(t) }

// TestDerivedValues runs the intermediate values that concern the scheme.
func TestDerivedValues(t *testing.T) { embeddedFile(t, "recrypt-derived.json").run(t) }

func embeddedFile(t *testing.T, name string) *vectorFile {
	t.Helper()
	sub, err := fs.Sub(recrypttest.Vectors, "vectors")
	if err != nil {
		t.Fatal(err)
	}
	return must[*vectorFile](t)(loadVectors(sub, name))
}

func (f *vectorFile) runKnownAnswers(t *testing.T) {
	list := f.root.get("vectors").list()
	if len(list) == 0 {
		t.Fatal("no vectors in the file")
	}
	for _, n := range list {
		guard(t, caseName(n), func(t *testing.T) {
			kind := n.get("kind").str()
			run, ok := knownAnswers[kind]
			if !ok {
				t.Skipf("%s is below this package: tests of internal/ run it", kind)
			}
			g := *f
			if n.has("size") {
				g.suite = suiteOf(n.get("size").v)
			}
			if g.suite == 0 {
				g.suite = recrypt.Suite256 // no suite matters
			}
			run(t, g.upstream(t), node{n.v, &g, n.at})
		})
	}
}

// knownAnswers runs one kind of known answer each.
var knownAnswers = map[string]func(t *testing.T, u *recrypttest.Upstream, n node){
	"g1_mul_generator": func(t *testing.T, u *recrypttest.Upstream, n node) {
		p, err := u.ComputePublicKey(n.get("scalar").bytes())
		same(t, "point", p, err, n.get("result").bytes())
	},
	"compute_public_key": func(t *testing.T, u *recrypttest.Upstream, n node) {
		p, err := u.ComputePublicKey(n.get("privateKey").bytes())
		same(t, "public key", p, err, n.get("publicKey").bytes())
	},
	"compute_public_key_error": func(t *testing.T, u *recrypttest.Upstream, n node) {
		if _, err := u.ComputePublicKey(n.get("privateKey").bytes()); err != recrypt.ErrPublicKey {
			t.Errorf("got %v", err)
		}
	},
	"group_order": func(t *testing.T, u *recrypttest.Upstream, n node) {
		order := n.get("order").bytes()
		if _, err := u.ComputePublicKey(order); err != recrypt.ErrPublicKey {
			t.Errorf("order times generator: %v", err)
		}
		if _, err := recrypt.NewPrivateKey(n.f.suite, order); err != recrypt.ErrPrivateKey {
			t.Errorf("NewPrivateKey(r): %v", err)
		}
		order[len(order)-1]--
		if _, err := recrypt.NewPrivateKey(n.f.suite, order); err != nil {
			t.Errorf("NewPrivateKey(r-1): %v", err)
		}
	},
	"prime":                 katPrime,
	"g2_decode_roundtrip":   katHashedValue,
	"pairing":               katPairing,
	"reduce_64_bytes_mod_p": katReduce,
	"reduce_bytes_mod_p":    katReduce,
	"sha256": func(t *testing.T, _ *recrypttest.Upstream, n node) {
		d := sha256.Sum256(n.get("message").bytes())
		same(t, "digest", d[:], nil, n.get("result").bytes())
	},
	"augment_private": func(t *testing.T, u *recrypttest.Upstream, n node) {
		a, b := n.get("a").bytes(), n.get("b").bytes()
		sum, err := u.AddPrivateKeys(a, b)
		same(t, "sum", sum, err, n.get("sum").bytes())
		difference, err := u.SubPrivateKeys(a, b)
		same(t, "difference", difference, err, n.get("difference").bytes())
	},
	"derive_symmetric_key": func(t *testing.T, u *recrypttest.Upstream, n node) {
		k, err := u.SymmetricKey(n.get("plaintext").bytes())
		same(t, "symmetric key", k, err, n.get("symmetricKey").bytes())
	},
	"derive_private_key": func(t *testing.T, u *recrypttest.Upstream, n node) {
		k, err := u.PlaintextPrivateKey(n.get("plaintext").bytes())
		same(t, "private key", k, err, n.get("privateKey").bytes())
	},
	"decrypt": func(t *testing.T, u *recrypttest.Upstream, n node) {
		m, err := u.Decrypt(flatValue(n.get("encryptedValue")), n.get("privateKey").bytes())
		same(t, "plaintext", m, err, n.get("plaintext").bytes())
	},
	"schnorr_sign":                   katSchnorrSign,
	"schnorr_sign_augmented":         katSchnorrAugmented,
	"schnorr_verify":                 katSchnorrVerify,
	"ed25519_keypair":                katSigningKey,
	"ed25519_keypair_from_chacha20":  katSigningKeyStream,
	"ed25519_keypair_rejected":       katSigningKeyRejected,
	"generate_transform_key":         katTransformKey,
	"transform_roundtrip_level1":     katRoundTrip,
	"transform_level2_payload_bytes": katPayload,
}

// flatValue reads an encrypted value whose points are flat byte strings.
func flatValue(v node) []byte {
	var out []byte
	for _, k := range []string{"ephemeralPublicKey", "encryptedMessage", "authHash"} {
		out = append(out, v.get(k).bytes()...)
	}
	if len(v.get("transformBlocks").list()) != 0 {
		v.fail("blocks are not expected here")
	}
	return append(append(out, v.get("publicSigningKey").bytes()...), v.get("signature").bytes()...)
}

func katPrime(t *testing.T, u *recrypttest.Upstream, n node) {
	p := n.get("p").bytes()
	k, err := u.PrivateKey(p)
	same(t, "p mod p", k, err, make([]byte, len(p)))
	p[len(p)-1]-- // p is odd
	k, err = u.PrivateKey(p)
	same(t, "p-1 mod p", k, err, p)
}

// arithmetic is what the scheme of each suite is built on.
var arithmetic = map[recrypt.Suite]struct {
	reduceModP func(b []byte) []byte
	decodeG2   func(b []byte) ([]byte, error)
	pairG      func(q []byte) ([]byte, error) // e(G, q)
}{
	recrypt.Suite256: {
		bn256.ReduceModP,
		func(b []byte) ([]byte, error) { return bytesOf(new(bn256.G2).SetBytes(b)) },
		func(b []byte) ([]byte, error) {
			q, err := new(bn256.G2).SetBytes(b)
			if err != nil {
				return nil, err
			}
			return new(bn256.GT).Pair(new(bn256.G1).SetGenerator(), q).Bytes(), nil
		},
	},
	recrypt.Suite480: {
		bn480.ReduceModP,
		func(b []byte) ([]byte, error) { return bytesOf(new(bn480.G2).SetBytes(b)) },
		func(b []byte) ([]byte, error) {
			q, err := new(bn480.G2).SetBytes(b)
			if err != nil {
				return nil, err
			}
			return new(bn480.GT).Pair(new(bn480.G1).SetGenerator(), q).Bytes(), nil
		},
	},
}

func katReduce(t *testing.T, _ *recrypttest.Upstream, n node) {
	same(t, "reduced", arithmetic[n.f.suite].reduceModP(n.get("bytes").bytes()), nil, n.get("result").bytes())
}

func katHashedValue(t *testing.T, _ *recrypttest.Upstream, n node) {
	b := n.get("bytes").bytes()
	got, err := arithmetic[n.f.suite].decodeG2(b)
	same(t, "point", got, err, b)
}

func katPairing(t *testing.T, _ *recrypttest.Upstream, n node) {
	got, err := arithmetic[n.f.suite].pairG(affine(n.get("QHomogeneous")))
	same(t, "pairing", got, err, n.get("result").bytes())
}

// affine returns the encoding of (X/Z, Y/Z), X, Y and Z in Fp2.
func affine(n node) []byte {
	p := new(big.Int).SetBytes(prime(n.f.suite))
	coord := func(name string) (im, re *big.Int) {
		b := n.get(name).bytes()
		half := len(b) / 2
		return new(big.Int).SetBytes(b[:half]), new(big.Int).SetBytes(b[half:])
	}
	zi, zr := coord("Z")
	norm := new(big.Int).Add(new(big.Int).Mul(zi, zi), new(big.Int).Mul(zr, zr))
	norm.ModInverse(norm, p)
	var out []byte
	for _, name := range []string{"X", "Y"} { // (re + im·i)·(zr - zi·i) / (zr² + zi²)
		im, re := coord(name)
		a := new(big.Int).Sub(new(big.Int).Mul(im, zr), new(big.Int).Mul(re, zi))
		b := new(big.Int).Add(new(big.Int).Mul(re, zr), new(big.Int).Mul(im, zi))
		for _, x := range []*big.Int{a, b} {
			x.Mod(x.Mul(x, norm), p)
			out = append(out, x.FillBytes(make([]byte, n.f.suite.FieldSize()))...)
		}
	}
	return out
}

func katSchnorrSign(t *testing.T, u *recrypttest.Upstream, n node) {
	k := n.get("k").str()
	if len(k)%2 == 1 {
		k = "0" + k
	}
	nonce := must[[]byte](t)(n.f.decode(k))
	sig, err := u.SignSchnorr(n.get("privateKey").bytes(), n.get("publicKey").bytes(), n.get("message").bytes(), pad(n, nonce))
	same(t, "signature", sig, err, n.get("signature").bytes())
}

func katSchnorrAugmented(t *testing.T, u *recrypttest.Upstream, n node) {
	a, b := n.get("privateKey").bytes(), n.get("augmentingPrivateKey").bytes()
	pub := must[[]byte](t)(u.AddPublicKeys(must[[]byte](t)(u.ComputePublicKey(a)), must[[]byte](t)(u.ComputePublicKey(b))))
	message, want := n.get("message").bytes(), n.get("signature").bytes()
	sig, err := u.SignSchnorr(a, pub, message, pad(n, n.get("k").bytes()))
	same(t, "signature", sig, err, want)
	if ok, err := u.VerifySchnorr(pub, b, message, want); !ok || err != nil {
		t.Errorf("does not verify: %v", err)
	}
	aug := must[*recrypt.PrivateKey](t)(recrypt.NewPrivateKey(n.f.suite, b))
	if !must[*recrypt.PublicKey](t)(recrypt.NewPublicKey(n.f.suite, pub)).VerifySchnorr(aug, message, want) {
		t.Error("does not verify strictly")
	}
}

func katSchnorrVerify(t *testing.T, u *recrypttest.Upstream, n node) {
	valid, _ := n.get("valid").v.(bool)
	ok, err := u.VerifySchnorr(n.get("publicKey").bytes(), n.get("augmentingPrivateKey").bytes(), n.get("message").bytes(), n.get("signature").bytes())
	if ok != valid || err != nil {
		t.Errorf("valid = %v, %v", ok, err)
	}
}

// pad makes an integer n bytes long.
func pad(n node, b []byte) []byte {
	return new(big.Int).SetBytes(b).FillBytes(make([]byte, n.f.suite.FieldSize()))
}

func katSigningKey(t *testing.T, _ *recrypttest.Upstream, n node) {
	b := n.get("keypair").bytes()
	k := must[*recrypt.SigningKey](t)(recrypt.NewSigningKey(b))
	same(t, "verifying key", k.VerifyingKey().Bytes(), nil, b[32:])
}

func katSigningKeyStream(t *testing.T, u *recrypttest.Upstream, n node) {
	seed := make([]byte, 32)
	c := must[*chacha20.Cipher](t)(chacha20.NewUnauthenticatedCipher(n.get("rngSeed").bytes(), make([]byte, chacha20.NonceSize)))
	c.XORKeyStream(seed, seed)
	withRandom(seed, func() {
		k := recrypt.GenerateSigningKey()
		same(t, "key pair", k.Bytes(), nil, n.get("keypair").bytes())
		same(t, "verifying key", k.VerifyingKey().Bytes(), nil, n.get("publicKey").bytes())
	})
}

func katSigningKeyRejected(t *testing.T, _ *recrypttest.Upstream, n node) {
	b := n.get("keypair").bytes()
	want := recrypt.ErrSigningKey
	if len(b) != recrypt.SigningKeySize {
		want = recrypt.ErrSize
	}
	if k, err := recrypt.NewSigningKey(b); err != want || k != nil {
		t.Errorf("got %v", err)
	}
}

var zeroSigner = must1(recrypt.NewSigningKeyFromSeed(make([]byte, 32))).Bytes()

func must1[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func katTransformKey(t *testing.T, u *recrypttest.Upstream, n node) {
	key, err := u.MakeTransformKey(n.get("privateKey").bytes(), n.get("toPublicKey").bytes(), zeroSigner,
		n.get("ephemeralPrivateKey").bytes(), n.get("tempKey").bytes())
	if err != nil {
		t.Fatal(err)
	}
	g1, gt, g2 := 2*n.f.suite.FieldSize(), 12*n.f.suite.FieldSize(), 4*n.f.suite.FieldSize()
	same(t, "encryptedTempKey", key[2*g1:2*g1+gt], nil, n.get("encryptedTempKey").bytes())
	same(t, "hashedTempKey", key[2*g1+gt:2*g1+gt+g2], nil, affine(n.get("hashedTempKeyHomogeneous")))
}

// katHop makes a transform key from one private key to another and applies it.
func katHop(t *testing.T, u *recrypttest.Upstream, n node, value, from, to []byte, ephemeral, temp, randomKey, randomTemp string) []byte {
	t.Helper()
	get := must[[]byte](t)
	pub := get(u.ComputePublicKey(to))
	key := get(u.MakeTransformKey(from, pub, zeroSigner, n.get(ephemeral).bytes(), get(u.RandomGT(n.get(temp).bytes()))))
	return get(u.Transform(value, key, zeroSigner, get(u.RandomGT(n.get(randomTemp).bytes())), n.get(randomKey).bytes()))
}

func katRoundTrip(t *testing.T, u *recrypttest.Upstream, n node) {
	m, private := n.get("plaintextUsedDirectly").bytes(), n.get("privateKey").bytes()
	public := must[[]byte](t)(u.ComputePublicKey(private))
	value := must[[]byte](t)(u.Encrypt(m, public, zeroSigner, n.get("encryptEphemeralPrivateKey").bytes()))
	value = katHop(t, u, n, value, private, private, "transformEphemeralPrivateKey", "tempKeyBeforeFinalExp",
		"randomTransformPrivateKey", "randomTempKeyBeforeFinalExp")
	got, err := u.Decrypt(value, private)
	same(t, "plaintext", got, err, m)
}

func katPayload(t *testing.T, u *recrypttest.Upstream, n node) {
	a, b, c := n.get("privateKeyA").bytes(), n.get("privateKeyB").bytes(), n.get("privateKeyC").bytes()
	m := must[[]byte](t)(u.RandomGT(n.get("plaintextBeforeFinalExp").bytes()))
	public := must[[]byte](t)(u.ComputePublicKey(a))
	value := must[[]byte](t)(u.Encrypt(m, public, zeroSigner, n.get("encryptEphemeralPrivateKey").bytes()))
	value = katHop(t, u, n, value, a, b, "transform1EphemeralPrivateKey", "tempKey1BeforeFinalExp",
		"randomTransformPrivateKey1", "randomTempKey1BeforeFinalExp")
	value = katHop(t, u, n, value, b, c, "transform2EphemeralPrivateKey", "tempKey2BeforeFinalExp",
		"randomTransformPrivateKey2", "randomTempKey2BeforeFinalExp")
	same(t, "payload", value[:len(value)-recrypt.VerifyingKeySize-recrypt.SignatureSize], nil, n.get("payloadBytes").bytes())
	got, err := u.Decrypt(value, c)
	same(t, "plaintext", got, err, m)
}

// runDerived checks the values of the model that belong to the scheme.
func (f *vectorFile) runDerived(t *testing.T) {
	for _, size := range []string{"256", "480"} {
		guard(t, size, func(t *testing.T) {
			g := *f
			g.suite = suiteOf(size)
			u := g.upstream(t)
			n := node{f.root.get(size).v, &g, size}
			derivedWeak(t, u, n)
		})
	}
}

// derivedWeak checks that the constant plaintext of old upstream versions is what it is
// said to be, and refused.
func derivedWeak(t *testing.T, u *recrypttest.Upstream, n node) {
	s := n.f.suite
	weak := n.get("weakGtElementOfRecryptRs0.8.0To0.8.3").bytes()
	for _, b := range []string{"\x01", "\x42"} {
		m, err := u.RandomGT([]byte(strings.Repeat(b, 12*s.FieldSize())))
		same(t, "twelve equal coefficients", m, err, weak)
	}
	if m, err := recrypt.NewPlaintext(s, weak); err != recrypt.ErrEncoding || m != nil {
		t.Errorf("NewPlaintext: %v", err)
	}
	k := must[*recrypt.PrivateKey](t)(recrypt.GeneratePrivateKey(s))
	value := must[[]byte](t)(u.Encrypt(weak, k.PublicKey().Bytes(), zeroSigner, k.Bytes()))
	v := must[*recrypt.EncryptedValue](t)(recrypt.NewEncryptedValue(s, value))
	if m, err := k.Decrypt(v); err != recrypt.ErrDecrypt || m != nil {
		t.Errorf("Decrypt: %v", err)
	}
	if m, err := u.Decrypt(value, k.Bytes()); err != nil || !bytes.Equal(m, weak) {
		t.Errorf("lenient Decrypt: %v", err)
	}
}
