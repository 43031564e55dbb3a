package ff

import (
	"bytes"
	"math/big"
	"math/rand/v2"
	"testing"
)

// someWords returns words that are extreme every other time.
func someWords(rnd *rand.Rand, size int) []uint64 {
	w := make([]uint64, size)
	for i := range w {
		w[i] = [...]uint64{0, 1, ^uint64(0), rnd.Uint64()}[rnd.IntN(4)]
	}
	return w
}

func wordsInt(w []uint64) *big.Int {
	v := new(big.Int)
	for i := len(w) - 1; i >= 0; i-- {
		v.Lsh(v, 64).Or(v, new(big.Int).SetUint64(w[i]))
	}
	return v
}

// The helpers work on any number of words, whatever the field.
func TestWords(t *testing.T) {
	rnd := rand.New(rand.NewPCG(13, 14))
	for size := 1; size <= 10; size++ {
		for range 500 {
			a, b := someWords(rnd, size), someWords(rnd, size)
			if rnd.IntN(2) == 0 {
				copy(b[1:], a[1:])
			}
			x, y := wordsInt(a), wordsInt(b)
			if got, want := lessThan(a, b), x.Cmp(y) < 0; got != 0 && got != 1 || (got == 1) != want {
				t.Fatalf("lessThan(%x, %x) = %d", x, y, got)
			}
			checkForms(t, a, x)
		}
	}
	for _, v := range []uint64{0, 1, 2, 1 << 31, 1 << 32, 1 << 63, 1<<63 - 1, ^uint64(0)} {
		if got := isZero(v); got != 0 && got != 1 || (got == 1) != (v == 0) {
			t.Errorf("isZero(%x) = %d", v, got)
		}
	}
}

// checkForms writes the words of x as bytes and as limbs, and reads them again.
func checkForms(t *testing.T, words []uint64, x *big.Int) {
	t.Helper()
	enc, back := make([]byte, 8*len(words)), make([]uint64, len(words))
	writeWords(enc, words)
	if !bytes.Equal(enc, x.FillBytes(make([]byte, len(enc)))) {
		t.Fatalf("writeWords of %x: %x", x, enc)
	}
	if readWords(back, enc); wordsInt(back).Cmp(x) != 0 {
		t.Fatalf("readWords of %x: %x", enc, back)
	}
	limbs := make([]uint64, (64*len(words)+28)/29)
	split29(limbs, words)
	for i, want := range cut(x, 29, len(limbs)) {
		if !want.IsUint64() || want.Uint64() != limbs[i] {
			t.Fatalf("split29 of %x: limb %d is %x", x, i, limbs[i])
		}
	}
	if join29(back, limbs); wordsInt(back).Cmp(x) != 0 {
		t.Fatalf("join29 of %x: %x", limbs, back)
	}
}

// The reduction of long integers holds for every modulus, the least and the greatest of
// each length, and for values next to multiples of it.
func TestReduceWide(t *testing.T) {
	rnd := rand.New(rand.NewPCG(15, 16))
	check := func(v *big.Int, size int, m []uint64) {
		t.Helper()
		b := v.FillBytes(make([]byte, max(size, (v.BitLen()+7)/8)))
		got := make([]uint64, len(m))
		if reduceWide(got, b, m); wordsInt(got).Cmp(new(big.Int).Mod(v, wordsInt(m))) != 0 {
			t.Fatalf("%x modulo %x: %x", v, wordsInt(m), wordsInt(got))
		}
	}
	for words := 2; words <= maxWords; words++ {
		for range 200 {
			m := someWords(rnd, words)
			m[words-1] = max(m[words-1]>>rnd.IntN(64), 1)
			n := wordsInt(m)
			for _, v := range []int64{-1, 0, 1} {
				k := wordsInt(someWords(rnd, 1+rnd.IntN(8)))
				k.Mul(k, n).Add(k, big.NewInt(v))
				check(k.Abs(k), 8*rnd.IntN(20), m)
			}
			check(wordsInt(someWords(rnd, 1+rnd.IntN(16))), rnd.IntN(130), m)
		}
	}
	for _, d := range []uint64{1<<39 + 1, 1 << 40, 1<<39 + 12345} {
		if got := reciprocal(d); got != ^uint64(0)/d {
			t.Errorf("reciprocal of %x: %x", d, got)
		}
	}
}
