package bn256

import "encoding/binary"

// LatticeBytes returns the constants by which scalars are cut, as 64-bit words, lowest byte first,
// for self-tests: a wrong one may show with few scalars only.
func LatticeBytes() (b []byte) {
	add := func(words []uint64) {
		for _, w := range words {
			b = binary.LittleEndian.AppendUint64(b, w)
		}
	}
	for i := range basis2 {
		for j := range basis2[i] {
			add(basis2[i][j][:])
		}
		add(recip2[i][:])
	}
	for i := range basis4 {
		for j := range basis4[i] {
			add(basis4[i][j][:])
		}
		add(recip4[i][:])
	}
	return b
}
