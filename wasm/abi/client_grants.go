package abi

import "context"

// A NewGrant is one grant to be made of a collection: to whom, given by his identity,
// and what its owner chooses.
type NewGrant struct {
	Reader []byte
	GrantFields
}

// A GrantOutcome is what became of a [NewGrant]: a grant with its transform key, or an
// [*Error].
type GrantOutcome struct {
	Grant, TransformKey []byte
	Err                 error
}

// A GrantToOpen is one grant to be verified, with the identity of its reader and with
// its transform key; what is empty is not checked.
type GrantToOpen struct{ Reader, Grant, TransformKey []byte }

// An OpenGrantOutcome is what became of a [GrantToOpen]: what the grant says, or an
// [*Error].
type OpenGrantOutcome struct {
	Grant *Grant
	Err   error
}

// frames returns what the owner chooses of a grant as arguments.
func (f *GrantFields) frames() [][]byte {
	return [][]byte{
		f.Grant[:], U8(f.Kind), Join(f.Scope), U64(f.NotBefore), U64(f.Expires), U64(f.Wait), U32(f.Uses), f.Extensions.Encode(),
	}
}

// NewGrants is NewGrant for any number of readers of one collection, whose record and
// whose owner are verified once for as many of them as fit into one call. The outcomes
// are in the order of the items.
func (c Client) NewGrants(ctx context.Context, seed, owner, collection []byte, items []NewGrant) ([]GrantOutcome, error) {
	batch := make([][]byte, len(items))
	for i := range items {
		batch[i] = Pack(append([][]byte{items[i].Reader}, items[i].frames()...)...)
	}
	outcomes, err := c.inBatches(ctx, OpNewGrants, batch, seed, owner, collection)
	if err != nil {
		return nil, err
	}
	out := make([]GrantOutcome, len(items))
	for i, o := range outcomes {
		if out[i].Err = o.Err; o.Err != nil {
			continue
		}
		f, err := Unpack(o.Value, 2)
		if err != nil {
			return nil, err
		}
		out[i].Grant, out[i].TransformKey = f[0], f[1]
	}
	return out, nil
}

// OpenGrants is OpenGrant for any number of grants of one collection, whose record and
// whose owner are verified once for as many of them as fit into one call. The outcomes
// are in the order of the items.
func (c Client) OpenGrants(ctx context.Context, owner, collection []byte, items []GrantToOpen) ([]OpenGrantOutcome, error) {
	batch := make([][]byte, len(items))
	for i, g := range items {
		batch[i] = Pack(g.Reader, g.Grant, g.TransformKey)
	}
	outcomes, err := c.inBatches(ctx, OpOpenGrants, batch, owner, collection)
	if err != nil {
		return nil, err
	}
	out := make([]OpenGrantOutcome, len(items))
	for i, o := range outcomes {
		if out[i].Err = o.Err; o.Err != nil {
			continue
		}
		if out[i].Grant, err = readGrant(NewReader(o.Value, grantFrames)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// inBatches is many for any number of items, in calls of at most MaxBatch items and
// MaxRequest bytes. The items are wiped.
func (c Client) inBatches(ctx context.Context, op Op, items [][]byte, args ...[]byte) ([]Outcome, error) {
	defer func() {
		for _, b := range items {
			clear(b)
		}
	}()
	room := MaxRequest - FrameSize(0) - len(Pack(args...))
	out := make([]Outcome, 0, len(items))
	for len(out) < len(items) {
		rest := items[len(out):]
		n, size := 1, FrameSize(len(rest[0]))
		for ; n < len(rest) && n < MaxBatch; n++ {
			if size += FrameSize(len(rest[n])); size > room {
				break
			}
		}
		part, err := c.many(ctx, op, rest[:n], args...)
		if err != nil {
			return nil, err
		}
		out = append(out, part...)
	}
	return out, nil
}
