package bn256

import (
	"bytes"
	"math/big"
	"strings"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/bn256/ff"
)

// refuse checks that decoding fails, says nothing about the input and leaves
// nothing behind.
func refuse[T comparable](t *testing.T, what string, b []byte, decode func(*T, []byte) (*T, error)) {
	t.Helper()
	var v, zero T
	got, err := decode(&v, b)
	switch {
	case err == nil:
		t.Errorf("%s accepted", what)
	case got != nil:
		t.Errorf("%s: a value beside the error", what)
	case v != zero:
		t.Errorf("%s leaves a value", what)
	case !strings.HasPrefix(err.Error(), "bn256: ") || strings.ContainsAny(err.Error()[6:], "356789"):
		t.Errorf("%s: message %q", what, err)
	}
}

// plusP adds p to the coordinate at off, if the sum fits.
func plusP(t *testing.T, b []byte, off int) []byte {
	v := new(big.Int).SetBytes(b[off : off+FieldSize])
	v.Add(v, fieldPrime(t))
	if v.BitLen() > 8*FieldSize {
		return nil
	}
	out := bytes.Clone(b)
	v.FillBytes(out[off : off+FieldSize])
	return out
}

func TestG1Decode(t *testing.T) {
	strict, lenient := (*G1).SetBytes, (*G1).SetBytesReduced
	g := new(G1).SetGenerator().Bytes()
	for _, n := range []int{0, 1, G1Size - 1, G1Size + 1} {
		refuse(t, "wrong length", make([]byte, n), strict)
		refuse(t, "wrong length", make([]byte, n), lenient)
	}
	refuse(t, "(0, 0)", make([]byte, G1Size), strict)
	refuse(t, "(0, 0)", make([]byte, G1Size), lenient)
	off := bytes.Clone(g)
	off[G1Size-1]++
	refuse(t, "(1, 3)", off, strict)
	refuse(t, "(1, 3)", off, lenient)
	alias := plusP(t, plusP(t, g, 0), FieldSize)
	for _, b := range [][]byte{alias, plusP(t, g, 0), plusP(t, g, FieldSize)} {
		refuse(t, "coordinate above p", b, strict)
		p, err := new(G1).SetBytesReduced(b)
		if err != nil {
			t.Fatal(err)
		}
		want(t, "reduced", p.Bytes(), g)
	}
	refuse(t, "all ones", bytes.Repeat([]byte{0xff}, G1Size), strict)
}

func TestG2Decode(t *testing.T) {
	strict, lenient := (*G2).SetBytes, (*G2).SetBytesReduced
	g := new(G2).SetGenerator().Bytes()
	for _, n := range []int{0, 1, G2Size - 1, G2Size + 1} {
		refuse(t, "wrong length", make([]byte, n), strict)
		refuse(t, "wrong length", make([]byte, n), lenient)
	}
	refuse(t, "(0, 0)", make([]byte, G2Size), strict)
	refuse(t, "(0, 0)", make([]byte, G2Size), lenient)
	for i := range 4 {
		off := bytes.Clone(g)
		off[(i+1)*FieldSize-1] ^= 1
		refuse(t, "point off the twist", off, strict)
		refuse(t, "point off the twist", off, lenient)
		alias := plusP(t, g, i*FieldSize)
		if alias == nil {
			continue
		}
		refuse(t, "coordinate above p", alias, strict)
		q, err := new(G2).SetBytesReduced(alias)
		if err != nil {
			t.Fatal(err)
		}
		want(t, "reduced", q.Bytes(), g)
	}
	checkOffSubgroup(t, "of the model", derived(t).bytes(t, "off_subgroup_twist_point"))
}

// checkOffSubgroup checks that a point of the twist outside G2 is refused, and that
// it does no harm if it comes in by the lenient way.
func checkOffSubgroup(t *testing.T, name string, b []byte) {
	t.Helper()
	refuse(t, "point "+name, b, (*G2).SetBytes)
	q, err := new(G2).SetBytesReduced(b)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	want(t, name, q.Bytes(), b)
	// any result will do
	new(GT).Pair(new(G1).SetGenerator(), q)
	new(GT).PairPreparedG(new(G1).SetGenerator(), new(PreparedG2).Prepare(q), new(G1))
}

func TestGTDecode(t *testing.T) {
	strict := (*GT).SetBytes
	e := new(GT).BaseExp(randomScalar(t))
	enc := e.Bytes()
	if f, err := new(GT).SetBytes(enc); err != nil || f.Equal(e) != 1 {
		t.Fatal("an element is refused")
	}
	for _, n := range []int{0, 1, GTSize - 1, GTSize + 1} {
		refuse(t, "wrong length", make([]byte, n), strict)
		refuse(t, "wrong length", make([]byte, n), (*GT).SetBytesReduced)
		refuse(t, "wrong length", make([]byte, n), (*GT).FinalExp)
	}
	refuse(t, "0", make([]byte, GTSize), strict)
	one := new(GT).SetOne()
	refuse(t, "1", one.Bytes(), strict)
	var minus GT
	minus.f.Sub(&minus.f, &one.f)
	refuse(t, "−1", minus.Bytes(), strict)
	refuse(t, "twelve ones", fp12Of(t, 1), strict)
	for range 5 {
		b := make([]byte, GTSize)
		for i := range b {
			b[i] = byte(testRand.Uint32())
		}
		x, err := new(GT).SetBytesReduced(b)
		if err != nil {
			t.Fatal(err)
		}
		refuse(t, "random element of Fp12", x.Bytes(), strict)
		// in the cyclotomic subgroup, but not of order r
		var c, s ff.Fp12
		c.Conj(&x.f)
		c.Mul(&c, s.Inv(&x.f))
		c.Mul(&c, s.Frobenius2(&c))
		refuse(t, "cyclotomic element", (&GT{c}).Bytes(), strict)
		// −e has order 2r
		s.SetZero()
		s.Sub(&s, &e.f)
		refuse(t, "−e", (&GT{s}).Bytes(), strict)
		y, err := new(GT).FinalExp(b)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := new(GT).SetBytes(y.Bytes()); err != nil {
			t.Errorf("FinalExp leads outside GT: %v", err)
		}
	}
	for off := 0; off < GTSize; off += FieldSize {
		if alias := plusP(t, enc, off); alias != nil {
			refuse(t, "part above p", alias, strict)
			f, err := new(GT).SetBytesReduced(alias)
			if err != nil || f.Equal(e) != 1 {
				t.Error("part above p is not reduced")
			}
		}
	}
	zero, err := new(GT).FinalExp(make([]byte, GTSize))
	if err != nil || zero.f.IsZero() != 1 {
		t.Error("FinalExp of 0 is not 0")
	}
}
