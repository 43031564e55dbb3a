package bn256

import (
	"errors"
	"sync"

	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/bn256/ff"
)

// G1Size is the length of an encoded point of G1 in bytes.
const G1Size = 2 * FieldSize

var (
	errG1Length = errors.New("bn256: wrong length of a G1 point")
	errG1       = errors.New("bn256: not a canonical point of G1")
)

// G1 is a point of E(Fp): y² = x³ + 3, a group of prime order r (spec section 4).
// The zero value is the identity.
type G1 struct{ p point1 }

// load returns the point with the zero value repaired.
func (p *G1) load() *point1 {
	t := p.p
	return t.repair()
}

// SetBytes sets p to the point encoded as x ‖ y, G1Size bytes, and returns p. It
// returns an error, leaving p alone, if the length is wrong, a coordinate is not
// below the field prime, or the point is not on the curve. The identity has no
// such encoding.
func (p *G1) SetBytes(b []byte) (*G1, error) {
	if len(b) != G1Size {
		return nil, errG1Length
	}
	var a affine1
	if a.x.SetBytes(b[:FieldSize])&a.y.SetBytes(b[FieldSize:])&onG1(&a) == 0 {
		return nil, errG1
	}
	p.p.setAffine(&a)
	return p, nil
}

// SetBytesReduced is SetBytes with the coordinates reduced modulo p first, as
// recrypt does (spec section 5). It serves known-answer tests.
func (p *G1) SetBytesReduced(b []byte) (*G1, error) {
	if len(b) != G1Size {
		return nil, errG1Length
	}
	var a affine1
	a.x.SetBytesReduced(b[:FieldSize])
	a.y.SetBytesReduced(b[FieldSize:])
	if onG1(&a) == 0 {
		return nil, errG1
	}
	p.p.setAffine(&a)
	return p, nil
}

// onG1 returns 1 if y² = x³ + 3, and 0 otherwise.
func onG1(a *affine1) int {
	var l, r, one ff.Fp
	l.Sqr(&a.y)
	r.Sqr(&a.x)
	r.Mul(&r, &a.x)
	one.SetOne()
	r.Add(&r, one.Mul3(&one))
	return l.Equal(&r)
}

// Bytes returns x ‖ y, G1Size bytes, or a single zero byte for the identity. The
// time tells whether p is the identity.
func (p *G1) Bytes() []byte {
	if p.IsIdentity() == 1 {
		return []byte{0}
	}
	a := p.p.affine()
	return a.bytes()
}

func (a *affine1) bytes() []byte {
	b := make([]byte, G1Size)
	a.x.FillBytes(b[:FieldSize])
	a.y.FillBytes(b[FieldSize:])
	return b
}

// XModR returns the x-coordinate of p as an integer modulo r, as Schnorr
// signatures use it (spec section 9.2); 0 for the identity.
func (p *G1) XModR() *Scalar {
	a := p.p.affine()
	s := new(Scalar)
	s.v.SetBytesReduced(a.x.Bytes())
	return s
}

// SetGenerator sets p = G = (1, 2), and returns p.
func (p *G1) SetGenerator() *G1 {
	var a affine1
	a.x.SetOne()
	a.y.Double(&a.x)
	p.p.setAffine(&a)
	return p
}

// Set sets p = a, and returns p.
func (p *G1) Set(a *G1) *G1 {
	*p = *a
	return p
}

// Add sets p = a + b, and returns p.
func (p *G1) Add(a, b *G1) *G1 {
	p.p.add(a.load(), b.load())
	return p
}

// Sub sets p = a − b, and returns p.
func (p *G1) Sub(a, b *G1) *G1 {
	t := b.load()
	p.p.add(a.load(), t.neg(t))
	return p
}

// Negate sets p = −a, and returns p.
func (p *G1) Negate(a *G1) *G1 {
	p.p.neg(a.load())
	return p
}

// Equal returns 1 if p = a, and 0 otherwise.
func (p *G1) Equal(a *G1) int { return p.load().equal(a.load()) }

// IsIdentity returns 1 if p is the identity, and 0 otherwise.
func (p *G1) IsIdentity() int { return p.p.isIdentity() }

// Wipe sets p to the identity and overwrites what it was.
func (p *G1) Wipe() { *p = G1{} }

// ScalarMult sets p = [k]a, and returns p. The time does not depend on k or a.
func (p *G1) ScalarMult(k *Scalar, a *G1) *G1 {
	var d [2 * windows2]digit
	k.digits2(d[:], window)
	p.p.multiply(d[:], windows2, a.load())
	clear(d[:])
	return p
}

// tableG has the multiples of G.
var tableG = sync.OnceValue(func() *table1 {
	return newTable1(&new(G1).SetGenerator().p)
})

// ScalarBaseMult sets p = [k]G, and returns p. The time does not depend on k; the
// first call also builds a table.
func (p *G1) ScalarBaseMult(k *Scalar) *G1 {
	var d [2 * baseWindows2]digit
	k.digits2(d[:], baseWindow)
	p.p.multiplyBase(&d, tableG())
	clear(d[:])
	return p
}

// endo sets p = (βx, y) = [λ]a with β = γ_{2,2}, and returns p (spec section 12,
// note 8).
func (p *point1) endo(a *point1) *point1 {
	p.x.Mul(&a.x, &ff.Psi2X)
	p.y, p.z = a.y, a.z
	return p
}

// endoBack sets p to the point of which a is the image under endo, and returns p.
func (p *point1) endoBack(a *point1) *point1 { return p.endo(p.endo(a)) }

func timesB31(x *ff.Fp) { x.Mul9(x) }
