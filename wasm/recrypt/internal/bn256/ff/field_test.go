package ff

import (
	"bytes"
	"encoding/binary"
	"math/big"
	"math/bits"
	"math/rand/v2"
	"testing"
)

// field is what Fp and Fr have in common.
type field[T any] interface {
	ring[T]
	AddLoose(x, y *T) *T
	SubSub(w, x, y *T) *T
	Neg(x *T) *T
	Double(x *T) *T
	Mul3(x *T) *T
	Mul9(x *T) *T
	Mul3Add(x, y *T) *T
	Mul3Sub(x, y *T) *T
	Mul3Add2(x, y *T) *T
	Mul3Sub2(x, y *T) *T
	CondNeg(x *T, cond int) *T
	SetWide(b []byte) *T
	Bytes() []byte
	Wipe()
}

// tester checks one field against math/big. An element stands for x/R modulo m with
// R = 2^rBits, x being the integer that its limbs spell; these integers are what is
// compared, so that a result that is right but out of its bounds is found as well. In
// the 29-bit form limbs and values have signs.
type tester[T comparable, P field[T]] struct {
	*testing.T
	m       *big.Int // modulus
	limit   *big.Int // every value is below, whatever its sign
	loose   *big.Int // every loose value is below
	rBits   uint
	rInv    *big.Int
	size    int
	raw     func(*T) []uint64 // the limbs
	rnd     *rand.Rand
	x, y, z number
	// reused, so that checking allocates nothing
	quo, rem, want, shifted, term big.Int
}

func newTester[T comparable, P field[T]](t *testing.T, m *big.Int, raw func(*T) []uint64) *tester[T, P] {
	c := &tester[T, P]{T: t, m: m, size: (m.BitLen() + 7) / 8, raw: raw, rnd: rand.New(rand.NewPCG(1, 2))}
	var x T
	c.limit = new(big.Int).Mul(m, big.NewInt(valueBound))
	c.loose = new(big.Int).Mul(m, big.NewInt(looseBound))
	c.rBits = uint(limbBits * len(raw(&x)))
	c.rInv = new(big.Int).ModInverse(new(big.Int).Lsh(big.NewInt(1), c.rBits), m)
	return c
}

func fpTester(t *testing.T) *tester[Fp, *Fp] {
	return newTester[Fp](t, curve.p, func(x *Fp) []uint64 { return x.l[:] })
}

func frTester(t *testing.T) *tester[Fr, *Fr] {
	return newTester[Fr](t, curve.r, func(x *Fr) []uint64 { return x.l[:] })
}

// number is an integer read from limbs.
type number struct {
	big.Int
	b    []byte
	w    []uint64
	bias big.Int
}

// read sets v to Σ l[i]·2^(limbBits·i), and returns it. The limbs may be loose.
func (v *number) read(l []uint64) *big.Int {
	if v.w == nil {
		v.w = make([]uint64, limbBits*len(l)/64+2)
		v.b = make([]byte, 8*len(v.w))
		for range l {
			v.bias.Lsh(&v.bias, limbBits).Add(&v.bias, big.NewInt(limbOffset))
		}
	}
	clear(v.w)
	for i, limb := range l {
		limb += limbOffset
		j, s := limbBits*i/64, uint(limbBits*i%64)
		var carry uint64
		v.w[j], carry = bits.Add64(v.w[j], limb<<s, 0)
		v.w[j+1], _ = bits.Add64(v.w[j+1], limb>>(64-s), carry)
	}
	for i, w := range v.w {
		binary.BigEndian.PutUint64(v.b[len(v.b)-8-8*i:], w)
	}
	return v.Sub(v.SetBytes(v.b), &v.bias)
}

// write sets the limbs l to v.
func write(l []uint64, v *big.Int) {
	t, d := new(big.Int).Set(v), new(big.Int)
	mask := new(big.Int).Sub(pow2(limbBits), big.NewInt(1))
	for i := range l {
		l[i] = d.And(t, mask).Uint64()
		if i == len(l)-1 && limbBits != 64 {
			l[i] = uint64(t.Int64())
		} else if l[i] = limb(l[i]); limbBits != 64 {
			d.SetInt64(int64(l[i]))
		}
		t.Rsh(t.Sub(t, d), limbBits)
	}
}

// value returns the residue that x stands for.
func (c *tester[T, P]) value(x *T) *big.Int {
	v := new(big.Int).Mul(new(number).read(c.raw(x)), c.rInv)
	return v.Mod(v, c.m)
}

// bounds checks limbs and value of an element, and returns its integer.
func (c *tester[T, P]) bounds(what string, x *T) *big.Int {
	l := c.raw(x)
	for _, v := range l[:len(l)-1] {
		if limb(v) != v {
			c.Helper()
			c.Fatalf("%s: limb out of bounds: %x", what, l)
		}
	}
	v := c.z.read(l)
	if v.CmpAbs(c.limit) >= 0 {
		c.Helper()
		c.Fatalf("%s: value out of bounds: %x", what, l)
	}
	return v
}

// check checks that got is within its bounds and that its integer times 2^shift is
// congruent to want.
func (c *tester[T, P]) check(what string, got *T, want *big.Int, shift uint) {
	v := c.shifted.Lsh(c.bounds(what, got), shift)
	c.quo.QuoRem(v.Sub(v, want), c.m, &c.rem)
	if c.rem.Sign() != 0 {
		c.Helper()
		c.Fatalf("%s: wrong result, limbs %x", what, c.raw(got))
	}
}

// is checks that got stands for the residue want.
func (c *tester[T, P]) is(what string, got *T, want *big.Int) {
	c.Helper()
	c.check(what, got, new(big.Int).Lsh(want, c.rBits), 0)
}

// sum returns ka·x + kb·y of the integers last read.
func (c *tester[T, P]) sum(ka, kb int64) *big.Int {
	c.want.Mul(&c.x.Int, c.term.SetInt64(ka))
	return c.want.Add(&c.want, c.term.Mul(&c.y.Int, c.shifted.SetInt64(kb)))
}

// pair checks every operation of two elements.
func (c *tester[T, P]) pair(x, y *T) {
	a, b := c.x.read(c.raw(x)), c.y.read(c.raw(y))
	var z T
	c.check("Add", P(&z).Add(x, y), c.sum(1, 1), 0)
	c.check("Sub", P(&z).Sub(x, y), c.sum(1, -1), 0)
	c.check("SubSub", P(&z).SubSub(x, y, y), c.sum(1, -2), 0)
	c.check("SubSub", P(&z).SubSub(x, x, y), c.sum(0, -1), 0)
	c.check("SubSub", P(&z).SubSub(y, x, x), c.sum(-2, 1), 0)
	c.check("Mul3Add", P(&z).Mul3Add(x, y), c.sum(3, 1), 0)
	c.check("Mul3Sub", P(&z).Mul3Sub(x, y), c.sum(3, -1), 0)
	c.check("Mul3Add2", P(&z).Mul3Add2(x, y), c.sum(3, 2), 0)
	c.check("Mul3Sub2", P(&z).Mul3Sub2(x, y), c.sum(3, -2), 0)
	c.check("Mul", P(&z).Mul(x, y), c.want.Mul(a, b), c.rBits)
	if P(&z).Select(x, y, 1); z != *x {
		c.Fatal("Select 1")
	}
	if P(&z).Select(x, y, 0); z != *y {
		c.Fatal("Select 0")
	}
	var s, d T
	P(&s).AddLoose(x, y)
	P(&d).AddLoose(y, y)
	c.factor(&s, &d)
	c.factor(&s, x)
	c.factor(y, &d)
	a, b = c.x.read(c.raw(x)), c.y.read(c.raw(y))
	c.rem.Mod(c.want.Sub(a, b), c.m)
	if got := P(x).Equal(y); got != 1 && got != 0 || (got == 1) != (c.rem.Sign() == 0) {
		c.Fatalf("Equal: %d", got)
	}
}

// factor checks Mul and Sqr of two elements that may be loose.
func (c *tester[T, P]) factor(x, y *T) {
	a, b := c.x.read(c.raw(x)), c.y.read(c.raw(y))
	if a.CmpAbs(c.loose) >= 0 || b.CmpAbs(c.loose) >= 0 {
		c.Fatalf("loose value out of bounds: %x", c.raw(x))
	}
	var z T
	c.check("loose Mul", P(&z).Mul(x, y), c.want.Mul(a, b), c.rBits)
	c.check("loose Sqr", P(&z).Sqr(x), c.want.Mul(a, a), c.rBits)
}

// single checks every operation of one element.
func (c *tester[T, P]) single(x *T) {
	a := c.x.read(c.raw(x))
	var z T
	c.check("Sqr", P(&z).Sqr(x), c.want.Mul(a, a), c.rBits)
	times := func(k int64) *big.Int { return c.want.Mul(a, c.term.SetInt64(k)) }
	c.check("Neg", P(&z).Neg(x), times(-1), 0)
	c.check("Double", P(&z).Double(x), times(2), 0)
	c.check("Mul3", P(&z).Mul3(x), times(3), 0)
	c.check("Mul9", P(&z).Mul9(x), times(9), 0)
	c.check("CondNeg 1", P(&z).CondNeg(x, 1), times(-1), 0)
	if P(&z).CondNeg(x, 0); z != *x {
		c.Fatal("CondNeg 0")
	}
	c.rem.Mod(a, c.m)
	if got := P(x).IsZero(); got != 1 && got != 0 || (got == 1) != (c.rem.Sign() == 0) {
		c.Fatalf("IsZero: %d", got)
	}
	c.encoding(x)
}

// encoding checks that x is encoded as the residue that it stands for, and comes back.
func (c *tester[T, P]) encoding(x *T) {
	var buf [2][128]byte
	got, want := buf[0][:c.size], buf[1][:c.size]
	c.term.Mul(c.z.read(c.raw(x)), c.rInv)
	c.rem.Mod(&c.term, c.m)
	if P(x).FillBytes(got); !bytes.Equal(got, c.rem.FillBytes(want)) {
		c.Fatalf("FillBytes: got %x, want %x", got, want)
	}
	var z T
	if P(&z).SetBytes(got) != 1 {
		c.Fatalf("SetBytes refuses %x", got)
	}
	c.want.Lsh(&c.rem, c.rBits)
	c.check("SetBytes", &z, &c.want, 0)
	if P(&z).Equal(x) != 1 || P(x).Equal(&z) != 1 {
		c.Fatalf("%x comes back as something else", got)
	}
}

func (c *tester[T, P]) run() {
	c.laws()
	for range 500 {
		x, y := c.random(), c.random()
		c.single(&x)
		c.pair(&x, &y)
	}
	for i := range 60 {
		x := c.random()
		if i%2 == 1 {
			x = c.boundary(c.limit, low)
		}
		want := new(big.Int).ModInverse(c.value(&x), c.m)
		if want == nil {
			want = new(big.Int) // 1/0 is 0 here
		}
		var z T
		c.is("Inv", P(&z).Inv(&x), want)
	}
	c.chain()
	c.bytes()
	c.aliasing()
}

// laws checks what makes a field, with the usual and with extreme elements.
func (c *tester[T, P]) laws() {
	checkRing[T, P](c.T, c.size, c.m, func() T {
		if c.rnd.IntN(2) == 0 {
			return c.boundary(c.limit, low)
		}
		return c.random()
	})
}

// chain multiplies, squares and adds without ever normalising and checks the
// bounds and the value at every step. An error in the last step of the scaled
// modulus shows here only.
func (c *tester[T, P]) chain() {
	x, y := c.greatest(), c.random()
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
		c.is("chain", &x, a)
	}
	for range 10000 {
		P(&x).Mul(&x, &x)
		c.bounds("chain of squares", &x)
		a.Mod(a.Mul(a, a), c.m)
	}
	c.is("chain of squares", &x, a)
}

func (c *tester[T, P]) bytes() {
	var z, zero, one T
	P(&one).SetOne()
	c.is("one", &one, big.NewInt(1))
	enc := func(v *big.Int) []byte { return v.FillBytes(make([]byte, c.size)) }
	unit := big.NewInt(1)
	greatest := new(big.Int).Sub(new(big.Int).Lsh(unit, uint(8*c.size)), unit)
	for _, v := range []*big.Int{c.m, new(big.Int).Add(c.m, unit), greatest} {
		z = one
		if P(&z).SetBytes(enc(v)) != 0 || z != zero {
			c.Fatalf("SetBytes accepts %x", v)
		}
		c.is("SetBytesReduced", P(&z).SetBytesReduced(enc(v)), v)
	}
	c.is("SetBytesReduced", P(&z).SetBytesReduced(enc(unit)), unit)
	if P(&z).SetBytes(enc(new(big.Int).Sub(c.m, unit))) != 1 {
		c.Fatal("SetBytes refuses the greatest element")
	}
	for _, b := range [][]byte{nil, make([]byte, c.size-1), make([]byte, c.size+1)} {
		if z = one; P(&z).SetBytes(b) != 0 || z != zero {
			c.Fatalf("SetBytes accepts %d bytes", len(b))
		}
	}
	for n := range 129 {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(c.rnd.Uint32())
		}
		c.is("SetWide", P(&z).SetWide(b), new(big.Int).SetBytes(b))
		b = bytes.Repeat([]byte{0xff}, n)
		c.is("SetWide", P(&z).SetWide(b), new(big.Int).SetBytes(b))
	}
	if !bytes.Equal(P(&z).Bytes(), enc(c.value(&z))) {
		c.Fatal("Bytes")
	}
	if P(&z).Wipe(); z != zero {
		c.Fatal("Wipe leaves something")
	}
}

func TestFp(t *testing.T) { fpTester(t).run() }
func TestFr(t *testing.T) { frTester(t).run() }

func TestFrSetNonZero(t *testing.T) {
	c := frTester(t)
	m1 := new(big.Int).Sub(c.m, big.NewInt(1))
	check := func(b []byte) {
		t.Helper()
		var z Fr
		want := new(big.Int).Mod(new(big.Int).SetBytes(b), m1)
		c.is("SetNonZero", z.SetNonZero(b), want.Add(want, big.NewInt(1)))
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
