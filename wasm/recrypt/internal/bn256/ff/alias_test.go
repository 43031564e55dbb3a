package ff

import (
	"testing"

	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/aliastest"
)

func (c *tester[T, P]) aliasing() {
	random := func() T {
		if c.rnd.IntN(4) == 0 {
			return c.boundary(c.limit, low)
		}
		return c.random()
	}
	aliastest.Check(c.T, 2, random, map[string]func(v []*T){
		"Set":       func(v []*T) { P(v[0]).Set(v[1]) },
		"Sqr":       func(v []*T) { P(v[0]).Sqr(v[1]) },
		"Neg":       func(v []*T) { P(v[0]).Neg(v[1]) },
		"Double":    func(v []*T) { P(v[0]).Double(v[1]) },
		"Mul3":      func(v []*T) { P(v[0]).Mul3(v[1]) },
		"Mul9":      func(v []*T) { P(v[0]).Mul9(v[1]) },
		"Inv":       func(v []*T) { P(v[0]).Inv(v[1]) },
		"CondNeg 0": func(v []*T) { P(v[0]).CondNeg(v[1], 0) },
		"CondNeg 1": func(v []*T) { P(v[0]).CondNeg(v[1], 1) },
	})
	aliastest.Check(c.T, 3, random, map[string]func(v []*T){
		"Add":      func(v []*T) { P(v[0]).Add(v[1], v[2]) },
		"AddLoose": func(v []*T) { P(v[0]).AddLoose(v[1], v[2]) },
		"Sub":      func(v []*T) { P(v[0]).Sub(v[1], v[2]) },
		"Mul":      func(v []*T) { P(v[0]).Mul(v[1], v[2]) },
		"Mul3Add":  func(v []*T) { P(v[0]).Mul3Add(v[1], v[2]) },
		"Mul3Sub":  func(v []*T) { P(v[0]).Mul3Sub(v[1], v[2]) },
		"Mul3Add2": func(v []*T) { P(v[0]).Mul3Add2(v[1], v[2]) },
		"Mul3Sub2": func(v []*T) { P(v[0]).Mul3Sub2(v[1], v[2]) },
		"Select 0": func(v []*T) { P(v[0]).Select(v[1], v[2], 0) },
		"Select 1": func(v []*T) { P(v[0]).Select(v[1], v[2], 1) },
	})
	aliastest.Check(c.T, 4, random, map[string]func(v []*T){
		"SubSub": func(v []*T) { P(v[0]).SubSub(v[1], v[2], v[3]) },
	})
}

// A factor may be a part of the result.
func TestPartAliasing(t *testing.T) {
	c := fpTester(t)
	random2 := func() Fp2 { return Fp2{c.random(), c.random()} }
	random6 := func() Fp6 { return Fp6{random2(), random2(), random2()} }
	for range 20 {
		x2, z2 := random2(), random2()
		for i := range 2 {
			part := func(z *Fp2) *Fp { return []*Fp{&z.A0, &z.A1}[i] }
			k, want := *part(&z2), Fp2{}
			want.MulFp(&x2, &k)
			got := z2
			if got.MulFp(&x2, part(&got)); got != want {
				t.Fatalf("MulFp by part %d of the result", i)
			}
			want.MulFp(&z2, &k)
			got = z2
			if got.MulFp(&got, part(&got)); got != want {
				t.Fatalf("MulFp by part %d of itself", i)
			}
		}
		x6, z6 := random6(), random6()
		for i := range 3 {
			part := func(z *Fp6) *Fp2 { return []*Fp2{&z.B0, &z.B1, &z.B2}[i] }
			k, want := *part(&z6), Fp6{}
			want.MulFp2(&x6, &k)
			got := z6
			if got.MulFp2(&x6, part(&got)); got != want {
				t.Fatalf("MulFp2 by part %d of the result", i)
			}
			want.MulFp2(&z6, &k)
			got = z6
			if got.MulFp2(&got, part(&got)); got != want {
				t.Fatalf("MulFp2 by part %d of itself", i)
			}
		}
		x, z := Fp12{random6(), random6()}, Fp12{random6(), random6()}
		for i := range 36 {
			b, d := *z.coefficients()[i/6], *z.coefficients()[i%6]
			var want Fp12
			want.MulLine(&x, &b, &d)
			got := z
			if got.MulLine(&x, got.coefficients()[i/6], got.coefficients()[i%6]); got != want {
				t.Fatalf("MulLine by coefficients %d and %d of the result", i/6, i%6)
			}
			want.MulLine(&z, &b, &d)
			got = z
			if got.MulLine(&got, got.coefficients()[i/6], got.coefficients()[i%6]); got != want {
				t.Fatalf("MulLine by coefficients %d and %d of itself", i/6, i%6)
			}
		}
	}
}
