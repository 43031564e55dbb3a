package postgres_test

import (
	"context"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/storetest"
)

func escaped(s string) string { return url.QueryEscape(s) }

// pair is two servers of one database: every other call goes to the other one.
type pair struct {
	store.Store
	both [2]store.Store
	n    atomic.Uint32
}

func (p *pair) next() store.Store { return p.both[p.n.Add(1)%2] }

func (p *pair) Close() error {
	p.both[0].Close()
	return p.both[1].Close()
}

func (p *pair) PutIdentity(ctx context.Context, v store.Identity, o store.IdentityChange) error {
	return p.next().PutIdentity(ctx, v, o)
}

func (p *pair) PutCollection(ctx context.Context, rec store.CollectionRecord, previous [32]byte, grants []store.Grant, log []store.LogEntry) ([][16]byte, error) {
	return p.next().PutCollection(ctx, rec, previous, grants, log)
}

func (p *pair) Head(ctx context.Context, collection [16]byte) (store.CollectionRecord, error) {
	return p.next().Head(ctx, collection)
}

func (p *pair) ActiveGrant(ctx context.Context, collection [16]byte, epoch uint32, reader [32]byte, now int64) (store.Grant, error) {
	return p.next().ActiveGrant(ctx, collection, epoch, reader, now)
}

func (p *pair) RecordOpening(ctx context.Context, grant [16]byte, now int64, uses uint32, log []store.LogEntry) error {
	return p.next().RecordOpening(ctx, grant, now, uses, log)
}

func (p *pair) PutRequest(ctx context.Context, collection [16]byte, reader [32]byte, now int64, log []store.LogEntry) (int64, error) {
	return p.next().PutRequest(ctx, collection, reader, now, log)
}

func (p *pair) DropRequest(ctx context.Context, collection [16]byte, reader [32]byte, log []store.LogEntry) error {
	return p.next().DropRequest(ctx, collection, reader, log)
}

func (p *pair) Revoke(ctx context.Context, v store.Revocation, log []store.LogEntry) (store.Revocation, [][16]byte, error) {
	return p.next().Revoke(ctx, v, log)
}

func (p *pair) ExpireGrants(ctx context.Context, now int64, entry func(store.Grant) store.LogEntry) ([][16]byte, error) {
	return p.next().ExpireGrants(ctx, now, entry)
}

func (p *pair) PutKey(ctx context.Context, key store.Key, quota int, log []store.LogEntry) error {
	return p.next().PutKey(ctx, key, quota, log)
}

func (p *pair) AcceptAuthor(ctx context.Context, collection [16]byte, author [32]byte, now int64, log []store.LogEntry) (int, error) {
	return p.next().AcceptAuthor(ctx, collection, author, now, log)
}

func (p *pair) RefuseAuthor(ctx context.Context, collection [16]byte, author [32]byte, log []store.LogEntry) (int, error) {
	return p.next().RefuseAuthor(ctx, collection, author, log)
}

func (p *pair) ClaimNonce(ctx context.Context, signer [32]byte, nonce string, expires int64) error {
	return p.next().ClaimNonce(ctx, signer, nonce, expires)
}

func (p *pair) HighWater(ctx context.Context, now int64) (int64, error) {
	return p.next().HighWater(ctx, now)
}

func (p *pair) AppendLog(ctx context.Context, log []store.LogEntry) error {
	return p.next().AppendLog(ctx, log)
}

func (p *pair) LogSize(ctx context.Context) (int64, error) { return p.next().LogSize(ctx) }

// TestTwoServers runs the suite, without what takes longest, on two stores of one database
// at once.
func TestTwoServers(t *testing.T) {
	fresh := oneAfterAnother(t)
	storetest.Run(t, func(t *testing.T) store.Store {
		url := fresh(t)
		a, b := open(t, url), open(t, url)
		return &pair{Store: a, both: [2]store.Store{a, b}}
	}, "Model", "CollectionBound", "ListBound")
}
