package recrypt

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"sync"

	"github.com/recrypt-service/recrypt/wasm/recrypt/internal/eddsa"
)

// ErrSelfTest: the known answers of a suite, or of Ed25519, do not come out. This
// copy of the program is damaged: a constant, or code that the answers need, is not what
// it was when it was built. Nothing of that suite works any more in this process.
//
// The errors that say so have a text each, and are found by errors.Is.
var ErrSelfTest = errors.New("recrypt: self-test failed")

// A selfTestError is an ErrSelfTest that names what failed.
type selfTestError struct{ what string }

func (e *selfTestError) Error() string {
	return "recrypt: self-test of " + e.what + " failed: this copy of the core is damaged, get a fresh one"
}

func (e *selfTestError) Is(target error) bool { return target == ErrSelfTest }

// SelfTest compares the suite's algorithms with known answers: public key, the strict
// decoding of a transform key, a transform, which encrypts on its way, Schnorr and Ed25519
// signatures. They involve every constant of the curve and of the fields, but not all code:
// multiples of g1, powers in GT and the table for those of e(G, g1) are not computed, so
// damage to these alone is not found. The error is ErrSuite, ErrSelfTest or nil.
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
// big-integer model of the specification gave the same (all but the constants).
var answers = [...]string{
	Suite256: "\x7a\x67\xcd\x83\xfb\x1b\xf1\x74\x62\x32\x67\xbe\x4c\x4a\x2f\x09\xe2\x6a\x08\x98\x2a\xd1\x23\x2c\x5c\xef\x30\x61\x6f\x31\x4e\xf6",
	Suite480: "\x96\xa7\xb4\xe5\x87\x00\xbf\x60\xf5\x61\x77\x7c\xff\x5a\xec\xd2\xda\x44\x75\x4b\x0c\x21\xe8\x87\x15\x2f\xa3\x97\xb5\xc0\x03\x51",
}

func (s Suite) test() error {
	if digest, ok := knownAnswers(s); !ok || string(digest) != answers[s] {
		return &selfTestError{s.String()}
	}
	return nil
}

// knownAnswers computes what is compared: the SHA-256 of
//
//	public key ‖ encrypted value ‖ transformed value ‖ Schnorr signature ‖ constants
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
	value := t.seal([]byte(values[s]), len(values[s]))
	transformed, ok := t.transform(value)
	if !ok {
		return nil, false
	}
	signature, ok := t.schnorr()
	if !ok {
		return nil, false
	}
	h := sha256.New()
	for _, b := range [][]byte{t.public, value, transformed, signature, t.Constants()} {
		h.Write(b)
	}
	return h.Sum(nil), true
}

// A testable is a scheme with what only its tests need.
type testable interface {
	scheme
	Decrypt(value, private []byte) ([]byte, error)
	Transform(value, key, signer, temp, ephemeral []byte) ([]byte, error)
	Constants() []byte
}

// A selfTest is the state of one run.
type selfTest struct {
	testable
	suite           Suite
	private, public []byte
	signer          []byte
}

// seal appends the signing key and its signature of the first bytes of b.
func (t *selfTest) seal(b []byte, signed int) []byte {
	public := t.signer[ed25519.SeedSize:]
	signature := ed25519.Sign(t.signer, append(clone(public), b[:signed]...))
	return append(append(b, public...), signature...)
}

// transform transforms a value by a transform key from the private key to its own
// public key. With the randomness of the value itself, key and value share most of
// their fields: what is not in the value is hashedTempKey and the signature.
func (t *selfTest) transform(value []byte) ([]byte, bool) {
	n := t.suite.FieldSize()
	point, hidden := value[:2*n], value[2*n:14*n]
	key := append(append(append(clone(point), t.public...), hidden...), hashedTempKeys[t.suite]...)
	key = t.seal(key, 16*n) // hashedTempKey is not signed
	if t.CheckTransformKey(key) != nil {
		return nil, false
	}
	out, err := t.Transform(value, key, t.signer, hidden, t.UniformScalar(t.fixed("transform", 2)))
	return out, err == nil
}

// schnorr signs a message and verifies the signature.
func (t *selfTest) schnorr() ([]byte, bool) {
	message := []byte(t.suite.String())
	signature, err := t.SignSchnorr(t.private, t.public, message, t.UniformScalar(t.fixed("ephemeral", 2)))
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
