package protocol

import (
	"sync/atomic"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/internal/entropy"
)

// untidy is whether Untidy has something to tell.
var untidy atomic.Bool

// Untidy reports whether, since it was asked last, a key, a passphrase or a passcode was
// handed to golang.org/x/crypto, which keeps copies in the heap and lets nobody wipe
// them. Who minds lets the collector run, with what it frees overwritten.
func Untidy() bool { return untidy.Swap(false) }

// sealUnder encrypts a secret under a key that a seed has for one purpose, which info
// names: a nonce of 24 bytes, then the box of XChaCha20-Poly1305, 16 bytes longer than the
// secret.
func sealUnder(seed []byte, info string, secret []byte) ([]byte, error) {
	key, err := derive(seed, nil, info, chacha20poly1305.KeySize)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	untidy.Store(true)
	box, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, abi.ErrInternal
	}
	nonce := make([]byte, sealNonce, sealNonce+len(secret)+chacha20poly1305.Overhead)
	entropy.Read(nonce)
	return box.Seal(nonce, nonce, secret, nil), nil
}

// openUnder returns the secret that sealUnder encrypted, for the caller to wipe. The error
// has StatusDecrypt.
func openUnder(seed []byte, info string, sealed []byte) ([]byte, error) {
	key, err := derive(seed, nil, info, chacha20poly1305.KeySize)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	untidy.Store(true)
	box, err := chacha20poly1305.NewX(key)
	if err != nil || len(sealed) < sealNonce {
		return nil, abi.ErrDecrypt
	}
	secret, err := box.Open(nil, sealed[:sealNonce], sealed[sealNonce:], nil)
	if err != nil {
		return nil, abi.ErrDecrypt
	}
	return secret, nil
}
