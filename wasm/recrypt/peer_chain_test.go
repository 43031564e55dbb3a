package recrypt_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/internal/entropy"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
	"github.com/recrypt-service/recrypt/wasm/recrypt/recrypttest"
)

// A chain is one positive case: keys, a plaintext, its encryption, and transforms of it,
// with all random inputs. Names refer to keys and signing keys of the case.
type chain struct {
	keys     map[string]keyPair
	signing  map[string]signingPair
	pt       *plaintextCase
	augment  *augmentation
	steps    []step
	tks      []tkCase
	stream   []byte // what the peer's randomness was cut from, if known
	schnorr  []schnorrCase
	messages []messageCase
}

type keyPair struct{ input, private, public []byte }

type signingPair struct{ seed, private, public []byte }

type plaintextCase struct{ random, bytes, symmetric, private, public []byte }

type augmentation struct {
	key             string // the key that is augmented
	random          []byte // what the server's key was made from, if known
	private, public []byte // the server's key pair
	sumPublic       []byte
	sum, difference []byte
}

type step struct {
	level           int
	signer, key     string // key decrypts
	value           []byte
	ephemeral, temp []byte
	tk              int
}

type tkCase struct {
	from, to, signer string
	ephemeral, temp  []byte
	value            []byte
	digest, hashable []byte
	augmentedBy      []byte // private key, nil if not augmented
	unaugmented      []byte // hashedTempKey before
}

type schnorrCase struct {
	private, public, augmenting, message, k, signature []byte
	rejected                                           [][]byte
	badMessage                                         []byte
	hasBad                                             bool
}

type messageCase struct {
	signer             string
	message, signature []byte
}

const augmentedName = "A+SERVER"

// readChain reads a case in the schema of spec section 15.
func readChain(n node) *chain {
	c := &chain{keys: map[string]keyPair{}, signing: map[string]signingPair{}}
	for name := range n.get("keys").object() {
		k := n.get("keys").get(name)
		c.keys[name] = keyPair{k.any("privateKeyInput", "privateKey").bytes(), k.get("privateKey").bytes(), k.get("publicKey").point()}
	}
	for name := range n.get("signing").object() {
		k := n.get("signing").get(name)
		c.signing[name] = signingPair{nil, k.get("privateKey").bytes(), k.get("publicKey").bytes()}
	}
	if n.has("rngSeed") {
		c.stream = keystream(n, 1<<16)
	}
	p := n.get("plaintext")
	c.pt = &plaintextCase{p.get("random").bytes(), p.get("bytes").bytes(), p.get("derivedSymmetricKey").bytes(),
		p.get("derivedPrivateKey").bytes(), p.get("derivedPublicKey").point()}
	if n.has("augmentation") {
		a := n.get("augmentation")
		c.augment = &augmentation{key: "A", private: a.get("server").get("privateKey").bytes(),
			public: a.get("server").get("publicKey").point(), sumPublic: a.get("augmentedPublicKey").point(),
			sum: a.get("sumPrivateKey").bytes(), difference: a.get("differencePrivateKey").bytes()}
		c.keys[augmentedName] = keyPair{c.augment.sum, c.augment.sum, c.augment.sumPublic}
	}
	for _, k := range n.get("transformKeys").list() {
		c.tks = append(c.tks, readTK(k, c))
	}
	for _, s := range n.get("encrypted").list() {
		c.steps = append(c.steps, readStep(s))
	}
	for _, s := range n.get("schnorr").list() {
		c.schnorr = append(c.schnorr, readSchnorr(s))
	}
	for _, s := range n.get("ed25519").list() {
		c.messages = append(c.messages, messageCase{s.get("signer").str(), s.get("message").bytes(), s.get("signature").bytes()})
	}
	return c
}

func readStep(s node) step {
	r := s.get("random")
	e := step{level: s.get("level").int(), signer: s.get("signer").str(), key: s.get("decryptWith").str(), value: s.get("value").value()}
	if e.level == 0 {
		e.ephemeral = r.get("ephemeralPrivateKey").bytes()
	} else {
		e.ephemeral, e.temp, e.tk = r.get("randomTransformPrivateKey").bytes(), r.get("randomTransformTempKey").bytes(), e.level-1
	}
	return e
}

func readSchnorr(s node) schnorrCase {
	e := schnorrCase{private: s.get("privateKey").bytes(), public: s.get("publicKey").point(), augmenting: s.opt("augmentingPrivateKey"),
		message: s.get("message").bytes(), k: s.get("k").bytes(), signature: s.get("signature").bytes()}
	if s.has("rejectedK") {
		for _, k := range s.get("rejectedK").list() {
			e.rejected = append(e.rejected, k.bytes())
		}
	}
	return e
}

func readTK(k node, c *chain) tkCase {
	r := k.get("random")
	e := tkCase{from: k.get("from").str(), to: k.get("to").str(), signer: k.get("signer").str(),
		ephemeral: r.get("ephemeralPrivateKey").bytes(), temp: r.get("tempKey").bytes(),
		value: k.get("value").transformKey(), digest: k.opt("sha256OfTransformKeyBytes")}
	if k.has("augmentedBy") {
		if c.augment == nil || k.get("augmentedBy").str() != "SERVER" {
			k.fail("augmented without an augmentation")
		}
		e.augmentedBy, e.unaugmented = c.augment.private, k.get("unaugmentedHashedTempKey").bytes()
	}
	return e
}

// check recomputes everything in the case.
func (c *chain) check(t *testing.T, s recrypt.Suite, u *recrypttest.Upstream) {
	for name, k := range c.keys {
		c.checkKey(t, s, u, name, k)
	}
	for name, k := range c.signing {
		c.checkSigning(t, name, k)
	}
	c.checkPlaintext(t, s, u)
	if c.augment != nil {
		c.checkAugmentation(t, s, u)
	}
	for i := range c.tks {
		c.checkTransformKey(t, s, u, i)
	}
	if len(c.steps) == 0 {
		t.Error("no encrypted value")
	}
	for i := range c.steps {
		c.checkStep(t, s, u, i)
	}
	for i, v := range c.schnorr {
		checkSchnorr(t, s, u, fmt.Sprintf("schnorr %d", i), v)
		c.checkTries(t, s, v)
	}
	for i, v := range c.messages {
		k := c.signer(v.signer)
		got := must[*recrypt.SigningKey](t)(recrypt.NewSigningKey(k.private))
		same(t, fmt.Sprintf("ed25519 %d", i), got.Sign(v.message), nil, v.signature)
		if !got.VerifyingKey().Verify(v.message, v.signature) {
			t.Errorf("ed25519 %d does not verify", i)
		}
	}
}

func (c *chain) pair(name string) keyPair {
	k, ok := c.keys[name]
	if !ok {
		panic(malformed("no key " + name))
	}
	return k
}

func (c *chain) signer(name string) signingPair {
	k, ok := c.signing[name]
	if !ok {
		panic(malformed("no signing key " + name))
	}
	return k
}

func (c *chain) checkKey(t *testing.T, s recrypt.Suite, u *recrypttest.Upstream, name string, k keyPair) {
	private, err := u.PrivateKey(k.input)
	same(t, "key "+name, private, err, k.private)
	public, err := u.ComputePublicKey(k.input)
	same(t, "public key "+name, public, err, k.public)

	strict := strictScalar(t, s, u, k.private)
	same(t, "strict public key "+name, strict.PublicKey().Bytes(), nil, k.public)
	pub, err := recrypt.NewPublicKey(s, k.public)
	if err != nil || !pub.Equal(strict.PublicKey()) {
		t.Errorf("NewPublicKey %s: %v", name, err)
	}
	withRandom(uniformFor(s, strict), func() {
		g, err := recrypt.GeneratePrivateKey(s)
		if err != nil || !g.Equal(strict) {
			t.Errorf("GeneratePrivateKey %s: %v", name, err)
		}
	})
}

func (c *chain) checkSigning(t *testing.T, name string, k signingPair) {
	key, err := recrypt.NewSigningKey(k.private)
	if err != nil {
		t.Fatalf("signing key %s: %v", name, err)
	}
	same(t, "verifying key "+name, key.VerifyingKey().Bytes(), nil, k.public)
	seed := k.private[:32]
	if k.seed != nil {
		same(t, "seed "+name, seed, nil, k.seed)
	}
	withRandom(seed, func() {
		same(t, "GenerateSigningKey "+name, recrypt.GenerateSigningKey().Bytes(), nil, k.private)
	})
}

func (c *chain) checkPlaintext(t *testing.T, s recrypt.Suite, u *recrypttest.Upstream) {
	m, err := u.RandomGT(c.pt.random)
	same(t, "plaintext", m, err, c.pt.bytes)
	strict := must[*recrypt.Plaintext](t)(recrypt.NewPlaintext(s, c.pt.bytes))
	same(t, "symmetric key", strict.SymmetricKey(), nil, c.pt.symmetric)
	derived := must[*recrypt.PrivateKey](t)(strict.PrivateKey())
	same(t, "derived private key", derived.Bytes(), nil, c.pt.private)
	same(t, "derived public key", derived.PublicKey().Bytes(), nil, c.pt.public)
}

func (c *chain) checkAugmentation(t *testing.T, s recrypt.Suite, u *recrypttest.Upstream) {
	a, k := c.augment, c.pair(c.augment.key)
	if a.random != nil {
		private, err := u.PrivateKey(a.random)
		same(t, "server private key", private, err, a.private)
	}
	public, err := u.ComputePublicKey(a.private)
	same(t, "server public key", public, err, a.public)
	sum, err := u.AddPublicKeys(k.public, a.public)
	same(t, "augmented public key", sum, err, a.sumPublic)
	private, err := u.AddPrivateKeys(k.private, a.private)
	same(t, "private sum", private, err, a.sum)
	private, err = u.SubPrivateKeys(k.private, a.private)
	same(t, "private difference", private, err, a.difference)

	x, y := strictScalar(t, s, u, k.private), strictScalar(t, s, u, a.private)
	same(t, "strict private sum", must[*recrypt.PrivateKey](t)(x.Add(y)).Bytes(), nil, a.sum)
	same(t, "strict private difference", must[*recrypt.PrivateKey](t)(x.Sub(y)).Bytes(), nil, a.difference)
	pub := must[*recrypt.PublicKey](t)(x.PublicKey().Add(y.PublicKey()))
	same(t, "strict augmented public key", pub.Bytes(), nil, a.sumPublic)
}

func (c *chain) checkTransformKey(t *testing.T, s recrypt.Suite, u *recrypttest.Upstream, i int) {
	k := c.tks[i]
	what := fmt.Sprintf("transform key %d", i)
	temp := must[[]byte](t)(u.RandomGT(k.temp))
	got, err := u.MakeTransformKey(c.pair(k.from).private, c.pair(k.to).public, c.signer(k.signer).private, k.ephemeral, temp)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	hashedAt, signerAt := 16*s.FieldSize(), 20*s.FieldSize()
	if k.augmentedBy != nil {
		same(t, what+" before augmentation", got[hashedAt:signerAt], nil, k.unaugmented)
		server := strictScalar(t, s, u, k.augmentedBy)
		strict := must[*recrypt.TransformKey](t)(recrypt.NewTransformKey(s, got))
		strict = must[*recrypt.TransformKey](t)(strict.Augment(server))
		same(t, what+" augmented strictly", strict.Bytes(), nil, k.value)
		got, err = u.AugmentTransformKey(got, k.augmentedBy)
	}
	same(t, what, got, err, k.value)
	strict := must[*recrypt.TransformKey](t)(recrypt.NewTransformKey(s, k.value))
	if err := strict.VerifySignature(); err != nil {
		t.Errorf("%s: %v", what, err)
	}
	same(t, what+" bytes", strict.Bytes(), nil, k.value)
	same(t, what+" to", strict.ToPublicKey().Bytes(), nil, c.pair(k.to).public)
	same(t, what+" signer", strict.Signer().Bytes(), nil, c.signer(k.signer).public)
	whole := strict.Bytes()[:s.TransformKeySize()-recrypt.SignatureSize]
	if k.digest != nil {
		same(t, what+" digest", digest(whole), nil, k.digest)
	}
	if k.hashable != nil {
		same(t, what+" hashable bytes", whole, nil, k.hashable)
	}
}

func (c *chain) checkStep(t *testing.T, s recrypt.Suite, u *recrypttest.Upstream, i int) {
	e := c.steps[i]
	what := fmt.Sprintf("level %d", e.level)
	signer := c.signer(e.signer)
	var got []byte
	var err error
	if e.level == 0 {
		got, err = u.Encrypt(c.pt.bytes, c.pair(e.key).public, signer.private, e.ephemeral)
		c.encryptStrictly(t, s, u, e)
	} else {
		if i == 0 || e.tk >= len(c.tks) {
			panic(malformed(what + " without what it is made from"))
		}
		temp := must[[]byte](t)(u.RandomGT(e.temp))
		got, err = u.Transform(c.steps[i-1].value, c.tks[e.tk].value, signer.private, temp, e.ephemeral)
		if !testing.Short() {
			c.transformStrictly(t, s, u, i)
		}
	}
	same(t, what, got, err, e.value)
	m, err := u.Decrypt(e.value, c.pair(e.key).private)
	same(t, what+" decrypted leniently", m, err, c.pt.bytes)

	v := must[*recrypt.EncryptedValue](t)(recrypt.NewEncryptedValue(s, e.value))
	same(t, what+" bytes", v.Bytes(), nil, e.value)
	same(t, what+" signer", v.Signer().Bytes(), nil, signer.public)
	if v.Level() != e.level {
		t.Errorf("%s: Level() = %d", what, v.Level())
	}
	plain, err := strictScalar(t, s, u, c.pair(e.key).private).Decrypt(v)
	if err != nil {
		t.Fatalf("%s: decrypt: %v", what, err)
	}
	same(t, what+" decrypted", plain.Bytes(), nil, c.pt.bytes)
}

// encryptStrictly encrypts through the public interface, its randomness chosen so that
// the recorded ephemeral key comes out.
func (c *chain) encryptStrictly(t *testing.T, s recrypt.Suite, u *recrypttest.Upstream, e step) {
	m := must[*recrypt.Plaintext](t)(recrypt.NewPlaintext(s, c.pt.bytes))
	to := must[*recrypt.PublicKey](t)(recrypt.NewPublicKey(s, c.pair(e.key).public))
	signer := must[*recrypt.SigningKey](t)(recrypt.NewSigningKey(c.signer(e.signer).private))
	withRandom(uniformFor(s, strictScalar(t, s, u, e.ephemeral)), func() {
		v := must[*recrypt.EncryptedValue](t)(recrypt.Encrypt(m, to, signer))
		same(t, "Encrypt", v.Bytes(), nil, e.value)
	})
}

// transformStrictly transforms through the public interface, with fresh randomness, and
// decrypts the result.
func (c *chain) transformStrictly(t *testing.T, s recrypt.Suite, u *recrypttest.Upstream, i int) {
	e := c.steps[i]
	v := must[*recrypt.EncryptedValue](t)(recrypt.NewEncryptedValue(s, c.steps[i-1].value))
	k := must[*recrypt.TransformKey](t)(recrypt.NewTransformKey(s, c.tks[e.tk].value))
	out := must[*recrypt.EncryptedValue](t)(k.Transform(v, recrypt.GenerateSigningKey()))
	if bytes.Equal(out.Bytes(), e.value) {
		t.Error("transform: no fresh randomness")
	}
	m := must[*recrypt.Plaintext](t)(strictScalar(t, s, u, c.pair(e.key).private).Decrypt(out))
	same(t, "fresh transform", m.Bytes(), nil, c.pt.bytes)
}

func checkSchnorr(t *testing.T, s recrypt.Suite, u *recrypttest.Upstream, what string, v schnorrCase) {
	sig, err := u.SignSchnorr(v.private, v.public, v.message, v.k)
	same(t, what, sig, err, v.signature)
	if ok, err := u.VerifySchnorr(v.public, v.augmenting, v.message, v.signature); !ok || err != nil {
		t.Errorf("%s does not verify: %v", what, err)
	}
	pub := must[*recrypt.PublicKey](t)(recrypt.NewPublicKey(s, v.public))
	var aug *recrypt.PrivateKey
	if v.augmenting != nil {
		aug = strictScalar(t, s, u, v.augmenting)
	}
	if !pub.VerifySchnorr(aug, v.message, v.signature) {
		t.Errorf("%s: strict verification fails", what)
	}
	if v.hasBad && pub.VerifySchnorr(aug, v.badMessage, v.signature) {
		t.Errorf("%s verifies for another message", what)
	}
	withRandom(uniformFor(s, strictScalar(t, s, u, v.k)), func() {
		sig, err := strictScalar(t, s, u, v.private).SignSchnorr(pub, v.message)
		same(t, what+" signed strictly", sig, err, v.signature)
	})
}

// checkTries checks the nonces that the peer drew and rejected: at or above the group
// order, and directly before the good one in the peer's stream of randomness.
func (c *chain) checkTries(t *testing.T, s recrypt.Suite, v schnorrCase) {
	for _, k := range v.rejected {
		if _, err := recrypt.NewPrivateKey(s, k); err != recrypt.ErrPrivateKey {
			t.Errorf("schnorr: rejected nonce: %v", err)
		}
	}
	tries := append(bytes.Join(v.rejected, nil), v.k...)
	if bytes.Contains(c.stream, v.k) && !bytes.Contains(c.stream, tries) {
		t.Error("schnorr: the peer drew other nonces")
	}
}

// withRandom runs f with r as the only randomness.
func withRandom(r []byte, f func()) {
	defer entropy.Replace(bytes.NewReader(r))()
	f()
}

// uniformFor returns 2n bytes of randomness that give the scalar k, that is, k - 1.
func uniformFor(s recrypt.Suite, k *recrypt.PrivateKey) []byte {
	out := make([]byte, s.UniformSize())
	copy(out[len(out)-s.FieldSize():], k.Bytes())
	for i := len(out) - 1; ; i-- {
		out[i]--
		if out[i] != 0xff {
			return out
		}
	}
}
