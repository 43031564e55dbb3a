package ff

import (
	"bytes"
	"math/big"
	"math/rand/v2"
	"testing"
)

// The helpers work on any number of words, whatever the field.
func TestWords(t *testing.T) {
	rnd := rand.New(rand.NewPCG(13, 14))
	word := func() uint64 {
		switch rnd.IntN(4) {
		case 0:
			return 0
		case 1:
			return 1
		case 2:
			return ^uint64(0)
		}
		return rnd.Uint64()
	}
	toInt := func(w []uint64) *big.Int {
		v := new(big.Int)
		for i := len(w) - 1; i >= 0; i-- {
			v.Lsh(v, 64).Or(v, new(big.Int).SetUint64(w[i]))
		}
		return v
	}
	for size := 1; size <= 10; size++ {
		for range 500 {
			a, b := make([]uint64, size), make([]uint64, size)
			for i := range a {
				a[i], b[i] = word(), word()
				if rnd.IntN(2) == 0 {
					b[i] = a[i]
				}
			}
			x, y := toInt(a), toInt(b)
			if got, want := lessThan(a, b), x.Cmp(y) < 0; got != 0 && got != 1 || (got == 1) != want {
				t.Fatalf("lessThan(%x, %x) = %d", x, y, got)
			}
			enc := make([]byte, 8*size)
			writeWords(enc, a)
			if !bytes.Equal(enc, x.FillBytes(make([]byte, 8*size))) {
				t.Fatalf("writeWords of %x: %x", x, enc)
			}
			back := make([]uint64, size)
			if readWords(back, enc); toInt(back).Cmp(x) != 0 {
				t.Fatalf("readWords of %x: %x", enc, back)
			}
			limbs := make([]uint64, (64*size+28)/29)
			split29(limbs, a)
			for i, want := range cut(x, 29, len(limbs)) {
				if !want.IsUint64() || want.Uint64() != limbs[i] {
					t.Fatalf("split29 of %x: limb %d is %x", x, i, limbs[i])
				}
			}
			if join29(back, limbs); toInt(back).Cmp(x) != 0 {
				t.Fatalf("join29 of %x: %x", limbs, back)
			}
		}
	}
	for _, v := range []uint64{0, 1, 2, 1 << 31, 1 << 32, 1 << 63, 1<<63 - 1, ^uint64(0)} {
		if got := isZero(v); got != 0 && got != 1 || (got == 1) != (v == 0) {
			t.Errorf("isZero(%x) = %d", v, got)
		}
	}
}
