package engine

import (
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// BenchmarkCore times the operations of the scheme, bytes to bytes through one
// call of the boundary, strict decoding and signatures included, on both engines, in
// both suites. A transform decodes and prepares its transform key each time.
func BenchmarkCore(b *testing.B) {
	for _, kind := range []string{Native, Wazero} {
		b.Run(kind, func(b *testing.B) {
			b.Run("recrypt256", func(b *testing.B) { benchmarkCore(b, kind, abi.Suite256) })
			b.Run("recrypt480", func(b *testing.B) { benchmarkCore(b, kind, abi.Suite480) })
		})
	}
}

func benchmarkCore(b *testing.B, kind string, suite uint8) {
	ctx := b.Context()
	c := abi.Client{Caller: newEngine(b, Config{Kind: kind})}
	two := func(x, y []byte, err error) ([]byte, []byte) {
		if err != nil {
			b.Fatal(err)
		}
		return x, y
	}
	one := func(x []byte, err error) []byte {
		if err != nil {
			b.Fatal(err)
		}
		return x
	}
	alice, alicePublic := two(c.GenerateKeyPair(ctx, suite))
	bob, bobPublic := two(c.GenerateKeyPair(ctx, suite))
	signing, _ := two(c.GenerateSigningKeyPair(ctx))
	plaintext := one(c.GeneratePlaintext(ctx, suite))
	key := one(c.TransformKey(ctx, suite, alice, bobPublic, signing))
	value := one(c.Encrypt(ctx, suite, plaintext, alicePublic, signing))
	transformed := one(c.Transform(ctx, suite, value, key, signing))
	for _, op := range []struct {
		name string
		run  func()
	}{
		{"key_pair", func() { two(c.GenerateKeyPair(ctx, suite)) }},
		{"plaintext", func() { one(c.GeneratePlaintext(ctx, suite)) }},
		{"transform_key", func() { one(c.TransformKey(ctx, suite, alice, bobPublic, signing)) }},
		{"encrypt", func() { one(c.Encrypt(ctx, suite, plaintext, alicePublic, signing)) }},
		{"decrypt_0", func() { one(c.Decrypt(ctx, suite, value, alice)) }},
		{"transform", func() { one(c.Transform(ctx, suite, value, key, signing)) }},
		{"decrypt_1", func() { one(c.Decrypt(ctx, suite, transformed, bob)) }},
	} {
		b.Run(op.name, func(b *testing.B) {
			for b.Loop() {
				op.run()
			}
		})
	}
}
