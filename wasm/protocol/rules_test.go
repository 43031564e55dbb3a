package protocol

import (
	"bytes"
	"math"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// A patch changes bytes of a signed body at an offset.
type patch struct {
	what string
	at   int
	with []byte
	want *abi.Error
}

// identityWith changes bytes of alice's identity body and signs it again with
// her keys.
func identityWith(at int, with []byte) []byte {
	v := must(parseIdentity(shared().alice))
	body := bytes.Clone(v.body)
	copy(body[at:], with)
	key := must(encryptionKey(seedOf("alice"), 1))
	out := append(bytes.Clone(body), must(key.SignSchnorr(key.PublicKey(), body))...)
	return append(out, must(recordKey(seedOf("alice"))).Sign(body)...)
}

// Offsets in an identity's body after its label of 28 bytes.
const (
	atVersion  = 28
	atSigning  = 28 + 4 + 64
	atRecrypt  = atSigning + 32
	atCount    = atRecrypt + 64
	atSuite    = atCount + 1
	atKey      = atSuite + 1
	atIDExtLen = atKey + 64
)

func TestIdentityRules(t *testing.T) {
	small := make([]byte, 32)
	small[0] = 1
	signing := must(recordKey(seedOf("alice"))).VerifyingKey().Bytes()
	for _, p := range []patch{
		{"version 0", atVersion, []byte{0, 0, 0, 0}, abi.ErrMalformed},
		{"version 2 without id and previous", atVersion, []byte{0, 0, 0, 2}, abi.ErrMalformed},
		{"version 2 without previous", atVersion, []byte{0, 0, 0, 2, 1}, abi.ErrMalformed},
		{"version 2 as the first", atVersion, append([]byte{0, 0, 0, 2}, bytes.Repeat([]byte{1}, 64)...), abi.ErrMismatch},
		{"version 2^32-1", atVersion, []byte{255, 255, 255, 255}, abi.ErrMalformed},
		{"id in version 1", atVersion + 4, []byte{1}, abi.ErrMalformed},
		{"previous in version 1", atVersion + 36, []byte{1}, abi.ErrMalformed},
		{"small-order signing key", atSigning, small, abi.ErrMalformed},
		{"small-order recrypt key", atRecrypt, small, abi.ErrMalformed},
		{"non-canonical signing key", atSigning, append(bytes.Repeat([]byte{0xff}, 31), 0x7f), abi.ErrMalformed},
		{"another signing key", atSigning, must(recordKey(seedOf("bob"))).VerifyingKey().Bytes(), abi.ErrSignature},
		{"one key for both purposes", atRecrypt, signing, abi.ErrMalformed},
		{"no keys", atCount, []byte{0}, abi.ErrMalformed},
		{"nine keys", atCount, []byte{9}, abi.ErrMalformed},
		{"suite 0", atSuite, []byte{0}, abi.ErrSuite},
		{"another suite than the key", atSuite, []byte{2}, abi.ErrMalformed},
		{"unknown suite", atSuite, []byte{77}, abi.ErrSuite},
		{"off-curve key", atKey, make([]byte, 64), abi.ErrMalformed},
		{"somebody else's encryption key", atKey, must(OpenIdentity(shared().bob)).Keys[0].PublicKey, abi.ErrSignature},
		{"extension longer than the record", atIDExtLen, []byte{0, 255}, abi.ErrMalformed},
		{"extension area too long", atIDExtLen, []byte{0x10, 0x01}, abi.ErrTooLarge},
	} {
		v, err := OpenIdentity(identityWith(p.at, p.with))
		if check(t, p.what, err, p.want); v != nil {
			t.Errorf("%s: a result with the error", p.what)
		}
	}
	if _, err := OpenIdentity(identityWith(0, nil)); err != nil {
		t.Errorf("unchanged: %v", err)
	}
}

func TestIdentityArguments(t *testing.T) {
	seed, recovery := seedOf("alice"), seedOf("alice's recovery")
	for _, c := range []struct {
		what                   string
		seed, recovery, suites []byte
		want                   *abi.Error
	}{
		{"short seed", seed[1:], recovery, []byte{1}, abi.ErrMalformed},
		{"no seed", nil, recovery, []byte{1}, abi.ErrMalformed},
		{"long recovery seed", seed, append(recovery, 0), []byte{1}, abi.ErrMalformed},
		{"recovery from the seed", seed, seed, []byte{1}, abi.ErrMismatch},
		{"no suite", seed, recovery, nil, abi.ErrMalformed},
		{"a suite twice", seed, recovery, []byte{1, 1}, abi.ErrMalformed},
		{"unknown suite", seed, recovery, []byte{9}, abi.ErrSuite},
		{"nine suites", seed, recovery, []byte{1, 2, 3, 4, 5, 6, 7, 8, 9}, abi.ErrMalformed},
	} {
		record, err := NewIdentity(c.seed, c.recovery, c.suites)
		if check(t, c.what, err, c.want); record != nil {
			t.Errorf("%s: a record with the error", c.what)
		}
	}
	again := must(NewIdentity(seed, recovery, []byte{1}))
	a, b := must(OpenIdentity(again)), must(OpenIdentity(shared().alice))
	if a.ID != b.ID {
		t.Error("the id depends on more than the arguments")
	}
}

func TestServiceRules(t *testing.T) {
	v := must(parseService(shared().service))
	for _, p := range []patch{
		{"version 2", 27, append([]byte{0, 0, 0, 2}, bytes.Repeat([]byte{1}, 64)...), abi.ErrMalformed},
		{"version 0", 27, []byte{0, 0, 0, 0}, abi.ErrMalformed},
		{"id in version 1", 31, []byte{1}, abi.ErrMalformed},
		{"one key for both purposes", 27 + 68 + 32, v.SigningKey[:], abi.ErrMalformed},
	} {
		body := bytes.Clone(v.body)
		copy(body[p.at:], p.with)
		_, err := OpenService(append(body, must(recordKey(seedOf("service"))).Sign(body)...))
		check(t, p.what, err, p.want)
	}
	if !bytes.Equal(must(NewService(seedOf("service"))), shared().service) {
		t.Error("a service record is not repeatable")
	}
	_, err := NewService(seedOf("service")[1:])
	check(t, "short seed", err, abi.ErrMalformed)
}

func TestExtensions(t *testing.T) {
	entry := func(kind, size uint16) []byte {
		w := &writer{}
		w.u16(kind)
		w.bytes16(make([]byte, size))
		return w.b
	}
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	for _, c := range []struct {
		what string
		ext  []byte
		want *abi.Error
	}{
		{"none", nil, nil},
		{"one", entry(1, 5), nil},
		{"two in order", join(entry(0, 0), entry(0x7fff, 9)), nil},
		{"as long as allowed", entry(3, maxExtension-4), nil},
		{"too long", entry(3, maxExtension-3), abi.ErrTooLarge},
		{"critical", entry(0x8000, 1), abi.ErrMalformed},
		{"critical after another", join(entry(1, 1), entry(0xffff, 1)), abi.ErrMalformed},
		{"the same twice", join(entry(1, 1), entry(1, 1)), abi.ErrMalformed},
		{"out of order", join(entry(2, 1), entry(1, 1)), abi.ErrMalformed},
		{"half an entry", entry(1, 1)[:3], abi.ErrMalformed},
		{"entry longer than the area", entry(1, 9)[:12], abi.ErrMalformed},
	} {
		v := must(parseReceipt(shared().receipt))
		v.ext = c.ext
		record := v.resign("service")
		_, _, err := OpenReceipt(shared().service, shared().revocation, record)
		if c.want != nil {
			check(t, c.what, err, c.want)
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.what, err)
			continue
		}
		if kept := must(parseReceipt(record)); !bytes.Equal(kept.ext, c.ext) {
			t.Errorf("%s: not kept", c.what)
		}
	}
}

func TestChain(t *testing.T) {
	w := shared()
	open := func(change func(v *collection)) error {
		v := must(parseCollection(w.third))
		change(v)
		_, err := OpenCollection(w.alice, v.resign("alice"), w.second)
		return err
	}
	if err := open(func(*collection) {}); err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(v *collection){
		"another service":           func(v *collection) { v.Service[0]++ },
		"another collection":        func(v *collection) { v.Collection.Collection[0]++ },
		"sequence skipped":          func(v *collection) { v.Sequence++ },
		"sequence repeated":         func(v *collection) { v.Sequence-- },
		"another previous hash":     func(v *collection) { v.Previous[5]++ },
		"epoch skipped":             func(v *collection) { v.Epoch++ },
		"epoch backwards":           func(v *collection) { v.Epoch = 0 },
		"same epoch, other salt":    func(v *collection) { v.Epoch = 1 },
		"next epoch, same salt":     func(v *collection) { v.Salt = id32(0x20) },
		"as a first record":         func(v *collection) { v.Sequence, v.Previous = 0, zero32 },
		"epoch from 0 to the last":  func(v *collection) { v.Epoch = math.MaxUint32 },
		"sequence to the last":      func(v *collection) { v.Sequence = math.MaxUint64 },
		"another version of owner":  func(v *collection) { v.OwnerVersion = 2 },
		"another owner":             func(v *collection) { v.Owner[0]++ },
		"hash of its own successor": func(v *collection) { v.Previous = must(parseCollection(w.third)).Hash },
	} {
		check(t, what, open(change), abi.ErrMismatch)
	}
	_, err := OpenCollection(w.alice, w.third, w.first)
	check(t, "a record left out", err, abi.ErrMismatch)
	_, err = OpenCollection(w.alice, w.first, w.second)
	check(t, "backwards", err, abi.ErrMismatch)
	_, err = OpenCollection(w.alice, w.second, w.foreign)
	check(t, "after another owner's", err, abi.ErrMismatch)
	_, err = OpenCollection(w.mallory, w.second, nil)
	check(t, "as another owner", err, abi.ErrMismatch)
	if v := must(OpenCollection(w.alice, w.third, nil)); v.Sequence != 2 || v.Epoch != 2 {
		t.Error("a record without its previous one is not read")
	}
}

// TestChainEnds: nothing follows the last sequence number or epoch.
func TestChainEnds(t *testing.T) {
	w := shared()
	last := must(parseCollection(w.second))
	last.Sequence = math.MaxUint64
	_, err := NewCollection(seedOf("alice"), w.alice, last.resign("alice"), fields(w, 1, 0x20))
	check(t, "after the last sequence number", err, abi.ErrMismatch)

	last = must(parseCollection(w.second))
	last.Epoch = math.MaxUint32
	record := last.resign("alice")
	_, err = NewCollection(seedOf("alice"), w.alice, record, fields(w, 0, 0x40))
	check(t, "epoch after the last", err, abi.ErrMismatch)
	if _, err = NewCollection(seedOf("alice"), w.alice, record, fields(w, math.MaxUint32, 0x20)); err != nil {
		t.Errorf("within the last epoch: %v", err)
	}
}

// TestKeyAndSalt: a salt that differs does not excuse an old key, nor an old key a
// salt that differs. Two salts do not give one key by accident, so the rules are
// tested directly.
func TestKeyAndSalt(t *testing.T) {
	w := shared()
	first, changed := must(parseCollection(w.first)), must(parseCollection(w.second))
	changed.Salt[0]++
	check(t, "old key, other salt, same epoch", changed.follows(first, must(openIdentity(shared().alice))), abi.ErrMismatch)
	second, third := must(parseCollection(w.second)), must(parseCollection(w.third))
	third.key = second.key
	check(t, "old key", third.follows(second, must(openIdentity(shared().alice))), abi.ErrMismatch)
}

func TestCollectionRules(t *testing.T) {
	w := shared()
	for what, c := range map[string]struct {
		change func(v *collection)
		want   *abi.Error
	}{
		"first with a previous hash":     {func(v *collection) { v.Sequence = 0 }, abi.ErrMalformed},
		"later without a previous hash":  {func(v *collection) { v.Previous = zero32 }, abi.ErrMalformed},
		"unknown deposit policy":         {func(v *collection) { v.Deposit = 3 }, abi.ErrMalformed},
		"authors, closed":                {func(v *collection) { v.Deposit = abi.DepositClosed }, abi.ErrMalformed},
		"authors, open":                  {func(v *collection) { v.Deposit = abi.DepositOpen }, abi.ErrMalformed},
		"authors out of order":           {func(v *collection) { v.Authors = [][32]byte{id32(2), id32(1)} }, abi.ErrMalformed},
		"an author twice":                {func(v *collection) { v.Authors = [][32]byte{id32(2), id32(2)} }, abi.ErrMalformed},
		"too many authors":               {func(v *collection) { v.Authors = manyAuthors(MaxAuthors + 1) }, abi.ErrTooLarge},
		"title too long":                 {func(v *collection) { v.Title = make([]byte, MaxTitle+1) }, abi.ErrTooLarge},
		"owner version 0":                {func(v *collection) { v.OwnerVersion = 0 }, abi.ErrMalformed},
		"critical extension":             {func(v *collection) { v.ext = []byte{0x80, 0, 0, 0} }, abi.ErrMalformed},
		"signed by another than claimed": {func(v *collection) { v.Owner = must(OpenIdentity(w.mallory)).ID }, abi.ErrMismatch},
	} {
		v := must(parseCollection(w.second))
		c.change(v)
		got, err := OpenCollection(w.alice, v.resign("alice"), nil)
		if check(t, what, err, c.want); got != nil {
			t.Errorf("%s: a result with the error", what)
		}
	}
	v := must(parseCollection(w.second))
	v.Owner = must(OpenIdentity(w.mallory)).ID
	_, err := OpenCollection(w.mallory, v.resign("alice"), nil)
	check(t, "signature of another", err, abi.ErrSignature)
}

// TestEpochProof: an epoch's key without proof of possession is refused, also
// where the owner's identity is not known.
func TestEpochProof(t *testing.T) {
	w := shared()
	v := must(parseCollection(w.first))
	private := must(epochKey(seedOf("mallory"), id32(3), 1, id16(0), 1))
	body := newWriter("collection")
	v.writeBody(body)
	record := append(bytes.Clone(body.b), must(private.SignSchnorr(v.key, body.b))...)
	record = append(record, must(recordKey(seedOf("alice"))).Sign(body.b)...)
	_, err := OpenCollection(w.alice, record, nil)
	check(t, "owner known", err, abi.ErrSignature)
	_, _, err = NewKey(seedOf("carol"), w.carol, record, id16(0))
	check(t, "owner not known", err, abi.ErrSignature)
}

func manyAuthors(n int) [][32]byte {
	ids := make([][32]byte, n)
	for i := range ids {
		ids[i][0], ids[i][1] = byte(i>>8), byte(i)
	}
	return ids
}

func TestCollectionArguments(t *testing.T) {
	w := shared()
	for what, c := range map[string]struct {
		change func(f *abi.CollectionFields)
		want   *abi.Error
	}{
		"no suite":               {func(f *abi.CollectionFields) { f.Suite = 0 }, abi.ErrSuite},
		"unknown suite":          {func(f *abi.CollectionFields) { f.Suite = 3 }, abi.ErrSuite},
		"unknown deposit policy": {func(f *abi.CollectionFields) { f.Deposit = 3 }, abi.ErrMalformed},
		"authors, open":          {func(f *abi.CollectionFields) { f.Deposit = abi.DepositOpen }, abi.ErrMalformed},
		"too many authors":       {func(f *abi.CollectionFields) { f.Authors = manyAuthors(MaxAuthors + 1) }, abi.ErrTooLarge},
		"title too long":         {func(f *abi.CollectionFields) { f.Title = make([]byte, MaxTitle+1) }, abi.ErrTooLarge},
		"too many readers":       {func(f *abi.CollectionFields) { f.Readers = make([]abi.ReaderRef, MaxReaders+1) }, abi.ErrTooLarge},
	} {
		f := fields(w, 1, 1)
		c.change(f)
		record, err := NewCollection(seedOf("alice"), w.alice, nil, f)
		if check(t, what, err, c.want); record != nil {
			t.Errorf("%s: a record with the error", what)
		}
	}
	_, err := NewCollection(seedOf("bob"), w.alice, nil, fields(w, 1, 1))
	check(t, "another's seed", err, abi.ErrMismatch)
	_, err = NewCollection(seedOf("alice"), w.alice, nil, nil)
	check(t, "no fields", err, abi.ErrMalformed)
	_, err = NewCollection(seedOf("alice"), w.alice, w.first, fields(w, 1, 0x21))
	check(t, "another salt in the epoch", err, abi.ErrMismatch)
	_, err = NewCollection(seedOf("alice"), w.alice, w.foreign, fields(w, 1, 0x20))
	check(t, "after another owner's", err, abi.ErrMismatch)

	wide := fields(w, 1, 1)
	wide.Authors, wide.Title = manyAuthors(MaxAuthors), bytes.Repeat([]byte{'t'}, MaxTitle)
	wide.Authors[0], wide.Authors[700] = wide.Authors[700], wide.Authors[0]
	got := must(OpenCollection(w.alice, must(NewCollection(seedOf("alice"), w.alice, nil, wide)), nil))
	if len(got.Authors) != MaxAuthors || got.Authors[0] != (manyAuthors(1)[0]) || len(got.Title) != MaxTitle {
		t.Error("the widest record is not kept")
	}
}

func TestReadersHash(t *testing.T) {
	a, b, c := abi.ReaderRef{ID: id32(1), Version: 1}, abi.ReaderRef{ID: id32(1), Version: 256}, abi.ReaderRef{ID: id32(0), Version: 9}
	want := must(ReadersHash([]abi.ReaderRef{a, b, c}))
	if must(ReadersHash([]abi.ReaderRef{c, b, a, b, c})) != want {
		t.Error("order or repetition matters")
	}
	for _, other := range [][]abi.ReaderRef{nil, {a}, {a, b}, {a, c}, {b, c}} {
		if must(ReadersHash(other)) == want {
			t.Error("another set has the same hash")
		}
	}
	many := make([]abi.ReaderRef, MaxReaders)
	for i := range many {
		many[i].ID[0], many[i].ID[1], many[i].ID[2] = byte(i), byte(i>>8), byte(i>>16)
	}
	if _, err := ReadersHash(many); err != nil {
		t.Errorf("as many as allowed: %v", err)
	}
	_, err := ReadersHash(append(many, a))
	check(t, "more", err, abi.ErrTooLarge)
}
