package server_test

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/server"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/dispatch"
)

// ledger writes down what the server asks of its core and of its store.
type ledger struct {
	dispatch.Native
	store.Store
	mu    sync.Mutex
	lines []string
}

func (l *ledger) note(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, what)
}

// take returns what was written since the last time.
func (l *ledger) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := l.lines
	l.lines = nil
	return strings.Join(lines, " ")
}

func (l *ledger) Call(ctx context.Context, op abi.Op, request []byte) ([]byte, error) {
	switch op {
	case abi.OpOpenCollection:
		l.note("open_collection")
	case abi.OpOpenGrants:
		l.note("open_grants")
	case abi.OpOpenGrant:
		l.note("open_grant")
	case abi.OpOpenIdentity:
		l.note("open_identity")
	case abi.OpPrepareTransformKey:
		l.note("prepare")
	case abi.OpTransformKeyValue:
		l.note("transform")
	case abi.OpTransformKeyValues:
		l.note("transform_many")
	}
	return l.Native.Call(ctx, op, request)
}

func (l *ledger) Collection(ctx context.Context, id [16]byte) ([]store.CollectionRecord, error) {
	l.note("chain")
	return l.Store.Collection(ctx, id)
}

func (l *ledger) Head(ctx context.Context, id [16]byte) (store.CollectionRecord, error) {
	l.note("head")
	return l.Store.Head(ctx, id)
}

func (l *ledger) Identity(ctx context.Context, id [32]byte) ([]store.Identity, error) {
	l.note("identity")
	return l.Store.Identity(ctx, id)
}

func newLedger(t *testing.T) (*world, *ledger) {
	l := &ledger{}
	w := newWorldOn(t, l)
	l.Store = w.store
	w.server = must(server.New(t.Context(), w.config(l)))
	return w, l
}

// TestStrangersCost: what is absent costs what is somebody else's: the same steps.
func TestStrangersCost(t *testing.T) {
	w, l := newLedger(t)
	alice, bob, mallory := w.join(), w.join(), w.join()
	w.grant(alice, bob)
	cost := func(p *person, id [16]byte, code string) string {
		t.Helper()
		l.take()
		w.want("collection", w.call(p, "GET", "/v1/collections/"+api.FormatID(id), nil), code)
		return l.take()
	}
	absent, strange := cost(mallory, [16]byte{1}, api.CodeNotFound), cost(mallory, w.home(alice), api.CodeNotFound)
	if absent != strange || strings.Contains(strange, "chain") || !strings.Contains(strange, "open_collection") {
		t.Errorf("absent: %s\nstrange: %s", absent, strange)
	}
	for _, p := range []*person{alice, bob} {
		if seen := cost(p, w.home(alice), ""); !strings.HasSuffix(seen, "chain") {
			t.Errorf("seen: %s", seen)
		}
	}
	// A key for a collection that is absent, and for one of somebody else.
	deposit := func(collection [16]byte) string {
		t.Helper()
		own := *mallory
		f := w.fields(&own)
		f.Collection = collection
		k := w.newKey(mallory, w.next(&own, f))
		k.in.Record = mallory.resign(k.in.Record, func(b []byte) { copy(b[23+16+32:], alice.identity.ID[:]) })
		l.take()
		w.want("deposit", w.call(mallory, "POST", api.PathKeys, k.in), api.CodeNotFound)
		return l.take()
	}
	if absent, strange := deposit([16]byte{1}), deposit(w.home(alice)); absent != strange || !strings.Contains(absent, "open_collection") {
		t.Errorf("absent: %s\nstrange: %s", absent, strange)
	}
}

// TestRepeatCost: a grant request sent again is told by its bytes.
func TestRepeatCost(t *testing.T) {
	w, l := newLedger(t)
	alice, bob, charlie := w.join(), w.join(), w.join()
	in := w.proposal(alice, abi.GrantFields{}, bob, charlie)
	l.take()
	first := w.call(alice, "POST", api.PathGrants, in)
	if did := l.take(); strings.Count(did, "open_grants") != 2 { // read, and verified
		t.Errorf("first: %s", did)
	}
	again := w.call(alice, "POST", api.PathGrants, in)
	if did := l.take(); strings.Contains(did, "open_grant") || !bytes.Equal(first.body, again.body) {
		t.Errorf("again: %s, %s", did, again.body)
	}
	reversed := api.GrantAccess{Collection: in.Collection, Grants: slices.Clone(in.Grants)}
	slices.Reverse(reversed.Grants)
	w.want("in another order", w.call(alice, "POST", api.PathGrants, reversed), "")
	double := api.GrantAccess{Collection: in.Collection, Grants: []api.Grant{in.Grants[0], in.Grants[0]}}
	w.want("one twice", w.call(alice, "POST", api.PathGrants, double), api.CodeConflict)
	more := api.GrantAccess{Collection: in.Collection, Grants: append(slices.Clone(in.Grants), in.Grants[0])}
	w.want("one more", w.call(alice, "POST", api.PathGrants, more), api.CodeConflict)
	alice.accept(in, bob, charlie)
	w.read(bob, w.deposit(alice, alice))
}

// TestClockGlitch: a clock that was ahead once does not make the server forget
// what was sent since.
func TestClockGlitch(t *testing.T) {
	w := newWorld(t)
	alice := w.join()
	w.advance(48 * time.Hour)
	if err := w.server.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.advance(-48 * time.Hour)
	good := w.sign(alice, request("GET", api.PathGrants, nil), nil)
	w.want("first", w.do(good), "")
	if err := w.server.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.want("replay", w.do(again(good, nil)), api.CodeReplay)
}
