package scheme256

import (
	curve "github.com/recrypt-service/recrypt/wasm/recrypt/internal/bn256"
	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/fault"
	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/opaque"
)

// PreparedSize returns the length of a prepared transform key.
func (Scheme) PreparedSize() int { return preparedSize }

const preparedSize = TransformKeySize

// A preparedKey is a transform key that passed CheckTransformKey and whose signature was
// verified, with what every transform needs of it.
type preparedKey struct {
	s     Scheme
	key   []byte           // the transform key
	to    curve.GT         // e(toPublicKey, g1)
	lines curve.PreparedG2 // of hashedTempKey
}

// PrepareTransformKey verifies the signature of a transform key and makes its tables.
func (s Scheme) PrepareTransformKey(key []byte) (opaque.TransformKey, error) {
	if err := s.VerifyTransformKey(key); err != nil {
		return nil, err
	}
	return s.prepare(key)
}

// ReadPrepared reads what Bytes of a prepared transform key returned.
func (s Scheme) ReadPrepared(b []byte) (opaque.TransformKey, error) {
	if len(b) != preparedSize {
		return nil, fault.Size
	}
	return s.prepare(b)
}

func (s Scheme) prepare(key []byte) (opaque.TransformKey, error) {
	var hashed curve.G2
	var to curve.G1
	defer hashed.Wipe()
	if _, err := to.SetBytesReduced(key[PointSize : 2*PointSize]); err != nil {
		return nil, fault.TransformKey
	}
	if _, err := hashed.SetBytesReduced(key[tkHashedAt:tkSignerAt]); err != nil {
		return nil, fault.TransformKey
	}
	k := &preparedKey{s: s, key: append([]byte(nil), key...)}
	k.to.PairG(&to)
	k.lines.Prepare(&hashed)
	return k, nil
}

// Bytes is what ReadPrepared reads.
func (k *preparedKey) Bytes() []byte { return append([]byte(nil), k.key...) }

// Wipe overwrites the key.
func (k *preparedKey) Wipe() {
	clear(k.key)
	*k = preparedKey{}
}

// Transform transforms each value and signs the result.
func (k *preparedKey) Transform(values [][]byte, signer []byte, temps, ephemerals [][]byte) ([][]byte, []error) {
	out, errs := make([][]byte, len(values)), make([]error, len(values))
	for i, v := range values {
		out[i], errs[i] = k.s.Transform(v, k.key, signer, temps[i], ephemerals[i])
	}
	return out, errs
}

// A preparedPublic is a public key with e(key, g1).
type preparedPublic struct {
	key  []byte
	pair curve.GT
}

// PreparePublicKey computes e(key, g1).
func (Scheme) PreparePublicKey(key []byte) (opaque.PublicKey, error) {
	var p curve.G1
	if _, err := p.SetBytesReduced(key); err != nil {
		return nil, fault.PublicKey
	}
	k := &preparedPublic{key: append([]byte(nil), key...)}
	k.pair.PairG(&p)
	return k, nil
}

// Encrypt encrypts m to the key (spec section 12, note 5).
func (k *preparedPublic) Encrypt(m, signer, ephemeral []byte) ([]byte, error) {
	return Scheme{}.Encrypt(m, k.key, signer, ephemeral)
}

// DecryptMany decrypts values by one private key, in order. A value with an error has no
// plaintext.
func (s Scheme) DecryptMany(values [][]byte, private []byte) ([][]byte, []error) {
	out, errs := make([][]byte, len(values)), make([]error, len(values))
	for i, v := range values {
		out[i], errs[i] = s.Decrypt(v, private)
	}
	return out, errs
}
