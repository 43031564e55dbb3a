package recrypt

import "crypto/sha256"

// A Plaintext is what the scheme encrypts: a random element of GT. It is not a
// message; use SymmetricKey to get a key, and encrypt the message with that.
//
// Make a new one for each thing that is encrypted. An encrypted value contains a
// hash of its plaintext, so a plaintext that somebody can guess is not hidden.
type Plaintext struct {
	suite Suite
	b     []byte // 12n bytes
}

// GeneratePlaintext returns a new random plaintext. The error is ErrSuite or nil.
func GeneratePlaintext(s Suite) (*Plaintext, error) {
	c, err := s.tested()
	if err != nil {
		return nil, err
	}
	return &Plaintext{s, s.randomGT(c)}, nil
}

// NewPlaintext decodes a plaintext: 12n bytes, canonical, in GT and not 1.
// Anything else is ErrSize or ErrEncoding.
//
// Also refused is one element of GT: the constant that versions 0.8.0 to 0.8.3
// of the upstream library produced instead of random plaintexts (spec section
// 13, note 9).
func NewPlaintext(s Suite, b []byte) (*Plaintext, error) {
	c, err := s.tested()
	if err != nil {
		return nil, err
	}
	if err := c.CheckPlaintext(b); err != nil {
		return nil, err
	}
	return &Plaintext{s, clone(b)}, nil
}

// Bytes returns the plaintext as 12n bytes.
func (m *Plaintext) Bytes() []byte { return clone(m.b) }

// Suite returns the plaintext's suite.
func (m *Plaintext) Suite() Suite { return m.suite }

// Equal reports whether the plaintexts are the same, in constant time.
func (m *Plaintext) Equal(other *Plaintext) bool {
	return m.suite == other.suite && equal(m.b, other.b)
}

// SymmetricKey returns recrypt's derive_symmetric_key: the SHA-256 of the
// plaintext, 32 bytes (spec section 7). It panics if m has been wiped.
func (m *Plaintext) SymmetricKey() []byte {
	if len(m.b) == 0 {
		panic("recrypt: use of an empty or wiped plaintext")
	}
	k := sha256.Sum256(m.b)
	return k[:]
}

// PrivateKey returns recrypt's derive_private_key (spec section 7), which lets a
// plaintext carry an encryption key pair.
//
// Never use it together with SymmetricKey on one plaintext: with Suite256 both
// are mostly the same 32 bytes. In about one of 2^128 cases recrypt's key is not
// in [1, r-1], and the error is ErrPrivateKey.
func (m *Plaintext) PrivateKey() (*PrivateKey, error) {
	c, err := m.suite.scheme()
	if err != nil {
		return nil, err
	}
	if len(m.b) == 0 {
		return nil, ErrEncoding
	}
	b := c.PlaintextPrivateKey(m.b)
	if err := c.CheckPrivateKey(b); err != nil {
		clear(b)
		return nil, err
	}
	return &PrivateKey{m.suite, b}, nil
}

// Wipe overwrites the plaintext.
func (m *Plaintext) Wipe() {
	clear(m.b)
	m.b = nil
}
