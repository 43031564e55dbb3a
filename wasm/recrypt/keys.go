package recrypt

// A PrivateKey decrypts what was encrypted to its public key, makes transform
// keys, and makes Schnorr signatures. It is a number in [1, r-1].
type PrivateKey struct {
	suite Suite
	b     []byte // n bytes, big-endian
}

// GeneratePrivateKey returns a new private key, uniform in [1, r-1].
// The error is ErrSuite or nil.
func GeneratePrivateKey(s Suite) (*PrivateKey, error) {
	c, err := s.tested()
	if err != nil {
		return nil, err
	}
	return &PrivateKey{s, s.randomScalar(c)}, nil
}

// NewPrivateKey decodes a private key: n bytes, big-endian, in [1, r-1].
//
// Recrypt's own libraries accept every n bytes and reduce them modulo p (spec
// section 5); here 0 and everything from r upwards is ErrPrivateKey, so that
// every key has one encoding.
func NewPrivateKey(s Suite, b []byte) (*PrivateKey, error) {
	c, err := s.tested()
	if err != nil {
		return nil, err
	}
	if err := c.CheckPrivateKey(b); err != nil {
		return nil, err
	}
	return &PrivateKey{s, clone(b)}, nil
}

// DerivePrivateKey makes a private key from 2n uniform bytes, such as the output
// of a key derivation function: 1 + (int(uniform) mod (r-1)).
func DerivePrivateKey(s Suite, uniform []byte) (*PrivateKey, error) {
	c, err := s.tested()
	if err != nil {
		return nil, err
	}
	if len(uniform) != s.UniformSize() {
		return nil, ErrSize
	}
	return &PrivateKey{s, c.UniformScalar(uniform)}, nil
}

// Bytes returns the key as n bytes, in the form that NewPrivateKey reads.
func (k *PrivateKey) Bytes() []byte { return clone(k.b) }

// Suite returns the key's suite.
func (k *PrivateKey) Suite() Suite { return k.suite }

// PublicKey returns the public key of k. It panics if k has been wiped.
func (k *PrivateKey) PublicKey() *PublicKey {
	c, err := k.scheme()
	if err != nil {
		panic("recrypt: use of an empty or wiped private key")
	}
	b, err := c.PublicKey(k.b)
	if err != nil {
		panic("recrypt: private key without a public key")
	}
	return &PublicKey{k.suite, b}
}

// Equal reports whether the keys are the same, in constant time.
func (k *PrivateKey) Equal(other *PrivateKey) bool {
	return k.suite == other.suite && equal(k.b, other.b)
}

// Add returns k + other mod r, the private key of the sum of both public keys
// (spec section 10.7). A sum of zero is ErrPrivateKey.
func (k *PrivateKey) Add(other *PrivateKey) (*PrivateKey, error) {
	return k.augment(other, scheme.AddPrivateKeys)
}

// Sub returns k - other mod r. A difference of zero is ErrPrivateKey.
func (k *PrivateKey) Sub(other *PrivateKey) (*PrivateKey, error) {
	return k.augment(other, scheme.SubPrivateKeys)
}

func (k *PrivateKey) augment(other *PrivateKey, op func(c scheme, a, b []byte) []byte) (*PrivateKey, error) {
	c, err := k.scheme(other.suite)
	if err != nil {
		return nil, err
	}
	if len(other.b) == 0 {
		return nil, ErrPrivateKey
	}
	b := op(c, k.b, other.b)
	if err := c.CheckPrivateKey(b); err != nil {
		clear(b)
		return nil, err
	}
	return &PrivateKey{k.suite, b}, nil
}

// Wipe overwrites the key. Later uses give ErrPrivateKey. Copies that the
// compiler or the garbage collector made are out of reach.
func (k *PrivateKey) Wipe() {
	clear(k.b)
	k.b = nil
}

// scheme returns the algorithms for an operation of k together with things of
// other suites.
func (k *PrivateKey) scheme(others ...Suite) (scheme, error) {
	c, err := agree(k.suite, others...)
	if err != nil {
		return nil, err
	}
	if len(k.b) == 0 {
		return nil, ErrPrivateKey
	}
	return c, nil
}

// A PublicKey is what others encrypt to, and make transform keys for. It is a
// point of G1 other than the point at infinity.
type PublicKey struct {
	suite Suite
	b     []byte // 2n bytes, x ‖ y
}

// NewPublicKey decodes a public key: x ‖ y, 2n bytes, both below p, on the curve.
// Anything else is ErrSize or ErrPublicKey.
func NewPublicKey(s Suite, b []byte) (*PublicKey, error) {
	c, err := s.tested()
	if err != nil {
		return nil, err
	}
	if err := c.CheckPublicKey(b); err != nil {
		return nil, err
	}
	return &PublicKey{s, clone(b)}, nil
}

// Bytes returns the key as x ‖ y, 2n bytes.
func (k *PublicKey) Bytes() []byte { return clone(k.b) }

// Suite returns the key's suite.
func (k *PublicKey) Suite() Suite { return k.suite }

// Equal reports whether the keys are the same.
func (k *PublicKey) Equal(other *PublicKey) bool {
	return k.suite == other.suite && equal(k.b, other.b)
}

// Add returns the sum of two public keys. If it is the point at infinity the
// error is ErrPublicKey.
//
// Adding says nothing about who knows the other private key: someone who picks
// his key after seeing yours can cancel yours. Ask for a proof of possession,
// such as a Schnorr signature, first.
func (k *PublicKey) Add(other *PublicKey) (*PublicKey, error) {
	c, err := agree(k.suite, other.suite)
	if err != nil {
		return nil, err
	}
	b, err := c.AddPublicKeys(k.b, other.b)
	if err != nil {
		return nil, err
	}
	return &PublicKey{k.suite, b}, nil
}
