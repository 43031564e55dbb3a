// Package aliastest is for tests of arithmetic whose operands may be one and the same
// variable.
package aliastest

import "testing"

// Partitions calls f with every way of letting n operands coincide: operands with the
// same number are the same variable.
func Partitions(n int, f func(block []int)) {
	block := make([]int, n)
	var next func(i, used int)
	next = func(i, used int) {
		if i == n {
			f(block)
			return
		}
		for b := range used + 1 {
			block[i] = b
			next(i+1, max(used, b+1))
		}
	}
	next(0, 0)
}

// Check runs each function with its operands, v[0] being the result and the
// others arguments, coinciding in every possible way, and compares the result and
// the arguments, limb by limb, with what distinct operands of the same values give.
func Check[T comparable](t *testing.T, operands int, random func() T, funcs map[string]func(v []*T)) {
	t.Helper()
	for name, f := range funcs {
		Partitions(operands, func(block []int) {
			value := make([]T, operands) // one per block
			for i := range value {
				value[i] = random()
			}
			distinct, shared := make([]T, operands), append([]T(nil), value...)
			d, s := make([]*T, operands), make([]*T, operands)
			for i, b := range block {
				distinct[i] = value[b]
				d[i], s[i] = &distinct[i], &shared[b]
			}
			f(d)
			for i := 1; i < operands; i++ {
				if distinct[i] != value[block[i]] {
					t.Errorf("%s changes argument %d", name, i)
				}
			}
			f(s)
			if shared[0] != distinct[0] {
				t.Errorf("%s: another result when the operands coincide like %v", name, block)
			}
			for i := 1; i < operands; i++ {
				if shared[i] != value[i] {
					t.Errorf("%s changes an argument when the operands coincide like %v", name, block)
				}
			}
		})
	}
}
