// Package fault holds the error values of the scheme.
//
// They are declared below the curves, so that every suite returns the same
// values; package recrypt exports them under its own names and documents them.
package fault

import "errors"

var (
	Suite        = errors.New("recrypt: suite unknown, not available or mixed")
	Size         = errors.New("recrypt: wrong length")
	Blocks       = errors.New("recrypt: too many transform blocks")
	Encoding     = errors.New("recrypt: malformed value")
	PrivateKey   = errors.New("recrypt: invalid private key")
	PublicKey    = errors.New("recrypt: invalid public key")
	TransformKey = errors.New("recrypt: invalid transform key")
	SigningKey   = errors.New("recrypt: invalid signing key")
	Signature    = errors.New("recrypt: invalid signature")
	Decrypt      = errors.New("recrypt: decryption failed")
)
