package bn256

import "math/bits"

// scalarWords is the number of 64-bit words of a scalar.
const scalarWords = (FieldSize + 7) / 8

// short is a scalar of about half or a quarter of the bits of r in two's complement,
// lowest word first.
type short [shortWords]uint64

// words returns s, lowest word first.
func (s *Scalar) words() (w [scalarWords]uint64) {
	var b [FieldSize]byte
	s.v.FillBytes(b[:])
	for i, v := range b {
		j := FieldSize - 1 - i
		w[j/8] |= uint64(v) << (8 * (j % 8))
	}
	clear(b[:])
	return w
}

// split returns k₀, k₁ with k ≡ k₀ + k₁·λ (mod r).
func (s *Scalar) split() (out [2]short) {
	w := s.words()
	for i := range basis2 {
		q := quotient(&w, &recip2[i])
		for j := range out {
			out[j].subMul(&q, &basis2[i][j])
		}
	}
	out[0].addWords(&w)
	clear(w[:])
	return out
}

// split4 returns k₀, …, k₃ with k ≡ k₀ + k₁·p + k₂·p² + k₃·p³ (mod r).
func (s *Scalar) split4() (out [4]short) {
	w := s.words()
	for i := range basis4 {
		q := quotient(&w, &recip4[i])
		for j := range out {
			out[j].subMul(&q, &basis4[i][j])
		}
	}
	out[0].addWords(&w)
	clear(w[:])
	return out
}

// quotient returns the nearest integer to k·recip/2^(64·recipWords), modulo
// 2^(64·shortWords): a coordinate of (k, 0, …) in the basis. The coordinates are longer
// than short scalars; what is left of k after they are taken off is not.
func quotient(k *[scalarWords]uint64, recip *[recipWords]uint64) (q short) {
	var t [scalarWords + recipWords]uint64
	t[recipWords-1] = 1 << 63 // one half
	for i, a := range k {
		var carry uint64
		for j, b := range recip {
			t[i+j], carry = mulAdd(a, b, t[i+j], carry)
		}
		var c uint64
		t[i+recipWords], c = bits.Add64(t[i+recipWords], carry, 0)
		for j := i + recipWords + 1; j < len(t); j++ {
			t[j], c = bits.Add64(t[j], 0, c)
		}
	}
	copy(q[:], t[recipWords:])
	clear(t[:])
	return q
}

// mulAdd returns the words of a·b + c + d.
func mulAdd(a, b, c, d uint64) (lo, hi uint64) {
	hi, lo = bits.Mul64(a, b)
	lo, carry := bits.Add64(lo, c, 0)
	hi += carry
	lo, carry = bits.Add64(lo, d, 0)
	return lo, hi + carry
}

// subMul sets s = s − a·b, modulo 2^(64·shortWords).
func (s *short) subMul(a, b *short) {
	var t short
	for i := range a {
		var carry uint64
		for j := range shortWords - i {
			t[i+j], carry = mulAdd(a[i], b[j], t[i+j], carry)
		}
	}
	var borrow uint64
	for i := range s {
		s[i], borrow = bits.Sub64(s[i], t[i], borrow)
	}
}

// addWords sets s = s + w, modulo 2^(64·shortWords).
func (s *short) addWords(w *[scalarWords]uint64) {
	var carry uint64
	for i := range s {
		s[i], carry = bits.Add64(s[i], w[i], carry)
	}
}

// digits2 sets out to the digits, of the given width, of k₀ and of k₁ (see split).
func (s *Scalar) digits2(out []digit, width int) {
	k := s.split()
	n := len(out) / len(k)
	for i := range k {
		recode(out[i*n:][:n], k[i][:], width)
	}
	clear(k[:])
}

// digits4 sets out to the digits, of the given width, of k₀, …, k₃ (see split4).
func (s *Scalar) digits4(out []digit, width int) {
	k := s.split4()
	n := len(out) / len(k)
	for i := range k {
		recode(out[i*n:][:n], k[i][:], width)
	}
	clear(k[:])
}

// digits1 sets out to the digits of the scalar as a whole.
func (s *Scalar) digits1(out []digit, width int) {
	var w [scalarWords + 1]uint64 // a zero word on top
	k := s.words()
	copy(w[:], k[:])
	recode(out, w[:], width)
	clear(w[:])
	clear(k[:])
}
