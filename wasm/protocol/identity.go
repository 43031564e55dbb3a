package protocol

import (
	"bytes"
	"crypto/sha256"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

// maxSuites bounds the encryption keys of one identity.
const maxSuites = 8

// identity is a parsed identity record: one version of an identity.
type identity struct {
	abi.Identity
	previous  [32]byte // hash of the record before, zero in version 1
	hash      [32]byte // of this record
	keys      []*recrypt.PublicKey
	ext       []byte
	recovery  []byte // the recovery key, if it signed this version; otherwise nil
	sealed    []byte // an earlier seed, sealed under that of this version; nil if none is kept
	end       int    // where the record ends among those of the identity
	body      []byte
	proofs    [][]byte
	signature []byte
}

// writeBody appends everything that is signed, but for the label.
func (v *identity) writeBody(w *writer) {
	w.u32(v.Version)
	if v.Version == 1 {
		w.id(zero32) // the id is the hash of this
	} else {
		w.id(v.ID)
	}
	w.id(v.previous)
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

// readIdentity reads the record at the start of r. What it returns means something
// only if r has no error.
func readIdentity(r *reader) *identity {
	v := &identity{}
	r.critical = extRecoveryKey
	v.Version, v.ID, v.previous = r.version()
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
	v.recovery = r.entry(v.ext, extRecoveryKey, idSize)
	v.sealed = r.entry(v.ext, extPreviousSeed, previousSeedSize)
	for _, key := range v.keys {
		v.proofs = append(v.proofs, bytes.Clone(r.take(key.Suite().SchnorrSize())))
	}
	v.signature = r.signature()
	if v.Version == 1 {
		v.ID = sha256.Sum256(v.body)
	}
	v.hash = sha256.Sum256(r.all[:r.off])
	return v
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

// has reports whether the identity has an encryption key.
func (v *identity) has(key *recrypt.PublicKey) bool {
	own := v.key(key.Suite())
	return own != nil && own.Equal(key)
}

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
	v := &identity{}
	if v.RecoveryHash, err = recoveryHash(recoverySeed); err != nil {
		signer.Wipe()
		return nil, err
	}
	return v.extend(&person{}, signer, seed, suites)
}

// extend makes the next version of p from what it does not share with the newest one: it
// gets the keys of seed for the suites of p and for others, which are strictly ascending.
// It returns the record, signed by signer, which is wiped.
func (v *identity) extend(p *person, signer *recrypt.SigningKey, seed, suites []byte) ([]byte, error) {
	defer signer.Wipe()
	if err := checkSuites(suites); err != nil {
		return nil, err
	}
	var err error
	if v.SigningKey, v.RecryptKey, err = signingKeys(seed); err != nil {
		return nil, err
	}
	if err := v.independent(seed); err != nil {
		return nil, err
	}
	v.Version++
	all := bytes.Clone(suites)
	for _, k := range v.Keys { // those of the version before
		all = append(all, k.Suite)
	}
	private, err := encryptionKeys(seed, sortedSet(all, 1))
	if err != nil {
		return nil, err
	}
	defer wipeKeys(private)
	v.setKeys(private)
	if err := p.add(v); err != nil {
		return nil, err
	}
	return v.sign(signer, private)
}

// independent returns an error if the recovery key is from a seed, which whoever steals the
// seed would have, too.
func (v *identity) independent(seed []byte) error {
	if own, err := recoveryHash(seed); err != nil || own == v.RecoveryHash {
		return mismatch("recovery seed is not independent of the seed")
	}
	return nil
}

// encryptionKeys derives the encryption keys of suites, for the caller to wipe.
func encryptionKeys(seed, suites []byte) ([]*recrypt.PrivateKey, error) {
	private := make([]*recrypt.PrivateKey, 0, len(suites))
	for _, s := range suites {
		key, err := encryptionKey(seed, recrypt.Suite(s))
		if err != nil {
			wipeKeys(private)
			return nil, err
		}
		private = append(private, key)
	}
	return private, nil
}

// checkSuites refuses a list of suites that no identity can have.
func checkSuites(suites []byte) error {
	if len(suites) == 0 || len(suites) > maxSuites {
		return malformed("identity does not have 1 to 8 suites")
	}
	for i, s := range suites {
		if i > 0 && s <= suites[i-1] {
			return malformed("suites are not in order")
		}
	}
	return nil
}

func wipeKeys(keys []*recrypt.PrivateKey) {
	for _, key := range keys {
		key.Wipe()
	}
}

// setKeys makes the public keys of private the keys of the record.
func (v *identity) setKeys(private []*recrypt.PrivateKey) {
	v.keys, v.Keys = nil, nil
	for _, key := range private {
		public := key.PublicKey()
		v.keys = append(v.keys, public)
		v.Keys = append(v.Keys, abi.SuiteKey{Suite: uint8(public.Suite()), PublicKey: public.Bytes()})
	}
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
