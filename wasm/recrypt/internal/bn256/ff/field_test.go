package ff

import (
	"bytes"
	"math/big"
	"math/rand/v2"
	"testing"
)

// field is what Fp and Fr have in common.
type field[T any] interface {
	*T
	Set(x *T) *T
	SetOne() *T
	Add(x, y *T) *T
	AddLoose(x, y *T) *T
	Sub(x, y *T) *T
	SubSub(w, x, y *T) *T
	Mul(x, y *T) *T
	Sqr(x *T) *T
	Neg(x *T) *T
	Double(x *T) *T
	Mul3(x *T) *T
	Mul9(x *T) *T
	Mul3Add(x, y *T) *T
	Mul3Sub(x, y *T) *T
	Mul3Add2(x, y *T) *T
	Mul3Sub2(x, y *T) *T
	Inv(x *T) *T
	Equal(x *T) int
	IsZero() int
	Select(x, y *T, cond int) *T
	CondNeg(x *T, cond int) *T
	SetBytes(b []byte) int
	SetBytesReduced(b []byte) *T
	SetWide(b []byte) *T
	Bytes() []byte
}

// tester checks one field against math/big.
type tester[T any, P field[T]] struct {
	*testing.T
	m    *big.Int // modulus
	r    *big.Int // Montgomery's factor
	rInv *big.Int
	size int
	raw  func(*T) []uint64 // the limbs
	rnd  *rand.Rand
}

func modulusInt(w []uint64) *big.Int {
	m := new(big.Int)
	for i := len(w) - 1; i >= 0; i-- {
		m.Lsh(m, 64).Or(m, new(big.Int).SetUint64(w[i]))
	}
	return m
}

func newTester[T any, P field[T]](t *testing.T, w []uint64, size int, raw func(*T) []uint64) *tester[T, P] {
	c := &tester[T, P]{T: t, m: modulusInt(w), size: size, raw: raw, rnd: rand.New(rand.NewPCG(1, 2))}
	var x T
	c.r = new(big.Int).Lsh(big.NewInt(1), uint(limbBits*len(raw(&x))))
	c.rInv = new(big.Int).ModInverse(c.r, c.m)
	return c
}

// integer returns the integer that the limbs spell.
func (c *tester[T, P]) integer(x *T) *big.Int {
	v := new(big.Int)
	l := c.raw(x)
	for i := len(l) - 1; i >= 0; i-- {
		v.Lsh(v, limbBits).Add(v, new(big.Int).SetUint64(l[i]))
	}
	return v
}

// value returns the residue that x stands for.
func (c *tester[T, P]) value(x *T) *big.Int {
	v := c.integer(x)
	return v.Mod(v.Mul(v, c.rInv), c.m)
}

// bounds checks limbs and value of a result.
func (c *tester[T, P]) bounds(what string, x *T) {
	c.Helper()
	l := c.raw(x)
	if limbBits < 64 {
		for _, v := range l {
			if v>>(limbBits%64) != 0 {
				c.Fatalf("%s: limb out of bounds: %x", what, l)
			}
		}
	}
	if c.integer(x).Cmp(new(big.Int).Mul(c.m, big.NewInt(valueBound))) >= 0 {
		c.Fatalf("%s: value out of bounds: %x", what, l)
	}
}

func (c *tester[T, P]) check(what string, got *T, want *big.Int) {
	c.Helper()
	c.bounds(what, got)
	want.Mod(want, c.m)
	if c.value(got).Cmp(want) != 0 {
		c.Fatalf("%s: got %x, want %x", what, c.value(got), want)
	}
}

func (c *tester[T, P]) random() T {
	var x T
	b := make([]byte, c.size)
	for i := range b {
		b[i] = byte(c.rnd.Uint32())
	}
	P(&x).SetBytesReduced(b)
	return x
}

// boundary returns elements whose limbs are extreme: every combination of 0, 1
// and the greatest limb if there are few limbs, else a sample, all within the
// bounds of a value.
func (c *tester[T, P]) boundary() []T {
	limit := new(big.Int).Mul(c.m, big.NewInt(valueBound))
	var x T
	n := len(c.raw(&x))
	top := new(big.Int).Rsh(new(big.Int).Sub(limit, big.NewInt(1)), uint(limbBits*(n-1))).Uint64()
	low := []uint64{0, 1, 1<<limbBits - 1}
	high := []uint64{0, 1, top - 1, top}
	var out []T
	add := func(pick func(i, count int) int) {
		var x T
		l := c.raw(&x)
		for i := range l[:n-1] {
			l[i] = low[pick(i, len(low))]
		}
		l[n-1] = high[pick(n-1, len(high))]
		if c.integer(&x).Cmp(limit) < 0 {
			out = append(out, x)
		}
	}
	if n <= 4 {
		for k := range 27 * len(high) {
			add(func(i, count int) int { return k / []int{1, 3, 9, 27}[i] % count })
		}
	} else {
		for range 150 {
			add(func(_, count int) int { return c.rnd.IntN(count) })
		}
		add(func(_, count int) int { return count - 1 })
		add(func(i, count int) int { return count - 1 - i/(n-1) })
	}
	// limit − 1, the greatest value of all
	v := new(big.Int).Sub(limit, big.NewInt(1))
	l := c.raw(&x)
	mask := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), limbBits), big.NewInt(1))
	for i := range l {
		l[i] = new(big.Int).And(v, mask).Uint64()
		v.Rsh(v, limbBits)
	}
	return append(out, x)
}

// pair checks every operation of two elements.
func (c *tester[T, P]) pair(x, y *T) {
	c.Helper()
	a, b := c.value(x), c.value(y)
	n := func(v int64) *big.Int { return big.NewInt(v) }
	lin := func(ka, kb int64) *big.Int {
		t := new(big.Int).Mul(a, n(ka))
		return t.Add(t, new(big.Int).Mul(b, n(kb)))
	}
	var z T
	c.check("Add", P(&z).Add(x, y), lin(1, 1))
	c.check("Sub", P(&z).Sub(x, y), lin(1, -1))
	c.check("SubSub", P(&z).SubSub(x, y, y), lin(1, -2))
	c.check("SubSub", P(&z).SubSub(x, x, y), lin(0, -1))
	c.check("Mul", P(&z).Mul(x, y), new(big.Int).Mul(a, b))
	c.check("Mul3Add", P(&z).Mul3Add(x, y), lin(3, 1))
	c.check("Mul3Sub", P(&z).Mul3Sub(x, y), lin(3, -1))
	c.check("Mul3Add2", P(&z).Mul3Add2(x, y), lin(3, 2))
	c.check("Mul3Sub2", P(&z).Mul3Sub2(x, y), lin(3, -2))
	c.check("Select 1", P(&z).Select(x, y, 1), lin(1, 0))
	c.check("Select 0", P(&z).Select(x, y, 0), lin(0, 1))
	var s, d T
	P(&s).AddLoose(x, y)
	P(&d).AddLoose(y, y)
	c.check("loose Mul", P(&z).Mul(&s, &d), new(big.Int).Mul(lin(1, 1), lin(0, 2)))
	c.check("loose Sqr", P(&z).Sqr(&s), new(big.Int).Mul(lin(1, 1), lin(1, 1)))
	if got, want := P(x).Equal(y), a.Cmp(b) == 0; (got == 1) != want {
		c.Fatalf("Equal: %d", got)
	}
}

// single checks every operation of one element.
func (c *tester[T, P]) single(x *T) {
	c.Helper()
	a := c.value(x)
	times := func(k int64) *big.Int { return new(big.Int).Mul(a, big.NewInt(k)) }
	var z T
	c.check("Sqr", P(&z).Sqr(x), new(big.Int).Mul(a, a))
	c.check("Neg", P(&z).Neg(x), times(-1))
	c.check("Double", P(&z).Double(x), times(2))
	c.check("Mul3", P(&z).Mul3(x), times(3))
	c.check("Mul9", P(&z).Mul9(x), times(9))
	c.check("CondNeg 1", P(&z).CondNeg(x, 1), times(-1))
	c.check("CondNeg 0", P(&z).CondNeg(x, 0), times(1))
	enc := P(x).Bytes()
	if want := a.FillBytes(make([]byte, c.size)); !bytes.Equal(enc, want) {
		c.Fatalf("Bytes: got %x, want %x", enc, want)
	}
	if P(&z).SetBytes(enc) != 1 {
		c.Fatal("SetBytes refuses its own encoding")
	}
	c.check("SetBytes", &z, times(1))
	if got, want := P(x).IsZero(), a.Sign() == 0; (got == 1) != want {
		c.Fatalf("IsZero: %d", got)
	}
}

func (c *tester[T, P]) run() {
	edge := c.boundary()
	for i := range edge {
		c.bounds("boundary", &edge[i])
		c.single(&edge[i])
		for j := range edge {
			c.pair(&edge[i], &edge[j])
		}
	}
	for range 500 {
		x, y := c.random(), c.random()
		c.single(&x)
		c.pair(&x, &y)
		e := &edge[c.rnd.IntN(len(edge))]
		c.pair(&x, e)
		c.pair(e, &x)
	}
	for range 20 {
		c.inverse(c.random())
	}
	for i := 0; i < len(edge); i += 1 + len(edge)/20 {
		c.inverse(edge[i])
	}
	c.chain()
	c.bytes()
	c.aliasing()
}

func (c *tester[T, P]) inverse(x T) {
	c.Helper()
	want := new(big.Int).ModInverse(c.value(&x), c.m)
	if want == nil {
		want = new(big.Int) // 1/0 is 0 here
	}
	var z T
	c.check("Inv", P(&z).Inv(&x), want)
}

// chain multiplies, squares and adds without ever normalising and checks the
// bounds and the value at every step. An error in the last step of the scaled
// modulus shows here only.
func (c *tester[T, P]) chain() {
	edge := c.boundary()
	x := edge[len(edge)-1]
	y := c.random()
	a, b := c.value(&x), c.value(&y)
	for i := range 3000 {
		switch i % 4 {
		case 0, 1:
			P(&x).Mul(&x, &y)
			a.Mul(a, b)
		case 2:
			P(&x).AddLoose(&x, &y)
			P(&x).Sqr(&x)
			a.Add(a, b)
			a.Mul(a, a)
		case 3:
			x, y = y, x
			a, b = b, a
		}
		a.Mod(a, c.m)
		c.check("chain", &x, a)
	}
	for range 10000 {
		P(&x).Mul(&x, &x)
		c.bounds("chain of squares", &x)
		a.Mod(a.Mul(a, a), c.m)
	}
	c.check("chain of squares", &x, a)
}

func (c *tester[T, P]) bytes() {
	var z T
	enc := func(v *big.Int) []byte { return v.FillBytes(make([]byte, c.size)) }
	one := big.NewInt(1)
	greatest := new(big.Int).Sub(new(big.Int).Lsh(one, uint(8*c.size)), one)
	for _, v := range []*big.Int{c.m, new(big.Int).Add(c.m, one), greatest} {
		P(&z).SetOne()
		if P(&z).SetBytes(enc(v)) != 0 || P(&z).IsZero() != 1 {
			c.Fatalf("SetBytes accepts %x", v)
		}
		c.check("SetBytesReduced", P(&z).SetBytesReduced(enc(v)), new(big.Int).Set(v))
	}
	if P(&z).SetBytes(enc(new(big.Int).Sub(c.m, one))) != 1 {
		c.Fatal("SetBytes refuses the greatest element")
	}
	for _, b := range [][]byte{nil, make([]byte, c.size-1), make([]byte, c.size+1)} {
		if P(&z).SetBytes(b) != 0 {
			c.Fatalf("SetBytes accepts %d bytes", len(b))
		}
	}
	for n := range 129 {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(c.rnd.Uint32())
		}
		c.check("SetWide", P(&z).SetWide(b), new(big.Int).SetBytes(b))
		for i := range b {
			b[i] = 0xff
		}
		c.check("SetWide", P(&z).SetWide(b), new(big.Int).SetBytes(b))
	}
}

func (c *tester[T, P]) aliasing() {
	checkAliasing(c.T, c.random, func(x, y *T) bool { return P(x).Equal(y) == 1 },
		map[string]func(z, x, y *T){
			"Add":      func(z, x, y *T) { P(z).Add(x, y) },
			"Sub":      func(z, x, y *T) { P(z).Sub(x, y) },
			"Mul":      func(z, x, y *T) { P(z).Mul(x, y) },
			"Mul3Add":  func(z, x, y *T) { P(z).Mul3Add(x, y) },
			"Mul3Sub":  func(z, x, y *T) { P(z).Mul3Sub(x, y) },
			"Mul3Add2": func(z, x, y *T) { P(z).Mul3Add2(x, y) },
			"Mul3Sub2": func(z, x, y *T) { P(z).Mul3Sub2(x, y) },
			"SubSub":   func(z, x, y *T) { P(z).SubSub(x, y, y) },
			"SubSub 2": func(z, x, y *T) { P(z).SubSub(y, x, y) },
			"Select":   func(z, x, y *T) { P(z).Select(x, y, 1) },
			"Sqr":      func(z, x, _ *T) { P(z).Sqr(x) },
			"Neg":      func(z, x, _ *T) { P(z).Neg(x) },
			"Inv":      func(z, x, _ *T) { P(z).Inv(x) },
			"Mul9":     func(z, x, _ *T) { P(z).Mul9(x) },
			"CondNeg":  func(z, x, _ *T) { P(z).CondNeg(x, 1) },
		})
}

func TestFp(t *testing.T) {
	newTester[Fp](t, fpModulus[:], FpSize, func(x *Fp) []uint64 { return x.l[:] }).run()
}

func TestFr(t *testing.T) {
	newTester[Fr](t, frModulus[:], FrSize, func(x *Fr) []uint64 { return x.l[:] }).run()
}

func TestFrSetNonZero(t *testing.T) {
	c := newTester[Fr](t, frModulus[:], FrSize, func(x *Fr) []uint64 { return x.l[:] })
	m1 := new(big.Int).Sub(c.m, big.NewInt(1))
	check := func(b []byte) {
		t.Helper()
		var z Fr
		want := new(big.Int).Mod(new(big.Int).SetBytes(b), m1)
		c.check("SetNonZero", z.SetNonZero(b), want.Add(want, big.NewInt(1)))
		if z.IsZero() != 0 {
			t.Error("SetNonZero made zero")
		}
	}
	check(make([]byte, 64))
	check(bytes.Repeat([]byte{0xff}, 128))
	check(m1.Bytes())
	check(new(big.Int).Sub(m1, big.NewInt(1)).Bytes())
	check(c.m.Bytes())
	for range 50 {
		x, y := c.random(), c.random()
		check(append(x.Bytes(), y.Bytes()...))
	}
}
