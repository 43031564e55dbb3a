package storetest

import (
	"reflect"
	"strings"
	"testing"

	"github.com/recrypt-service/recrypt/host/store"
)

func testIdentity(t *testing.T, s store.Store) {
	ctx := t.Context()
	id := id32()
	_, err := s.Identity(ctx, id)
	wantErr(t, "unknown identity", err, store.ErrNotFound)

	var all []store.Identity
	var record []byte
	for version := range uint32(4) {
		record = append(record[:len(record):len(record)], random(400)...)
		v := store.Identity{ID: id, Version: version + 1, Record: record, SigningKey: id32(), Created: int64(version)}
		fatal(t, s.PutIdentity(ctx, v, store.IdentityChange{}))
		fatal(t, s.PutIdentity(ctx, v, store.IdentityChange{})) // again
		all = append(all, v)
	}
	got, err := s.Identity(ctx, id)
	fatal(t, err)
	if !reflect.DeepEqual(got, all) {
		t.Fatalf("got %+v, want %+v", got, all)
	}

	more := func(v store.Identity) []byte { return append(v.Record[:len(v.Record):len(v.Record)], random(9)...) }
	for what, change := range map[string]func(v *store.Identity){
		"fork":                       func(v *store.Identity) { v.Record = more(all[2]) },
		"other key, same record":     func(v *store.Identity) { v.SigningKey = id32() },
		"longer, same version":       func(v *store.Identity) { v.Record = more(*v) },
		"same, higher version":       func(v *store.Identity) { v.Version = 5 },
		"fork of an earlier version": func(v *store.Identity) { v.Record, v.Version = more(all[2]), 5 },
		"shorter":                    func(v *store.Identity) { *v = all[2] },
		"shorter, higher version":    func(v *store.Identity) { v.Record, v.Version = all[2].Record, 5 },
		"unrelated":                  func(v *store.Identity) { v.Record, v.Version = random(4000), 5 },
	} {
		v := all[3]
		change(&v)
		wantErr(t, what, s.PutIdentity(ctx, v, store.IdentityChange{}), store.ErrConflict)
	}
	later := store.Identity{ID: id, Version: 9, Record: more(all[3]), SigningKey: all[0].SigningKey, Created: 99}
	fatal(t, s.PutIdentity(ctx, later, store.IdentityChange{})) // several versions at once
	retried := later
	retried.Created++ // the time of arrival is not part of the content
	fatal(t, s.PutIdentity(ctx, retried, store.IdentityChange{}))
	got, err = s.Identity(ctx, id)
	fatal(t, err)
	if !reflect.DeepEqual(got, append(all, later)) {
		t.Fatalf("got %+v, want another version", got)
	}

	top := store.Identity{ID: id32(), Version: 1<<32 - 1, Record: []byte{1}, SigningKey: id32()}
	fatal(t, s.PutIdentity(ctx, top, store.IdentityChange{}))
	got, err = s.Identity(ctx, top.ID)
	fatal(t, err)
	if !reflect.DeepEqual(got, []store.Identity{top}) {
		t.Fatalf("got %+v, want %+v", got, top)
	}
}

func testKey(t *testing.T, s store.Store) {
	ctx := t.Context()
	c := newChain()
	c.put(t, s, 1<<32-1)
	key := c.key(id32(), 1<<32-1)
	_, err := s.Key(ctx, key.ID)
	wantErr(t, "unknown key", err, store.ErrNotFound)
	fatal(t, s.PutKey(ctx, key, 0, nil))
	retried := key
	retried.Created++
	fatal(t, s.PutKey(ctx, retried, 0, nil))
	got, err := s.Key(ctx, key.ID)
	fatal(t, err)
	if !reflect.DeepEqual(got, key) {
		t.Fatalf("got %+v, want %+v", got, key)
	}
	other := key
	other.Record = random(500)
	wantErr(t, "other record", s.PutKey(ctx, other, 0, nil), store.ErrExists)
	other = key
	other.Value = random(900)
	wantErr(t, "other value", s.PutKey(ctx, other, 0, nil), store.ErrExists)
}

func testNonce(t *testing.T, s store.Store) {
	ctx := t.Context()
	alice, bob := id32(), id32()
	fatal(t, s.ClaimNonce(ctx, alice, "one", 100))
	wantErr(t, "again", s.ClaimNonce(ctx, alice, "one", 100), store.ErrReplay)
	wantErr(t, "again, later", s.ClaimNonce(ctx, alice, "one", 200), store.ErrReplay)
	fatal(t, s.ClaimNonce(ctx, bob, "one", 100))
	fatal(t, s.ClaimNonce(ctx, alice, "ONE", 100))
	fatal(t, s.ClaimNonce(ctx, alice, "two", 300))

	fatal(t, s.PruneNonces(ctx, 100)) // not yet: 100 has not passed
	wantErr(t, "at its end", s.ClaimNonce(ctx, alice, "one", 100), store.ErrReplay)
	fatal(t, s.PruneNonces(ctx, 101))
	fatal(t, s.ClaimNonce(ctx, alice, "one", 400))
	wantErr(t, "unexpired", s.ClaimNonce(ctx, alice, "two", 300), store.ErrReplay)
}

func testHighWater(t *testing.T, s store.Store) {
	ctx := t.Context()
	for _, step := range []struct{ give, want int64 }{
		{0, 0}, {100, 100}, {50, 100}, {-5, 100}, {100, 100}, {1 << 60, 1 << 60}, {101, 1 << 60},
	} {
		got, err := s.HighWater(ctx, step.give)
		fatal(t, err)
		if got != step.want {
			t.Fatalf("after %d: got %d, want %d", step.give, got, step.want)
		}
	}
}

// testInvalid gives arguments that no caller should: nothing may be stored.
func testInvalid(t *testing.T, s store.Store) {
	ctx := t.Context()
	long := make([]byte, store.MaxRecord+1)
	check := func(what string, err error) {
		t.Helper()
		wantErr(t, what, err, store.ErrInvalid)
	}
	identity := store.Identity{ID: id32(), Version: 1, Record: []byte{1}}
	for what, change := range map[string]func(*store.Identity){
		"no record":     func(v *store.Identity) { v.Record = nil },
		"long record":   func(v *store.Identity) { v.Record = long },
		"negative time": func(v *store.Identity) { v.Created = -1 },
	} {
		v := identity
		change(&v)
		check("identity: "+what, s.PutIdentity(ctx, v, store.IdentityChange{}))
	}
	key := store.Key{ID: id16(), Record: []byte{1}, Value: []byte{1}}
	for what, change := range map[string]func(*store.Key){
		"no record":     func(v *store.Key) { v.Record = nil },
		"long value":    func(v *store.Key) { v.Value = long },
		"no value":      func(v *store.Key) { v.Value = nil },
		"negative time": func(v *store.Key) { v.Created = -1 },
	} {
		v := key
		change(&v)
		check("key: "+what, s.PutKey(ctx, v, 0, nil))
	}
	_, err := s.Key(ctx, key.ID)
	wantErr(t, "refused key", err, store.ErrNotFound)
	revocation := newChain().revocation(id32())
	revocation.Record = nil
	_, _, err = s.Revoke(ctx, revocation, nil)
	check("revocation without record", err)
	check("empty receipt", s.FinishRevocation(ctx, revocation.ID, nil, 0))
	check("empty nonce", s.ClaimNonce(ctx, id32(), "", 1))
	check("long nonce", s.ClaimNonce(ctx, id32(), strings.Repeat("x", store.MaxNonce+1), 1))
	check("nonce before 1970", s.ClaimNonce(ctx, id32(), "x", -1))
	testInvalidGrants(t, s)
}

func testInvalidGrants(t *testing.T, s store.Store) {
	c := newChain()
	reader, other := id32(), id16()
	for what, change := range map[string]func(*store.CollectionRecord, *[]store.Grant){
		"no record":             func(r *store.CollectionRecord, _ *[]store.Grant) { r.Record = nil },
		"negative time":         func(r *store.CollectionRecord, _ *[]store.Grant) { r.Created = -1 },
		"sequence too high":     func(r *store.CollectionRecord, _ *[]store.Grant) { r.Sequence = 1 << 63 },
		"other collection":      func(_ *store.CollectionRecord, g *[]store.Grant) { (*g)[0].Collection = id16() },
		"other owner":           func(_ *store.CollectionRecord, g *[]store.Grant) { (*g)[0].Owner = id32() },
		"no grant record":       func(_ *store.CollectionRecord, g *[]store.Grant) { (*g)[0].Record = nil },
		"no transform key":      func(_ *store.CollectionRecord, g *[]store.Grant) { (*g)[0].Sealed = nil },
		"long transform key":    func(_ *store.CollectionRecord, g *[]store.Grant) { (*g)[0].Sealed = make([]byte, store.MaxSealed+1) },
		"ended grant":           func(_ *store.CollectionRecord, g *[]store.Grant) { (*g)[0].Revocation = &other },
		"superseded grant":      func(_ *store.CollectionRecord, g *[]store.Grant) { (*g)[0].Superseded = &other },
		"negative expiry":       func(_ *store.CollectionRecord, g *[]store.Grant) { (*g)[0].Expires = -1 },
		"same id twice":         func(_ *store.CollectionRecord, g *[]store.Grant) { (*g)[1].ID = (*g)[0].ID },
		"same reader and epoch": func(_ *store.CollectionRecord, g *[]store.Grant) { (*g)[1].Reader = reader },
	} {
		rec, previous := c.record(0)
		grants := []store.Grant{c.grant(reader, 0), c.grant(id32(), 0)}
		change(&rec, &grants)
		_, err := s.PutCollection(t.Context(), rec, previous, grants, nil)
		wantErr(t, what, err, store.ErrInvalid)
	}
	_, err := s.Collection(t.Context(), c.id)
	wantErr(t, "refused collection", err, store.ErrNotFound)
}
