package recrypt

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"sync"

	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/eddsa"
)

// ErrSelfTest: the known answers of a suite, or of Ed25519, do not come out. This
// copy of the program is damaged: a constant, a table or the code is not what it was
// when it was built. Nothing of that suite works any more in this process.
//
// The errors that say so have a text each, and are found by errors.Is.
var ErrSelfTest = errors.New("recrypt: self-test failed")

// A selfTestError is an ErrSelfTest that names what failed.
type selfTestError struct{ what string }

func (e *selfTestError) Error() string {
	return "recrypt: self-test of " + e.what + " failed: this copy of the core is damaged, get a fresh one"
}

func (e *selfTestError) Is(target error) bool { return target == ErrSelfTest }

// SelfTest compares the suite's algorithms with known answers: public key,
// encryption, transform, Schnorr and Ed25519 signatures, and the strict decoding of a
// transform key; with Suite256 decryption, too. They involve every constant of the curve
// and of the fields. The error is ErrSuite, ErrSelfTest or nil.
//
// There is no need to call it. The first use of a suite does, that is the first key,
// plaintext or value that is made or decoded, and gets the error. Programs call it to
// find the damage when they start. It runs once in a process; later calls return what
// it found.
func SelfTest(s Suite) error {
	_, err := s.tested()
	return err
}

// SelfTestSigning does the same for signing and verifying with Ed25519.
func SelfTestSigning() error { return signingTest() }

// tests has the tests of the suites, by number. Each runs once.
var tests = [...]func() error{
	Suite256: sync.OnceValue(func() error { return Suite256.test() }),
	Suite480: sync.OnceValue(func() error { return Suite480.test() }),
}

// tested returns the suite's algorithms if they give the known answers. Whatever
// makes an object of a suite begins here.
func (s Suite) tested() (scheme, error) {
	c, err := s.scheme()
	if err != nil {
		return nil, err
	}
	if err := tests[s](); err != nil {
		return nil, err
	}
	return c, nil
}

// answers are the SHA-256 of all known answers of a suite, see knownAnswers. The
// big-integer model of the specification gave the same.
var answers = [...]string{
	Suite256: "\xcc\x8b\x9c\x3c\x05\xeb\x75\x93\x20\x3c\xd5\x12\xbc\x51\x5c\x20\x15\x09\x26\xa2\x7b\xac\x24\xfb\x13\xb1\x32\xd5\xd0\xef\xa2\x33",
	Suite480: "\x84\xe6\x80\x76\xf0\x6d\x6b\x44\x93\x6a\xb9\x17\x3d\x4f\x85\x82\x16\x40\x02\xe0\xaf\x2b\x2f\x29\x85\xc7\x2e\x1b\xde\x23\x91\xce",
}

// hashedTempKeys are the hashed temp keys, 4n bytes, of the transform keys in the
// tests. To compute one, a large table would have to be made that only few programs
// need.
var hashedTempKeys = [...]string{
	Suite256: "\x8a\xb7\x62\xb4\x39\xc3\x0c\xfd\xbb\x15\x2c\xc4\x2a\x40\x12\x3c\xb7\x2f\xa1\xca\xff\xca\x87\x25\xbf\x8e\x40\xa6\x22\x1f\xe2\xca" +
		"\x24\x1c\x58\x4d\x91\xe0\xea\x64\xc8\x71\x3a\x44\xa8\x43\xa2\xea\x5b\x03\x29\x8d\xac\x06\x30\x7a\xf6\x1c\x56\x38\x41\x7b\x11\xc5" +
		"\x71\x45\x7a\x67\xa8\xa7\x65\x7e\x99\xd9\xf6\x69\x21\x79\x4d\x76\x2d\x36\xeb\xf2\xd2\xa4\x59\x5c\x65\xb6\xe8\x48\x1d\x8b\x73\x65" +
		"\x16\xad\x40\x6a\x79\xee\x89\x98\xc3\x22\x52\x1b\x10\x73\x0a\x0c\x65\x00\x38\x0b\x5b\xaf\xf5\x6b\xca\x1e\x7a\x44\xb8\xf8\xd1\x97",
	Suite480: "\xb8\x9c\x10\xbe\x05\xcf\x44\xe0\xf3\x31\xe8\x44\x04\x76\x17\xb2\x17\x0b\x98\x0b\x22\xc2\xe8\xbd\x0b\x65\x6a\x52\xcf\xa9" +
		"\x88\x42\xfa\xff\xbc\x77\x76\x2f\xb5\xfa\x75\x70\x3c\x49\xf4\x9f\xf5\xdf\xd6\xa6\x8c\xc1\xe1\x43\xf2\x24\x34\xd5\x77\xe6" +
		"\xb1\xc1\xf2\x45\x0e\x87\x1e\xda\x47\xfe\x80\x31\x16\xc3\xfe\x5b\x9c\xd6\x81\x5f\x22\x1a\xb4\xaf\xd4\x5e\xb0\x68\xcf\xe8" +
		"\xde\x07\x65\x61\x91\x20\x9f\xb9\xc4\xca\xc8\x06\x4a\x4f\x58\xf6\x67\xf0\x4a\x26\x58\x89\xeb\xba\x26\xbd\x53\x82\x44\x47" +
		"\xa4\x91\x5b\xc7\x43\x44\xf9\x04\x90\xf1\x61\xcc\x8a\x03\x70\x74\x3a\xf6\x9e\x70\x79\x1f\xbc\xdc\xcc\xa0\x94\x9b\x69\x02" +
		"\xe3\x09\x48\x18\x50\x92\x00\x88\x7c\x3c\xf7\x0f\x87\xde\x83\x38\xd4\x3d\x59\xf7\xeb\x3f\xd1\xea\x51\x8f\xc3\xb5\x26\x8d" +
		"\xb0\x2e\xf5\xcd\x34\x93\x97\x5c\x8f\xe1\xfc\x7c\x64\x1b\xe4\x69\x66\xd7\xc5\x36\x11\x18\x1d\x80\xe8\x81\x4a\xe7\xb4\x60" +
		"\xc0\x7e\xfe\xc6\x47\x99\xf1\x15\x45\xae\x2a\x52\x05\xd9\xfa\x2c\xdc\xa4\x45\x26\x10\x87\x07\x27\x3e\x99\x24\xc8\x6c\x51",
}

func (s Suite) test() error {
	if digest, ok := knownAnswers(s); !ok || string(digest) != answers[s] {
		return &selfTestError{s.String()}
	}
	return nil
}

// knownAnswers computes what is compared: the SHA-256 of
//
//	public key ‖ encrypted value ‖ transformed value ‖ Schnorr signature ‖ refused
//
// and whether everything fits together. Damaged constants may also lead to a panic.
func knownAnswers(s Suite) (digest []byte, ok bool) {
	defer func() {
		if recover() != nil {
			digest, ok = nil, false
		}
	}()
	c, err := s.scheme()
	if err != nil {
		return nil, false
	}
	t := selfTest{testable: c.(testable), suite: s, signer: fixedSigner()}
	t.private = c.UniformScalar(t.fixed("private key", 2))
	if t.public, err = c.PublicKey(t.private); err != nil {
		return nil, false
	}
	value, ok := t.encryption()
	if !ok {
		return nil, false
	}
	transformed, ok := t.transform(value)
	if !ok {
		return nil, false
	}
	signature, ok := t.schnorr()
	if !ok {
		return nil, false
	}
	h := sha256.New()
	for _, b := range [][]byte{t.public, value, transformed, signature, t.Refused()} {
		h.Write(b)
	}
	return h.Sum(nil), true
}

// A testable is a scheme with what only its tests need.
type testable interface {
	scheme
	Decrypt(value, private []byte) ([]byte, error)
	Transform(value, key, signer, temp, ephemeral []byte) ([]byte, error)
	FinalExp(b []byte) ([]byte, error)
	Refused() []byte
}

// A selfTest is the state of one run.
type selfTest struct {
	testable
	suite           Suite
	private, public []byte
	plaintext       []byte
	ephemeral       []byte
	signer          []byte
}

// encryption makes a plaintext as upstream does and encrypts it. With the smaller curve
// it also decrypts the result. With the larger one that would take 20 ms in WebAssembly,
// and there is no constant in it that the known answers do not involve already.
func (t *selfTest) encryption() (value []byte, ok bool) {
	var err error
	if t.plaintext, err = t.FinalExp(t.fixed("plaintext", 12)); err != nil {
		return nil, false
	}
	t.ephemeral = t.UniformScalar(t.fixed("ephemeral", 2))
	if value, err = t.Encrypt(t.plaintext, t.public, t.signer, t.ephemeral); err != nil {
		return nil, false
	}
	if t.suite != Suite256 {
		return value, true
	}
	back, err := t.Decrypt(value, t.private)
	return value, err == nil && equal(back, t.plaintext)
}

// transform transforms a value by a transform key from the private key to its own
// public key. With the randomness of the value itself, key and value share most of
// their fields: what is not in the value is hashedTempKey and the signature.
func (t *selfTest) transform(value []byte) ([]byte, bool) {
	n := t.suite.FieldSize()
	point, hidden := value[:2*n], value[2*n:14*n]
	key := append(append(append(clone(point), t.public...), hidden...), hashedTempKeys[t.suite]...)
	public := t.signer[ed25519.SeedSize:]
	signature := ed25519.Sign(t.signer, append(clone(public), key[:16*n]...))
	key = append(append(key, public...), signature...)
	if t.CheckTransformKey(key) != nil {
		return nil, false
	}
	out, err := t.Transform(value, key, t.signer, hidden, t.UniformScalar(t.fixed("transform", 2)))
	return out, err == nil
}

// schnorr signs a message and verifies the signature.
func (t *selfTest) schnorr() ([]byte, bool) {
	message := []byte(t.suite.String())
	signature, err := t.SignSchnorr(t.private, t.public, message, t.ephemeral)
	return signature, err == nil && t.VerifySchnorr(t.public, nil, message, signature)
}

// fixed returns count·n bytes that follow from a label: SHA-256 of the suite's name,
// the label and a number, from 0 upwards, one after the other.
func (t *selfTest) fixed(label string, count int) []byte {
	size := count * t.suite.FieldSize()
	var b []byte
	for i := byte(0); len(b) < size; i++ {
		h := sha256.Sum256([]byte(t.suite.String() + " " + label + string([]byte{i})))
		b = append(b, h[:]...)
	}
	return b[:size]
}

// fixedSigner is the signing key of the tests.
func fixedSigner() []byte {
	seed := sha256.Sum256([]byte("recrypt self-test"))
	return ed25519.NewKeyFromSeed(seed[:])
}

// signingAnswer is the SHA-256 of what Ed25519 gives: signing key ‖ signature ‖ the
// table of refused keys.
const signingAnswer = "\xa1\x9f\x7d\xf2\x59\x2b\xbc\x4a\x13\x09\xbb\x87\xf4\x4b\xa5\x4f\x48\xa8\xd8\xbb\x4b\xa0\xd7\xb4\xf2\x63\xd4\x9f\xbd\x71\x9f\x8e"

// signingTest signs and verifies, once.
var signingTest = sync.OnceValue(func() (err error) {
	err = &selfTestError{"Ed25519"}
	defer func() { _ = recover() }()
	signer, message := fixedSigner(), []byte("message")
	signature := ed25519.Sign(signer, message)
	h := sha256.New()
	h.Write(signer)
	h.Write(signature)
	h.Write(eddsa.Refused())
	public := signer[ed25519.SeedSize:]
	if string(h.Sum(nil)) == signingAnswer && eddsa.ValidKey(public) &&
		eddsa.Verify(public, message, signature) && !eddsa.Verify(public, message[1:], signature) {
		return nil
	}
	return err
})
