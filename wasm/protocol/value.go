package protocol

import (
	"github.com/recrypt-service/recrypt/wasm/abi"
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
	item := abi.KeyItem{Author: author, Collection: collection, Record: record, Value: value}
	keys, errs, err := OpenKeys(seed, own, service, []abi.KeyItem{item}, func() bool { return false })
	if err != nil {
		return nil, err
	}
	return keys[0], errs[0]
}

// errTransformed refuses a value that the service has transformed already.
var errTransformed = mismatch("encrypted value was transformed already")

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
		return nil, errTransformed
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

// TransformKeyValues is TransformKeyValue for many values and a prepared transform key
// (recrypt.PreparedTransformKey), which it takes as the bytes that the scheme made. It
// returns a transformed value or an error for each value, in order, or one error if the
// seed or the key is malformed. stopped is asked between steps (see NextStep); once it is
// true, the values that are left get abi.ErrStopped.
func TransformKeyValues(serviceSeed, prepared []byte, values [][]byte, stopped func() bool) ([][]byte, []error, error) {
	inner, err := recryptKey(serviceSeed)
	if err != nil {
		return nil, nil, err
	}
	defer inner.Wipe()
	s, err := suiteOfPrepared(prepared)
	if err != nil {
		return nil, nil, err
	}
	k, err := recrypt.NewPreparedTransformKey(s, prepared)
	if err != nil {
		return nil, nil, schemeError(err, "prepared transform key is malformed")
	}
	defer k.Wipe()
	out, errs := transformAll(k, inner, values, stopped)
	return out, errs, nil
}

// transformAll transforms values of level 0, in steps.
func transformAll(k *recrypt.PreparedTransformKey, signer *recrypt.SigningKey, values [][]byte, stopped func() bool) ([][]byte, []error) {
	out, errs := make([][]byte, len(values)), make([]error, len(values))
	for start := 0; start < len(values); {
		end := start + NextStep(k.Suite(), values[start:])
		transformStep(k, signer, values[start:end], out[start:end], errs[start:end], stopped)
		start = end
	}
	return out, errs
}

// suiteOfPrepared tells the suite of a prepared transform key from its length.
func suiteOfPrepared(prepared []byte) (recrypt.Suite, error) {
	for _, s := range recrypt.Suites() {
		if len(prepared) == s.PreparedTransformKeySize() {
			return s, nil
		}
	}
	return 0, malformed("prepared transform key has a length that no suite has")
}

// transformStep decodes and transforms some values.
func transformStep(k *recrypt.PreparedTransformKey, signer *recrypt.SigningKey, values, out [][]byte, errs []error, stopped func() bool) {
	if stopped() {
		for i := range errs {
			errs[i] = abi.ErrStopped
		}
		return
	}
	list, malformed := recrypt.NewEncryptedValues(k.Suite(), values)
	for i, v := range list {
		switch {
		case malformed[i] != nil:
			errs[i] = valueError(k.Suite(), values[i], malformed[i])
		case v.Level() != 0:
			errs[i] = errTransformed
			list[i] = nil
		}
	}
	transformed, failures := k.TransformMany(list, signer)
	for i, v := range transformed {
		switch {
		case errs[i] != nil:
		case failures[i] != nil:
			errs[i] = schemeError(failures[i], "encrypted value cannot be transformed")
		default:
			out[i] = v.Bytes()
		}
	}
}
