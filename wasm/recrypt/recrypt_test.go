package recrypt_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/crypto/chacha20"

	"github.com/recrypt-service/recrypt/wasm/recrypt"
	"github.com/recrypt-service/recrypt/wasm/recrypt/recrypttest"
)

// stream is an endless sequence of fixed bytes that counts what is taken.
type stream struct {
	c     *chacha20.Cipher
	taken int
}

func fixedStream() *stream {
	return &stream{c: must1(chacha20.NewUnauthenticatedCipher(make([]byte, 32), make([]byte, 12)))}
}

func (s *stream) Read(b []byte) (int, error) {
	clear(b)
	s.c.XORKeyStream(b, b)
	s.taken += len(b)
	return len(b), nil
}

// TestRandomnessDrawn fixes how many bytes each operation draws, which every engine has to
// agree on, and that equal randomness gives equal results.
func TestRandomnessDrawn(t *testing.T) {
	eachSuite(t, func(t *testing.T, suite recrypt.Suite) {
		scalar := suite.UniformSize()
		var digests [2][]byte
		for i := range digests {
			s := fixedStream()
			recrypttest.SetRandom(t, s)
			var all []byte
			var k, to *recrypt.PrivateKey
			var signer *recrypt.SigningKey
			var m *recrypt.Plaintext
			var v *recrypt.EncryptedValue
			var tk *recrypt.TransformKey
			for _, op := range []struct {
				name string
				want int
				run  func() []byte
			}{
				{"private key", scalar, func() []byte { k = must1(recrypt.GeneratePrivateKey(suite)); return k.Bytes() }},
				{"private key", scalar, func() []byte { to = must1(recrypt.GeneratePrivateKey(suite)); return to.Bytes() }},
				{"signing key", 32, func() []byte { signer = recrypt.GenerateSigningKey(); return signer.Bytes() }},
				{"plaintext", scalar, func() []byte { m = must1(recrypt.GeneratePlaintext(suite)); return m.Bytes() }},
				{"encrypt", scalar, func() []byte { v = must1(recrypt.Encrypt(m, k.PublicKey(), signer)); return v.Bytes() }},
				{"transform key", 2 * scalar, func() []byte { tk = must1(k.TransformKey(to.PublicKey(), signer)); return tk.Bytes() }},
				{"transform", 2 * scalar, func() []byte { v = must1(tk.Transform(v, signer)); return v.Bytes() }},
				{"Schnorr", scalar, func() []byte { return must1(k.SignSchnorr(k.PublicKey(), []byte("m"))) }},
				{"decrypt", 0, func() []byte { return must1(to.Decrypt(v)).Bytes() }},
			} {
				before := s.taken
				all = append(all, op.run()...)
				if got := s.taken - before; got != op.want {
					t.Errorf("%s draws %d bytes, want %d", op.name, got, op.want)
				}
			}
			digests[i] = digest(all)
		}
		if !bytes.Equal(digests[0], digests[1]) {
			t.Error("the same randomness, other results")
		}
		want := map[recrypt.Suite]string{
			recrypt.Suite256: "f63a1916ecb42824bd3911a038f4de4e35aea1cba1cd28ddeee86bf327edc397",
			recrypt.Suite480: "8445068c7d474428548d53bbc78af41663e38e926456cdee8303a9e13f9924ad",
		}
		if got := hex.EncodeToString(digests[0]); got != want[suite] {
			t.Errorf("results for the fixed stream changed: %s", got)
		}
	})
}

func TestRandomnessRunningDry(t *testing.T) {
	eachSuite(t, func(t *testing.T, suite recrypt.Suite) {
		recrypttest.SetRandom(t, io.LimitReader(fixedStream(), int64(suite.UniformSize()-1)))
		defer func() {
			if recover() == nil {
				t.Error("a key was made from missing randomness")
			}
		}()
		_, _ = recrypt.GeneratePrivateKey(suite)
	})
}

func TestFreshRandomness(t *testing.T) {
	eachSuite(t, func(t *testing.T, suite recrypt.Suite) {
		w := newWorld(t, suite)
		for range 2 {
			v := must1(recrypt.Encrypt(w.m, w.a.PublicKey(), w.author))
			k := must1(w.a.TransformKey(w.b.PublicKey(), w.maker))
			x := must1(k.Transform(v, w.proxy))
			if bytes.Equal(v.Bytes(), w.value.Bytes()) || bytes.Equal(k.Bytes(), w.key.Bytes()) || bytes.Equal(x.Bytes(), w.transformed.Bytes()) {
				t.Error("randomness repeats")
			}
			if !must1(w.a.Decrypt(v)).Equal(w.m) || !must1(w.b.Decrypt(x)).Equal(w.m) {
				t.Error("does not decrypt")
			}
		}
	})
}

func TestChainOfTransforms(t *testing.T) {
	eachSuite(t, func(t *testing.T, suite recrypt.Suite) {
		w := newWorld(t, suite)
		hops := recrypt.MaxBlocks
		if testing.Short() || suite == recrypt.Suite480 {
			hops = 4
		}
		from, v := w.a, w.value
		for level := 1; level <= hops; level++ {
			to := must1(recrypt.GeneratePrivateKey(suite))
			v = must1(must1(from.TransformKey(to.PublicKey(), w.maker)).Transform(v, w.proxy))
			if v.Level() != level || !bytes.Equal(v.AuthHash(), w.value.AuthHash()) || !bytes.Equal(v.EphemeralPublicKey(), w.value.EphemeralPublicKey()) {
				t.Fatalf("level %d: wrong head", level)
			}
			if _, err := from.Decrypt(v); err != recrypt.ErrDecrypt {
				t.Errorf("level %d: the delegator's key: %v", level, err)
			}
			from = to
		}
		if m, err := from.Decrypt(v); err != nil || !m.Equal(w.m) {
			t.Errorf("after %d hops: %v", hops, err)
		}
	})
}

func TestAugmentation(t *testing.T) {
	eachSuite(t, func(t *testing.T, suite recrypt.Suite) {
		w := newWorld(t, suite)
		server := must1(recrypt.GeneratePrivateKey(suite))
		sum := must1(w.a.PublicKey().Add(server.PublicKey()))
		private := must1(w.a.Add(server))
		if !private.PublicKey().Equal(sum) || !must1(private.Sub(server)).Equal(w.a) {
			t.Error("the private sum does not belong to the public sum")
		}
		v := must1(recrypt.Encrypt(w.m, sum, w.author))
		if !must1(private.Decrypt(v)).Equal(w.m) {
			t.Error("the sum does not decrypt")
		}
		if _, err := w.a.Decrypt(v); err != recrypt.ErrDecrypt {
			t.Errorf("one part alone: %v", err)
		}
		key := must1(w.key.Augment(server))
		if err := key.VerifySignature(); err != nil {
			t.Errorf("augmented key: %v", err)
		}
		if !must1(w.b.Decrypt(must1(key.Transform(v, w.proxy)))).Equal(w.m) {
			t.Error("the augmented transform key does not work")
		}
		if _, err := w.b.Decrypt(must1(w.key.Transform(v, w.proxy))); err != recrypt.ErrDecrypt {
			t.Errorf("transform key before augmentation: %v", err)
		}
		sig := must1(w.a.SignSchnorr(sum, []byte("m")))
		if !sum.VerifySchnorr(server, []byte("m"), sig) || sum.VerifySchnorr(nil, []byte("m"), sig) || w.a.PublicKey().VerifySchnorr(nil, []byte("m"), sig) {
			t.Error("Schnorr signature with an augmented key")
		}
	})
}

// TestOrderOfChecks: when several things are wrong the value's signature is reported first.
func TestOrderOfChecks(t *testing.T) {
	eachSuite(t, func(t *testing.T, suite recrypt.Suite) {
		w := newWorld(t, suite)
		bad := must1(recrypt.NewEncryptedValue(suite, flip(w.value.Bytes(), suite.EncryptedValueSize(0)-1)))
		badKey := must1(recrypt.NewTransformKey(suite, flip(w.key.Bytes(), suite.TransformKeySize()-1)))
		if _, err := badKey.Transform(bad, w.proxy); err != recrypt.ErrSignature {
			t.Errorf("both bad: %v", err)
		}
		if _, err := badKey.Transform(w.value, w.proxy); err != recrypt.ErrTransformKey {
			t.Errorf("key bad: %v", err)
		}
		if _, err := w.b.Decrypt(bad); err != recrypt.ErrSignature {
			t.Errorf("bad signature and wrong key: %v", err)
		}
		if bad.VerifySignature() != recrypt.ErrSignature || badKey.VerifySignature() != recrypt.ErrTransformKey {
			t.Error("VerifySignature")
		}
	})
}

func TestSuites(t *testing.T) {
	if !recrypt.Suite256.Available() || !recrypt.Suite480.Available() || recrypt.Suite(9).Available() {
		t.Error("Available")
	}
	for _, s := range recrypt.Suites() {
		if got, err := recrypt.ParseSuite(s.String()); got != s || err != nil {
			t.Errorf("ParseSuite(%v) = %v, %v", s, got, err)
		}
	}
	for _, name := range []string{"", "unknown suite", "recrypt-256", "Recrypt256"} {
		if s, err := recrypt.ParseSuite(name); s != 0 || err != recrypt.ErrSuite {
			t.Errorf("ParseSuite(%q) = %v, %v", name, s, err)
		}
	}
	for _, s := range []recrypt.Suite{0, 3, 255} {
		for i, err := range []error{
			second(recrypt.GeneratePrivateKey(s)), second(recrypt.NewPrivateKey(s, make([]byte, 60))),
			second(recrypt.DerivePrivateKey(s, make([]byte, 120))), second(recrypt.NewPublicKey(s, make([]byte, 120))),
			second(recrypt.GeneratePlaintext(s)), second(recrypt.NewPlaintext(s, make([]byte, 720))),
			second(recrypt.NewEncryptedValue(s, make([]byte, 968))), second(recrypt.NewTransformKey(s, make([]byte, 1296))),
			second(recrypttest.NewUpstream(s)),
		} {
			if err != recrypt.ErrSuite {
				t.Errorf("%v, %d: %v", s, i, err)
			}
		}
	}
	w := newWorld(t, recrypt.Suite256)
	if _, err := new(recrypt.PrivateKey).Decrypt(w.value); err != recrypt.ErrSuite {
		t.Errorf("zero private key: %v", err)
	}
	if _, err := new(recrypt.TransformKey).Transform(w.value, w.proxy); err != recrypt.ErrSuite {
		t.Errorf("zero transform key: %v", err)
	}
	if _, err := recrypt.Encrypt(w.m, new(recrypt.PublicKey), w.author); err != recrypt.ErrSuite {
		t.Errorf("zero public key: %v", err)
	}
}

// TestSuitesDoNotMix: objects of two suites in one operation are refused.
func TestSuitesDoNotMix(t *testing.T) {
	v, w := newWorld(t, recrypt.Suite256), newWorld(t, recrypt.Suite480)
	for name, err := range map[string]error{
		"encrypt":               second(recrypt.Encrypt(v.m, w.a.PublicKey(), v.author)),
		"decrypt":               second(w.a.Decrypt(v.value)),
		"transform key":         second(v.a.TransformKey(w.b.PublicKey(), v.maker)),
		"transform":             second(w.key.Transform(v.value, v.proxy)),
		"augment":               second(v.key.Augment(w.a)),
		"add private keys":      second(v.a.Add(w.a)),
		"subtract private keys": second(v.a.Sub(w.a)),
		"add public keys":       second(v.a.PublicKey().Add(w.a.PublicKey())),
		"sign":                  second(v.a.SignSchnorr(w.a.PublicKey(), nil)),
	} {
		if err != recrypt.ErrSuite {
			t.Errorf("%s: %v", name, err)
		}
	}
	sig := must1(v.a.SignSchnorr(v.a.PublicKey(), nil))
	if w.a.PublicKey().VerifySchnorr(nil, nil, sig) || v.a.PublicKey().VerifySchnorr(w.a, nil, sig) {
		t.Error("a Schnorr signature verifies across suites")
	}
	if v.a.Equal(w.a) || v.m.Equal(w.m) || v.a.PublicKey().Equal(w.a.PublicKey()) {
		t.Error("objects of two suites are equal")
	}
}

func second[T any](_ T, err error) error { return err }

func TestSizes(t *testing.T) { // spec section 5
	for _, c := range []struct {
		s                                            recrypt.Suite
		public, plaintext, block, value0, value1, tk int
	}{
		{recrypt.Suite256, 64, 384, 896, 576, 576 + 896, 736},
		{recrypt.Suite480, 120, 720, 1680, 968, 968 + 1680, 1296},
	} {
		got := []int{c.s.PublicKeySize(), c.s.PlaintextSize(), c.s.BlockSize(), c.s.EncryptedValueSize(0), c.s.EncryptedValueSize(1), c.s.TransformKeySize()}
		want := []int{c.public, c.plaintext, c.block, c.value0, c.value1, c.tk}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("%v: size %d is %d, want %d", c.s, i, got[i], want[i])
			}
		}
	}
}

func TestWipe(t *testing.T) {
	eachSuite(t, func(t *testing.T, suite recrypt.Suite) {
		w := newWorld(t, suite)
		w.a.Wipe()
		w.m.Wipe()
		w.key.Wipe()
		w.author.Wipe()
		to := w.b.PublicKey()
		for name, err := range map[string]error{
			"decrypt":       second(w.a.Decrypt(w.value)),
			"transform key": second(w.a.TransformKey(to, w.maker)),
			"add":           second(w.b.Add(w.a)),
			"Schnorr":       second(w.a.SignSchnorr(to, nil)),
		} {
			if err != recrypt.ErrPrivateKey {
				t.Errorf("%s with a wiped private key: %v", name, err)
			}
		}
		if _, err := w.key.Transform(w.value, w.proxy); err != recrypt.ErrTransformKey {
			t.Errorf("wiped transform key: %v", err)
		}
		if _, err := recrypt.Encrypt(w.m, to, w.proxy); err != recrypt.ErrEncoding {
			t.Errorf("wiped plaintext: %v", err)
		}
		m := must1(recrypt.GeneratePlaintext(suite))
		if _, err := recrypt.Encrypt(m, to, w.author); err != recrypt.ErrSigningKey {
			t.Errorf("wiped signing key: %v", err)
		}
		if to.VerifySchnorr(w.a, nil, make([]byte, suite.SchnorrSize())) {
			t.Error("wiped augmenting key")
		}
	})
}

// TestUseAfterWipe: where there is no error to return, use of a wiped key panics.
func TestUseAfterWipe(t *testing.T) {
	eachSuite(t, func(t *testing.T, suite recrypt.Suite) {
		w := newWorld(t, suite)
		w.a.Wipe()
		w.m.Wipe()
		w.key.Wipe()
		w.author.Wipe()
		for name, f := range map[string]func(){
			"PublicKey":    func() { w.a.PublicKey() },
			"SymmetricKey": func() { w.m.SymmetricKey() },
			"ToPublicKey":  func() { w.key.ToPublicKey() },
			"Signer":       func() { w.key.Signer() },
			"Sign":         func() { w.author.Sign(nil) },
			"VerifyingKey": func() { w.author.VerifyingKey() },
		} {
			func() {
				defer func() {
					if recover() == nil {
						t.Errorf("%s of a wiped key", name)
					}
				}()
				f()
			}()
		}
	})
}

func TestSuiteOfObjects(t *testing.T) {
	eachSuite(t, func(t *testing.T, suite recrypt.Suite) {
		w := newWorld(t, suite)
		for _, s := range []recrypt.Suite{w.a.Suite(), w.a.PublicKey().Suite(), w.m.Suite(), w.value.Suite(), w.key.Suite()} {
			if s != suite {
				t.Errorf("suite %v", s)
			}
		}
		if suite.PrivateKeySize() != len(w.a.Bytes()) || new(recrypt.EncryptedValue).Level() != 0 {
			t.Error("sizes")
		}
	})
}

func TestDerivePrivateKey(t *testing.T) {
	eachSuite(t, func(t *testing.T, suite recrypt.Suite) {
		n := suite.FieldSize()
		for _, size := range []int{0, n, 2*n - 1, 2*n + 1, 4 * n} {
			if _, err := recrypt.DerivePrivateKey(suite, make([]byte, size)); err != recrypt.ErrSize {
				t.Errorf("%d bytes: %v", size, err)
			}
		}
		one := must1(recrypt.DerivePrivateKey(suite, make([]byte, 2*n)))
		if b := one.Bytes(); b[n-1] != 1 || !bytes.Equal(b[:n-1], make([]byte, n-1)) {
			t.Error("zeros do not give 1")
		}
		// int(b) = r - 2 gives r - 1, int(b) = r - 1 gives 1.
		r := order(suite)
		for d, want := range map[byte][]byte{2: append(r[:n-1:n-1], r[n-1]-1), 1: one.Bytes()} {
			u := append(make([]byte, n), r...)
			u[2*n-1] -= d
			if k := must1(recrypt.DerivePrivateKey(suite, u)); !bytes.Equal(k.Bytes(), want) {
				t.Errorf("r - %d", d)
			}
		}
	})
}

// TestWycheproof runs the Ed25519 cases of project Wycheproof, if they are there.
func TestWycheproof(t *testing.T) {
	shared := os.Getenv("RECRYPT_SHARED")
	if shared == "" {
		shared = filepath.Join(moduleRoot(), "..", "shared")
	}
	raw, err := os.ReadFile(filepath.Join(shared, "vectors", "wycheproof", "ed25519_test.json"))
	if err != nil {
		t.Skip("vectors not found; set RECRYPT_SHARED to the folder that holds vectors/wycheproof")
	}
	var file struct {
		TestGroups []struct {
			PublicKey struct{ Pk string }
			Tests     []struct {
				TcID             int
				Msg, Sig, Result string
			}
		}
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, g := range file.TestGroups {
		key := must1(recrypt.NewVerifyingKey(must1(hex.DecodeString(g.PublicKey.Pk))))
		for _, c := range g.Tests {
			count++
			ok := key.Verify(must1(hex.DecodeString(c.Msg)), must1(hex.DecodeString(c.Sig)))
			if ok != (c.Result == "valid") {
				t.Errorf("case %d: %v, want %s", c.TcID, ok, c.Result)
			}
		}
	}
	if count < 100 {
		t.Errorf("only %d cases", count)
	}
}

func TestSmallOrderSignerIsRefused(t *testing.T) {
	eachSuite(t, func(t *testing.T, suite recrypt.Suite) {
		w := newWorld(t, suite)
		identity := append([]byte{1}, make([]byte, 31)...)
		universal := append(bytes.Clone(identity), make([]byte, 32)...)
		for name, key := range map[string][]byte{
			"identity":      identity,
			"not canonical": append([]byte{0xee}, append(bytes.Repeat([]byte{0xff}, 30), 0x7f)...),
			"not a point":   append([]byte{2}, make([]byte, 31)...),
		} {
			if k, err := recrypt.NewVerifyingKey(key); err != recrypt.ErrEncoding || k != nil {
				t.Errorf("%s: %v", name, err)
			}
			end := suite.EncryptedValueSize(0) - 96
			b := append(append(w.value.Bytes()[:end], key...), universal...)
			if _, err := recrypt.NewEncryptedValue(suite, b); err != recrypt.ErrEncoding {
				t.Errorf("%s in a value: %v", name, err)
			}
			end = suite.TransformKeySize() - 96
			b = append(append(w.key.Bytes()[:end], key...), universal...)
			if _, err := recrypt.NewTransformKey(suite, b); err != recrypt.ErrEncoding {
				t.Errorf("%s in a transform key: %v", name, err)
			}
		}
	})
}

func TestSymmetricKey(t *testing.T) {
	eachSuite(t, func(t *testing.T, suite recrypt.Suite) {
		m := must1(recrypt.GeneratePlaintext(suite))
		d := sha256.Sum256(m.Bytes())
		if !bytes.Equal(m.SymmetricKey(), d[:]) {
			t.Error("not the SHA-256 of the plaintext")
		}
	})
}
