package vectors

import (
	"bytes"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/recrypt"
)

// keyFaults are the faults of the two signing keys of an identity or service.
func (d *damage) keyFaults() {
	zero, one := make([]byte, 32), append([]byte{1}, make([]byte, 31)...)
	d.signed("version-0", "Version 0, signed.", "version", cat(uint32(0)), malformed)
	d.signed("id-in-first", "The first version has an id, signed.", "id", flip(zero, 31), malformed)
	d.signed("previous-in-first", "The first version has the hash of a previous one, signed.", "previous hash", flip(zero, 31), malformed)
	for _, name := range []string{"signing key", "recrypt key"} {
		at := dashed(name)
		d.signed(at+"-small-order", "The "+name+" is of order 1.", name, one, malformed)
		d.signed(at+"-zero", "The "+name+" is of order 4: zero bytes.", name, zero, malformed)
		d.signed(at+"-not-canonical", "The "+name+" has y = p + 1.", name, little(add(edP, small(1))), malformed)
		d.signed(at+"-no-point", "The "+name+" is no point.", name, little(small(2)), malformed)
	}
	d.signed("one-key-for-both", "One key for records and for values.", "recrypt key", d.fields["signing key"], malformed)
}

// otherKeys are changes of the signing keys that leave an identity or service
// well-formed.
func otherKeys() map[string][]byte {
	return map[string][]byte{"signing key": edPublic(draw("seed of a stranger", 32)), "recrypt key": edPublic(draw("seed of another stranger", 32))}
}

// firstStatuses are the outcomes of such changes, if not a bad signature.
var firstStatuses = map[string]abi.Status{"version": malformed, "id": malformed, "previous hash": malformed}

// makeService makes the vectors of services.
func (m *maker) makeService() {
	p := newServer("the service")
	if got := m.ok("service/new", "The record of a server.", abi.OpNewService, p.seed); !bytes.Equal(got[0], p.identity) {
		panic("another service record")
	}
	m.lengths("service/new-seed-", "The seed", "new", "seed", malformed)
	m.ok("service/open", "The record of a server.", abi.OpOpenService, p.identity)
	d := &damage{m, "service/", "open", "service", p.record}
	d.keyFaults()
	d.signed("version-2", "A later version, signed.", "version", cat(uint32(2)), malformed)
	d.unsignedFlips(otherKeys(), firstStatuses)
	d.common()
	d.bad("empty", "No bytes.", nil, malformed)
	d.bad("identity", "An identity in place of the service.", newPerson("alice", recrypt.Suite256).identity, malformed)
}

// makeIdentity makes the vectors of identities with a key of one suite.
func (m *maker) makeIdentity(w *world) {
	at := w.name + "/identity/"
	p := newPerson("alice", w.suite)
	got := m.ok(at+"new", "The identity of a seed.", abi.OpNewIdentity, p.seed, p.recovery, w.s)[0]
	if !bytes.HasPrefix(got, p.record.body()) {
		panic("another identity record")
	}
	m.ok(at+"open", "The identity of a seed.", abi.OpOpenIdentity, p.identity)
	d := &damage{m, at, "open", "identity", p.record}
	for _, f := range w.someFaults() {
		d.signed("key-"+f.name, "The encryption key is damaged. "+f.about, "key 1", f.b, malformed)
	}
	d.signed("key-of-another", "The encryption key is somebody else's, whose proof is missing.", "key 1", w.bob.public, signature)
	d.signed("suite-unknown", "There is no suite 3.", "suite 1", []byte{3}, suiteFault)
	d.bad("proof-changed", "A bit of the proof of possession is changed.", flip(p.identity, len(p.record.body())), signature)
	if w.suite != recrypt.Suite256 {
		return
	}
	m.makeNewIdentity(w, p)
	d.keyFaults()
	d.unsignedFlips(otherKeys(), map[string]abi.Status{"version": malformed, "id": malformed, "previous hash": malformed,
		"count": malformed, "suite 1": suiteFault, "key 1": malformed})
	delete(m.vectors, at+"proof-changed")
	d.common()
	d.bad("empty", "No bytes.", nil, malformed)
	d.bad("service", "A service in place of the identity.", newServer("the service").identity, malformed)
	d.signed("count-0", "No encryption key, signed.", "count", []byte{0}, malformed)
	d.signed("count-9", "Nine encryption keys, signed.", "count", []byte{9}, malformed)
	d.signed("count-2", "The record has one encryption key less than it says: what follows is taken for a suite.", "count", []byte{2}, suiteFault)
}

// makeNewIdentity makes the faults of new identities.
func (m *maker) makeNewIdentity(w *world, p *person) {
	at := w.name + "/identity/new-"
	m.lengths(at+"seed-", "The seed", "new", "seed", malformed)
	m.lengths(at+"recovery-seed-", "The recovery seed", "new", "recovery seed", malformed)
	bad := func(name, about, arg string, b []byte, want abi.Status) { m.bad(at+name, about, "new", arg, b, want) }
	bad("recovery-seed-same", "The recovery seed is the seed.", "recovery seed", p.seed, mismatch)
	bad("suites-none", "No suites.", "suites", nil, malformed)
	bad("suites-unknown", "There is no suite 3.", "suites", []byte{1, 3}, suiteFault)
	bad("suites-twice", "One suite twice.", "suites", []byte{1, 1}, malformed)
	bad("suites-nine", "Nine suites.", "suites", []byte{1, 2, 3, 4, 5, 6, 7, 8, 9}, malformed)
}

// makeBothSuites makes the vectors of identities with keys of both suites.
func (m *maker) makeBothSuites() {
	p := newPerson("alice", recrypt.Suite256, recrypt.Suite480)
	at := "recrypt480/identity/both-"
	m.ok(at+"new", "The identity of a seed, with keys of both suites.", abi.OpNewIdentity, p.seed, p.recovery, []byte{1, 2})
	m.bad(at+"new-unordered", "The suites are in descending order.", "both-new", "suites", []byte{2, 1}, malformed)
	m.ok(at+"open", "An identity with keys of both suites.", abi.OpOpenIdentity, p.identity)
	d := &damage{m, at, "both-open", "identity", p.record}
	d.bad("proofs-swapped", "The proofs have changed places.", func() []byte {
		b, n := p.identity, len(p.record.body())
		return append(append(append(bytes.Clone(b[:n]), b[n+64:n+184]...), b[n:n+64]...), b[n+184:]...)
	}(), signature)
	d.bad("second-proof-changed", "A bit of the second proof is changed.", flip(p.identity, len(p.record.body())+64), signature)
	d.bad("second-proof-missing", "The second proof is missing.", append(bytes.Clone(p.identity[:len(p.record.body())+64]), p.identity[len(p.identity)-64:]...), malformed)
	swapped := newPerson("alice", recrypt.Suite480, recrypt.Suite256)
	d.bad("unordered", "The suites are in descending order, signed.", swapped.identity, malformed)
	twice := newPerson("alice", recrypt.Suite256, recrypt.Suite256)
	d.bad("suite-twice", "One suite twice, signed.", twice.identity, malformed)
}
