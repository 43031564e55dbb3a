package protocol

import (
	"golang.org/x/crypto/chacha20poly1305"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/internal/entropy"
)

// sealUnder encrypts a secret under a key that a seed has for one purpose, which info
// names: a nonce of 24 bytes, then the box of XChaCha20-Poly1305, 16 bytes longer than the
// secret.
func sealUnder(seed []byte, info string, secret []byte) ([]byte, error) {
	key, err := derive(seed, nil, info, chacha20poly1305.KeySize)
	if err != nil {
		return nil, err
	}
	defer clear(key)
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
