package recrypt_test

import (
	"bytes"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/recrypt"
	"github.com/recrypt-service/recrypt/wasm/recrypt/recrypttest"
)

// fuzzed is the one whose decoders are fuzzed here; the other's are the same text.
const fuzzed = recrypt.Suite256

// fuzzDecoder checks a decoder: what it accepts comes back as the same bytes, and an error
// comes alone (see bytesOf).
func fuzzDecoder(f *testing.F, name string) {
	recrypttest.SetRandom(f, fixedStream()) // the same seeds in every worker
	b := newWorld(f, fuzzed).objects()[name]
	f.Add(b)
	f.Add(b[:len(b)-1])
	f.Add(append(b[:len(b):len(b)], 0))
	f.Add(make([]byte, len(b)))
	f.Add(bytes.Repeat([]byte{0xff}, len(b)))
	f.Add([]byte{})
	decode := decoders(fuzzed)[name]
	f.Fuzz(func(t *testing.T, b []byte) {
		in := bytes.Clone(b)
		got, err := decode(b)
		if err == nil && !bytes.Equal(got, in) {
			t.Error("accepted, and other bytes came back")
		}
		if !bytes.Equal(b, in) {
			t.Error("the input was changed")
		}
	})
}

func FuzzPrivateKey(f *testing.F)   { fuzzDecoder(f, "private key") }
func FuzzPublicKey(f *testing.F)    { fuzzDecoder(f, "public key") }
func FuzzPlaintext(f *testing.F)    { fuzzDecoder(f, "plaintext") }
func FuzzTransformKey(f *testing.F) { fuzzDecoder(f, "transform key") }
func FuzzSigningKey(f *testing.F)   { fuzzDecoder(f, "signing key") }
func FuzzVerifyingKey(f *testing.F) { fuzzDecoder(f, "verifying key") }

func FuzzEncryptedValue(f *testing.F) {
	recrypttest.SetRandom(f, fixedStream())
	w := newWorld(f, fuzzed)
	f.Add(w.transformed.Bytes())
	f.Add(make([]byte, fuzzed.EncryptedValueSize(recrypt.MaxBlocks+1)))
	fuzzDecoder(f, "value")
}

// FuzzSchnorrSignature looks for a signature other than the one made.
func FuzzSchnorrSignature(f *testing.F) {
	recrypttest.SetRandom(f, fixedStream())
	w := newWorld(f, fuzzed)
	public, message := w.a.PublicKey(), []byte("message")
	made := must1(w.a.SignSchnorr(public, message))
	f.Add(made)
	f.Add(make([]byte, fuzzed.SchnorrSize()))
	f.Add(made[:len(made)-1])
	f.Fuzz(func(t *testing.T, sig []byte) {
		if public.VerifySchnorr(nil, message, sig) != bytes.Equal(sig, made) {
			t.Error("another signature verifies, or the right one does not")
		}
	})
}
