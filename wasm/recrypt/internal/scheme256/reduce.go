package scheme256

import (
	curve "github.com/recrypt-service/recrypt/wasm/recrypt/internal/bn256"
	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/fault"
)

// The Reduce functions decode as the upstream library does (spec section 5): field
// elements are reduced modulo p, points have to be on their curve, and nothing else
// is checked. They return the canonical encoding. Package recrypttest uses them.

// ReducePrivateKey returns int(b) mod p.
func (Scheme) ReducePrivateKey(b []byte) ([]byte, error) {
	if len(b) != ScalarSize {
		return nil, fault.Size
	}
	return curve.ReduceModP(b), nil
}

// ReducePublicKey decodes a point of the curve.
func (Scheme) ReducePublicKey(b []byte) ([]byte, error) {
	if len(b) != PointSize {
		return nil, fault.Size
	}
	var p curve.G1
	if _, err := p.SetBytesReduced(b); err != nil {
		return nil, fault.PublicKey
	}
	return p.Bytes(), nil
}

// ReduceGT decodes any element of Fp12.
func (Scheme) ReduceGT(b []byte) ([]byte, error) {
	if len(b) != GTSize {
		return nil, fault.Size
	}
	var f curve.GT
	if _, err := f.SetBytesReduced(b); err != nil {
		return nil, fault.Encoding
	}
	return f.Bytes(), nil
}

// FinalExp raises the element of Fp12 in b to the power (p^12-1)/r, which is how
// upstream makes random elements of GT (spec section 8).
func (Scheme) FinalExp(b []byte) ([]byte, error) {
	if len(b) != GTSize {
		return nil, fault.Size
	}
	var f curve.GT
	if _, err := f.FinalExp(b); err != nil {
		return nil, fault.Encoding
	}
	return f.Bytes(), nil
}

// ReduceValue decodes an encrypted value with any number of blocks.
func (s Scheme) ReduceValue(b []byte) ([]byte, error) {
	if len(b) < ValueSize || (len(b)-ValueSize)%BlockSize != 0 {
		return nil, fault.Size
	}
	out := append([]byte(nil), b...)
	if err := s.reducePair(out); err != nil {
		return nil, err
	}
	for at := headSize; at < len(b)-trailerSize; at += PointSize + GTSize {
		if err := s.reducePair(out[at:]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// reducePair reduces the point and the GT element at the start of b in place.
func (s Scheme) reducePair(b []byte) error {
	p, err := s.ReducePublicKey(b[:PointSize])
	if err != nil {
		return err
	}
	f, err := s.ReduceGT(b[PointSize : PointSize+GTSize])
	if err != nil {
		return err
	}
	copy(b, p)
	copy(b[PointSize:], f)
	return nil
}

// ReduceTransformKey decodes a transform key; its hashedTempKey may be any point of
// the twist.
func (s Scheme) ReduceTransformKey(b []byte) ([]byte, error) {
	if len(b) != TransformKeySize {
		return nil, fault.Size
	}
	out := append([]byte(nil), b...)
	p, err := s.ReducePublicKey(b[:PointSize])
	if err != nil {
		return nil, err
	}
	copy(out, p)
	if err := s.reducePair(out[PointSize:]); err != nil {
		return nil, err
	}
	var q curve.G2
	if _, err := q.SetBytesReduced(b[tkHashedAt:tkSignerAt]); err != nil {
		return nil, fault.TransformKey
	}
	copy(out[tkHashedAt:], q.Bytes())
	return out, nil
}
