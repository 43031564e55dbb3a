package server_test

import (
	"context"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/server"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// TestReadersBeyondList: the readers hash is checked also for an owner who has
// issued more grants than a list shows.
func TestReadersBeyondList(t *testing.T) {
	w := newWorld(t)
	alice, bob, charlie := w.join(), w.join(), w.join()
	w.grant(alice, bob)
	grants := make([]store.Grant, store.MaxListed+10)
	for i := range grants {
		grants[i] = store.Grant{Collection: [16]byte{9}, Owner: alice.identity.ID, Record: []byte{1}, Sealed: []byte{1}, Created: w.now().UnixMilli() + 1}
		copy(grants[i].ID[:], random(16))
		copy(grants[i].Reader[:], random(32))
	}
	other := store.CollectionRecord{Collection: [16]byte{9}, Owner: alice.identity.ID, Record: []byte{1}}
	must(w.store.PutCollection(t.Context(), other, [32]byte{}, grants, nil))

	fields := w.fields(alice)
	fields.Readers = nil
	w.want("bob left out", w.call(alice, "POST", api.PathGrants, api.GrantAccess{Collection: w.next(alice, fields), Grants: []api.Grant{}}), api.CodeRejected)
	fields.Readers = []abi.ReaderRef{{ID: bob.identity.ID, Version: 2}}
	w.want("another version", w.call(alice, "POST", api.PathGrants, api.GrantAccess{Collection: w.next(alice, fields), Grants: []api.Grant{}}), api.CodeRejected)
	fields.Readers = []abi.ReaderRef{{ID: charlie.identity.ID, Version: 1}}
	in := api.GrantAccess{Collection: w.next(alice, fields)}
	in.Grants = []api.Grant{w.grantTo(alice, in.Collection, charlie, abi.GrantFields{})}
	w.want("only the new one", w.call(alice, "POST", api.PathGrants, in), api.CodeRejected)
	w.grant(alice, charlie)
	w.want("revoke", w.revoke(alice, bob), "")
	w.want("the closed epoch", w.call(alice, "POST", api.PathGrants, api.GrantAccess{Collection: w.next(alice, w.fields(alice)), Grants: []api.Grant{}}), api.CodeClosed)
	still := w.rotation(alice, abi.GrantFields{}, bob, charlie)
	still.Grants = still.Grants[1:]
	w.want("still with bob", w.call(alice, "POST", api.PathGrants, still), api.CodeRejected)
	w.rotate(alice, charlie)
}

// crowdedStore is the real store with more readers in every epoch, none of whom
// anybody could make in the time of a test.
type crowdedStore struct {
	store.Store
	readers []store.Reader
}

func (c *crowdedStore) Readers(ctx context.Context, collection [16]byte, epoch uint32, now int64) ([]store.Reader, error) {
	real, err := c.Store.Readers(ctx, collection, epoch, now)
	return append(real, c.readers...), err
}

// TestReadersBound: an epoch has at most as many readers as an answer can list.
func TestReadersBound(t *testing.T) {
	const bound = api.MaxReaders
	w := newWorld(t)
	alice, bob := w.join(), w.join()
	crowd := &crowdedStore{Store: w.store, readers: make([]store.Reader, bound)}
	refs := make([]abi.ReaderRef, bound)
	for i := range crowd.readers {
		binary.BigEndian.PutUint32(crowd.readers[i].ID[:], uint32(i))
		refs[i].ID = crowd.readers[i].ID
	}
	w.server = must(server.New(t.Context(), w.config(crowd)))
	w.want("one too many", w.call(alice, "POST", api.PathGrants, w.proposal(alice, abi.GrantFields{}, bob)), api.CodeTooLarge)
	crowd.readers = crowd.readers[:bound-1]
	alice.readers = refs[:bound-1]
	w.grant(alice, bob)
}

// headsOnly is the real store that does not give whole chains.
type headsOnly struct{ store.Store }

func (headsOnly) Collection(context.Context, [16]byte) ([]store.CollectionRecord, error) {
	return nil, errors.New("the chain was read")
}

// TestHeadsOnly: granting over epochs, depositing, fetching and revoking do not
// read the chain.
func TestHeadsOnly(t *testing.T) {
	w := newWorld(t)
	w.server = must(server.New(t.Context(), w.config(headsOnly{w.store})))
	alice, bob, charlie := w.join(), w.join(), w.join()
	w.grant(alice, bob)
	beforeCharlie := alice.collection
	w.grant(alice, charlie)
	newest := alice.collection
	old := w.deposit(alice, alice)

	// The next epoch, with a grant to each.
	fields := w.fields(alice)
	fields.Epoch++
	copy(fields.Salt[:], random(32))
	in := api.GrantAccess{Collection: w.next(alice, fields)}
	for _, reader := range []*person{bob, charlie} {
		in.Grants = append(in.Grants, w.grantTo(alice, in.Collection, reader, abi.GrantFields{}))
	}
	w.want("next epoch", w.call(alice, "POST", api.PathGrants, in), "")
	w.want("again", w.call(alice, "POST", api.PathGrants, in), "")
	alice.accept(in)
	fresh := w.deposit(alice, alice)
	dora := w.join()
	grant := func(old []byte) api.GrantAccess {
		in := w.proposal(alice, abi.GrantFields{}, dora)
		in.Grants = append(in.Grants, w.grantTo(alice, old, dora, abi.GrantFields{}))
		return in
	}
	in = grant(newest)
	w.want("a newcomer, both epochs", w.call(alice, "POST", api.PathGrants, in), "")
	alice.accept(in, dora)
	for _, reader := range []*person{alice, bob, charlie, dora} {
		if got := w.read(reader, old); string(got.Collection) != string(newest) {
			t.Error("not the newest record of the old epoch")
		}
		if got := w.read(reader, fresh); string(got.Collection) != string(alice.collection) {
			t.Error("not the newest record of the new epoch")
		}
	}
	w.want("revoke", w.revoke(alice, dora), "")
	w.rotate(alice, bob, charlie)

	// Any record of the epoch is good for a grant; only this reads the chain.
	in = grant(beforeCharlie)
	w.want("without the chain", w.call(alice, "POST", api.PathGrants, in), api.CodeInternal)
	w.restart()
	w.want("an older record", w.call(alice, "POST", api.PathGrants, in), "")
	w.want("again", w.call(alice, "POST", api.PathGrants, in), "")
	alice.accept(in, dora)
	w.read(dora, old)
}
