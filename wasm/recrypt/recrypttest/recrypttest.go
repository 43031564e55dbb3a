// Package recrypttest is for tests of package recrypt and of what is built on it:
// recorded answers of the upstream library, the operations with given randomness
// in place of fresh randomness, and decoding as permissive as upstream's.
//
// Nothing here belongs in a program. Given randomness, used twice, gives private
// keys away; lenient decoding accepts values that package recrypt refuses for good
// reasons.
package recrypttest

import (
	"embed"
	"io"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/internal/entropy"
)

// Vectors holds the recorded answers, in the folder "vectors". Spec section 16 says
// what each file is.
//
//go:embed vectors/*.json
var Vectors embed.FS

// SetRandom makes all operations draw their randomness from r until the test ends.
// A reader that runs dry makes the operation panic. Tests that use it must not run in
// parallel with others.
//
// The number of bytes each operation draws is fixed: 2n for a scalar and for an
// element of GT (spec section 8), 32 for an Ed25519 seed. Operations draw
//
//	private key, plaintext    one scalar
//	signing key               a seed
//	Encrypt                   e
//	TransformKey              ρ, then the scalar of K
//	Transform                 the scalar of K', then σ
//	SignSchnorr               the nonce
//
// where 2n bytes x give the scalar 1 + (int(x) mod (r-1)), and a scalar k the
// element e(G, g1)^k.
func SetRandom(tb testing.TB, r io.Reader) {
	tb.Helper()
	tb.Cleanup(entropy.Replace(r))
}
