package protocol

import (
	"bytes"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

// MaxVersions bounds the versions of one identity.
const MaxVersions = 16

// A person is an identity with all its versions.
type person struct {
	*identity             // the newest version
	versions  []*identity // oldest first
}

// at returns the version of the person that a record names, nil if there is none.
func (p *person) at(id [32]byte, version uint32) *identity {
	if p.ID != id || version == 0 || version > uint32(len(p.versions)) {
		return nil
	}
	return p.versions[version-1]
}

// since returns the first version with the signing key that signed a collection record,
// which is verified.
func (p *person) since(of *collection) uint32 { return p.versions[of.OwnerVersion-1].Since }

// recovered returns the first version that the recovery key has signed, nil if there is none.
// There may have been other versions from that number on, which it has overridden.
func (p *person) recovered() *identity {
	for _, v := range p.versions {
		if v.recovery != nil {
			return v
		}
	}
	return nil
}

// parsePerson reads the versions of an identity and verifies how they follow each
// other, but no signature.
func parsePerson(records []byte) (*person, error) {
	p := &person{}
	for rest := records; p.identity == nil || len(rest) > 0; {
		r := newReader("identity", rest)
		v := readIdentity(r)
		if r.err != nil {
			return nil, r.err
		}
		if err := p.add(v); err != nil {
			return nil, err
		}
		rest = rest[r.off:]
		v.end = len(records) - len(rest)
	}
	return p, nil
}

// add appends a version, if it may come after the newest one.
func (p *person) add(v *identity) error {
	if len(p.versions) == MaxVersions {
		return tooLarge("identity has more than 16 versions")
	}
	if err := v.follows(p.versions); err != nil {
		return err
	}
	p.identity, p.versions = v, append(p.versions, v)
	return nil
}

// follows returns an error unless the version may come after earlier ones, of which the
// first one has none. It either adds suites and changes nothing else, so that what was
// signed, encrypted or granted to an earlier one stays good, or changes every key.
func (v *identity) follows(earlier []*identity) error {
	plain := v.recovery == nil && v.sealed == nil
	if len(earlier) == 0 {
		if v.Version != 1 || !plain {
			return mismatch("identity does not begin with its first version")
		}
		v.Since = 1
		return nil
	}
	previous := earlier[len(earlier)-1]
	if v.Version != previous.Version+1 || v.ID != previous.ID || v.previous != previous.hash {
		return mismatch("identity version does not follow the one before")
	}
	for _, key := range previous.keys {
		if v.key(key.Suite()) == nil {
			return mismatch("identity version removes a suite")
		}
	}
	if v.SigningKey != previous.SigningKey {
		v.Since = v.Version
		return v.replaces(earlier)
	}
	v.Since = previous.Since
	if v.RecryptKey != previous.RecryptKey || v.RecoveryHash != previous.RecoveryHash || !plain {
		return mismatch("identity version changes more than its suites")
	}
	for _, key := range previous.keys {
		if !v.has(key) {
			return mismatch("identity version changes some of its keys and keeps others")
		}
	}
	if len(v.keys) == len(previous.keys) {
		return mismatch("identity version adds no suite")
	}
	return nil
}

// openIdentity parses an identity and verifies, in each version, the signature and
// the proof of possession of each encryption key. The first version is signed by its
// own key, each later one by that of the version before or by the recovery key.
func openIdentity(records []byte) (*person, error) {
	p, err := parsePerson(records)
	if err != nil {
		return nil, err
	}
	signer := p.versions[0].SigningKey
	for _, v := range p.versions {
		if v.recovery != nil {
			signer = [32]byte(v.recovery)
		}
		if err := verify(signer, v.body, v.signature, "signature of the identity does not verify"); err != nil {
			return nil, err
		}
		signer = v.SigningKey
	}
	for _, v := range p.versions {
		for i, key := range v.keys {
			if !key.VerifySchnorr(nil, v.body, v.proofs[i]) {
				return nil, unsigned("proof of possession of an encryption key does not verify")
			}
		}
	}
	return p, nil
}

// unlockIdentity is openIdentity for an identity whose seed is given too; it returns
// the record-signing key, for the caller to wipe.
func unlockIdentity(seed, records []byte) (*person, *recrypt.SigningKey, error) {
	p, err := openIdentity(records)
	if err != nil {
		return nil, nil, err
	}
	signer, err := unlock(seed, p.SigningKey)
	if err != nil {
		return nil, nil, err
	}
	return p, signer, nil
}

// OpenIdentity verifies an identity, which is the concatenation of its records: for
// each the encoding, the keys, how it follows the one before, the signature, and the
// proofs of possession. It returns the newest version. The id is the hash of what
// was signed first; whether it is the expected one, the caller compares, and
// whether there is a newer version, nobody can see here.
//
// The errors have StatusMalformed, StatusSuite, StatusSignature, StatusTooLarge for
// more than MaxVersions, or StatusMismatch for versions that do not follow each other.
func OpenIdentity(records []byte) (*abi.Identity, error) {
	p, err := openIdentity(records)
	if err != nil {
		return nil, err
	}
	return &p.Identity, nil
}

// NewIdentityVersion adds a version to an identity, and with it the encryption keys
// of those of suites that it lacks; suites are strictly ascending. seed is the
// identity's, 32 bytes. It returns all records of the identity, the new one at the
// end.
//
// Signatures differ from call to call, so two versions made apart do not follow each
// other: of several made at once, one can be published.
//
// Errors: those of OpenIdentity, and StatusMismatch for another seed, or if the
// identity has all of suites already.
func NewIdentityVersion(seed, records, suites []byte) ([]byte, error) {
	p, signer, err := unlockIdentity(seed, records)
	if err != nil {
		return nil, err
	}
	v := &identity{Identity: p.Identity, previous: p.hash}
	record, err := v.extend(p, signer, seed, suites)
	if err != nil {
		return nil, err
	}
	return append(bytes.Clone(records), record...), nil
}
