package protocol

import (
	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

// OpenKey returns the 32-byte document key of a key record from its encrypted
// value. It opens a level-0 value with the epoch's key, as the owner, and a
// level-1 value, which the service transformed and signed, with the reader's own
// key.
//
// seed is the caller's, 32 bytes; own is his identity record, author the author's,
// service the server's record (it may be empty for a level-0 value). The
// collection record is verified as by NewKey, with the owner's signature if the
// caller or the author is the owner: call OpenCollection first.
//
// Errors: StatusMalformed, StatusSignature, StatusSuite, StatusTooLarge,
// StatusMismatch for records that do not belong together (a seed that does not
// give the epoch's key, a value signed by somebody else, another level among
// them), and StatusDecrypt for every reason why the value itself does not open.
func OpenKey(seed, own, author, collection, service, record, value []byte) ([]byte, error) {
	me, signer, err := unlockIdentity(seed, own)
	if err != nil {
		return nil, err
	}
	signer.Wipe()
	by, err := openIdentity(author)
	if err != nil {
		return nil, err
	}
	of, err := openCollection(collection, me, by)
	if err != nil {
		return nil, err
	}
	v, err := openKeyRecord(by, of, record)
	if err != nil {
		return nil, err
	}
	encrypted, err := v.value(value, of, service)
	if err != nil {
		return nil, err
	}
	private, err := openingKey(seed, me, of, encrypted.Level())
	if err != nil {
		return nil, err
	}
	defer private.Wipe()
	m, err := private.Decrypt(encrypted)
	if err != nil {
		return nil, schemeError(err, "encrypted value cannot be opened")
	}
	defer m.Wipe()
	return documentKey(&v.KeyRecord, m), nil
}

// value decodes an encrypted value and verifies that it is the record's and who
// signed it.
func (v *keyRecord) value(value []byte, of *collection, service []byte) (*recrypt.EncryptedValue, error) {
	encrypted, err := parseValue(of.key.Suite(), value)
	if err != nil {
		return nil, err
	}
	if err := v.checkParts(encrypted); err != nil {
		return nil, err
	}
	if err := checkOrigin(encrypted, v.author, of, service); err != nil {
		return nil, err
	}
	return encrypted, nil
}

// checkOrigin verifies who signed a value: the author if it is fresh, the
// collection's service if it was transformed once.
func checkOrigin(value *recrypt.EncryptedValue, author *identity, of *collection, record []byte) error {
	var at *service
	if len(record) != 0 {
		var err error
		if at, err = openService(record); err != nil {
			return err
		}
		if at.ID != of.Service {
			return mismatch("collection belongs to another service")
		}
	}
	switch {
	case value.Level() == 0:
		return checkFresh(value, author)
	case value.Level() > 1:
		return mismatch("encrypted value was transformed more than once")
	case at == nil:
		return malformed("service record is missing")
	}
	return checkSigner(value, at.RecryptKey)
}

// openingKey derives the private key that opens a value of a level.
func openingKey(seed []byte, me *person, of *collection, level int) (*recrypt.PrivateKey, error) {
	if level == 0 {
		if me.ID != of.Owner {
			return nil, mismatch("encrypted value is for the collection's owner")
		}
		return unlockEpoch(seed, of)
	}
	public := me.key(of.key.Suite())
	if public == nil {
		return nil, unknownSuite("identity has no key of the collection's suite")
	}
	private, err := encryptionKey(seed, of.key.Suite())
	if err != nil {
		return nil, err
	}
	if !private.PublicKey().Equal(public) {
		private.Wipe()
		return nil, mismatch("seed does not belong to the record")
	}
	return private, nil
}

// suiteOfTransformKey tells the suite of a transform key from its length, which
// is 736 bytes for recrypt256 and 1296 bytes for recrypt480.
func suiteOfTransformKey(transformKey []byte) (recrypt.Suite, error) {
	for _, s := range recrypt.Suites() {
		if len(transformKey) == s.TransformKeySize() {
			return s, nil
		}
	}
	return 0, malformed("transform key has a length that no suite has")
}

// suiteOfValue tells the suite of an encrypted value from its length, 0 if no suite
// has such values: 576 + 896m and 968 + 1680m bytes are never the same.
func suiteOfValue(value []byte) recrypt.Suite {
	for _, s := range recrypt.Suites() {
		if rest := len(value) - s.EncryptedValueSize(0); rest >= 0 && rest%s.BlockSize() == 0 {
			return s
		}
	}
	return 0
}

// TransformKeyValue transforms a level-0 value with a transform key into a
// level-1 value signed by the service, whose seed of 32 bytes it takes.
//
// Neither value nor transform key names its suite. It follows from the length of
// the transform key, 736 bytes (recrypt256) or 1296 bytes (recrypt480), and the
// value must be of the same one (StatusSuite).
//
// Errors: StatusMalformed, StatusSuite, StatusSignature for a bad signature of
// value or transform key, StatusMismatch for a value that was transformed before.
// That the key fits the value cannot be seen here: OpenGrant and OpenKeyRecord
// are for that, before anything is stored.
func TransformKeyValue(serviceSeed, value, transformKey []byte) ([]byte, error) {
	inner, err := recryptKey(serviceSeed)
	if err != nil {
		return nil, err
	}
	defer inner.Wipe()
	s, err := suiteOfTransformKey(transformKey)
	if err != nil {
		return nil, err
	}
	t, err := recrypt.NewTransformKey(s, transformKey)
	if err != nil {
		return nil, schemeError(err, "transform key is malformed")
	}
	defer t.Wipe()
	encrypted, err := parseValue(s, value)
	if err != nil {
		return nil, err
	}
	if encrypted.Level() != 0 {
		return nil, mismatch("encrypted value was transformed already")
	}
	if t.VerifySignature() != nil {
		return nil, unsigned("signature of the transform key does not verify")
	}
	transformed, err := t.Transform(encrypted, inner)
	if err != nil {
		return nil, schemeError(err, "encrypted value cannot be transformed")
	}
	return transformed.Bytes(), nil
}
