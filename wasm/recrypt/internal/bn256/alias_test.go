package bn256

import (
	"math/big"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/aliastest"
	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/bn256/ff"
)

func groupAliasing[T comparable, P group[T]](t *testing.T) {
	k := randomScalar(t)
	random := func() T {
		var p T
		if testRand.IntN(6) > 0 { // else the zero value, which is the identity
			P(&p).ScalarBaseMult(randomScalar(t))
		}
		return p
	}
	aliastest.Check(t, 2, random, map[string]func(v []*T){
		"Set":        func(v []*T) { P(v[0]).Set(v[1]) },
		"Negate":     func(v []*T) { P(v[0]).Negate(v[1]) },
		"ScalarMult": func(v []*T) { P(v[0]).ScalarMult(k, v[1]) },
	})
	aliastest.Check(t, 3, random, map[string]func(v []*T){
		"Add": func(v []*T) { P(v[0]).Add(v[1], v[2]) },
		"Sub": func(v []*T) { P(v[0]).Sub(v[1], v[2]) },
	})
}

func TestGroupAliasing(t *testing.T) {
	groupAliasing[G1](t)
	groupAliasing[G2](t)
	a, b := randomScalar(t), randomScalar(t)
	g1 := func() G1 { return *new(G1).ScalarBaseMult(randomScalar(t)) }
	aliastest.Check(t, 2, g1, map[string]func(v []*G1){
		"DoubleScalarMultVartime": func(v []*G1) { v[0].DoubleScalarMultVartime(a, v[1], b) },
	})
	gt := func() GT { return *new(GT).BaseExp(randomScalar(t)) }
	aliastest.Check(t, 2, gt, map[string]func(v []*GT){
		"Set":     func(v []*GT) { v[0].Set(v[1]) },
		"Inverse": func(v []*GT) { v[0].Inverse(v[1]) },
		"Exp":     func(v []*GT) { v[0].Exp(v[1], a) },
	})
	aliastest.Check(t, 3, gt, map[string]func(v []*GT){
		"Mul": func(v []*GT) { v[0].Mul(v[1], v[2]) },
	})
	scalar := func() Scalar { return *randomScalar(t) }
	aliastest.Check(t, 2, scalar, map[string]func(v []*Scalar){
		"Set":    func(v []*Scalar) { v[0].Set(v[1]) },
		"Negate": func(v []*Scalar) { v[0].Negate(v[1]) },
	})
	aliastest.Check(t, 3, scalar, map[string]func(v []*Scalar){
		"Add":    func(v []*Scalar) { v[0].Add(v[1], v[2]) },
		"Sub":    func(v []*Scalar) { v[0].Sub(v[1], v[2]) },
		"Mul":    func(v []*Scalar) { v[0].Mul(v[1], v[2]) },
		"Select": func(v []*Scalar) { v[0].Select(v[1], v[2], 1) },
	})
}

// The formulas below the groups, on points with z ≠ 1.
func TestPointAliasing(t *testing.T) {
	p1 := func() point1 {
		p := new(G1).ScalarBaseMult(randomScalar(t)).p
		return *p.double(&p)
	}
	aliastest.Check(t, 2, p1, map[string]func(v []*point1){
		"double": func(v []*point1) { v[0].double(v[1]) },
		"neg":    func(v []*point1) { v[0].neg(v[1]) },
		"addAffine": func(v []*point1) {
			var a affine1
			a.x.SetOne()
			a.y.Double(&a.x)
			v[0].addAffine(v[1], &a)
		},
	})
	aliastest.Check(t, 3, p1, map[string]func(v []*point1){
		"add":      func(v []*point1) { v[0].add(v[1], v[2]) },
		"choose 1": func(v []*point1) { v[0].choose(v[1], v[2], 1) },
		"choose 0": func(v []*point1) { v[0].choose(v[1], v[2], 0) },
	})
	p2 := func() point2 {
		p := new(G2).ScalarBaseMult(randomScalar(t)).p
		return *p.double(&p)
	}
	base := new(G2).SetGenerator().p.affine()
	aliastest.Check(t, 2, p2, map[string]func(v []*point2){
		"double":    func(v []*point2) { v[0].double(v[1]) },
		"neg":       func(v []*point2) { v[0].neg(v[1]) },
		"psi":       func(v []*point2) { v[0].psi(v[1]) },
		"multiplyU": func(v []*point2) { v[0].multiplyU(v[1]) },
		"addAffine": func(v []*point2) { v[0].addAffine(v[1], &base) },
	})
	aliastest.Check(t, 3, p2, map[string]func(v []*point2){
		"add":      func(v []*point2) { v[0].add(v[1], v[2]) },
		"choose 1": func(v []*point2) { v[0].choose(v[1], v[2], 1) },
		"choose 0": func(v []*point2) { v[0].choose(v[1], v[2], 0) },
	})
	element := func() ff.Fp12 { return new(GT).BaseExp(randomScalar(t)).f }
	aliastest.Check(t, 2, element, map[string]func(v []*ff.Fp12){
		"powU": func(v []*ff.Fp12) { powU(v[0], v[1]) },
	})
}

// modelTest compares sums, also exceptional ones, with chord and tangent.
func modelTest[T comparable, P group[T]](t *testing.T) {
	var zero T
	for range 10 {
		k := randomScalar(t)
		a, b := P(new(T)).ScalarBaseMult(randomScalar(t)), P(new(T)).ScalarBaseMult(k)
		minus := P(new(T)).Negate(b)
		// [k]B once more, by other coordinates
		again := P(new(T)).Sub(P(new(T)).Add(b, a), a)
		points := []*T{a, b, minus, again, &zero}
		for _, x := range points {
			for _, y := range points {
				mx, my := decodeModel(t, P(x).Bytes()), decodeModel(t, P(y).Bytes())
				if !decodeModel(t, P(P(new(T)).Add(x, y)).Bytes()).equal(mx.add(my)) {
					t.Fatal("Add is not the sum")
				}
				if !decodeModel(t, P(P(new(T)).Sub(x, y)).Bytes()).equal(mx.add(my.neg())) {
					t.Fatal("Sub is not the difference")
				}
				if (P(x).Equal(y) == 1) != mx.equal(my) {
					t.Fatal("Equal")
				}
			}
		}
		want := decodeModel(t, P(a).Bytes()).times(new(big.Int).SetBytes(k.Bytes()))
		if !decodeModel(t, P(P(new(T)).ScalarMult(k, a)).Bytes()).equal(want) {
			t.Fatal("ScalarMult is not the multiple")
		}
	}
}

func TestGroupsAgainstModel(t *testing.T) {
	modelTest[G1](t)
	modelTest[G2](t)
}
