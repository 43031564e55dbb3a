package aliastest

import "testing"

func TestPartitions(t *testing.T) {
	for n, want := range []int{1, 1, 2, 5, 15} {
		count := 0
		Partitions(n, func([]int) { count++ })
		if count != want {
			t.Errorf("%d ways for %d operands", count, n)
		}
	}
}
