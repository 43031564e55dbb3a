package main

import (
	"bytes"

	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

// fixture is what the operations work on: bytes, and the transform keys ready for use.
type fixture struct {
	suite          recrypt.Suite
	alice, bob     []byte // private keys
	carol          []byte
	alicePublic    []byte
	bobPublic      []byte
	signing        []byte
	plaintext      []byte
	values         [3][]byte // of level 0 to alice, 1 to bob, 2 to carol
	toBob, toCarol *recrypt.PreparedTransformKey
}

// native returns the operations of the Go package. Each decodes its arguments strictly
// and encodes its result. Transform keys are decoded and prepared beforehand.
func native(name string) (operations, error) {
	suite, err := recrypt.ParseSuite(name)
	if err != nil {
		return nil, err
	}
	f, err := newFixture(suite)
	if err != nil {
		return nil, err
	}
	ops := operations{
		"key_pair":      f.keyPair,
		"plaintext":     func() error { _, err := recrypt.GeneratePlaintext(suite); return err },
		"transform_key": func() error { _, err := f.transformKey(f.alice, f.bobPublic); return err },
		"encrypt":       func() error { _, err := f.encrypt(); return err },
		"transform_1":   func() error { _, err := f.transform(f.values[0], f.toBob); return err },
		"transform_2":   func() error { _, err := f.transform(f.values[1], f.toCarol); return err },

		"transform_1_x16": f.transformMany,
		"decrypt_1_x16":   f.decryptMany,
	}
	for level, private := range [][]byte{f.alice, f.bob, f.carol} {
		decrypt := func() error { return f.decrypt(f.values[level], private) }
		if err := decrypt(); err != nil {
			return nil, err
		}
		ops["decrypt_"+string(rune('0'+level))] = decrypt
	}
	return ops, nil
}

func newFixture(suite recrypt.Suite) (*fixture, error) {
	f := &fixture{suite: suite, signing: recrypt.GenerateSigningKey().Bytes()}
	var publics [3][]byte
	for i, private := range []*[]byte{&f.alice, &f.bob, &f.carol} {
		k, err := recrypt.GeneratePrivateKey(suite)
		if err != nil {
			return nil, err
		}
		*private, publics[i] = k.Bytes(), k.PublicKey().Bytes()
	}
	f.alicePublic, f.bobPublic = publics[0], publics[1]
	m, err := recrypt.GeneratePlaintext(suite)
	if err != nil {
		return nil, err
	}
	f.plaintext = m.Bytes()
	if f.toBob, err = f.prepared(f.alice, f.bobPublic); err != nil {
		return nil, err
	}
	if f.toCarol, err = f.prepared(f.bob, publics[2]); err != nil {
		return nil, err
	}
	if f.values[0], err = f.encrypt(); err != nil {
		return nil, err
	}
	if f.values[1], err = f.transform(f.values[0], f.toBob); err != nil {
		return nil, err
	}
	f.values[2], err = f.transform(f.values[1], f.toCarol)
	return f, err
}

func (f *fixture) prepared(from, to []byte) (*recrypt.PreparedTransformKey, error) {
	b, err := f.transformKey(from, to)
	if err != nil {
		return nil, err
	}
	t, err := recrypt.NewTransformKey(f.suite, b)
	if err != nil {
		return nil, err
	}
	return t.Prepare()
}

func (f *fixture) keyPair() error {
	k, err := recrypt.GeneratePrivateKey(f.suite)
	if err != nil {
		return err
	}
	k.Bytes()
	k.PublicKey().Bytes()
	return nil
}

func (f *fixture) transformKey(from, to []byte) ([]byte, error) {
	k, err := recrypt.NewPrivateKey(f.suite, from)
	if err != nil {
		return nil, err
	}
	p, err := recrypt.NewPublicKey(f.suite, to)
	if err != nil {
		return nil, err
	}
	s, err := recrypt.NewSigningKey(f.signing)
	if err != nil {
		return nil, err
	}
	t, err := k.TransformKey(p, s)
	if err != nil {
		return nil, err
	}
	return t.Bytes(), nil
}

func (f *fixture) encrypt() ([]byte, error) {
	m, err := recrypt.NewPlaintext(f.suite, f.plaintext)
	if err != nil {
		return nil, err
	}
	p, err := recrypt.NewPublicKey(f.suite, f.alicePublic)
	if err != nil {
		return nil, err
	}
	s, err := recrypt.NewSigningKey(f.signing)
	if err != nil {
		return nil, err
	}
	v, err := recrypt.Encrypt(m, p, s)
	if err != nil {
		return nil, err
	}
	return v.Bytes(), nil
}

func (f *fixture) transform(value []byte, key *recrypt.PreparedTransformKey) ([]byte, error) {
	v, err := recrypt.NewEncryptedValue(f.suite, value)
	if err != nil {
		return nil, err
	}
	s, err := recrypt.NewSigningKey(f.signing)
	if err != nil {
		return nil, err
	}
	out, err := key.Transform(v, s)
	if err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func (f *fixture) decrypt(value, private []byte) error {
	v, err := recrypt.NewEncryptedValue(f.suite, value)
	if err != nil {
		return err
	}
	k, err := recrypt.NewPrivateKey(f.suite, private)
	if err != nil {
		return err
	}
	m, err := k.Decrypt(v)
	if err != nil {
		return err
	}
	if !bytes.Equal(m.Bytes(), f.plaintext) {
		return errOther
	}
	return nil
}

// transformMany transforms batch values at once.
func (f *fixture) transformMany() error {
	values, err := f.many(f.values[0])
	if err != nil {
		return err
	}
	s, err := recrypt.NewSigningKey(f.signing)
	if err != nil {
		return err
	}
	out, errs := f.toBob.TransformMany(values, s)
	for i, v := range out {
		if errs[i] != nil {
			return errs[i]
		}
		v.Bytes()
	}
	return nil
}

// decryptMany opens batch values at once.
func (f *fixture) decryptMany() error {
	values, err := f.many(f.values[1])
	if err != nil {
		return err
	}
	k, err := recrypt.NewPrivateKey(f.suite, f.bob)
	if err != nil {
		return err
	}
	out, errs := k.DecryptMany(values)
	for i, m := range out {
		if errs[i] != nil {
			return errs[i]
		}
		if !bytes.Equal(m.Bytes(), f.plaintext) {
			return errOther
		}
	}
	return nil
}

// many decodes a value batch times.
func (f *fixture) many(value []byte) ([]*recrypt.EncryptedValue, error) {
	values := make([]*recrypt.EncryptedValue, batch)
	for i := range values {
		var err error
		if values[i], err = recrypt.NewEncryptedValue(f.suite, value); err != nil {
			return nil, err
		}
	}
	return values, nil
}
