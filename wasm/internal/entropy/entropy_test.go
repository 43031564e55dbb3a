package entropy

import (
	"bytes"
	"testing"
)

func TestReadDiffers(t *testing.T) {
	seen := map[[32]byte]bool{}
	for range 1000 {
		var b [32]byte
		Read(b[:])
		if seen[b] {
			t.Fatal("repeats")
		}
		seen[b] = true
	}
	Read(nil)
}

func TestReplace(t *testing.T) {
	outer := Replace(bytes.NewReader([]byte{1, 2, 3, 4}))
	b := make([]byte, 2)
	Read(b)
	inner := Replace(bytes.NewReader([]byte{9, 9}))
	Read(b)
	if !bytes.Equal(b, []byte{9, 9}) {
		t.Errorf("inner: %v", b)
	}
	inner()
	Read(b)
	if !bytes.Equal(b, []byte{3, 4}) {
		t.Errorf("outer: %v", b)
	}
	defer func() {
		if recover() == nil {
			t.Error("a dry source gave bytes")
		}
		outer()
		if source != nil {
			t.Error("not restored")
		}
	}()
	Read(b)
}

func TestStuck(t *testing.T) {
	for n, want := range map[int]bool{0: false, 31: false, 32: true, 64: true} {
		for _, x := range []byte{0, 7, 0xff} {
			if got := stuck(bytes.Repeat([]byte{x}, n)); got != want {
				t.Errorf("%d times %d: %v", n, x, got)
			}
		}
	}
	b := make([]byte, 64)
	b[63] = 1
	if stuck(b) {
		t.Error("not constant")
	}
}
