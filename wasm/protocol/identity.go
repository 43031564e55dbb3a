package protocol

import (
	"crypto/sha256"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

// maxSuites bounds the encryption keys of one identity.
const maxSuites = 8

// identity is a parsed identity record.
type identity struct {
	abi.Identity
	keys      []*recrypt.PublicKey
	ext       []byte
	body      []byte
	proofs    [][]byte
	signature []byte
}

// writeBody appends everything that is signed, but for the label.
func (v *identity) writeBody(w *writer) {
	w.u32(v.Version)
	w.id(zero32)
	w.id(zero32)
	w.id(v.SigningKey)
	w.id(v.RecryptKey)
	w.id(v.RecoveryHash)
	w.u8(uint8(len(v.Keys)))
	for _, k := range v.Keys {
		w.u8(k.Suite)
		w.raw(k.PublicKey)
	}
	w.bytes16(v.ext)
}

// parseIdentity reads an identity record and verifies nothing that needs more
// than the fields: encodings, points, order.
func parseIdentity(record []byte) (*identity, error) {
	r := newReader("identity", record)
	v := &identity{}
	v.Version = r.firstVersion()
	v.SigningKey, v.RecryptKey, v.RecoveryHash = r.verifyingKey(), r.verifyingKey(), r.id()
	if r.err == nil && v.SigningKey == v.RecryptKey {
		r.fail("uses one signing key for two purposes")
	}
	count := r.u8()
	if r.err == nil && (count == 0 || count > maxSuites) {
		r.fail("does not have 1 to 8 encryption keys")
	}
	for i := 0; i < int(count) && r.err == nil; i++ {
		s := r.suite()
		if r.err == nil && i > 0 && uint8(s) <= v.Keys[i-1].Suite {
			r.fail("has suites that are not in order")
		}
		if key := r.publicKey(s); key != nil {
			v.keys = append(v.keys, key)
			v.Keys = append(v.Keys, abi.SuiteKey{Suite: uint8(s), PublicKey: key.Bytes()})
		}
	}
	v.ext, v.body = r.extensions(), r.body()
	for _, key := range v.keys {
		v.proofs = append(v.proofs, append([]byte(nil), r.take(key.Suite().SchnorrSize())...))
	}
	v.signature = r.signature()
	if err := r.end(); err != nil {
		return nil, err
	}
	v.ID = sha256.Sum256(v.body)
	return v, nil
}

// openIdentity parses an identity record and verifies its signature and the
// proof of possession of each encryption key.
func openIdentity(record []byte) (*identity, error) {
	v, err := parseIdentity(record)
	if err != nil {
		return nil, err
	}
	if err := verify(v.SigningKey, v.body, v.signature, "signature of the identity does not verify"); err != nil {
		return nil, err
	}
	for i, key := range v.keys {
		if !key.VerifySchnorr(nil, v.body, v.proofs[i]) {
			return nil, unsigned("proof of possession of an encryption key does not verify")
		}
	}
	return v, nil
}

// unlockIdentity is openIdentity for a record whose seed is given too; it returns
// the record-signing key, for the caller to wipe.
func unlockIdentity(seed, record []byte) (*identity, *recrypt.SigningKey, error) {
	v, err := openIdentity(record)
	if err != nil {
		return nil, nil, err
	}
	signer, err := unlock(seed, v.SigningKey)
	if err != nil {
		return nil, nil, err
	}
	return v, signer, nil
}

// key returns the identity's encryption key of a suite, or nil.
func (v *identity) key(s recrypt.Suite) *recrypt.PublicKey {
	for _, k := range v.keys {
		if k.Suite() == s {
			return k
		}
	}
	return nil
}

// is reports whether a record that names an identity means this version of it.
func (v *identity) is(id [32]byte, version uint32) bool { return v.ID == id && v.Version == version }

// NewIdentity makes the first identity record of a seed of 32 bytes with the
// hash of the recovery key of another seed of 32 bytes, and one encryption key
// for each of suites, which are strictly ascending.
//
// The id depends on the arguments only; signatures differ from call to call. The
// errors have StatusMalformed, StatusSuite, or StatusMismatch if both seeds are
// the same.
func NewIdentity(seed, recoverySeed, suites []byte) ([]byte, error) {
	signer, err := recordKey(seed)
	if err != nil {
		return nil, err
	}
	defer signer.Wipe()
	inner, err := recryptKey(seed)
	if err != nil {
		return nil, err
	}
	defer inner.Wipe()
	v := &identity{}
	if v.RecoveryHash, err = recoveryHash(recoverySeed); err != nil {
		return nil, err
	}
	if own, err := recoveryHash(seed); err != nil || own == v.RecoveryHash {
		return nil, mismatch("recovery seed is not independent of the seed")
	}
	v.Version = 1
	v.SigningKey, v.RecryptKey = [32]byte(signer.VerifyingKey().Bytes()), [32]byte(inner.VerifyingKey().Bytes())
	if len(suites) == 0 || len(suites) > maxSuites {
		return nil, malformed("identity does not have 1 to 8 suites")
	}
	private := make([]*recrypt.PrivateKey, 0, len(suites))
	for i, s := range suites {
		if i > 0 && s <= suites[i-1] {
			return nil, malformed("suites are not in order")
		}
		key, err := encryptionKey(seed, recrypt.Suite(s))
		if err != nil {
			return nil, err
		}
		defer key.Wipe()
		private = append(private, key)
		v.Keys = append(v.Keys, abi.SuiteKey{Suite: s, PublicKey: key.PublicKey().Bytes()})
	}
	return v.sign(signer, private)
}

// sign returns the complete record.
func (v *identity) sign(signer *recrypt.SigningKey, private []*recrypt.PrivateKey) ([]byte, error) {
	w := newWriter("identity")
	v.writeBody(w)
	body := w.b
	for _, key := range private {
		proof, err := key.SignSchnorr(key.PublicKey(), body)
		if err != nil {
			return nil, schemeError(err, "encryption key cannot sign")
		}
		w.raw(proof)
	}
	w.raw(signer.Sign(body))
	return w.b, nil
}

// OpenIdentity verifies an identity record: encoding, keys, signature, and the
// proofs of possession. The id is the hash of what was signed; whether it is the
// expected one, the caller compares.
//
// The errors have StatusMalformed (also for versions other than 1), StatusSuite
// or StatusSignature.
func OpenIdentity(record []byte) (*abi.Identity, error) {
	v, err := openIdentity(record)
	if err != nil {
		return nil, err
	}
	return &v.Identity, nil
}
