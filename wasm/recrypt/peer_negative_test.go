package recrypt_test

import (
	"bytes"
	"errors"
	"path"
	"slices"
	"testing"

	"golang.org/x/crypto/chacha20"

	"github.com/recrypt-service/recrypt/wasm/recrypt"
	"github.com/recrypt-service/recrypt/wasm/recrypt/recrypttest"
)

// stricter lists the negative cases that the peer accepts and package recrypt refuses
// (spec section 16). Private keys outside [1, r-1] come on top, see outOfRange.
var stricter = []string{
	"message-noncanonical", "ephemeral-noncanonical", "small-order-signer",
	"tk-hashed-off-subgroup", "tk-hashed-order-13*", "tk-hashed-order-7369*",
	"plaintext-any", "plaintext-noncanonical", "plaintext-zero", "symmetric-noncanonical",
	"add-to-zero", "schnorr-r-noncanonical", "schnorr-s-noncanonical", "ed-identity*",
}

// garbage lists the cases where upstream's arithmetic breaks down, so that there is no
// outcome to agree with.
const garbage = "tk-hashed-order-13-later"

// peerErrors are the texts of the peer's errors, and what we return in their place.
var peerErrors = map[string][]error{
	"The signature of the encrypted value could not be verified.":    {recrypt.ErrSignature},
	"The transform key signature was incorrect.":                     {recrypt.ErrTransformKey},
	"The bytes could not be decoded into the appropriate data type.": {recrypt.ErrTransformKey, recrypt.ErrEncoding},
	"The signing public key provided was invalid.":                   {recrypt.ErrSigningKey},
}

// runNegative checks one negative case twice: decoded leniently, where the outcome is the
// peer's, and through package recrypt, where it is the peer's or a refusal.
func runNegative(t *testing.T, u *recrypttest.Upstream, n node) {
	id := n.get("id").str()
	peer := n.get("peer")
	args := n.get("args")
	op := n.get("op").str()
	s := n.f.suite
	lenient, ok := lenientOps[op]
	strict, ok2 := strictOps[op]
	if !ok || !ok2 {
		t.Skipf("unknown operation %s", op)
	}
	random := keystream(n, 16*s.FieldSize())

	if peer.get("outcome").str() == "ok" && fixed(op) {
		peer.get("result")
	}
	result, err := lenient(s, u, args, random)
	if !match(id, garbage) {
		agree(t, "lenient", peer, result, err)
	}
	refuse := listed(id) || outOfRange(t, u, args)
	strictResult, strictErr := strict(s, args)
	switch {
	case refuse && (strictErr == nil && !bytes.Equal(strictResult, no)):
		t.Error("strict: accepted")
	case refuse:
	case deterministic(op):
		agree(t, "strict", peer, strictResult, strictErr)
	default:
		agreeOutcome(t, "strict", peer, strictErr)
	}
	if !n.has("then") {
		return
	}
	then := n.get("then")
	if err == nil {
		thenDecrypt(t, "lenient", then, func(key []byte) ([]byte, error) { return u.Decrypt(result, key) })
	}
	if !refuse && strictErr == nil {
		thenDecrypt(t, "strict", then, func(key []byte) ([]byte, error) { return decryptStrictly(s, strictResult, key) })
	}
}

// thenDecrypt decrypts the result of a negative case, whose outcome is recorded too.
func thenDecrypt(t *testing.T, what string, then node, decrypt func(key []byte) ([]byte, error)) {
	t.Helper()
	if then.get("op").str() != "decrypt" {
		then.fail("unknown operation")
	}
	if then.get("peer").get("outcome").str() == "ok" {
		then.get("peer").get("result")
	}
	m, err := decrypt(then.get("privateKey").bytes())
	agree(t, what+", then decrypt", then.get("peer"), m, err)
}

// deterministic reports whether the operation draws no randomness.
func deterministic(op string) bool { return op != "transform" && op != "encrypt" }

// fixed reports whether a vector of the operation records the result.
func fixed(op string) bool { return deterministic(op) && op != "augmentTransformKey" }

func listed(id string) bool {
	return slices.ContainsFunc(stricter, func(p string) bool { return match(id, p) })
}

func match(id, pattern string) bool {
	ok, err := path.Match(pattern, id)
	return err == nil && ok
}

// outOfRange reports whether a private key among the arguments is not in [1, r-1].
func outOfRange(t *testing.T, u *recrypttest.Upstream, args node) bool {
	for _, name := range []string{"privateKey", "privateKeyA", "privateKeyB", "augmentingPrivateKey"} {
		k := args.opt(name)
		if k == nil || len(k) != args.f.suite.FieldSize() {
			continue
		}
		zero := make([]byte, len(k))
		scalar := must[[]byte](t)(u.AddPrivateKeys(k, zero))
		if !bytes.Equal(scalar, k) || bytes.Equal(k, zero) {
			return true
		}
	}
	return false
}

// agree compares an outcome and, if it was recorded, a result with the peer's.
func agree(t *testing.T, what string, peer node, result []byte, err error) {
	t.Helper()
	agreeOutcome(t, what, peer, err)
	if err != nil || !peer.has("result") {
		return
	}
	want := peer.get("result")
	var b []byte
	switch v := want.v.(type) {
	case bool:
		b = truth(v)
	case map[string]any:
		if want.has("hashedTempKey") {
			b = want.transformKey()
		} else if want.has("x") {
			b = want.point()
		} else {
			b = want.value()
		}
	default:
		b = want.bytes()
	}
	same(t, what+": result", result, nil, b)
}

func agreeOutcome(t *testing.T, what string, peer node, err error) {
	t.Helper()
	outcome := peer.get("outcome").str()
	switch outcome {
	case "ok":
		if err != nil {
			t.Errorf("%s: %v, the peer accepts", what, err)
		}
	case "trap", "error":
		if err == nil {
			t.Errorf("%s: accepted, the peer does not", what)
			return
		}
		if !peer.has("message") || what == "strict" { // stricter decoding finds more, earlier
			return
		}
		wants := peerErrors[peer.get("message").str()]
		if wants != nil && !slices.ContainsFunc(wants, func(w error) bool { return errors.Is(err, w) }) {
			t.Errorf("%s: %v, the peer says: %s", what, err, peer.get("message").str())
		}
	default:
		peer.fail("unknown outcome")
	}
}

var yes, no = []byte{1}, []byte{0}

func truth(ok bool) []byte {
	if ok {
		return yes
	}
	return no
}

// keystream is the randomness of a case: ChaCha20 keyed with its seed, from block 0, with
// a zero nonce; or anything, if it has no seed.
func keystream(n node, size int) []byte {
	out := make([]byte, size)
	if !n.has("rngSeed") {
		for i := range out {
			out[i] = byte(i + 1)
		}
		return out
	}
	seed := n.get("rngSeed").bytes()
	c, err := chacha20.NewUnauthenticatedCipher(seed, make([]byte, chacha20.NonceSize))
	if err != nil {
		n.fail("bad seed")
	}
	c.XORKeyStream(out, out)
	return out
}

// lenientOps run an operation of spec section 14 as the peer does.
var lenientOps = map[string]func(s recrypt.Suite, u *recrypttest.Upstream, a node, random []byte) ([]byte, error){
	"decrypt": func(s recrypt.Suite, u *recrypttest.Upstream, a node, _ []byte) ([]byte, error) {
		return u.Decrypt(a.get("encryptedValue").value(), a.get("privateKey").bytes())
	},
	"transform": func(s recrypt.Suite, u *recrypttest.Upstream, a node, r []byte) ([]byte, error) {
		n := s.FieldSize()
		temp, err := u.RandomGT(r[:12*n])
		if err != nil {
			return nil, err
		}
		return u.Transform(a.get("encryptedValue").value(), a.get("transformKey").transformKey(),
			a.get("privateSigningKey").bytes(), temp, r[12*n:13*n])
	},
	"encrypt": func(s recrypt.Suite, u *recrypttest.Upstream, a node, r []byte) ([]byte, error) {
		return u.Encrypt(a.get("plaintext").bytes(), a.get("toPublicKey").point(), a.get("privateSigningKey").bytes(), r[:s.FieldSize()])
	},
	"computePublicKey": func(s recrypt.Suite, u *recrypttest.Upstream, a node, _ []byte) ([]byte, error) {
		return u.ComputePublicKey(a.get("privateKey").bytes())
	},
	"augmentPublicKey": func(s recrypt.Suite, u *recrypttest.Upstream, a node, _ []byte) ([]byte, error) {
		return u.AddPublicKeys(a.get("publicKey").point(), a.get("otherPublicKey").point())
	},
	"augmentTransformKey": func(s recrypt.Suite, u *recrypttest.Upstream, a node, _ []byte) ([]byte, error) {
		return u.AugmentTransformKey(a.get("transformKey").transformKey(), a.get("privateKey").bytes())
	},
	"addPrivateKeys": func(s recrypt.Suite, u *recrypttest.Upstream, a node, _ []byte) ([]byte, error) {
		return u.AddPrivateKeys(a.get("privateKeyA").bytes(), a.get("privateKeyB").bytes())
	},
	"subtractPrivateKeys": func(s recrypt.Suite, u *recrypttest.Upstream, a node, _ []byte) ([]byte, error) {
		return u.SubPrivateKeys(a.get("privateKeyA").bytes(), a.get("privateKeyB").bytes())
	},
	"schnorrVerify": func(s recrypt.Suite, u *recrypttest.Upstream, a node, _ []byte) ([]byte, error) {
		ok, err := u.VerifySchnorr(a.get("publicKey").point(), a.opt("augmentingPrivateKey"), a.get("message").bytes(), a.get("signature").bytes())
		return truth(ok), err
	},
	"ed25519Verify": func(s recrypt.Suite, u *recrypttest.Upstream, a node, _ []byte) ([]byte, error) {
		ok, err := u.VerifyEd25519(a.get("publicSigningKey").bytes(), a.get("message").bytes(), a.get("signature").bytes())
		return truth(ok), err
	},
	"computeEd25519PublicKey": func(s recrypt.Suite, u *recrypttest.Upstream, a node, _ []byte) ([]byte, error) {
		k := a.get("privateSigningKey").bytes()
		if err := u.CheckSigningKey(k); err != nil {
			return nil, err
		}
		return k[32:], nil
	},
	"deriveSymmetricKey": func(s recrypt.Suite, u *recrypttest.Upstream, a node, _ []byte) ([]byte, error) {
		return u.SymmetricKey(a.get("plaintext").bytes())
	},
}
