package recrypt_test

import (
	"testing"

	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

// BenchmarkScheme times the operations of both suites on decoded objects. host/bench
// times them from bytes to bytes, beside other engines.
func BenchmarkScheme(b *testing.B) {
	for _, suite := range []recrypt.Suite{recrypt.Suite256, recrypt.Suite480} {
		b.Run(suite.String(), func(b *testing.B) { benchmarkScheme(b, suite) })
	}
}

func benchmarkScheme(b *testing.B, suite recrypt.Suite) {
	alice, bob := good(recrypt.GeneratePrivateKey(suite))(b), good(recrypt.GeneratePrivateKey(suite))(b)
	toAlice, toBob, signer := alice.PublicKey(), bob.PublicKey(), recrypt.GenerateSigningKey()
	m := good(recrypt.GeneratePlaintext(suite))(b)
	key := good(alice.TransformKey(toBob, signer))(b)
	prepared := good(key.Prepare())(b)
	value := good(recrypt.Encrypt(m, toAlice, signer))(b)
	transformed := good(prepared.Transform(value, signer))(b)
	valueBytes, keyBytes, preparedBytes := transformed.Bytes(), key.Bytes(), prepared.Bytes()
	for _, op := range []struct {
		name string
		run  func(b *testing.B)
	}{
		{"key_pair", func(b *testing.B) { good(recrypt.GeneratePrivateKey(suite))(b).PublicKey() }},
		{"plaintext", func(b *testing.B) { good(recrypt.GeneratePlaintext(suite))(b) }},
		{"transform_key", func(b *testing.B) { good(alice.TransformKey(toBob, signer))(b) }},
		{"encrypt", func(b *testing.B) { good(recrypt.Encrypt(m, toAlice, signer))(b) }},
		{"decrypt_0", func(b *testing.B) { good(alice.Decrypt(value))(b) }},
		{"decrypt_1", func(b *testing.B) { good(bob.Decrypt(transformed))(b) }},
		{"transform", func(b *testing.B) { good(key.Transform(value, signer))(b) }},
		{"transform_prepared", func(b *testing.B) { good(prepared.Transform(value, signer))(b) }},
		{"prepare", func(b *testing.B) { good(key.Prepare())(b) }},
		{"decode_value_1", func(b *testing.B) { good(recrypt.NewEncryptedValue(suite, valueBytes))(b) }},
		{"decode_transform_key", func(b *testing.B) { good(recrypt.NewTransformKey(suite, keyBytes))(b) }},
		{"decode_prepared", func(b *testing.B) { good(recrypt.NewPreparedTransformKey(suite, preparedBytes))(b) }},
		{"schnorr_sign", func(b *testing.B) { good(alice.SignSchnorr(toAlice, keyBytes))(b) }},
	} {
		b.Run(op.name, func(b *testing.B) {
			for b.Loop() {
				op.run(b)
			}
		})
	}
}

// good returns a function that gives the result, or ends the benchmark.
func good[T any](v T, err error) func(*testing.B) T {
	return func(b *testing.B) T {
		if err != nil {
			b.Fatal(err)
		}
		return v
	}
}
