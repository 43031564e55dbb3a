//go:build !purego && !limbs29

package ff

import (
	"math/rand/v2"
	"testing"
)

// kernel is an operation of Fp2 with as many arguments as v has.
type kernel struct {
	args  int
	loose bool // its result, which is a factor
	f     func(z *Fp2, v []*Fp2)
}

var kernels = map[string]kernel{
	"Add":         {2, false, func(z *Fp2, v []*Fp2) { z.Add(v[0], v[1]) }},
	"Double":      {1, false, func(z *Fp2, v []*Fp2) { z.Double(v[0]) }},
	"Sub":         {2, false, func(z *Fp2, v []*Fp2) { z.Sub(v[0], v[1]) }},
	"Neg":         {1, false, func(z *Fp2, v []*Fp2) { z.Neg(v[0]) }},
	"AddLoose":    {2, true, func(z *Fp2, v []*Fp2) { z.AddLoose(v[0], v[1]) }},
	"SubLoose":    {2, true, func(z *Fp2, v []*Fp2) { z.SubLoose(v[0], v[1]) }},
	"Mul":         {2, false, func(z *Fp2, v []*Fp2) { z.Mul(v[0], v[1]) }},
	"Sqr":         {1, false, func(z *Fp2, v []*Fp2) { z.Sqr(v[0]) }},
	"Mul3":        {1, false, func(z *Fp2, v []*Fp2) { z.Mul3(v[0]) }},
	"MulXi":       {1, false, func(z *Fp2, v []*Fp2) { z.MulXi(v[0]) }},
	"AddAdd":      {3, false, func(z *Fp2, v []*Fp2) { z.AddAdd(v[0], v[1], v[2]) }},
	"SubSub":      {3, false, func(z *Fp2, v []*Fp2) { z.SubSub(v[0], v[1], v[2]) }},
	"SubSubAdd":   {4, false, func(z *Fp2, v []*Fp2) { z.SubSubAdd(v[0], v[1], v[2], v[3]) }},
	"SubSubXi":    {3, false, func(z *Fp2, v []*Fp2) { z.SubSubXi(v[0], v[1], v[2]) }},
	"SubSubAddXi": {4, false, func(z *Fp2, v []*Fp2) { z.SubSubAddXi(v[0], v[1], v[2], v[3]) }},
	"AddXi":       {2, false, func(z *Fp2, v []*Fp2) { z.AddXi(v[0], v[1]) }},
	"AddAddXi":    {3, false, func(z *Fp2, v []*Fp2) { z.AddAddXi(v[0], v[1], v[2]) }},
	"AddXiAdd":    {3, false, func(z *Fp2, v []*Fp2) { z.AddXiAdd(v[0], v[1], v[2]) }},
	"AddXiSubSub": {4, false, func(z *Fp2, v []*Fp2) { z.AddXiSubSub(v[0], v[1], v[2], v[3]) }},
	"cyc0":        {3, false, func(z *Fp2, v []*Fp2) { z.cyc0(v[0], v[1], v[2]) }},
	"cyc1":        {4, false, func(z *Fp2, v []*Fp2) { z.cyc1(v[0], v[1], v[2], v[3]) }},
	"cycXi":       {4, false, func(z *Fp2, v []*Fp2) { z.cycXi(v[0], v[1], v[2], v[3]) }},
	"Fp.Mul":      {2, false, func(z *Fp2, v []*Fp2) { z.A0.Mul(&v[0].A0, &v[1].A1); z.A1.Mul(&v[0].A1, &v[1].A1) }},
	"Fp.SubSub": {3, false, func(z *Fp2, v []*Fp2) {
		z.A0.SubSub(&v[0].A0, &v[1].A0, &v[2].A0)
		z.A1.SubSub(&v[0].A1, &v[1].A1, &v[2].A1)
	}},
	"Fp.Mul3Add":  {2, false, func(z *Fp2, v []*Fp2) { z.A0.Mul3Add(&v[0].A0, &v[1].A0); z.A1.Mul3Add(&v[0].A1, &v[1].A1) }},
	"Fp.Mul3Sub":  {2, false, func(z *Fp2, v []*Fp2) { z.A0.Mul3Sub(&v[0].A0, &v[1].A0); z.A1.Mul3Sub(&v[0].A1, &v[1].A1) }},
	"Fp.Mul3Add2": {2, false, func(z *Fp2, v []*Fp2) { z.A0.Mul3Add2(&v[0].A0, &v[1].A0); z.A1.Mul3Add2(&v[0].A1, &v[1].A1) }},
	"Fp.Mul3Sub2": {2, false, func(z *Fp2, v []*Fp2) { z.A0.Mul3Sub2(&v[0].A0, &v[1].A0); z.A1.Mul3Sub2(&v[0].A1, &v[1].A1) }},
	"Fp.Mul9":     {1, false, func(z *Fp2, v []*Fp2) { z.A0.Mul9(&v[0].A0); z.A1.Mul9(&v[0].A1) }},
	"Fp.Sqr":      {1, false, func(z *Fp2, v []*Fp2) { z.A0.Sqr(&v[0].A0); z.A1.Sqr(&v[0].A1) }},
}

// pure does f without assembly, as on a processor that lacks what it needs.
func pure(f func()) {
	defer func(old bool) { useADX = old }(useADX)
	useADX = false
	f()
}

// operands returns elements that are extreme every other time.
func operands(c *tester[Fp, *Fp], rnd *rand.Rand) (v [4]Fp2) {
	one := func() Fp {
		switch rnd.IntN(8) {
		case 0:
			return Fp{}
		case 1:
			return c.greatest()
		case 2, 3:
			return c.boundary(c.limit, low)
		}
		return c.random()
	}
	for i := range v {
		v[i] = Fp2{one(), one()}
	}
	return v
}

func needAssembly(t *testing.T) {
	if !useADX {
		t.Skip("this processor lacks BMI2 or ADX")
	}
}

// Assembly gives the limbs that pure Go gives, and of loose results the same value,
// wherever the result is written.
func TestAssemblyOfFp2(t *testing.T) {
	needAssembly(t)
	c, rnd := fpTester(t), rand.New(rand.NewPCG(31, 32))
	values := func(z Fp2) [2][fpWords]uint64 { return [2][fpWords]uint64{z.A0.words(), z.A1.words()} }
	for name, k := range kernels {
		for i := range enough(20_000, 2_000, 10_000_000) {
			v := operands(c, rnd)
			args := make([]*Fp2, k.args)
			for j := range args {
				args[j] = &v[j]
				if rnd.IntN(8) == 0 {
					args[j] = &v[0]
				}
			}
			var want, got Fp2
			pure(func() { k.f(&want, args) })
			z := &got
			if i%2 == 1 {
				z = args[rnd.IntN(k.args)]
			}
			k.f(z, args)
			if *z != want && (!k.loose || values(*z) != values(want)) {
				t.Fatalf("%s: %x instead of %x", name, *z, want)
			}
		}
	}
}

// Products of loose factors are those of their values, in pure Go too.
func TestAssemblyOfLooseFactors(t *testing.T) {
	needAssembly(t)
	c, rnd := fpTester(t), rand.New(rand.NewPCG(33, 34))
	for range enough(20_000, 2_000, 10_000_000) {
		v := operands(c, rnd)
		var x, y, xl, yl, want, got Fp2
		x.Add(&v[0], &v[1])
		y.Sub(&v[2], &v[3])
		xl.AddLoose(&v[0], &v[1])
		yl.SubLoose(&v[2], &v[3])
		for name, f := range map[string]func(z, x, y *Fp2){
			"Mul":    func(z, x, y *Fp2) { z.Mul(x, y) },
			"Mul'":   func(z, x, y *Fp2) { z.Mul(y, x) },
			"Sqr":    func(z, x, _ *Fp2) { z.Sqr(x) },
			"Sqr'":   func(z, _, y *Fp2) { z.Sqr(y) },
			"Fp.Mul": func(z, x, y *Fp2) { z.A0.Mul(&x.A0, &y.A0); z.A1.Mul(&x.A1, &y.A1) },
			"Fp.Sqr": func(z, x, y *Fp2) { z.A0.Sqr(&x.A0); z.A1.Sqr(&y.A0) },
		} {
			pure(func() { f(&want, &x, &y) })
			if f(&got, &xl, &yl); got != want {
				t.Fatalf("%s of loose factors: %x instead of %x", name, got, want)
			}
		}
	}
}

// The same for Fr, and for any factor below R beside a reduced one, as setWords uses it.
func TestAssemblyOfFr(t *testing.T) {
	needAssembly(t)
	c, rnd := frTester(t), rand.New(rand.NewPCG(35, 36))
	for range enough(20_000, 2_000, 10_000_000) {
		x, y := c.boundary(c.limit, low), c.random()
		if rnd.IntN(2) == 0 {
			x = c.random()
		}
		var wide Fr
		for i := range wide.l {
			wide.l[i] = [...]uint64{0, ^uint64(0), rnd.Uint64()}[rnd.IntN(3)]
		}
		for name, f := range map[string]func(z *Fr){
			"Mul":      func(z *Fr) { z.Mul(&x, &y) },
			"Sqr":      func(z *Fr) { z.Sqr(&x) },
			"Mul wide": func(z *Fr) { z.Mul(&wide, &y) },
		} {
			var want, got Fr
			pure(func() { f(&want) })
			if f(&got); got != want {
				t.Fatalf("%s: %x instead of %x", name, got, want)
			}
		}
	}
}
