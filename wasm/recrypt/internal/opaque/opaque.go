// Package opaque has the types of what package recrypt keeps of a suite's objects between
// calls, beyond their bytes: what is known of signatures, and keys that were prepared for
// many uses. Package recrypt wraps them in its own types.
//
// They are declared below the curves, like the errors of package fault, so that the
// packages of all suites share them.
package opaque

// A Signed is an encrypted value or a transform key: its bytes, which carry a signature.
type Signed struct {
	Bytes    []byte
	Verified bool // the signature is known to be good
}

// A TransformKey is a transform key with tables for many transforms.
type TransformKey interface {
	// Bytes returns the key with its tables, of a length that only depends on the suite.
	Bytes() []byte

	// Transform transforms the values and signs the results, all in order. There is one
	// K' and one σ for each value. A value with an error has no result.
	Transform(values []Signed, signer []byte, temps, ephemerals [][]byte) ([][]byte, []error)

	// Wipe overwrites the key and its tables.
	Wipe()
}

// A PublicKey is a public key with its pairing with g1.
type PublicKey interface {
	// Encrypt encrypts m to the key and signs the value. ephemeral is the scalar e.
	Encrypt(m, signer, ephemeral []byte) ([]byte, error)
}
