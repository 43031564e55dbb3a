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

func benchFp2() (x, y Fp2) { return Fp2{fpR2, fpOne}, Fp2{fpOne, fpR2} }

func BenchmarkFp2Mul(b *testing.B) {
	x, y := benchFp2()
	for b.Loop() {
		x.Mul(&x, &y)
	}
}

func BenchmarkFp2Sqr(b *testing.B) {
	x, _ := benchFp2()
	for b.Loop() {
		x.Sqr(&x)
	}
}

func BenchmarkFp2Add(b *testing.B) {
	x, y := benchFp2()
	for b.Loop() {
		x.Add(&x, &y)
	}
}

func BenchmarkFp2AddLoose(b *testing.B) {
	x, y := benchFp2()
	var z Fp2
	for b.Loop() {
		z.AddLoose(&x, &y)
	}
}

func BenchmarkFp2AddXiSubSub(b *testing.B) {
	x, y := benchFp2()
	for b.Loop() {
		x.AddXiSubSub(&x, &y, &y, &y)
	}
}

func BenchmarkFp12Mul(b *testing.B) {
	var x, y Fp12
	x.SetOne()
	y.SetOne()
	for b.Loop() {
		x.Mul(&x, &y)
	}
}
