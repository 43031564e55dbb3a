package recrypt

import "github.com/recrypt-service/recrypt/wasm/recrypt/internal/fault"

// The errors of this package. They are returned as they are, never wrapped, and
// carry nothing of the input. Compare them with errors.Is.
var (
	// ErrSuite: the suite is unknown, not available in this build, or the
	// arguments of one call belong to different suites.
	ErrSuite = fault.Suite

	// ErrSize: a byte string has the wrong length.
	ErrSize = fault.Size

	// ErrBlocks: an encrypted value has, or would get, more than MaxBlocks
	// transform blocks.
	ErrBlocks = fault.Blocks

	// ErrEncoding: a field is malformed: a plaintext or a GT element of a value
	// is not canonical or not in GT, or a verifying key is not acceptable.
	ErrEncoding = fault.Encoding

	// ErrPrivateKey: a private key is not in [1, r-1], a sum or difference of
	// private keys is zero, or the key has been wiped.
	ErrPrivateKey = fault.PrivateKey

	// ErrPublicKey: a public key, or a public key inside an encrypted value, is
	// not canonical or not on the curve, or a sum of public keys is the point at
	// infinity.
	ErrPublicKey = fault.PublicKey

	// ErrTransformKey: a point of a transform key is malformed, its hashed temp
	// key is not in the right subgroup, or its signature does not verify.
	ErrTransformKey = fault.TransformKey

	// ErrSigningKey: the halves of a signing key do not belong together.
	ErrSigningKey = fault.SigningKey

	// ErrSignature: the signature of an encrypted value does not verify.
	ErrSignature = fault.Signature

	// ErrDecrypt: decryption failed. One error for every reason: wrong private
	// key, a value not made for it, altered contents.
	ErrDecrypt = fault.Decrypt
)
