package dispatch

import (
	"errors"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

// statuses gives the errors of package recrypt their statuses. The messages are
// those of the errors, which carry nothing of the input.
var statuses = []struct {
	err    error
	status abi.Status
}{
	{recrypt.ErrSuite, abi.StatusSuite},
	{recrypt.ErrSize, abi.StatusMalformed},
	{recrypt.ErrBlocks, abi.StatusTooLarge},
	{recrypt.ErrEncoding, abi.StatusMalformed},
	{recrypt.ErrPrivateKey, abi.StatusMalformed},
	{recrypt.ErrPublicKey, abi.StatusMalformed},
	{recrypt.ErrTransformKey, abi.StatusMalformed},
	{recrypt.ErrSigningKey, abi.StatusMalformed},
	{recrypt.ErrSignature, abi.StatusSignature},
	{recrypt.ErrDecrypt, abi.StatusDecrypt},
}

// status returns the answer for an error of this package, package protocol or
// package recrypt. Anything else is a fault of ours and says nothing.
func status(err error) *abi.Error {
	if e, ok := err.(*abi.Error); ok && e.Status != abi.StatusOK {
		return e
	}
	for _, s := range statuses {
		if errors.Is(err, s.err) {
			return &abi.Error{Status: s.status, Message: s.err.Error()}
		}
	}
	return abi.ErrInternal
}
