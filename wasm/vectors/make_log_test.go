package vectors

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/protocol"
)

// A note is a checkpoint that is being signed.
type note struct{ text string }

// line is a signature in the form of signed notes, by a key of a type, with a time if it is a
// cosignature.
func (n note) line(name string, seed []byte, kind byte, seconds uint64) string {
	hash := sum(slices.Concat([]byte(name+"\n"), []byte{kind}, edPublic(seed)))[:4]
	if kind == 1 {
		return "\u2014 " + name + " " + base64.StdEncoding.EncodeToString(append(hash, edSign(seed, []byte(n.text))...)) + "\n"
	}
	covered := fmt.Sprintf("cosignature/v1\ntime %d\n%s", seconds, n.text)
	b := append(binary.BigEndian.AppendUint64(hash, seconds), edSign(seed, []byte(covered))...)
	return "\u2014 " + name + " " + base64.StdEncoding.EncodeToString(b) + "\n"
}

// verifierKey is that of a witness.
func verifierKey(name string, seed []byte) string {
	return fmt.Sprintf("%s+%x+%s", name, sum(slices.Concat([]byte(name+"\n\x04"), edPublic(seed)))[:4],
		base64.StdEncoding.EncodeToString(append([]byte{4}, edPublic(seed)...)))
}

// makeOpenCheckpoints makes the vectors of opening checkpoints.
func (m *maker) makeOpenCheckpoints(t *story) {
	const at = "log/checkpoint-"
	p := t.service
	origin := must(protocol.FormatID(abi.KindService, [32]byte(p.id)))
	body := func(origin, size, root string) note { return note{origin + "\n" + size + "\n" + root + "\n"} }
	tree := base64.StdEncoding.EncodeToString(sum([]byte("a tree")))
	n := body(origin, "20852163", tree)
	one, two := draw("seed of a witness", 32), draw("seed of another witness", 32)
	const first, second = "witness.example/one", "Zeugin-Ö"
	signed := func(n note) string {
		return n.text + "\n" + n.line(origin, p.signer, 1, 0) + n.line(origin, p.signer, 4, 1_750_000_000)
	}
	open := func(name, about, text string, witnesses ...string) [][]byte {
		var list [][]byte
		for _, w := range witnesses {
			list = append(list, []byte(w))
		}
		return m.ok(at+name, about, abi.OpOpenCheckpoint, p.identity, []byte(text), abi.Pack(list...))
	}
	good := signed(n)
	full := good + n.line("somebody", draw("seed of somebody", 32), 7, 9) + n.line(second, two, 4, 1_750_000_003) + n.line(first, one, 4, 1_750_000_002)
	open("open", "A checkpoint without witnesses.", good)
	open("open-not-asked", "Witnesses that nobody asks for.", full)
	both := open("open-confirmed", "Two witnesses have confirmed it; somebody else has signed, too.", full, verifierKey(first, one), verifierKey(second, two))
	if want := abi.Pack(abi.U64(20852163), sum([]byte("a tree")), abi.U64(1_750_000_000_000),
		slices.Concat(abi.U32(1), abi.U64(1_750_000_003_000), abi.U32(0), abi.U64(1_750_000_002_000))); !bytes.Equal(abi.Pack(both...), want) {
		panic("another checkpoint")
	}
	open("open-one-key", "One key under two names, and the log's own: one witness.", full+n.line("eins", one, 4, 1), verifierKey(first, one), verifierKey("eins", one), verifierKey("self", p.signer))
	open("open-twice", "A witness has signed twice: the first signature counts.", full+n.line(first, one, 4, 5), verifierKey(first, one))
	open("open-largest", "A log of 2^48 leaves.", signed(body(origin, "281474976710656", tree)))
	open("open-empty-log", "A log without leaves has the root of that.", signed(body(origin, "0", base64.StdEncoding.EncodeToString(sum(nil)))))
	m.makeCheckpointFaults(t, n, good, full)
	m.makeWitnessFaults(at, verifierKey(first, one), verifierKey(second, two))
}

// makeCheckpointFaults makes faults of notes.
func (m *maker) makeCheckpointFaults(t *story, n note, good, full string) {
	p := t.service
	origin, rest, _ := strings.Cut(n.text, "\n")
	lines := strings.SplitAfter(good, "\n") // three of text, empty, two signatures, nothing
	signed := func(text string) string {
		n := note{text}
		return text + "\n" + n.line(origin, p.signer, 1, 0) + n.line(origin, p.signer, 4, 1_750_000_000)
	}
	bad := func(name, about, text string, want abi.Status) {
		m.bad("log/checkpoint-open-"+name, about, "checkpoint-open-confirmed", "checkpoint", []byte(text), want)
	}
	bad("empty", "No note.", "", malformed)
	bad("text-only", "The signatures are missing.", n.text, malformed)
	bad("no-blank-line", "The empty line is missing.", strings.Replace(full, "\n\n", "\n", 1), malformed)
	bad("cut", "The last line feed is missing.", full[:len(full)-1], malformed)
	bad("too-long", "16385 bytes.", good+strings.Repeat("\u2014 x AAAAAAAA\n", (16385-len(good))/15+2), malformed)
	bad("not-utf8", "A name is not UTF-8.", good+"\u2014 \xff AAAAAAAA\n", malformed)
	bad("tab", "A control character.", strings.Replace(full, "somebody", "some\tbody", 1), malformed)
	bad("dash", "A signature line begins with a hyphen.", full+"- x AAAAAAAA\n", malformed)
	bad("name-plus", "A name has a plus sign.", full+"\u2014 x+y AAAAAAAA\n", malformed)
	bad("name-space", "A name has a space of Unicode.", full+"\u2014 x\u2003y AAAAAAAA\n", malformed)
	bad("signature-short", "A signature has four bytes.", full+"\u2014 x AAAAAA==\n", malformed)
	bad("signature-base64", "A signature is not base64.", full+"\u2014 x AAAA*AAA\n", malformed)
	bad("signature-spare", "A signature's last digit has bits that no byte has.", full+"\u2014 x AAAAAAB=\n", malformed)
	bad("no-signature", "The plain signature of the log is missing.", strings.Join(slices.Concat(lines[:4], lines[5:]), ""), signature)
	bad("no-time", "The cosignature of the log is missing.", strings.Join(lines[:5], ""), signature)
	bad("others-only", "The log has not signed.", n.text+"\n"+n.line("somebody", draw("seed of somebody", 32), 1, 0), signature)
	bad("size-changed", "Another size than was signed.", strings.Replace(full, "20852163", "20852162", 1), signature)
	bad("time-changed", "The log's cosignature has another time than was signed.", strings.Join(lines[:5], "")+timeChanged(n, origin, p.signer), signature)
	bad("witness-changed", "A witness's signature is of another note.", strings.Replace(full, n.line("witness.example/one", draw("seed of a witness", 32), 4, 1_750_000_002),
		note{"another"}.line("witness.example/one", draw("seed of a witness", 32), 4, 1_750_000_002), 1), signature)
	bad("key-of-another", "Another key under the log's name.", n.text+"\n"+n.line(origin, draw("seed of somebody", 32), 1, 0)+n.line(origin, draw("seed of somebody", 32), 4, 1), signature)
	bad("log-of-another", "A log of another name, with the same key.", strings.ReplaceAll(signed(strings.Replace(n.text, origin, "example.com/log", 1)), "\u2014 "+origin, "\u2014 example.com/log"), mismatch)
	bad("size-too-large", "A log of 2^48 + 1 leaves.", signed(strings.Replace(n.text, "20852163", "281474976710657", 1)), malformed)
	bad("size-zero-first", "The number of leaves begins with a zero.", signed(strings.Replace(n.text, "20852163", "020852163", 1)), malformed)
	bad("empty-log-root", "A log without leaves has another root than that.", signed(strings.Replace(n.text, "20852163", "0", 1)), malformed)
	bad("extended", "A fourth line.", signed(n.text+"extension\n"), malformed)
	bad("root-missing", "The root is missing.", signed(origin+"\n"+strings.SplitAfter(rest, "\n")[0]), malformed)
	m.bad("log/checkpoint-open-service-of-another", "The checkpoint of another service's log.", "checkpoint-open-confirmed", "service", newServer("another service").identity, mismatch)
	m.bad("log/checkpoint-open-service-damaged", "The service record has a bad signature.", "checkpoint-open-confirmed", "service", flip(p.identity, -1), signature)
	m.bad("log/checkpoint-open-service-person", "An identity in place of the service.", "checkpoint-open-confirmed", "service", t.alice.identity, malformed)
}

// timeChanged is a cosignature whose time is not the one that was signed.
func timeChanged(n note, name string, seed []byte) string {
	hash := sum(slices.Concat([]byte(name+"\n\x04"), edPublic(seed)))[:4]
	covered := fmt.Sprintf("cosignature/v1\ntime %d\n%s", 1_750_000_000, n.text)
	b := append(binary.BigEndian.AppendUint64(hash, 1_750_000_001), edSign(seed, []byte(covered))...)
	return "\u2014 " + name + " " + base64.StdEncoding.EncodeToString(b) + "\n"
}

// makeWitnessFaults makes faults of verifier keys.
func (m *maker) makeWitnessFaults(at, one, two string) {
	bad := func(name, about string, want abi.Status, keys ...string) {
		var list [][]byte
		for _, k := range keys {
			list = append(list, []byte(k))
		}
		m.bad(at+"witness-"+name, about, "checkpoint-open-confirmed", "witnesses", abi.Pack(list...), want)
	}
	bad("empty", "A witness without a key.", malformed, one, "")
	bad("cut", "The key lacks its last digit.", malformed, one[:len(one)-1], two)
	bad("hash", "The hash is another one.", malformed, strings.Replace(one, "+", "+0", 1), two)
	bad("hash-upper-case", "The hash is in upper case.", malformed, strings.ToUpper(one[:28])+one[28:], two)
	bad("name", "The hash is that of another name.", malformed, "x"+one, two)
	bad("name-space", "The name has a space.", malformed, strings.Replace(one, ".", " ", 1), two)
	bad("plain", "A key of plain signatures.", malformed, plainKey("witness.example/one", draw("seed of a witness", 32)), two)
	m.bad(at+"witness-too-many", "257 witnesses.", "checkpoint-open-confirmed", "witnesses", make([]byte, 4*257), tooLarge)
	m.bad(at+"witness-one-frame", "A witness in place of a batch.", "checkpoint-open-confirmed", "witnesses", []byte(one), malformed)
}

// plainKey is a verifier key of plain signatures.
func plainKey(name string, seed []byte) string {
	return fmt.Sprintf("%s+%x+%s", name, sum(slices.Concat([]byte(name+"\n\x01"), edPublic(seed)))[:4],
		base64.StdEncoding.EncodeToString(append([]byte{1}, edPublic(seed)...)))
}

// A tree of leaves, by golang.org/x/mod.
type tree struct {
	leaves [][]byte
	hashes []tlog.Hash
}

func newTree(n int) *tree {
	t := &tree{}
	for i := range n {
		leaf := draw(fmt.Sprint("leaf ", i), 32)
		t.hashes = append(t.hashes, must(tlog.StoredHashes(int64(i), leaf, t))...)
		t.leaves = append(t.leaves, leaf)
	}
	return t
}

// ReadHashes makes a tree a tlog.HashReader.
func (t *tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	var out []tlog.Hash
	for _, i := range indexes {
		out = append(out, t.hashes[i])
	}
	return out, nil
}

func (t *tree) root(n int64) []byte {
	h := must(tlog.TreeHash(n, t))
	return h[:]
}

func joined(hashes []tlog.Hash) (out []byte) {
	for _, h := range hashes {
		out = append(out, h[:]...)
	}
	return out
}

func (t *tree) inclusion(index, size int64) []byte {
	return joined(must(tlog.ProveRecord(size, index, t)))
}
func (t *tree) consistency(old, size int64) []byte { return joined(must(tlog.ProveTree(size, old, t))) }

// makeProofs makes the vectors of proofs.
func (m *maker) makeProofs() {
	t := newTree(23)
	m.makeInclusion(t)
	m.makeConsistency(t)
}

func (m *maker) makeInclusion(t *tree) {
	const at = "log/"
	include := func(name, about string, index, size int64) {
		m.ok(at+"inclusion"+name, about, abi.OpVerifyInclusion, t.leaves[index], abi.U64(uint64(index)), abi.U64(uint64(size)), t.root(size), t.inclusion(index, size))
	}
	include("", "A leaf in the middle of a tree of 23.", 9, 23)
	include("-last", "The last leaf of a tree of 23, which has no sibling on some levels.", 22, 23)
	include("-first", "The first leaf of a complete tree of 16.", 0, 16)
	include("-single", "The only leaf of a tree: no proof.", 0, 1)
	path := t.inclusion(9, 23)
	bad := func(name, about, arg string, b []byte, want abi.Status) {
		m.bad(at+"inclusion-"+name, about, "inclusion", arg, b, want)
	}
	bad("leaf-other", "Another leaf.", "leaf", t.leaves[10], mismatch)
	bad("leaf-node", "A node of the tree, in place of a leaf.", "leaf", slices.Concat(path[:32], path[32:64]), mismatch)
	bad("index-other", "Another index.", "index", abi.U64(8), mismatch)
	bad("index-size", "An index behind the end.", "index", abi.U64(23), mismatch)
	bad("size-small", "A tree that ends before the leaf.", "size", abi.U64(9), mismatch)
	bad("size-other", "A tree of another shape.", "size", abi.U64(16), mismatch)
	bad("size-zero", "A tree without leaves.", "size", abi.U64(0), mismatch)
	bad("size-too-large", "2^48 + 1 leaves.", "size", abi.U64(1<<48+1), mismatch)
	bad("root-other", "The root of the tree before.", "root", t.root(22), mismatch)
	bad("root-short", "The root lacks a byte.", "root", t.root(23)[1:], malformed)
	bad("proof-empty", "No proof.", "proof", nil, mismatch)
	bad("proof-short", "The last hash is missing.", "proof", path[:len(path)-32], mismatch)
	bad("proof-long", "A hash too many.", "proof", append(slices.Clone(path), path[:32]...), mismatch)
	bad("proof-damaged", "A bit of a hash is changed.", "proof", flip(path, 40), mismatch)
	bad("proof-order", "Two hashes are exchanged.", "proof", slices.Concat(path[32:64], path[:32], path[64:]), mismatch)
	bad("proof-cut", "The last hash lacks a byte.", "proof", path[:len(path)-1], mismatch)
	bad("proof-65", "65 hashes.", "proof", make([]byte, 65*32), mismatch)
}

func (m *maker) makeConsistency(t *tree) {
	const at = "log/"
	follow := func(name, about string, old, size int64, proof []byte) {
		m.ok(at+"consistency"+name, about, abi.OpVerifyConsistency, abi.U64(uint64(old)), t.root(old), abi.U64(uint64(size)), t.root(size), proof)
	}
	follow("", "A tree of 9 is the beginning of one of 23.", 9, 23, t.consistency(9, 23))
	follow("-complete", "A complete tree of 8 is the beginning of one of 23.", 8, 23, t.consistency(8, 23))
	follow("-odd", "A tree of 22 is the beginning of one of 23.", 22, 23, t.consistency(22, 23))
	follow("-same", "A tree goes on from itself: no proof.", 23, 23, nil)
	follow("-empty", "Every tree goes on from the empty one: no proof.", 0, 23, nil)
	follow("-both-empty", "The empty tree goes on from itself.", 0, 0, nil)
	proof := t.consistency(9, 23)
	bad := func(name, about, arg string, b []byte, want abi.Status) {
		m.bad(at+"consistency-"+name, about, "consistency", arg, b, want)
	}
	bad("old-size-other", "Another old size.", "old size", abi.U64(10), mismatch)
	bad("old-size-zero", "The old tree is said to be empty, and has a root.", "old size", abi.U64(0), mismatch)
	bad("old-size-larger", "The old tree is the larger one.", "old size", abi.U64(24), mismatch)
	bad("old-size-same", "Both trees are said to be of one size.", "old size", abi.U64(23), mismatch)
	bad("old-root-other", "Another old root.", "old root", t.root(8), mismatch)
	bad("old-root-long", "The old root has a byte too many.", "old root", append(t.root(9), 0), malformed)
	bad("new-size-other", "Another new size.", "new size", abi.U64(16), mismatch)
	bad("new-size-too-large", "2^48 + 1 leaves.", "new size", abi.U64(1<<48+1), mismatch)
	bad("new-root-other", "Another new root.", "new root", t.root(22), mismatch)
	bad("proof-empty", "No proof.", "proof", nil, mismatch)
	bad("proof-short", "The last hash is missing.", "proof", proof[:len(proof)-32], mismatch)
	bad("proof-long", "A hash too many.", "proof", append(slices.Clone(proof), proof[:32]...), mismatch)
	bad("proof-first", "The first hash is missing.", "proof", proof[32:], mismatch)
	bad("proof-damaged", "A bit of a hash is changed.", "proof", flip(proof, 40), mismatch)
	m.bad(at+"consistency-same-root", "Two trees of one size with two roots.", "consistency-same", "old root", t.root(22), mismatch)
	m.bad(at+"consistency-same-proof", "A proof where none is needed.", "consistency-same", "proof", proof, mismatch)
	m.bad(at+"consistency-empty-proof", "A proof where none can be.", "consistency-empty", "proof", proof, mismatch)
	m.bad(at+"consistency-complete-proof", "The proof begins with the old root, which is known.", "consistency-complete", "proof", append(t.root(8), t.consistency(8, 23)...), mismatch)
}

// makeLeaves makes the vectors of leaves.
func (m *maker) makeLeaves(t *story) {
	const at = "log/leaf-"
	leaf := func(name, about string, kind byte, id []byte, number uint64, content, want []byte) {
		got := m.ok(at+name, about, abi.OpLogLeaf, []byte{kind}, id, abi.U64(number), content)[0]
		if !bytes.Equal(got, want) {
			panic("another leaf")
		}
	}
	identity, collection := t.alice.identity, t.second.sign()
	leaf("identity", "The leaf of a version of an identity.", abi.LeafIdentity, t.alice.id, 1, identity,
		append(sum(cat("recrypt-service log identity v1", t.alice.id, uint32(1))), sum(identity)...))
	leaf("collection", "The leaf of a collection record.", abi.LeafCollection, t.collection, 1, collection,
		append(sum(cat("recrypt-service log collection v1", t.collection, uint64(1))), sum(collection)...))
	salt, entry := draw("salt of an entry", 32), []byte("an entry")
	leaf("entry", "The leaf of an entry of the ledger.", abi.LeafEntry, salt, 0, entry, sum(cat("recrypt-service log entry v1", salt, entry)))
	m.bad(at+"identity-kind-unknown", "There is no kind 4.", "leaf-identity", "kind", []byte{4}, malformed)
	m.bad(at+"identity-id-short", "The id has 16 bytes.", "leaf-identity", "id", t.collection, malformed)
	m.bad(at+"identity-version-large", "A version of 33 bits.", "leaf-identity", "number", abi.U64(1<<32), malformed)
	m.bad(at+"collection-id-long", "The id has 32 bytes.", "leaf-collection", "id", t.alice.id, malformed)
	m.bad(at+"entry-number", "An entry has no number.", "leaf-entry", "number", abi.U64(1), malformed)
	m.bad(at+"entry-salt-short", "The salt lacks a byte.", "leaf-entry", "id", salt[1:], malformed)
}
