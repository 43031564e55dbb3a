package recrypt_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/internal/entropy"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
	"github.com/recrypt-service/recrypt/wasm/recrypt/recrypttest"
)

// eachSuite runs a test for both suites.
func eachSuite(t *testing.T, test func(t *testing.T, suite recrypt.Suite)) {
	for _, s := range recrypt.Suites() {
		t.Run(s.String(), func(t *testing.T) { test(t, s) })
	}
}

// world is a delegator A, a delegatee B, and a value on its way from one to the other.
type world struct {
	a, b               *recrypt.PrivateKey
	author, maker      *recrypt.SigningKey
	proxy              *recrypt.SigningKey
	m                  *recrypt.Plaintext
	value, transformed *recrypt.EncryptedValue
	key                *recrypt.TransformKey
}

func newWorld(t testing.TB, suite recrypt.Suite) *world {
	t.Helper()
	w := &world{
		a: must1(recrypt.GeneratePrivateKey(suite)), b: must1(recrypt.GeneratePrivateKey(suite)),
		author: recrypt.GenerateSigningKey(), maker: recrypt.GenerateSigningKey(), proxy: recrypt.GenerateSigningKey(),
		m: must1(recrypt.GeneratePlaintext(suite)),
	}
	w.value = must1(recrypt.Encrypt(w.m, w.a.PublicKey(), w.author))
	w.key = must1(w.a.TransformKey(w.b.PublicKey(), w.maker))
	w.transformed = must1(w.key.Transform(w.value, w.proxy))
	return w
}

// decoders decode each kind of object of a suite and give its bytes back.
func decoders(suite recrypt.Suite) map[string]func(b []byte) ([]byte, error) {
	return map[string]func(b []byte) ([]byte, error){
		"private key": func(b []byte) ([]byte, error) { return bytesOf(recrypt.NewPrivateKey(suite, b)) },
		"public key":  func(b []byte) ([]byte, error) { return bytesOf(recrypt.NewPublicKey(suite, b)) },
		"plaintext":   func(b []byte) ([]byte, error) { return bytesOf(recrypt.NewPlaintext(suite, b)) },
		"value":       func(b []byte) ([]byte, error) { return bytesOf(recrypt.NewEncryptedValue(suite, b)) },
		"transform key": func(b []byte) ([]byte, error) {
			return bytesOf(recrypt.NewTransformKey(suite, b))
		},
		"prepared": func(b []byte) ([]byte, error) {
			return bytesOf(recrypt.NewPreparedTransformKey(suite, b))
		},
		"signing key":   func(b []byte) ([]byte, error) { return bytesOf(recrypt.NewSigningKey(b)) },
		"verifying key": func(b []byte) ([]byte, error) { return bytesOf(recrypt.NewVerifyingKey(b)) },
	}
}

func bytesOf[T interface {
	comparable
	Bytes() []byte
}](v T, err error) ([]byte, error) {
	var zero T
	if err != nil {
		if v != zero {
			panic("an object together with an error")
		}
		return nil, err
	}
	return v.Bytes(), nil
}

func (w *world) objects() map[string][]byte {
	return map[string][]byte{
		"private key":   w.a.Bytes(),
		"public key":    w.a.PublicKey().Bytes(),
		"plaintext":     w.m.Bytes(),
		"value":         w.value.Bytes(),
		"transform key": w.key.Bytes(),
		"prepared":      must1(w.key.Prepare()).Bytes(),
		"signing key":   w.author.Bytes(),
		"verifying key": w.author.VerifyingKey().Bytes(),
	}
}

func TestEveryOtherLengthIsRefused(t *testing.T) {
	eachSuite(t, func(t *testing.T, suite recrypt.Suite) {
		for name, b := range newWorld(t, suite).objects() {
			decode := decoders(suite)[name]
			if got, err := decode(b); err != nil || !bytes.Equal(got, b) {
				t.Fatalf("%s: control: %v", name, err)
			}
			long := append(slices.Clone(b), 0)
			for n := range len(b) {
				if _, err := decode(b[:n]); err != recrypt.ErrSize {
					t.Errorf("%s: %d bytes of %d: %v", name, n, len(b), err)
				}
			}
			if _, err := decode(long); err != recrypt.ErrSize {
				t.Errorf("%s: one byte more: %v", name, err)
			}
		}
	})
}

func TestBlockCountIsBounded(t *testing.T) {
	eachSuite(t, func(t *testing.T, suite recrypt.Suite) {
		w := newWorld(t, suite)
		at := suite.EncryptedValueSize(0) - recrypt.VerifyingKeySize - recrypt.SignatureSize
		one := w.transformed.Bytes()
		head, block, tail := one[:at], one[at:at+suite.BlockSize()], one[at+suite.BlockSize():]
		build := func(blocks int) []byte {
			return slices.Concat(head, bytes.Repeat(block, blocks), tail)
		}
		v, err := recrypt.NewEncryptedValue(suite, build(recrypt.MaxBlocks))
		if err != nil || v.Level() != recrypt.MaxBlocks {
			t.Fatalf("%d blocks: %v", recrypt.MaxBlocks, err)
		}
		if _, err := w.key.Transform(v, w.proxy); err != recrypt.ErrBlocks {
			t.Errorf("transform of the fullest value: %v", err)
		}
		if _, err := recrypt.NewEncryptedValue(suite, build(recrypt.MaxBlocks+1)); err != recrypt.ErrBlocks {
			t.Errorf("%d blocks: %v", recrypt.MaxBlocks+1, err)
		}
	})
}

// TestFlippedBitsFailClosed flips a bit in every k-th byte; whatever is hit, nobody ever gets
// a plaintext.
func TestFlippedBitsFailClosed(t *testing.T) {
	eachSuite(t, func(t *testing.T, suite recrypt.Suite) {
		w := newWorld(t, suite)
		step := 1
		if testing.Short() || suite == recrypt.Suite480 { // its field elements have more bytes, and cost more
			step = 31
		}
		for i := 0; i < suite.EncryptedValueSize(0); i += step {
			mustFail(t, "value", i, func() error { return decryptFlipped(suite, w.a, w.value.Bytes(), i) })
		}
		for i := 3; i < suite.EncryptedValueSize(1); i += step {
			mustFail(t, "transformed value", i, func() error { return decryptFlipped(suite, w.b, w.transformed.Bytes(), i) })
		}
		for i := 5; i < suite.TransformKeySize(); i += step {
			mustFail(t, "transform key", i, func() error {
				k, err := recrypt.NewTransformKey(suite, flip(w.key.Bytes(), i))
				if err != nil {
					return err
				}
				v, err := k.Transform(w.value, w.proxy)
				if err != nil {
					return err
				}
				_, err = w.b.Decrypt(v)
				return err
			})
		}
	})
}

func decryptFlipped(suite recrypt.Suite, k *recrypt.PrivateKey, b []byte, i int) error {
	v, err := recrypt.NewEncryptedValue(suite, flip(b, i))
	if err != nil {
		return err
	}
	_, err = k.Decrypt(v)
	return err
}

func flip(b []byte, i int) []byte {
	b[i] ^= 1 << (i % 8)
	return b
}

func mustFail(t *testing.T, what string, i int, f func() error) {
	t.Helper()
	err := f()
	for _, want := range []error{recrypt.ErrEncoding, recrypt.ErrPublicKey, recrypt.ErrTransformKey, recrypt.ErrSignature, recrypt.ErrDecrypt} {
		if err == want {
			return
		}
	}
	t.Errorf("%s, byte %d: %v", what, i, err)
}

// smallOrder are points of the twist of the 256-bit set, x.im, x.re, y.im, y.re; the
// other set's twist has none of an order below two million.
var smallOrder = map[string]string{
	"order 13": "255d1b683b6590764c89e9c8d98954da4be6b567baed11e98322e19df052a4b3" +
		"8d39c1c3dcf08d5732a60d283c9434e5216605135c434d4bf2eddbf25e6fb1eb" +
		"661f399b7bf1850ee8a1d1ddd227f268e7ac5ea46884d3fb81197cbfc07005c1" +
		"834327c3b16566ee2ed063a48ff828d76146a2a64e269b5fce157144106a4a01",
	"order 7369": "170449535da03026d3537714c8cf874e68b0a257639e52e5fa2d0e5ab60c8cbf" +
		"078864524719d333ce9556b953923fbd2e7970781e5a3ef75a4ba1f772e77185" +
		"5c5fc06496ff5d68e04d409b30a2a52758f23b6fc98d3c909bcc7693a1e9aabb" +
		"4aed50446986c17dc4cc4082e477196e85662affdfd3a2d0c401a5a63882aa2e",
	"order 13r": "23ea787884a34426c477d17c5a3def26d94db520869eb51c74da38cc8af37e51" +
		"070cea7c01ff3291e4f9d1c38b28e3cc01b4271f400510c8cad8a5a9a4fd66e2" +
		"584d25b3f389df748da6550dd286ce955d5a594c4929e0c81b16f09fa390cc91" +
		"7f6208049448fcde55c564db38c559f7576c74b511a483b061ccd96066fd6497",
}

// badHashed are byte strings that are no hashed temp key.
func badHashed(suite recrypt.Suite) map[string][]byte {
	size := 4 * suite.FieldSize()
	points := map[string][]byte{
		"zero":         make([]byte, size),
		"off twist":    append(make([]byte, size-1), 1),
		"all ones":     bytes.Repeat([]byte{0xff}, size),
		"off subgroup": derived(suite, "off_subgroup_twist_point"),
	}
	if suite == recrypt.Suite256 {
		for name, p := range smallOrder {
			points[name] = must1(hex.DecodeString(p))
		}
	}
	return points
}

// derived returns a value of the big-integer model (spec section 16).
func derived(suite recrypt.Suite, name string) []byte {
	raw := must1(recrypttest.Vectors.ReadFile("vectors/recrypt-derived.json"))
	var values map[string]map[string]any
	if err := json.Unmarshal(raw, &values); err != nil {
		panic(err)
	}
	text, _ := values[strings.TrimPrefix(suite.String(), "recrypt")][name].(string)
	b := must1(hex.DecodeString(text))
	if len(b) == 0 {
		panic("no such value")
	}
	return b
}

// prime returns p, n bytes, and order r.
func prime(suite recrypt.Suite) []byte { return derived(suite, "p") }
func order(suite recrypt.Suite) []byte { return derived(suite, "r") }

func TestHashedTempKeyOutsideTheSubgroup(t *testing.T) {
	eachSuite(t, func(t *testing.T, suite recrypt.Suite) {
		w := newWorld(t, suite)
		at := 16 * suite.FieldSize()
		for name, point := range badHashed(suite) {
			b := w.key.Bytes()
			copy(b[at:], point)
			if k, err := recrypt.NewTransformKey(suite, b); err != recrypt.ErrTransformKey || k != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		// A good point from elsewhere is accepted, and opens nothing.
		b := w.key.Bytes()
		other := must1(w.b.TransformKey(w.a.PublicKey(), w.maker)).Bytes()
		copy(b[at:at+4*suite.FieldSize()], other[at:])
		k := must1(recrypt.NewTransformKey(suite, b))
		if _, err := w.b.Decrypt(must1(k.Transform(w.value, w.proxy))); err != recrypt.ErrDecrypt {
			t.Errorf("another transform key's point: %v", err)
		}
	})
}

func TestNonCanonicalPointsAreRefused(t *testing.T) {
	eachSuite(t, func(t *testing.T, suite recrypt.Suite) {
		p := new(big.Int).SetBytes(prime(suite))
		n := suite.FieldSize()
		at := func(x, y int64) []byte {
			return append(big.NewInt(x).FillBytes(make([]byte, n)), big.NewInt(y).FillBytes(make([]byte, n))...)
		}
		plus := func(x int64) []byte { return new(big.Int).Add(p, big.NewInt(x)).FillBytes(make([]byte, n)) }
		if _, err := recrypt.NewPublicKey(suite, at(1, 2)); err != nil {
			t.Fatalf("generator: %v", err)
		}
		for name, b := range map[string][]byte{
			"(0,0)":           at(0, 0),
			"(1,3)":           at(1, 3),
			"x = p+1":         slices.Concat(plus(1), at(1, 2)[n:]),
			"y = p+2":         slices.Concat(at(1, 2)[:n], plus(2)),
			"x = p+1, y =p+2": slices.Concat(plus(1), plus(2)),
			"all ones":        bytes.Repeat([]byte{0xff}, 2*n),
		} {
			if k, err := recrypt.NewPublicKey(suite, b); err != recrypt.ErrPublicKey || k != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestPrivateKeysOutOfRangeAreRefused(t *testing.T) {
	eachSuite(t, func(t *testing.T, suite recrypt.Suite) {
		r := new(big.Int).SetBytes(order(suite))
		encode := func(x *big.Int) []byte { return x.FillBytes(make([]byte, suite.FieldSize())) }
		plus := func(d int64) []byte { return encode(new(big.Int).Add(r, big.NewInt(d))) }
		for _, b := range [][]byte{encode(big.NewInt(1)), plus(-1)} {
			if _, err := recrypt.NewPrivateKey(suite, b); err != nil {
				t.Errorf("%x: %v", b, err)
			}
		}
		p1 := new(big.Int).SetBytes(prime(suite))
		for _, b := range [][]byte{make([]byte, suite.FieldSize()), plus(0), plus(1), encode(p1.Sub(p1, big.NewInt(1))), prime(suite), bytes.Repeat([]byte{0xff}, suite.FieldSize())} {
			if k, err := recrypt.NewPrivateKey(suite, b); err != recrypt.ErrPrivateKey || k != nil {
				t.Errorf("%x: %v", b, err)
			}
		}
		one := must1(recrypt.NewPrivateKey(suite, encode(big.NewInt(1))))
		minusOne := must1(recrypt.NewPrivateKey(suite, plus(-1)))
		if _, err := one.Add(minusOne); err != recrypt.ErrPrivateKey {
			t.Errorf("1 + (r-1): %v", err)
		}
		if _, err := one.Sub(one); err != recrypt.ErrPrivateKey {
			t.Errorf("1 - 1: %v", err)
		}
		if _, err := one.PublicKey().Add(minusOne.PublicKey()); err != recrypt.ErrPublicKey {
			t.Errorf("G + -G: %v", err)
		}
	})
}

func TestPlaintextsOutsideTheGroupAreRefused(t *testing.T) {
	eachSuite(t, func(t *testing.T, suite recrypt.Suite) {
		n, size := suite.FieldSize(), suite.PlaintextSize()
		one := make([]byte, size)
		one[size-1] = 1
		minusOne := make([]byte, size)
		copy(minusOne[size-n:], prime(suite))
		minusOne[size-1]--
		alias := aliasable(t, suite) // some coefficient + p, where it fits
		for i := 0; i < size; i += n {
			c := new(big.Int).SetBytes(alias[i : i+n])
			if c.Add(c, new(big.Int).SetBytes(prime(suite))).BitLen() <= 8*n {
				c.FillBytes(alias[i : i+n])
				break
			}
		}
		for name, b := range map[string][]byte{"0": make([]byte, size), "1": one, "-1": minusOne,
			"not in GT": bytes.Repeat([]byte{2}, size), "not canonical": alias} {
			if m, err := recrypt.NewPlaintext(suite, b); err != recrypt.ErrEncoding || m != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// aliasable returns an element of GT with a coefficient x for which x + p has no more
// bytes: in the 256-bit set nearly every one, in the 480-bit set one of 1500, the first
// being e(G, g1)^271.
func aliasable(t *testing.T, suite recrypt.Suite) []byte {
	uniform := make([]byte, suite.UniformSize())
	big.NewInt(271 - 1).FillBytes(uniform)
	restore := entropy.Replace(bytes.NewReader(uniform))
	defer restore()
	return must1(recrypt.GeneratePlaintext(suite)).Bytes()
}

// TestPlaintextOne: what decrypts to 1, a key that everybody knows, is refused. Package
// recrypt does not encrypt it; others might.
func TestPlaintextOne(t *testing.T) {
	eachSuite(t, func(t *testing.T, suite recrypt.Suite) {
		u := must1(recrypttest.NewUpstream(suite))
		w := newWorld(t, suite)
		one := make([]byte, suite.PlaintextSize())
		one[len(one)-1] = 1
		value := must1(u.Encrypt(one, w.a.PublicKey().Bytes(), w.author.Bytes(), w.b.Bytes()))
		v := must1(recrypt.NewEncryptedValue(suite, value))
		if m, err := w.a.Decrypt(v); err != recrypt.ErrDecrypt || m != nil {
			t.Errorf("level 0: %v", err)
		}
		if m, err := w.b.Decrypt(must1(w.key.Transform(v, w.proxy))); err != recrypt.ErrDecrypt || m != nil {
			t.Errorf("level 1: %v", err)
		}
		if m, err := u.Decrypt(value, w.a.Bytes()); err != nil || !bytes.Equal(m, one) {
			t.Errorf("lenient: %v", err)
		}
	})
}

// TestSecondEncodings adds p to a field element where that fits. Upstream takes the result for
// the same object; package recrypt refuses it.
func TestSecondEncodings(t *testing.T) {
	eachSuite(t, func(t *testing.T, suite recrypt.Suite) {
		u := must1(recrypttest.NewUpstream(suite))
		w := newWorld(t, suite)
		n := suite.FieldSize()
		signer := recrypt.VerifyingKeySize + recrypt.SignatureSize
		objects := w.objects()
		objects["transformed value"] = w.transformed.Bytes()
		gt := aliasable(t, suite)
		copy(objects["plaintext"], gt)
		copy(objects["value"][2*n:], gt) // decoding does not look at the signature
		copy(objects["transformed value"][2*n:], gt)
		copy(objects["transform key"][4*n:], gt)
		decoders := decoders(suite)
		decoders["transformed value"] = decoders["value"]
		for name, c := range map[string]struct {
			reduce func(b []byte) ([]byte, error)
			skip   int // bytes at the end that are no field elements
		}{
			"private key":       {u.PrivateKey, 0},
			"public key":        {u.PublicKey, 0},
			"plaintext":         {u.GT, 0},
			"value":             {u.Value, signer},
			"transformed value": {u.Value, signer},
			"transform key":     {u.TransformKey, signer},
		} {
			b, found := objects[name], 0
			same(t, name, must1(c.reduce(b)), nil, b)
			for i := 0; i+n <= len(b)-c.skip; i += n {
				if strings.HasSuffix(name, "value") && i == suite.PublicKeySize()+suite.PlaintextSize() {
					i += recrypt.AuthHashSize - n // no field element
					continue
				}
				x := new(big.Int).SetBytes(b[i : i+n])
				if x.Add(x, new(big.Int).SetBytes(prime(suite))).BitLen() > 8*n {
					continue
				}
				found++
				alias := slices.Clone(b)
				x.FillBytes(alias[i : i+n])
				same(t, name+", second encoding", must1(c.reduce(alias)), nil, b)
				if got, err := decoders[name](alias); err == nil || got != nil {
					t.Errorf("%s: second encoding at byte %d accepted", name, i)
				}
			}
			if found == 0 && len(b) > 2*n {
				t.Errorf("%s: nothing tried", name)
			}
		}
	})
}

// TestBlocksMixedUp reorders, repeats and drops blocks and signs the result anew, as anybody can.
func TestBlocksMixedUp(t *testing.T) {
	eachSuite(t, func(t *testing.T, suite recrypt.Suite) {
		w := newWorld(t, suite)
		c := must1(recrypt.GeneratePrivateKey(suite))
		next := must1(w.b.TransformKey(c.PublicKey(), w.maker))
		two := must1(next.Transform(w.transformed, w.proxy)).Bytes()
		if m := must1(c.Decrypt(must1(recrypt.NewEncryptedValue(suite, two)))); !m.Equal(w.m) {
			t.Fatal("control fails")
		}
		at := suite.EncryptedValueSize(0) - recrypt.VerifyingKeySize - recrypt.SignatureSize
		head, b1, b2 := two[:at], two[at:at+suite.BlockSize()], two[at+suite.BlockSize():at+2*suite.BlockSize()]
		for name, payload := range map[string][]byte{
			"swapped":        slices.Concat(head, b2, b1),
			"first dropped":  slices.Concat(head, b2),
			"last dropped":   slices.Concat(head, b1),
			"all dropped":    slices.Clone(head),
			"first repeated": slices.Concat(head, b1, b1, b2),
			"last repeated":  slices.Concat(head, b1, b2, b2),
		} {
			public := w.proxy.VerifyingKey().Bytes()
			b := slices.Concat(payload, public, w.proxy.Sign(slices.Concat(public, payload)))
			v, err := recrypt.NewEncryptedValue(suite, b)
			if err != nil || v.VerifySignature() != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for _, k := range []*recrypt.PrivateKey{w.a, w.b, c} {
				if _, err := k.Decrypt(v); err != recrypt.ErrDecrypt {
					t.Errorf("%s: %v", name, err)
				}
			}
		}
	})
}
