package protocol

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

// seedSize is the length of the one secret that everything is derived from.
const seedSize = 32

// derive returns n bytes of HKDF-SHA256 over a seed.
func derive(seed, salt []byte, info string, n int) ([]byte, error) {
	if len(seed) != seedSize {
		return nil, malformed("seed does not have 32 bytes")
	}
	return hkdfKey(seed, salt, info, n), nil
}

// signingKey derives the Ed25519 key with a label.
func signingKey(seed []byte, kind string) (*recrypt.SigningKey, error) {
	b, err := derive(seed, nil, label(kind), seedSize)
	if err != nil {
		return nil, err
	}
	defer clear(b)
	key, err := recrypt.NewSigningKeyFromSeed(b)
	if err != nil {
		return nil, abi.ErrInternal
	}
	return key, nil
}

// recordKey derives the key that signs records and requests.
func recordKey(seed []byte) (*recrypt.SigningKey, error) { return signingKey(seed, "signing key") }

// recryptKey derives the key for the signatures inside values and transform
// keys. They carry no label, hence a key of their own (spec section 13, note 5).
func recryptKey(seed []byte) (*recrypt.SigningKey, error) {
	return signingKey(seed, "recrypt signing key")
}

// signingKeys returns the public halves of recordKey and recryptKey.
func signingKeys(seed []byte) (signing, inner [32]byte, err error) {
	signer, err := recordKey(seed)
	if err != nil {
		return signing, inner, err
	}
	defer signer.Wipe()
	second, err := recryptKey(seed)
	if err != nil {
		return signing, inner, err
	}
	defer second.Wipe()
	return [32]byte(signer.VerifyingKey().Bytes()), [32]byte(second.VerifyingKey().Bytes()), nil
}

// recoveryHash returns the hash of the recovery key that a recovery seed gives.
func recoveryHash(seed []byte) (hash [32]byte, err error) {
	key, err := signingKey(seed, "recovery key")
	if err != nil {
		return hash, err
	}
	defer key.Wipe()
	return sha256.Sum256(key.VerifyingKey().Bytes()), nil
}

// privateKey derives an encryption key from 2n bytes.
func privateKey(s recrypt.Suite, seed, salt []byte, info string) (*recrypt.PrivateKey, error) {
	if !s.Available() {
		return nil, unknownSuite("suite is unknown or not available")
	}
	b, err := derive(seed, salt, info, s.UniformSize())
	if err != nil {
		return nil, err
	}
	defer clear(b)
	key, err := recrypt.DerivePrivateKey(s, b)
	if err != nil {
		return nil, schemeError(err, "private key cannot be derived")
	}
	return key, nil
}

// encryptionKey derives the key that others encrypt to.
func encryptionKey(seed []byte, s recrypt.Suite) (*recrypt.PrivateKey, error) {
	return privateKey(s, seed, nil, label("encryption key")+string([]byte{byte(s)}))
}

// epochKey derives the key of one epoch of a collection.
func epochKey(seed []byte, salt [32]byte, s recrypt.Suite, collection [16]byte, epoch uint32) (*recrypt.PrivateKey, error) {
	info := append([]byte(label("epoch key")), byte(s))
	info = append(info, collection[:]...)
	info = binary.BigEndian.AppendUint32(info, epoch)
	return privateKey(s, seed, salt[:], string(info))
}

// unlock returns the record-signing key of a seed if it is the one that a record
// names.
func unlock(seed []byte, signing [32]byte) (*recrypt.SigningKey, error) {
	key, err := recordKey(seed)
	if err != nil {
		return nil, err
	}
	if subtle.ConstantTimeCompare(key.VerifyingKey().Bytes(), signing[:]) != 1 {
		key.Wipe()
		return nil, mismatch("seed does not belong to the record")
	}
	return key, nil
}

// unlockEpoch returns the private key of a collection record's epoch. The seed is that
// of the owner's newest version; that of the version that the record names may be older.
func unlockEpoch(seed []byte, owner *person, c *collection) (*recrypt.PrivateKey, error) {
	seed, err := owner.seedOf(seed, c.OwnerVersion)
	if err != nil {
		return nil, err
	}
	defer clear(seed)
	key, err := epochKey(seed, c.Salt, c.key.Suite(), c.Collection.Collection, c.Epoch)
	if err != nil {
		return nil, err
	}
	if !key.PublicKey().Equal(c.key) {
		key.Wipe()
		return nil, mismatch("seed does not give the key of the collection's epoch")
	}
	return key, nil
}

// DefaultCollection returns the id of the collection named "default" of a seed
// of 32 bytes on a service. It differs from service to service, so that what is
// public on one server helps nobody to take the id on another.
func DefaultCollection(seed []byte, service [32]byte) (id [16]byte, err error) {
	b, err := derive(seed, nil, label("default collection")+string(service[:]), shortSize)
	if err != nil {
		return id, err
	}
	return [16]byte(b), nil
}

// OwnDefaultCollection is DefaultCollection of the seed of the first version of an
// identity; seed is that of the newest one. So the id stays when keys change.
//
// Errors: those of OpenIdentity, and StatusMismatch for another seed, or if the first one
// was not kept.
func OwnDefaultCollection(seed, own []byte, service [32]byte) (id [16]byte, err error) {
	me, signer, err := unlockIdentity(seed, own)
	if err != nil {
		return id, err
	}
	signer.Wipe()
	first, err := me.seedOf(seed, 1)
	if err != nil {
		return id, err
	}
	defer clear(first)
	return DefaultCollection(first, service)
}
