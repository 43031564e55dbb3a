package ff

import (
	"math/big"
	"math/rand/v2"
	"testing"
)

// value returns the integer z, for any limbs.
func (z *signed) value() *big.Int {
	v := new(big.Int)
	for i := len(z) - 1; i >= 0; i-- {
		v.Lsh(v, stepBits).Add(v, big.NewInt(z[i]))
	}
	return v
}

func TestInverse(t *testing.T) {
	rnd := rand.New(rand.NewPCG(41, 42))
	for _, m := range [][fpWords]uint64{fpModulus, frModulus} {
		p := wordsInt(m[:])
		check := func(x *big.Int) {
			t.Helper()
			if x.Mod(x, p).Sign() == 0 {
				return
			}
			var w [fpWords]uint64
			for i, v := range cut(x, 64, fpWords) {
				w[i] = v.Uint64()
			}
			inverse(&w, &m)
			if got := wordsInt(w[:]); got.Cmp(new(big.Int).ModInverse(x, p)) != 0 {
				t.Fatalf("inverse of %x: %x", x, got)
			}
		}
		for b := range 8 * FpSize {
			for d := int64(-2); d <= 2; d++ {
				v := new(big.Int).Add(pow2(b), big.NewInt(d))
				check(v)
				check(v.Sub(p, v))
			}
		}
		for range enough(20_000, 500, 10_000_000) {
			check(wordsInt(someWords(rnd, fpWords)))
		}
		var zero [fpWords]uint64
		if inverse(&zero, &m); zero != [fpWords]uint64{} {
			t.Fatalf("inverse of 0: %x", zero)
		}
	}
}

// What the comments state holds after every batch: f, g, d and e stay in their ranges
// with limbs of 30 bits, d·x = f and e·x = g, and entries of a matrix are small.
func TestInverseBounds(t *testing.T) {
	rnd := rand.New(rand.NewPCG(43, 44))
	m := wordsInt(fpModulus[:])
	for range enough(50, 10, 10_000) {
		w := [fpWords]uint64(someWords(rnd, fpWords))
		x := wordsInt(w[:])
		if x.Cmp(m) >= 0 {
			continue
		}
		var p, f, g, d, e signed
		p.set(&fpModulus)
		f = p
		g.set(&w)
		e[0] = 1
		zeta := int64(-1)
		for step := 0; step < inverseSteps; step += stepBits {
			var k matrix
			zeta, k = steps(zeta, f[0], g[0])
			if max(k.u, -k.u)+max(k.v, -k.v) > 1<<stepBits || max(k.q, -k.q)+max(k.r, -k.r) > 1<<stepBits {
				t.Fatalf("matrix %v", k)
			}
			k.apply(&f, &g)
			k.applyModulo(&d, &e, &p, inverse30(p[0]))
			for name, v := range map[string]*signed{"f": &f, "g": &g, "d": &d, "e": &e} {
				for i, l := range v[:inverseLimbs-1] {
					if l < 0 || l > mask30 {
						t.Fatalf("limb %d of %s is %d", i, name, l)
					}
				}
				lowest := new(big.Int).Neg(m)
				if name == "d" || name == "e" {
					lowest.Lsh(lowest, 1)
				}
				if v.value().Cmp(lowest) < 0 || v.value().Cmp(m) > 0 {
					t.Fatalf("%s = %x", name, v.value())
				}
			}
			for _, v := range [][2]*signed{{&d, &f}, {&e, &g}} {
				r := new(big.Int).Mul(v[0].value(), x)
				if r.Sub(r, v[1].value()).Mod(r, m).Sign() != 0 {
					t.Fatal("d·x = f, e·x = g does not hold")
				}
			}
		}
		if g.value().Sign() != 0 {
			t.Fatal("too few steps")
		}
	}
}
