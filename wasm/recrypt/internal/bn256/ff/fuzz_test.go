package ff

import (
	"encoding/binary"
	"math/big"
	"testing"
)

// element returns the element whose limbs are cut from b, as far as they are within
// the bounds of a value.
func (c *tester[T, P]) element(b []byte) T {
	var x T
	l := c.raw(&x)
	for i := range l {
		var w [8]byte
		if 8*i < len(b) {
			copy(w[:], b[8*i:])
		}
		l[i] = limb(binary.LittleEndian.Uint64(w[:]))
	}
	if v := c.z.read(l); v.CmpAbs(c.limit) >= 0 {
		write(l, new(big.Int).Rem(v, c.limit))
	}
	return x
}

func (c *tester[T, P]) fuzz(f *testing.F) {
	words := func(v uint64) (b []byte) {
		for range c.raw(new(T)) {
			b = binary.LittleEndian.AppendUint64(b, v)
		}
		return b
	}
	for _, v := range low {
		f.Add(words(v), words(v))
		f.Add(words(v), words(low[2]))
	}
	f.Add(words(0x5555_5555_5555_5555), words(0xaaaa_aaaa_aaaa_aaaa))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		c.T = t
		x, y := c.element(a), c.element(b)
		c.single(&x)
		c.pair(&x, &y)
	})
}

// The fields against math/big, with limbs that the fuzzer makes.
func FuzzFp(f *testing.F) { fpTester(nil).fuzz(f) }
func FuzzFr(f *testing.F) { frTester(nil).fuzz(f) }
