package engine

import (
	"bytes"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"math/big"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/argon2"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/dispatch"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
	"github.com/recrypt-service/recrypt/wasm/recrypt/recrypttest"
)

// A secretive is a client of a watched instance that uses fresh secrets of one suite.
type secretive struct {
	abi.Client
	*watcher
	suite  uint8
	n      int
	p, r   *big.Int
	native abi.Client
	drawn  *draws
}

// draws is the system's randomness, written down.
type draws struct{ reads [][]byte }

func (d *draws) Read(b []byte) (int, error) {
	n, err := rand.Read(b)
	d.reads = append(d.reads, bytes.Clone(b))
	return n, err
}

func newSecretive(t *testing.T, i *instance, suite uint8) *secretive {
	t.Helper()
	x, _ := new(big.Int).SetString(map[uint8]string{abi.Suite256: "1c8101", abi.Suite480: "bde8c42289"}[suite], 16)
	u := new(big.Int).Exp(x, big.NewInt(3), nil)
	polynomial := func(coefficients ...int64) *big.Int {
		v := new(big.Int)
		for _, c := range coefficients {
			v.Mul(v, u).Add(v, big.NewInt(c))
		}
		return v
	}
	w := &watcher{t: t, i: i, left: map[string]int{}}
	s := &secretive{
		Client: abi.Client{Caller: w}, watcher: w, suite: suite, n: recrypt.Suite(suite).FieldSize(),
		p: polynomial(36, 36, 24, 6, 1), r: polynomial(36, 36, 18, 6, 1),
		native: abi.Client{Caller: dispatch.Native{}}, drawn: &draws{},
	}
	i.random.r = s.drawn
	return s
}

// draw looks for what was drawn by the last operation: seeds, and the numbers and the
// elements of GT that are made of 2n bytes.
func (s *secretive) draw(op abi.Op) {
	s.t.Helper()
	reads := s.drawn.reads
	s.drawn.reads = nil
	before := len(s.traces)
	for k, b := range reads {
		name := fmt.Sprintf("draw %d of operation %#x", k, op)
		switch len(b) {
		case 2 * s.n:
			s.add(name, b)
			s.scalar(name+", scalar", b)
			if op != abi.OpGenerateKeyPair { // the pairing of a public key is public
				s.gt(name+", element", b)
			}
		case 32:
			s.signing(name, b)
		}
	}
	all := s.traces
	s.traces = all[before:]
	s.look(op)
	s.traces = all
}

// scalar looks for the private key that is made of 2n bytes.
func (s *secretive) scalar(name string, uniform []byte) {
	v := new(big.Int).SetBytes(uniform)
	v.Mod(v, new(big.Int).Sub(s.r, big.NewInt(1))).Add(v, big.NewInt(1))
	s.number(name, v.FillBytes(make([]byte, s.n)), s.r)
}

// gt looks for the element of GT that is made of 2n bytes, and for its hash.
func (s *secretive) gt(name string, uniform []byte) {
	s.t.Helper()
	recrypttest.SetRandom(s.t, bytes.NewReader(uniform))
	m, err := recrypt.GeneratePlaintext(recrypt.Suite(s.suite))
	recrypttest.SetRandom(s.t, rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	s.element(name, m.Bytes(), s.p)
	s.add(name+", hash", m.SymmetricKey())
}

// fresh returns 32 random bytes.
func fresh(t *testing.T) []byte {
	t.Helper()
	b := make([]byte, 32)
	if _, err := io.ReadFull(rand.Reader, b); err != nil {
		t.Fatal(err)
	}
	return b
}

// report fails the test if there were traces.
func (s *secretive) report() {
	s.collect()
	for _, what := range slices.Sorted(maps.Keys(s.left)) {
		s.t.Errorf("%s: %d copies left", what, s.left[what])
	}
	s.t.Logf("%d calls, %d traces looked for", s.calls, len(s.traces))
}

// TestNothingStays makes every operation that takes or makes a secret, on both
// suites, and looks for traces of all of them in the whole memory of the instance
// after each: as bytes, as words, and as field elements and scalars in the form of
// the arithmetic.
func TestNothingStays(t *testing.T) {
	for _, suite := range []uint8{abi.Suite256, abi.Suite480} {
		t.Run(abi.SuiteName(suite)+"/scheme", func(t *testing.T) { newSecretive(t, guest(t), suite).scheme() })
		t.Run(abi.SuiteName(suite)+"/records", func(t *testing.T) { newSecretive(t, guest(t), suite).records() })
	}
}

// TestTracesAreFound leaves secrets in a buffer, in all the forms that are looked for.
func TestTracesAreFound(t *testing.T) {
	i := guest(t)
	s := newSecretive(t, i, abi.Suite480)
	seed := fresh(t)
	s.signing("signing key", seed)
	s.scalar("scalar", derived(t, seed, nil, "encryption key", "\x02", 2*s.n))
	s.gt("element", derived(t, seed, nil, "element", "", 2*s.n))
	if s.look(0); len(s.left) != 0 {
		t.Errorf("found before they were there: %v", s.left)
	}
	var all []byte
	for _, trace := range s.traces {
		all = append(append(all, 0xff), trace.bytes...)
	}
	p := uint32(export(t, i, "alloc", uint32(len(all))))
	i.module.Memory().Write(p, all)
	s.search("writing", func(trace) bool { return true })
	for _, trace := range s.traces {
		if s.left[trace.name+" after writing"] == 0 {
			t.Errorf("%s: not found", trace.name)
		}
	}
	clear(s.left)
	export(t, i, "release", p)
	if s.search("release", func(trace) bool { return true }); len(s.left) != 0 {
		t.Errorf("found after the release: %v", s.left)
	}
}

// TestFormsAreFound looks for what need not be wiped, the elements of an encrypted value
// and a public key, and finds them in the form of the arithmetic: so this form is the
// module's, and not finding a secret in it means something.
func TestFormsAreFound(t *testing.T) {
	for _, suite := range []uint8{abi.Suite256, abi.Suite480} {
		s := newSecretive(t, guest(t), suite)
		fixed := func(b []byte, err error) []byte {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		private, public, err := s.GenerateKeyPair(t.Context(), suite)
		signing, _, err2 := s.GenerateSigningKeyPair(t.Context())
		if err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		m := fixed(s.GeneratePlaintext(t.Context(), suite))
		value := fixed(s.Encrypt(t.Context(), suite, m, public, signing))
		key := fixed(s.TransformKey(t.Context(), suite, private, public, signing))
		s.traces = nil
		s.number("public key", public[:s.n], s.p)
		s.element("value", value[2*s.n:14*s.n], s.p)
		fixed(s.Transform(t.Context(), suite, value, key, signing))
		found := 0
		for what := range s.left {
			if strings.Contains(what, "limbs") {
				found++
			}
		}
		if found < 2 {
			t.Errorf("%s: found %d of 13 numbers: have numbers another form?", abi.SuiteName(suite), found)
		}
	}
}

// scheme goes through the operations of the scheme, with values of levels 0 to 2.
func (s *secretive) scheme() {
	t, ctx := s.t, s.t.Context()
	must2 := func(a, b []byte, err error) ([]byte, []byte) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return a, b
	}
	must := func(a []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	pair := func(name string) (private, public []byte) {
		private, public = must2(s.GenerateKeyPair(ctx, s.suite))
		s.number(name, private, s.r)
		s.draw(abi.OpGenerateKeyPair)
		return private, public
	}
	a, publicA := pair("private key A")
	b, publicB := pair("private key B")
	c, publicC := pair("private key C")
	signing, _ := must2(s.GenerateSigningKeyPair(ctx))
	s.draw(abi.OpGenerateSigningKeyPair)
	m := must(s.GeneratePlaintext(ctx, s.suite))
	s.draw(abi.OpGeneratePlaintext)
	must(s.PublicKey(ctx, s.suite, a))
	s.add("symmetric key", must(s.DeriveSymmetricKey(ctx, s.suite, m)))

	values := [3][]byte{must(s.Encrypt(ctx, s.suite, m, publicA, signing))}
	s.draw(abi.OpEncrypt)
	var keys [2][]byte
	for level, from := range [][]byte{a, b} {
		keys[level] = must(s.TransformKey(ctx, s.suite, from, [][]byte{publicB, publicC}[level], signing))
		s.add("hashed temp key", keys[level][16*s.n:])
		s.draw(abi.OpTransformKey)
		values[level+1] = must(s.Transform(ctx, s.suite, values[level], keys[level], signing))
		s.draw(abi.OpTransform)
	}
	for level, private := range [][]byte{a, b, c} {
		if !bytes.Equal(must(s.Decrypt(ctx, s.suite, values[level], private)), m) {
			t.Errorf("level %d decrypts to something else", level)
		}
	}
	s.many(values[0], keys[0], signing, a, m)
	signature := must(s.SchnorrSign(ctx, s.suite, a, publicA, []byte("message")))
	s.draw(abi.OpSchnorrSign)
	if err := s.SchnorrVerify(ctx, s.suite, publicA, b, []byte("message"), signature); err == nil {
		t.Error("a signature of another key verifies")
	}
	s.number("sum", must(s.AddPrivateKeys(ctx, s.suite, a, b)), s.r)
	s.number("difference", must(s.SubtractPrivateKeys(ctx, s.suite, a, b)), s.r)
	s.add("augmented key", must(s.AugmentTransformKey(ctx, s.suite, keys[0], c))[16*s.n:])
	must(s.Ed25519Sign(ctx, signing, []byte("message")))
	s.report()
}

// many goes through the operations on many values.
func (s *secretive) many(value, key, signing, private, plaintext []byte) {
	t, ctx := s.t, s.t.Context()
	prepared, err := s.PrepareTransformKey(ctx, s.suite, key)
	if err != nil {
		t.Fatal(err)
	}
	s.lines(prepared)
	bad := bytes.Clone(value)
	bad[len(bad)-1] ^= 1
	for _, values := range [][][]byte{{value}, {value, bad, value, nil}} {
		transformed, err := s.TransformPrepared(ctx, s.suite, prepared, signing, values)
		s.draw(abi.OpTransformPrepared)
		if err != nil || transformed[0].Err != nil {
			t.Fatal(err)
		}
		opened, err := s.DecryptMany(ctx, s.suite, private, values)
		if err != nil || !bytes.Equal(opened[0].Value, plaintext) {
			t.Errorf("many decrypt to something else: %v", err)
		}
	}
}

// lines looks for the secret part of a prepared transform key, the lines of its hashed
// temp key: some from all over the table.
func (s *secretive) lines(prepared []byte) {
	s.t.Helper()
	const head, tail = 2, 8 // version and suite; checksum
	size := recrypt.Suite(s.suite).TransformKeySize() + recrypt.Suite(s.suite).PlaintextSize()
	table := prepared[head+size : len(prepared)-tail]
	count := len(table) / s.n
	for k := 0; k < count; k += max(count/40, 1) {
		s.number(fmt.Sprintf("line, number %d", k), table[k*s.n:(k+1)*s.n], s.p)
	}
	s.look(abi.OpPrepareTransformKey)
}

// person makes a seed known, with everything that follows from it.
func (s *secretive) person(name string) (seed []byte) {
	s.t.Helper()
	seed = fresh(s.t)
	s.add(name+"'s seed", seed)
	for _, kind := range []string{"signing key", "recrypt signing key", "recovery key"} {
		s.signing(name+"'s "+kind, derived(s.t, seed, nil, kind, "", 32))
	}
	uniform := derived(s.t, seed, nil, "encryption key", string([]byte{s.suite}), 2*s.n)
	s.add(name+"'s uniform bytes", uniform)
	s.scalar(name+"'s encryption key", uniform)
	for _, salt := range [][]byte{nil, s.salt()} {
		prk, err := hkdf.Extract(sha256.New, seed, salt)
		if err != nil {
			s.t.Fatal(err)
		}
		s.add(name+"'s extracted key", prk)
	}
	return seed
}

// salt is the salt of the epoch.
func (s *secretive) salt() []byte { return bytes.Repeat([]byte{7}, 32) }

// records goes through the operations with records.
func (s *secretive) records() {
	t, ctx := s.t, s.t.Context()
	must := func(a []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	owner, reader, server, recovery := s.person("owner"), s.person("reader"), s.person("server"), s.person("recovery")
	service := must(s.NewService(ctx, server))
	ownerRecord := must(s.NewIdentity(ctx, owner, recovery, []byte{s.suite}))
	s.draw(abi.OpNewIdentity)
	readerRecord := must(s.NewIdentity(ctx, reader, recovery, []byte{s.suite}))
	s.draw(abi.OpNewIdentity)
	v, err := s.native.OpenService(ctx, service)
	if err != nil {
		t.Fatal(err)
	}
	id, err := s.DefaultCollection(ctx, owner, v.ID)
	if err != nil {
		t.Fatal(err)
	}
	uniform := derived(t, owner, s.salt(), "epoch key", string([]byte{s.suite})+string(id[:])+"\x00\x00\x00\x00", 2*s.n)
	s.add("epoch key, uniform bytes", uniform)
	s.scalar("epoch key", uniform)
	collection := must(s.NewCollection(ctx, owner, ownerRecord, nil, &abi.CollectionFields{
		Service: v.ID, Collection: id, Suite: s.suite, Salt: [32]byte(s.salt()), Deposit: abi.DepositClosed,
	}))
	s.draw(abi.OpNewCollection)
	_, transformKey, err := s.NewGrant(ctx, owner, ownerRecord, collection, readerRecord, &abi.GrantFields{Grant: [16]byte{1}, Kind: abi.GrantDirect})
	if err != nil {
		t.Fatal(err)
	}
	s.add("hashed temp key", transformKey[16*s.n:])
	s.draw(abi.OpNewGrant)
	s.documents(owner, reader, server, ownerRecord, readerRecord, service, collection, transformKey)
	must(s.NewRevocation(ctx, owner, ownerRecord, collection, [32]byte{1}, [16]byte{2}, 1))
	if _, _, _, err := s.SignRequest(ctx, owner, &abi.Request{
		KeyID: "x", Method: "GET", Authority: "example.org", Path: "/", Created: 1, Expires: 2, Nonce: "AAAAAAAAAAAAAAAAAAAAAA",
	}); err != nil {
		t.Fatal(err)
	}
	s.sealed(owner)
	s.report()
}

// documents makes a document key, and opens it as its owner and as the reader.
func (s *secretive) documents(owner, reader, server, ownerRecord, readerRecord, service, collection, transformKey []byte) {
	t, ctx := s.t, s.t.Context()
	key, value, err := s.NewKey(ctx, owner, ownerRecord, collection, [16]byte{3})
	if err != nil {
		t.Fatal(err)
	}
	s.add("document key", key)
	s.draw(abi.OpNewKey)
	record, err := s.NewKeyRecord(ctx, owner, ownerRecord, collection, [16]byte{3}, value, nil, abi.Extensions{})
	if err != nil {
		t.Fatal(err)
	}
	opened, err := s.OpenKey(ctx, owner, ownerRecord, ownerRecord, collection, service, record, value)
	if err != nil || !bytes.Equal(opened, key) {
		t.Errorf("the owner opens another key: %v", err)
	}
	transformed, err := s.TransformKeyValue(ctx, server, value, transformKey)
	if err != nil {
		t.Fatal(err)
	}
	s.draw(abi.OpTransformKeyValue)
	opened, err = s.OpenKey(ctx, reader, readerRecord, ownerRecord, collection, service, record, transformed)
	if err != nil || !bytes.Equal(opened, key) {
		t.Errorf("the reader opens another key: %v", err)
	}
	prepared, err := s.PrepareTransformKey(ctx, s.suite, transformKey)
	if err != nil {
		t.Fatal(err)
	}
	s.lines(prepared)
	outcomes, err := s.TransformKeyValues(ctx, server, prepared, [][]byte{value, nil, value})
	s.draw(abi.OpTransformKeyValues)
	if err != nil || outcomes[2].Err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ seed, own, value []byte }{{owner, ownerRecord, value}, {reader, readerRecord, outcomes[0].Value}} {
		item := abi.KeyItem{Author: ownerRecord, Collection: collection, Record: record, Value: c.value}
		opened, err := s.OpenKeys(ctx, c.seed, c.own, service, []abi.KeyItem{item, {}, item})
		if err != nil || !bytes.Equal(opened[0].Value, key) || !bytes.Equal(opened[2].Value, key) {
			t.Errorf("many open to other keys: %v", err)
		}
	}
	item := abi.KeyItem{Author: ownerRecord, Collection: collection, Record: record, Value: value}
	s.edge(reader, server, readerRecord, service, transformKey, key, item)
}

// sealed seals a seed and opens it again.
func (s *secretive) sealed(seed []byte) {
	t, ctx := s.t, s.t.Context()
	passphrase := []byte("correct horse battery staple, and so on")
	s.add("passphrase", passphrase)
	sealed, err := s.SealSeed(ctx, passphrase, abi.SecretSeed, seed, 19456, 2)
	if err != nil {
		t.Fatal(err)
	}
	s.drawn.reads = nil // salt and nonce are in the record
	const salt = 11     // where it begins, after the label
	at := 1 + len("recrypt-service sealed v1") + salt
	s.add("stretched key", argon2.IDKey(passphrase, sealed[at:at+16], 2, 19456, 1, 32))
	s.look(abi.OpSealSeed)
	if _, opened, err := s.OpenSeed(ctx, passphrase, sealed); err != nil || !bytes.Equal(opened, seed) {
		t.Errorf("another seed comes out: %v", err)
	}
}
