package ff

import "testing"

func BenchmarkFpMul(b *testing.B) {
	x, y := fpR2, fpR2
	for b.Loop() {
		x.Mul(&x, &y)
	}
}

func BenchmarkFpSqr(b *testing.B) {
	x := fpR2
	for b.Loop() {
		x.Sqr(&x)
	}
}

func BenchmarkFpAdd(b *testing.B) {
	x, y := fpR2, fpR2
	for b.Loop() {
		x.Add(&x, &y)
	}
}

func BenchmarkFpInv(b *testing.B) {
	x := fpR2
	for b.Loop() {
		x.Inv(&x)
	}
}

func BenchmarkFp12CyclotomicSqr(b *testing.B) {
	var x Fp12
	x.SetOne()
	for b.Loop() {
		x.CyclotomicSqr(&x)
	}
}
