package vectors

import (
	"bytes"
	"slices"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// grantRecord is alice's for bob: pending, with two keys in scope.
func (t *story) grantRecord() *record {
	low, high := bytes.Repeat([]byte{0x50}, 16), bytes.Repeat([]byte{0x90}, 16)
	return newRecord("grant", t.alice.signer, "grant id", draw("grant id", 16), "service", t.service.id, "owner", t.alice.id,
		"owner version", cat(uint32(1)), "collection", t.collection, "epoch", cat(uint32(1)), "suite", t.s, "epoch key", t.epoch.public,
		"collection hash", sum(t.second.sign()), "reader", t.bob.id, "reader version", cat(uint32(1)), "reader key", t.bob.keys[0].public,
		"transform key hash", sum(t.transformKey), "kind", []byte{abi.GrantPending}, "scope", cat(uint16(2), low, high),
		"not before", cat(uint64(1_700_000_000_000)), "expires", cat(uint64(1_800_000_000_000)), "wait", cat(uint64(86_400_000)), "uses", cat(uint32(7)))
}

// makeGrants makes the vectors of grants.
func (m *maker) makeGrants(t *story) {
	at := t.name + "/grant/"
	collection, grant := t.second.sign(), t.grant.sign()
	m.ok(at+"new", "A pending grant with everything that a grant can have.", abi.OpNewGrant, t.alice.seed, t.alice.identity, collection, t.bob.identity,
		draw("grant id", 16), []byte{abi.GrantPending}, t.grant.fields["scope"][2:], abi.U64(1_700_000_000_000), abi.U64(1_800_000_000_000),
		abi.U64(86_400_000), abi.U32(7), nil)
	m.ok(at+"new-plain", "A direct grant without limits.", abi.OpNewGrant, t.alice.seed, t.alice.identity, collection, t.bob.identity,
		draw("grant id", 16), []byte{abi.GrantDirect}, nil, abi.U64(0), abi.U64(0), abi.U64(0), abi.U32(0), nil)
	m.ok(at+"open", "A grant with collection, reader and transform key.", abi.OpOpenGrant, t.alice.identity, collection, t.bob.identity, grant, t.transformKey)
	m.ok(at+"open-alone", "A grant with its owner only.", abi.OpOpenGrant, t.alice.identity, nil, nil, grant, nil)
	d := &damage{m, at, "open-alone", "grant", t.grant}
	for _, f := range t.someFaults() {
		d.signed("epoch-key-"+f.name, "The epoch's key is damaged. "+f.about, "epoch key", f.b, malformed)
		d.signed("reader-key-"+f.name, "The reader's key is damaged. "+f.about, "reader key", f.b, malformed)
	}
	m.makeGrantKeys(t)
	if !t.full {
		return
	}
	m.makeNewGrantFaults(t)
	m.makeGrantFields(t, d)
	m.makeGrantRelations(t)
	d.unsignedFlips(nil, map[string]abi.Status{"owner": mismatch, "owner version": malformed, "suite": suiteFault, "epoch key": malformed,
		"reader key": malformed, "reader version": malformed, "kind": malformed})
	d.common()
	d.known()
	m.makeExtensionArgument(at+"new-", "new")
	m.makeManyGrants(t)
}

// makeGrantFields makes faults of fields that are signed.
func (m *maker) makeGrantFields(t *story, d *damage) {
	low, high := bytes.Repeat([]byte{0x50}, 16), bytes.Repeat([]byte{0x90}, 16)
	ok := func(name, about, field string, value []byte) {
		m.okLike(d.at+name, about, d.twin, d.arg, t.grant.with(field, value).sign())
	}
	d.bad("empty", "No bytes.", nil, malformed)
	d.bad("collection", "A collection in place of the grant.", t.second.sign(), malformed)
	d.signed("owner-version-0", "The owner's version is 0, signed.", "owner version", cat(uint32(0)), malformed)
	d.signed("owner-version-2", "The owner's version is one that the identity does not have, signed.", "owner version", cat(uint32(2)), mismatch)
	d.signed("owner-other", "The owner is somebody else, signed.", "owner", t.carol.id, mismatch)
	d.signed("reader-version-0", "The reader's version is 0, signed.", "reader version", cat(uint32(0)), malformed)
	d.signed("reader-owner", "The reader is the owner, signed.", "reader", t.alice.id, mismatch)
	d.signed("reader-key-epoch", "The reader's key is the epoch's, signed.", "reader key", t.epoch.public, mismatch)
	d.signed("suite-unknown", "There is no suite 3, signed.", "suite", []byte{3}, suiteFault)
	d.signed("kind-0", "There is no kind 0, signed.", "kind", []byte{0}, malformed)
	d.signed("kind-4", "There is no kind 4, signed.", "kind", []byte{4}, malformed)
	d.signed("kind-direct-waits", "A waiting period, but the kind is direct, signed.", "kind", []byte{abi.GrantDirect}, malformed)
	d.signed("kind-link-waits", "A waiting period, but the kind is link, signed.", "kind", []byte{abi.GrantLink}, malformed)
	ok("wait-none", "A pending grant without a waiting period.", "wait", cat(uint64(0)))
	ok("scope-none", "The whole epoch: no keys are named.", "scope", cat(uint16(0)))
	d.signed("scope-unordered", "Two keys in descending order, signed.", "scope", cat(uint16(2), high, low), malformed)
	d.signed("scope-twice", "One key twice, signed.", "scope", cat(uint16(2), low, low), malformed)
	d.signed("scope-too-many", "1025 keys, signed.", "scope", cat(uint16(1025), bytes.Repeat(low, 1025)), tooLarge)
	d.signed("scope-count", "There are fewer keys than it says, signed.", "scope", cat(uint16(1000), low), malformed)
	ok("expires-never", "The grant never expires.", "expires", cat(uint64(0)))
	ok("uses-unlimited", "The uses are not limited.", "uses", cat(uint32(0)))
	d.signed("expires-at-once", "The grant expires when it begins, signed.", "expires", cat(uint64(1_700_000_000_000)), malformed)
	d.signed("expires-before", "The grant expires before it begins, signed.", "expires", cat(uint64(1)), malformed)
	m.bad(d.at+"owner-identity-other", "The identity is not the owner's.", d.twin, "owner", t.carol.identity, mismatch)
}

// makeGrantRelations makes grants with records that belong to others.
func (m *maker) makeGrantRelations(t *story) {
	at := t.name + "/grant/with-"
	bad := func(name, about, arg string, b []byte, want abi.Status) { m.bad(at+name, about, "open", arg, b, want) }
	bad("collection-before", "The collection record before the one that the grant names.", "collection", t.first.sign(), mismatch)
	bad("collection-damaged", "The collection record has a bad signature.", "collection", flip(t.second.sign(), -1), signature)
	bad("reader-other", "The identity is not the reader's.", "reader", t.carol.identity, mismatch)
	bad("reader-damaged", "The reader's identity has a bad signature.", "reader", flip(t.bob.identity, -1), signature)
	grant := func(name, about, field string, value []byte) {
		bad(name, about, "grant", t.grant.with(field, value).sign(), mismatch)
	}
	grant("service-other", "The grant is for another service than the collection.", "service", flip(t.service.id, 0))
	grant("collection-other", "The grant is for another collection.", "collection", flip(t.collection, 0))
	grant("epoch-other", "The grant is for another epoch than the collection record.", "epoch", cat(uint32(2)))
	grant("epoch-key-other", "The grant has another epoch key than the collection record.", "epoch key", t.carol.keys[0].public)
	grant("collection-hash-other", "The grant names another collection record.", "collection hash", sum(nil))
	grant("reader-version-other", "The grant names a version that the reader does not have.", "reader version", cat(uint32(2)))
	grant("reader-key-other", "The grant has another key than the reader.", "reader key", t.carol.keys[0].public)
	grant("transform-key-hash-other", "The grant names another transform key.", "transform key hash", sum(nil))
	bad("transform-key-hashed", "hashedTempKey is another point of G2: the transform key's signature is good, the grant's hash is not.", "transform key",
		splice(t.transformKey, 16*t.n, t.bytesTwist(t.g1)), mismatch)
	bad("transform-key-short", "The transform key lacks its last byte.", "transform key", t.transformKey[:len(t.transformKey)-1], mismatch)
}

// makeGrantKeys makes grants that name transform keys which are bad themselves: the
// hash is right.
func (m *maker) makeGrantKeys(t *story) {
	at := t.name + "/grant/names-transform-key-"
	add := func(name, about string, key []byte, want abi.Status) {
		grant := t.grant.with("transform key hash", sum(key)).sign()
		v := m.vector(at+name, about, abi.OpOpenGrant)
		good := m.vectors[t.name+"/grant/open"]
		v.Twin, v.Expect, v.Args = good.Name, want, slices.Clone(good.Args)
		v.Args[3].Value, v.Args[4].Value = Value{b: grant}, Value{b: key}
	}
	key := t.transformKey
	end := len(key) - 64
	add("off-subgroup", "hashedTempKey is outside the subgroup.", splice(key, 16*t.n, t.bytesTwist(t.findTwist(1))), malformed)
	add("off-curve", "The ephemeral key is not on the curve.", flip(key, t.point()-1), malformed)
	add("not-in-gt", "The temp key is not in GT.", splice(key, 2*t.point(), make([]byte, t.gt())), malformed)
	add("signature", "The transform key's signature is bad.", flip(key, end), signature)
	add("signer", "Somebody else has signed the transform key.",
		object(t.name+"/by carol", abi.OpTransformKey, t.s, t.epoch.private, t.bob.keys[0].public, t.carol.innerKey())[0], mismatch)
	add("to-another", "The transform key leads to somebody else.",
		object(t.name+"/to carol", abi.OpTransformKey, t.s, t.epoch.private, t.carol.keys[0].public, t.alice.innerKey())[0], mismatch)
	add("short", "The transform key lacks its last byte.", key[:len(key)-1], malformed)
}

// makeNewGrantFaults makes faults of what the owner gives.
func (m *maker) makeNewGrantFaults(t *story) {
	at := t.name + "/grant/new-"
	bad := func(name, about, arg string, b []byte, want abi.Status) { m.bad(at+name, about, "new", arg, b, want) }
	m.lengths(at+"seed-", "The seed", "new", "seed", malformed)
	bad("seed-of-another", "The seed is not the owner's.", "seed", t.carol.seed, mismatch)
	bad("owner-of-another", "The identity is not the seed's.", "owner", t.carol.identity, mismatch)
	bad("reader-owner", "The reader is the owner.", "reader", t.alice.identity, mismatch)
	bad("reader-damaged", "The reader's identity has a bad signature.", "reader", flip(t.bob.identity, -1), signature)
	bad("collection-damaged", "The collection record has a bad signature.", "collection", flip(t.second.sign(), -1), signature)
	bad("grant-id-short", "The grant's id lacks a byte.", "grant id", draw("grant id", 15), malformed)
	bad("kind-0", "There is no kind 0.", "kind", []byte{0}, malformed)
	bad("kind-direct-waits", "A waiting period, but the kind is direct.", "kind", []byte{abi.GrantDirect}, malformed)
	bad("scope-cut", "A key's id lacks a byte.", "scope", make([]byte, 15), malformed)
	bad("scope-too-many", "1025 keys.", "scope", make([]byte, 16*1025), tooLarge)
	bad("expires-before", "The grant expires before it begins.", "expires", abi.U64(1), malformed)
	bad("uses-wide", "The uses come in eight bytes.", "uses", abi.U64(7), malformed)
}
