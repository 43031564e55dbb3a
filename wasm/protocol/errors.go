package protocol

import (
	"errors"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

// The functions below make the errors of this package. Messages are constants
// of this package, so that no input can get into them.

func malformed(message string) error {
	return &abi.Error{Status: abi.StatusMalformed, Message: message}
}

func mismatch(message string) error { return &abi.Error{Status: abi.StatusMismatch, Message: message} }

func unsigned(message string) error { return &abi.Error{Status: abi.StatusSignature, Message: message} }

func unknownSuite(message string) error { return &abi.Error{Status: abi.StatusSuite, Message: message} }

func tooLarge(message string) error { return &abi.Error{Status: abi.StatusTooLarge, Message: message} }

func weak(message string) error { return &abi.Error{Status: abi.StatusWeak, Message: message} }

func locked(message string) error { return &abi.Error{Status: abi.StatusPassphrase, Message: message} }

// schemeErrors are the statuses of the errors of package recrypt.
var schemeErrors = []struct {
	is     error
	status abi.Status
}{
	{recrypt.ErrSuite, abi.StatusSuite},
	{recrypt.ErrBlocks, abi.StatusTooLarge},
	{recrypt.ErrSignature, abi.StatusSignature},
	{recrypt.ErrDecrypt, abi.StatusDecrypt},
	{recrypt.ErrSize, abi.StatusMalformed},
	{recrypt.ErrEncoding, abi.StatusMalformed},
	{recrypt.ErrPrivateKey, abi.StatusMalformed},
	{recrypt.ErrPublicKey, abi.StatusMalformed},
	{recrypt.ErrTransformKey, abi.StatusMalformed},
	{recrypt.ErrSigningKey, abi.StatusMalformed},
	{recrypt.ErrSelfTest, abi.StatusInternal},
}

// StatusOf returns the status of an error of package recrypt, StatusOK if it is
// none.
func StatusOf(err error) abi.Status {
	for _, e := range schemeErrors {
		if errors.Is(err, e.is) {
			return e.status
		}
	}
	return abi.StatusOK
}

// schemeError returns the error for one of package recrypt, with a message that
// says what was looked at. Decryption failures keep their one message, and a failed
// self-test its own.
func schemeError(err error, message string) error {
	switch status := StatusOf(err); status {
	case abi.StatusOK:
		return abi.ErrInternal
	case abi.StatusDecrypt:
		return abi.ErrDecrypt
	case abi.StatusInternal:
		return &abi.Error{Status: status, Message: err.Error()}
	default:
		return &abi.Error{Status: status, Message: message}
	}
}
