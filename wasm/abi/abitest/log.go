package abitest

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// followLog opens a checkpoint of the service's log, and follows proofs in a tree of three
// leaves.
func followLog(s suite) {
	seed := seedOf("service")
	service := get(s.NewService(s.ctx, seed))
	info := get(s.OpenService(s.ctx, service))
	origin := get(s.FormatID(s.ctx, abi.KindService, info.ID))
	id, collection, salt := [32]byte(seedOf("somebody")), item("collection"), [32]byte(seedOf("salt"))
	leaves := [][]byte{
		get(s.IdentityLeaf(s.ctx, id, 1, []byte("records"))), get(s.CollectionLeaf(s.ctx, collection, 7, []byte("record"))),
		get(s.EntryLeaf(s.ctx, salt, []byte("entry"))),
	}
	same(len(leaves[0]), 64)
	same(len(leaves[1]), 64)
	same(len(leaves[2]), 32)
	label := sha256.Sum256(slices.Concat([]byte("recrypt-service log entry v1"), salt[:], []byte("entry")))
	equal(leaves[2], label[:])
	a, b, c := node(0, leaves[0]), node(0, leaves[1]), node(0, leaves[2])
	two := node(1, a[:], b[:])
	root := node(1, two[:], c[:])
	ok(s.VerifyInclusion(s.ctx, leaves[1], 1, 3, root, slices.Concat(a[:], c[:])))
	ok(s.VerifyInclusion(s.ctx, leaves[2], 2, 3, root, two[:]))
	ok(s.VerifyConsistency(s.ctx, abi.LogState{Size: 2, Root: two}, abi.LogState{Size: 3, Root: root}, c[:]))
	ok(s.VerifyConsistency(s.ctx, abi.LogState{Root: sha256.Sum256(nil)}, abi.LogState{Size: 3, Root: root}, nil))
	refused(abi.ErrMismatch, s.VerifyInclusion(s.ctx, leaves[1], 0, 3, root, slices.Concat(a[:], c[:])))
	refused(abi.ErrMismatch, s.VerifyInclusion(s.ctx, leaves[0], 1, 3, root, slices.Concat(a[:], c[:])))
	refused(abi.ErrMismatch, s.VerifyInclusion(s.ctx, leaves[2], 2, 3, root, nil))
	refused(abi.ErrMismatch, s.VerifyConsistency(s.ctx, abi.LogState{Size: 2, Root: two}, abi.LogState{Size: 3, Root: two}, c[:]))
	refused(abi.ErrMismatch, s.VerifyConsistency(s.ctx, abi.LogState{Size: 3, Root: root}, abi.LogState{Size: 2, Root: two}, c[:]))
	refused(abi.ErrMalformed, second(s.raw(abi.OpLogLeaf, abi.Pack(abi.U8(4), salt[:], abi.U64(0), nil))))

	text := origin + "\n3\n" + base64Std.EncodeToString(root[:]) + "\n"
	sign := func(text string) []byte { return get(s.SignCheckpoint(s.ctx, seed, service, text)) }
	own := noteLine(origin, 1, info.SigningKey, sign(text))
	stamp := noteLine(origin, 4, info.SigningKey, stamped(1_900_000_000, sign("cosignature/v1\ntime 1900000000\n"+text)))
	witness, key := get2(s.GenerateSigningKeyPair(s.ctx))
	by := noteLine("witness", 4, [32]byte(key), stamped(1_900_000_001, get(s.Ed25519Sign(s.ctx, witness, []byte("cosignature/v1\ntime 1900000001\n"+text)))))
	vkey := fmt.Sprintf("witness+%x+%s", noteHash("witness", 4, [32]byte(key)), base64Std.EncodeToString(append([]byte{4}, key...)))
	open := func(note string, witnesses ...string) (*abi.Checkpoint, error) {
		return s.OpenCheckpoint(s.ctx, service, []byte(note), witnesses)
	}
	good := text + "\n" + own + stamp + by
	v := get(open(good, vkey))
	same(v.Size, 3)
	same(v.Root, root)
	same(v.Time, 1_900_000_000_000)
	same(len(v.Confirmations), 1)
	same(v.Confirmations[0], abi.Confirmation{Witness: 0, Time: 1_900_000_001_000})
	same(len(get(open(good)).Confirmations), 0)
	refused(abi.ErrSignature, second(open(text+"\n"+own+by, vkey)))
	refused(abi.ErrSignature, second(open(text+"\n"+stamp)))
	refused(abi.ErrSignature, second(open(strings.Replace(good, "\n3\n", "\n4\n", 1))))
	refused(abi.ErrMalformed, second(open(good[:len(good)-1])))
	refused(abi.ErrMalformed, second(open(text)))
	refused(abi.ErrMalformed, second(open(good, vkey[1:])))
	other := get(s.NewService(s.ctx, seedOf("other")))
	refused(abi.ErrMismatch, second(s.OpenCheckpoint(s.ctx, other, []byte(good), nil)))
	refused(abi.ErrTooLarge, second(open(good, make([]string, abi.MaxBatch+1)...)))
}

// node returns the hash of a leaf (0) or of two nodes (1).
func node(kind byte, parts ...[]byte) [32]byte {
	return sha256.Sum256(append([]byte{kind}, bytes.Join(parts, nil)...))
}

// noteHash is how a signed note names a key.
func noteHash(name string, kind byte, key [32]byte) []byte {
	sum := sha256.Sum256(slices.Concat([]byte(name+"\n"), []byte{kind}, key[:]))
	return sum[:4]
}

func noteLine(name string, kind byte, key [32]byte, signature []byte) string {
	return "\u2014 " + name + " " + base64Std.EncodeToString(append(noteHash(name, kind, key), signature...)) + "\n"
}

func stamped(seconds uint64, signature []byte) []byte {
	return append(binary.BigEndian.AppendUint64(nil, seconds), signature...)
}

// edge has an edge transform the document in the service's place.
func (w *world) edge() {
	seed := seedOf("edge")
	edge := w.identity(seed)
	const expires = 1_900_000_060_000
	hash := sha256.Sum256(w.document.record)
	items := []abi.EdgeItem{{Record: hash, Value: w.document.value}, {Record: hash, Value: w.document.value}}
	seal := func(items []abi.EdgeItem) ([]byte, error) {
		return w.SealEdgeJob(w.ctx, w.serviceSeed, w.service, edge, w.readerID, expires, w.transformKey, items)
	}
	job := get(seal(items))
	same(bytes.Contains(job, w.transformKey[:32]), false)
	run := func(now uint64, job []byte) ([]abi.EdgeOutcome, error) {
		return w.RunEdgeJob(w.ctx, seed, edge, w.service, now, job)
	}
	made := get(run(expires-1, job))
	same(len(made), 2)
	var keys []abi.KeyItem
	for _, o := range made {
		ok(o.Err)
		keys = append(keys, abi.KeyItem{Author: w.owner, Collection: w.second, Record: w.document.record, Value: o.Value, Ticket: o.Ticket})
	}
	byService := keys[0]
	byService.Value, byService.Ticket = w.transformed(w.document).value, nil
	without := keys[0]
	without.Ticket = nil
	damaged := keys[0]
	damaged.Ticket = flip(damaged.Ticket, len(damaged.Ticket)-1)
	outcomes := get(w.OpenEdgeKeys(w.ctx, w.readerSeed, w.reader, w.service, append(keys, byService, without, damaged)))
	failing(outcomes, abi.StatusOK, abi.StatusOK, abi.StatusOK, abi.StatusMismatch, abi.StatusSignature)
	for _, o := range outcomes[:3] {
		equal(o.Value, w.document.key)
	}
	failing(get(w.OpenKeys(w.ctx, w.readerSeed, w.reader, w.service, keys[:1])), abi.StatusMismatch)
	failing(get(w.OpenEdgeKeys(w.ctx, w.authorSeed, w.author, w.service, keys[:1])), abi.StatusSignature)

	refused(abi.ErrMismatch, second(run(expires, job)))
	refused(abi.ErrSignature, second(run(0, flip(job, len(job)-1))))
	refused(abi.ErrMalformed, second(run(0, nil)))
	refused(abi.ErrMismatch, second(w.RunEdgeJob(w.ctx, w.readerSeed, w.reader, w.service, 0, job)))
	refused(abi.ErrMismatch, second(w.RunEdgeJob(w.ctx, seed, edge, get(w.NewService(w.ctx, w.readerSeed)), 0, job)))
	refused(abi.ErrMalformed, second(seal(nil)))
	refused(abi.ErrTooLarge, second(seal(make([]abi.EdgeItem, abi.MaxBatch+1))))
	refused(abi.ErrMismatch, second(seal([]abi.EdgeItem{{Value: byService.Value}})))
	bad := get(run(0, get(seal([]abi.EdgeItem{items[0], {Record: hash, Value: flip(w.document.value, 0)}}))))
	ok(bad[0].Err)
	refused(abi.ErrMalformed, bad[1].Err)
}
