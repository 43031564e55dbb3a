package abi

import "context"

// NewKey draws a document key for a collection: the 32-byte AES key and its
// encrypted value.
func (c Client) NewKey(ctx context.Context, seed, author, collection []byte, key [16]byte) (documentKey, value []byte, err error) {
	return c.two(ctx, OpNewKey, seed, author, collection, key[:])
}

// NewKeyRecord signs the record of a document key; payload is nil for a bare
// key.
func (c Client) NewKeyRecord(ctx context.Context, seed, author, collection []byte, key [16]byte, value []byte, payload *Payload, ext Extensions) ([]byte, error) {
	if payload == nil {
		return c.one(ctx, OpNewKeyRecord, seed, author, collection, key[:], value, U8(0), U64(0), nil, ext.Encode())
	}
	return c.one(ctx, OpNewKeyRecord, seed, author, collection, key[:], value, U8(1), U64(payload.Length), payload.Hash[:], ext.Encode())
}

// OpenKeyRecord verifies a key record and, if given, that it belongs to a
// collection's epoch and that a level-0 value belongs to it.
func (c Client) OpenKeyRecord(ctx context.Context, author, collection, record, value []byte) (*KeyRecord, error) {
	r, err := c.call(ctx, OpOpenKeyRecord, 12, author, collection, record, value)
	if err != nil {
		return nil, err
	}
	v := &KeyRecord{}
	copy(v.Key[:], r.Fixed(16))
	copy(v.Service[:], r.Fixed(32))
	copy(v.Owner[:], r.Fixed(32))
	copy(v.Collection[:], r.Fixed(16))
	v.Epoch = r.U32()
	copy(v.Author[:], r.Fixed(32))
	v.AuthorVersion = r.U32()
	v.Suite = r.U8()
	has, length, hash := r.flag(), r.U64(), r.FixedOrEmpty(32)
	if has != (len(hash) > 0) || !has && length != 0 {
		return nil, ErrMalformed
	}
	if has {
		v.Payload = &Payload{Length: length, Hash: [32]byte(hash)}
	}
	v.Extensions = r.Extensions()
	return whole(r, v)
}

// OpenKey opens an encrypted value of a key record: level 0 as the owner,
// level 1 as a reader. It returns the 32-byte document key.
func (c Client) OpenKey(ctx context.Context, seed, own, author, collection, service, record, value []byte) ([]byte, error) {
	return c.one(ctx, OpOpenKey, seed, own, author, collection, service, record, value)
}

// TransformKeyValue turns a level-0 value into a level-1 value signed by the
// server.
func (c Client) TransformKeyValue(ctx context.Context, serviceSeed, value, transformKey []byte) ([]byte, error) {
	return c.one(ctx, OpTransformKeyValue, serviceSeed, value, transformKey)
}

// TransformKeyValues is TransformKeyValue for at most MaxBatch values and a prepared
// transform key.
func (c Client) TransformKeyValues(ctx context.Context, serviceSeed, prepared []byte, values [][]byte) ([]Outcome, error) {
	return c.many(ctx, OpTransformKeyValues, values, serviceSeed, prepared)
}

// A KeyItem is one document key to be opened, all of it public: the records of its author
// and its collection, the key record, and the encrypted value; and the ticket of the edge
// that transformed the value, if it was not the service.
type KeyItem struct{ Author, Collection, Record, Value, Ticket []byte }

// OpenKeys is OpenKey for at most MaxBatch keys, without their tickets. Each outcome is a
// 32-byte document key.
func (c Client) OpenKeys(ctx context.Context, seed, own, service []byte, items []KeyItem) ([]Outcome, error) {
	batch := make([][]byte, len(items))
	for i, k := range items {
		batch[i] = Pack(k.Author, k.Collection, k.Record, k.Value)
	}
	return c.many(ctx, OpOpenKeys, batch, seed, own, service)
}

// NewRevocation signs the revocation of a reader of a collection.
func (c Client) NewRevocation(ctx context.Context, seed, owner, collection []byte, reader [32]byte, id [16]byte, unixMilli uint64) ([]byte, error) {
	return c.one(ctx, OpNewRevocation, seed, owner, collection, reader[:], id[:], U64(unixMilli))
}

// OpenRevocation verifies a revocation.
func (c Client) OpenRevocation(ctx context.Context, owner, revocation []byte) (*Revocation, error) {
	r, err := c.call(ctx, OpOpenRevocation, 8, owner, revocation)
	if err != nil {
		return nil, err
	}
	v := &Revocation{}
	copy(v.Revocation[:], r.Fixed(16))
	copy(v.Service[:], r.Fixed(32))
	copy(v.Owner[:], r.Fixed(32))
	v.OwnerVersion = r.U32()
	copy(v.Collection[:], r.Fixed(16))
	v.Sequence = r.U64()
	copy(v.Reader[:], r.Fixed(32))
	v.Time = r.U64()
	return whole(r, v)
}

// NewReceipt signs the server's receipt of a revocation or a collection record.
func (c Client) NewReceipt(ctx context.Context, serviceSeed, service, record []byte, unixMilli uint64, destroyed uint32) ([]byte, error) {
	return c.one(ctx, OpNewReceipt, serviceSeed, service, record, U64(unixMilli), U32(destroyed))
}

// OpenReceipt verifies a receipt against its revocation or collection record.
func (c Client) OpenReceipt(ctx context.Context, service, record, receipt []byte) (unixMilli uint64, destroyed uint32, err error) {
	r, err := c.call(ctx, OpOpenReceipt, 2, service, record, receipt)
	if err != nil {
		return 0, 0, err
	}
	unixMilli, destroyed = r.U64(), r.U32()
	if err := r.Err(); err != nil {
		return 0, 0, err
	}
	return unixMilli, destroyed, nil
}

// SignRequest returns the header values Signature-Input, Signature and (with a
// body) Content-Digest.
func (c Client) SignRequest(ctx context.Context, seed []byte, q *Request) (input, signature, digest string, err error) {
	r, err := c.call(ctx, OpSignRequest, 3, seed, []byte(q.KeyID), []byte(q.Method), []byte(q.Authority), []byte(q.Path),
		[]byte(q.Query), q.BodyHash, []byte(q.IdempotencyKey), U64(q.Created), U64(q.Expires), []byte(q.Nonce))
	if err != nil {
		return "", "", "", err
	}
	input, signature, digest = r.Text(), r.Text(), r.Text() // of any length: no fault
	return input, signature, digest, r.Err()
}

// VerifyRequest returns ErrSignature unless signature is key's over q.
func (c Client) VerifyRequest(ctx context.Context, key [32]byte, q *Request, signature []byte) error {
	_, err := c.call(ctx, OpVerifyRequest, 0, key[:], []byte(q.KeyID), []byte(q.Method), []byte(q.Authority), []byte(q.Path),
		[]byte(q.Query), q.BodyHash, []byte(q.IdempotencyKey), U64(q.Created), U64(q.Expires), []byte(q.Nonce), signature)
	return err
}

// SignCheckpoint signs a checkpoint of the service's own log, or what a cosignature of it
// covers: 64 bytes by the key that signs receipts.
func (c Client) SignCheckpoint(ctx context.Context, serviceSeed, service []byte, text string) ([]byte, error) {
	return c.one(ctx, OpSignCheckpoint, serviceSeed, service, []byte(text))
}

// NewHeader returns the header of an encrypted document.
func (c Client) NewHeader(ctx context.Context, h *Header) ([]byte, error) {
	return c.one(ctx, OpNewHeader, h.Key[:], h.Collection[:], U32(h.Epoch), h.Author[:], []byte(h.Server))
}

// OpenHeader reads the header at the start of a document; prefix may hold more.
func (c Client) OpenHeader(ctx context.Context, prefix []byte) (*Header, error) {
	r, err := c.call(ctx, OpOpenHeader, 6, prefix)
	if err != nil {
		return nil, err
	}
	v := &Header{}
	copy(v.Key[:], r.Fixed(16))
	copy(v.Collection[:], r.Fixed(16))
	v.Epoch = r.U32()
	copy(v.Author[:], r.Fixed(32))
	v.Server = r.Text()
	v.Length = int(r.U32())
	return whole(r, v)
}
