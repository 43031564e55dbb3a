package vectors

import (
	"bytes"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// makeRevocations makes the vectors of revocations.
func (m *maker) makeRevocations(t *story) {
	at := t.name + "/revocation/"
	record := m.ok(at+"new", "The owner revokes a reader.", abi.OpNewRevocation, t.alice.seed, t.alice.identity, t.second.sign(), t.bob.id,
		draw("revocation id", 16), abi.U64(1_750_000_000_000))[0]
	if !bytes.Equal(record, t.revocation.sign()) {
		panic("another revocation")
	}
	m.ok(at+"open", "A revocation.", abi.OpOpenRevocation, t.alice.identity, record)
	if !t.full {
		return
	}
	bad := func(name, about, arg string, b []byte, want abi.Status) {
		m.bad(at+"new-"+name, about, "new", arg, b, want)
	}
	m.lengths(at+"new-seed-", "The seed", "new", "seed", malformed)
	bad("seed-of-another", "The seed is not the owner's.", "seed", t.bob.seed, mismatch)
	bad("owner-of-another", "The identity is not the seed's.", "owner", t.bob.identity, mismatch)
	bad("of-owner", "The reader is the owner.", "reader id", t.alice.id, mismatch)
	bad("collection-damaged", "The collection record has a bad signature.", "collection", flip(t.second.sign(), -1), signature)
	bad("time-narrow", "The time comes in four bytes.", "time", abi.U32(0), malformed)
	d := &damage{m, at, "open", "revocation", t.revocation}
	d.bad("empty", "No bytes.", nil, malformed)
	d.bad("grant", "A grant in place of the revocation.", t.grant.sign(), malformed)
	d.signed("owner-version-0", "The owner's version is 0, signed.", "owner version", cat(uint32(0)), malformed)
	d.signed("owner-version-2", "The owner's version is one that the identity does not have, signed.", "owner version", cat(uint32(2)), mismatch)
	d.signed("owner-other", "The owner is somebody else, signed.", "owner", t.carol.id, mismatch)
	d.signed("reader-owner", "The reader is the owner, signed.", "reader", t.alice.id, malformed)
	d.unsignedFlips(nil, map[string]abi.Status{"owner": mismatch, "owner version": malformed})
	d.common()
}

// makeReceipts makes the vectors of receipts.
func (m *maker) makeReceipts(t *story) {
	if !t.full {
		return
	}
	at := t.name + "/receipt/"
	service, revocation := t.service.identity, t.revocation.sign()
	r := newRecord("receipt", t.service.signer, "service", t.service.id, "revocation hash", sum(revocation),
		"time", cat(uint64(1_750_000_000_001)), "destroyed", cat(uint32(3)))
	receipt := m.ok(at+"new", "The service has carried out a revocation.", abi.OpNewReceipt, t.service.seed, service, revocation, abi.U64(1_750_000_000_001), abi.U32(3))[0]
	if !bytes.Equal(receipt, r.sign()) {
		panic("another receipt")
	}
	m.ok(at+"open", "A receipt.", abi.OpOpenReceipt, service, revocation, receipt)
	elsewhere := t.revocation.with("service", newServer("another service").id).sign()
	m.makeCollectionReceipts(t)
	bad := func(name, about, arg string, b []byte, want abi.Status) {
		m.bad(at+"new-"+name, about, "new", arg, b, want)
	}
	bad("seed-of-another", "The seed is not the service's.", "service seed", t.alice.seed, mismatch)
	bad("service-of-another", "The record is not the seed's.", "service", newServer("another service").identity, mismatch)
	bad("revocation-elsewhere", "The revocation is for another service.", "revocation", elsewhere, mismatch)
	bad("revocation-short", "The revocation lacks its last byte.", "revocation", revocation[:len(revocation)-1], malformed)
	bad("destroyed-wide", "The number of transform keys comes in eight bytes.", "destroyed", abi.U64(3), malformed)
	d := &damage{m, at, "open", "receipt", r}
	d.bad("empty", "No bytes.", nil, malformed)
	d.bad("revocation", "A revocation in place of the receipt.", revocation, malformed)
	d.signed("service-other", "The receipt is another service's, signed.", "service", flip(t.service.id, 0), mismatch)
	d.signed("revocation-other", "The receipt is for another revocation, signed.", "revocation hash", sum(nil), mismatch)
	m.bad(at+"with-service-other", "The record is not the service's.", "open", "service", newServer("another service").identity, mismatch)
	m.bad(at+"with-revocation-other", "Another revocation.", "open", "revocation", t.revocation.with("time", cat(uint64(1))).sign(), mismatch)
	m.bad(at+"with-revocation-resigned", "The revocation with another signature: another record.", "open", "revocation", flip(revocation, -1), mismatch)
	m.bad(at+"with-revocation-elsewhere", "The revocation is for another service.", "open", "revocation", elsewhere, mismatch)
	d.unsignedFlips(nil, map[string]abi.Status{"service": mismatch, "revocation hash": mismatch})
	d.common()
}
