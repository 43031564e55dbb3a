package translog

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Types of keys and signatures in signed notes (C2SP signed-note).
const (
	algEd25519     = 1
	algCosignature = 4 // Ed25519 over a timestamped checkpoint: cosignature/v1
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
	if len(vkey) > 512 {
		return Witness{}, ErrWitness
	}
	parts := strings.SplitN(vkey, "+", 3) // base64 may have more of them
	if len(parts) != 3 || !validName(parts[0]) {
		return Witness{}, ErrWitness
	}
	key, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(key) != 33 || key[0] != algCosignature {
		return Witness{}, ErrWitness
	}
	w := Witness{Name: parts[0], Key: [32]byte(key[1:])}
	if w.String() != vkey {
		return Witness{}, ErrWitness
	}
	return w, nil
}

// String returns the verifier key that [ParseWitness] reads.
func (w Witness) String() string {
	return fmt.Sprintf("%s+%08x+%s", w.Name, keyHash(w.Name, algCosignature, w.Key),
		base64.StdEncoding.EncodeToString(append([]byte{algCosignature}, w.Key[:]...)))
}

// validName reports whether a signed note may have a key of that name: no white space, no
// control characters, no plus sign.
func validName(name string) bool {
	return name != "" && len(name) <= 256 && utf8.ValidString(name) && !strings.Contains(name, "+") &&
		strings.IndexFunc(name, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) < 0
}

// keyHash returns by what a signature names its key, besides the name.
func keyHash(name string, alg byte, key [32]byte) uint32 {
	h := sha256.New()
	h.Write([]byte(name))
	h.Write([]byte{'\n', alg})
	h.Write(key[:])
	return binary.BigEndian.Uint32(h.Sum(nil))
}

// cosigned returns what a cosignature/v1 of a checkpoint covers.
func cosigned(seconds uint64, checkpoint []byte) []byte {
	return fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", seconds, checkpoint)
}

// key is one end of a signature in a note: [note.Signer] and [note.Verifier].
type key struct {
	name   string
	hash   uint32
	sign   func(msg []byte) ([]byte, error)
	verify func(msg, sig []byte) bool
}

func (k *key) Name() string                    { return k.name }
func (k *key) KeyHash() uint32                 { return k.hash }
func (k *key) Sign(msg []byte) ([]byte, error) { return k.sign(msg) }
func (k *key) Verify(msg, sig []byte) bool     { return k.verify(msg, sig) }

func newSigner(name string, alg byte, public [32]byte, sign func([]byte) ([]byte, error)) *key {
	size := map[byte]int{algEd25519: 64, algCosignature: 72}[alg]
	return &key{name: name, hash: keyHash(name, alg, public), sign: func(msg []byte) ([]byte, error) {
		sig, err := sign(msg)
		if err == nil && len(sig) != size {
			err = errors.New("signature of the wrong length")
		}
		return sig, err
	}}
}

func newVerifier(name string, alg byte, public [32]byte, verify Verify) *key {
	v := &key{name: name, hash: keyHash(name, alg, public)}
	if alg == algEd25519 {
		v.verify = func(msg, sig []byte) bool { return len(sig) == 64 && verify(public, msg, sig) }
		return v
	}
	v.verify = func(msg, sig []byte) bool {
		if len(sig) != 72 {
			return false
		}
		seconds := binary.BigEndian.Uint64(sig)
		return seconds <= math.MaxInt64 && verify(public, cosigned(seconds, msg), sig[8:])
	}
	return v
}
