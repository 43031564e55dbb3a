package bn256

import (
	"math/big"
	"math/rand/v2"
	"testing"
)

// group is what G1 and G2 have in common.
type group[T comparable] interface {
	*T
	Set(a *T) *T
	SetGenerator() *T
	Add(a, b *T) *T
	Sub(a, b *T) *T
	Negate(a *T) *T
	Equal(a *T) int
	IsIdentity() int
	ScalarMult(k *Scalar, a *T) *T
	ScalarBaseMult(k *Scalar) *T
	SetBytes(b []byte) (*T, error)
	Bytes() []byte
	Wipe()
}

var testRand = rand.New(rand.NewPCG(11, 12))

func randomScalar(t testing.TB) *Scalar {
	b := make([]byte, FieldSize+16)
	for i := range b {
		b[i] = byte(testRand.Uint32())
	}
	return new(Scalar).SetUniform(b)
}

// edgeScalars returns integers that are special for windows and carries.
func edgeScalars(t testing.TB) []*big.Int {
	r := groupOrder(t)
	bits := uint(r.BitLen())
	one := big.NewInt(1)
	out := []*big.Int{big.NewInt(0)}
	for v := range int64(36) {
		out = append(out, big.NewInt(v), new(big.Int).Sub(r, big.NewInt(v+1)))
	}
	for _, s := range []uint{4, 64, 127, 128, bits - 1} {
		p := new(big.Int).Lsh(one, s)
		out = append(out, p, new(big.Int).Sub(p, one), new(big.Int).Add(p, one))
	}
	for _, nibble := range []byte{0x77, 0x88, 0x80, 0x08, 0x8f, 0x78} {
		b := make([]byte, FieldSize-1)
		for i := range b {
			b[i] = nibble
		}
		out = append(out, new(big.Int).SetBytes(b))
	}
	return out
}

func checkGroup[T comparable, P group[T]](t *testing.T) {
	var zero, l, r, s T
	is := func(law string, x, y *T) {
		t.Helper()
		if P(x).Equal(y) != 1 || P(y).Equal(x) != 1 {
			t.Fatalf("%s fails", law)
		}
	}
	random := func() *T { return P(new(T)).ScalarBaseMult(randomScalar(t)) }
	var gen T
	P(&gen).SetGenerator()
	for range 5 {
		a, b, c := random(), random(), random()
		is("a + b = b + a", P(&l).Add(a, b), P(&r).Add(b, a))
		is("(a + b) + c = a + (b + c)", P(&l).Add(&l, c), P(&r).Add(a, P(&r).Add(b, c)))
		is("(a + a) − a = a", P(&l).Sub(P(&l).Add(a, a), a), a)
		is("a + 0 = a", P(&l).Add(a, &zero), a)
		is("0 + a = a", P(&l).Add(&zero, a), a)
		is("a − a = 0", P(&l).Sub(a, a), &zero)
		is("a + (−a) = 0", P(&l).Add(a, P(&r).Negate(a)), &zero)
		if P(&l).IsIdentity() != 1 || P(a).IsIdentity() != 0 || P(a).Equal(b) != 0 || P(a).Equal(&zero) != 0 {
			t.Fatal("predicates fail")
		}
		x, y := randomScalar(t), randomScalar(t)
		P(&l).Add(P(&l).ScalarMult(x, a), P(&r).ScalarMult(y, a))
		is("[x]a + [y]a = [x + y]a", &l, P(&r).ScalarMult(new(Scalar).Add(x, y), a))
		is("[x][y]a = [xy]a", P(&l).ScalarMult(x, P(&l).ScalarMult(y, a)), P(&r).ScalarMult(new(Scalar).Mul(x, y), a))
		is("[x]a + [x]b = [x](a + b)", P(&l).Add(P(&l).ScalarMult(x, a), P(&s).ScalarMult(x, b)), P(&r).ScalarMult(x, P(&r).Add(a, b)))
		is("table", P(&l).ScalarBaseMult(x), P(&r).ScalarMult(x, &gen))
		dec, err := P(new(T)).SetBytes(P(a).Bytes())
		if err != nil {
			t.Fatal(err)
		}
		is("encoding", dec, a)
	}
	// against double and add
	a := random()
	for _, k := range edgeScalars(t) {
		var acc T
		for i := k.BitLen() - 1; i >= 0; i-- {
			P(&acc).Add(&acc, &acc)
			if k.Bit(i) == 1 {
				P(&acc).Add(&acc, a)
			}
		}
		is("[k]a", P(&l).ScalarMult(scalarOf(t, k), a), &acc)
		is("[k]B", P(&l).ScalarBaseMult(scalarOf(t, k)), P(&r).ScalarMult(scalarOf(t, k), &gen))
	}
	// [r]a = 0 and the identity
	var m1 Scalar
	m1.Negate(scalarInt(t, 1))
	is("[r − 1]a = −a", P(&l).ScalarMult(&m1, a), P(&r).Negate(a))
	x := randomScalar(t)
	is("[x]0 = 0", P(&l).ScalarMult(x, &zero), &zero)
	is("[0]a = 0", P(&l).ScalarMult(new(Scalar), a), &zero)
	is("[0]B = 0", P(&l).ScalarBaseMult(new(Scalar)), &zero)
	is("−0 = 0", P(&l).Negate(&zero), &zero)
	is("0 + 0 = 0", P(&l).Add(&zero, &zero), &zero)
	for _, p := range []*T{&zero, P(&r).ScalarMult(new(Scalar), a), P(new(T)).Sub(a, a)} {
		want(t, "encoding of the identity", P(p).Bytes(), []byte{0})
	}
	if _, err := P(&l).SetBytes([]byte{0}); err == nil {
		t.Error("the identity is decoded")
	}
	P(a).Wipe()
	if P(a).IsIdentity() != 1 || *a != zero {
		t.Error("Wipe leaves something")
	}
}

func TestG1(t *testing.T) { checkGroup[G1](t) }
func TestG2(t *testing.T) { checkGroup[G2](t) }

func TestG1DoubleScalarMult(t *testing.T) {
	check := func(a *Scalar, p *G1, b *Scalar) {
		t.Helper()
		w := new(G1).Add(new(G1).ScalarMult(a, p), new(G1).ScalarMult(b, new(G1).SetGenerator()))
		if new(G1).DoubleScalarMultVartime(a, p, b).Equal(w) != 1 {
			t.Fatalf("[%x]A + [%x]G", a.Bytes(), b.Bytes())
		}
	}
	for range 20 {
		check(randomScalar(t), new(G1).ScalarBaseMult(randomScalar(t)), randomScalar(t))
	}
	p, zero := new(G1).ScalarBaseMult(randomScalar(t)), new(G1)
	minus := new(G1).Negate(new(G1).SetGenerator())
	for _, k := range edgeScalars(t) {
		a, b := scalarOf(t, k), randomScalar(t)
		check(a, p, b)
		check(b, p, a)
		check(a, minus, a)
		check(a, zero, a)
	}
}

func TestG1XModR(t *testing.T) {
	for range 5 {
		p := new(G1).ScalarBaseMult(randomScalar(t))
		x := new(big.Int).SetBytes(p.Bytes()[:FieldSize])
		want(t, "x mod r", p.XModR().Bytes(), scalarOf(t, x).Bytes())
	}
	want(t, "x(G)", new(G1).SetGenerator().XModR().Bytes(), scalarInt(t, 1).Bytes())
}

func TestScalar(t *testing.T) {
	r, p := groupOrder(t), fieldPrime(t)
	value := func(s *Scalar) *big.Int { return new(big.Int).SetBytes(s.Bytes()) }
	for range 50 {
		a, b := randomScalar(t), randomScalar(t)
		x, y := value(a), value(b)
		z := new(big.Int)
		want(t, "+", new(Scalar).Add(a, b).Bytes(), scalarOf(t, z.Add(x, y)).Bytes())
		want(t, "−", new(Scalar).Sub(a, b).Bytes(), scalarOf(t, z.Sub(x, y)).Bytes())
		want(t, "·", new(Scalar).Mul(a, b).Bytes(), scalarOf(t, z.Mul(x, y)).Bytes())
		want(t, "neg", new(Scalar).Negate(a).Bytes(), scalarOf(t, z.Neg(x)).Bytes())
		want(t, "select", new(Scalar).Select(a, b, 1).Bytes(), a.Bytes())
		want(t, "select", new(Scalar).Select(a, b, 0).Bytes(), b.Bytes())
		if a.Equal(b) != 0 || a.Equal(new(Scalar).Set(a)) != 1 || a.IsZero() != 0 {
			t.Fatal("predicates")
		}
		a.Wipe()
		if a.IsZero() != 1 {
			t.Fatal("Wipe")
		}
	}
	all := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 8*FieldSize), big.NewInt(1))
	for _, v := range []*big.Int{r, new(big.Int).Add(r, big.NewInt(1)), p, all} {
		if _, err := new(Scalar).SetBytes(v.FillBytes(make([]byte, FieldSize))); err == nil {
			t.Errorf("SetBytes accepts %x", v)
		}
	}
	for _, n := range []int{0, FieldSize - 1, FieldSize + 1} {
		if _, err := new(Scalar).SetBytes(make([]byte, n)); err == nil {
			t.Errorf("SetBytes accepts %d bytes", n)
		}
	}
	one := big.NewInt(1)
	rMinus1 := new(big.Int).Sub(r, one)
	for n := 1; n <= 128; n++ {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(testRand.Uint32()) | byte(n&1)*0xff
		}
		v := new(big.Int).SetBytes(b)
		modP := new(big.Int).Mod(v, p)
		want(t, "ReduceModP", ReduceModP(b), modP.FillBytes(make([]byte, FieldSize)))
		want(t, "SetBytesModP", new(Scalar).SetBytesModP(b).Bytes(), scalarOf(t, modP).Bytes())
		if n >= FieldSize+16 {
			u := new(big.Int).Mod(v, rMinus1)
			want(t, "SetUniform", new(Scalar).SetUniform(b).Bytes(), u.Add(u, one).FillBytes(make([]byte, FieldSize)))
		}
	}
	for _, n := range []int{0, 129} {
		mustPanic(t, func() { ReduceModP(make([]byte, n)) })
		mustPanic(t, func() { new(Scalar).SetBytesModP(make([]byte, n)) })
		mustPanic(t, func() { new(Scalar).SetUniform(make([]byte, n)) })
	}
	mustPanic(t, func() { new(Scalar).SetUniform(make([]byte, FieldSize+15)) })
}

func mustPanic(t *testing.T, f func()) {
	t.Helper()
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	f()
}
