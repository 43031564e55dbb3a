package dispatch

import (
	"slices"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// Operations returns the numbers of all operations.
func Operations() (all []abi.Op) {
	for _, o := range slices.Concat(schemeOperations, recordOperations, identityOperations, logOperations, edgeOperations) {
		all = append(all, o.op)
	}
	slices.Sort(all)
	return all
}
