// Package storetest holds the conformance suite that every engine of package store
// passes: what each method promises, alone, repeated, in races and after reopening.
package storetest

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"slices"
	"testing"

	"github.com/recrypt-service/recrypt/host/store"
)

// Open opens the store that belongs to t: an empty one at first, and the same one
// again when it is called with the same t after Close.
type Open func(t *testing.T) store.Store

// Run runs the suite, but for tests with the names in without.
func Run(t *testing.T, open func(t *testing.T) store.Store, without ...string) {
	tests := []struct {
		name string
		run  func(*testing.T, store.Store)
	}{
		{"Identity", testIdentity},
		{"Override", testOverride},
		{"Suspend", testSuspend},
		{"Collection", testCollection},
		{"CollectionRetry", testCollectionRetry},
		{"Heads", testHeads},
		{"CollectionBound", testCollectionBound},
		{"Closing", testClosing},
		{"ActiveGrant", testActiveGrant},
		{"Opening", testOpening},
		{"Pending", testPending},
		{"Readers", testReaders},
		{"ReaderGrants", testReaderGrants},
		{"Supersede", testSupersede},
		{"ListGrants", testListGrants},
		{"ListBound", testListBound},
		{"Revoke", testRevoke},
		{"RevokeRetry", testRevokeRetry},
		{"Expire", testExpire},
		{"Key", testKey},
		{"Deposits", testDeposits},
		{"Refusals", testRefusals},
		{"Judged", testJudged},
		{"LinkReaders", testLinkReaders},
		{"Log", testLog},
		{"LogTree", testLogTree},
		{"LogEffects", testLogEffects},
		{"Nonce", testNonce},
		{"HighWater", testHighWater},
		{"Bind", testBind},
		{"LoseKeys", testLoseKeys},
		{"LiveOrder", testLiveOrder},
		{"Many", testMany},
		{"Pages", testPages},
		{"Tail", testTail},
		{"Newest", testNewest},
		{"Claims", testClaims},
		{"Invalid", testInvalid},
		{"Atomic", testAtomic},
		{"Cancelled", testCancelled},
		{"RaceIdentity", testRaceIdentity},
		{"RacePut", testRacePut},
		{"RaceRevoke", testRaceRevoke},
		{"RaceRevokeRead", testRaceRevokeRead},
		{"RaceOpening", testRaceOpening},
		{"RaceUses", testRaceUses},
		{"RaceDeposit", testRaceDeposit},
		{"RaceLog", testRaceLog},
		{"RaceNonce", testRaceNonce},
		{"RaceHighWater", testRaceHighWater},
		{"RaceClaim", testRaceClaim},
		{"Model", testModel},
	}
	for _, test := range tests {
		if slices.Contains(without, test.name) {
			continue
		}
		t.Run(test.name, func(t *testing.T) {
			s := open(t)
			defer s.Close()
			test.run(t, s)
			fatal(t, CheckLog(t.Context(), s))
		})
	}
	t.Run("Reopen", func(t *testing.T) { testReopen(t, open) })
	t.Run("Closed", func(t *testing.T) { testClosed(t, open) })
}

func id16() (id [16]byte) { rand.Read(id[:]); return id }

func id32() (id [32]byte) { rand.Read(id[:]); return id }

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// fatal ends the test on an unexpected error.
func fatal(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantErr ends the test unless err is want.
func wantErr(t testing.TB, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("%s: got error %v, want %v", what, err, want)
	}
}

// chain is the client's side of one collection.
type chain struct {
	id    [16]byte
	owner [32]byte
	head  store.CollectionRecord
	next  uint64
}

func newChain() *chain { return &chain{id: id16(), owner: id32()} }

// record makes the next record without putting it.
func (c *chain) record(epoch uint32) (rec store.CollectionRecord, previous [32]byte) {
	record := random(200)
	rec = store.CollectionRecord{
		Collection: c.id, Owner: c.owner, Sequence: c.next, Epoch: epoch,
		Record: record, Hash: sha256.Sum256(record), Created: 1000 + int64(c.next),
	}
	return rec, c.head.Hash
}

// advance makes rec the head.
func (c *chain) advance(rec store.CollectionRecord) { c.head, c.next = rec, rec.Sequence+1 }

// put appends a record with grants and returns what was superseded.
func (c *chain) put(t testing.TB, s store.Store, epoch uint32, grants ...store.Grant) [][16]byte {
	t.Helper()
	rec, previous := c.record(epoch)
	superseded, err := s.PutCollection(t.Context(), rec, previous, grants, nil)
	fatal(t, err)
	c.advance(rec)
	return superseded
}

// grant makes a grant that never expires.
func (c *chain) grant(reader [32]byte, epoch uint32) store.Grant {
	return store.Grant{
		ID: id16(), Collection: c.id, Owner: c.owner, Reader: reader, Epoch: epoch,
		ReaderVersion: 3, Record: random(300), Sealed: random(1200), Kind: 1, Uses: 7, Created: 5000, Sequence: c.next,
	}
}

// revocation makes a revocation.
func (c *chain) revocation(reader [32]byte) store.Revocation {
	return store.Revocation{
		ID: id16(), Collection: c.id, Owner: c.owner, Reader: reader,
		Record: random(150), Created: 9000, Sequence: c.head.Sequence,
	}
}

// key makes a document key that need not wait.
func (c *chain) key(author [32]byte, epoch uint32) store.Key {
	return store.Key{
		ID: id16(), Collection: c.id, Owner: c.owner, Author: author, Epoch: epoch,
		Record: random(500), Value: random(900), Accepted: true, Created: 77,
	}
}

// active reports whether reader can open the epoch.
func (c *chain) active(t testing.TB, s store.Store, reader [32]byte, epoch uint32, now int64) bool {
	t.Helper()
	_, err := s.ActiveGrant(t.Context(), c.id, epoch, reader, now)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		t.Fatal(err)
	}
	return err == nil
}

// lists returns the newest grants that party has issued and received.
func lists(t testing.TB, s store.Store, party [32]byte) (issued, received []store.Grant, err error) {
	t.Helper()
	issued, err = s.IssuedGrants(t.Context(), party, store.GrantCursor{}, store.MaxListed)
	fatal(t, err)
	received, err = s.ReceivedGrants(t.Context(), party, store.GrantCursor{}, store.MaxListed)
	return issued, received, err
}

// liveGrants collects what LiveGrants says.
func liveGrants(ctx context.Context, s store.Store) (ids [][16]byte, err error) {
	err = s.LiveGrants(ctx, func(id [16]byte) error {
		ids = append(ids, id)
		return nil
	})
	return ids, err
}

// sameIDs compares as sets.
func sameIDs(got, want [][16]byte) bool {
	order := func(a, b [16]byte) int { return bytes.Compare(a[:], b[:]) }
	got, want = slices.Clone(got), slices.Clone(want)
	slices.SortFunc(got, order)
	slices.SortFunc(want, order)
	return slices.Equal(got, want)
}
