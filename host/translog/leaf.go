package translog

import (
	"encoding/binary"

	"github.com/recrypt-service/recrypt/wasm/protocol"
)

// Sizes of leaves, in bytes.
const (
	RecordLeafSize = 64 // identities and collections
	EntryLeafSize  = 32
)

// IdentityLeaf returns the leaf of a version of an identity, 64 bytes. records are those
// of all versions up to that one.
func IdentityLeaf(id [32]byte, version uint32, records []byte) []byte {
	return protocol.IdentityLeaf(id, version, records)
}

// CollectionLeaf returns the leaf of a collection record, 64 bytes.
func CollectionLeaf(id [16]byte, sequence uint64, record []byte) []byte {
	return protocol.CollectionLeaf(id, sequence, record)
}

// EntryLeaf returns the leaf of an encoded ledger entry, 32 bytes.
func EntryLeaf(salt [32]byte, entry []byte) []byte {
	return protocol.EntryLeaf(salt, entry)
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

// RevocationRef returns by what a store finds the leaf of the entry about a revocation, 17
// bytes: a letter and its id, so that it is never that of a key.
func RevocationRef(id [16]byte) []byte { return append([]byte{'v'}, id[:]...) }
