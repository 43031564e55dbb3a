package abi

import "context"

// RotateIdentity adds a version with new keys, all of newSeed, to an identity cut down to
// version after, and returns all its records. Without recoverySeed it is signed by seed,
// that of the newest version, and after is that version. With it, it is signed by the
// recovery key and overrides whatever else came after that version; seed may then be that
// of any earlier version or empty, and newRecovery may change the recovery key. A seed
// that is given is kept in the record, for what is encrypted to earlier keys.
func (c Client) RotateIdentity(ctx context.Context, seed, recoverySeed, newSeed, newRecovery, identity []byte, after uint32, suites []byte) ([]byte, error) {
	return c.one(ctx, OpRotateIdentity, seed, recoverySeed, newSeed, newRecovery, identity, U32(after), suites)
}

// CompareIdentities tells how an offered identity goes together with the known one:
// RelationSame or one of its neighbours.
func (c Client) CompareIdentities(ctx context.Context, known, offered []byte) (relation uint8, err error) {
	r, err := c.call(ctx, OpCompareIdentities, 1, known, offered)
	if err != nil {
		return 0, err
	}
	if relation = r.U8(); relation > RelationOther {
		return 0, ErrMalformed
	}
	return relation, r.Err()
}

// SafetyNumber returns the 60 digits by which two people see that each has the other's
// identity, in either order.
func (c Client) SafetyNumber(ctx context.Context, one, other []byte) (string, error) {
	b, err := c.one(ctx, OpSafetyNumber, one, other)
	return string(b), err
}

// LinkSeed returns the seed and the recovery seed, 32 bytes each, of the reader that a
// link's secret of 32 bytes makes. passcode is empty if the link has none.
func (c Client) LinkSeed(ctx context.Context, secret, passcode []byte) (seed, recoverySeed []byte, err error) {
	return c.two(ctx, OpLinkSeed, secret, passcode)
}

// OwnDefaultCollection returns the id of the collection "default" of an identity on a
// service, whose newest seed is given. ErrMismatch if its first seed was not kept.
func (c Client) OwnDefaultCollection(ctx context.Context, seed, own []byte, service [32]byte) (id [16]byte, err error) {
	r, err := c.call(ctx, OpOwnDefaultCollection, 1, seed, own, service[:])
	if err != nil {
		return id, err
	}
	copy(id[:], r.Fixed(len(id)))
	return id, r.Err()
}
