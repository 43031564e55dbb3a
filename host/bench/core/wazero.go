package main

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/recrypt-service/recrypt/host/engine"
	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

// boundary calls the core through its boundary.
type boundary struct {
	ctx context.Context
	abi.Client
}

// sandbox starts the module in wazero, with the settings of the server.
func sandbox(ctx context.Context) (*boundary, func(), error) {
	e, err := engine.New(ctx, engine.Config{Kind: engine.Wazero})
	if err != nil {
		return nil, nil, err
	}
	return &boundary{ctx, abi.Client{Caller: e}}, func() { _ = e.Close(ctx) }, nil
}

// operations returns the operations of a suite, one call of the boundary each.
func (b *boundary) operations(name string) (operations, error) {
	parsed, err := recrypt.ParseSuite(name)
	if err != nil {
		return nil, err
	}
	s, err := b.setUp(uint8(parsed))
	if err != nil {
		return nil, err
	}
	ctx, suite := b.ctx, s.suite
	ops := operations{
		"key_pair":      func() error { _, _, err := b.GenerateKeyPair(ctx, suite); return err },
		"plaintext":     func() error { _, err := b.GeneratePlaintext(ctx, suite); return err },
		"transform_key": func() error { _, err := b.TransformKey(ctx, suite, s.private[0], s.public[1], s.signing); return err },
		"encrypt":       func() error { _, err := b.Encrypt(ctx, suite, s.plaintext, s.public[0], s.signing); return err },
		"transform_1":   func() error { return b.transform(s, s.keys[0], s.values[0]) },
		"transform_2":   func() error { return b.transform(s, s.keys[1], s.values[1]) },

		"transform_1_x16": func() error { return b.transform(s, s.keys[0], slices.Repeat(s.values[:1], batch)...) },
		"decrypt_1_x16":   func() error { return b.decryptMany(s, slices.Repeat(s.values[1:2], batch)) },
	}
	for level, private := range s.private {
		decrypt := func() error {
			m, err := b.Decrypt(ctx, suite, s.values[level], private)
			if err == nil && !bytes.Equal(m, s.plaintext) {
				err = errOther
			}
			return err
		}
		if err := decrypt(); err != nil {
			return nil, err
		}
		ops["decrypt_"+string(rune('0'+level))] = decrypt
	}
	return ops, nil
}

// scene is what the operations of a suite work on.
type scene struct {
	suite           uint8
	private, public [3][]byte
	signing         []byte
	plaintext       []byte
	keys            [2][]byte // from the first to the second, from the second to the third, prepared
	values          [3][]byte // one for each, with as many transforms
}

func (b *boundary) setUp(suite uint8) (*scene, error) {
	s, ctx, err := &scene{suite: suite}, b.ctx, error(nil)
	for i := range s.private {
		if s.private[i], s.public[i], err = b.GenerateKeyPair(ctx, suite); err != nil {
			return nil, err
		}
	}
	if s.signing, _, err = b.GenerateSigningKeyPair(ctx); err != nil {
		return nil, err
	}
	if s.plaintext, err = b.GeneratePlaintext(ctx, suite); err != nil {
		return nil, err
	}
	if s.values[0], err = b.Encrypt(ctx, suite, s.plaintext, s.public[0], s.signing); err != nil {
		return nil, err
	}
	for i := range s.keys {
		key, err := b.TransformKey(ctx, suite, s.private[i], s.public[i+1], s.signing)
		if err != nil {
			return nil, err
		}
		if s.values[i+1], err = b.Transform(ctx, suite, s.values[i], key, s.signing); err != nil {
			return nil, err
		}
		if s.keys[i], err = b.PrepareTransformKey(ctx, suite, key); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// transform transforms values in one call.
func (b *boundary) transform(s *scene, key []byte, values ...[]byte) error {
	out, err := b.TransformPrepared(b.ctx, s.suite, key, s.signing, values)
	for _, o := range out {
		err = errors.Join(err, o.Err)
	}
	return err
}

// decryptMany opens values for the second one in one call.
func (b *boundary) decryptMany(s *scene, values [][]byte) error {
	out, err := b.DecryptMany(b.ctx, s.suite, s.private[1], values)
	for _, o := range out {
		if err = errors.Join(err, o.Err); err == nil && !bytes.Equal(o.Value, s.plaintext) {
			err = errOther
		}
	}
	return err
}
