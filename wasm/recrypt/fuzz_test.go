package recrypt_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/fuzztest"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
	"github.com/recrypt-service/recrypt/wasm/recrypt/recrypttest"
)

// suiteAt turns an argument of a fuzz target into a suite.
func suiteAt(n uint8) recrypt.Suite {
	all := recrypt.Suites()
	return all[int(n)%len(all)]
}

// fuzzWorlds returns a world of each suite, the same in every worker.
func fuzzWorlds(f *testing.F) []*world {
	recrypttest.SetRandom(f, fixedStream())
	var all []*world
	for _, s := range recrypt.Suites() {
		all = append(all, newWorld(f, s))
	}
	return all
}

// limit is how much decoding n bytes may allocate: the object, and copies of the
// input in the forms of the arithmetic.
func limit(n int) int { return 8*n + 32<<10 }

// fuzzDecoder checks a decoder: what it accepts comes back as the same bytes, an error
// comes alone (see bytesOf), and memory is bounded by the input.
func fuzzDecoder(f *testing.F, name string, more ...func(w *world) []byte) {
	for i, w := range fuzzWorlds(f) {
		b := w.objects()[name]
		for _, seed := range [][]byte{
			b, b[:len(b)-1], append(slices.Clone(b), 0), make([]byte, len(b)), bytes.Repeat([]byte{0xff}, len(b)), {},
		} {
			f.Add(uint8(i), seed)
		}
		for _, seed := range more {
			f.Add(uint8(i), seed(w))
		}
	}
	f.Fuzz(func(t *testing.T, suite uint8, b []byte) {
		decode := decoders(suiteAt(suite))[name]
		in := bytes.Clone(b)
		var got []byte
		var err error
		fuzztest.Within(t, limit(len(b)), func() { got, err = decode(b) })
		if err == nil && !bytes.Equal(got, in) || err != nil && got != nil {
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
func FuzzPrepared(f *testing.F)     { fuzzDecoder(f, "prepared") }
func FuzzSigningKey(f *testing.F)   { fuzzDecoder(f, "signing key") }
func FuzzVerifyingKey(f *testing.F) { fuzzDecoder(f, "verifying key") }

func FuzzEncryptedValue(f *testing.F) {
	fuzzDecoder(f, "value", func(w *world) []byte { return w.transformed.Bytes() }, func(w *world) []byte {
		return make([]byte, w.a.Suite().EncryptedValueSize(recrypt.MaxBlocks+1))
	})
}

func FuzzDerivePrivateKey(f *testing.F) {
	for i, s := range recrypt.Suites() {
		f.Add(uint8(i), make([]byte, s.UniformSize()))
		f.Add(uint8(i), bytes.Repeat([]byte{0xff}, s.UniformSize()))
		f.Add(uint8(i), []byte{})
	}
	f.Fuzz(func(t *testing.T, suite uint8, uniform []byte) {
		s := suiteAt(suite)
		k, err := recrypt.DerivePrivateKey(s, uniform)
		if (err == nil) != (len(uniform) == s.UniformSize()) || (err != nil) != (k == nil) {
			t.Fatalf("%d bytes: %v", len(uniform), err)
		}
		if err != nil {
			return
		}
		if again, err := recrypt.NewPrivateKey(s, k.Bytes()); err != nil || !again.Equal(k) {
			t.Error("derived a key that is not decoded")
		}
	})
}

func FuzzParseSuite(f *testing.F) {
	f.Add("recrypt256")
	f.Add("recrypt480")
	f.Add("")
	f.Fuzz(func(t *testing.T, name string) {
		s, err := recrypt.ParseSuite(name)
		if err == nil && s.String() != name || err != nil && s != 0 {
			t.Errorf("%q: %v, %v", name, s, err)
		}
	})
}

// FuzzDecrypt: of all values only those that were made are opened.
func FuzzDecrypt(f *testing.F) {
	worlds := fuzzWorlds(f)
	for i, w := range worlds {
		for _, b := range [][]byte{w.value.Bytes(), w.transformed.Bytes()} {
			f.Add(uint8(i), b)
			for _, at := range []int{0, len(b) / 3, len(b) / 2, len(b) - 1} {
				damaged := slices.Clone(b)
				damaged[at] ^= 1
				f.Add(uint8(i), damaged)
			}
		}
	}
	f.Fuzz(func(t *testing.T, suite uint8, b []byte) {
		w := worlds[int(suite)%len(worlds)]
		v, err := recrypt.NewEncryptedValue(w.a.Suite(), b)
		if err != nil {
			return
		}
		if n := v.Level(); n < 0 || n > recrypt.MaxBlocks || len(b) != v.Suite().EncryptedValueSize(n) {
			t.Errorf("level %d", n)
		}
		made := bytes.Equal(b, w.value.Bytes()) || bytes.Equal(b, w.transformed.Bytes())
		if err := v.VerifySignature(); (err == nil) != made {
			t.Errorf("signature: %v", err)
		}
		for _, k := range []*recrypt.PrivateKey{w.a, w.b} {
			m, err := k.Decrypt(v)
			want := recrypt.ErrSignature
			if made {
				want = recrypt.ErrDecrypt // with the other's key
			}
			if err == nil && !(made && m.Equal(w.m)) || err != nil && (err != want || m != nil) {
				t.Errorf("%v", err)
			}
		}
	})
}

// signedPart returns what the signature of a transform key covers, and the signature:
// everything but hashedTempKey (spec section 9.1).
func signedPart(s recrypt.Suite, b []byte) []byte {
	n := s.FieldSize()
	return slices.Concat(b[:16*n], b[20*n:])
}

// FuzzTransform: of all transform keys only those transform that differ from the one
// made in nothing that is signed.
func FuzzTransform(f *testing.F) {
	worlds := fuzzWorlds(f)
	for i, w := range worlds {
		b := w.key.Bytes()
		for _, at := range []int{-1, 0, len(b) / 2, len(b) - 70, len(b) - 1} {
			damaged := slices.Clone(b)
			if at >= 0 {
				damaged[at] ^= 1
			}
			f.Add(uint8(i), damaged)
		}
	}
	f.Fuzz(func(t *testing.T, suite uint8, b []byte) {
		w := worlds[int(suite)%len(worlds)]
		k, err := recrypt.NewTransformKey(w.a.Suite(), b)
		if err != nil {
			return
		}
		made := bytes.Equal(signedPart(k.Suite(), b), signedPart(k.Suite(), w.key.Bytes()))
		if err := k.VerifySignature(); (err == nil) != made {
			t.Errorf("signature: %v", err)
		}
		if v, err := k.Transform(w.value, w.proxy); (err == nil) != made || (err != nil) != (v == nil) {
			t.Errorf("transform: %v", err)
		}
		a, err := k.Augment(w.b)
		if err != nil {
			t.Fatalf("augment: %v", err)
		}
		if _, err := recrypt.NewTransformKey(a.Suite(), a.Bytes()); err != nil {
			t.Errorf("augmented: %v", err)
		}
	})
}

// FuzzSchnorrSignature looks for a signature other than the one made.
func FuzzSchnorrSignature(f *testing.F) {
	worlds, message := fuzzWorlds(f), []byte("message")
	made := make([][]byte, len(worlds))
	for i, w := range worlds {
		made[i] = must1(w.a.SignSchnorr(w.a.PublicKey(), message))
		f.Add(uint8(i), made[i])
		f.Add(uint8(i), make([]byte, w.a.Suite().SchnorrSize()))
		f.Add(uint8(i), made[i][:len(made[i])-1])
	}
	f.Fuzz(func(t *testing.T, suite uint8, sig []byte) {
		i := int(suite) % len(worlds)
		if worlds[i].a.PublicKey().VerifySchnorr(nil, message, sig) != bytes.Equal(sig, made[i]) {
			t.Error("another signature verifies, or the right one does not")
		}
	})
}

// FuzzEd25519Signature looks for a signature other than the one made.
func FuzzEd25519Signature(f *testing.F) {
	w, message := fuzzWorlds(f)[0], []byte("message")
	key, made := w.author.VerifyingKey(), w.author.Sign(message)
	f.Add(made)
	f.Add(made[:63])
	f.Add(make([]byte, 64))
	f.Fuzz(func(t *testing.T, sig []byte) {
		if key.Verify(message, sig) != bytes.Equal(sig, made) {
			t.Error("another signature verifies, or the right one does not")
		}
	})
}

// FuzzUpstream: what the lenient decoders of recrypttest make of anything is
// canonical, so they leave it alone the second time.
func FuzzUpstream(f *testing.F) {
	worlds := fuzzWorlds(f)
	var names []string
	for i, w := range worlds {
		objects := w.objects()
		objects["transformed value"] = w.transformed.Bytes()
		names = []string{"private key", "public key", "plaintext", "transform key", "value", "transformed value"}
		for k, name := range names {
			f.Add(uint8(i), uint8(k), objects[name])
			f.Add(uint8(i), uint8(k), bytes.Repeat([]byte{0xff}, len(objects[name])))
		}
	}
	f.Fuzz(func(t *testing.T, suite, which uint8, b []byte) {
		u := must1(recrypttest.NewUpstream(suiteAt(suite)))
		decode := []func([]byte) ([]byte, error){u.PrivateKey, u.PublicKey, u.GT, u.TransformKey, u.Value, u.Value}[int(which)%len(names)]
		once, err := decode(b)
		if err != nil {
			if once != nil {
				t.Error("a result beside the error")
			}
			return
		}
		if twice, err := decode(once); err != nil || !bytes.Equal(twice, once) || len(once) != len(b) {
			t.Errorf("not canonical: %v", err)
		}
	})
}
