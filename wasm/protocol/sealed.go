package protocol

import (
	"crypto/sha256"
	"crypto/subtle"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20poly1305"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/internal/entropy"
)

// Bounds of the key stretching of sealed secrets.
const (
	MinMemoryKiB  = 19456 // 19 MiB, the floor for sealing and opening
	MaxMemoryKiB  = 65536
	MinPasses     = 2
	MaxPasses     = 8
	MaxPassphrase = 1024 // bytes
)

const (
	kdfNone   = 0
	kdfArgon2 = 1
	lanes     = 1

	sealSalt  = 16
	sealNonce = chacha20poly1305.NonceSizeX
	sealBox   = seedSize + chacha20poly1305.Overhead // also: secret and 16 bytes of checksum
)

// sealed is a parsed sealed record.
type sealed struct {
	kind, kdf      uint8
	memory, passes uint32
	salt, nonce    []byte
	box            []byte // encrypted secret, or secret and checksum
	head           []byte // everything before the box: the associated data
}

// writeHead appends everything before the box.
func (v *sealed) writeHead(w *writer) {
	w.u8(v.kind)
	w.u8(v.kdf)
	w.u32(v.memory)
	w.u32(v.passes)
	if v.kdf == kdfNone {
		w.u8(0)
	} else {
		w.u8(lanes)
	}
	w.raw(v.salt)
	w.raw(v.nonce)
}

// parseSealed reads a sealed record and checks its parameters; nothing expensive
// is done with parameters out of bounds.
func parseSealed(record []byte) (*sealed, error) {
	r := newReader("sealed", record)
	v := &sealed{kind: r.u8(), kdf: r.u8(), memory: r.u32(), passes: r.u32()}
	n := r.u8()
	v.salt, v.nonce, v.head = r.take(sealSalt), r.take(sealNonce), r.body()
	v.box = r.take(sealBox)
	if err := r.end(); err != nil {
		return nil, err
	}
	switch {
	case v.kind < abi.SecretSeed || v.kind > abi.SecretService:
		return nil, malformed("sealed record has an unknown kind of secret")
	case v.kdf == kdfNone:
		if err := v.checkPlain(n); err != nil {
			return nil, err
		}
		return v, nil
	case v.kdf != kdfArgon2 || n != lanes:
		return nil, malformed("sealed record has an unknown way of key stretching")
	}
	if err := checkStretching(v.memory, v.passes); err != nil {
		return nil, err
	}
	return v, nil
}

// checkPlain checks a record without passphrase: unused fields and checksum.
func (v *sealed) checkPlain(n uint8) error {
	var used byte
	for _, b := range append(append([]byte{n}, v.salt...), v.nonce...) {
		used |= b
	}
	if v.memory != 0 || v.passes != 0 || used != 0 {
		return malformed("sealed record without passphrase has parameters")
	}
	sum := checksum(v.head, v.box[:seedSize])
	if subtle.ConstantTimeCompare(sum[:], v.box[seedSize:]) != 1 {
		return locked("sealed record is damaged")
	}
	return nil
}

// checksum protects a record without passphrase against damage, not against
// change.
func checksum(head, secret []byte) [chacha20poly1305.Overhead]byte {
	h := sha256.New()
	h.Write(head)
	h.Write(secret)
	return [chacha20poly1305.Overhead]byte(h.Sum(nil))
}

// checkStretching bounds the parameters: a floor, because whoever can change the
// record could otherwise make guessing cheap, and a ceiling, because he could
// otherwise make opening impossible.
func checkStretching(memoryKiB, passes uint32) error {
	switch {
	case memoryKiB < MinMemoryKiB || passes < MinPasses:
		return weak("key stretching is below the floor of 19456 KiB and 2 passes")
	case memoryKiB > MaxMemoryKiB || passes > MaxPasses:
		return tooLarge("key stretching is above the ceiling of 65536 KiB and 8 passes")
	}
	return nil
}

// checkPassphrase bounds a passphrase to 1 to 1024 bytes of UTF-8.
func checkPassphrase(passphrase []byte) error {
	switch {
	case len(passphrase) == 0:
		return malformed("passphrase is empty")
	case len(passphrase) > MaxPassphrase:
		return tooLarge("passphrase is longer than 1024 bytes")
	case !utf8.Valid(passphrase):
		return malformed("passphrase is not UTF-8")
	}
	return nil
}

// SealSecret encrypts a secret of 32 bytes under a passphrase of 1 to 1024 bytes
// of UTF-8, which the caller has normalised (NFC), with Argon2id at the given
// cost. kind is one of abi's Secret constants.
//
// With an empty passphrase and memoryKiB 0 (passes is then ignored) the record
// holds the secret as it is, with a checksum: for use inside something else that
// keeps it safe.
//
// The errors have StatusMalformed, StatusWeak (cost below MinMemoryKiB or
// MinPasses) or StatusTooLarge.
func SealSecret(passphrase []byte, kind uint8, secret []byte, memoryKiB, passes uint32) ([]byte, error) {
	switch {
	case kind < abi.SecretSeed || kind > abi.SecretService:
		return nil, malformed("unknown kind of secret")
	case len(secret) != seedSize:
		return nil, malformed("secret does not have 32 bytes")
	}
	w := newWriter("sealed")
	if len(passphrase) == 0 && memoryKiB == 0 {
		v := &sealed{kind: kind, salt: make([]byte, sealSalt), nonce: make([]byte, sealNonce)}
		v.writeHead(w)
		sum := checksum(w.b, secret)
		w.raw(secret)
		w.raw(sum[:])
		return w.b, nil
	}
	if err := checkPassphrase(passphrase); err != nil {
		return nil, err
	}
	if err := checkStretching(memoryKiB, passes); err != nil {
		return nil, err
	}
	random := make([]byte, sealSalt+sealNonce)
	entropy.Read(random)
	v := &sealed{kind: kind, kdf: kdfArgon2, memory: memoryKiB, passes: passes, salt: random[:sealSalt], nonce: random[sealSalt:]}
	v.writeHead(w)
	untidy.Store(true)
	key := argon2.IDKey(passphrase, v.salt, passes, memoryKiB, lanes, chacha20poly1305.KeySize)
	defer clear(key)
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, abi.ErrInternal
	}
	return append(w.b, aead.Seal(nil, v.nonce, secret, w.b)...), nil
}

// OpenSecret returns kind and the 32 bytes of a sealed secret. A wrong
// passphrase, a damaged record, and a passphrase for a record that has none are
// StatusPassphrase: someone who asks for a passphrase must not be handed a
// record that anybody could have written. Parameters out of bounds are
// StatusWeak and StatusTooLarge and found before any stretching.
func OpenSecret(passphrase, record []byte) (kind uint8, secret []byte, err error) {
	v, err := parseSealed(record)
	if err != nil {
		return 0, nil, err
	}
	if v.kdf == kdfNone {
		if len(passphrase) != 0 {
			return 0, nil, locked("a passphrase was given but the sealed record has none")
		}
		return v.kind, append([]byte(nil), v.box[:seedSize]...), nil
	}
	if len(passphrase) == 0 {
		return 0, nil, locked("sealed record needs a passphrase")
	}
	if err := checkPassphrase(passphrase); err != nil {
		return 0, nil, err
	}
	untidy.Store(true)
	key := argon2.IDKey(passphrase, v.salt, v.passes, v.memory, lanes, chacha20poly1305.KeySize)
	defer clear(key)
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return 0, nil, abi.ErrInternal
	}
	secret, err = aead.Open(nil, v.nonce, v.box, v.head)
	if err != nil {
		return 0, nil, abi.ErrPassphrase
	}
	return v.kind, secret, nil
}

// SealedInfo returns what can be known of a sealed record without opening it.
// Memory and passes are 0 if it needs no passphrase. The errors are those of
// OpenSecret.
func SealedInfo(record []byte) (kind uint8, needsPassphrase bool, memoryKiB, passes uint32, err error) {
	v, err := parseSealed(record)
	if err != nil {
		return 0, false, 0, 0, err
	}
	return v.kind, v.kdf != kdfNone, v.memory, v.passes, nil
}
