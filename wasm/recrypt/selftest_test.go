package recrypt

import (
	"bytes"
	"errors"
	"testing"
)

func TestSelfTest(t *testing.T) {
	for _, s := range Suites() {
		if err := SelfTest(s); err != nil {
			t.Errorf("%v: %v", s, err)
		}
	}
	if err := SelfTestSigning(); err != nil {
		t.Error(err)
	}
	for _, s := range []Suite{0, 3, 255} {
		if err := SelfTest(s); err != ErrSuite {
			t.Errorf("suite %d: %v", s, err)
		}
	}
}

// TestSelfTestIsAChain sees that the inputs of the self-test are what they say: an
// encrypted value, and a transform key by which it becomes one that can be decrypted.
func TestSelfTestIsAChain(t *testing.T) {
	for _, s := range Suites() {
		c, err := s.scheme()
		if err != nil {
			t.Fatal(err)
		}
		st := selfTest{testable: c.(testable), suite: s, signer: fixedSigner()}
		st.private = c.UniformScalar(st.fixed("private key", 2))
		if st.public, err = c.PublicKey(st.private); err != nil {
			t.Fatal(err)
		}
		plaintext, err := c.(interface {
			FinalExp(b []byte) ([]byte, error)
		}).FinalExp(st.fixed("plaintext", 12))
		if err != nil {
			t.Fatal(err)
		}
		ephemeral := c.UniformScalar(st.fixed("ephemeral", 2))
		value, err := c.Encrypt(plaintext, st.public, st.signer, ephemeral)
		if err != nil || !bytes.Equal(value, st.seal([]byte(values[s]), len(values[s]))) {
			t.Errorf("%v: the value is another one: %v", s, err)
		}
		transformed, ok := st.transform(value)
		if !ok {
			t.Fatalf("%v: transform", s)
		}
		if m, err := st.Decrypt(transformed, st.private); err != nil || !bytes.Equal(m, plaintext) {
			t.Errorf("%v: the transformed value does not decrypt: %v", s, err)
		}
		n := s.FieldSize()
		key, err := c.TransformKey(st.private, st.public, st.signer, ephemeral, plaintext)
		if err != nil || string(key[16*n:20*n]) != hashedTempKeys[s] {
			t.Errorf("%v: the hashed temp key is another one: %v", s, err)
		}
	}
}

// TestDamage changes a known answer, an input and the table of a self-test: each is
// found, and the suite then gives an error whatever is asked of it.
func TestDamage(t *testing.T) {
	flip := func(s *string) { *s = "\x00" + (*s)[1:] }
	for _, s := range Suites() {
		for name, table := range map[string]*[3]string{"answer": &answers, "value": &values, "hashed temp key": &hashedTempKeys} {
			kept := *table
			flip(&table[s])
			err := s.test()
			*table = kept
			if !errors.Is(err, ErrSelfTest) {
				t.Errorf("%v, other %s: %v", s, name, err)
			}
		}
		if err := s.test(); err != nil {
			t.Errorf("%v, repaired: %v", s, err)
		}
		keptTest := tests[s]
		tests[s] = func() error { return &selfTestError{s.String()} }
		refusesEverything(t, s)
		tests[s] = keptTest
	}
}

// refusesEverything sees that nothing of a suite can be made.
func refusesEverything(t *testing.T, s Suite) {
	t.Helper()
	for name, run := range map[string]func() error{
		"SelfTest":           func() error { return SelfTest(s) },
		"GeneratePrivateKey": func() error { _, err := GeneratePrivateKey(s); return err },
		"NewPrivateKey":      func() error { _, err := NewPrivateKey(s, nil); return err },
		"DerivePrivateKey":   func() error { _, err := DerivePrivateKey(s, nil); return err },
		"NewPublicKey":       func() error { _, err := NewPublicKey(s, nil); return err },
		"GeneratePlaintext":  func() error { _, err := GeneratePlaintext(s); return err },
		"NewPlaintext":       func() error { _, err := NewPlaintext(s, nil); return err },
		"NewEncryptedValue":  func() error { _, err := NewEncryptedValue(s, nil); return err },
		"NewTransformKey":    func() error { _, err := NewTransformKey(s, nil); return err },
	} {
		err := run()
		if !errors.Is(err, ErrSelfTest) {
			t.Errorf("%v, %s: %v", s, name, err)
		} else if !bytes.Contains([]byte(err.Error()), []byte(s.String())) {
			t.Errorf("%v, %s: the error does not name the suite: %v", s, name, err)
		}
	}
	if !s.Available() {
		t.Errorf("%v is not available", s)
	}
}

// TestDamagedSigning does the same for Ed25519.
func TestDamagedSigning(t *testing.T) {
	kept := signingTest
	defer func() { signingTest = kept }()
	signingTest = func() error { return &selfTestError{"Ed25519"} }
	for name, run := range map[string]func() error{
		"SelfTestSigning":       SelfTestSigning,
		"NewSigningKey":         func() error { _, err := NewSigningKey(nil); return err },
		"NewSigningKeyFromSeed": func() error { _, err := NewSigningKeyFromSeed(nil); return err },
		"NewVerifyingKey":       func() error { _, err := NewVerifyingKey(nil); return err },
	} {
		if err := run(); !errors.Is(err, ErrSelfTest) {
			t.Errorf("%s: %v", name, err)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("GenerateSigningKey made a key")
		}
	}()
	GenerateSigningKey()
}

func BenchmarkSelfTest(b *testing.B) {
	for _, s := range Suites() {
		b.Run(s.String(), func(b *testing.B) {
			for b.Loop() {
				if err := s.test(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
