//go:build !purego && !limbs29

package ff

import (
	"math/rand/v2"
	"testing"
)

// Assembly gives the limbs that pure Go gives, wherever the result is written.
func TestAssembly(t *testing.T) {
	rnd := rand.New(rand.NewPCG(31, 32))
	p, r := fpTester(t), frTester(t)
	for i := range enough(20_000, 4_000, 10_000_000) {
		x, y := Fp2{p.boundary(p.limit, low), p.random()}, Fp2{p.random(), p.random()}
		if rnd.IntN(2) == 0 {
			y = Fp2{p.boundary(p.limit, low), p.greatest()}
		}
		u, v := r.boundary(r.limit, low), r.random()
		if rnd.IntN(2) == 0 {
			v = r.boundary(r.limit, low)
		}
		var want2, got2 Fp2
		var want, got Fp
		var wantR, gotR Fr
		fp2MulGeneric(&want2, &x, &y)
		fpMulGeneric(&want, &x.A0, &y.A1)
		frMulGeneric(&wantR, &u, &v)
		fpMul(&got, &x.A0, &y.A1)
		frMul(&gotR, &u, &v)
		z2 := []*Fp2{&got2, &x, &y}[i%3]
		if fp2Mul(z2, &x, &y); *z2 != want2 || got != want || gotR != wantR {
			t.Fatalf("products: %x, %x, %x instead of %x, %x, %x", *z2, got, gotR, want2, want, wantR)
		}
		fpSqrGeneric(&want, &y.A0)
		frSqrGeneric(&wantR, &u)
		fpSqr(&y.A0, &y.A0)
		if frSqr(&u, &u); y.A0 != want || u != wantR {
			t.Fatalf("squares: %x, %x instead of %x, %x", y.A0, u, want, wantR)
		}
	}
}

// A factor may be any integer below R beside a reduced one: setWords multiplies so.
func TestAssemblyOfWideFactors(t *testing.T) {
	rnd := rand.New(rand.NewPCG(33, 34))
	for range enough(20_000, 4_000, 10_000_000) {
		var x Fp
		for i := range x.l {
			x.l[i] = [...]uint64{0, ^uint64(0), rnd.Uint64()}[rnd.IntN(3)]
		}
		var want, got Fp
		fpMulGeneric(&want, &x, &fpR2)
		if fpMul(&got, &x, &fpR2); got != want {
			t.Fatalf("%x instead of %x", got, want)
		}
	}
}
