package main

import (
	"bytes"
	"context"
	"errors"

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
		"transform_1":   func() error { _, err := b.Transform(ctx, suite, s.values[0], s.keys[0], s.signing); return err },
		"transform_2":   func() error { _, err := b.Transform(ctx, suite, s.values[1], s.keys[1], s.signing); return err },
	}
	for level, private := range s.private {
		decrypt := func() error {
			m, err := b.Decrypt(ctx, suite, s.values[level], private)
			if err == nil && !bytes.Equal(m, s.plaintext) {
				err = errors.New("another plaintext came out")
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
	keys            [2][]byte // from the first to the second, from the second to the third
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
		if s.keys[i], err = b.TransformKey(ctx, suite, s.private[i], s.public[i+1], s.signing); err != nil {
			return nil, err
		}
		if s.values[i+1], err = b.Transform(ctx, suite, s.values[i], s.keys[i], s.signing); err != nil {
			return nil, err
		}
	}
	return s, nil
}
