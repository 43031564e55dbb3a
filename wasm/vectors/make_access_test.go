package vectors

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/protocol"
)

// makeManyGrants makes the vectors of grants to many.
func (m *maker) makeManyGrants(t *story) {
	at := t.name + "/grant/many-"
	collection := t.second.sign()
	item := func(reader []byte, id string, kind byte) []byte {
		return abi.Pack(reader, draw(id, 16), []byte{kind}, nil, abi.U64(0), abi.U64(1_800_000_000_000), abi.U64(0), abi.U32(0), renewal())
	}
	items := abi.Pack(item(t.bob.identity, "grant to bob", abi.GrantDirect), item(t.alice.identity, "grant to alice", abi.GrantDirect),
		item(t.carol.identity, "grant to carol", abi.GrantLink), item(t.carol.identity, "another grant to carol", 4), nil)
	outcomes := m.ok(at+"new", "Five grants, of which two are good: one is to the owner, one of an unknown kind, one no item.", abi.OpNewGrants,
		t.alice.seed, t.alice.identity, collection, items)[0]
	var open [][]byte
	for i, o := range must(abi.Unpack(outcomes, 5)) {
		if i != 0 && i != 2 {
			continue
		}
		made := must(abi.Unpack(must(abi.Result(o)), 2))
		reader := []*person{t.bob, nil, t.carol}[i].identity
		open = append(open, abi.Pack(reader, made[0], made[1]), abi.Pack(t.alice.identity, made[0], made[1]), abi.Pack(nil, made[0], nil))
	}
	m.ok(at+"open", "Six grants, of which two are with another reader, and a seventh that is none.", abi.OpOpenGrants,
		t.alice.identity, collection, abi.Pack(append(open, nil)...))
	m.ok(at+"new-none", "No grants.", abi.OpNewGrants, t.alice.seed, t.alice.identity, collection, nil)
	m.ok(at+"open-none", "No grants.", abi.OpOpenGrants, t.alice.identity, collection, nil)
	for _, twin := range []string{"many-new", "many-open"} {
		bad := func(name, about, arg string, b []byte, want abi.Status) {
			m.bad(t.name+"/grant/"+twin+"-"+name, about, twin, arg, b, want)
		}
		bad("owner-other", "The identity is not the owner's.", "owner", t.bob.identity, mismatch)
		bad("collection-missing", "No collection.", "collection", nil, malformed)
		bad("collection-damaged", "The collection record has a bad signature.", "collection", flip(collection, -1), signature)
		bad("items-cut", "The last item is cut.", "items", items[:len(items)-1], malformed)
		bad("items-too-many", "257 items.", "items", make([]byte, 4*257), tooLarge)
	}
	m.bad(at+"new-seed-of-another", "The seed is not the owner's.", "many-new", "seed", t.bob.seed, mismatch)
}

// makeTitles makes the vectors of titles.
func (m *maker) makeTitles(t *story) {
	at := t.name + "/collection/title-"
	seal := func(name, about, text string) []byte {
		return m.ok(at+name, about, abi.OpSealTitle, t.alice.seed, t.service.id, t.collection, []byte(text))[0]
	}
	title := seal("seal", "A title.", "Befunde für Öztürk")
	longest := seal("seal-longest", "A title of 256 bytes.", strings.Repeat("t", 256))
	seal("seal-none", "No text gives no title.", "")
	sealBad := func(name, about, arg string, b []byte, want abi.Status) {
		m.bad(at+"seal-"+name, about, "title-seal", arg, b, want)
	}
	m.lengths(at+"seal-seed-", "The seed", "title-seal", "seed", malformed)
	sealBad("too-long", "A title of 257 bytes.", "text", bytes.Repeat([]byte("t"), 257), tooLarge)
	sealBad("not-utf8", "A title that is not UTF-8.", "text", []byte("Bl\xe4tter"), malformed)

	titled := func(title []byte) []byte { return t.second.with("title", text(string(title))).sign() }
	m.ok(at+"open", "A title, opened by its owner.", abi.OpOpenTitle, t.alice.seed, t.alice.identity, titled(title))
	m.ok(at+"open-longest", "A title of 256 bytes.", abi.OpOpenTitle, t.alice.seed, t.alice.identity, titled(longest))
	m.ok(at+"open-none", "A collection without a title.", abi.OpOpenTitle, t.alice.seed, t.alice.identity, titled(nil))
	bad := func(name, about, arg string, b []byte, want abi.Status) {
		m.bad(at+"open-"+name, about, "title-open", arg, b, want)
	}
	bad("seed-of-another", "The seed is not the owner's.", "seed", t.bob.seed, mismatch)
	bad("own-of-another", "The identity is not the owner's.", "own", t.bob.identity, mismatch)
	bad("damaged", "A bit of the title is changed, signed.", "collection", titled(flip(title, -1)), decrypt)
	bad("not-one", "The title is not encrypted, signed.", "collection", t.second.sign(), decrypt)
	other := object(at+"other", abi.OpSealTitle, t.alice.seed, t.service.id, flip(t.collection, 0), []byte("Befunde"))[0]
	bad("other-collection", "The title of another collection, signed.", "collection", titled(other), decrypt)
	bad("collection-damaged", "The collection record has a bad signature.", "collection", flip(titled(title), -1), signature)
}

// makeCollectionReceipts makes the vectors of receipts of collection records.
func (m *maker) makeCollectionReceipts(t *story) {
	at := t.name + "/receipt/collection-"
	collection, service := t.second.sign(), t.service.identity
	r := newRecord("receipt", t.service.signer, "service", t.service.id, "record hash", sum(collection),
		"time", cat(uint64(1_750_000_000_002)), "destroyed", cat(uint32(1)))
	receipt := m.ok(at+"new", "The service has stored a collection record.", abi.OpNewReceipt, t.service.seed, service, collection, abi.U64(1_750_000_000_002), abi.U32(1))[0]
	if !bytes.Equal(receipt, r.sign()) {
		panic("another receipt")
	}
	m.ok(at+"open", "A receipt of a collection record.", abi.OpOpenReceipt, service, collection, receipt)
	elsewhere := t.second.with("service", newServer("another service").id).sign()
	bad := func(name, about, twin string, b []byte, want abi.Status) {
		m.bad(at+name, about, "collection-"+twin, "revocation", b, want)
	}
	for _, twin := range []string{"new", "open"} {
		bad(twin+"-elsewhere", "The collection record is for another service.", twin, elsewhere, mismatch)
		bad(twin+"-short", "The collection record lacks its last byte.", twin, collection[:len(collection)-1], malformed)
		bad(twin+"-grant", "A grant in place of the collection record.", twin, t.grant.sign(), malformed)
		bad(twin+"-suite", "The collection record is of an unknown suite.", twin, t.second.with("suite", []byte{3}).sign(), suiteFault)
	}
	bad("open-before", "The collection record before.", "open", t.first.sign(), mismatch)
	bad("open-resigned", "The collection record with another signature: another record.", "open", flip(collection, -1), mismatch)
	bad("open-revocation", "A revocation.", "open", t.revocation.sign(), mismatch)
}

// makeCheckpoints makes the vectors of checkpoints.
func (m *maker) makeCheckpoints(t *story) {
	const at = "service/checkpoint"
	p := t.service
	origin := must(protocol.FormatID(abi.KindService, [32]byte(p.id)))
	root := base64.StdEncoding.EncodeToString(sum([]byte("a tree")))
	good := origin + "\n20852163\n" + root + "\n"
	sign := func(name, about, text string) {
		got := m.ok(at+name, about, abi.OpSignCheckpoint, p.seed, p.identity, []byte(text))[0]
		if !bytes.Equal(got, edSign(p.signer, []byte(text))) {
			panic("another signature")
		}
	}
	sign("", "A state of the service's log.", good)
	sign("-empty-log", "A log without leaves.", origin+"\n0\n"+root+"\n")
	sign("-largest", "A log of 2^63-1 leaves.", origin+"\n9223372036854775807\n"+root+"\n")
	sign("-cosigned", "What a cosignature with a time covers.", "cosignature/v1\ntime 1679315147\n"+good)
	bad := func(name, about, arg, text string, want abi.Status) {
		m.bad(at+"-"+name, about, "checkpoint", arg, []byte(text), want)
	}
	other := newServer("another service")
	bad("seed-of-another", "The seed is not the service's.", "service seed", string(other.seed), mismatch)
	bad("service-of-another", "The record is not the seed's.", "service", string(other.identity), mismatch)
	for _, c := range []struct{ name, about, text string }{
		{"none", "No text.", ""},
		{"record", "A revocation in place of the checkpoint.", string(t.revocation.body())},
		{"request", "A signature base in place of the checkpoint.", "\"@method\": GET\n"},
		{"cut", "The last line feed is missing.", good[:len(good)-1]},
		{"extended", "A fourth line.", good + "extension\n"},
		{"note", "A signed note: text and signatures.", good + "\n\u2014 name c2ln\n"},
		{"no-root", "The root is missing.", origin + "\n20852163\n"},
		{"size-zero-first", "The number of leaves begins with a zero.", strings.Replace(good, "\n2", "\n02", 1)},
		{"size-plus", "The number of leaves has a sign.", strings.Replace(good, "\n2", "\n+2", 1)},
		{"size-too-large", "2^63 leaves.", origin + "\n9223372036854775808\n" + root + "\n"},
		{"root-short", "The root has 31 bytes.", origin + "\n1\n" + root[:42] + "==\n"},
		{"root-spare-bits", "The root's last digit has bits that no byte has.", origin + "\n1\n" + root[:42] + spare(root[42]) + "=\n"},
		{"root-url", "The root has a digit of the other alphabet.", origin + "\n1\n-" + root[1:] + "\n"},
		{"crlf", "Lines end with carriage returns, too.", strings.ReplaceAll(good, "\n", "\r\n")},
		{"cosigned-v2", "Another version of cosignatures.", "cosignature/v2\ntime 1679315147\n" + good},
		{"cosigned-no-time", "A cosignature without a time.", "cosignature/v1\n" + good},
		{"cosigned-time", "A time that begins with a zero.", "cosignature/v1\ntime 01\n" + good},
		{"cosigned-twice", "A cosignature of a cosignature.", "cosignature/v1\ntime 1\ncosignature/v1\ntime 1\n" + good},
	} {
		bad(c.name, c.about, "text", c.text, malformed)
	}
	bad("log-of-another", "The log of another service.", "text", strings.Replace(good, origin, must(protocol.FormatID(abi.KindService, [32]byte(other.id))), 1), mismatch)
	bad("log-with-a-name", "A log that is no service's.", "text", strings.Replace(good, origin, "example.com/log", 1), mismatch)
	bad("of-a-person", "The origin is a person's id.", "text", strings.Replace(good, origin, must(protocol.FormatID(abi.KindPerson, [32]byte(p.id))), 1), mismatch)
}

// spare returns the digit of base64 behind c in its alphabet: with one of the bits that are
// left over, as c has none.
func spare(c byte) string {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	return digits[strings.IndexByte(digits, c)+1:][:1]
}

// makeLinks makes the vectors of links.
func (m *maker) makeLinks() {
	const at = "link/"
	secret := draw("secret of a link", 32)
	m.ok(at+"open", "A link without a passcode.", abi.OpLinkSeed, secret, nil)
	m.ok(at+"passcode", "A link with a passcode.", abi.OpLinkSeed, secret, []byte("Öztürk 1234"))
	m.ok(at+"passcode-longest", "A passcode of 1024 bytes.", abi.OpLinkSeed, secret, bytes.Repeat([]byte("p"), 1024))
	m.lengths(at+"secret-", "The secret", "open", "secret", malformed)
	m.bad(at+"passcode-not-utf8", "A passcode that is not UTF-8.", "passcode", "passcode", []byte("\xff"), malformed)
	m.bad(at+"passcode-too-long", "A passcode of 1025 bytes.", "passcode", "passcode", bytes.Repeat([]byte("p"), 1025), tooLarge)
}

// makeKeyChanges makes the vectors of identities whose keys have changed.
func (m *maker) makeKeyChanges(t *story) {
	at := t.name + "/identity/change-"
	p, next, thief := t.alice, newPerson("alice, later", t.suite), newPerson("a thief", t.suite)
	change := m.ok(at+"by-seed", "The seed gives way to another one, and is kept.", abi.OpRotateIdentity, p.seed, nil, next.seed, nil, p.identity, abi.U32(1), t.s)[0]
	recovered := m.ok(at+"by-recovery", "The recovery key changes seed and recovery key, and the seed is kept.", abi.OpRotateIdentity,
		p.seed, p.recovery, next.seed, next.recovery, p.identity, abi.U32(1), t.s)[0]
	lost := m.ok(at+"seed-lost", "The recovery key changes the seed, which is lost.", abi.OpRotateIdentity, nil, p.recovery, next.seed, nil, change, abi.U32(1), t.s)[0]
	fork := object(at+"fork", abi.OpRotateIdentity, p.seed, nil, thief.seed, nil, p.identity, abi.U32(1), t.s)[0]
	written := t.changed(p, next)
	if !bytes.HasPrefix(lost, slices.Concat(p.identity, written.body())) {
		panic("another version with other keys")
	}
	bad := func(name, about, twin, arg string, b []byte, want abi.Status) {
		m.bad(at+name, about, "change-"+twin, arg, b, want)
	}
	bad("by-seed-of-another", "The seed is not the identity's.", "by-seed", "seed", t.bob.seed, mismatch)
	bad("by-seed-to-itself", "The new seed is the old one.", "by-seed", "new seed", p.seed, mismatch)
	bad("by-seed-to-recovery", "The new seed is the recovery seed.", "by-seed", "new seed", p.recovery, mismatch)
	bad("by-seed-new-recovery", "The seed alone changes the recovery key.", "by-seed", "new recovery seed", next.recovery, mismatch)
	bad("by-seed-after-none", "There is no version 0 to follow.", "by-seed", "after", abi.U32(0), mismatch)
	bad("by-seed-after-2", "The version to follow is not there.", "by-seed", "after", abi.U32(2), mismatch)
	bad("by-seed-none", "Neither the seed nor the recovery seed.", "by-seed", "seed", nil, malformed)
	bad("by-seed-suites-none", "No suites.", "by-seed", "suites", nil, malformed)
	bad("by-recovery-of-another", "The recovery seed is somebody else's.", "by-recovery", "recovery seed", t.bob.recovery, mismatch)
	bad("by-recovery-seed-of-another", "The seed that is to be kept is somebody else's.", "by-recovery", "seed", t.bob.seed, mismatch)
	m.makeChangedRecords(t, written)
	relation := func(name, about string, known, offered []byte) {
		m.ok(t.name+"/identity/compare-"+name, about, abi.OpCompareIdentities, known, offered)
	}
	relation("same", "The same records.", change, change)
	relation("newer", "The offered one continues the known one.", p.identity, change)
	relation("older", "The known one continues the offered one.", change, p.identity)
	relation("overrides", "The offered one goes on by the recovery key.", change, recovered)
	relation("overridden", "The known one goes on by the recovery key.", recovered, change)
	relation("fork", "Both go on by the seed, differently.", change, fork)
	relation("fork-of-recoveries", "Both go on by the recovery key, differently.", recovered, lost)
	relation("other", "Two identities.", change, t.bob.identity)
	m.bad(t.name+"/identity/compare-damaged", "The offered identity has a bad signature.", "compare-same", "offered", flip(change, -1), signature)
	m.bad(t.name+"/identity/compare-known-damaged", "The known identity has a bad signature.", "compare-same", "known", flip(change, -1), signature)

	a := m.ok(t.name+"/identity/safety", "The safety number of two people.", abi.OpSafetyNumber, p.identity, t.bob.identity)[0]
	b := m.ok(t.name+"/identity/safety-reversed", "In the other order: the same.", abi.OpSafetyNumber, t.bob.identity, p.identity)[0]
	c := m.ok(t.name+"/identity/safety-changed", "After a change of keys: another one.", abi.OpSafetyNumber, change, t.bob.identity)[0]
	if !bytes.Equal(a, b) || bytes.Equal(a, c) {
		panic("safety numbers")
	}
	m.bad(t.name+"/identity/safety-damaged", "An identity has a bad signature.", "safety", "other", flip(t.bob.identity, -1), signature)

	m.ok(t.name+"/collection/default-id-changed", "The id of the default collection, after a change of keys.", abi.OpOwnDefaultCollection, next.seed, change, t.service.id)
	m.bad(t.name+"/collection/default-id-seed-lost", "The first seed was not kept.", "default-id-changed", "own", lost, mismatch)
	m.bad(t.name+"/collection/default-id-old-seed", "The seed is not that of the newest version.", "default-id-changed", "seed", p.seed, mismatch)
}

// changed is the version by the recovery key that keeps nothing.
func (t *story) changed(p, next *person) *record {
	recovery := derive(p.recovery, nil, "recrypt-service recovery key v1", 32)
	r := next.record.with("version", cat(uint32(2))).with("id", p.id).with("previous hash", sum(p.identity)).
		with("recovery hash", p.record.fields["recovery hash"]).with("ext", area(entry(0x8001, edPublic(recovery))))
	r.seed = recovery
	return r
}

// makeChangedRecords makes second versions with other keys that may not follow.
func (m *maker) makeChangedRecords(t *story, r *record) {
	at, p := t.name+"/identity/change-", t.alice
	both := func(r *record) []byte { return slices.Concat(p.identity, r.sign()) }
	m.ok(at+"open", "A version with other keys, by the recovery key.", abi.OpOpenIdentity, both(r))
	bad := func(name, about string, r *record, want abi.Status) {
		m.bad(at+"open-"+name, about, "change-open", "identity", both(r), want)
	}
	stranger := draw("seed of a stranger", 32)
	byAnother := r.with("ext", area(entry(0x8001, edPublic(stranger))))
	byAnother.seed = stranger
	bad("recovery-of-another", "The recovery key is another one than the version before names.", byAnother, mismatch)
	bySeed := r.with("ext", area())
	bad("not-named", "The recovery key signs without being named.", bySeed, signature)
	bySeed.seed = p.signer
	m.okLike(at+"open-by-seed", "A version with other keys, by the key before, that keeps nothing.", "change-open", "identity", both(bySeed))
	same := bySeed.with("signing key", p.record.fields["signing key"])
	bad("signing-key-kept", "The record-signing key stays, the others change.", same, mismatch)
	bad("recrypt-key-kept", "The recrypt signing key stays, the others change.", r.with("recrypt key", p.record.fields["recrypt key"]), mismatch)
	kept := r.with("key 1", p.keys[0].public)
	kept.proofs = p.keys
	bad("key-kept", "The encryption key stays, the others change.", kept, mismatch)
	bad("recovery-changed-by-seed", "The key before changes the recovery key.", bySeed.with("recovery hash", sum(nil)), mismatch)
	m.okLike(at+"open-recovery-changed", "The recovery key changes itself.", "change-open", "identity", both(r.with("recovery hash", sum(nil))))
	bad("recovery-key-short", "The recovery key lacks a byte.", r.with("ext", area(entry(0x8001, make([]byte, 31)))), malformed)
	bad("kept-short", "The seed that is kept lacks a byte.", bySeed.with("ext", area(entry(3, make([]byte, 71)))), malformed)
	bad("signature", "The signature by the recovery key is bad.", func() *record { c := *r; c.seed = stranger; return &c }(), signature)
	m.bad(at+"open-critical-first", "The first version names a recovery key that has signed it.", "change-open", "identity", func() []byte {
		recovery := derive(p.recovery, nil, "recrypt-service recovery key v1", 32)
		first := p.record.with("ext", area(entry(0x8001, edPublic(recovery))))
		first.seed = recovery
		return first.sign()
	}(), mismatch)
}
