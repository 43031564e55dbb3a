package dispatch

import (
	"bytes"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/internal/entropy"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

// errRandom is the answer of a core whose random source repeats itself.
var errRandom = &abi.Error{Status: abi.StatusInternal, Message: "self-test of the random source failed: it repeats itself"}

// selfTest runs all self-tests that have not run yet: Ed25519, every suite of this
// build, and the random source, which is tested at each call.
func selfTest(*args) ([][]byte, error) {
	var draws [2][32]byte
	for i := range draws {
		entropy.Read(draws[i][:])
		defer clear(draws[i][:])
	}
	if bytes.Equal(draws[0][:], draws[1][:]) {
		return nil, errRandom
	}
	if err := recrypt.SelfTestSigning(); err != nil {
		return nil, err
	}
	for _, s := range builtIn {
		if stopped() {
			return nil, abi.ErrStopped
		}
		if err := recrypt.SelfTest(recrypt.Suite(s)); err != nil {
			return nil, err
		}
	}
	return nil, nil
}
