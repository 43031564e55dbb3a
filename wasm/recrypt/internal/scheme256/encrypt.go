package scheme256

import (
	curve "github.com/recrypt-service/recrypt/wasm/recrypt/internal/bn256"
	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/fault"
)

// Encrypt encrypts m to a public key (spec section 10.2). ephemeral is the scalar e.
func (Scheme) Encrypt(m, to, signer, ephemeral []byte) ([]byte, error) {
	r, err := newRecipient(to)
	if err != nil {
		return nil, err
	}
	return r.Encrypt(m, signer, ephemeral)
}

// VerifyValue checks the signature of a value.
func (s Scheme) VerifyValue(value []byte) error {
	if !s.unseal(value, len(value)-trailerSize) {
		return fault.Signature
	}
	return nil
}

// A share is a point and a GT element hidden under it: the shape of a value's head
// and of both halves of a transform block.
type share struct {
	point  curve.G1
	hidden curve.GT
}

func (h *share) set(b []byte) error {
	if _, err := h.point.SetBytesReduced(b[:PointSize]); err != nil {
		return fault.PublicKey
	}
	if _, err := h.hidden.SetBytesReduced(b[PointSize : PointSize+GTSize]); err != nil {
		return fault.Encoding
	}
	return nil
}

// shares decodes the head of a value and both halves of each of its blocks.
func shares(value []byte) ([]share, error) {
	list := make([]share, sharesOf(value))
	for i := range list {
		if err := list[i].set(value[shareAt(i):]); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// sharesOf returns the number of shares of a value, by its length.
func sharesOf(value []byte) int { return 1 + 2*((len(value)-ValueSize)/BlockSize) }

// shareAt returns where share i of a value begins.
func shareAt(i int) int {
	if i == 0 {
		return 0
	}
	return headSize + (i-1)*(PointSize+GTSize)
}
