package dispatch

import (
	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/protocol"
)

// status returns the answer for an error of this package, package protocol or
// package recrypt, whose messages carry nothing of the input. Anything else is a
// fault of ours and says nothing.
func status(err error) *abi.Error {
	if e, ok := err.(*abi.Error); ok && e.Status != abi.StatusOK {
		return e
	}
	if s := protocol.StatusOf(err); s != abi.StatusOK {
		return &abi.Error{Status: s, Message: err.Error()}
	}
	return abi.ErrInternal
}
