package bn256

import (
	"math/big"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/bn256/ff"
)

func TestPairBilinear(t *testing.T) {
	g, g1 := new(G1).SetGenerator(), new(G2).SetGenerator()
	e := new(GT).Pair(g, g1)
	if e.Equal(new(GT).SetOne()) == 1 {
		t.Fatal("e(G, g1) = 1")
	}
	for range 4 {
		a, b := randomScalar(t), randomScalar(t)
		p, q := new(G1).ScalarBaseMult(a), new(G2).ScalarBaseMult(b)
		ab := new(Scalar).Mul(a, b)
		f := new(GT).Pair(p, q)
		eq := func(what string, x *GT) {
			t.Helper()
			if x.Equal(f) != 1 {
				t.Errorf("e([a]G, [b]g1) ≠ %s", what)
			}
		}
		eq("e(G, g1)^ab", new(GT).Exp(e, ab))
		eq("e(G, g1)^ab from the table", new(GT).BaseExp(ab))
		eq("e([ab]G, g1)", new(GT).PairG(new(G1).ScalarBaseMult(ab)))
		eq("e(G, [ab]g1)", new(GT).Pair(g, new(G2).ScalarBaseMult(ab)))
		eq("e([a]G, prepared)", new(GT).PairPrepared(p, new(PreparedG2).Prepare(q)))

		r := new(G1).ScalarBaseMult(randomScalar(t))
		s := new(G2).ScalarBaseMult(randomScalar(t))
		l := new(GT).Pair(new(G1).Add(p, r), q)
		if l.Equal(new(GT).Mul(f, new(GT).Pair(r, q))) != 1 {
			t.Error("not additive on the left")
		}
		l.Pair(p, new(G2).Add(q, s))
		if l.Equal(new(GT).Mul(f, new(GT).Pair(p, s))) != 1 {
			t.Error("not additive on the right")
		}
		l.PairPreparedG(p, new(PreparedG2).Prepare(q), r)
		if l.Equal(new(GT).Mul(f, new(GT).PairG(r))) != 1 {
			t.Error("PairPreparedG is not the product")
		}
		inv := new(GT).Inverse(f)
		if new(GT).Pair(new(G1).Negate(p), q).Equal(inv) != 1 || new(GT).Pair(p, new(G2).Negate(q)).Equal(inv) != 1 {
			t.Error("a negative argument is not the inverse")
		}
		if inv.Mul(inv, f).Equal(new(GT).SetOne()) != 1 {
			t.Error("Inverse")
		}
	}
}

func TestPairIdentity(t *testing.T) {
	one := new(GT).SetOne()
	g, g1 := new(G1).SetGenerator(), new(G2).SetGenerator()
	zero1, zero2 := new(G1).Sub(g, g), new(G2).Sub(g1, g1)
	for _, p := range []*G1{new(G1), zero1} {
		for _, q := range []*G2{new(G2), zero2, g1} {
			if new(GT).Pair(p, q).Equal(one) != 1 {
				t.Error("e(O, Q) ≠ 1")
			}
		}
		if new(GT).PairG(p).Equal(one) != 1 {
			t.Error("e(O, g1) ≠ 1")
		}
	}
	for _, q := range []*G2{new(G2), zero2} {
		if new(GT).Pair(g, q).Equal(one) != 1 {
			t.Error("e(P, O) ≠ 1")
		}
		prepared := new(PreparedG2).Prepare(q)
		if new(GT).PairPreparedG(g, prepared, g).Equal(new(GT).PairG(g)) != 1 {
			t.Error("e(P, O)·e(G, g1) ≠ e(G, g1)")
		}
		for _, l := range prepared.lines {
			if l.slope.IsZero()&l.constant.IsZero() != 1 {
				t.Fatal("lines of the identity")
			}
		}
	}
}

// The exponent is exactly (p¹²−1)/r.
func TestFinalExp(t *testing.T) {
	p, r := fieldPrime(t), groupOrder(t)
	e := new(big.Int).Exp(p, big.NewInt(12), nil)
	e.Sub(e, big.NewInt(1))
	e, rest := e.QuoRem(e, r, new(big.Int))
	if rest.Sign() != 0 {
		t.Fatal("r does not divide p¹²−1")
	}
	enc := derived(t).bytes(t, "fp12_b")
	x, err := new(GT).SetBytesReduced(enc)
	if err != nil {
		t.Fatal(err)
	}
	var acc ff.Fp12
	acc.SetOne()
	for i := e.BitLen() - 1; i >= 0; i-- {
		acc.Sqr(&acc)
		if e.Bit(i) == 1 {
			acc.Mul(&acc, &x.f)
		}
	}
	f, err := new(GT).FinalExp(enc)
	if err != nil {
		t.Fatal(err)
	}
	if f.f.Equal(&acc) != 1 {
		t.Error("FinalExp is not the power")
	}
}

func TestGT(t *testing.T) {
	one := new(GT).SetOne()
	for range 5 {
		x, y := randomScalar(t), randomScalar(t)
		a, b := new(GT).BaseExp(x), new(GT).BaseExp(y)
		l, r := new(GT), new(GT)
		if l.Mul(a, b).Equal(r.Mul(b, a)) != 1 || l.Equal(r.BaseExp(new(Scalar).Add(x, y))) != 1 {
			t.Error("product")
		}
		if l.Exp(a, y).Equal(r.BaseExp(new(Scalar).Mul(x, y))) != 1 {
			t.Error("power of a power")
		}
		if l.Set(a); l.Exp(l, y).Equal(r) != 1 {
			t.Error("power in place")
		}
		if l.Mul(a, r.Inverse(a)).Equal(one) != 1 {
			t.Error("inverse")
		}
		if l.Exp(a, new(Scalar).Negate(scalarInt(t, 1))).Equal(r) != 1 {
			t.Error("power r − 1")
		}
		if a.Equal(b) != 0 || a.Equal(one) != 0 {
			t.Error("Equal")
		}
		a.Wipe()
		if *a != (GT{}) {
			t.Error("Wipe")
		}
	}
	a := new(GT).BaseExp(randomScalar(t))
	for _, k := range edgeScalars(t) {
		if k.BitLen() > 8 {
			continue
		}
		w := new(GT).SetOne()
		for range k.Int64() {
			w.Mul(w, a)
		}
		if new(GT).Exp(a, scalarOf(t, k)).Equal(w) != 1 {
			t.Errorf("power %v", k)
		}
		w.SetOne()
		g := new(GT).BaseExp(scalarInt(t, 1))
		for range k.Int64() {
			w.Mul(w, g)
		}
		if new(GT).BaseExp(scalarOf(t, k)).Equal(w) != 1 {
			t.Errorf("power %v from the table", k)
		}
	}
}
