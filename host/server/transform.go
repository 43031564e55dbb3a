package server

import (
	"context"
	"errors"
	"slices"

	"github.com/recrypt-service/recrypt/host/keyring"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/translog"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// A wantedKey is a document key on its way to who asked for it.
type wantedKey struct {
	store.Key
	level        int
	waiting      bool   // for the owner to accept its author
	value, grant []byte // as they are answered; grant is the record
	err          error  // why there is no value; the others are not touched by it
}

// fetch returns document keys as they are answered to the signer, in the order of
// ids. Its error is that of the request as a whole.
func (s *Server) fetch(ctx context.Context, ids [][16]byte) ([]*wantedKey, error) {
	who := of(ctx).signer
	keys := make([]*wantedKey, len(ids))
	var theirs []*wantedKey
	owners := map[[32]byte]bool{} // of all keys; the zero one if a key is absent
	for i, id := range ids {
		key, err := s.store.Key(ctx, id)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
		owners[key.Owner] = true
		if err == nil && (key.Owner == who.id || key.Author == who.id) {
			keys[i] = &wantedKey{Key: key, value: key.Value, waiting: !key.Accepted}
			continue
		}
		// An absent key goes on with zero ids: the same look-ups, which find nothing. One
		// that waits is absent to readers.
		keys[i] = &wantedKey{level: 1}
		if key.Accepted {
			keys[i].Key = key
		}
		theirs = append(theirs, keys[i])
	}
	// Whoever reads the evidence of an opening sees all of what was asked for.
	of(ctx).oneOwner = len(owners) == 1 && !owners[[32]byte{}]
	return keys, s.transform(ctx, who, theirs)
}

// transform applies the caller's grants to keys and records that it did. The grants are
// looked at again in the transaction that records: if a revocation (or a newer grant, a
// veto, the last use of a link) came in between, the result is dropped. So a transform
// that succeeds took place before any revocation that had been answered.
func (s *Server) transform(ctx context.Context, who *signer, keys []*wantedKey) error {
	const attempts = 3 // a newer grant may replace the one at hand
	for range attempts {
		groups, err := s.group(ctx, who, keys)
		if err != nil {
			return err
		}
		keys = nil
		for _, g := range groups {
			if err := s.transformGroup(ctx, who, g); err != nil {
				return err
			}
			if !g.done {
				keys = append(keys, g.keys...)
			}
		}
	}
	(&group{keys: keys}).fail(absent())
	return nil
}

// A group is all keys of a request that one grant opens, or one of them, if its uses are
// counted.
type group struct {
	store.Grant
	keys []*wantedKey
	done bool // every key has its value or error
}

// group looks up the caller's grant to each key; keys without one get that as their
// error. It asks for each key anew, so that it takes the same steps whether keys are
// absent or of how many strangers they are.
func (s *Server) group(ctx context.Context, who *signer, keys []*wantedKey) ([]*group, error) {
	var groups []*group
	x := of(ctx)
	of := map[[16]byte]*group{}
	for _, k := range keys {
		g, err := s.grantOf(ctx, k, who)
		if errors.Is(err, store.ErrNotFound) {
			k.err = absent()
			x.oneOwner = false // or who asks would see, in his own ledger, which are there
			continue
		}
		if err != nil {
			return nil, err
		}
		if of[g.ID] == nil || g.Uses != 0 {
			of[g.ID] = &group{Grant: g}
			groups = append(groups, of[g.ID])
		}
		of[g.ID].keys = append(of[g.ID].keys, k)
	}
	return groups, nil
}

// transformGroup transforms the keys of a group, unless its grant has ended or has been
// replaced when that is recorded.
func (s *Server) transformGroup(ctx context.Context, who *signer, g *group) error {
	err := s.apply(ctx, g)
	if failed := ctx.Err(); failed != nil {
		return failed
	}
	if errors.Is(err, keyring.ErrDestroyed) {
		return nil // look again
	}
	if err != nil {
		g.fail(err)
		return nil
	}
	if err = s.recordOpenings(ctx, who, g); errors.Is(err, store.ErrNotFound) {
		g.withdraw()
		return nil
	}
	g.done = true
	return err
}

// recordOpenings writes what the caller gets into the ledger, in one transaction with the
// second look at the grant. Nothing is answered before. What is prepared or was opened
// before is no exception.
func (s *Server) recordOpenings(ctx context.Context, who *signer, g *group) error {
	now, err := s.now(ctx)
	if err != nil {
		return err
	}
	entry := s.entry
	if of(ctx).oneOwner {
		entry = s.openingEntry
	}
	var lines []store.LogEntry
	for _, k := range g.keys {
		if k.err == nil {
			lines = append(lines, entry(ctx, translog.Entry{
				Kind: translog.Opened, Time: now, Owner: k.Owner, Collection: k.Collection, Epoch: k.Epoch,
				Actor: who.id, Key: k.ID, Grant: g.ID,
			}))
		}
	}
	if len(lines) == 0 {
		return nil
	}
	return s.store.RecordOpening(context.WithoutCancel(ctx), g.ID, now, uint32(len(lines)), lines)
}

// fail ends the group with an error for every key.
func (g *group) fail(err error) {
	g.done = true
	g.withdraw()
	for _, k := range g.keys {
		k.err = err
	}
}

// withdraw takes back what was transformed.
func (g *group) withdraw() {
	for _, k := range g.keys {
		clear(k.value)
		k.value, k.grant, k.err = nil, nil, nil
	}
}

// grantOf looks the caller's grant to a key up. One for other documents is none.
func (s *Server) grantOf(ctx context.Context, key *wantedKey, who *signer) (store.Grant, error) {
	now, err := s.now(ctx)
	if err != nil {
		return store.Grant{}, err
	}
	g, err := s.store.ActiveGrant(ctx, key.Collection, key.Epoch, who.id, now)
	if err == nil && len(g.Scope) != 0 && !slices.Contains(g.Scope, key.ID) {
		return store.Grant{}, store.ErrNotFound
	}
	return g, err
}

// apply opens the sealed transform key of a grant, uses it for the keys of the group
// and wipes it. It is the only place that holds one after a grant was stored.
func (s *Server) apply(ctx context.Context, g *group) error {
	ticket := s.prepared.ticket()
	transformKey, err := s.keyring.Open(ctx, g.ID, g.Sealed)
	if errors.Is(err, keyring.ErrDestroyed) {
		return err
	}
	if err != nil {
		return ours(err)
	}
	defer clear(transformKey)
	if len(g.keys) == 1 && !s.prepared.enabled() { // preparing is not worth it
		k := g.keys[0]
		k.value, err = s.core.TransformKeyValue(ctx, s.seed, k.Value, transformKey)
		k.grant, k.err = g.Record, ours(err)
		return nil
	}
	prepared, err := s.prepare(ctx, ticket, g.ID, transformKey)
	if err != nil {
		return ours(err)
	}
	defer clear(prepared)
	for keys := range slices.Chunk(g.keys, inOneCall) {
		if err := s.applyPrepared(ctx, g, prepared, keys); err != nil {
			return err
		}
	}
	return nil
}

// inOneCall is how many values one call of the core transforms. Nothing can interrupt a
// call in wazero, not even the collector, for which everything else waits; and between
// calls others have their turn. With recrypt480 a call takes several times as long as with
// recrypt256.
const inOneCall = 8

// applyPrepared transforms some keys of a group.
func (s *Server) applyPrepared(ctx context.Context, g *group, prepared []byte, keys []*wantedKey) error {
	if err := ctx.Err(); err != nil {
		return err // nobody waits for the answer any more
	}
	values := make([][]byte, len(keys))
	for i, k := range keys {
		values[i] = k.Value
	}
	outcomes, err := s.core.TransformKeyValues(ctx, s.seed, prepared, values)
	if err != nil {
		if errors.Is(err, abi.ErrMalformed) {
			s.prepared.drop(g.ID) // it was damaged in memory
		}
		return ours(err)
	}
	for i, k := range keys {
		k.value, k.grant, k.err = outcomes[i].Value, g.Record, ours(outcomes[i].Err)
	}
	return nil
}

// prepare returns a transform key in its prepared form, from the cache if it is there.
// The caller clears it.
func (s *Server) prepare(ctx context.Context, ticket uint64, grant [16]byte, transformKey []byte) (prepared []byte, err error) {
	if prepared = s.prepared.get(grant, transformKey); prepared != nil {
		return prepared, nil
	}
	// The length of a transform key tells its suite: all others refuse it at once.
	for _, suite := range s.suiteNumbers {
		prepared, err = s.core.PrepareTransformKey(ctx, suite, transformKey)
		if !errors.Is(err, abi.ErrMalformed) {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	s.prepared.put(ticket, grant, transformKey, prepared)
	return prepared, nil
}
