package scheme256

import (
	curve "github.com/recrypt-service/recrypt/wasm/recrypt/internal/bn256"
	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/eddsa"
	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/fault"
	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/parallel"
)

// CheckPrivateKey accepts n bytes in [1, r-1].
func (Scheme) CheckPrivateKey(b []byte) error {
	if len(b) != ScalarSize {
		return fault.Size
	}
	var k curve.Scalar
	defer k.Wipe()
	if _, err := k.SetBytes(b); err != nil || k.IsZero() == 1 {
		return fault.PrivateKey
	}
	return nil
}

// CheckPublicKey accepts a canonical point of the curve.
func (Scheme) CheckPublicKey(b []byte) error {
	if len(b) != PointSize {
		return fault.Size
	}
	if _, err := new(curve.G1).SetBytes(b); err != nil {
		return fault.PublicKey
	}
	return nil
}

// CheckPlaintext accepts a canonical element of GT that is neither 1 nor the weak
// constant.
func (Scheme) CheckPlaintext(b []byte) error {
	if len(b) != GTSize {
		return fault.Size
	}
	var f curve.GT
	defer f.Wipe()
	if _, err := f.SetBytes(b); err != nil || isWeak(b) {
		return fault.Encoding
	}
	return nil
}

// CheckEncryptedValue accepts a value whose points are canonical and on the curve,
// whose GT elements are canonical and in GT, and whose signing key is acceptable.
// The number of blocks follows from the length; the caller has bounded it.
func (Scheme) CheckEncryptedValue(b []byte) error {
	if len(b) < ValueSize || (len(b)-ValueSize)%BlockSize != 0 {
		return fault.Size
	}
	if !eddsa.ValidKey(b[len(b)-trailerSize : len(b)-signatureSize]) {
		return fault.Encoding
	}
	errs := make([]error, sharesOf(b))
	parallel.Each(len(errs), func(i int) { errs[i] = checkPair(b[shareAt(i):]) })
	return first(errs...)
}

// first returns the first error that there is.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// checkPair checks the point and the GT element at the start of b, the shape of
// which a value and its blocks are made.
func checkPair(b []byte) error {
	if _, err := new(curve.G1).SetBytes(b[:PointSize]); err != nil {
		return fault.PublicKey
	}
	if _, err := new(curve.GT).SetBytes(b[PointSize : PointSize+GTSize]); err != nil {
		return fault.Encoding
	}
	return nil
}

// CheckTransformKey accepts a key whose points are canonical and on the curve, whose
// hashedTempKey is in the subgroup of order r and not the point at infinity, whose
// encryptedTempKey is in GT, and whose signing key is acceptable.
func (Scheme) CheckTransformKey(b []byte) error {
	if len(b) != TransformKeySize {
		return fault.Size
	}
	if !eddsa.ValidKey(b[tkSignerAt : tkSignerAt+verifyKeySize]) {
		return fault.Encoding
	}
	for _, p := range [][]byte{b[:PointSize], b[PointSize : 2*PointSize]} {
		if _, err := new(curve.G1).SetBytes(p); err != nil {
			return fault.TransformKey
		}
	}
	var hashed, temp error
	parallel.Do(
		func() {
			var q curve.G2
			defer q.Wipe()
			if _, err := q.SetBytes(b[tkHashedAt:tkSignerAt]); err != nil {
				hashed = fault.TransformKey
			}
		},
		func() {
			if _, err := new(curve.GT).SetBytes(b[2*PointSize : tkHashedAt]); err != nil {
				temp = fault.Encoding
			}
		})
	return first(hashed, temp)
}
