package bn256

import (
	"errors"

	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/bn256/ff"
)

// GTSize is the length of an encoded element of GT in bytes.
const GTSize = 12 * FieldSize

var (
	errGTLength = errors.New("bn256: wrong length of a GT element")
	errGT       = errors.New("bn256: not a canonical element of GT")
)

// GT is an element of the subgroup of order r of Fp12*, written multiplicatively,
// or any element of Fp12 if made by SetBytesReduced. The zero value is 0 in Fp12,
// which is not in the group.
type GT struct{ f ff.Fp12 }

// SetBytes sets f to the element encoded in GTSize bytes (spec section 5), and
// returns f. It returns an error, leaving f alone, if the length is wrong, a part
// is not below the field prime, or the element is 0, 1 or outside the subgroup of
// order r.
func (f *GT) SetBytes(b []byte) (*GT, error) {
	if len(b) != GTSize {
		return nil, errGTLength
	}
	var t, one ff.Fp12
	one.SetOne()
	ok := t.SetBytes(b)
	if ok == 0 || t.IsZero() == 1 || t.Equal(&one) == 1 || inGT(&t) == 0 {
		return nil, errGT
	}
	f.f = t
	return f, nil
}

// SetBytesReduced sets f to the element of Fp12 encoded in GTSize bytes, each part
// reduced modulo p, as recrypt does (spec section 5), and returns f. Only the
// length is checked. Inverse and Exp are wrong for what is not in GT.
func (f *GT) SetBytesReduced(b []byte) (*GT, error) {
	if len(b) != GTSize {
		return nil, errGTLength
	}
	f.f.SetBytesReduced(b)
	return f, nil
}

// inGT returns 1 if a ≠ 0 is in GT, and 0 otherwise: exactly then a^(p⁴−p²+1) = 1 and
//
//	a^(u+1) · a^(u·p) · a^(u·p²) = a^(2u·p³)
//
// as r is the greatest common divisor of p⁴ − p² + 1 and u+1 + u·p + u·p² − 2u·p³,
// which the generator checks. (Scott, "A note on group membership tests for G1, G2 and
// GT on BLS pairing-friendly curves", 2021, finds such short relations.)
func inGT(a *ff.Fp12) int {
	var s, t ff.Fp12
	s.Frobenius2(a)
	t.Frobenius2(&s)
	t.Mul(&t, a)
	if t.Equal(&s) == 0 {
		return 0
	}
	var u ff.Fp12
	powU(&u, a)
	t.Mul(a, &u)
	t.Mul(&t, s.Frobenius(&u))
	t.Mul(&t, s.Frobenius2(&u))
	s.CyclotomicSqr(&u)
	return t.Equal(s.Frobenius3(&s))
}

// Bytes returns f as GTSize bytes (spec section 5).
func (f *GT) Bytes() []byte {
	b := make([]byte, GTSize)
	f.f.FillBytes(b)
	return b
}

// SetOne sets f = 1, and returns f.
func (f *GT) SetOne() *GT {
	f.f.SetOne()
	return f
}

// Set sets f = a, and returns f.
func (f *GT) Set(a *GT) *GT {
	*f = *a
	return f
}

// Mul sets f = a·b, and returns f.
func (f *GT) Mul(a, b *GT) *GT {
	f.f.Mul(&a.f, &b.f)
	return f
}

// Inverse sets f = 1/a, and returns f. It conjugates, so a must be in GT.
func (f *GT) Inverse(a *GT) *GT {
	f.f.Conj(&a.f)
	return f
}

// Equal returns 1 if f = a, and 0 otherwise.
func (f *GT) Equal(a *GT) int { return f.f.Equal(&a.f) }

// Wipe overwrites f with zero.
func (f *GT) Wipe() { *f = GT{} }

// Exp sets f = a^k, and returns f. The time does not depend on k or a. a must be in
// GT: cyclotomic squarings are used, and that a^p is a^(6u²).
func (f *GT) Exp(a *GT, k *Scalar) *GT {
	var table tableExp
	table.fill(&a.f)
	var d [4 * windows4]digit
	k.digits4(d[:], window)
	var acc, e ff.Fp12
	acc.SetOne()
	for i := windows4 - 1; i >= 0; i-- {
		if i != windows4-1 {
			for range window {
				acc.CyclotomicSqr(&acc)
			}
		}
		for s := range 4 {
			table.lookUp(&e, d[s*windows4+i])
			switch s { // public
			case 1:
				e.Frobenius(&e)
			case 2:
				e.Frobenius2(&e)
			case 3:
				e.Frobenius3(&e)
			}
			acc.Mul(&acc, &e)
		}
	}
	clear(d[:])
	clear(table[:])
	f.f = acc
	return f
}

// tableExp has the powers a, a², …, a^tableSize.
type tableExp [gtParts * tableSize]ff.Packed

func (t *tableExp) fill(a *ff.Fp12) {
	var powers [tableSize]ff.Fp12
	fillPowers(powers[:], a)
	for i := range powers {
		parts := gtPartsOf(&powers[i])
		store(t[:], tableSize, i, parts[:])
	}
	clear(powers[:])
}

// lookUp sets e = a^d, reading the whole table.
func (t *tableExp) lookUp(e *ff.Fp12, d digit) {
	var one ff.Fp
	one.SetOne()
	parts := gtPartsOf(e)
	lookUp(parts[:], t[:], tableSize, d)
	e.C0.B0.A0.Select(&one, &e.C0.B0.A0, d.is(0))
	e.CondConj(e, d.negative())
}

// fillPowers sets table to a, a², …
func fillPowers(table []ff.Fp12, a *ff.Fp12) {
	table[0] = *a
	for i := 1; i < len(table); i++ {
		if i%2 == 1 {
			table[i].CyclotomicSqr(&table[i/2])
		} else {
			table[i].Mul(&table[i-1], a)
		}
	}
}

// gtParts is the number of elements of Fp in an element of GT, torusParts that in its
// compressed form (see tableGT).
const (
	gtParts    = 12
	torusParts = 6
)

func torusPartsOf(c *ff.Fp6) [torusParts]*ff.Fp {
	return [...]*ff.Fp{&c.B0.A0, &c.B0.A1, &c.B1.A0, &c.B1.A1, &c.B2.A0, &c.B2.A1}
}

func gtPartsOf(f *ff.Fp12) (out [gtParts]*ff.Fp) {
	low, high := torusPartsOf(&f.C0), torusPartsOf(&f.C1)
	copy(out[copy(out[:], low[:]):], high[:])
	return out
}
