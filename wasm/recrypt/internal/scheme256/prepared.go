package scheme256

import (
	curve "github.com/recrypt-service/recrypt/wasm/recrypt/internal/bn256"
	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/fault"
	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/opaque"
	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/parallel"
)

// The encoding of a prepared transform key: key ‖ e(toPublicKey, g1) ‖ lines.
const (
	preparedPairAt  = TransformKeySize
	preparedLinesAt = preparedPairAt + GTSize
	preparedSize    = preparedLinesAt + curve.PreparedG2Size
)

// PreparedSize returns the length of a prepared transform key.
func (Scheme) PreparedSize() int { return preparedSize }

// A preparedKey is a transform key that passed CheckTransformKey, with what transforms
// need of it.
type preparedKey struct {
	s     Scheme
	key   opaque.Signed
	to    *recipient
	lines curve.PreparedG2 // of hashedTempKey
}

// PrepareTransformKey verifies the signature of a transform key and computes all that its
// transforms have in common.
func (s Scheme) PrepareTransformKey(key opaque.Signed) (opaque.TransformKey, error) {
	if !key.Verified {
		if err := s.VerifyTransformKey(key.Bytes); err != nil {
			return nil, err
		}
		key.Verified = true
	}
	k, err := s.useTransformKey(key)
	if err != nil {
		return nil, err
	}
	k.to.prepare()
	return k, nil
}

// UseTransformKey makes the lines of a transform key, for one transform: that verifies the
// signature, after the value's, and does the pairing with toPublicKey.
func (s Scheme) UseTransformKey(key opaque.Signed) (opaque.TransformKey, error) {
	return s.useTransformKey(key)
}

func (s Scheme) useTransformKey(key opaque.Signed) (*preparedKey, error) {
	var hashed curve.G2
	defer hashed.Wipe()
	to, err := newRecipient(key.Bytes[PointSize : 2*PointSize])
	if err != nil {
		return nil, err
	}
	if _, err := hashed.SetBytesReduced(key.Bytes[tkHashedAt:tkSignerAt]); err != nil {
		return nil, fault.TransformKey
	}
	key.Bytes = append([]byte(nil), key.Bytes...)
	k := &preparedKey{s: s, key: key, to: to}
	k.lines.Prepare(&hashed)
	return k, nil
}

// ReadPrepared reads what Bytes of a prepared transform key returned. The caller must know
// that it did: no property of it is checked.
func (s Scheme) ReadPrepared(b []byte) (opaque.TransformKey, error) {
	if len(b) != preparedSize {
		return nil, fault.Size
	}
	k := &preparedKey{s: s, to: &recipient{prepared: true}}
	if _, err := k.to.pair.SetBytesReduced(b[preparedPairAt:preparedLinesAt]); err != nil {
		return nil, fault.TransformKey
	}
	if _, err := k.lines.SetBytes(b[preparedLinesAt:]); err != nil {
		return nil, fault.TransformKey
	}
	k.key = opaque.Signed{Bytes: append([]byte(nil), b[:preparedPairAt]...), Verified: true}
	return k, nil
}

// Bytes returns what ReadPrepared reads.
func (k *preparedKey) Bytes() []byte {
	pair, lines := k.to.pair.Bytes(), k.lines.Bytes()
	defer clear(pair)
	defer clear(lines)
	out := make([]byte, 0, preparedSize)
	out = append(append(out, k.key.Bytes...), pair...)
	return append(out, lines...)
}

// Wipe overwrites the key and its tables.
func (k *preparedKey) Wipe() {
	clear(k.key.Bytes)
	k.to.pair.Wipe()
	k.lines.Wipe()
}

// Transform applies the key to values and signs the results (spec section 10.5). A temp is
// K' (see tempKey), an ephemeral the scalar σ. The signature of a value is checked first,
// then that of the key.
func (k *preparedKey) Transform(values []opaque.Signed, signer []byte, temps, ephemerals [][]byte) ([][]byte, []error) {
	list := make([]change, len(values))
	defer wipe(list)
	for i := range list {
		list[i].start(values[i], temps[i], ephemerals[i])
	}
	unsigned := fault.TransformKey // until it is known to be signed
	changeAll := func() {
		parallel.Ranges(len(list), func(from, to int) { k.change(list[from:to]) })
	}
	if k.key.Verified {
		unsigned = nil
		changeAll()
	} else {
		parallel.Do(changeAll, func() { unsigned = k.s.VerifyTransformKey(k.key.Bytes) })
	}
	out, errs := make([][]byte, len(list)), make([]error, len(list))
	parallel.Each(len(list), func(i int) {
		out[i], errs[i] = list[i].finish(k.key.Bytes, signer, unsigned)
	})
	return out, errs
}
