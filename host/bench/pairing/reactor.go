//go:build wasip1

package main

import "github.com/recrypt-service/recrypt/wasm/recrypt"

func main() {}

// Each operation takes the number of a suite and answers 1, or 0 if there is no such
// suite.

//go:wasmexport pairing
func pairing(suite int32) int32 {
	p, err := of(recrypt.Suite(suite))
	if err != nil {
		return 0
	}
	p.Free()
	return 1
}

//go:wasmexport pairing_prepared
func pairingPrepared(suite int32) int32 {
	p, err := of(recrypt.Suite(suite))
	if err != nil {
		return 0
	}
	p.Prepared()
	return 1
}

//go:wasmexport pairing_fixed
func pairingFixed(suite int32) int32 {
	p, err := of(recrypt.Suite(suite))
	if err != nil {
		return 0
	}
	p.Fixed()
	return 1
}
