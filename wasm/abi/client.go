package abi

import "context"

// A Client gives the operations of a Caller their types. The zero value is
// useless; set Caller. Its methods return [*Error] values for answers of the
// core and other errors if the engine itself failed.
type Client struct{ Caller Caller }

// call runs op and hands its result frames, exactly want of them, to a Reader.
func (c Client) call(ctx context.Context, op Op, want int, args ...[]byte) (*Reader, error) {
	request := Pack(args...)
	response, err := c.Caller.Call(ctx, op, request)
	clear(request)
	if err != nil {
		return nil, err
	}
	r := NewReader(response, want)
	return r, r.err
}

// one runs op and returns its only result.
func (c Client) one(ctx context.Context, op Op, args ...[]byte) ([]byte, error) {
	r, err := c.call(ctx, op, 1, args...)
	if err != nil {
		return nil, err
	}
	return r.Bytes(), r.Err()
}

// two runs op and returns its two results.
func (c Client) two(ctx context.Context, op Op, args ...[]byte) (a, b []byte, err error) {
	r, err := c.call(ctx, op, 2, args...)
	if err != nil {
		return nil, nil, err
	}
	a, b = r.Bytes(), r.Bytes()
	return a, b, r.Err()
}

// whole returns the view v that was read from r, or nil if there was a fault.
func whole[T any](r *Reader, v *T) (*T, error) {
	if err := r.Err(); err != nil {
		return nil, err
	}
	return v, nil
}

// Info returns the module's ABI version and the suites built into it.
func (c Client) Info(ctx context.Context) (version uint32, suites []byte, err error) {
	r, err := c.call(ctx, OpInfo, 2)
	if err != nil {
		return 0, nil, err
	}
	version, suites = r.U32(), r.Bytes()
	if err := r.Err(); err != nil {
		return 0, nil, err
	}
	return version, suites, nil
}

// SelfTest returns an error if this copy of the core is damaged.
func (c Client) SelfTest(ctx context.Context) error {
	r, err := c.call(ctx, OpSelfTest, 0)
	if err != nil {
		return err
	}
	return r.Err()
}

// An Outcome is what became of one item of a batch: a result, or an [*Error].
type Outcome struct {
	Value []byte
	Err   error
}

// many runs an operation on a batch of items and returns their outcomes, one each.
func (c Client) many(ctx context.Context, op Op, items [][]byte, args ...[]byte) ([]Outcome, error) {
	if len(items) > MaxBatch {
		return nil, ErrTooLarge
	}
	batch := Pack(items...)
	defer clear(batch)
	b, err := c.one(ctx, op, append(args, batch)...)
	if err != nil {
		return nil, err
	}
	frames, err := Unpack(b, len(items))
	if err != nil {
		return nil, err
	}
	out := make([]Outcome, len(frames))
	for i, f := range frames {
		out[i].Value, out[i].Err = Result(f)
	}
	return out, nil
}

// GenerateKeyPair returns a new encryption key pair: n and 2n bytes.
func (c Client) GenerateKeyPair(ctx context.Context, suite uint8) (private, public []byte, err error) {
	return c.two(ctx, OpGenerateKeyPair, U8(suite))
}

// PublicKey returns the public key (2n bytes) of a private key (n bytes).
func (c Client) PublicKey(ctx context.Context, suite uint8, private []byte) ([]byte, error) {
	return c.one(ctx, OpPublicKey, U8(suite), private)
}

// GenerateSigningKeyPair returns a new Ed25519 key pair: 64 and 32 bytes.
func (c Client) GenerateSigningKeyPair(ctx context.Context) (private, public []byte, err error) {
	return c.two(ctx, OpGenerateSigningKeyPair)
}

// GeneratePlaintext returns a random plaintext, 12n bytes.
func (c Client) GeneratePlaintext(ctx context.Context, suite uint8) ([]byte, error) {
	return c.one(ctx, OpGeneratePlaintext, U8(suite))
}

// DeriveSymmetricKey returns the 32-byte key of a plaintext.
func (c Client) DeriveSymmetricKey(ctx context.Context, suite uint8, plaintext []byte) ([]byte, error) {
	return c.one(ctx, OpDeriveSymmetricKey, U8(suite), plaintext)
}

// Encrypt encrypts a plaintext to a public key and signs the value.
func (c Client) Encrypt(ctx context.Context, suite uint8, plaintext, public, signing []byte) ([]byte, error) {
	return c.one(ctx, OpEncrypt, U8(suite), plaintext, public, signing)
}

// TransformKey makes the transform key from the holder of private to public.
func (c Client) TransformKey(ctx context.Context, suite uint8, private, public, signing []byte) ([]byte, error) {
	return c.one(ctx, OpTransformKey, U8(suite), private, public, signing)
}

// Transform applies a transform key to an encrypted value of any level.
func (c Client) Transform(ctx context.Context, suite uint8, value, key, signing []byte) ([]byte, error) {
	return c.one(ctx, OpTransform, U8(suite), value, key, signing)
}

// Decrypt opens an encrypted value of any level.
func (c Client) Decrypt(ctx context.Context, suite uint8, value, private []byte) ([]byte, error) {
	return c.one(ctx, OpDecrypt, U8(suite), value, private)
}

// SchnorrSign signs a message with an encryption key; public may be augmented.
func (c Client) SchnorrSign(ctx context.Context, suite uint8, private, public, message []byte) ([]byte, error) {
	return c.one(ctx, OpSchnorrSign, U8(suite), private, public, message)
}

// SchnorrVerify returns ErrSignature unless the signature is good. augmenting
// may be nil.
func (c Client) SchnorrVerify(ctx context.Context, suite uint8, public, augmenting, message, signature []byte) error {
	_, err := c.call(ctx, OpSchnorrVerify, 0, U8(suite), public, augmenting, message, signature)
	return err
}

// Ed25519Sign signs a message with a 64-byte signing key.
func (c Client) Ed25519Sign(ctx context.Context, signing, message []byte) ([]byte, error) {
	return c.one(ctx, OpEd25519Sign, signing, message)
}

// Ed25519Verify returns ErrSignature unless the signature is good by the strict
// rule.
func (c Client) Ed25519Verify(ctx context.Context, public, message, signature []byte) error {
	_, err := c.call(ctx, OpEd25519Verify, 0, public, message, signature)
	return err
}

// AddPrivateKeys returns the sum of two private keys modulo r.
func (c Client) AddPrivateKeys(ctx context.Context, suite uint8, a, b []byte) ([]byte, error) {
	return c.one(ctx, OpAddPrivateKeys, U8(suite), a, b)
}

// SubtractPrivateKeys returns a − b modulo r.
func (c Client) SubtractPrivateKeys(ctx context.Context, suite uint8, a, b []byte) ([]byte, error) {
	return c.one(ctx, OpSubtractPrivateKeys, U8(suite), a, b)
}

// AddPublicKeys returns the sum of two public keys.
func (c Client) AddPublicKeys(ctx context.Context, suite uint8, a, b []byte) ([]byte, error) {
	return c.one(ctx, OpAddPublicKeys, U8(suite), a, b)
}

// AugmentTransformKey returns the transform key augmented with a private key.
func (c Client) AugmentTransformKey(ctx context.Context, suite uint8, key, private []byte) ([]byte, error) {
	return c.one(ctx, OpAugmentTransformKey, U8(suite), key, private)
}

// PrepareTransformKey makes a transform key ready for many transforms. The result is as
// secret as the key, and for the memory of this machine only.
func (c Client) PrepareTransformKey(ctx context.Context, suite uint8, key []byte) ([]byte, error) {
	return c.one(ctx, OpPrepareTransformKey, U8(suite), key)
}

// TransformPrepared applies a prepared transform key to at most MaxBatch encrypted values
// of any level.
func (c Client) TransformPrepared(ctx context.Context, suite uint8, prepared, signing []byte, values [][]byte) ([]Outcome, error) {
	return c.many(ctx, OpTransformPrepared, values, U8(suite), prepared, signing)
}

// DecryptMany opens at most MaxBatch encrypted values of any level.
func (c Client) DecryptMany(ctx context.Context, suite uint8, private []byte, values [][]byte) ([]Outcome, error) {
	return c.many(ctx, OpDecryptMany, values, U8(suite), private)
}
