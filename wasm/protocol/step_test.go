package protocol

import (
	"slices"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

// TestNextStep: the levels of the values decide how many a step has.
func TestNextStep(t *testing.T) {
	const s = recrypt.Suite256
	for _, c := range []struct {
		level, values, want int
	}{{0, 0, 0}, {0, 1, 1}, {0, 40, BatchStep}, {1, 40, BatchStep}, {2, 40, 9}, {7, 40, 3}, {12, 40, 1}, {16, 40, 1}, {1000, 2, 1}} {
		values := slices.Repeat([][]byte{make([]byte, s.EncryptedValueSize(c.level))}, c.values)
		if got := NextStep(s, values); got != c.want {
			t.Errorf("%d values of level %d: a step of %d, not %d", c.values, c.level, got, c.want)
		}
	}
	low, high := make([]byte, s.EncryptedValueSize(0)), make([]byte, s.EncryptedValueSize(recrypt.MaxBlocks))
	if got := NextStep(s, [][]byte{low, high, low, high, low}); got != 3 {
		t.Errorf("a step of %d with one high level", got)
	}
	if got := NextStep(0, [][]byte{low, nil}); got != 2 {
		t.Errorf("a step of %d without a suite", got)
	}
}
