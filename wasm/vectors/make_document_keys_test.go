package vectors

import (
	"bytes"
	"slices"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

// keyRecord is that of a value, without a payload.
func (t *story) keyRecord(author *person, value []byte) *record {
	at := t.point() + t.gt()
	return newRecord("key", author.signer, "key id", draw("key id", 16), "service", t.service.id, "owner", t.alice.id,
		"collection", t.collection, "epoch", cat(uint32(1)), "author", author.id, "author version", cat(uint32(1)), "suite", t.s,
		"ephemeral key", value[:t.point()], "auth hash", value[at:at+32], "has payload", []byte{0}, "payload length", cat(uint64(0)),
		"payload hash", make([]byte, 32))
}

// withPayload returns a key record with a payload.
func (t *story) withPayload(r *record) *record {
	return r.with("has payload", []byte{1}).with("payload length", cat(uint64(1)<<33)).with("payload hash", sum([]byte("a payload")))
}

// documentKey is the key that a record's plaintext gives.
func (t *story) documentKey(r *record, plaintext []byte) []byte {
	var info []byte
	for _, name := range []string{"key id", "service", "owner", "collection", "epoch", "author", "author version", "suite"} {
		info = append(info, r.fields[name]...)
	}
	return derive(sum(plaintext), nil, "recrypt-service document key v1"+string(info), 32)
}

// makeDocumentKeys makes the vectors of key records and of what they carry.
func (m *maker) makeDocumentKeys(t *story) {
	at := t.name + "/key/"
	alice, collection, id := t.alice, t.second.sign(), draw("key id", 16)
	m.ok(at+"new", "A document key, drawn by the owner.", abi.OpNewKey, alice.seed, alice.identity, collection, id)
	m.ok(at+"new-by-author", "A document key, drawn by a listed author.", abi.OpNewKey, t.carol.seed, t.carol.identity, collection, id)
	plain := m.ok(at+"record", "A key record without a payload.", abi.OpNewKeyRecord, alice.seed, alice.identity, collection, id, t.value, []byte{0}, abi.U64(0), nil, nil)[0]
	full := m.ok(at+"record-with-payload", "A key record with a payload.", abi.OpNewKeyRecord, alice.seed, alice.identity, collection, id, t.value,
		[]byte{1}, abi.U64(1<<33), sum([]byte("a payload")), nil)[0]
	if !bytes.Equal(plain, t.key.sign()) || !bytes.Equal(full, t.withPayload(t.key).sign()) {
		panic("another key record")
	}
	m.ok(at+"open", "A key record with collection and encrypted value.", abi.OpOpenKeyRecord, alice.identity, collection, plain, t.value)
	m.ok(at+"open-alone", "A key record with a payload, and its author only.", abi.OpOpenKeyRecord, alice.identity, nil, full, nil)
	service := t.service.identity
	own := m.ok(at+"unwrap", "The owner opens the document key.", abi.OpOpenKey, alice.seed, alice.identity, alice.identity, collection, service, plain, t.value)[0]
	read := m.ok(at+"unwrap-transformed", "A reader opens the document key from the transformed value.", abi.OpOpenKey, t.bob.seed, t.bob.identity, alice.identity, collection, service, plain, t.transformed)[0]
	if want := t.documentKey(t.key, t.plaintext); !bytes.Equal(own, want) || !bytes.Equal(read, want) {
		panic("another document key")
	}
	m.ok(at+"transform", "The service transforms a value for a reader.", abi.OpTransformKeyValue, t.service.seed, t.value, t.transformKey)
	d := &damage{m, at, "open", "key record", t.key}
	for _, f := range t.someFaults() {
		d.signed("ephemeral-key-"+f.name, "The ephemeral key is damaged. "+f.about, "ephemeral key", f.b, malformed)
	}
	m.makeUnwrapping(t)
	m.makeValueTransforms(t)
	m.makeKeyBatches(t)
	if !t.full {
		return
	}
	m.makeKeyFields(t, d)
	m.makeKeyRelations(t)
	m.makeNewKeyFaults(t)
	d.unsignedFlips(nil, map[string]abi.Status{"author": mismatch, "author version": malformed, "suite": suiteFault, "ephemeral key": malformed,
		"has payload": signature, "payload length": malformed, "payload hash": malformed})
	d.common()
	d.known()
	m.makeExtensionArgument(at+"record-", "record")
}

// makeKeyFields makes faults of fields that are signed.
func (m *maker) makeKeyFields(t *story, d *damage) {
	d.bad("empty", "No bytes.", nil, malformed)
	d.bad("grant", "A grant in place of the key record.", t.grant.sign(), malformed)
	d.signed("author-version-0", "The author's version is 0, signed.", "author version", cat(uint32(0)), malformed)
	d.signed("author-version-2", "The author's version is one that the identity does not have, signed.", "author version", cat(uint32(2)), mismatch)
	d.signed("author-other", "The author is somebody else, signed.", "author", t.carol.id, mismatch)
	d.signed("suite-unknown", "There is no suite 3, signed.", "suite", []byte{3}, suiteFault)
	d.signed("service-other", "Another service than the collection's, signed.", "service", flip(t.service.id, 0), mismatch)
	d.signed("owner-other", "Another owner than the collection's, signed.", "owner", t.carol.id, mismatch)
	d.signed("collection-other", "Another collection, signed.", "collection", flip(t.collection, 0), mismatch)
	d.signed("epoch-other", "Another epoch than the collection record's, signed.", "epoch", cat(uint32(2)), mismatch)
	d.signed("ephemeral-key-other", "Another ephemeral key than the value's, signed.", "ephemeral key", t.bob.keys[0].public, mismatch)
	d.signed("auth-hash-other", "Another authHash than the value's, signed.", "auth hash", sum(nil), mismatch)
	d.signed("payload-2", "A payload is neither there nor absent, signed.", "has payload", []byte{2}, malformed)
	d.signed("payload-absent-length", "No payload, but a length, signed.", "payload length", cat(uint64(1)), malformed)
	d.signed("payload-absent-hash", "No payload, but a hash, signed.", "payload hash", sum(nil), malformed)
	m.okLike(d.at+"payload-of-nothing", "A payload of no bytes.", d.twin, d.arg, t.key.with("has payload", []byte{1}).with("payload hash", sum(nil)).sign())
}

// makeKeyRelations makes key records with records and values that belong to others.
func (m *maker) makeKeyRelations(t *story) {
	at := t.name + "/key/with-"
	bad := func(name, about, arg string, b []byte, want abi.Status) { m.bad(at+name, about, "open", arg, b, want) }
	other := object(t.name+"/another value", abi.OpEncrypt, t.s, t.plaintext, t.epoch.public, t.alice.innerKey())[0]
	bad("author-other", "The identity is not the author's.", "author", t.bob.identity, mismatch)
	bad("collection-epoch", "The collection record of another epoch.", "collection", t.collectionRecord(2, 2, sum(t.second.sign()), nil).sign(), mismatch)
	bad("collection-damaged", "The collection record has a bad signature.", "collection", flip(t.second.sign(), -1), signature)
	m.okLike(at+"collection-before", "The collection record before, of the same epoch.", "open", "collection", t.first.sign())
	bad("value-other", "Another value of the same plaintext.", "encrypted value", other, mismatch)
	bad("value-transformed", "The value was transformed.", "encrypted value", t.transformed, mismatch)
	bad("value-resigned", "Somebody else has signed the value.", "encrypted value", t.signValue(t.value, t.carol), mismatch)
	bad("value-signature", "The value's signature is bad.", "encrypted value", flip(t.value, -64), signature)
	bad("value-message", "The value's message is 0.", "encrypted value", t.signValue(splice(t.value, t.point(), make([]byte, t.gt())), t.alice), malformed)
}

// signValue signs a value as somebody.
func (t *story) signValue(value []byte, p *person) []byte {
	payload, public := value[:len(value)-96], edPublic(p.inner)
	return slices.Concat(payload, public, edSign(p.inner, slices.Concat(public, payload)))
}

// makeNewKeyFaults makes faults of what an author gives.
func (m *maker) makeNewKeyFaults(t *story) {
	at := t.name + "/key/"
	bad := func(name, about, arg string, b []byte, want abi.Status) {
		m.bad(at+"new-"+name, about, "new", arg, b, want)
		m.bad(at+"record-"+name, about, "record", arg, b, want)
	}
	bad("seed-of-another", "The seed is not the author's.", "seed", t.bob.seed, mismatch)
	bad("author-of-another", "The identity is not the seed's.", "author", t.bob.identity, mismatch)
	bad("collection-damaged", "The collection record has a bad signature.", "collection", flip(t.second.sign(), -1), signature)
	bad("key-id-short", "The key's id lacks a byte.", "key id", draw("key id", 15), malformed)
	m.ok(at+"record-by-author", "A key record of a listed author.", abi.OpNewKeyRecord, t.carol.seed, t.carol.identity, t.second.sign(), draw("key id", 16),
		t.signValue(t.value, t.carol), []byte{0}, abi.U64(0), nil, nil)
	none := t.second.with("authors", cat(uint16(0)))
	m.bad(at+"new-not-author", "The author is not listed.", "new-by-author", "collection", none.sign(), mismatch)
	closed := none.with("deposit", []byte{abi.DepositClosed})
	m.bad(at+"new-closed", "Only the owner may deposit.", "new-by-author", "collection", closed.sign(), mismatch)
	m.okLike(at+"new-closed-owner", "Only the owner may deposit, and does.", "new", "collection", closed.sign())
	m.okLike(at+"new-open", "Anybody may deposit.", "new-by-author", "collection", none.with("deposit", []byte{abi.DepositOpen}).sign())
	record := func(name, about, arg string, b []byte, want abi.Status) {
		m.bad(at+"record-"+name, about, "record", arg, b, want)
	}
	record("value-transformed", "The value was transformed.", "encrypted value", t.transformed, mismatch)
	record("value-of-another", "Somebody else has signed the value.", "encrypted value", t.signValue(t.value, t.carol), mismatch)
	record("value-signature", "The value's signature is bad.", "encrypted value", flip(t.value, -64), signature)
	record("payload-length", "No payload, but a length.", "payload length", abi.U64(1), malformed)
	record("payload-hash", "No payload, but a hash.", "payload hash", sum(nil), malformed)
	record("payload-without-hash", "A payload without a hash.", "has payload", []byte{1}, malformed)
}

// makeUnwrapping makes the faults of opening a document key.
func (m *maker) makeUnwrapping(t *story) {
	at := t.name + "/key/unwrap-"
	bad := func(name, about, arg string, b []byte, want abi.Status) {
		m.bad(at+name, about, "unwrap-transformed", arg, b, want)
	}
	toCarol := object(t.name+"/unwrap to carol", abi.OpTransformKey, t.s, t.epoch.private, t.carol.keys[0].public, t.alice.innerKey())[0]
	forCarol := object(t.name+"/unwrap for carol", abi.OpTransform, t.s, t.value, toCarol, t.service.innerKey())[0]
	bad("for-another", "The value was transformed for somebody else.", "encrypted value", forCarol, decrypt)
	bad("auth-hash", "The value's message is another one, signed by the service.", "encrypted value",
		t.signValue(splice(t.transformed, t.point(), t.plaintext), t.service), decrypt)
	if !t.full {
		return
	}
	bad("service-missing", "The value was transformed, and no service is given.", "service", nil, malformed)
	bad("service-other", "The service is not the collection's.", "service", newServer("another service").identity, mismatch)
	bad("not-the-service", "Somebody else has signed the transformed value.", "encrypted value", t.signValue(t.transformed, t.carol), mismatch)
	bad("signature", "The transformed value's signature is bad.", "encrypted value", flip(t.transformed, -64), signature)
	bad("level-0", "A reader is given the value as it was deposited.", "encrypted value", t.value, mismatch)
	carolToBob := object(t.name+"/unwrap carol to bob", abi.OpTransformKey, t.s, t.carol.keys[0].private, t.bob.keys[0].public, t.alice.innerKey())[0]
	twice := object(t.name+"/unwrap twice", abi.OpTransform, t.s, forCarol, carolToBob, t.service.innerKey())[0]
	bad("level-2", "The value was transformed twice.", "encrypted value", twice, mismatch)
	bad("seed-of-another", "The seed is not the reader's.", "seed", t.carol.seed, mismatch)
	bad("own-of-another", "The identity is not the reader's.", "own", t.carol.identity, mismatch)
	bad("author-other", "The identity is not the author's.", "author", t.carol.identity, mismatch)
	bad("collection-epoch", "The collection record of another epoch.", "collection", t.collectionRecord(2, 2, sum(t.second.sign()), nil).sign(), mismatch)
	bad("record-signature", "The key record has a bad signature.", "key record", flip(t.key.sign(), -1), signature)
	bad("record-of-other-value", "The key record is for another value.", "key record", t.key.with("auth hash", sum(nil)).sign(), mismatch)
	m.bad(at+"owner-wrong-seed", "The seed is not the owner's.", "unwrap", "seed", t.bob.seed, mismatch)
	m.bad(at+"owner-value-of-another", "Somebody else has signed the value.", "unwrap", "encrypted value", t.signValue(t.value, t.carol), mismatch)
}

// makeValueTransforms makes the faults of the service's transform.
func (m *maker) makeValueTransforms(t *story) {
	at := t.name + "/key/transform-"
	bad := func(name, about, arg string, b []byte, want abi.Status) {
		m.bad(at+name, about, "transform", arg, b, want)
	}
	bad("hashed-off-subgroup", "hashedTempKey is outside the subgroup.", "transform key", splice(t.transformKey, 16*t.n, t.bytesTwist(t.findTwist(1))), malformed)
	bad("key-signature", "The transform key's signature is bad.", "transform key", flip(t.transformKey, -64), signature)
	bad("key-short", "The transform key has a length that no suite has.", "transform key", t.transformKey[:len(t.transformKey)-1], malformed)
	bad("value-signature", "The value's signature is bad.", "encrypted value", flip(t.value, -64), signature)
	bad("value-transformed", "The value was transformed already.", "encrypted value", t.transformed, mismatch)
	if t.full {
		m.lengths(at+"seed-", "The seed", "transform", "service seed", malformed)
	}
}

// makeMixedSuites makes records of one suite that meet records of the other.
func (m *maker) makeMixedSuites(a, b *story) {
	at := a.name + "/"
	m.bad(at+"key/transform-value-of-other-suite", "The value is one of the other suite.", "transform", "encrypted value", b.value, suiteFault)
	m.bad(at+"key/transform-key-of-other-suite", "The transform key is one of the other suite.", "transform", "transform key", b.transformKey, suiteFault)
	m.bad(at+"grant/new-reader-of-other-suite", "The reader has no key of the collection's suite.", "new", "reader", b.bob.identity, suiteFault)
	m.bad(at+"grant/names-reader-of-other-suite", "The reader's identity has no key of the grant's suite.", "open", "reader", b.bob.identity, mismatch)
	m.bad(at+"collection/new-suite-changed", "The suite is not the one of the record before.", "new-next", "suite", b.s, mismatch)
	both := newPerson("alice", recrypt.Suite256, recrypt.Suite480)
	signed := func(r *record) []byte { return r.with("owner", both.id).sign() }
	at = b.name + "/collection/chain-"
	m.ok(at+"same-suite", "A record and the one before it, both of recrypt480.", abi.OpOpenCollection, both.identity,
		signed(b.second.with("previous hash", sum(signed(b.first)))), signed(b.first))
	other := a.first.with("collection", b.first.fields["collection"])
	m.bad(at+"suite-changed", "The record before is of the other suite.", "chain-same-suite", "previous", signed(other), mismatch)
}
