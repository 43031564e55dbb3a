package dispatch

import (
	"maps"
	"slices"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// Operations returns the numbers of all operations.
func Operations() []abi.Op {
	return slices.Sorted(func(yield func(abi.Op) bool) {
		for _, table := range []map[abi.Op]operation{schemeOperations, recordOperations} {
			for op := range maps.Keys(table) {
				if !yield(op) {
					return
				}
			}
		}
	})
}
