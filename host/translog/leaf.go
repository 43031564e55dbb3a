package translog

import (
	"crypto/sha256"
	"encoding/binary"
)

// What a hash in a leaf begins with, so that no two kinds can be taken for each other.
const (
	identityLabel   = "recrypt-service log identity v1"
	collectionLabel = "recrypt-service log collection v1"
	entryLeafLabel  = "recrypt-service log entry v1"
)

// Sizes of leaves, in bytes.
const (
	RecordLeafSize = 64 // identities and collections
	EntryLeafSize  = 32
)

// IdentityLeaf returns the leaf of a version of an identity, 64 bytes. records are those
// of all versions up to that one.
func IdentityLeaf(id [32]byte, version uint32, records []byte) []byte {
	return append(hash(identityLabel, IdentityRef(id, version)), hash("", records)...)
}

// CollectionLeaf returns the leaf of a collection record, 64 bytes.
func CollectionLeaf(id [16]byte, sequence uint64, record []byte) []byte {
	return append(hash(collectionLabel, CollectionRef(id, sequence)), hash("", record)...)
}

// EntryLeaf returns the leaf of an encoded ledger entry, 32 bytes.
func EntryLeaf(salt [32]byte, entry []byte) []byte {
	return hash(entryLeafLabel, salt[:], entry)
}

// IdentityRef returns by what a store finds the newest leaf of a version of an identity,
// 36 bytes: id and version.
func IdentityRef(id [32]byte, version uint32) []byte {
	return binary.BigEndian.AppendUint32(id[:], version)
}

// CollectionRef returns by what a store finds the leaf of a collection record, 24 bytes:
// id and sequence.
func CollectionRef(id [16]byte, sequence uint64) []byte {
	return binary.BigEndian.AppendUint64(id[:], sequence)
}

// DepositRef returns by what a store finds the leaf of the entry about a deposited key,
// 16 bytes: its id.
func DepositRef(key [16]byte) []byte { return key[:] }

// hash returns SHA-256 of a label and parts of fixed length, the last one excepted.
func hash(label string, parts ...[]byte) []byte {
	h := sha256.New()
	h.Write([]byte(label))
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// RevocationRef returns by what a store finds the leaf of the entry about a revocation, 17
// bytes: a letter and its id, so that it is never that of a key.
func RevocationRef(id [16]byte) []byte { return append([]byte{'v'}, id[:]...) }
