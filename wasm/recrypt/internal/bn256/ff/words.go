package ff

import "math/bits"

const mask29 = 1<<29 - 1

// isZero returns 1 if v = 0, and 0 otherwise.
func isZero(v uint64) int { return int(1 ^ (v|-v)>>63) }

// readWords sets w, lowest word first, to the big-endian integer b, which fits.
func readWords(w []uint64, b []byte) {
	clear(w)
	for i := range w {
		if len(b) < 8 {
			for _, v := range b {
				w[i] = w[i]<<8 | uint64(v)
			}
			return
		}
		t := b[len(b)-8:]
		b = b[:len(b)-8]
		w[i] = uint64(t[7]) | uint64(t[6])<<8 | uint64(t[5])<<16 | uint64(t[4])<<24 |
			uint64(t[3])<<32 | uint64(t[2])<<40 | uint64(t[1])<<48 | uint64(t[0])<<56
	}
}

// writeWords fills b with the big-endian form of w, which fits.
func writeWords(b []byte, w []uint64) {
	for _, v := range w {
		if len(b) < 8 {
			for i := range b {
				b[len(b)-1-i] = byte(v >> (8 * i))
			}
			return
		}
		t := b[len(b)-8:]
		b = b[:len(b)-8]
		t[0], t[1], t[2], t[3] = byte(v>>56), byte(v>>48), byte(v>>40), byte(v>>32)
		t[4], t[5], t[6], t[7] = byte(v>>24), byte(v>>16), byte(v>>8), byte(v)
	}
}

// lessThan returns 1 if a < b, and 0 otherwise; both have the same length.
func lessThan(a, b []uint64) int {
	var borrow uint64
	for i := range a {
		_, borrow = bits.Sub64(a[i], b[i], borrow)
	}
	return int(borrow)
}

// reduceWide sets w to the big-endian integer b modulo m, which has as many words, at most
// maxWords, and at least 64 bits: 24 bits after the other, in a time that depends on
// the lengths only. It serves hashes and keys, not the arithmetic.
func reduceWide(w []uint64, b []byte, m []uint64) {
	clear(w)
	n := len(m)
	length := 64*(n-1) + bits.Len64(m[n-1]) // public, as m is
	top := length - 40
	d := window64(m, top) // 40 bits
	recip := reciprocal(d + 1)
	var t [maxWords + 1]uint64
	for len(b) > 0 {
		// t = 2^24·w + the next bits, below 2^24·m
		size := (len(b)-1)%3 + 1 // 3, but for the first
		var next uint64
		for _, v := range b[:size] {
			next = next<<8 | uint64(v)
		}
		b = b[size:]
		t[n] = 0
		for i, v := range w {
			t[i], next = v<<24|next, v>>40
		}
		t[n] = next
		// The quotient of the first bits is at most 2 less than that of t by m:
		// one for each of two floors, as 2^24·2^40/d² is far below 1.
		q, _ := bits.Mul64(window64(t[:n+1], top), recip)
		subTimes(t[:n+1], m, q)
		for range 2 {
			subIfLess(t[:n+1], m)
		}
		copy(w, t[:n])
	}
	clear(t[:])
}

// maxWords is more than any modulus has.
const maxWords = 10

// window64 returns 64 bits of w from the given bit on.
func window64(w []uint64, bit int) uint64 {
	i, s := bit/64, uint(bit%64)
	v := w[i] >> s
	if i+1 < len(w) {
		v |= w[i+1] << (64 - s)
	}
	return v
}

// reciprocal returns ⌊(2^64−1)/d⌋ for a public d.
func reciprocal(d uint64) (q uint64) {
	var rest uint64
	for range 64 {
		rest = rest<<1 | 1
		q <<= 1
		if rest >= d {
			rest -= d
			q |= 1
		}
	}
	return q
}

// subTimes sets t = t − q·m, which is not negative; t has one word more than m.
func subTimes(t, m []uint64, q uint64) {
	var carry, borrow uint64
	for i, v := range m {
		hi, lo := bits.Mul64(v, q)
		lo, c := bits.Add64(lo, carry, 0)
		carry = hi + c
		t[i], borrow = bits.Sub64(t[i], lo, borrow)
	}
	t[len(m)] -= carry + borrow
}

// subIfLess sets t = t − m if m ≤ t; t has one word more than m.
func subIfLess(t, m []uint64) {
	var s [maxWords]uint64
	var borrow uint64
	for i, v := range m {
		s[i], borrow = bits.Sub64(t[i], v, borrow)
	}
	high, borrow := bits.Sub64(t[len(m)], 0, borrow)
	for i := range m {
		t[i] = s[i] ^ -borrow&(s[i]^t[i])
	}
	t[len(m)] = high ^ -borrow&(high^t[len(m)])
}

// split29 cuts the integer w into 29-bit limbs.
func split29(l, w []uint64) {
	for i := range l {
		bit := 29 * i
		j, s := bit/64, uint(bit%64)
		var v uint64
		if j < len(w) {
			v = w[j] >> s
		}
		if s > 64-29 && j+1 < len(w) {
			v |= w[j+1] << (64 - s)
		}
		l[i] = v & mask29
	}
}

// join29 is the inverse of split29 for limbs below 2^29.
func join29(w, l []uint64) {
	clear(w)
	for i, v := range l {
		bit := 29 * i
		j, s := bit/64, uint(bit%64)
		if j < len(w) {
			w[j] |= v << s
		}
		if s > 64-29 && j+1 < len(w) {
			w[j+1] |= v >> (64 - s)
		}
	}
}

// SetNonZero sets z = 1 + (int(b) mod (r−1)), so 1 ≤ z < r, for a
// big-endian integer b of any length, and returns z. The time depends on the
// length only.
func (z *Fr) SetNonZero(b []byte) *Fr {
	m := frModulus
	m[0]-- // r is odd
	var w [frWords]uint64
	reduceWide(w[:], b, m[:])
	z.setWords(&w)
	return z.Add(z, &frOne)
}
