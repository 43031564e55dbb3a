package server

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/keyring"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// A wantedKey is a document key on its way to who asked for it.
type wantedKey struct {
	store.Key
	id           [16]byte // as it was asked for
	found        bool     // it is there, for who asks
	level        int
	waiting      bool   // for the owner to accept its author
	value, grant []byte // as they are answered; grant is the record
	shared       *sharedRecords
	err          error  // why there is no value; the others are not touched by it
	fresh        bool   // the value was transformed just now, and is not in the cache
	sealed       bool   // an edge is to transform it
	place        *place // where it is then
}

// A fetching is the work for one request for keys.
type fetching struct {
	s     *Server
	who   *signer
	shelf *shelf
	room  *keysRoom // nil: no bound
	edge  *edge     // that transforms; nil: the server does
}

// inOneQuery is how many keys or grants are looked up at once: few queries for a large
// request, and none of them long.
const inOneQuery = 250

// fetch returns document keys as they are answered to the signer, in the order of
// ids, those to be transformed sealed to the edge if there is one. Its error is that of the
// request as a whole.
func (s *Server) fetch(ctx context.Context, ids [][16]byte, room *keysRoom, by *edge) ([]*wantedKey, error) {
	stored := make(map[[16]byte]store.Key, len(ids))
	for some := range slices.Chunk(ids, inOneQuery) {
		found, err := s.store.Keys(ctx, some)
		if err != nil {
			return nil, err
		}
		for _, k := range found {
			stored[k.ID] = k
		}
	}
	f := &fetching{s: s, who: of(ctx).signer, shelf: s.newShelf(), room: room, edge: by}
	keys := make([]*wantedKey, len(ids))
	var theirs []*wantedKey
	owners := map[[32]byte]bool{} // of all keys; the zero one if a key is absent
	for i, id := range ids {
		key, ok := stored[id]
		owners[key.Owner] = true
		if ok && (key.Owner == f.who.id || key.Author == f.who.id) {
			keys[i] = &wantedKey{Key: key, id: id, found: true, value: key.Value, waiting: !key.Accepted}
			f.complete(ctx, keys[i])
			continue
		}
		// An absent key goes on with a collection of its own that is not there: the same
		// look-ups, which find nothing. One that waits is absent to readers.
		keys[i] = &wantedKey{id: id, level: 1, sealed: by != nil}
		if key.Accepted {
			keys[i].Key, keys[i].found = key, true
		}
		theirs = append(theirs, keys[i])
	}
	// Whoever reads the evidence of an opening sees all of what was asked for.
	of(ctx).oneOwner = len(owners) == 1 && !owners[[32]byte{}]
	return keys, f.transform(ctx, theirs)
}

// complete adds what a key with a value is answered with, unless the answer has no room
// for it.
func (f *fetching) complete(ctx context.Context, k *wantedKey) {
	if k.shared, k.err = f.shelf.of(ctx, k); k.err == nil && f.room != nil && !f.room.take(k) {
		k.err = refuse(api.CodeTooLarge, "the answer is full; ask for this key again")
	}
	if k.err != nil && k.level != 0 {
		clear(k.value)
		k.value = nil
	}
}

// transform applies the caller's grants to keys and records that it did. The grants are
// looked at again in the transaction that records: if a revocation (or a newer grant, a
// veto, the last use of a link) came in between, the result is dropped. So a transform
// that succeeds took place before any revocation that had been answered.
//
// All arithmetic comes first and all recording last, so that what was recorded is answered
// soon after, however many keys there are.
func (f *fetching) transform(ctx context.Context, keys []*wantedKey) error {
	const attempts = 3 // a newer grant may replace the one at hand
	for i := 0; i < attempts && len(keys) > 0; i++ {
		groups, err := f.group(ctx, keys)
		if err != nil {
			return err
		}
		for _, g := range groups {
			if err := f.apply(ctx, g); err != nil {
				return err
			}
		}
		if err := f.record(ctx, groups); err != nil {
			return err
		}
		keys = nil
		for _, g := range groups {
			keys = append(keys, g.left()...)
		}
	}
	(&group{keys: keys}).fail(absent())
	return nil
}

// A group is all keys of a request that one grant opens, or one of them, if its uses are
// counted.
type group struct {
	store.Grant
	keys   []*wantedKey
	ticket uint64 // of the cache for transformed values
	made   map[*wantedKey][sha256.Size]byte
}

// group looks up the caller's grant to each key; keys without one get that as their
// error. It asks for each key anew, so that it takes the same steps whether keys are
// absent or of how many strangers they are.
func (f *fetching) group(ctx context.Context, keys []*wantedKey) ([]*group, error) {
	now, err := f.s.now(ctx)
	if err != nil {
		return nil, err
	}
	active := make(map[store.EpochRef]store.Grant)
	for some := range slices.Chunk(keys, inOneQuery) {
		epochs := make([]store.EpochRef, len(some))
		for i, k := range some {
			epochs[i] = k.epoch()
		}
		grants, err := f.s.store.ActiveGrants(ctx, f.who.id, epochs, now)
		if err != nil {
			return nil, err
		}
		for _, g := range grants {
			active[store.EpochRef{Collection: g.Collection, Epoch: g.Epoch}] = g
		}
	}
	var groups []*group
	byGrant := map[[16]byte]*group{}
	for _, k := range keys {
		g, ok := active[k.epoch()]
		if !ok || !k.found || len(g.Scope) != 0 && !slices.Contains(g.Scope, k.ID) {
			k.err = absent()
			of(ctx).oneOwner = false // or who asks would see, in his own ledger, which are there
			continue
		}
		if byGrant[g.ID] == nil || g.Uses != 0 {
			byGrant[g.ID] = &group{Grant: g, made: map[*wantedKey][sha256.Size]byte{}}
			groups = append(groups, byGrant[g.ID])
		}
		byGrant[g.ID].keys = append(byGrant[g.ID].keys, k)
	}
	return groups, nil
}

// epoch is where a key is looked for. An absent one has an epoch that is not there, and not
// the same one as others.
func (k *wantedKey) epoch() store.EpochRef {
	if !k.found {
		return store.EpochRef{Collection: k.id}
	}
	return store.EpochRef{Collection: k.Collection, Epoch: k.Epoch}
}

// left returns the keys that have neither a value nor an error: their grant has ended or
// was replaced.
func (g *group) left() (keys []*wantedKey) {
	for _, k := range g.keys {
		if k.err == nil && k.value == nil {
			keys = append(keys, k)
		}
	}
	return keys
}

// fail gives every key the same error.
func (g *group) fail(err error) {
	withdraw(g.keys)
	for _, k := range g.keys {
		k.err = err
	}
}

// withdraw takes back what was transformed.
func withdraw(keys []*wantedKey) {
	for _, k := range keys {
		clear(k.value)
		k.value, k.grant, k.err, k.fresh, k.place = nil, nil, nil, false, nil
	}
}

// apply gives the keys of a group their values, from the cache or by the transform key, or
// their places in a job. Its error is that of the request as a whole.
func (f *fetching) apply(ctx context.Context, g *group) error {
	work := f.s.transformGroup
	if f.edge != nil {
		work = f.sealGroup
	}
	if err := work(ctx, g); err != nil {
		if failed := ctx.Err(); failed != nil {
			return failed // nobody waits for the answer any more
		}
		if errors.Is(err, keyring.ErrDestroyed) {
			withdraw(g.keys) // look again
			return nil
		}
		g.fail(err)
		return nil
	}
	for _, k := range g.keys {
		if k.err == nil && f.edge == nil {
			f.complete(ctx, k)
		}
	}
	return ctx.Err()
}

// transformGroup opens the sealed transform key of a grant, uses it for those keys of the
// group whose values are not kept, and wipes it.
func (s *Server) transformGroup(ctx context.Context, g *group) error {
	g.ticket = s.transformed.ticket()
	keys := s.kept(g)
	if len(keys) == 0 {
		return nil
	}
	ticket := s.prepared.ticket()
	transformKey, err := s.openTransformKey(ctx, g)
	if err != nil {
		return err
	}
	defer clear(transformKey)
	if len(keys) == 1 && !s.prepared.enabled() { // preparing is not worth it
		k := keys[0]
		k.value, err = s.core.TransformKeyValue(ctx, s.seed, k.Value, transformKey)
		k.grant, k.err, k.fresh = g.Record, ours(err), true
		return nil
	}
	prepared, err := s.prepare(ctx, ticket, &g.Grant, transformKey)
	if err != nil {
		return ours(err)
	}
	defer clear(prepared)
	for some := range slices.Chunk(keys, inOneCall) {
		if err := of(ctx).turn(ctx); err != nil {
			return err
		}
		if err := s.applyPrepared(ctx, g, prepared, some); err != nil {
			return err
		}
	}
	return nil
}

// openTransformKey opens the sealed transform key of a grant, which the caller wipes. Only
// transformGroup and sealGroup hold one after a grant was stored.
func (s *Server) openTransformKey(ctx context.Context, g *group) ([]byte, error) {
	key, err := s.keyring.Open(ctx, g.ID, g.Sealed)
	if err != nil && !errors.Is(err, keyring.ErrDestroyed) {
		return nil, ours(err)
	}
	return key, err
}

// kept gives keys of a group the values that the cache has, and returns the others.
func (s *Server) kept(g *group) (others []*wantedKey) {
	if !s.transformed.enabled() {
		return g.keys
	}
	for _, k := range g.keys {
		of := madeOf(&g.Grant, k.Value)
		g.made[k] = of
		if value := s.transformed.get(transformedName{k.ID, g.ID}, of); value != nil {
			k.value, k.grant, k.fresh = value, g.Record, false
			continue
		}
		others = append(others, k)
	}
	return others
}

// keep puts values that were recorded into the cache.
func (s *Server) keep(g *group, keys []*wantedKey) {
	if !s.transformed.enabled() {
		return
	}
	for _, k := range keys {
		if k.fresh && k.err == nil {
			s.transformed.put(g.ticket, transformedName{k.ID, g.ID}, g.made[k], accessBy(&g.Grant), k.value)
		}
	}
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
		k.value, k.grant, k.err, k.fresh = outcomes[i].Value, g.Record, ours(outcomes[i].Err), true
	}
	return nil
}

// prepare returns a transform key in its prepared form, from the cache if it is there.
// The caller clears it.
func (s *Server) prepare(ctx context.Context, ticket uint64, g *store.Grant, transformKey []byte) (prepared []byte, err error) {
	of := sha256.Sum256(transformKey)
	if prepared = s.prepared.get(g.ID, of); prepared != nil {
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
	s.prepared.put(ticket, g.ID, of, accessBy(g), prepared)
	return prepared, nil
}
