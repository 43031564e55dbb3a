package protocol

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestSortedSet compares with package slices, for elements of several sizes with many
// that are equal.
func TestSortedSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.SampledFrom([]int{1, 2, 16, readerSize}).Draw(t, "size")
		element := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 255}), size, size)
		list := rapid.SliceOfN(element, 0, 40).Draw(t, "list")
		got := sortedSet(slices.Concat(list...), size)
		slices.SortFunc(list, bytes.Compare)
		want := slices.Concat(slices.CompactFunc(list, bytes.Equal)...)
		if !bytes.Equal(got, want) {
			t.Fatalf("%x, want %x", got, want)
		}
	})
}

func TestSortedIDs(t *testing.T) {
	a, b := [32]byte{1}, [32]byte{2}
	if got := sorted32([][32]byte{b, a, b}); !slices.Equal(got, [][32]byte{a, b}) {
		t.Errorf("%x", got)
	}
	c, d := [16]byte{1}, [16]byte{2}
	if got := sorted16([][16]byte{d, c, d}); !slices.Equal(got, [][16]byte{c, d}) {
		t.Errorf("%x", got)
	}
	if sorted32(nil) != nil || sorted16(nil) != nil {
		t.Error("an empty set of nothing")
	}
}
