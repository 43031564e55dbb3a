package protocol

import (
	"bytes"
	"crypto/sha256"

	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

// Extensions of a version that changes keys.
const (
	extPreviousSeed = 0x0003
	extRecoveryKey  = critical | 1

	previousSeedSize = sealNonce + sealBox
)

// replaces returns an error unless the version, which has another signing key than the
// one before, may come after earlier ones. Every key is one that none of them had: one
// that comes back may be in the hands of whoever made the change necessary.
func (v *identity) replaces(earlier []*identity) error {
	previous := earlier[len(earlier)-1]
	switch {
	case v.recovery == nil && v.RecoveryHash != previous.RecoveryHash:
		return mismatch("only the recovery key can change the recovery key")
	case v.recovery != nil && sha256.Sum256(v.recovery) != previous.RecoveryHash:
		return mismatch("identity version is by another recovery key")
	}
	for _, e := range earlier {
		again := v.signsWith(e.SigningKey) || v.signsWith(e.RecryptKey)
		for _, key := range e.keys {
			again = again || v.has(key)
		}
		if again {
			return mismatch("identity version changes some of its keys and keeps others")
		}
	}
	return nil
}

// signsWith reports whether a key is one of the version's signing keys.
func (v *identity) signsWith(key [32]byte) bool { return v.SigningKey == key || v.RecryptKey == key }

// RotateIdentity adds a version with new keys to an identity, all from newSeed: those of
// suites, strictly ascending, and of the suites that it had. The version comes after the
// given one, and records of later ones are left out. It returns all records.
//
// Without a recovery seed, seed is that of the newest version, which is the one to
// follow. With it, the version is signed by the recovery key, may follow any other, and
// overrides what came after that (see CompareIdentities); then seed is that of any earlier
// version, or empty. A seed that is given goes into the record, sealed under the new one:
// without it, nobody opens what is encrypted to earlier keys.
//
// newRecovery changes the recovery key, which takes the recovery seed; if it is empty the
// key stays. Seeds have 32 bytes.
//
// Errors: those of OpenIdentity, and StatusMismatch for seeds of another identity, seeds
// that are not independent of each other, or a version that is not there.
func RotateIdentity(seed, recoverySeed, newSeed, newRecovery, records []byte, after uint32, suites []byte) ([]byte, error) {
	p, err := openIdentity(records)
	if err != nil {
		return nil, err
	}
	if after == 0 || after > p.Version || after != p.Version && len(recoverySeed) == 0 {
		return nil, mismatch("identity version to follow is not there, or not the newest")
	}
	p.versions = p.versions[:after]
	p.identity = p.versions[after-1]
	v := &identity{Identity: p.Identity, previous: p.hash}
	if len(newRecovery) != 0 {
		if v.RecoveryHash, err = recoveryHash(newRecovery); err != nil {
			return nil, err
		}
	}
	before := bytes.Clone(records[:p.end])
	if err := v.keep(p, seed, newSeed); err != nil {
		return nil, err
	}
	signer, err := v.authorise(p, seed, recoverySeed)
	if err != nil {
		return nil, err
	}
	record, err := v.extend(p, signer, newSeed, suites)
	if err != nil {
		return nil, err
	}
	return append(before, record...), nil
}

// keep puts a seed, if there is one, into the version after the newest of p, sealed under
// the new seed. It must be p's, and not the one that the recovery key is from.
func (v *identity) keep(p *person, seed, newSeed []byte) error {
	if len(seed) == 0 {
		return nil
	}
	if _, err := p.holder(seed); err != nil {
		return err
	}
	if err := v.independent(seed); err != nil {
		return err
	}
	box, err := sealUnder(newSeed, v.seedLabel(v.Version+1), seed)
	v.sealed = box
	v.ext = extension(v.ext, extPreviousSeed, box)
	return err
}

// authorise returns the key that signs the version after the newest of p, for the caller
// to wipe: that of the recovery seed, if there is one, or of the seed.
func (v *identity) authorise(p *person, seed, recoverySeed []byte) (*recrypt.SigningKey, error) {
	if len(recoverySeed) == 0 {
		return unlock(seed, p.SigningKey)
	}
	signer, err := signingKey(recoverySeed, "recovery key")
	if err != nil {
		return nil, err
	}
	v.recovery = signer.VerifyingKey().Bytes()
	v.ext = extension(v.ext, extRecoveryKey, v.recovery)
	return signer, nil
}

// extension appends an entry to an extension area.
func extension(area []byte, kind uint16, value []byte) []byte {
	w := &writer{area}
	w.u16(kind)
	w.bytes16(value)
	return w.b
}

// seedLabel is what an earlier seed is sealed for.
func (v *identity) seedLabel(version uint32) string {
	w := &writer{[]byte(label("previous seed"))}
	w.id(v.ID)
	w.u32(version)
	return string(w.b)
}

// holder returns the newest version of a seed.
func (p *person) holder(seed []byte) (*identity, error) {
	signing, _, err := signingKeys(seed)
	if err != nil {
		return nil, err
	}
	for i := len(p.versions) - 1; i >= 0; i-- {
		if p.versions[i].SigningKey == signing {
			return p.versions[i], nil
		}
	}
	return nil, mismatch("seed does not belong to the record")
}

// seedOf returns the seed of a version that p has, for the caller to wipe. seed is that of
// the newest version. A version that changed keys may keep an earlier seed, and that one
// need not be the one before: a recovery can leave out what somebody else had put there.
func (p *person) seedOf(seed []byte, version uint32) ([]byte, error) {
	seed = bytes.Clone(seed)
	wanted := p.versions[version-1].Since
	for at := p.identity; at.Since != wanted; {
		change := p.versions[at.Since-1]
		earlier, err := openUnder(seed, change.seedLabel(change.Version), change.sealed)
		clear(seed)
		seed = earlier
		if err == nil {
			at, err = p.holder(seed)
		}
		if err != nil || at.Since < wanted || at.Since >= change.Since {
			clear(seed)
			return nil, mismatch("seed of an earlier version is not kept")
		}
	}
	return seed, nil
}
