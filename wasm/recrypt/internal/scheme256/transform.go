package scheme256

import (
	curve "github.com/recrypt-service/recrypt/wasm/recrypt/internal/bn256"
	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/fault"
)

// TransformKey makes a transform key from private to a public key (spec section
// 10.4). ephemeral is the scalar ρ, temp the GT element K.
func (Scheme) TransformKey(private, to, signer, ephemeral, temp []byte) ([]byte, error) {
	point, hidden, err := encapsulate(ephemeral, to, temp)
	if err != nil {
		return nil, err
	}
	hashed, err := hashedTempKey(private, temp)
	if err != nil {
		return nil, err
	}
	defer clear(hashed)
	out := make([]byte, 0, TransformKeySize)
	out = append(append(out, point...), to...)
	out = append(append(out, hidden...), hashed...)
	return seal(out, tkHashedAt, signer), nil
}

// hashedTempKey returns hash2(K) - [private]g1 = [h·c(K) - private]g1.
func hashedTempKey(private, temp []byte) ([]byte, error) {
	var q curve.G2
	defer q.Wipe()
	k, c := scalar(private), hashLog(temp)
	defer k.Wipe()
	defer c.Wipe()
	if q.ScalarBaseMult(c.Sub(c, k)).IsIdentity() == 1 {
		return nil, fault.TransformKey
	}
	return q.Bytes(), nil
}

// VerifyTransformKey checks the signature of a transform key.
func (s Scheme) VerifyTransformKey(key []byte) error {
	if !s.unseal(key, tkHashedAt) {
		return fault.TransformKey
	}
	return nil
}

// AugmentTransformKey subtracts [private]g1 from hashedTempKey (spec section 10.7).
func (Scheme) AugmentTransformKey(key, private []byte) ([]byte, error) {
	var q, d curve.G2
	defer q.Wipe()
	defer d.Wipe()
	if _, err := q.SetBytesReduced(key[tkHashedAt:tkSignerAt]); err != nil {
		return nil, fault.TransformKey
	}
	k := scalar(private)
	defer k.Wipe()
	if q.Sub(&q, d.ScalarBaseMult(k)).IsIdentity() == 1 {
		return nil, fault.TransformKey
	}
	out := append([]byte(nil), key...)
	hashed := q.Bytes()
	defer clear(hashed)
	copy(out[tkHashedAt:], hashed)
	return out, nil
}

// Transform applies a transform key to a value and signs the result (spec section
// 10.5). temp is the GT element K', ephemeral the scalar σ. The signature of the
// value is checked first, then that of the key.
func (s Scheme) Transform(value, key, signer, temp, ephemeral []byte) ([]byte, error) {
	list, err := shares(value)
	if err != nil {
		return nil, err
	}
	var hashed curve.G2
	defer hashed.Wipe()
	if _, err := hashed.SetBytesReduced(key[tkHashedAt:tkSignerAt]); err != nil {
		return nil, fault.TransformKey
	}
	if err := s.VerifyValue(value); err != nil {
		return nil, err
	}
	if err := s.VerifyTransformKey(key); err != nil {
		return nil, err
	}
	point, hidden, err := encapsulate(ephemeral, key[PointSize:2*PointSize], temp)
	if err != nil {
		return nil, err
	}
	body := len(value) - trailerSize
	out := make([]byte, 0, len(value)+BlockSize)
	out = append(out, value[:body]...)
	out = append(append(out, key[:PointSize]...), key[2*PointSize:tkHashedAt]...)
	out = append(append(out, point...), hidden...)
	replaceHidden(out, list, &hashed, temp)
	return seal(out, len(out), signer), nil
}

// replaceHidden applies hashedTempKey and hash2(K') to what out carried last before
// the new block was appended: the head of a value that had no blocks, otherwise
// both halves of its last block.
func replaceHidden(out []byte, list []share, hashed *curve.G2, temp []byte) {
	var lines curve.PreparedG2
	defer func() { lines = curve.PreparedG2{} }()
	lines.Prepare(hashed)
	c := hashLog(temp)
	defer c.Wipe()

	last := &list[len(list)-1]
	at := 0
	if len(list) > 1 {
		at = headSize + (len(list)-2)*(PointSize+GTSize)
		var f curve.GT
		first := &list[len(list)-2]
		f.Mul(f.PairPrepared(&first.point, &lines), &first.hidden)
		copy(out[at-GTSize:at], f.Bytes())
	}
	// e(P, hashed + hash2(K')) = e(P, hashed) · e([h·c(K')]P, g1)
	var f curve.GT
	var p curve.G1
	defer p.Wipe()
	p.ScalarMult(c, &last.point)
	f.Mul(f.PairPreparedG(&last.point, &lines, &p), &last.hidden)
	copy(out[at+PointSize:], f.Bytes())
}
