package abitest

import (
	"encoding/json"
	"errors"
	"path"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// peerNegative is one bad or odd call of the upstream library.
type peerNegative struct {
	ID   string
	Op   string
	Args struct {
		EncryptedValue                                          *peerValue
		TransformKey                                            *peerTransformKey
		PrivateKey, PrivateKeyA, PrivateKeyB, PrivateSigningKey []byte
		Plaintext, Message, Signature, AugmentingPrivateKey     []byte
		PublicSigningKey                                        []byte
		PublicKey, OtherPublicKey, ToPublicKey                  *point
	}
	Peer peerOutcome
	Then *struct {
		PrivateKey []byte
		Peer       peerOutcome
	}

	variant
}

type peerOutcome struct {
	Outcome string // "ok", "error" or "trap"
	Result  json.RawMessage
}

// verifies reports whether the peer said true.
func (o peerOutcome) verifies() bool { return string(o.Result) == "true" }

// refusals gives the statuses of the cases that are refused, by pattern, the first
// that matches. For the others the peer's outcome is "ok" and ours is the same.
// Where we are stricter than the peer, spec section 16 says so.
var refusals = []struct {
	pattern string
	want    *abi.Error
}{
	// What the peer refuses, too. Strict decoding finds some of it earlier.
	{"sig-*", abi.ErrSignature},
	{"signer-bit", abi.ErrSignature},
	{"auth-bit", abi.ErrSignature},
	{"l2-swapped", abi.ErrSignature},
	{"tk-sig-bit", abi.ErrSignature},
	{"tk-to-changed", abi.ErrSignature},
	{"value-and-tk-bad", abi.ErrSignature},
	{"auth-bit-resigned", abi.ErrDecrypt},
	{"ephemeral-swapped-resigned", abi.ErrDecrypt},
	{"wrong-key", abi.ErrDecrypt},
	{"l1-*", abi.ErrDecrypt},
	{"l2-swapped-resigned", abi.ErrDecrypt},
	{"l2-first-dropped", abi.ErrDecrypt},
	{"l2-last-dropped", abi.ErrDecrypt},
	{"message-bit*", abi.ErrMalformed},
	{"l2-block-*", abi.ErrMalformed},
	{"tk-temp-bit", abi.ErrMalformed},
	{"tk-hashed-off-twist", abi.ErrMalformed},
	{"transform-signer-mismatch", abi.ErrMalformed},
	{"*-off-curve", abi.ErrMalformed},
	{"ephemeral-zero", abi.ErrMalformed},
	{"*-short", abi.ErrMalformed},
	{"*-long", abi.ErrMalformed},
	{"short-key", abi.ErrMalformed},
	{"zero-key", abi.ErrMalformed},
	{"order-key", abi.ErrMalformed},
	{"pub-*", abi.ErrMalformed},
	{"augment-inverse", abi.ErrMalformed},
	{"signing-mismatch", abi.ErrMalformed},

	// Private keys outside [1, r-1]: the peer reduces them.
	{"add-*", abi.ErrMalformed},

	// Values that are not canonical, not in the group, or weak: the peer takes them.
	{"small-order-signer", abi.ErrMalformed},
	{"message-noncanonical", abi.ErrMalformed},
	{"ephemeral-noncanonical", abi.ErrMalformed},
	{"tk-hashed-off-subgroup", abi.ErrMalformed},
	{"tk-hashed-order-13*", abi.ErrMalformed},
	{"plaintext-*", abi.ErrMalformed},
	{"symmetric-noncanonical", abi.ErrMalformed},
	{"ed-identity*", abi.ErrMalformed},
	{"ed-r-noncanonical", abi.ErrMalformed},
	{"ed-not-a-point", abi.ErrMalformed},
	{"schnorr-?-noncanonical", abi.ErrSignature},
}

// check makes the call and compares the outcome.
func (n *peerNegative) check(s suite) {
	result, err := n.call(s)
	for _, r := range refusals {
		if match, _ := path.Match(r.pattern, n.ID); match {
			refused(r.want, err)
			return
		}
	}
	if n.Peer.Outcome != "ok" { // a case of another file
		if err == nil {
			fail("accepted, the peer: %s", n.Peer.Outcome)
		}
		return
	}
	if (n.Op == "schnorrVerify" || n.Op == "ed25519Verify") && !n.Peer.verifies() {
		refused(abi.ErrSignature, err)
		return
	}
	ok(err)
	n.compare(s, result)
}

// compare checks the result of a call that is not refused.
func (n *peerNegative) compare(s suite, result []byte) {
	switch n.Op {
	case "transform", "encrypt":
		_, err := s.Decrypt(s.ctx, n.number, result, n.Then.PrivateKey)
		if n.Then.Peer.Outcome != "ok" {
			refused(abi.ErrDecrypt, err)
			return
		}
		ok(err)
	case "schnorrVerify", "ed25519Verify":
		same(n.Peer.verifies(), true)
	case "augmentTransformKey":
		differ(result, n.Args.TransformKey.bytes()) // the peer's result is not recorded
	default:
		var want []byte
		ok(json.Unmarshal(n.Peer.Result, &want))
		equal(result, want)
	}
}

// call makes the call at the boundary. Verifications have no result.
func (n *peerNegative) call(s suite) ([]byte, error) {
	a := &n.Args
	switch n.Op {
	case "decrypt":
		return s.Decrypt(s.ctx, n.number, a.EncryptedValue.bytes(), a.PrivateKey)
	case "transform":
		return s.Transform(s.ctx, n.number, a.EncryptedValue.bytes(), a.TransformKey.bytes(), a.PrivateSigningKey)
	case "augmentTransformKey":
		return s.AugmentTransformKey(s.ctx, n.number, a.TransformKey.bytes(), a.PrivateKey)
	case "computePublicKey":
		return s.PublicKey(s.ctx, n.number, a.PrivateKey)
	case "augmentPublicKey":
		return s.AddPublicKeys(s.ctx, n.number, a.PublicKey.bytes(), a.OtherPublicKey.bytes())
	case "addPrivateKeys":
		return s.AddPrivateKeys(s.ctx, n.number, a.PrivateKeyA, a.PrivateKeyB)
	case "subtractPrivateKeys":
		return s.SubtractPrivateKeys(s.ctx, n.number, a.PrivateKeyA, a.PrivateKeyB)
	case "encrypt":
		return s.Encrypt(s.ctx, n.number, a.Plaintext, a.ToPublicKey.bytes(), a.PrivateSigningKey)
	case "deriveSymmetricKey":
		return s.DeriveSymmetricKey(s.ctx, n.number, a.Plaintext)
	case "computeEd25519PublicKey": // the boundary has no such operation; signing decodes the key as well
		return s.Ed25519Sign(s.ctx, a.PrivateSigningKey, nil)
	case "schnorrVerify":
		return nil, s.SchnorrVerify(s.ctx, n.number, a.PublicKey.bytes(), a.AugmentingPrivateKey, a.Message, a.Signature)
	case "ed25519Verify":
		return nil, s.Ed25519Verify(s.ctx, a.PublicSigningKey, a.Message, a.Signature)
	}
	return nil, errors.New("abitest: unknown operation " + n.Op)
}
