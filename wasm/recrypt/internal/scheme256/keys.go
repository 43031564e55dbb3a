package scheme256

import (
	curve "github.com/recrypt-service/recrypt/wasm/recrypt/internal/bn256"
	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/fault"
)

// UniformScalar returns 1 + (int(uniform) mod (r-1)), n bytes. For 2n uniform bytes
// its distance from uniform is below 2^-8n.
func (Scheme) UniformScalar(uniform []byte) []byte {
	var k curve.Scalar
	defer k.Wipe()
	return k.SetUniform(uniform).Bytes()
}

// UniformGT returns e(G, g1)^k with k = UniformScalar(uniform), 12n bytes.
func (Scheme) UniformGT(uniform []byte) []byte {
	var k curve.Scalar
	var f curve.GT
	defer k.Wipe()
	defer f.Wipe()
	return f.BaseExp(k.SetUniform(uniform)).Bytes()
}

// PublicKey returns [private]G (spec section 10.1). The error is fault.PublicKey if
// that is the point at infinity.
func (Scheme) PublicKey(private []byte) ([]byte, error) {
	k := scalar(private)
	defer k.Wipe()
	p := new(curve.G1).ScalarBaseMult(k)
	if p.IsIdentity() == 1 {
		return nil, fault.PublicKey
	}
	return p.Bytes(), nil
}

// AddPrivateKeys returns (a + b) mod r, n bytes, possibly zero (spec section 10.7).
func (Scheme) AddPrivateKeys(a, b []byte) []byte {
	x, y := scalar(a), scalar(b)
	defer x.Wipe()
	defer y.Wipe()
	return x.Add(x, y).Bytes()
}

// SubPrivateKeys returns (a - b) mod r, n bytes, possibly zero.
func (Scheme) SubPrivateKeys(a, b []byte) []byte {
	x, y := scalar(a), scalar(b)
	defer x.Wipe()
	defer y.Wipe()
	return x.Sub(x, y).Bytes()
}

// AddPublicKeys returns the sum of two points, or fault.PublicKey if one is not on
// the curve or the sum is the point at infinity.
func (Scheme) AddPublicKeys(a, b []byte) ([]byte, error) {
	var p, q curve.G1
	if _, err := p.SetBytesReduced(a); err != nil {
		return nil, fault.PublicKey
	}
	if _, err := q.SetBytesReduced(b); err != nil {
		return nil, fault.PublicKey
	}
	if p.Add(&p, &q).IsIdentity() == 1 {
		return nil, fault.PublicKey
	}
	return p.Bytes(), nil
}
