package bn256

import (
	"errors"

	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/bn256/ff"
)

// PreparedG2Size is the length of the encoded lines of a point in bytes.
const PreparedG2Size = lineCount * 2 * ff.Fp2Size

var errPrepared = errors.New("bn256: not canonical lines of a prepared point")

// Bytes returns the lines in the order of the Miller loop, each as slope ‖ constant, each
// im ‖ re: PreparedG2Size bytes. They are as secret as the point, which follows from
// them, and they are meant for memory, not for others: nothing tells later that they
// belong to a point at all.
func (q *PreparedG2) Bytes() []byte {
	b := make([]byte, PreparedG2Size)
	for i := range q.lines {
		at := b[i*2*ff.Fp2Size:]
		q.lines[i].slope.FillBytes(at[:ff.Fp2Size])
		q.lines[i].constant.FillBytes(at[ff.Fp2Size : 2*ff.Fp2Size])
	}
	return b
}

// SetBytes sets q to what Bytes has written, and returns q. It returns an error, leaving
// q alone, if the length is not PreparedG2Size or a part is not below the field prime.
// That the lines are those of a point of G2 is not checked: the caller must know where
// the bytes come from.
func (q *PreparedG2) SetBytes(b []byte) (*PreparedG2, error) {
	if len(b) != PreparedG2Size {
		return nil, errPrepared
	}
	t := new(PreparedG2)
	defer t.Wipe()
	ok := 1
	for i := range t.lines {
		at := b[i*2*ff.Fp2Size:]
		ok &= t.lines[i].slope.SetBytes(at[:ff.Fp2Size])
		ok &= t.lines[i].constant.SetBytes(at[ff.Fp2Size : 2*ff.Fp2Size])
	}
	if ok == 0 {
		return nil, errPrepared
	}
	*q = *t
	return q, nil
}

// Wipe makes q the identity's and overwrites what it was.
func (q *PreparedG2) Wipe() { *q = PreparedG2{} }
