// Package bn256 has the groups G1, G2 and GT and the pairing of the 256-bit
// recrypt curve, a Barreto–Naehrig curve (spec sections 2 to 6). It is arithmetic
// only: hashing, randomness and the scheme are above it.
//
//	type    group                          bytes        encoding
//	Scalar  integers modulo r              FieldSize    big-endian
//	G1      y² = x³ + 3 over Fp            G1Size       x ‖ y
//	G2      y² = x³ + 3/ξ over Fp2, order r G2Size      x.im ‖ x.re ‖ y.im ‖ y.re
//	GT      subgroup of order r of Fp12*   GTSize       c₅ ‖ c₃ ‖ c₁ ‖ c₄ ‖ c₂ ‖ c₀, each im ‖ re
//
// The identity of G1 and G2 is encoded as one zero byte, which no decoder accepts.
// Package ff fixes the towers.
//
// SetBytes is strict: exact length, canonical parts, on the curve, in the
// subgroup, not the identity. SetBytesReduced accepts what recrypt accepts and
// exists for known-answer tests; do not feed it input from others.
//
// For a second argument that stays the same, prepare it: PreparedG2 keeps the lines of a
// point, g1's are always kept. The functions with Many in their names pair a list of
// points, sharing the inversions. Multiples of G and g1 and powers of e(G, g1) come
// from tables, which are made at first use.
//
// v.Op(a, b) sets v and returns v; arguments may alias. Predicates return 1 or 0.
// The time of everything but decoding, Bytes (which tells identities apart) and
// functions named Vartime is independent of values: no branch and no index depends
// on them. That holds for the Go code; what a WebAssembly engine makes of it is not
// promised by anybody.
package bn256

//go:generate go run ../gen/curve.go ../gen/lattice.go ../gen/params.go -set 256
//go:generate go run ../gen/sibling.go -to ../bn480
