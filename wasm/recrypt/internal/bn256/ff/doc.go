// Package ff has the finite fields below the pairing: Fp, its extensions Fp2, Fp6
// and Fp12, and the field of scalars Fr.
//
// Towers:
//
//	Fp2  = Fp[i]/(i²+1)     A0 + A1·i
//	Fp6  = Fp2[v]/(v³−ξ)    B0 + B1·v + B2·v²     ξ = 3 + i
//	Fp12 = Fp6[w]/(w²−v)    C0 + C1·w
//
// Bytes, all big-endian and of fixed length, highest power first (spec section 5):
//
//	Fp, Fr  FpSize = FrSize   the integer, zero padded
//	Fp2     2·FpSize          A1 ‖ A0
//	Fp6     6·FpSize          B2 ‖ B1 ‖ B0
//	Fp12    12·FpSize         C1 ‖ C0
//
// v.Op(a, b) sets v and returns v; arguments may alias v and each other; the zero
// value is 0. Predicates return 1 or 0. Nothing here branches on or indexes by a
// value, and the time of a function with a byte slice depends on its length only;
// only errors of decoding are told apart. An inverse of 0 is 0.
//
// There are two limb forms with the same methods: 64-bit limbs, the default, and
// 29-bit limbs for WebAssembly, which can be had natively for tests by the build
// tag limbs29. The 64-bit form is in assembly on amd64 with BMI2 and ADX
// (limbs64_amd64.s), and its products are on arm64 (limbs64_arm64.s); the rest, other
// processors, and all of it with the build tag purego, is the pure Go of generic64.go
// and of the functions named *Generic. Both give the same limbs, except
// that loose results may differ by p. In WebAssembly the products and sums of the
// 29-bit form are assembly too (kernels_wasm.s); natively, for TinyGo and with purego
// they are the Go of kernels_limbs29.go. Both give the same limbs.
//
// Files named f?_limbs64.go and f?_limbs29.go, fp.go, fr.go and the assembly are
// generated; go generate writes them again.
package ff

//go:generate go run ../../gen/field.go ../../gen/params.go -set 256
//go:generate go run ../../gen/kernels29.go ../../gen/params.go -set 256
//go:generate go run -modfile=../../../../../.ci/avo.mod ../../gen/amd64.go ../../gen/amd64_fp2.go ../../gen/amd64_mul2.go ../../gen/params.go -set 256
//go:generate go run ../../gen/arm64.go ../../gen/params.go -set 256
//go:generate go run ../../gen/sibling.go -to ../../bn480/ff
