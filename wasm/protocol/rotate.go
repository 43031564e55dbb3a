package protocol

import (
	"bytes"
	"crypto/cipher"
	"crypto/sha256"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/internal/entropy"
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
		again := v.SigningKey == e.SigningKey || v.SigningKey == e.RecryptKey ||
			v.RecryptKey == e.SigningKey || v.RecryptKey == e.RecryptKey
		for _, key := range e.keys {
			again = again || v.has(key)
		}
		if again {
			return mismatch("identity version changes some of its keys and keeps others")
		}
	}
	return nil
}

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
	if err := checkSuites(suites); err != nil {
		return nil, err
	}
	p, err := openIdentity(records)
	if err != nil {
		return nil, err
	}
	if p.at(p.ID, after) == nil || after != p.Version && len(recoverySeed) == 0 {
		return nil, mismatch("identity version to follow is not there, or not the newest")
	}
	p.versions = p.versions[:after]
	p.identity = p.versions[after-1]
	v := &identity{Identity: p.Identity, previous: p.hash}
	v.Version++
	signer, err := v.authorise(p, seed, recoverySeed)
	if err != nil {
		return nil, err
	}
	defer signer.Wipe()
	if len(newRecovery) != 0 {
		if v.RecoveryHash, err = recoveryHash(newRecovery); err != nil {
			return nil, err
		}
	}
	if err := v.renew(seed, newSeed); err != nil {
		return nil, err
	}
	private, err := encryptionKeys(newSeed, p.suitesWith(suites))
	if err != nil {
		return nil, err
	}
	defer wipeKeys(private)
	v.setKeys(private)
	if err := p.add(v); err != nil {
		return nil, err
	}
	record, err := v.sign(signer, private)
	if err != nil {
		return nil, err
	}
	var out []byte
	for _, e := range p.versions[:after] {
		out = append(out, e.record...)
	}
	return append(out, record...), nil
}

// suitesWith returns the suites of the newest version and others, in order.
func (p *person) suitesWith(suites []byte) []byte {
	all := bytes.Clone(suites)
	for _, k := range p.Keys {
		all = append(all, k.Suite)
	}
	return sortedSet(all, 1)
}

// authorise returns the key that signs the version after the newest of p, for the caller
// to wipe: that of the recovery seed, if there is one, or of the seed. Either must be p's.
func (v *identity) authorise(p *person, seed, recoverySeed []byte) (*recrypt.SigningKey, error) {
	if len(recoverySeed) == 0 {
		return unlock(seed, p.SigningKey)
	}
	if len(seed) != 0 {
		if _, err := p.holder(seed); err != nil {
			return nil, err
		}
	}
	signer, err := signingKey(recoverySeed, "recovery key")
	if err != nil {
		return nil, err
	}
	v.recovery = signer.VerifyingKey().Bytes()
	return signer, nil
}

// renew puts the signing keys of a new seed into the version, and the extensions of a
// version that changes keys. The old seed, if there is one, is sealed under the new one.
func (v *identity) renew(seed, newSeed []byte) (err error) {
	if v.SigningKey, v.RecryptKey, err = signingKeys(newSeed); err != nil {
		return err
	}
	if err := v.independent(newSeed); err != nil {
		return err
	}
	w := &writer{}
	if len(seed) != 0 {
		if err := v.independent(seed); err != nil {
			return err
		}
		v.sealed = make([]byte, sealNonce, previousSeedSize)
		entropy.Read(v.sealed)
		box, about, err := v.box(newSeed)
		if err != nil {
			return err
		}
		v.sealed = box.Seal(v.sealed, v.sealed, seed, about)
		w.u16(extPreviousSeed)
		w.bytes16(v.sealed)
	}
	if v.recovery != nil {
		w.u16(extRecoveryKey)
		w.bytes16(v.recovery)
	}
	v.ext = w.b
	return nil
}

// box returns what seals the seed before under the seed of the version, and the
// associated data.
func (v *identity) box(seed []byte) (cipher.AEAD, []byte, error) {
	key, err := derive(seed, nil, label("previous seed"), chacha20poly1305.KeySize)
	if err != nil {
		return nil, nil, err
	}
	defer clear(key)
	box, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, nil, abi.ErrInternal
	}
	w := &writer{[]byte(label("previous seed"))}
	w.id(v.ID)
	w.u32(v.Version)
	return box, w.b, nil
}

// independent returns an error if a seed is the one that the recovery key is from: who
// steals one must not have the other.
func (v *identity) independent(seed []byte) error {
	if own, err := recoveryHash(seed); err != nil || own == v.RecoveryHash {
		return mismatch("recovery seed is not independent of the seed")
	}
	return nil
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
		earlier, err := change.unseal(seed)
		clear(seed)
		if err != nil {
			return nil, err
		}
		seed = earlier
		if at, err = p.holder(seed); err != nil || at.Since < wanted || at.Since >= change.Since {
			clear(seed)
			return nil, mismatch("seed of an earlier version is not kept")
		}
	}
	return seed, nil
}

// unseal returns the earlier seed that the version keeps under its own.
func (v *identity) unseal(seed []byte) ([]byte, error) {
	if v.sealed == nil {
		return nil, mismatch("seed of an earlier version is not kept")
	}
	box, about, err := v.box(seed)
	if err != nil {
		return nil, err
	}
	earlier, err := box.Open(nil, v.sealed[:sealNonce], v.sealed[sealNonce:], about)
	if err != nil {
		return nil, mismatch("seed of an earlier version does not open")
	}
	return earlier, nil
}
