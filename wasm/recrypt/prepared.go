package recrypt

import (
	"encoding/binary"

	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/opaque"
)

// preparedFormat is the version of the bytes of a prepared transform key.
const preparedFormat = 1

// A PreparedTransformKey is a transform key made ready for many transforms: its
// signature has been verified, and what all transforms have in common, a pairing and the
// lines of another, has been computed. It gives the same results as the transform key, in
// less time.
//
// It is as secret as the transform key, which is inside it. It belongs into the memory of
// the machine that made it, and nowhere else: not into storage, where the transform key
// belongs (sealed), and not onto a network.
type PreparedTransformKey struct {
	suite Suite
	key   opaque.TransformKey
}

// Prepare verifies the signature of t (ErrTransformKey) and makes its tables. It takes
// about a third of the time of a transform.
func (t *TransformKey) Prepare() (*PreparedTransformKey, error) {
	c, err := t.scheme()
	if err != nil {
		return nil, err
	}
	key, err := c.PrepareTransformKey(t.signed())
	if err != nil {
		return nil, err
	}
	t.verified.Store(true)
	return &PreparedTransformKey{t.suite, key}, nil
}

// NewPreparedTransformKey reads what [PreparedTransformKey.Bytes] returned, so that a
// prepared key can pass from one call to another where objects cannot: in and out of
// WebAssembly.
//
// It finds out accidents, by a checksum: ErrSize, also for a key of another suite, and
// ErrTransformKey. It does not check again what Prepare has checked. Whoever could hand in
// tables of his own could make the results wrong, though not read anything: keep them
// where nobody can.
func NewPreparedTransformKey(s Suite, b []byte) (*PreparedTransformKey, error) {
	c, err := s.tested()
	if err != nil {
		return nil, err
	}
	if len(b) != s.PreparedTransformKeySize() {
		return nil, ErrSize
	}
	body := b[:len(b)-checksumSize]
	if body[0] != byte(s) || body[1] != preparedFormat || checksum(body) != binary.LittleEndian.Uint64(b[len(body):]) {
		return nil, ErrTransformKey
	}
	key, err := c.ReadPrepared(body[2:])
	if err != nil {
		return nil, err
	}
	return &PreparedTransformKey{s, key}, nil
}

// PreparedTransformKeySize returns the length of a prepared transform key: 12,010 bytes
// with Suite256, 38,986 with Suite480, or 0 for an unknown suite.
func (s Suite) PreparedTransformKeySize() int {
	c, err := s.scheme()
	if err != nil {
		return 0
	}
	return 2 + c.PreparedSize() + checksumSize
}

// Bytes returns the key in the form that NewPreparedTransformKey reads:
//
//	suite     1
//	format    1
//	key       the transform key, e(toPublicKey, g1) and the lines of hashedTempKey
//	checksum  8
//
// The form may change with every version of this package. It panics if k has been wiped.
func (k *PreparedTransformKey) Bytes() []byte {
	if k.key == nil {
		panic("recrypt: use of an empty or wiped transform key")
	}
	key := k.key.Bytes()
	defer clear(key)
	b := make([]byte, 0, k.suite.PreparedTransformKeySize())
	b = append(b, byte(k.suite), preparedFormat)
	b = append(b, key...)
	return binary.LittleEndian.AppendUint64(b, checksum(b))
}

// checksumSize is the length of a checksum.
const checksumSize = 8

// checksum is for accidents, not for adversaries, and takes a thirtieth of the time of a
// SHA-256, which would be noticed beside a transform. A change within eight bytes always
// changes it, because every step is a bijection of the sum and of the word; of other
// changes one in 2^64 does not. Its time does not depend on the bytes.
func checksum(b []byte) uint64 {
	sum := uint64(len(b))
	step := func(word uint64) {
		sum = (sum ^ word) * 0x9e3779b97f4a7c15 // odd
		sum ^= sum >> 32
	}
	for ; len(b) >= 8; b = b[8:] {
		step(binary.LittleEndian.Uint64(b))
	}
	var last [8]byte
	copy(last[:], b)
	step(binary.LittleEndian.Uint64(last[:]))
	return sum
}

// Suite returns the key's suite.
func (k *PreparedTransformKey) Suite() Suite { return k.suite }

// Transform is [TransformKey.Transform]. The signature of the key is not verified again.
func (k *PreparedTransformKey) Transform(v *EncryptedValue, signer *SigningKey) (*EncryptedValue, error) {
	out, errs := k.TransformMany([]*EncryptedValue{v}, signer)
	return out[0], errs[0]
}

// TransformMany transforms the values, in order, and returns a result or an error for
// each: those of [TransformKey.Transform], and ErrEncoding for nil. One bad value does not
// spoil the others. It costs less than as many single transforms.
func (k *PreparedTransformKey) TransformMany(values []*EncryptedValue, signer *SigningKey) ([]*EncryptedValue, []error) {
	out, errs := make([]*EncryptedValue, len(values)), make([]error, len(values))
	var b batch
	for i, v := range values {
		if errs[i] = k.refuses(v, signer); errs[i] == nil {
			b.add(i, v)
		}
	}
	if len(b.values) == 0 {
		return out, errs
	}
	c, _ := k.suite.scheme() // it exists: refuses has asked
	temps, ephemerals := make([][]byte, len(b.values)), make([][]byte, len(b.values))
	for j := range b.values {
		temps[j] = k.suite.randomScalar(c)
		defer clear(temps[j])
		ephemerals[j] = k.suite.randomScalar(c)
		defer clear(ephemerals[j])
	}
	results, failures := k.key.Transform(b.values, signer.b, temps, ephemerals)
	for j, i := range b.index {
		if errs[i] = failures[j]; errs[i] == nil {
			out[i] = newValue(k.suite, results[j])
			values[i].verified.Store(true)
		}
	}
	return out, errs
}

// refuses returns why a value cannot be transformed before anything is computed.
func (k *PreparedTransformKey) refuses(v *EncryptedValue, signer *SigningKey) error {
	switch {
	case v == nil:
		return ErrEncoding
	case v.suite != k.suite:
		return ErrSuite
	case k.key == nil:
		return ErrTransformKey
	}
	return refuses(v, signer)
}

// refuses returns why a value cannot be transformed by any key of its suite.
func refuses(v *EncryptedValue, signer *SigningKey) error {
	switch {
	case v.Level() >= MaxBlocks:
		return ErrBlocks
	case len(signer.b) == 0:
		return ErrSigningKey
	}
	return nil
}

// Wipe overwrites the key and its tables. Later uses give ErrTransformKey.
func (k *PreparedTransformKey) Wipe() {
	if k.key != nil {
		k.key.Wipe()
		k.key = nil
	}
}

// A PreparedPublicKey is a public key made ready for many encryptions: its pairing with
// g1 has been computed. It gives the same values as the public key, in less time. There is
// nothing secret in it.
type PreparedPublicKey struct {
	suite Suite
	key   opaque.PublicKey
}

// Prepare computes what all encryptions to k have in common. It pays from the second
// encryption on.
func (k *PublicKey) Prepare() (*PreparedPublicKey, error) {
	c, err := k.suite.scheme()
	if err != nil {
		return nil, err
	}
	key, err := c.PreparePublicKey(k.b)
	if err != nil {
		return nil, err
	}
	return &PreparedPublicKey{k.suite, key}, nil
}

// Suite returns the key's suite.
func (k *PreparedPublicKey) Suite() Suite { return k.suite }

// Encrypt encrypts m to k and signs the result, as the function of that name does.
func (k *PreparedPublicKey) Encrypt(m *Plaintext, signer *SigningKey) (*EncryptedValue, error) {
	c, err := agree(m.suite, k.suite)
	if err != nil {
		return nil, err
	}
	switch {
	case k.key == nil:
		return nil, ErrPublicKey
	case len(m.b) == 0:
		return nil, ErrEncoding
	case len(signer.b) == 0:
		return nil, ErrSigningKey
	}
	ephemeral := m.suite.randomScalar(c)
	defer clear(ephemeral)
	b, err := k.key.Encrypt(m.b, signer.b, ephemeral)
	if err != nil {
		return nil, err
	}
	return newValue(m.suite, b), nil
}
