package bn256

import (
	"math/big"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/bn256/ff"
)

// smallPrimes returns the primes below 200000 that divide n.
func smallPrimes(n *big.Int) []*big.Int {
	var out []*big.Int
	rest, q, m := new(big.Int).Set(n), new(big.Int), new(big.Int)
	for v := int64(2); v < 200000; v++ {
		p := big.NewInt(v)
		if q.QuoRem(rest, p, m); m.Sign() != 0 {
			continue
		}
		out = append(out, p)
		for m.Sign() == 0 {
			rest.Set(q)
			q.QuoRem(rest, p, m)
		}
	}
	return out
}

// power returns a^e by ordinary squarings.
func power(a *ff.Fp12, e *big.Int) *ff.Fp12 {
	acc := new(ff.Fp12).SetOne()
	for i := e.BitLen() - 1; i >= 0; i-- {
		if acc.Sqr(acc); e.Bit(i) == 1 {
			acc.Mul(acc, a)
		}
	}
	return acc
}

// Elements of the cyclotomic subgroup are refused unless their order is r: those of
// each small prime order of the cofactor, their products with elements of GT, and those
// of the order of the whole cofactor.
func TestGTCofactor(t *testing.T) {
	p2 := new(big.Int).Mul(curve.p, curve.p)
	order := new(big.Int).Mul(p2, p2)
	order.Add(order.Sub(order, p2), big.NewInt(1))
	x, err := new(GT).SetBytesReduced(derived(t).bytes(t, "fp12_a"))
	if err != nil {
		t.Fatal(err)
	}
	c := x.f
	norm := new(ff.Fp6)
	halfEasyPart(&c, norm)
	easyPart(&c, norm.Inv(norm))
	one, e := new(ff.Fp12).SetOne(), new(GT).BaseExp(randomScalar(t))
	if power(&c, order).Equal(one) != 1 || power(&e.f, curve.r).Equal(one) != 1 {
		t.Fatal("the easy part or BaseExp leads elsewhere")
	}
	check := func(what string, f *ff.Fp12) {
		t.Helper()
		if f.Equal(one) == 1 {
			t.Fatalf("1 is no element %s", what)
		}
		for range 2 {
			if inGT(f) != 0 {
				t.Errorf("an element %s is taken for one of GT", what)
			}
			f.Mul(f, &e.f)
		}
	}
	check("of the cyclotomic subgroup", &c)
	cofactor := new(big.Int).Div(order, curve.r)
	check("of the order of the cofactor", power(&c, curve.r))
	for _, l := range smallPrimes(cofactor) {
		check("of order "+l.String(), power(&c, new(big.Int).Div(order, l)))
	}
	if inGT(power(&c, cofactor)) != 1 {
		t.Error("an element of order r is refused")
	}
}

// Likewise for points of the twist.
func TestG2Cofactor(t *testing.T) {
	q, err := new(G2).SetBytesReduced(derived(t).bytes(t, "off_subgroup_twist_point"))
	if err != nil {
		t.Fatal(err)
	}
	times := func(k *big.Int) *G2 {
		acc := new(G2)
		for i := k.BitLen() - 1; i >= 0; i-- {
			if acc.Add(acc, acc); k.Bit(i) == 1 {
				acc.Add(acc, q)
			}
		}
		return acc
	}
	check := func(what string, p *G2) {
		t.Helper()
		if p.IsIdentity() == 1 {
			t.Fatalf("O is no point %s", what)
		}
		for range 2 {
			if inSubgroup(p.load()) != 0 {
				t.Errorf("a point %s is taken for one of G2", what)
			}
			p.Add(p, new(G2).SetGenerator())
		}
	}
	cofactor := new(big.Int).Lsh(curve.p, 1)
	cofactor.Sub(cofactor, curve.r)
	order := new(big.Int).Mul(cofactor, curve.r)
	if times(order).IsIdentity() != 1 {
		t.Fatal("the order of the twist is another")
	}
	check("of the twist", times(big.NewInt(1)))
	check("of the order of the cofactor", times(curve.r))
	for _, l := range smallPrimes(cofactor) {
		check("of order "+l.String(), times(new(big.Int).Div(order, l)))
	}
	if inSubgroup(times(cofactor).load()) != 1 {
		t.Error("a point of order r is refused")
	}
}
