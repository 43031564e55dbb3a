// Package opaque has the interfaces of what a suite keeps decoded between calls:
// keys that were prepared for many uses. Package recrypt wraps them in its own types.
//
// They are declared below the curves, like the errors of package fault, so that the
// packages of all suites return the same types.
package opaque

// A TransformKey is a transform key whose signature was verified and whose tables were
// made.
type TransformKey interface {
	// Bytes returns the key with its tables, of a length that only depends on the suite.
	Bytes() []byte

	// Transform transforms the values and signs the results, all in order. The GT
	// elements K' and the scalars σ are one for each value. A value with an error has
	// no result.
	Transform(values [][]byte, signer []byte, temps, ephemerals [][]byte) ([][]byte, []error)

	// Wipe overwrites the key and its tables.
	Wipe()
}

// A PublicKey is a public key whose pairing with g1 was computed.
type PublicKey interface {
	// Encrypt encrypts m to the key and signs the value. ephemeral is the scalar e.
	Encrypt(m, signer, ephemeral []byte) ([]byte, error)
}
