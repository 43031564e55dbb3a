package ff

import (
	"bytes"
	"math/big"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/aliastest"
)

// ring is what all fields have in common.
type ring[T any] interface {
	*T
	SetZero() *T
	SetOne() *T
	Set(x *T) *T
	Add(x, y *T) *T
	Sub(x, y *T) *T
	Mul(x, y *T) *T
	Sqr(x *T) *T
	Inv(x *T) *T
	Equal(x *T) int
	IsZero() int
	Select(x, y *T, cond int) *T
	SetBytes(b []byte) int
	SetBytesReduced(b []byte) *T
	FillBytes(b []byte)
}

// checkRing checks the laws of a field, predicates, encoding and aliasing. The
// elements that random gives include extreme ones.
func checkRing[T comparable, P ring[T]](t *testing.T, size int, modulus *big.Int, random func() T) {
	t.Helper()
	for range enough(100, 20, 5000) {
		checkLaws[T, P](t, random(), random(), random())
	}
	checkParts[T, P](t, size, modulus)
	enc := make([]byte, size)
	for range 20 {
		x := random()
		P(&x).FillBytes(enc)
		var y T
		if P(&y).SetBytes(enc) != 1 || P(&y).Equal(&x) != 1 {
			t.Fatalf("%x does not come back", enc)
		}
		if y = x; P(P(&y).SetBytesReduced(enc)).Equal(&x) != 1 {
			t.Fatalf("%x does not come back reduced", enc)
		}
	}
	aliastest.Check(t, 2, random, map[string]func(v []*T){
		"Set": func(v []*T) { P(v[0]).Set(v[1]) },
		"Sqr": func(v []*T) { P(v[0]).Sqr(v[1]) },
		"Inv": func(v []*T) { P(v[0]).Inv(v[1]) },
	})
	aliastest.Check(t, 3, random, map[string]func(v []*T){
		"Add":      func(v []*T) { P(v[0]).Add(v[1], v[2]) },
		"Sub":      func(v []*T) { P(v[0]).Sub(v[1], v[2]) },
		"Mul":      func(v []*T) { P(v[0]).Mul(v[1], v[2]) },
		"Select 0": func(v []*T) { P(v[0]).Select(v[1], v[2], 0) },
		"Select 1": func(v []*T) { P(v[0]).Select(v[1], v[2], 1) },
	})
}

func checkLaws[T comparable, P ring[T]](t *testing.T, a, b, c T) {
	t.Helper()
	is := func(law string, x, y *T) {
		t.Helper()
		if P(x).Equal(y) != 1 || P(y).Equal(x) != 1 {
			t.Fatalf("%s fails", law)
		}
	}
	var zero, one, l, r, s T
	P(&one).SetOne()
	is("a + b = b + a", P(&l).Add(&a, &b), P(&r).Add(&b, &a))
	is("(a + b) − b = a", P(&l).Sub(&l, &b), &a)
	is("(a + b) + c = a + (b + c)", P(&l).Add(P(&l).Add(&a, &b), &c), P(&r).Add(&a, P(&r).Add(&b, &c)))
	is("a − b = −(b − a)", P(&l).Sub(&a, &b), P(&r).Sub(&zero, P(&r).Sub(&b, &a)))
	is("a + 0 = a", P(&l).Add(&a, &zero), &a)
	is("a − a = 0", P(&l).Sub(&a, &a), &zero)
	is("ab = ba", P(&l).Mul(&a, &b), P(&r).Mul(&b, &a))
	is("(ab)c = a(bc)", P(&l).Mul(&l, &c), P(&r).Mul(&a, P(&s).Mul(&b, &c)))
	P(&l).Mul(P(&l).Add(&a, &b), &c)
	P(&r).Add(P(&r).Mul(&a, &c), P(&s).Mul(&b, &c))
	is("(a + b)c = ac + bc", &l, &r)
	is("a² = aa", P(&l).Sqr(&a), P(&r).Mul(&a, &a))
	P(&l).Sqr(P(&l).Add(&a, &b))
	P(&r).Add(P(&r).Sqr(&a), P(&s).Sqr(&b))
	P(&s).Mul(&a, &b)
	is("(a + b)² = a² + b² + 2ab", &l, P(&r).Add(P(&r).Add(&r, &s), &s))
	is("a·1 = a", P(&l).Mul(&a, &one), &a)
	is("a·0 = 0", P(&l).Mul(&a, &zero), &zero)
	P(&l).Mul(P(&l).Inv(&a), &a)
	if P(&a).IsZero() == 1 {
		is("1/0 = 0", P(&s).Inv(&a), &zero)
		is("a = 0", &a, &zero)
	} else {
		is("a/a = 1", &l, &one)
		is("1/(1/a) = a", P(&l).Inv(P(&l).Inv(&a)), &a)
	}
	if P(&a).Equal(&b) != P(P(&l).Sub(&a, &b)).IsZero() || P(&zero).IsZero() != 1 || P(&one).IsZero() != 0 || P(&one).Equal(&zero) != 0 {
		t.Fatal("predicates fail")
	}
	if l, r = a, b; *P(&l).Select(&a, &b, 1) != a || *P(&l).Select(&a, &b, 0) != b || *P(&l).SetZero() != zero || *P(&r).Set(&a) != a {
		t.Fatal("an assignment fails")
	}
}

// checkParts checks that one part that is too great, wherever it stands, is refused,
// and so is a wrong length.
func checkParts[T comparable, P ring[T]](t *testing.T, size int, modulus *big.Int) {
	t.Helper()
	part := (modulus.BitLen() + 7) / 8
	var x, zero T
	m := modulus.FillBytes(make([]byte, part))
	for off := 0; off < size; off += part {
		enc := make([]byte, size)
		copy(enc[off:], m)
		if P(&x).SetBytes(enc) != 0 {
			t.Errorf("SetBytes accepts the modulus at offset %d", off)
		}
		if P(P(&x).SetBytesReduced(enc)).Equal(&zero) != 1 {
			t.Errorf("the modulus at offset %d is not reduced", off)
		}
		enc[off+part-1]--
		if P(&x).SetBytes(enc) != 1 {
			t.Errorf("SetBytes refuses the greatest part at offset %d", off)
		}
		got := make([]byte, size)
		if P(&x).FillBytes(got); !bytes.Equal(got, enc) {
			t.Errorf("the greatest part at offset %d comes back wrong", off)
		}
	}
	for _, n := range []int{0, size - 1, size + 1} {
		if P(&x).SetBytes(make([]byte, n)) != 0 {
			t.Errorf("SetBytes accepts %d bytes", n)
		}
	}
}
