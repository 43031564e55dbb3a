package translog

import (
	"crypto/ed25519"
	"encoding/binary"
	"errors"

	"github.com/recrypt-service/recrypt/wasm/protocol"
)

// Witness is somebody who vouches that a log only grows, by cosigning its checkpoints.
type Witness struct {
	Name string
	Key  [32]byte // Ed25519
}

// ErrWitness says that a text is not the key of a witness.
var ErrWitness = errors.New("malformed witness key")

// ParseWitness reads a verifier key of type cosignature/v1: name, key hash in
// hexadecimal, and 0x04 with the key in base64, joined by plus signs. ErrWitness for
// anything else, a wrong key hash included.
func ParseWitness(vkey string) (Witness, error) {
	k, err := protocol.ParseWitness(vkey)
	if err != nil {
		return Witness{}, ErrWitness
	}
	return Witness{Name: k.Name, Key: k.Key}, nil
}

// String returns the verifier key that [ParseWitness] reads.
func (w Witness) String() string {
	k := w.noteKey()
	return k.String()
}

// noteKey returns the key by which cosignatures of w are verified.
func (w Witness) noteKey() protocol.NoteKey {
	return protocol.NoteKey{Name: w.Name, Key: w.Key, Stamps: true}
}

// A signer is a [note.Signer].
type signer struct {
	key  protocol.NoteKey
	sign func(msg []byte) ([]byte, error)
}

// Name returns the name of the key.
func (s *signer) Name() string { return s.key.Name }

// KeyHash returns by what a signature names the key, besides its name.
func (s *signer) KeyHash() uint32 {
	hash := s.key.Hash()
	return binary.BigEndian.Uint32(hash[:])
}

// Sign returns the signature of a text, 64 bytes; of a key that stamps, behind eight of time.
func (s *signer) Sign(msg []byte) ([]byte, error) {
	size := ed25519.SignatureSize
	if s.key.Stamps {
		size += 8
	}
	signature, err := s.sign(msg)
	if err == nil && len(signature) != size {
		err = errors.New("signature of the wrong length")
	}
	return signature, err
}
