package ff

import (
	"testing"

	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/aliastest"
)

// linear are the linear combinations in Fp2, v[0] being the result, with their
// coefficients.
var linear = map[string]struct {
	f func(v []*Fp2)
	c []complexModel
}{
	"Add":         {func(v []*Fp2) { v[0].Add(v[1], v[2]) }, ints(1, 1)},
	"Sub":         {func(v []*Fp2) { v[0].Sub(v[1], v[2]) }, ints(1, -1)},
	"Double":      {func(v []*Fp2) { v[0].Double(v[1]) }, ints(2)},
	"Neg":         {func(v []*Fp2) { v[0].Neg(v[1]) }, ints(-1)},
	"Mul3":        {func(v []*Fp2) { v[0].Mul3(v[1]) }, ints(3)},
	"MulXi":       {func(v []*Fp2) { v[0].MulXi(v[1]) }, xi(1)},
	"AddAdd":      {func(v []*Fp2) { v[0].AddAdd(v[1], v[2], v[3]) }, ints(1, 1, 1)},
	"SubSub":      {func(v []*Fp2) { v[0].SubSub(v[1], v[2], v[3]) }, ints(1, -1, -1)},
	"SubSubAdd":   {func(v []*Fp2) { v[0].SubSubAdd(v[1], v[2], v[3], v[4]) }, ints(1, -1, -1, 1)},
	"SubSubXi":    {func(v []*Fp2) { v[0].SubSubXi(v[1], v[2], v[3]) }, append(ints(1, -1), xi(-1)...)},
	"SubSubAddXi": {func(v []*Fp2) { v[0].SubSubAddXi(v[1], v[2], v[3], v[4]) }, append(ints(1, -1, -1), xi(1)...)},
	"AddXi":       {func(v []*Fp2) { v[0].AddXi(v[1], v[2]) }, append(ints(1), xi(1)...)},
	"AddAddXi":    {func(v []*Fp2) { v[0].AddAddXi(v[1], v[2], v[3]) }, append(ints(1, 1), xi(1)...)},
	"AddXiAdd":    {func(v []*Fp2) { v[0].AddXiAdd(v[1], v[2], v[3]) }, append(ints(1), xi(1, 1)...)},
	"AddXiSubSub": {func(v []*Fp2) { v[0].AddXiSubSub(v[1], v[2], v[3], v[4]) }, append(ints(1), xi(1, -1, -1)...)},
	"cyc0":        {func(v []*Fp2) { v[0].cyc0(v[1], v[2], v[3]) }, append(append(ints(3), xi(3)...), ints(-2)...)},
	"cyc1":        {func(v []*Fp2) { v[0].cyc1(v[1], v[2], v[3], v[4]) }, ints(3, -3, -3, 2)},
	"cycXi":       {func(v []*Fp2) { v[0].cycXi(v[1], v[2], v[3], v[4]) }, append(xi(3, -3, -3), ints(2)...)},
}

func ints(k ...int64) (out []complexModel) {
	for _, v := range k {
		out = append(out, complexInt(v, 0))
	}
	return out
}

func xi(k ...int64) (out []complexModel) {
	for _, v := range k {
		out = append(out, complexInt(3*v, v))
	}
	return out
}

func TestLinear(t *testing.T) {
	_, random, _ := parts(t)
	c := towerTester[Fp2, *Fp2]{t, Fp2Size, random}
	for name, k := range linear {
		for range enough(100, 20, 10_000) {
			v := make([]*Fp2, 1+len(k.c))
			want := decodeModel(make([]byte, Fp2Size))
			for i := range v {
				x := random()
				v[i] = &x
				if i > 0 {
					coefficient := decodeModel(make([]byte, Fp2Size)).set(0, k.c[i-1])
					want = want.add(c.model(&x).mul(coefficient))
				}
			}
			k.f(v)
			c.is(name, v[0], want)
		}
		aliastest.Check(t, 1+len(k.c), random, map[string]func(v []*Fp2){name: k.f})
	}
}

// TestLoose multiplies sums and differences that were not reduced.
func TestLoose(t *testing.T) {
	_, random, _ := parts(t)
	c := towerTester[Fp2, *Fp2]{t, Fp2Size, random}
	for range enough(500, 100, 20_000) {
		w, x, y, v := random(), random(), random(), random()
		sum, difference := c.model(&w).add(c.model(&x)), c.model(&y).add(c.model(&v).neg())
		var s, d, z Fp2
		s.AddLoose(&w, &x)
		d.SubLoose(&y, &v)
		c.is("sum·difference", z.Mul(&s, &d), sum.mul(difference))
		c.is("sum²", z.Sqr(&s), sum.mul(sum))
		c.is("difference²", z.Sqr(&d), difference.mul(difference))
	}
	aliastest.Check(t, 3, random, map[string]func(v []*Fp2){
		"AddLoose": func(v []*Fp2) { v[0].AddLoose(v[1], v[2]) },
		"SubLoose": func(v []*Fp2) { v[0].SubLoose(v[1], v[2]) },
	})
}
