package keyring

import (
	"crypto/rand"

	"golang.org/x/crypto/chacha20poly1305"
)

// The sealed form of a keyring of several servers.
const (
	sharedVersion = 2
	sharedLabel   = "recrypt keyring v2"
	keyID         = 16
	// SharedOverhead is how much longer the sealed form of [Postgres] is, in bytes: version,
	// key id, nonce and tag.
	SharedOverhead = 1 + keyID + chacha20poly1305.NonceSizeX + chacha20poly1305.Overhead // 57
)

// splitSealed takes a sealed form apart.
func splitSealed(sealed []byte) (id [keyID]byte, box []byte, err error) {
	if len(sealed) < SharedOverhead || sealed[0] != sharedVersion {
		return id, nil, errSealed
	}
	return [keyID]byte(sealed[1:]), sealed[1+keyID:], nil
}

// sealUnder seals a transform key under a key with an id.
func sealUnder(key []byte, grant [16]byte, id [keyID]byte, transformKey []byte) ([]byte, error) {
	box, err := sealBox(key, data(grant, id), transformKey)
	if err != nil {
		return nil, err
	}
	sealed := append([]byte{sharedVersion}, id[:]...)
	return append(sealed, box...), nil
}

// openUnder opens what sealUnder has sealed.
func openUnder(key []byte, grant [16]byte, sealed []byte) ([]byte, error) {
	id, box, err := splitSealed(sealed)
	if err != nil {
		return nil, err
	}
	return openBox(key, data(grant, id), box)
}

// sealKey seals a key as it stands in the database.
func sealKey(wrap []byte, grant [16]byte, id [keyID]byte, key []byte) ([]byte, error) {
	return sealBox(wrap, data(grant, id), key)
}

// openKey opens what sealKey has sealed.
func openKey(wrap []byte, grant [16]byte, id [keyID]byte, sealed []byte) ([]byte, error) {
	key, err := openBox(wrap, data(grant, id), sealed)
	if err == nil && len(key) != keyBytes {
		return nil, errSealed
	}
	return key, err
}

// data is what a box is for.
func data(grant [16]byte, id [keyID]byte) []byte {
	return append(append([]byte(sharedLabel), grant[:]...), id[:]...)
}

// sealBox returns a random nonce and the ciphertext.
func sealBox(key, data, plaintext []byte) ([]byte, error) {
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, err
	}
	box := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plaintext)+aead.Overhead())
	rand.Read(box) // never fails
	return aead.Seal(box, box, plaintext, data), nil
}

func openBox(key, data, box []byte) ([]byte, error) {
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, err
	}
	if len(box) < aead.NonceSize()+aead.Overhead() {
		return nil, errSealed
	}
	plaintext, err := aead.Open(nil, box[:aead.NonceSize()], box[aead.NonceSize():], data)
	if err != nil {
		return nil, errSealed
	}
	return plaintext, nil
}
