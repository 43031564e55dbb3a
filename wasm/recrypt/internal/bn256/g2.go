package bn256

import (
	"errors"
	"sync"

	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/bn256/ff"
)

// G2Size is the length of an encoded point of G2 in bytes.
const G2Size = 4 * FieldSize

var (
	errG2Length = errors.New("bn256: wrong length of a G2 point")
	errG2       = errors.New("bn256: not a canonical point of G2")
)

// G2 is a point of the subgroup of order r of the twist y² = x³ + 3/ξ over Fp2
// (spec section 4), or any point of the twist if made by SetBytesReduced. The zero
// value is the identity.
type G2 struct{ p point2 }

// load returns the point with the zero value repaired.
func (q *G2) load() *point2 {
	t := q.p
	return t.repair()
}

// SetBytes sets q to the point encoded as x.im ‖ x.re ‖ y.im ‖ y.re, G2Size bytes,
// and returns q. It returns an error, leaving q alone, if the length is wrong, a
// part is not below the field prime, the point is not on the twist, or it lies
// outside the subgroup of order r. The identity has no such encoding.
func (q *G2) SetBytes(b []byte) (*G2, error) {
	if len(b) != G2Size {
		return nil, errG2Length
	}
	var a affine2
	if a.x.SetBytes(b[:ff.Fp2Size])&a.y.SetBytes(b[ff.Fp2Size:])&onTwist(&a) == 0 {
		return nil, errG2
	}
	var t point2
	t.setAffine(&a)
	if inSubgroup(&t) == 0 {
		return nil, errG2
	}
	q.p = t
	return q, nil
}

// SetBytesReduced sets q to an encoded point of the twist with the parts reduced
// modulo p first and the subgroup not checked, as recrypt does (spec section 5),
// and returns q. It serves known-answer tests.
func (q *G2) SetBytesReduced(b []byte) (*G2, error) {
	if len(b) != G2Size {
		return nil, errG2Length
	}
	var a affine2
	a.x.SetBytesReduced(b[:ff.Fp2Size])
	a.y.SetBytesReduced(b[ff.Fp2Size:])
	if onTwist(&a) == 0 {
		return nil, errG2
	}
	q.p.setAffine(&a)
	return q, nil
}

// onTwist returns 1 if y² = x³ + 3/ξ, and 0 otherwise.
func onTwist(a *affine2) int {
	var l, r ff.Fp2
	l.Sqr(&a.y)
	r.Sqr(&a.x)
	r.Mul(&r, &a.x)
	r.Add(&r, &ff.TwistB)
	return l.Equal(&r)
}

// inSubgroup returns 1 if the point of the twist has order r (or is the identity), and
// 0 otherwise: exactly then
//
//	[u+1]Q + ψ([u]Q) + ψ²([u]Q) = ψ³([2u]Q)
//
// The equation holds in G2, where ψ is multiplication by p ≡ 6u². On the twist
// ψ² = [t]ψ − [p] makes it [a]Q + [b]ψ(Q) = O and hence [a² + abt + b²p]Q = O; the
// generator checks that the greatest common divisor of that number and of the order
// of the twist is r.
func inSubgroup(a *point2) int {
	var s, t, u point2
	u.multiplyU(a)
	t.add(a, &u)
	s.psi(&u)
	t.add(&t, &s)
	s.psi(&s)
	t.add(&t, &s)
	s.psi(&s)
	return t.equal(s.double(&s))
}

// psi sets q = ψ(a), Frobenius carried to the twist, and returns q.
func (q *point2) psi(a *point2) *point2 {
	q.x.Conj(&a.x)
	q.x.Mul(&q.x, &ff.PsiX)
	q.y.Conj(&a.y)
	q.y.Mul(&q.y, &ff.PsiY)
	q.z.Conj(&a.z)
	return q
}

// Bytes returns x.im ‖ x.re ‖ y.im ‖ y.re, G2Size bytes, or a single zero byte for the
// identity. The time tells whether q is the identity.
func (q *G2) Bytes() []byte {
	if q.IsIdentity() == 1 {
		return []byte{0}
	}
	a := q.p.affine()
	b := make([]byte, G2Size)
	a.x.FillBytes(b[:ff.Fp2Size])
	a.y.FillBytes(b[ff.Fp2Size:])
	return b
}

// constantG2 decodes one of the fixed points.
func constantG2(s string) *G2 {
	q, err := new(G2).SetBytesReduced(unhex(s))
	if err != nil {
		panic("bn256: bad constant")
	}
	return q
}

// SetGenerator sets q = g1 (spec section 4), and returns q.
func (q *G2) SetGenerator() *G2 { return q.Set(constantG2(generatorHex)) }

// SetH sets q = H (spec section 4), and returns q.
func (q *G2) SetH() *G2 { return q.Set(constantG2(hHex)) }

// Set sets q = a, and returns q.
func (q *G2) Set(a *G2) *G2 {
	*q = *a
	return q
}

// Add sets q = a + b, and returns q.
func (q *G2) Add(a, b *G2) *G2 {
	q.p.add(a.load(), b.load())
	return q
}

// Sub sets q = a − b, and returns q.
func (q *G2) Sub(a, b *G2) *G2 {
	t := b.load()
	q.p.add(a.load(), t.neg(t))
	return q
}

// Negate sets q = −a, and returns q.
func (q *G2) Negate(a *G2) *G2 {
	q.p.neg(a.load())
	return q
}

// Equal returns 1 if q = a, and 0 otherwise.
func (q *G2) Equal(a *G2) int { return q.load().equal(a.load()) }

// IsIdentity returns 1 if q is the identity, and 0 otherwise.
func (q *G2) IsIdentity() int { return q.p.isIdentity() }

// Wipe sets q to the identity and overwrites what it was.
func (q *G2) Wipe() { *q = G2{} }

// ScalarMult sets q = [k]a, and returns q. The time does not depend on k or a, and a may
// be any point of the twist.
func (q *G2) ScalarMult(k *Scalar, a *G2) *G2 {
	var d [windows]digit
	k.digits1(d[:], window)
	q.p.multiply(d[:], windows, a.load())
	clear(d[:])
	return q
}

// tableG2 has the multiples of g1.
var tableG2 = sync.OnceValue(func() *table2 {
	return newTable2(&new(G2).SetGenerator().p)
})

// ScalarBaseMult sets q = [k]g1, and returns q. The time does not depend on k; the
// first call also builds a table.
func (q *G2) ScalarBaseMult(k *Scalar) *G2 {
	var d [4 * baseWindows4]digit
	k.digits4(d[:], baseWindow)
	q.p.multiplyBase(&d, tableG2())
	clear(d[:])
	return q
}

// endo sets q = ψ(a), which is [p]a in G2, and returns q.
func (q *point2) endo(a *point2) *point2 { return q.psi(a) }

// endoBack sets q to the point of which a is ψ³(q), and returns q: as ψ⁶ = −1 in G2,
// q = −ψ³(a).
func (q *point2) endoBack(a *point2) *point2 {
	q.psi(a)
	q.psi(q)
	q.psi(q)
	return q.neg(q)
}

func timesB32(x *ff.Fp2) { x.Mul(x, &ff.TwistB3) }
