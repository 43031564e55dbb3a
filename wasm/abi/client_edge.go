package abi

import "context"

// An EdgeItem is one value that an edge is to transform: of level 0, with the hash of the
// key record to which it belongs.
type EdgeItem struct {
	Record [32]byte
	Value  []byte
}

// An EdgeOutcome is what became of an [EdgeItem]: the value at level 1, signed by the edge,
// and the ticket by which the reader takes it from there, or an [*Error].
type EdgeOutcome struct {
	Value, Ticket []byte
	Err           error
}

// SealEdgeJob seals the transforms of at most MaxBatch values of a grant for a reader to an edge,
// until a time in Unix ms. edge is its identity.
func (c Client) SealEdgeJob(ctx context.Context, serviceSeed, service, edge []byte, reader [32]byte, expires uint64, transformKey []byte, items []EdgeItem) ([]byte, error) {
	if len(items) > MaxBatch {
		return nil, ErrTooLarge
	}
	batch := make([][]byte, len(items))
	for i := range items {
		batch[i] = Pack(items[i].Record[:], items[i].Value)
	}
	return c.one(ctx, OpSealEdgeJob, serviceSeed, service, edge, reader[:], U64(expires), transformKey, Pack(batch...))
}

// RunEdgeJob does a job with the seed of an edge, at a time in Unix ms. service is the
// record of the service that the edge works for.
func (c Client) RunEdgeJob(ctx context.Context, edgeSeed, edge, service []byte, now uint64, job []byte) ([]EdgeOutcome, error) {
	b, err := c.one(ctx, OpRunEdgeJob, edgeSeed, edge, service, U64(now), job)
	if err != nil {
		return nil, err
	}
	frames, err := UnpackBatch(b)
	if err != nil {
		return nil, err
	}
	out := make([]EdgeOutcome, len(frames))
	for i, f := range frames {
		value, err := Result(f)
		if err != nil {
			out[i].Err = err
			continue
		}
		parts, err := Unpack(value, 2)
		if err != nil {
			return nil, err
		}
		out[i].Value, out[i].Ticket = parts[0], parts[1]
	}
	return out, nil
}

// OpenEdgeKeys is OpenKeys for values that may have been transformed by an edge: those with
// a ticket.
func (c Client) OpenEdgeKeys(ctx context.Context, seed, own, service []byte, items []KeyItem) ([]Outcome, error) {
	batch := make([][]byte, len(items))
	for i, k := range items {
		batch[i] = Pack(k.Author, k.Collection, k.Record, k.Value, k.Ticket)
	}
	return c.many(ctx, OpOpenEdgeKeys, batch, seed, own, service)
}
