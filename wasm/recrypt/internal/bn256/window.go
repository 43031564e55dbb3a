package bn256

// Scalars are cut into signed digits of fixed width (Booth): k = Σ dᵢ·16^i with
// −8 ≤ dᵢ ≤ 8. Their number does not depend on k.
const (
	window    = 4
	tableSize = 1 << (window - 1)
	windows   = FieldSize*8/window + 1
)

// digit is a sign in bit 7 and a magnitude of at most tableSize.
type digit uint8

// is returns 1 if the magnitude is n, and 0 otherwise.
func (d digit) is(n int) int {
	x := uint32(d&0x7f) ^ uint32(n)
	return int(1 ^ (x|-x)>>31)
}

// negative returns 1 if d is below zero, and 0 otherwise. (Minus zero exists.)
func (d digit) negative() int { return int(d >> 7) }

type digits [windows]digit

// recode returns the digits of k.
func recode(k *Scalar) *digits {
	var b [FieldSize + 1]byte // a zero byte on top
	k.v.FillBytes(b[1:])
	out := new(digits)
	var below uint8 // the bit below the window
	for i := range out {
		nibble := b[len(b)-1-i/2] >> (window * (i % 2)) & 0x0f
		v := nibble<<1 | below // five bits
		sign := v >> 4
		mask := -sign
		// negative: (31 − v + 1)/2, else (v + 1)/2
		abs := ((v ^ mask) & 0x1f) + 1
		out[i] = digit(sign<<7 | abs>>1)
		below = nibble >> 3
	}
	clear(b[:])
	return out
}
