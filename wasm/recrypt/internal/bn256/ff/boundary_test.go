package ff

import (
	"bytes"
	"flag"
	"math/big"
	"runtime"
	"testing"
)

// prove makes the tests of this file exhaustive; "make prove-fields" sets it.
var prove = flag.Bool("prove", false, "test the fields exhaustively, for minutes instead of seconds")

// enough returns how many cases to run: the usual number, fewer in WebAssembly, or all
// there are, of which WebAssembly gets a million.
func enough(usual, wasm, all int) int {
	switch {
	case *prove && runtime.GOARCH == "wasm":
		return min(all, 1_000_000)
	case *prove:
		return all
	case runtime.GOARCH == "wasm" || testing.Short():
		return wasm
	}
	return usual
}

// high returns the extreme values of the highest limb of values below limit.
func (c *tester[T, P]) high(limit *big.Int) []uint64 {
	v := new(big.Int).Sub(limit, big.NewInt(1))
	top := v.Rsh(v, c.rBits-limbBits).Uint64()
	var out []uint64
	for _, sign := range highSigns {
		out = append(out, 0, sign, sign*(top-1), sign*top)
	}
	return out
}

// random returns any element, not necessarily below the modulus.
func (c *tester[T, P]) random() T {
	var x T
	l := c.raw(&x)
	top := c.high(c.limit)[3]
	for {
		for i := range l {
			l[i] = limb(c.rnd.Uint64())
		}
		l[len(l)-1] = highSigns[c.rnd.IntN(len(highSigns))] * c.rnd.Uint64N(top+1)
		if c.z.read(l).CmpAbs(c.limit) < 0 {
			return x
		}
	}
}

// boundary returns a random element whose limbs are extreme.
func (c *tester[T, P]) boundary(limit *big.Int, low []uint64) T {
	var x T
	l := c.raw(&x)
	high := c.high(limit)
	for {
		for i := range l {
			l[i] = low[c.rnd.IntN(len(low))]
		}
		l[len(l)-1] = high[c.rnd.IntN(len(high))]
		if c.z.read(l).CmpAbs(limit) < 0 {
			return x
		}
	}
}

// greatest returns the element of the greatest value.
func (c *tester[T, P]) greatest() T {
	var x T
	write(c.raw(&x), new(big.Int).Sub(c.limit, big.NewInt(1)))
	return x
}

// boundaries calls f with every element whose limbs are extreme, or with a sample if
// they are more than most. It says how many there were.
func (c *tester[T, P]) boundaries(limit *big.Int, low []uint64, most int, f func(x *T)) (count int, all bool) {
	var x T
	l := c.raw(&x)
	high := c.high(limit)
	total := len(high)
	for range l[1:] {
		if total <= most {
			total *= len(low)
		}
	}
	if total > most {
		for range most {
			x := c.boundary(limit, low)
			f(&x)
		}
		return most, false
	}
	pick := make([]int, len(l))
	for {
		for i := range l[1:] {
			l[i] = low[pick[i]]
		}
		l[len(l)-1] = high[pick[len(l)-1]]
		if c.z.read(l).CmpAbs(limit) < 0 {
			y := x
			f(&y)
			count++
		}
		i := 0
		for ; i < len(l); i++ {
			pick[i]++
			if i < len(l)-1 && pick[i] < len(low) || i == len(l)-1 && pick[i] < len(high) {
				break
			}
			pick[i] = 0
		}
		if i == len(l) {
			return count, true
		}
	}
}

// boundaryLimbs checks all operations on elements whose limbs are extreme.
func (c *tester[T, P]) boundaryLimbs() {
	some := enough(10_000, 2_000, 1<<30)
	var edge []T
	count, all := c.boundaries(c.limit, low, some, func(x *T) {
		c.single(x)
		if len(edge) < 1<<15 {
			edge = append(edge, *x)
		}
	})
	c.Logf("every operation of one element: %d elements, all of them: %t", count, all)
	greatest := c.greatest()
	c.single(&greatest)
	count, all = c.boundaries(c.loose, lowLoose, some, func(x *T) {
		var z T
		a := c.x.read(c.raw(x))
		c.check("loose Sqr", P(&z).Sqr(x), c.want.Mul(a, a), c.rBits)
	})
	c.Logf("loose squares: %d, all of them: %t", count, all)
	c.boundaryPairs(append(edge, greatest))
}

// boundaryPairs checks operations of two and three elements: all pairs of edge, if
// they are not too many, else random ones.
func (c *tester[T, P]) boundaryPairs(edge []T) {
	pairs := enough(10_000, 2_000, 10_000_000)
	if len(edge)*len(edge) <= pairs {
		for i := range edge {
			for j := range edge {
				c.pair(&edge[i], &edge[j])
			}
		}
		c.Logf("every operation of two elements: all %d pairs", len(edge)*len(edge))
	} else {
		for range pairs {
			x, y := c.boundary(c.limit, low), c.boundary(c.limit, low)
			c.pair(&x, &y)
		}
		c.Logf("every operation of two elements: %d random pairs", pairs)
	}
	for range pairs {
		x, y := c.boundary(c.loose, lowLoose), c.boundary(c.loose, lowLoose)
		c.factor(&x, &y)
		w, u, v := c.boundary(c.limit, low), c.boundary(c.limit, low), c.boundary(c.limit, low)
		c.triple(&w, &u, &v)
	}
}

// triple checks the one operation of three elements.
func (c *tester[T, P]) triple(w, x, y *T) {
	c.want.Sub(c.x.read(c.raw(w)), c.y.read(c.raw(x)))
	c.want.Sub(&c.want, c.x.read(c.raw(y)))
	var z T
	c.check("SubSub", P(&z).SubSub(w, x, y), &c.want, 0)
}

func TestFpBoundary(t *testing.T) { t.Parallel(); fpTester(t).boundaryLimbs() }
func TestFrBoundary(t *testing.T) { t.Parallel(); frTester(t).boundaryLimbs() }

// products compares random products, sums and squares, as encoded, with math/big.
func (c *tester[T, P]) products() {
	count := enough(200_000, 50_000, 1_000_000)
	var buf [2][128]byte
	got, want := buf[0][:c.size], buf[1][:c.size]
	compare := func(what string, x *T, v *big.Int) {
		c.rem.Mod(v, c.m)
		if P(x).FillBytes(got); !bytes.Equal(got, c.rem.FillBytes(want)) {
			c.Fatalf("%s: got %x, want %x", what, got, want)
		}
	}
	r2 := new(big.Int).Mul(c.rInv, c.rInv)
	r2.Mod(r2, c.m)
	for range count {
		x, y := c.random(), c.random()
		a, b := c.x.read(c.raw(&x)), c.y.read(c.raw(&y))
		var z, s T
		P(&z).Mul(&x, &y)
		c.bounds("Mul", &z)
		compare("Mul", &z, c.want.Mul(c.term.Mul(a, b), r2))
		P(&s).Sqr(&x)
		c.bounds("Sqr", &s)
		compare("Sqr", &s, c.want.Mul(c.term.Mul(a, a), r2))
		compare("Add", P(&s).Add(&x, &y), c.want.Mul(c.term.Add(a, b), c.rInv))
	}
	c.Logf("%d random products", count)
}

func TestFpProducts(t *testing.T) { t.Parallel(); fpTester(t).products() }
func TestFrProducts(t *testing.T) { t.Parallel(); frTester(t).products() }
