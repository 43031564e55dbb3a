package bn256

import "github.com/recrypt-service/recrypt/wasm/recrypt/internal/bn256/ff"

// Scalars are cut into signed digits of fixed width (Booth): k = Σ dᵢ·2^(width·i) with
// −2^(width−1) ≤ dᵢ ≤ 2^(width−1). Their number does not depend on k.
const (
	tableSize     = 1 << (window - 1)
	baseTableSize = 1 << (baseWindow - 1)
	windows       = FieldSize*8/window + 1 // of a whole scalar
)

// digit is a sign in bit 7 and a magnitude.
type digit uint8

// is returns 1 if the magnitude is n, and 0 otherwise.
func (d digit) is(n int) int {
	x := uint32(d&0x7f) ^ uint32(n)
	return int(1 ^ (x|-x)>>31)
}

// negative returns 1 if d is below zero, and 0 otherwise. (Minus zero exists.)
func (d digit) negative() int { return int(d >> 7) }

// recode sets out to the digits of the number in two's complement, lowest word first,
// which has as many bits as they cover.
func recode(out []digit, number []uint64, width int) {
	above := -(number[len(number)-1] >> 63) // the words that are not there
	word := func(i int) uint64 {
		if i < len(number) {
			return number[i]
		}
		return above
	}
	mask := uint64(2)<<width - 1
	var below uint64 // the bit below the window
	for i := range out {
		w, s := i*width/64, i*width%64
		v := (word(w)>>s|word(w+1)<<(64-s))<<1&mask | below // width+1 bits
		sign := v >> width
		// negative: (mask − v + 1)/2, else (v + 1)/2
		abs := ((v ^ -sign) & mask) + 1
		out[i] = digit(sign<<7 | abs>>1)
		below = v >> width
	}
}

// Tables of elements are kept coordinate by coordinate: first that of all elements, then
// the next one, so that a look-up sums in registers.

// store makes the coordinates those of element i of the table of size elements.
func store(table []ff.Packed, size, i int, coordinates []*ff.Fp) {
	for j, c := range coordinates {
		table[j*size+i].Pack(c)
	}
}

// lookUp sets the coordinates to those of element |d| of the table, counted from 1, and
// to 0 if d = 0. It reads the whole table.
func lookUp(coordinates []*ff.Fp, table []ff.Packed, size int, d digit) {
	var masks [max(tableSize, baseTableSize)]uint64
	magnitude := uint64(d & 0x7f)
	for i := range masks[:size] {
		masks[i] = -(((magnitude ^ uint64(i+1)) - 1) >> 63) // all ones if they are equal
	}
	for j, c := range coordinates {
		c.LookUp(table[j*size:][:size], masks[:size])
	}
}
