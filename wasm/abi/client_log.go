package abi

import (
	"context"
	"encoding/binary"
)

// OpenCheckpoint verifies a checkpoint of a service's log, which is a signed note. witnesses
// are verifier keys; those whose cosignature is there and good confirm it.
func (c Client) OpenCheckpoint(ctx context.Context, service, checkpoint []byte, witnesses []string) (*Checkpoint, error) {
	batch := make([][]byte, len(witnesses))
	for i, w := range witnesses {
		batch[i] = []byte(w)
	}
	r, err := c.call(ctx, OpOpenCheckpoint, 4, service, checkpoint, Pack(batch...))
	if err != nil {
		return nil, err
	}
	v := &Checkpoint{Size: r.U64()}
	copy(v.Root[:], r.Fixed(32))
	v.Time = r.U64()
	const each = 4 + 8
	b := r.Bytes()
	if len(b)%each != 0 {
		return nil, ErrMalformed
	}
	for ; len(b) > 0; b = b[each:] {
		of := Confirmation{binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint64(b[4:])}
		if uint64(of.Witness) >= uint64(len(witnesses)) {
			return nil, ErrMalformed
		}
		v.Confirmations = append(v.Confirmations, of)
	}
	return whole(r, v)
}

// VerifyInclusion returns nil if a proof, hashes of 32 bytes each, leads from the leaf with
// this index to the root of the tree of this size, otherwise ErrMismatch.
func (c Client) VerifyInclusion(ctx context.Context, leaf []byte, index, size uint64, root [32]byte, proof []byte) error {
	_, err := c.call(ctx, OpVerifyInclusion, 0, leaf, U64(index), U64(size), root[:], proof)
	return err
}

// VerifyConsistency returns nil if a proof, hashes of 32 bytes each, shows that the new tree
// begins with the old one, otherwise ErrMismatch.
func (c Client) VerifyConsistency(ctx context.Context, older, newer LogState, proof []byte) error {
	_, err := c.call(ctx, OpVerifyConsistency, 0, U64(older.Size), older.Root[:], U64(newer.Size), newer.Root[:], proof)
	return err
}

// IdentityLeaf returns the leaf of a version of an identity, 64 bytes. records are those of
// all versions up to that one.
func (c Client) IdentityLeaf(ctx context.Context, id [32]byte, version uint32, records []byte) ([]byte, error) {
	return c.one(ctx, OpLogLeaf, U8(LeafIdentity), id[:], U64(uint64(version)), records)
}

// CollectionLeaf returns the leaf of a collection record, 64 bytes.
func (c Client) CollectionLeaf(ctx context.Context, id [16]byte, sequence uint64, record []byte) ([]byte, error) {
	return c.one(ctx, OpLogLeaf, U8(LeafCollection), id[:], U64(sequence), record)
}

// EntryLeaf returns the leaf of an entry of the ledger, 32 bytes.
func (c Client) EntryLeaf(ctx context.Context, salt [32]byte, entry []byte) ([]byte, error) {
	return c.one(ctx, OpLogLeaf, U8(LeafEntry), salt[:], U64(0), entry)
}
