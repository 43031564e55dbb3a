package recrypt

// An EncryptedValue is a plaintext encrypted to a public key, or the result of
// transforming such a value for somebody else.
//
// Its bytes are the fields in order (spec section 5):
//
//	ephemeralPublicKey  2n
//	encryptedMessage    12n
//	authHash            32
//	blocks              28n each, one per transform, oldest first
//	publicSigningKey    32
//	signature           64
//
// and each block is publicKey (2n), encryptedTempKey (12n),
// randomTransformPublicKey (2n), randomTransformEncryptedTempKey (12n).
type EncryptedValue struct {
	suite Suite
	b     []byte
}

// Encrypt encrypts m to a public key and signs the result. The arguments must be
// of one suite (ErrSuite), and not wiped.
func Encrypt(m *Plaintext, to *PublicKey, signer *SigningKey) (*EncryptedValue, error) {
	c, err := agree(m.suite, to.suite)
	if err != nil {
		return nil, err
	}
	switch {
	case len(m.b) == 0:
		return nil, ErrEncoding
	case len(signer.b) == 0:
		return nil, ErrSigningKey
	}
	ephemeral := m.suite.randomScalar(c)
	defer clear(ephemeral)
	b, err := c.Encrypt(m.b, to.b, signer.b, ephemeral)
	if err != nil {
		return nil, err
	}
	return &EncryptedValue{m.suite, b}, nil
}

// NewEncryptedValue decodes an encrypted value; the number of transform blocks
// follows from the length. Every point, GT element and the verifying key are
// checked (ErrSize, ErrBlocks, ErrPublicKey, ErrEncoding). The signature is not:
// Decrypt, Transform and VerifySignature do that.
func NewEncryptedValue(s Suite, b []byte) (*EncryptedValue, error) {
	c, err := s.tested()
	if err != nil {
		return nil, err
	}
	body := len(b) - s.EncryptedValueSize(0)
	switch {
	case body < 0 || body%s.BlockSize() != 0:
		return nil, ErrSize
	case body/s.BlockSize() > MaxBlocks:
		return nil, ErrBlocks
	}
	if err := c.CheckEncryptedValue(b); err != nil {
		return nil, err
	}
	return &EncryptedValue{s, clone(b)}, nil
}

// Bytes returns the value in the form that NewEncryptedValue reads.
func (v *EncryptedValue) Bytes() []byte { return clone(v.b) }

// Suite returns the value's suite.
func (v *EncryptedValue) Suite() Suite { return v.suite }

// Level returns the number of transforms that made the value: 0 for what Encrypt
// returns.
func (v *EncryptedValue) Level() int {
	if len(v.b) == 0 {
		return 0
	}
	return (len(v.b) - v.suite.EncryptedValueSize(0)) / v.suite.BlockSize()
}

// Signer returns the key whose signature the value carries: the encryptor's at
// level 0, later that of the last proxy. Anybody can sign a value again with
// another key, so compare it with a key that is known from elsewhere.
func (v *EncryptedValue) Signer() *VerifyingKey {
	end := len(v.b) - SignatureSize
	return &VerifyingKey{[VerifyingKeySize]byte(v.b[end-VerifyingKeySize : end])}
}

// AuthHash returns the hash over the ephemeral public key and the plaintext, 32
// bytes. Transforms do not change it.
func (v *EncryptedValue) AuthHash() []byte {
	start := v.suite.PublicKeySize() + v.suite.PlaintextSize()
	return clone(v.b[start : start+AuthHashSize])
}

// EphemeralPublicKey returns the encryptor's ephemeral public key, 2n bytes.
// Transforms do not change it.
func (v *EncryptedValue) EphemeralPublicKey() []byte {
	return clone(v.b[:v.suite.PublicKeySize()])
}

// VerifySignature checks the signature inside the value (ErrSignature). It says
// that the bytes are as Signer made them, not who that is.
func (v *EncryptedValue) VerifySignature() error {
	c, err := v.suite.scheme()
	if err != nil {
		return err
	}
	return c.VerifyValue(v.b)
}

// Decrypt decrypts a value that was encrypted to k's public key, or transformed for
// it. A bad signature of the value is ErrSignature; every other failure is
// ErrDecrypt.
func (k *PrivateKey) Decrypt(v *EncryptedValue) (*Plaintext, error) {
	c, err := k.scheme(v.suite)
	if err != nil {
		return nil, err
	}
	m, err := c.Decrypt(v.b, k.b)
	if err != nil {
		return nil, err
	}
	return &Plaintext{k.suite, m}, nil
}
