package statespace

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/keyring"
	"github.com/recrypt-service/recrypt/host/keystore"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

func (w *world) broken(what string) { w.notes = append(w.notes, what) }

func (w *world) millis() int64 { return w.now().UnixMilli() }

// live reports whether a listed grant has not ended.
func (w *world) live(g *store.Grant) bool {
	return g.Revocation == nil && g.Superseded == nil && (g.Expires == 0 || g.Expires > w.millis())
}

// describe is the state of the world in words: two worlds with the same words go on
// alike.
func (w *world) describe() string {
	var b strings.Builder
	fmt.Fprintf(&b, "clock %v, log %d\n", w.clock, must(w.store.LogSize(ctx)))
	for _, name := range []string{"alice", "bob"} {
		owner := w.people[name]
		head, err := w.store.Head(ctx, owner.home)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			w.broken("read the head: " + err.Error())
			continue
		}
		fmt.Fprintf(&b, "%s: record %d epoch %d closed %v\n", name, head.Sequence, head.Epoch, head.Closed)
		issued, err := w.store.IssuedGrants(ctx, owner.raw, store.GrantCursor{}, store.MaxListed)
		if err != nil {
			w.broken("list grants: " + err.Error())
		}
		var lines []string
		for i := range issued {
			g := &issued[i]
			switch {
			case w.live(g):
				lines = append(lines, fmt.Sprintf("  %s epoch %d kind %d until %d wait %d asked %d", w.nameOf(g.Reader), g.Epoch, g.Kind, g.Expires, g.Wait, g.Requested))
			case g.Epoch == head.Epoch: // who was a reader of the newest epoch matters to clients
				lines = append(lines, fmt.Sprintf("  %s had one, revoked %v, replaced %v", w.nameOf(g.Reader), g.Revocation != nil, g.Superseded != nil))
			}
		}
		slices.Sort(lines)
		fmt.Fprintln(&b, strings.Join(lines, "\n"))
	}
	docs := map[string]int{}
	for _, d := range w.ghost.docs {
		id := must(api.ParseID(d.key))
		k, err := w.store.Key(ctx, id)
		if err != nil {
			w.broken("a document that was deposited is lost")
		}
		docs[fmt.Sprintf("%s/%d", d.owner, k.Epoch)]++
	}
	fmt.Fprintln(&b, docs)
	home := must(keystore.Open(filepath.Join(w.dir, "devices")))
	for _, name := range []string{"a1", "a2", "b1"} {
		sequence, _, ok, err := home.State(name).Head(w.devices[name].home)
		fmt.Fprintln(&b, name, sequence, ok, err)
	}
	fmt.Fprintln(&b, w.ghost.revoked)
	return b.String()
}

func (w *world) nameOf(id [32]byte) string {
	for name, p := range w.people {
		if p.raw == id {
			return name
		}
	}
	return "nobody"
}

// check holds the rules in a new state.
func (w *world) check() {
	for _, name := range []string{"alice", "bob"} {
		w.checkCollection(w.people[name])
	}
	for p := range w.ghost.revoked {
		w.checkRevoked(w.people[p.owner], w.people[p.reader])
	}
	w.checkLog()
}

// checkCollection: what was acknowledged is there, and the newest epoch is whole: its
// live grants are those of the readers whom its record names, unless a revocation has
// just closed it or a grant has expired.
func (w *world) checkCollection(owner *person) {
	chain, err := w.store.Collection(ctx, owner.home)
	if errors.Is(err, store.ErrNotFound) {
		return
	}
	if err != nil {
		w.broken("read the chain: " + err.Error())
		return
	}
	if was, ok := w.ghost.heads[owner.home]; ok && (was.sequence >= uint64(len(chain)) || chain[was.sequence].Hash != was.hash) {
		w.broken("a record of the chain is lost or another one")
	}
	head := chain[len(chain)-1]
	w.ghost.heads[owner.home] = seen{head.Sequence, head.Hash}
	newest, err := w.store.Head(ctx, owner.home)
	if err != nil || newest.Hash != head.Hash {
		w.broken("the head is not the end of the chain")
		return
	}
	v, err := core.OpenCollection(ctx, owner.record, head.Record, nil)
	if err != nil {
		w.broken("the newest record does not verify: " + err.Error())
		return
	}
	if newest.Closed || (v.Extensions.RenewBy != 0 && int64(v.Extensions.RenewBy) <= w.millis()) {
		return
	}
	readers, err := w.store.Readers(ctx, owner.home, head.Epoch, w.millis())
	if err != nil {
		w.broken("list readers: " + err.Error())
		return
	}
	refs := make([]abi.ReaderRef, len(readers))
	for i, r := range readers {
		refs[i] = abi.ReaderRef{ID: r.ID, Version: r.Version}
	}
	if hash := must(core.ReadersHash(ctx, refs)); hash != v.ReadersHash {
		w.broken(fmt.Sprintf("epoch %d is half open: its grants are not those of its readers", head.Epoch))
	}
}

// checkRevoked: after an acknowledged revocation no grant of the reader is left in any
// epoch, and the keys of all that there ever were are gone.
func (w *world) checkRevoked(owner, reader *person) {
	head, err := w.store.Head(ctx, owner.home)
	if err != nil {
		return
	}
	for epoch := range head.Epoch + 1 {
		if _, err := w.store.ActiveGrant(ctx, owner.home, epoch, reader.raw, w.millis()); !errors.Is(err, store.ErrNotFound) {
			w.broken(fmt.Sprintf("%s may still open epoch %d of %s after the revocation was acknowledged", reader.name, epoch, owner.name))
		}
	}
	issued, err := w.store.IssuedGrants(ctx, owner.raw, store.GrantCursor{}, store.MaxListed)
	if err != nil {
		w.broken("list grants: " + err.Error())
	}
	for i := range issued {
		if issued[i].Reader != reader.raw {
			continue
		}
		if _, err := w.keyring.Open(ctx, issued[i].ID, nil); !errors.Is(err, keyring.ErrDestroyed) {
			w.broken("the key of a grant of " + reader.name + " exists after the revocation was acknowledged")
		}
	}
}

// checkLog: the tree has the one of the state before as its beginning.
func (w *world) checkLog() {
	size, err := w.store.LogSize(ctx)
	if err != nil {
		w.broken("read the log: " + err.Error())
		return
	}
	hashes := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) { return w.store.LogHashes(ctx, indexes) })
	if size < w.ghost.logSize {
		w.broken("the log is shorter than it was")
		return
	}
	if w.ghost.logSize > 0 {
		if root, err := tlog.TreeHash(w.ghost.logSize, hashes); err != nil || root != w.ghost.logRoot {
			w.broken("the log was rewritten")
		}
	}
	root, err := tlog.TreeHash(size, hashes)
	if err != nil {
		w.broken("hash the log: " + err.Error())
	}
	w.ghost.logSize, w.ghost.logRoot = size, root
}
