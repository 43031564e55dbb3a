package server_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/server"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/translog"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

func verifyEd25519(key [32]byte, message, signature []byte) bool {
	return ed25519.Verify(key[:], message, signature)
}

// checkpoint verifies a checkpoint as a client does.
func (w *world) checkpoint(note string, witnesses ...translog.Witness) *translog.Checkpoint {
	w.t.Helper()
	c, err := translog.OpenCheckpoint([]byte(note), w.server.ID(), w.service.SigningKey, verifyEd25519, witnesses)
	if err != nil {
		w.t.Fatalf("%v: %s", err, note)
	}
	return c
}

// newestCheckpoint asks for it.
func (w *world) newestCheckpoint(witnesses ...translog.Witness) *translog.Checkpoint {
	w.t.Helper()
	r := w.do(request("GET", api.PathCheckpoint, nil))
	w.want("checkpoint", r, "")
	return w.checkpoint(string(r.body), witnesses...)
}

// verifyLogged verifies that a leaf is in the log; note is for answers with one for all.
func (w *world) verifyLogged(what string, leaf []byte, l *api.Logged, note string) {
	w.t.Helper()
	if l == nil {
		w.t.Errorf("%s: no proof", what)
		return
	}
	if l.Checkpoint != "" {
		note = l.Checkpoint
	}
	c := w.checkpoint(note)
	if err := translog.VerifyInclusion(leaf, l.Index, c.Size, c.Root, plain(l.Proof)); err != nil {
		w.t.Errorf("%s: %v", what, err)
	}
}

func plain(proof []api.Bytes) [][]byte {
	out := make([][]byte, len(proof))
	for i := range proof {
		out[i] = proof[i]
	}
	return out
}

// leaves reads all leaves of a state of the log, by its entry bundles.
func (w *world) leaves(size int64) (all [][]byte) {
	w.t.Helper()
	for index := int64(0); index < size; index += translog.TileWidth {
		b := translog.Bundle(index, size)
		r := w.do(request("GET", api.PathLog+"tile/"+translog.TilePath(b), nil))
		w.want("bundle", r, "")
		leaves, err := translog.ParseBundle(r.body, b.W)
		if err != nil {
			w.t.Fatal(err)
		}
		all = append(all, leaves...)
	}
	return all
}

// rootOf computes the root of leaves, by nothing of what the server stores.
func rootOf(leaves [][]byte) tlog.Hash {
	var hashes []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) (out []tlog.Hash, err error) {
		for _, i := range indexes {
			out = append(out, hashes[i])
		}
		return out, nil
	})
	for i, leaf := range leaves {
		hashes = append(hashes, must(tlog.StoredHashes(int64(i), leaf, reader))...)
	}
	return must(tlog.TreeHash(int64(len(leaves)), reader))
}

// TestLog: what happens is in the log, which anybody can replay and nobody can read.
func TestLog(t *testing.T) {
	w := newWorld(t)
	empty := w.newestCheckpoint()
	if empty.Size != 0 {
		t.Errorf("a new log has %d leaves", empty.Size)
	}
	alice, bob := w.join(), w.join()
	w.grant(alice, bob)
	k := w.deposit(alice, alice)
	before := w.newestCheckpoint()
	w.read(bob, k)
	w.read(bob, k)
	w.read(alice, k) // the original: not an opening
	w.want("revoke", w.revoke(alice, bob), "")

	c := w.newestCheckpoint()
	leaves := w.leaves(c.Size)
	if rootOf(leaves) != c.Root {
		t.Error("the leaves do not have the root of the checkpoint")
	}
	// Two identities, the collection, grant, deposit; two openings, the revocation.
	if before.Size != 5 || c.Size != 8 {
		t.Errorf("%d leaves, then %d", before.Size, c.Size)
	}
	for what, leaf := range map[string][]byte{
		"alice":      translog.IdentityLeaf(alice.identity.ID, 1, alice.record),
		"bob":        translog.IdentityLeaf(bob.identity.ID, 1, bob.record),
		"collection": translog.CollectionLeaf(w.fields(alice).Collection, 0, alice.collection),
	} {
		if n := count(leaves, leaf); n != 1 {
			t.Errorf("leaf of %s: %d times", what, n)
		}
	}
	all := bytes.Join(leaves, nil)
	for _, id := range [][]byte{alice.identity.ID[:], bob.identity.ID[:], k.raw[:]} {
		if bytes.Contains(all, id) {
			t.Error("an id can be read from the log")
		}
	}
	w.consistent(empty, before)
	w.consistent(before, c)
	w.consistent(c, c)
}

func count(leaves [][]byte, leaf []byte) (n int) {
	for _, l := range leaves {
		if bytes.Equal(l, leaf) {
			n++
		}
	}
	return n
}

// consistent asks for the proof that one checkpoint goes on from another.
func (w *world) consistent(older, newer *translog.Checkpoint) {
	w.t.Helper()
	r := w.do(request("GET", fmt.Sprintf("/v1/log/consistency/%d/%d", older.Size, newer.Size), nil))
	w.want("consistency", r, "")
	proof := plain(decode[api.Consistency](w.t, r).Proof)
	if err := translog.VerifyConsistency(older.Size, older.Root, newer.Size, newer.Root, proof); err != nil {
		w.t.Errorf("%d to %d: %v", older.Size, newer.Size, err)
	}
}

// fill appends entries that nobody may list.
func (w *world) fill(n int, party [32]byte) {
	w.t.Helper()
	for n > 0 {
		some := min(n, 500)
		entries := make([]store.LogEntry, some)
		for i := range entries {
			e := translog.Entry{Kind: translog.Opened, Time: w.now().UnixMilli(), Owner: party}
			copy(e.Key[:], random(16))
			l := store.LogEntry{Entry: e.Encode(), Evidence: bytes.Repeat([]byte{'x'}, 900), Owner: party, Time: e.Time}
			copy(l.Salt[:], random(32))
			l.Leaf = translog.EntryLeaf(l.Salt, l.Entry)
			entries[i] = l
		}
		if err := w.store.AppendLog(context.Background(), entries); err != nil {
			w.t.Fatal(err)
		}
		n -= some
	}
}

// TestTiles: a client that knows only a checkpoint and the tiles proves every leaf.
func TestTiles(t *testing.T) {
	w := newWorld(t)
	w.fill(700, [32]byte{1})
	c := w.newestCheckpoint()
	reader := tlog.TileHashReader(tlog.Tree{N: c.Size, Hash: c.Root}, &tiles{w: w})
	for index, leaf := range w.leaves(c.Size) {
		hashes, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, int64(index))})
		if err != nil || hashes[0] != tlog.RecordHash(leaf) {
			t.Fatalf("leaf %d: %v", index, err)
		}
	}
	tile := w.do(request("GET", "/log/tile/0/000", nil))
	if len(tile.body) != 8192 || tile.header.Get("Content-Type") != "application/octet-stream" || !strings.Contains(tile.header.Get("Cache-Control"), "immutable") {
		t.Errorf("a tile has %d bytes and %v", len(tile.body), tile.header)
	}
	if r := w.do(request("GET", api.PathCheckpoint, nil)); r.header.Get("Content-Type") != "text/plain; charset=utf-8" || r.header.Get("Cache-Control") != "no-store" {
		t.Errorf("a checkpoint comes with %v", r.header)
	}
	for path, code := range map[string]string{
		"/log/tile/0/002.p/188": "", "/log/tile/0/002.p/1": "", "/log/tile/entries/002.p/188": "", "/log/tile/1/000.p/2": "",
		"/log/tile/0/002.p/189": api.CodeNotFound, "/log/tile/0/002": api.CodeNotFound, "/log/tile/entries/002.p/189": api.CodeNotFound,
		"/log/tile/1/000.p/3": api.CodeNotFound, "/log/tile/1/000": api.CodeNotFound, "/log/tile/0/999": api.CodeNotFound,
		"/log/tile/data/000": api.CodeNotFound, "/log/tile/0/0": api.CodeNotFound, "/log/tile/0/x000/000": api.CodeNotFound, "/log/tile/": api.CodeMalformed,
		"/log/tile": api.CodeNotFound, "/log": api.CodeNotFound, "/log/checkpoint/": api.CodeMalformed, "/log/tile/0/../0/000": api.CodeMalformed,
		"/log/tile/0/000?x": api.CodeMalformed, "/log/checkpoint?": api.CodeMalformed, "/log/tile//000": api.CodeMalformed,
		"/v1/log/consistency/3/700": "", "/v1/log/consistency/0/700": "", "/v1/log/consistency/700/700": "", "/v1/log/consistency/0/0": "",
		"/v1/log/consistency/3/701": api.CodeNotFound, "/v1/log/consistency/4/3": api.CodeMalformed, "/v1/log/consistency/03/4": api.CodeMalformed,
		"/v1/log/consistency/-1/4": api.CodeMalformed, "/v1/log/consistency/a/4": api.CodeMalformed, "/v1/log/consistency/1/99999999999999999999": api.CodeMalformed,
		"/v1/log/consistency/1/281474976710657": api.CodeMalformed,
	} {
		w.want(path, w.do(request("GET", path, nil)), code)
	}
	w.want("post", w.do(request("POST", api.PathCheckpoint, nil)), api.CodeMethod)
}

type tiles struct{ w *world }

func (s *tiles) Height() int                     { return 8 }
func (s *tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func (s *tiles) ReadTiles(list []tlog.Tile) (out [][]byte, err error) {
	for _, t := range list {
		r := s.w.do(request("GET", api.PathLog+"tile/"+translog.TilePath(t), nil))
		s.w.want("tile", r, "")
		out = append(out, r.body)
	}
	return out, nil
}

// TestCheckpointAge: a checkpoint is signed once for a while, and then again with the
// present time.
func TestCheckpointAge(t *testing.T) {
	w := newWorld(t)
	w.join()
	get := func() string { return string(w.do(request("GET", api.PathCheckpoint, nil)).body) }
	first := get()
	w.advance(59 * time.Second)
	if get() != first {
		t.Error("signed again within a minute")
	}
	w.advance(2 * time.Second)
	later := get()
	if c := w.checkpoint(later); c.Time.Unix() != w.now().Unix() || c.Size != 1 {
		t.Errorf("after a minute: %+v", c)
	}
	w.advance(-time.Hour)
	if c := w.checkpoint(get()); c.Time.Unix() != w.now().Unix() {
		t.Error("the clock was set back, and the checkpoint was not")
	}
	w.join()
	if c := w.newestCheckpoint(); c.Size != 2 {
		t.Errorf("%d leaves", c.Size)
	}
}

// again starts the server anew on what is in the folder, as cfg says.
func (w *world) reopen(change func(*server.Config)) error {
	cfg := w.config(w.store)
	change(&cfg)
	s, err := server.New(context.Background(), cfg)
	if err == nil {
		w.server.Close()
		w.server = s
	}
	return err
}

// TestOlderLog: a database from a backup is noticed by the checkpoint beside it, and
// taken only if the operator says so.
func TestOlderLog(t *testing.T) {
	w := newWorld(t)
	w.needFiles()
	file := filepath.Join(w.dir, "checkpoint")
	keep := func(c *server.Config) { c.CheckpointFile = file }
	override := func(c *server.Config) { c.CheckpointFile, c.AcceptOlderLog = file, true }
	if err := w.reopen(keep); err != nil {
		t.Fatal(err)
	}
	w.join()
	w.stop()
	backup := must(os.ReadFile(filepath.Join(w.dir, "recrypt.db")))
	w.start()
	if err := w.reopen(keep); err != nil {
		t.Fatal(err)
	}
	alice := w.join()
	w.open(alice)
	signed := must(os.ReadFile(file))
	if c := w.checkpoint(string(signed)); c.Size != 3 {
		t.Errorf("the file has %d leaves", c.Size)
	}
	if info := must(os.Stat(file)); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	if err := w.reopen(keep); err != nil {
		t.Errorf("the same database again: %v", err)
	}
	w.stop()
	if err := os.WriteFile(filepath.Join(w.dir, "recrypt.db"), backup, 0o600); err != nil {
		t.Fatal(err)
	}
	w.start()
	err := w.reopen(keep)
	if !errors.Is(err, server.ErrOlderLog) || !strings.Contains(fmt.Sprint(err), "--accept-older-log") {
		t.Errorf("an older database: %v", err)
	}
	if again := must(os.ReadFile(file)); !bytes.Equal(again, signed) {
		t.Error("the refusal has changed the file")
	}
	// As long as the older one was, but another history.
	w.join()
	w.open(w.join())
	if err := w.reopen(keep); !errors.Is(err, server.ErrOlderLog) {
		t.Errorf("another history: %v", err)
	}
	if err := w.reopen(override); err != nil || !strings.Contains(w.log.String(), "older log") {
		t.Errorf("by order of the operator: %v", err)
	}
	w.newestCheckpoint()
	if err := w.reopen(keep); err != nil {
		t.Errorf("after that: %v", err)
	}
}

func TestCheckpointFile(t *testing.T) {
	w := newWorld(t)
	w.join()
	other := newWorld(t)
	other.join()
	file := filepath.Join(w.dir, "checkpoint")
	foreign := []byte(other.newestCheckpoint().Note)
	for name, content := range map[string][]byte{"empty": {}, "text": []byte("hello\n"), "of another server": foreign} {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, accept := range []bool{false, true} {
			if err := w.reopen(func(c *server.Config) { c.CheckpointFile, c.AcceptOlderLog = file, accept }); err == nil {
				t.Errorf("%s: accepted", name)
			}
		}
	}
	// Where it cannot be kept, nothing is signed that is longer than what was.
	if err := w.reopen(func(c *server.Config) { c.CheckpointFile = filepath.Join(w.dir, "none", "checkpoint") }); err != nil {
		t.Fatal(err)
	}
	w.want("checkpoint", w.do(request("GET", api.PathCheckpoint, nil)), api.CodeInternal)
}

// TestLogged: what is answered with a proof is what the proof is about.
func TestLogged(t *testing.T) {
	w := newWorld(t)
	alice := w.newPerson()
	published := decode[api.Identity](t, w.publish(alice))
	w.verifyLogged("published", translog.IdentityLeaf(alice.identity.ID, 1, alice.record), published.Logged, "")
	w.fill(20, [32]byte{})
	got := decode[api.Identity](t, w.do(request("GET", "/v1/identities/"+alice.id, nil)))
	w.verifyLogged("looked up", translog.IdentityLeaf(alice.identity.ID, 1, alice.record), got.Logged, "")
	in := w.grant(alice)
	answer := decode[api.GrantAccessAnswer](t, w.call(alice, "POST", api.PathGrants, in))
	w.verifyLogged("collection", translog.CollectionLeaf(w.fields(alice).Collection, 0, alice.collection), answer.Logged, "")
	if c := w.checkpoint(answer.Logged.Checkpoint); c.Size != 22 {
		t.Errorf("%d leaves", c.Size)
	}
}

// TestIdentityLeaves: each version that is published is a leaf, also if they come
// together.
func TestIdentityLeaves(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.newPerson(), w.newPerson()
	both := w.later(alice)
	w.want("two at once", w.publish(both), "")
	w.want("one", w.publish(bob), "")
	second := w.later(bob)
	w.want("and another", w.publish(second), "")
	leaves := w.leaves(w.newestCheckpoint().Size)
	want := [][]byte{
		translog.IdentityLeaf(alice.identity.ID, 1, alice.record), translog.IdentityLeaf(alice.identity.ID, 2, both.record),
		translog.IdentityLeaf(bob.identity.ID, 1, bob.record), translog.IdentityLeaf(bob.identity.ID, 2, second.record),
	}
	if !bytes.Equal(bytes.Join(leaves, nil), bytes.Join(want, nil)) {
		t.Errorf("%d leaves, not those four", len(leaves))
	}
}

func TestLookUps(t *testing.T) {
	w := newWorld(t)
	alice, bob, stranger := w.join(), w.join(), w.newPerson()
	r := w.call(alice, "POST", api.PathLookUp, api.LookUp{IDs: []string{bob.id, stranger.id, alice.id}})
	w.want("look up", r, "")
	out := decode[api.Identities](t, r)
	if len(out.Identities) != 3 {
		t.Fatalf("%d answers", len(out.Identities))
	}
	for i, p := range []*person{bob, nil, alice} {
		got := out.Identities[i]
		if p == nil {
			if got.ID != stranger.id || got.Code != api.CodeNotFound || got.Record != nil || got.Logged != nil || got.Version != 0 {
				t.Errorf("absent: %+v", got)
			}
			continue
		}
		if got.ID != p.id || got.Code != "" || got.Version != 1 || !bytes.Equal(got.Record, p.record) || got.Logged.Checkpoint != "" {
			t.Errorf("%d: %+v", i, got)
		}
		w.verifyLogged("identity", translog.IdentityLeaf(p.identity.ID, 1, p.record), got.Logged, out.Checkpoint)
	}
	server := must(w.core.FormatID(context.Background(), abi.KindService, w.service.ID))
	many := make([]string, api.MaxLookUps+1)
	for i := range many {
		many[i] = must(w.core.FormatID(context.Background(), abi.KindPerson, [32]byte(random(32))))
	}
	for name, c := range map[string]struct {
		ids  []string
		code string
	}{
		"none": {[]string{}, ""}, "twice": {[]string{bob.id, bob.id}, api.CodeMalformed}, "a server": {[]string{server}, api.CodeMalformed},
		"no id": {[]string{"bob"}, api.CodeMalformed}, "as many as possible": {many[1:], ""}, "too many": {many, api.CodeTooLarge},
	} {
		w.want(name, w.call(alice, "POST", api.PathLookUp, api.LookUp{IDs: c.ids}), c.code)
	}
	body := must(json.Marshal(api.LookUp{IDs: []string{bob.id}}))
	w.want("unsigned", w.do(request("POST", api.PathLookUp, body)), api.CodeUnsigned)
	w.want("by a stranger", w.call(stranger, "POST", api.PathLookUp, api.LookUp{IDs: []string{bob.id}}), api.CodeSignature)
	if r := w.do(request("GET", api.PathLookUp, nil)); r.status == http.StatusOK {
		t.Error("the path of look-ups reads as an identity")
	}
}
