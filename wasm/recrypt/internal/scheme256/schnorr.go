package scheme256

import (
	curve "github.com/recrypt-service/recrypt/wasm/recrypt/internal/bn256"
	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/fault"
)

// schnorrHash is h(ρ, pk, M) of spec section 9.2, reduced modulo p and then r.
func schnorrHash(r, public, message []byte) *curve.Scalar {
	first, second := sum(r, public, message), sum(public, message, r)
	return new(curve.Scalar).SetBytesModP(append(first[:], second[:]...))
}

// SignSchnorr returns r ‖ s with r = x([nonce]G) mod r and
// s = nonce - h(r, public, message)·private mod r. public is named in the hash only.
// The error is fault.PrivateKey for a nonce that cannot be used.
func (Scheme) SignSchnorr(private, public, message, nonce []byte) ([]byte, error) {
	k, x := scalar(nonce), scalar(private)
	defer k.Wipe()
	defer x.Wipe()
	p := new(curve.G1).ScalarBaseMult(k)
	if p.IsIdentity() == 1 {
		return nil, fault.PrivateKey
	}
	r := p.XModR().Bytes()
	x.Mul(x, schnorrHash(r, public, message))
	return append(r, k.Sub(k, x).Bytes()...), nil
}

// VerifySchnorr reports whether signature is valid under public, from which
// [augmenting]G is taken away first unless augmenting is nil.
func (s Scheme) VerifySchnorr(public, augmenting, message, signature []byte) bool {
	if len(signature) != 2*ScalarSize {
		return false
	}
	r, ok := s.schnorrScalar(signature[:ScalarSize])
	if !ok || r.IsZero() == 1 {
		return false
	}
	t, ok := s.schnorrScalar(signature[ScalarSize:])
	if !ok {
		return false
	}
	var p curve.G1
	if _, err := p.SetBytesReduced(public); err != nil {
		return false
	}
	h := schnorrHash(r.Bytes(), p.Bytes(), message)
	if augmenting != nil {
		a := scalar(augmenting)
		defer a.Wipe()
		p.Sub(&p, new(curve.G1).ScalarBaseMult(a))
	}
	if p.IsIdentity() == 1 {
		return false
	}
	v := new(curve.G1).DoubleScalarMultVartime(h, &p, t)
	return v.IsIdentity() == 0 && v.XModR().Equal(r) == 1
}

// schnorrScalar decodes a half of a signature: below r, or, if lenient, reduced
// modulo r.
func (s Scheme) schnorrScalar(b []byte) (*curve.Scalar, bool) {
	k, err := new(curve.Scalar).SetBytes(b)
	if err != nil && s.Lenient {
		k, err = new(curve.Scalar).SetBytes(lessOrder(b))
	}
	return k, err == nil
}

// lessOrder returns int(b) - r, which is below r for every n-byte b not below r.
func lessOrder(b []byte) []byte {
	var one curve.Scalar
	one.SetBytesModP(append(make([]byte, len(b)-1), 1))
	order := one.Negate(&one).Bytes() // r - 1
	out := make([]byte, len(b))
	borrow := 1
	for i := len(b) - 1; i >= 0; i-- {
		d := int(b[i]) - int(order[i]) - borrow
		borrow = 0
		if d < 0 {
			d, borrow = d+256, 1
		}
		out[i] = byte(d)
	}
	return out
}
