package vectors

import (
	"bytes"
	"slices"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

// nextVersion is the version that adds recrypt480 to an identity of recrypt256.
func nextVersion(name string, p *person) *record {
	r := newPerson(name, recrypt.Suite256, recrypt.Suite480).record
	return r.with("version", cat(uint32(2))).with("id", p.id).with("previous hash", sum(p.identity))
}

// makeVersions makes the vectors of identities with two versions, and of records that
// name one of them.
func (m *maker) makeVersions(t *story) {
	at := "recrypt480/identity/version-"
	p := t.alice
	second := nextVersion("alice", p)
	both := slices.Concat(p.identity, second.sign())
	got := m.ok(at+"new", "An identity gains a suite by a second version.", abi.OpNewIdentityVersion, p.seed, p.identity, []byte{2})[0]
	if !bytes.HasPrefix(got, slices.Concat(p.identity, second.body())) {
		panic("another second version")
	}
	m.ok(at+"new-named-again", "The suites that are named may be there already, but for one.", abi.OpNewIdentityVersion, p.seed, p.identity, []byte{1, 2})
	newFault := func(name, about, arg string, b []byte, want abi.Status) {
		m.bad(at+"new-"+name, about, "version-new", arg, b, want)
	}
	newFault("seed-of-another", "The seed is not the identity's.", "seed", t.bob.seed, mismatch)
	newFault("seed-short", "The seed lacks a byte.", "seed", p.seed[:31], malformed)
	newFault("nothing", "The identity has all the suites.", "suites", []byte{1}, mismatch)
	newFault("nothing-longer", "The identity has all the suites, in its second version.", "identity", both, mismatch)
	newFault("suites-none", "No suites.", "suites", nil, malformed)
	newFault("suites-twice", "One suite twice.", "suites", []byte{2, 2}, malformed)
	newFault("suites-unknown", "There is no suite 3.", "suites", []byte{3}, suiteFault)
	newFault("identity-damaged", "The identity has a bad signature.", "identity", flip(p.identity, -1), signature)
	newFault("identity-empty", "No identity.", "identity", nil, malformed)

	m.ok(at+"open", "An identity of two versions.", abi.OpOpenIdentity, both)
	m.makeVersionFields(p, second)
	m.makeVersionChain(t, second, both)
	m.makeVersionUses(t, both)
}

// makeVersionFields makes second versions that change what they may not, signed well.
func (m *maker) makeVersionFields(p *person, second *record) {
	at := "recrypt480/identity/version-"
	bad := func(name, about string, r *record, want abi.Status) {
		m.bad(at+name, about, "version-open", "identity", slices.Concat(p.identity, r.sign()), want)
	}
	field := func(name, about, field string, value []byte) { bad(name, about, second.with(field, value), mismatch) }
	field("skipped", "The second record is version 3, signed.", "version", cat(uint32(3)))
	bob := newPerson("bob", recrypt.Suite256)
	field("id", "The second version has another id, signed.", "id", bob.id)
	field("previous", "The second version follows another record, signed.", "previous hash", sum(bob.identity))
	field("recrypt-key", "The second version has another recrypt signing key, signed.", "recrypt key", edPublic(draw("seed of a stranger", 32)))
	field("signing-key", "The second version has another record-signing key, signed by the first one's.", "signing key", edPublic(draw("seed of a stranger", 32)))
	field("recovery-hash", "The second version has another recovery hash, signed.", "recovery hash", sum(nil))
	bad("1", "The second record is version 1, signed.", second.with("version", cat(uint32(1))), malformed)
	bad("0", "The second record is version 0, signed.", second.with("version", cat(uint32(0))), malformed)
	bad("id-zero", "The second version has no id, signed.", second.with("id", make([]byte, 32)), malformed)
	bad("previous-zero", "The second version does not name the first one, signed.", second.with("previous hash", make([]byte, 32)), malformed)
	stranger := object("a stranger", abi.OpGenerateKeyPair, []byte{1})
	replaced := second.with("key 1", stranger[1])
	replaced.proofs = slices.Clone(second.proofs)
	replaced.proofs[0] = prover{recrypt.Suite256, pair{stranger[0], stranger[1]}}
	bad("key-replaced", "The second version has another key of the old suite, signed and proved.", replaced, mismatch)
	versioned := func(suites ...recrypt.Suite) *record {
		r := newPerson("alice", suites...).record
		return r.with("version", cat(uint32(2))).with("id", p.id).with("previous hash", sum(p.identity))
	}
	bad("key-removed", "The second version lacks the old suite, signed.", versioned(recrypt.Suite480), mismatch)
	bad("nothing-added", "The second version adds no suite, signed.", versioned(recrypt.Suite256), mismatch)
	other := *second
	other.seed = draw("seed of a stranger", 32)
	bad("signed-by-another", "The second version is signed by somebody else.", &other, signature)
}

// makeVersionChain makes records that do not belong together, or not in this order.
func (m *maker) makeVersionChain(t *story, second *record, both []byte) {
	at, p := "recrypt480/identity/version-", t.alice
	records := func(name, about string, b []byte, want abi.Status) {
		m.bad(at+name, about, "version-open", "identity", b, want)
	}
	records("signature", "The second version's signature is bad.", flip(both, -1), signature)
	records("first-signature", "The first version's signature is bad, and the second names that record.",
		slices.Concat(flip(p.identity, -1), second.with("previous hash", sum(flip(p.identity, -1))).sign()), signature)
	records("proof", "A proof of the second version is bad.", flip(both, len(p.identity)+len(second.body())), signature)
	records("first-missing", "The first version is missing.", second.sign(), mismatch)
	records("swapped", "The second version comes first.", slices.Concat(second.sign(), p.identity), mismatch)
	records("first-twice", "The first version is there twice.", slices.Concat(p.identity, p.identity), mismatch)
	records("second-twice", "The second version is there twice.", slices.Concat(both, second.sign()), mismatch)
	records("second-cut", "The second version lacks its last byte.", both[:len(both)-1], malformed)
	records("second-of-another", "The second version is somebody else's.", slices.Concat(p.identity, nextVersion("bob", t.bob).sign()), mismatch)
}

// makeVersionUses makes records that name a version.
func (m *maker) makeVersionUses(t *story, alice []byte) {
	at := t.name + "/collection/"
	first, second := t.first.sign(), t.second.sign()
	m.ok(at+"open-owner-newer", "The owner has gained a version since.", abi.OpOpenCollection, alice, second, first)
	next := t.second.with("owner version", cat(uint32(2))).sign()
	m.ok(at+"open-owner-version-2", "The record names the owner's second version.", abi.OpOpenCollection, alice, next, first)
	m.bad(at+"open-owner-version-3", "The record names a version that the owner does not have, signed.", "open-owner-version-2", "collection",
		t.second.with("owner version", cat(uint32(3))).sign(), mismatch)
	newest := t.first.with("owner version", cat(uint32(2))).sign()
	m.ok(at+"open-after-version-2", "Both records name the owner's second version.", abi.OpOpenCollection, alice,
		t.second.with("owner version", cat(uint32(2))).with("previous hash", sum(newest)).sign(), newest)
	m.bad(at+"open-back-to-version-1", "The record names an older version than the one before, signed.", "open-after-version-2", "collection",
		t.second.with("previous hash", sum(newest)).sign(), mismatch)

	bob := slices.Concat(t.bob.identity, nextVersion("bob", t.bob).sign())
	at = t.name + "/grant/"
	m.ok(at+"open-reader-newer", "The reader has gained a version since, with the same key of this suite.", abi.OpOpenGrant,
		t.alice.identity, second, bob, t.grant.sign(), t.transformKey)
	m.ok(at+"open-reader-version-2", "The grant names the reader's second version.", abi.OpOpenGrant,
		t.alice.identity, second, bob, t.grant.with("reader version", cat(uint32(2))).sign(), t.transformKey)
	m.bad(at+"open-reader-version-3", "The grant names a version that the reader does not have, signed.", "open-reader-version-2", "grant",
		t.grant.with("reader version", cat(uint32(3))).sign(), mismatch)
	m.ok(t.name+"/key/open-author-newer", "The author has gained a version since.", abi.OpOpenKeyRecord, alice, second, t.key.sign(), t.value)
	m.ok(t.name+"/revocation/open-owner-newer", "The owner has gained a version since.", abi.OpOpenRevocation, alice, t.revocation.sign())
}
