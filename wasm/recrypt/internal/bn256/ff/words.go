package ff

import "math/bits"

const mask29 = 1<<29 - 1

// isZero returns 1 if v = 0, and 0 otherwise.
func isZero(v uint64) int { return int(1 ^ (v|-v)>>63) }

// nibble returns the value of one lower-case hexadecimal digit of a constant.
func nibble(c byte) int {
	if c >= 'a' {
		return int(c-'a') + 10
	}
	return int(c - '0')
}

// readWords sets w, lowest word first, to the big-endian integer b, which fits.
func readWords(w []uint64, b []byte) {
	for i := range b {
		j := len(b) - 1 - i
		w[i/8] |= uint64(b[j]) << (8 * (i % 8))
	}
}

// writeWords fills b with the big-endian form of w, which fits.
func writeWords(b []byte, w []uint64) {
	for i := range b {
		b[len(b)-1-i] = byte(w[i/8] >> (8 * (i % 8)))
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

// reduceWide sets w to the big-endian integer b modulo m, one bit after the
// other: the time depends on the lengths only. It serves hashes and keys, not
// the arithmetic.
func reduceWide(w []uint64, b []byte, m []uint64) {
	clear(w)
	var s [16]uint64 // more words than any modulus has
	for _, v := range b {
		for k := 7; k >= 0; k-- {
			// w = 2w + bit, below 2m
			carry := uint64(v>>k) & 1
			for i := range w {
				w[i], carry = w[i]<<1|carry, w[i]>>63
			}
			var borrow uint64
			for i := range w {
				s[i], borrow = bits.Sub64(w[i], m[i], borrow)
			}
			_, borrow = bits.Sub64(carry, 0, borrow)
			for i := range w {
				w[i] = s[i] ^ -borrow&(s[i]^w[i])
			}
		}
	}
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
