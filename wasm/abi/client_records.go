package abi

import "context"

// ParseID returns kind and bytes of an id in text form.
func (c Client) ParseID(ctx context.Context, text string) (kind uint8, id [32]byte, err error) {
	r, err := c.call(ctx, OpParseID, 2, []byte(text))
	if err != nil {
		return 0, id, err
	}
	kind = r.U8()
	copy(id[:], r.Fixed(32))
	if err := r.Err(); err != nil {
		return 0, [32]byte{}, err
	}
	return kind, id, nil
}

// FormatID returns the text form of an id, "rid1…" or "rsv1…", 62 characters.
func (c Client) FormatID(ctx context.Context, kind uint8, id [32]byte) (string, error) {
	b, err := c.one(ctx, OpFormatID, U8(kind), id[:])
	return string(b), err
}

// SealSeed seals a 32-byte secret under a passphrase (UTF-8, NFC; the caller
// normalises). memoryKiB 0 with an empty passphrase leaves it unsealed.
func (c Client) SealSeed(ctx context.Context, passphrase []byte, kind uint8, secret []byte, memoryKiB, passes uint32) ([]byte, error) {
	return c.one(ctx, OpSealSeed, passphrase, U8(kind), secret, U32(memoryKiB), U32(passes))
}

// OpenSeed opens a sealed secret, 32 bytes.
func (c Client) OpenSeed(ctx context.Context, passphrase, sealed []byte) (kind uint8, secret []byte, err error) {
	r, err := c.call(ctx, OpOpenSeed, 2, passphrase, sealed)
	if err != nil {
		return 0, nil, err
	}
	kind, secret = r.U8(), r.Fixed(32)
	if err := r.Err(); err != nil {
		return 0, nil, err
	}
	return kind, secret, nil
}

// SealedInfo tells what a sealed record holds and whether it needs a
// passphrase, without opening it.
func (c Client) SealedInfo(ctx context.Context, sealed []byte) (kind uint8, needsPassphrase bool, err error) {
	r, err := c.call(ctx, OpSealedInfo, 4, sealed)
	if err != nil {
		return 0, false, err
	}
	kind, needsPassphrase = r.U8(), r.flag()
	r.U32()
	r.U32()
	if err := r.Err(); err != nil {
		return 0, false, err
	}
	return kind, needsPassphrase, nil
}

// NewIdentity makes the first identity record of a seed.
func (c Client) NewIdentity(ctx context.Context, seed, recoverySeed, suites []byte) ([]byte, error) {
	return c.one(ctx, OpNewIdentity, seed, recoverySeed, suites)
}

// NewIdentityVersion adds a version to an identity, with the keys of those of
// suites that it lacks, and returns all its records. ErrMismatch if it lacks none.
func (c Client) NewIdentityVersion(ctx context.Context, seed, identity, suites []byte) ([]byte, error) {
	return c.one(ctx, OpNewIdentityVersion, seed, identity, suites)
}

// OpenIdentity verifies all versions of an identity and returns the newest.
func (c Client) OpenIdentity(ctx context.Context, identity []byte) (*Identity, error) {
	r, err := c.call(ctx, OpOpenIdentity, 7, identity)
	if err != nil {
		return nil, err
	}
	v := &Identity{}
	copy(v.ID[:], r.Fixed(32))
	v.Version = r.U32()
	copy(v.SigningKey[:], r.Fixed(32))
	copy(v.RecryptKey[:], r.Fixed(32))
	copy(v.RecoveryHash[:], r.Fixed(32))
	list, err := Unpack(r.Bytes(), -1)
	if err != nil || len(list)%2 != 0 {
		return nil, ErrMalformed
	}
	for i := 0; i < len(list); i += 2 {
		if len(list[i]) != 1 {
			return nil, ErrMalformed
		}
		v.Keys = append(v.Keys, SuiteKey{Suite: list[i][0], PublicKey: list[i+1]})
	}
	v.Since = r.U32()
	return whole(r, v)
}

// NewService makes the record of a server.
func (c Client) NewService(ctx context.Context, seed []byte) ([]byte, error) {
	return c.one(ctx, OpNewService, seed)
}

// OpenService verifies the record of a server.
func (c Client) OpenService(ctx context.Context, record []byte) (*Service, error) {
	r, err := c.call(ctx, OpOpenService, 4, record)
	if err != nil {
		return nil, err
	}
	v := &Service{}
	copy(v.ID[:], r.Fixed(32))
	v.Version = r.U32()
	copy(v.SigningKey[:], r.Fixed(32))
	copy(v.RecryptKey[:], r.Fixed(32))
	return whole(r, v)
}

// DefaultCollection returns the id of the collection "default" of a seed on a
// service.
func (c Client) DefaultCollection(ctx context.Context, seed []byte, service [32]byte) (id [16]byte, err error) {
	r, err := c.call(ctx, OpDefaultCollection, 1, seed, service[:])
	if err != nil {
		return id, err
	}
	copy(id[:], r.Fixed(len(id)))
	return id, r.Err()
}

// NewCollection makes a collection record that follows previous (nil for the
// first).
func (c Client) NewCollection(ctx context.Context, seed, owner, previous []byte, f *CollectionFields) ([]byte, error) {
	return c.one(ctx, OpNewCollection, seed, owner, f.Service[:], previous, f.Collection[:], U32(f.Epoch), U8(f.Suite),
		f.Salt[:], joinReaders(f.Readers), U8(f.Deposit), Join(f.Authors), f.Title, f.Extensions.Encode())
}

// OpenCollection verifies a collection record and, if previous is given, that
// it follows it.
func (c Client) OpenCollection(ctx context.Context, owner, record, previous []byte) (*Collection, error) {
	r, err := c.call(ctx, OpOpenCollection, 16, owner, record, previous)
	if err != nil {
		return nil, err
	}
	v := &Collection{}
	copy(v.Service[:], r.Fixed(32))
	copy(v.Owner[:], r.Fixed(32))
	v.OwnerVersion = r.U32()
	copy(v.Collection[:], r.Fixed(16))
	v.Epoch = r.U32()
	v.Sequence = r.U64()
	copy(v.Previous[:], r.Fixed(32))
	v.Suite = r.U8()
	v.PublicKey = r.Bytes()
	copy(v.Salt[:], r.Fixed(32))
	copy(v.ReadersHash[:], r.Fixed(32))
	v.Deposit = r.U8()
	v.Authors = split[[32]byte](r, r.Bytes())
	v.Title = r.Bytes()
	copy(v.Hash[:], r.Fixed(32))
	v.Extensions = r.Extensions()
	return whole(r, v)
}

// ReadersHash returns the hash that a collection record carries for its
// readers.
func (c Client) ReadersHash(ctx context.Context, readers []ReaderRef) (hash [32]byte, err error) {
	r, err := c.call(ctx, OpReadersHash, 1, joinReaders(readers))
	if err != nil {
		return hash, err
	}
	copy(hash[:], r.Fixed(len(hash)))
	return hash, r.Err()
}

// SealTitle encrypts a collection's title (UTF-8, at most 256 bytes) for its owner. No
// text gives no title.
func (c Client) SealTitle(ctx context.Context, seed []byte, service [32]byte, collection [16]byte, text string) ([]byte, error) {
	return c.one(ctx, OpSealTitle, seed, service[:], collection[:], []byte(text))
}

// OpenTitle returns the title of one's own collection, empty if it has none.
func (c Client) OpenTitle(ctx context.Context, seed, own, collection []byte) (string, error) {
	b, err := c.one(ctx, OpOpenTitle, seed, own, collection)
	return string(b), err
}

// NewGrant makes a grant and its transform key.
func (c Client) NewGrant(ctx context.Context, seed, owner, collection, reader []byte, f *GrantFields) (grant, transformKey []byte, err error) {
	args := append([][]byte{seed, owner, collection, reader}, f.frames()...)
	return c.two(ctx, OpNewGrant, args...)
}

// OpenGrant verifies a grant against whichever of collection, reader and
// transform key are given.
func (c Client) OpenGrant(ctx context.Context, owner, collection, reader, grant, transformKey []byte) (*Grant, error) {
	r, err := c.call(ctx, OpOpenGrant, grantFrames, owner, collection, reader, grant, transformKey)
	if err != nil {
		return nil, err
	}
	return readGrant(r)
}

// grantFrames is the number of frames that say what a grant says.
const grantFrames = 18

// readGrant reads them.
func readGrant(r *Reader) (*Grant, error) {
	v := &Grant{}
	copy(v.Grant[:], r.Fixed(16))
	copy(v.Service[:], r.Fixed(32))
	copy(v.Owner[:], r.Fixed(32))
	v.OwnerVersion = r.U32()
	copy(v.Collection[:], r.Fixed(16))
	v.Epoch = r.U32()
	v.Suite = r.U8()
	copy(v.CollectionHash[:], r.Fixed(32))
	copy(v.Reader[:], r.Fixed(32))
	v.ReaderVersion = r.U32()
	copy(v.TransformKeyHash[:], r.Fixed(32))
	v.Kind = r.U8()
	v.Scope = split[[16]byte](r, r.Bytes())
	v.NotBefore = r.U64()
	v.Expires = r.U64()
	v.Wait = r.U64()
	v.Uses = r.U32()
	v.Extensions = r.Extensions()
	return whole(r, v)
}

// joinReaders concatenates readers: id and little-endian version, 36 bytes each.
func joinReaders(readers []ReaderRef) []byte {
	var out []byte
	for _, v := range readers {
		out = append(out, v.ID[:]...)
		out = append(out, U32(v.Version)...)
	}
	return out
}

// split takes a concatenation of ids apart; a remainder is a fault of r.
func split[T [16]byte | [32]byte](r *Reader, b []byte) []T {
	var id T
	if len(b)%len(id) != 0 {
		r.err = ErrMalformed
		return nil
	}
	var out []T
	for i, v := range b {
		if id[i%len(id)] = v; i%len(id) == len(id)-1 {
			out = append(out, id)
		}
	}
	return out
}
