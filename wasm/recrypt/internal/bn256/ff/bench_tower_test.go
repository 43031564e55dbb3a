package ff

import "testing"

func benchFp6() (x, y Fp6) {
	a, b := Fp2{fpR2, fpOne}, Fp2{fpOne, fpR2}
	return Fp6{a, b, a}, Fp6{b, a, b}
}

func benchFp12() (x, y Fp12) {
	a, b := benchFp6()
	return Fp12{a, b}, Fp12{b, a}
}

func BenchmarkFp6Mul(b *testing.B) {
	x, y := benchFp6()
	for b.Loop() {
		x.Mul(&x, &y)
	}
}

func BenchmarkFp6Sqr(b *testing.B) {
	x, _ := benchFp6()
	for b.Loop() {
		x.Sqr(&x)
	}
}

func BenchmarkFp12Sqr(b *testing.B) {
	x, _ := benchFp12()
	for b.Loop() {
		x.Sqr(&x)
	}
}

func BenchmarkFp12MulLine(b *testing.B) {
	x, y := benchFp12()
	for b.Loop() {
		x.MulLine(&x, &y.C0.B0, &y.C0.B1)
	}
}

func BenchmarkFp12Frobenius(b *testing.B) {
	x, _ := benchFp12()
	for b.Loop() {
		x.Frobenius(&x)
	}
}

func BenchmarkFp12Inv(b *testing.B) {
	x, _ := benchFp12()
	for b.Loop() {
		x.Inv(&x)
	}
}

func BenchmarkFrMul(b *testing.B) {
	x, y := frR2, frR2
	for b.Loop() {
		x.Mul(&x, &y)
	}
}

func BenchmarkFrInv(b *testing.B) {
	x := frR2
	for b.Loop() {
		x.Inv(&x)
	}
}
