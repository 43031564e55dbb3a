package vectors

import (
	"bytes"
	"slices"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// makeEdge makes the vectors of edges.
func (m *maker) makeEdge(t *story) {
	at := t.name + "/edge/"
	edge, other := newPerson("an edge", t.suite), newPerson("another edge", t.suite)
	const expires, now = 1_750_000_060_000, 1_750_000_000_000
	record := t.key.sign()
	item := func(value []byte) []byte { return abi.Pack(sum(record), value) }
	job := m.ok(at+"seal", "A job of one value for a reader.", abi.OpSealEdgeJob, t.service.seed, t.service.identity, edge.identity, t.bob.id,
		abi.U64(expires), t.transformKey, abi.Pack(item(t.value)))[0]
	m.makeSealFaults(t, at, item)
	outcomes := m.ok(at+"run", "The edge does the job.", abi.OpRunEdgeJob, edge.seed, edge.identity, t.service.identity, abi.U64(now), job)[0]
	m.ok(at+"run-in-time", "A millisecond before it expires.", abi.OpRunEdgeJob, edge.seed, edge.identity, t.service.identity, abi.U64(expires-1), job)
	bad := func(name, about, arg string, b []byte, want abi.Status) {
		m.bad(at+"run-"+name, about, "run", arg, b, want)
	}
	bad("expired", "The time at which it expires.", "now", abi.U64(expires), mismatch)
	bad("seed-of-another", "The seed is not the edge's.", "edge seed", other.seed, mismatch)
	bad("identity-of-another", "The identity is not the seed's.", "edge", other.identity, mismatch)
	bad("service-of-another", "The job of another service.", "service", newServer("another service").identity, mismatch)
	elsewhere := object(at+"elsewhere", abi.OpSealEdgeJob, t.service.seed, t.service.identity, other.identity, t.bob.id, abi.U64(expires), t.transformKey, abi.Pack(item(t.value)))[0]
	bad("job-of-another", "The job of another edge.", "job", elsewhere, mismatch)
	// Label 28, service 32, edge 32, reader 32, expires 8, suite 1.
	bad("reader-changed", "The reader is another one than was signed.", "job", flip(job, 28+64), signature)
	bad("expires-changed", "It expires later than was signed.", "job", flip(job, 28+96+7), signature)
	bad("suite-unknown", "There is no suite 0.", "job", splice(job, 28+104, []byte{0}), suiteFault)
	bad("value-changed", "The encrypted value is changed.", "job", flip(job, 28+105), signature)
	bad("box-changed", "What is sealed is changed.", "job", flip(job, -65), signature)
	bad("signature-changed", "The signature of the job is bad.", "job", flip(job, -1), signature)
	resigned := func(i int) []byte {
		b := flip(job, i)
		return append(b[:len(b)-64], edSign(t.service.signer, b[:len(b)-64])...)
	}
	bad("box-resigned", "What is sealed is changed, signed.", "job", resigned(-65), decrypt)
	bad("nonce-resigned", "The nonce is changed, signed.", "job", resigned(28+105+len(t.value)), decrypt)
	bad("reader-resigned", "The reader is changed, signed: the box is another's.", "job", resigned(28+64), decrypt)
	bad("empty", "No job.", "job", nil, malformed)
	bad("short", "Label and ids only.", "job", job[:28+96], malformed)
	bad("grant", "A grant in place of the job.", "job", t.grant.sign(), malformed)
	m.makeTickets(t, at, edge, record, outcomes)
}

// makeSealFaults makes faults of what a job is made of.
func (m *maker) makeSealFaults(t *story, at string, item func(value []byte) []byte) {
	bad := func(name, about, arg string, b []byte, want abi.Status) {
		m.bad(at+"seal-"+name, about, "seal", arg, b, want)
	}
	other := newServer("another service")
	bad("seed-of-another", "The seed is not the service's.", "service seed", other.seed, mismatch)
	bad("service-of-another", "The record is not the seed's.", "service", other.identity, mismatch)
	edge := newPerson("an edge", t.suite)
	bad("edge-damaged", "The edge's identity has a bad signature.", "edge", flip(edge.identity, -1), signature)
	bad("edge-service", "A service in place of the edge.", "edge", t.service.identity, malformed)
	bad("edge-suite", "The edge has no key of the suite.", "edge", newPerson("an edge", t.suite^3).identity, suiteFault)
	bad("reader-short", "The reader's id lacks a byte.", "reader id", t.bob.id[1:], malformed)
	bad("key-short", "The transform key lacks its last byte.", "transform key", t.transformKey[:len(t.transformKey)-1], malformed)
	bad("items-none", "No items.", "items", nil, malformed)
	bad("items-too-many", "257 items.", "items", make([]byte, 4*257), tooLarge)
	bad("items-cut", "The last item lacks a byte.", "items", abi.Pack(item(t.value))[:20], malformed)
	bad("hash-short", "The hash of the key record has 31 bytes.", "items", abi.Pack(abi.Pack(make([]byte, 31), t.value)), malformed)
	bad("item-three", "An item of three frames.", "items", abi.Pack(append(item(t.value), 0, 0, 0, 0)), malformed)
	bad("value-transformed", "A value that was transformed already.", "items", abi.Pack(item(t.transformed)), mismatch)
	bad("value-none", "An item without a value.", "items", abi.Pack(item(nil)), malformed)
	bad("value-suite", "A value of the other suite.", "items", abi.Pack(item(m.world(t.suite ^ 3).values[0])), suiteFault)
}

// makeTickets makes the vectors of keys that are opened from an edge. What is wrong with an
// item has the outcome that stands in the results.
func (m *maker) makeTickets(t *story, at string, edge *person, record, outcomes []byte) {
	made := must(abi.Unpack(must(abi.Result(must(abi.Unpack(outcomes, 1))[0])), 2))
	value, ticket := made[0], made[1]
	body := cat(uint8(30), "recrypt-service edge ticket v1", t.service.id, edPublic(edge.inner), t.bob.id, uint64(1_750_000_060_000), sum(record))
	if want := append(cat(uint64(1_750_000_060_000)), edSign(t.service.signer, body)...); !bytes.Equal(ticket, want) {
		panic("another ticket")
	}
	item := func(value, ticket []byte) []byte {
		return abi.Pack(t.alice.identity, t.second.sign(), record, value, ticket)
	}
	good := item(value, ticket)
	keys := m.ok(at+"open", "A reader opens what an edge has transformed, and what the service has.", abi.OpOpenEdgeKeys,
		t.bob.seed, t.bob.identity, t.service.identity, abi.Pack(good, item(t.transformed, nil)))[0]
	if want := abi.Pack(append([]byte{0}, t.documentKey(t.key, t.plaintext)...), append([]byte{0}, t.documentKey(t.key, t.plaintext)...)); !bytes.Equal(keys, want) {
		panic("another document key")
	}
	bads := [][]byte{
		item(value, nil), item(value, ticket[1:]), item(value, flip(ticket, 0)), item(value, flip(ticket, -1)),
		item(t.transformed, ticket), item(t.value, ticket), item(flip(value, 0), ticket), nil,
	}
	answer := m.ok(at+"open-bad", "Eight items that are refused: no ticket, a short one, one that is later or damaged, values of others.", abi.OpOpenEdgeKeys,
		t.bob.seed, t.bob.identity, t.service.identity, abi.Pack(bads...))[0]
	for i, want := range []abi.Status{mismatch, malformed, signature, signature, signature, mismatch, malformed, malformed} {
		if got := abi.Status(must(abi.Unpack(answer, len(bads)))[i][0]); got != want {
			panic("another outcome")
		}
	}
	m.ok(at+"open-none", "A batch of nothing.", abi.OpOpenEdgeKeys, t.bob.seed, t.bob.identity, t.service.identity, nil)
	bad := func(name, about, arg string, b []byte, want abi.Status) {
		m.bad(at+"open-"+name, about, "open", arg, b, want)
	}
	bad("seed-of-another", "The seed is not the reader's.", "seed", t.carol.seed, mismatch)
	bad("own-damaged", "The identity has a bad signature.", "own", flip(t.bob.identity, -1), signature)
	bad("too-many", "257 items.", "items", make([]byte, 4*257), tooLarge)
	bad("trailing", "A byte follows the last item.", "items", append(slices.Clone(abi.Pack(good)), 0), malformed)
}
