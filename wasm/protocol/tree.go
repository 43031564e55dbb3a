package protocol

import (
	"crypto/sha256"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// MaxTree is the greatest size of a tree that is accepted. It keeps all arithmetic on sizes
// far from overflow.
const MaxTree = 1 << 48

// maxProof is more hashes than any proof in a tree of at most MaxTree leaves has.
const maxProof = 64

// noProof is the one message for every proof that does not lead where it should.
const noProof = "log proof does not verify"

// What a hash in the tree begins with, so that no leaf can be taken for a node (RFC 9162
// section 2.1.1).
const (
	leafPrefix = 0
	nodePrefix = 1
)

// isEmptyRoot reports whether a root is that of a tree without leaves.
func isEmptyRoot(root [32]byte) bool { return root == sha256.Sum256(nil) }

// IdentityLeaf returns the leaf of a version of an identity, 64 bytes. records are those of
// all versions up to that one.
func IdentityLeaf(id [32]byte, version uint32, records []byte) []byte {
	w := leaf("log identity")
	w.id(id)
	w.u32(version)
	return w.recordLeaf(records)
}

// CollectionLeaf returns the leaf of a collection record, 64 bytes.
func CollectionLeaf(id [16]byte, sequence uint64, record []byte) []byte {
	w := leaf("log collection")
	w.short(id)
	w.u64(sequence)
	return w.recordLeaf(record)
}

// EntryLeaf returns the leaf of an encoded entry of the ledger, 32 bytes.
func EntryLeaf(salt [32]byte, entry []byte) []byte {
	w := leaf("log entry")
	w.id(salt)
	w.raw(entry)
	sum := sha256.Sum256(w.b)
	return sum[:]
}

// leaf starts what a hash in a leaf covers.
func leaf(kind string) *writer { return &writer{[]byte(label(kind))} }

// recordLeaf returns the hash of what was written, which says what the record is, and that
// of the record.
func (w *writer) recordLeaf(record []byte) []byte {
	place, content := sha256.Sum256(w.b), sha256.Sum256(record)
	return append(place[:], content[:]...)
}

// VerifyInclusion returns nil if proof, hashes of 32 bytes each, leads from the leaf with
// this index to the root of the tree of this size (RFC 9162 section 2.1.3.2). The error has
// StatusMismatch.
func VerifyInclusion(leaf []byte, index, size uint64, root [32]byte, proof []byte) error {
	if size <= MaxTree && index < size {
		first := sha256.Sum256(append([]byte{leafPrefix}, leaf...))
		if _, got, ok := climb(index, size-1, first, proof); ok && got == root {
			return nil
		}
	}
	return mismatch(noProof)
}

// VerifyConsistency returns nil if proof, hashes of 32 bytes each, shows that the tree of
// the size newSize has that of the size oldSize as its beginning (RFC 9162 section 2.1.4.2).
// Every tree goes on from the empty one and from itself, by an empty proof. The error has
// StatusMismatch.
func VerifyConsistency(oldSize uint64, oldRoot [32]byte, newSize uint64, newRoot [32]byte, proof []byte) error {
	if newSize > MaxTree || !continues(oldSize, oldRoot, newSize, newRoot, proof) {
		return mismatch(noProof)
	}
	return nil
}

// continues is VerifyConsistency for trees of any size.
func continues(oldSize uint64, oldRoot [32]byte, newSize uint64, newRoot [32]byte, proof []byte) bool {
	if oldSize == newSize && oldRoot != newRoot || oldSize > newSize {
		return false
	}
	if oldSize == 0 {
		return len(proof) == 0 && isEmptyRoot(oldRoot)
	}
	if oldSize == newSize {
		return len(proof) == 0
	}
	index, last := oldSize-1, newSize-1
	for index&1 == 1 {
		index, last = index>>1, last>>1
	}
	first := oldRoot // the old tree is a complete one, whose root nobody needs to be told
	if index != 0 {
		if len(proof) < sha256.Size {
			return false
		}
		first, proof = [32]byte(proof), proof[sha256.Size:]
	}
	before, after, ok := climb(index, last, first, proof)
	return ok && before == oldRoot && after == newRoot
}

// climb goes up from a node to the root, beside the node with this index on its level, the
// last one of which is last. It returns the roots of the tree that ends with that node and of
// the whole tree, and whether proof has the hashes that it takes and no others.
func climb(index, last uint64, node [32]byte, proof []byte) (before, after [32]byte, ok bool) {
	if len(proof)%sha256.Size != 0 || len(proof) > maxProof*sha256.Size {
		return before, after, false
	}
	before, after = node, node
	for ; len(proof) > 0; proof = proof[sha256.Size:] {
		if last == 0 {
			return before, after, false
		}
		sibling := [32]byte(proof)
		if index&1 == 1 || index == last {
			before, after = parent(sibling, before), parent(sibling, after)
			for index&1 == 0 && index != 0 { // a node without a sibling goes up as it is
				index, last = index>>1, last>>1
			}
		} else {
			after = parent(after, sibling)
		}
		index, last = index>>1, last>>1
	}
	return before, after, last == 0
}

// parent returns the hash of a node over two others.
func parent(left, right [32]byte) [32]byte {
	b := [1 + 2*sha256.Size]byte{nodePrefix}
	copy(b[1:], left[:])
	copy(b[1+sha256.Size:], right[:])
	return sha256.Sum256(b[:])
}

// LogLeaf returns the leaf of a kind of package abi (LeafIdentity and its neighbours): that
// of IdentityLeaf, CollectionLeaf or EntryLeaf, number being the version, the sequence, or
// 0. The error has StatusMalformed.
func LogLeaf(kind uint8, id []byte, number uint64, content []byte) ([]byte, error) {
	switch {
	case kind == abi.LeafIdentity && len(id) == idSize && number>>32 == 0:
		return IdentityLeaf([32]byte(id), uint32(number), content), nil
	case kind == abi.LeafCollection && len(id) == shortSize:
		return CollectionLeaf([16]byte(id), number, content), nil
	case kind == abi.LeafEntry && len(id) == idSize && number == 0:
		return EntryLeaf([32]byte(id), content), nil
	}
	return nil, malformed("leaf is of no kind that the log has")
}
