package bn256

import (
	"errors"

	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/bn256/ff"
)

var errScalar = errors.New("bn256: scalar has the wrong length or is not below the group order")

// Scalar is an integer modulo the group order r. The zero value is 0.
type Scalar struct{ v ff.Fr }

// SetBytes sets s to the big-endian integer b, FieldSize bytes, and returns s. It
// returns an error, and s = 0, if the length is wrong or the integer is r or
// more.
func (s *Scalar) SetBytes(b []byte) (*Scalar, error) {
	if s.v.SetBytes(b) == 0 {
		return nil, errScalar
	}
	return s, nil
}

// SetBytesModP sets s to the big-endian integer b, 1 to 128 bytes, reduced modulo
// p first and modulo r then, and returns s. That is how hash2, Schnorr hashes and
// private keys act as multipliers (spec sections 5 and 7). It panics on other
// lengths.
func (s *Scalar) SetBytesModP(b []byte) *Scalar {
	t := ReduceModP(b)
	s.v.SetBytesReduced(t)
	clear(t)
	return s
}

// SetUniform sets s to 1 + (int(b) mod (r−1)), and returns s. For uniform b of
// FieldSize+16 to 128 bytes the result is within 2^-128 of uniform in [1, r−1]. It
// panics on other lengths.
func (s *Scalar) SetUniform(b []byte) *Scalar {
	if len(b) < FieldSize+16 || len(b) > maxWide {
		panic("bn256: wrong number of uniform bytes")
	}
	s.v.SetNonZero(b)
	return s
}

// maxWide is the greatest length of an integer to be reduced in bytes.
const maxWide = 128

// ReduceModP returns the big-endian integer b, 1 to 128 bytes, modulo p as FieldSize
// bytes. It panics on other lengths.
func ReduceModP(b []byte) []byte {
	if len(b) == 0 || len(b) > maxWide {
		panic("bn256: wrong number of bytes to reduce")
	}
	var t ff.Fp
	t.SetWide(b)
	out := t.Bytes()
	t.Wipe()
	return out
}

// Bytes returns s as FieldSize bytes.
func (s *Scalar) Bytes() []byte { return s.v.Bytes() }

// Set sets s = a, and returns s.
func (s *Scalar) Set(a *Scalar) *Scalar {
	*s = *a
	return s
}

// Add sets s = a + b, and returns s.
func (s *Scalar) Add(a, b *Scalar) *Scalar {
	s.v.Add(&a.v, &b.v)
	return s
}

// Sub sets s = a − b, and returns s.
func (s *Scalar) Sub(a, b *Scalar) *Scalar {
	s.v.Sub(&a.v, &b.v)
	return s
}

// Mul sets s = a·b, and returns s.
func (s *Scalar) Mul(a, b *Scalar) *Scalar {
	s.v.Mul(&a.v, &b.v)
	return s
}

// Negate sets s = −a, and returns s.
func (s *Scalar) Negate(a *Scalar) *Scalar {
	s.v.Neg(&a.v)
	return s
}

// Equal returns 1 if s = a, and 0 otherwise.
func (s *Scalar) Equal(a *Scalar) int { return s.v.Equal(&a.v) }

// IsZero returns 1 if s = 0, and 0 otherwise.
func (s *Scalar) IsZero() int { return s.v.IsZero() }

// Select sets s = a if cond is 1 and s = b if cond is 0, and returns s.
func (s *Scalar) Select(a, b *Scalar, cond int) *Scalar {
	s.v.Select(&a.v, &b.v, cond)
	return s
}

// Wipe overwrites s with zero.
func (s *Scalar) Wipe() { s.v.Wipe() }

// LogH returns h mod r, where H = [h]g1 (spec section 4), so that
// e(P, [c]H) = e([h·c]P, g1).
func LogH() *Scalar {
	s, err := new(Scalar).SetBytes(unhex(logHHex))
	if err != nil {
		panic("bn256: bad constant")
	}
	return s
}

// unhex decodes a lower-case hexadecimal constant.
func unhex(s string) []byte {
	nibble := func(c byte) byte {
		if c >= 'a' {
			return c - 'a' + 10
		}
		return c - '0'
	}
	b := make([]byte, len(s)/2)
	for i := range b {
		b[i] = nibble(s[2*i])<<4 | nibble(s[2*i+1])
	}
	return b
}
