package vectors

import (
	"bytes"
	"slices"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

// A story is what the records of one suite are about: alice shares a collection
// with bob, carol deposits into it, and the service transforms.
type story struct {
	*world
	full bool // also the faults that have nothing to do with the suite

	alice, bob, carol, service *person
	collection                 []byte // id
	epoch                      prover // key of epoch 1

	first, second *record // of the collection
	grant, key    *record
	transformKey  []byte
	value         []byte // of the key record, level 0
	transformed   []byte // level 1, for bob
	revocation    *record
}

// makeRecords makes the vectors of all records.
func (m *maker) makeRecords() {
	for _, s := range recrypt.Suites() {
		w := m.world(s)
		m.makeIdentity(w)
		t := newStory(w)
		m.makeCollections(t)
		m.makeGrants(t)
		m.makeDocumentKeys(t)
		m.makeRevocations(t)
		m.makeReceipts(t)
		m.makeEdge(t)
	}
	m.makeBothSuites()
	a, b := newStory(m.world(recrypt.Suite256)), newStory(m.world(recrypt.Suite480))
	m.makeMixedSuites(a, b)
	m.makeVersions(a)
	m.makeKeyChanges(a)
	m.makeCheckpoints(a)
	m.makeOpenCheckpoints(a)
	m.makeProofs()
	m.makeLeaves(a)
	m.makeLinks()
}

func newStory(w *world) *story {
	t := &story{world: w, full: w.suite == recrypt.Suite256}
	t.alice, t.bob, t.carol, t.service = newPerson("alice", w.suite), newPerson("bob", w.suite), newPerson("carol", w.suite), newServer("the service")
	t.collection = derive(t.alice.seed, nil, "recrypt-service default collection v1"+string(t.service.id), 16)
	t.epoch = t.epochKey(1, t.salt(1))
	t.first = t.collectionRecord(1, 0, nil, t.readers())
	t.second = t.collectionRecord(1, 1, sum(t.first.sign()), t.readers(t.bob))

	t.transformKey = object(w.name+"/story/transform key", abi.OpTransformKey, w.s, t.epoch.private, t.bob.keys[0].public, t.alice.innerKey())[0]
	t.value = object(w.name+"/story/value", abi.OpEncrypt, w.s, w.plaintext, t.epoch.public, t.alice.innerKey())[0]
	t.transformed = object(w.name+"/story/transformed", abi.OpTransform, w.s, t.value, t.transformKey, t.service.innerKey())[0]
	t.grant = t.grantRecord()
	t.key = t.keyRecord(t.alice, t.value)
	t.revocation = newRecord("revocation", t.alice.signer, "revocation id", draw("revocation id", 16), "service", t.service.id,
		"owner", t.alice.id, "owner version", cat(uint32(1)), "collection", t.collection, "sequence", cat(uint64(1)),
		"collection hash", sum(t.second.sign()), "reader", t.bob.id, "time", cat(uint64(1_750_000_000_000)))
	return t
}

// salt is that of an epoch.
func (t *story) salt(epoch byte) []byte { return draw("salt of epoch "+string('0'+rune(epoch)), 32) }

func (t *story) epochKey(epoch uint32, salt []byte) prover {
	info := cat("recrypt-service epoch key v1", []byte(t.s), t.collection, epoch)
	private := must(recrypt.DerivePrivateKey(t.suite, derive(t.alice.seed, salt, string(info), t.suite.UniformSize())))
	return prover{t.suite, pair{private.Bytes(), private.PublicKey().Bytes()}}
}

// readers are people as a collection's operations take them: version little-endian.
func (t *story) readers(people ...*person) (b []byte) {
	for _, p := range people {
		b = append(append(b, p.id...), abi.U32(1)...)
	}
	return b
}

// readersHash is that of package protocol for at most one reader.
func readersHash(readers []byte) []byte {
	b := cat("recrypt-service readers v1", uint32(len(readers)/36))
	if len(readers) > 0 {
		b = cat(b, readers[:32], uint32(1))
	}
	return sum(b)
}

// collectionRecord is alice's, with carol as an author.
func (t *story) collectionRecord(epoch byte, sequence uint64, previous, readers []byte) *record {
	if previous == nil {
		previous = make([]byte, 32)
	}
	key := t.epochKey(uint32(epoch), t.salt(epoch))
	r := newRecord("collection", t.alice.signer, "service", t.service.id, "owner", t.alice.id, "owner version", cat(uint32(1)),
		"collection", t.collection, "sequence", cat(sequence), "previous hash", previous, "epoch", cat(uint32(epoch)),
		"suite", t.s, "public key", key.public, "salt", t.salt(epoch), "readers hash", readersHash(readers),
		"deposit", []byte{abi.DepositListed}, "authors", cat(uint16(1), t.carol.id), "title", text("a title"))
	r.proofs = []prover{key}
	return r
}

// makeCollections makes the vectors of collection records.
func (m *maker) makeCollections(t *story) {
	at := t.name + "/collection/"
	owner, first, second := t.alice.identity, t.first.sign(), t.second.sign()
	m.ok(at+"default-id", "The id of the default collection.", abi.OpDefaultCollection, t.alice.seed, t.service.id)
	args := [][]byte{t.alice.seed, owner, t.service.id, nil, t.collection, abi.U32(1), t.s, t.salt(1), nil, {abi.DepositListed}, t.carol.id, []byte("a title"), nil}
	if got := m.ok(at+"new-first", "The first record of a collection.", abi.OpNewCollection, args...); !bytes.HasPrefix(got[0], t.first.body()) {
		panic("another first record")
	}
	args[3], args[8] = first, t.readers(t.bob)
	if got := m.ok(at+"new-next", "The next record of the same epoch, with a reader.", abi.OpNewCollection, args...); !bytes.HasPrefix(got[0], t.second.body()) {
		panic("another second record")
	}
	next := slices.Clone(args)
	next[3], next[5], next[7], next[8] = second, abi.U32(2), t.salt(2), nil
	m.ok(at+"new-epoch", "The first record of the next epoch, without readers.", abi.OpNewCollection, next...)
	m.ok(at+"open-first", "The first record of a collection.", abi.OpOpenCollection, owner, first, nil)
	m.ok(at+"open-alone", "A later record, without the one before it.", abi.OpOpenCollection, owner, second, nil)
	m.ok(at+"open-next", "A record and the one before it.", abi.OpOpenCollection, owner, second, first)
	third := t.collectionRecord(2, 2, sum(second), nil)
	m.ok(at+"open-epoch", "A record that opens the next epoch, and the one before it.", abi.OpOpenCollection, owner, third.sign(), second)

	d := &damage{m, at, "open-next", "collection", t.second}
	for _, f := range t.someFaults() {
		d.signed("key-"+f.name, "The epoch's key is damaged. "+f.about, "public key", f.b, malformed)
	}
	d.bad("proof-changed", "A bit of the proof of possession is changed.", flip(second, len(t.second.body())), signature)
	d.signed("key-of-another", "The epoch's key is somebody else's, whose proof is missing.", "public key", t.bob.keys[0].public, signature)
	if !t.full {
		return
	}
	delete(m.vectors, at+"proof-changed")
	m.makeNewCollectionFaults(t)
	m.makeReaders(t)
	m.makeCollectionFields(t, d)
	m.makeCollectionChain(t, third)
	d.unsignedFlips(map[string][]byte{"previous hash": flip(t.second.fields["previous hash"], 0)},
		map[string]abi.Status{"owner version": malformed, "sequence": malformed, "suite": suiteFault,
			"public key": malformed, "deposit": malformed})
	d.common()
	d.known()
	m.makeExtensionArgument(at+"new-", "new-next")
	m.makeTitles(t)
}

// makeCollectionFields makes faults of fields that are signed.
func (m *maker) makeCollectionFields(t *story, d *damage) {
	zero := make([]byte, 32)
	d.bad("empty", "No bytes.", nil, malformed)
	d.bad("identity", "An identity in place of the collection.", t.alice.identity, malformed)
	d.signed("owner-version-0", "The owner's version is 0, signed.", "owner version", cat(uint32(0)), malformed)
	d.signed("owner-version-2", "The owner's version is one that the identity does not have, signed.", "owner version", cat(uint32(2)), mismatch)
	d.signed("owner-other", "The owner is somebody else, signed.", "owner", t.bob.id, mismatch)
	d.signed("suite-unknown", "There is no suite 3, signed.", "suite", []byte{3}, suiteFault)
	d.signed("previous-zero", "A later record without the hash of the one before it, signed.", "previous hash", zero, malformed)
	d.signed("sequence-0", "The first record has the hash of one before it, signed.", "sequence", cat(uint64(0)), malformed)
	d.signed("deposit-3", "There is no policy 3, signed.", "deposit", []byte{3}, malformed)
	d.signed("deposit-closed", "Authors are listed under a policy that does not use them, signed.", "deposit", []byte{abi.DepositClosed}, malformed)
	d.signed("deposit-open", "Authors are listed although anybody may deposit, signed.", "deposit", []byte{abi.DepositOpen}, malformed)
	low, high := t.bob.id, t.carol.id
	if bytes.Compare(low, high) > 0 {
		low, high = high, low
	}
	ok := func(name, about, field string, value []byte) {
		m.okLike(d.at+name, about, d.twin, d.arg, t.second.with(field, value).sign())
	}
	ok("authors-two", "Two authors in order.", "authors", cat(uint16(2), low, high))
	ok("authors-none", "No author is listed.", "authors", cat(uint16(0)))
	d.signed("authors-unordered", "Two authors in descending order, signed.", "authors", cat(uint16(2), high, low), malformed)
	d.signed("authors-twice", "One author twice, signed.", "authors", cat(uint16(2), low, low), malformed)
	d.signed("authors-too-many", "1025 authors, signed.", "authors", cat(uint16(1025), bytes.Repeat(low, 1025)), tooLarge)
	d.signed("authors-count", "There are fewer authors than it says, signed.", "authors", cat(uint16(1000), low), malformed)
	ok("title-none", "No title.", "title", text(""))
	ok("title-longest", "A title of 512 bytes.", "title", text(string(bytes.Repeat([]byte("t"), 512))))
	ok("title-any", "A title of any bytes: it is encrypted.", "title", text("\xff\x00\xfe"))
	d.signed("title-too-long", "A title of 513 bytes, signed.", "title", text(string(bytes.Repeat([]byte("t"), 513))), tooLarge)
	d.signed("title-length", "The title is shorter than it says, signed.", "title", cat(uint16(500), "a title"), malformed)
	m.bad(d.at+"owner-identity-other", "The identity is not the owner's.", d.twin, "owner", t.bob.identity, mismatch)
	m.bad(d.at+"owner-identity-damaged", "The owner's identity has a bad signature.", d.twin, "owner", flip(t.alice.identity, -1), signature)
}

// makeCollectionChain makes records that do not follow the one before them.
func (m *maker) makeCollectionChain(t *story, third *record) {
	at := t.name + "/collection/chain-"
	next := func(name, about string, r *record) {
		m.bad(at+name, about, "open-next", "collection", r.sign(), mismatch)
	}
	epoch := func(name, about string, r *record) {
		m.bad(at+name, about, "open-epoch", "collection", r.sign(), mismatch)
	}
	m.bad(at+"same", "The record before is the record itself.", "open-next", "previous", t.second.sign(), mismatch)
	m.bad(at+"previous-damaged", "The record before has a bad signature.", "open-next", "previous", flip(t.first.sign(), -1), signature)
	m.bad(at+"previous-other", "The record before is another one of the same sequence.", "open-next", "previous",
		t.first.with("title", text("another title")).sign(), mismatch)
	next("service", "The record is for another service.", t.second.with("service", flip(t.service.id, 0)))
	next("collection", "The record is of another collection.", t.second.with("collection", flip(t.collection, 0)))
	next("sequence-skipped", "A sequence number is left out.", t.second.with("sequence", cat(uint64(2))))
	next("sequence-highest", "The highest sequence number.", t.second.with("sequence", cat(uint64(1<<64-1))))
	next("hash", "The hash of the record before is wrong.", t.second.with("previous hash", flip(sum(t.first.sign()), 0)))
	next("salt", "The salt changes within an epoch.", t.second.with("salt", t.salt(2)))
	other := t.epochKey(2, t.salt(2))
	changed := t.second.with("public key", other.public)
	changed.proofs = []prover{other}
	next("key", "The key changes within an epoch.", changed)
	epoch("epoch-skipped", "An epoch is left out.", third.with("epoch", cat(uint32(3))))
	epoch("epoch-back", "The epoch before.", third.with("epoch", cat(uint32(0))))
	epoch("epoch-old-salt", "A new epoch with the old salt.", third.with("salt", t.salt(1)))
	old := third.with("public key", t.epoch.public)
	old.proofs = []prover{t.epoch}
	epoch("epoch-old-key", "A new epoch with the old key.", old)
}

// makeNewCollectionFaults makes faults of what the owner gives.
func (m *maker) makeNewCollectionFaults(t *story) {
	at := t.name + "/collection/new-"
	bad := func(name, about, arg string, b []byte, want abi.Status) {
		m.bad(at+name, about, "new-next", arg, b, want)
	}
	m.lengths(at+"seed-", "The seed", "new-next", "seed", malformed)
	bad("seed-of-another", "The seed is not the owner's.", "seed", t.bob.seed, mismatch)
	bad("owner-of-another", "The identity is not the seed's.", "owner", t.bob.identity, mismatch)
	bad("service-changed", "The service is not the one of the record before.", "service id", flip(t.service.id, 0), mismatch)
	bad("collection-changed", "The collection is not the one of the record before.", "collection id", flip(t.collection, 0), mismatch)
	bad("epoch-skipped", "An epoch is left out.", "epoch", abi.U32(3), mismatch)
	bad("epoch-old-salt", "A new epoch with the old salt.", "epoch", abi.U32(2), mismatch)
	bad("salt-changed", "Another salt within an epoch.", "salt", t.salt(2), mismatch)
	bad("suite-unknown", "There is no suite 3.", "suite", []byte{3}, suiteFault)
	bad("deposit-3", "There is no policy 3.", "deposit", []byte{3}, malformed)
	bad("deposit-closed", "Authors are listed under a policy that does not use them.", "deposit", []byte{abi.DepositClosed}, malformed)
	bad("authors-cut", "An author's id lacks a byte.", "authors", t.carol.id[:31], malformed)
	bad("authors-too-many", "1025 authors.", "authors", make([]byte, 1025*32), tooLarge)
	bad("readers-cut", "A reader lacks a byte.", "readers", t.readers(t.bob)[:35], malformed)
	bad("title-too-long", "A title of 513 bytes.", "title", bytes.Repeat([]byte("t"), 513), tooLarge)
	bad("previous-damaged", "The record before has a bad signature.", "previous", flip(t.first.sign(), -1), signature)
}

// makeReaders makes the vectors of readers hashes.
func (m *maker) makeReaders(t *story) {
	at := t.name + "/readers/"
	one, two := t.readers(t.bob), t.readers(t.bob, t.carol)
	m.ok(at+"none", "No readers.", abi.OpReadersHash, nil)
	m.ok(at+"one", "One reader.", abi.OpReadersHash, one)
	a := m.ok(at+"two", "Two readers.", abi.OpReadersHash, two)[0]
	b := m.ok(at+"two-reversed", "Two readers in the opposite order: the same hash.", abi.OpReadersHash, t.readers(t.carol, t.bob))[0]
	c := m.ok(at+"two-repeated", "A reader twice: the same hash.", abi.OpReadersHash, t.readers(t.carol, t.bob, t.carol))[0]
	if !bytes.Equal(a, b) || !bytes.Equal(a, c) || !bytes.Equal(m.vectors[at+"one"].Results[0].Bytes(), readersHash(one)) {
		panic("another hash of readers")
	}
	m.ok(at+"two-versions", "Two versions of one reader: two readers.", abi.OpReadersHash, slices.Concat(one, one[:32], abi.U32(2)))
	m.bad(at+"cut", "The last byte is missing.", "two", "readers", two[:71], malformed)
	m.bad(at+"too-many", "100001 readers.", "one", "readers", make([]byte, 36*100001), tooLarge)
}
