package server

import (
	"context"
	"errors"
	"time"

	"github.com/recrypt-service/recrypt/host/store"
)

// measured is a store of which the methods on the way of most requests are timed, and the
// failures of all writes there are counted.
type measured struct {
	store.Store
	m *metrics
}

// storeErrors are the failures that an operator has to know, as metrics name them.
var storeErrors = []struct {
	err  error
	name string
}{
	{store.ErrFull, "full"}, {store.ErrFailed, "failed"}, {store.ErrUnavailable, "unavailable"}, {store.ErrDamaged, "damaged"},
}

// answers are errors that say something about what was asked, not about the store.
var answers = []error{
	store.ErrNotFound, store.ErrExists, store.ErrConflict, store.ErrReplay, store.ErrTooMany, store.ErrClosed,
	store.ErrQuota, store.ErrInvalid, store.ErrClaimed, context.Canceled, context.DeadlineExceeded,
}

// done counts a call.
func (s measured) done(method string, writes bool, start time.Time, err error) {
	s.m.storeSeconds.WithLabelValues(method).Observe(time.Since(start).Seconds())
	if err == nil {
		if writes {
			s.m.full.Set(0)
		}
		return
	}
	for _, answer := range answers {
		if errors.Is(err, answer) {
			return
		}
	}
	name := "other"
	for _, e := range storeErrors {
		if errors.Is(err, e.err) {
			name = e.name
			break
		}
	}
	switch name {
	case "full":
		s.m.full.Set(1)
	case "failed":
		s.m.failed.Set(1)
	}
	s.m.storeErrors.WithLabelValues(method, name).Inc()
}

func (s measured) PutIdentity(ctx context.Context, identity store.Identity, change store.IdentityChange) (err error) {
	defer func(start time.Time) { s.done("PutIdentity", true, start, err) }(time.Now())
	return s.Store.PutIdentity(ctx, identity, change)
}

func (s measured) Identity(ctx context.Context, id [32]byte) (out []store.Identity, err error) {
	defer func(start time.Time) { s.done("Identity", false, start, err) }(time.Now())
	return s.Store.Identity(ctx, id)
}

func (s measured) PutCollection(ctx context.Context, rec store.CollectionRecord, previous [32]byte, grants []store.Grant, log []store.LogEntry) (superseded [][16]byte, err error) {
	defer func(start time.Time) { s.done("PutCollection", true, start, err) }(time.Now())
	return s.Store.PutCollection(ctx, rec, previous, grants, log)
}

func (s measured) ActiveGrant(ctx context.Context, collection [16]byte, epoch uint32, reader [32]byte, now int64) (out store.Grant, err error) {
	defer func(start time.Time) { s.done("ActiveGrant", false, start, err) }(time.Now())
	return s.Store.ActiveGrant(ctx, collection, epoch, reader, now)
}

func (s measured) ActiveGrants(ctx context.Context, reader [32]byte, epochs []store.EpochRef, now int64) (out []store.Grant, err error) {
	defer func(start time.Time) { s.done("ActiveGrants", false, start, err) }(time.Now())
	return s.Store.ActiveGrants(ctx, reader, epochs, now)
}

func (s measured) RecordOpening(ctx context.Context, grant [16]byte, now int64, uses uint32, log []store.LogEntry) (err error) {
	defer func(start time.Time) { s.done("RecordOpening", true, start, err) }(time.Now())
	return s.Store.RecordOpening(ctx, grant, now, uses, log)
}

func (s measured) Revoke(ctx context.Context, revocation store.Revocation, log []store.LogEntry) (stored store.Revocation, destroyed [][16]byte, err error) {
	defer func(start time.Time) { s.done("Revoke", true, start, err) }(time.Now())
	return s.Store.Revoke(ctx, revocation, log)
}

func (s measured) PutKey(ctx context.Context, key store.Key, quota int, log []store.LogEntry) (err error) {
	defer func(start time.Time) { s.done("PutKey", true, start, err) }(time.Now())
	return s.Store.PutKey(ctx, key, quota, log)
}

func (s measured) Key(ctx context.Context, id [16]byte) (out store.Key, err error) {
	defer func(start time.Time) { s.done("Key", false, start, err) }(time.Now())
	return s.Store.Key(ctx, id)
}

func (s measured) Keys(ctx context.Context, ids [][16]byte) (out []store.Key, err error) {
	defer func(start time.Time) { s.done("Keys", false, start, err) }(time.Now())
	return s.Store.Keys(ctx, ids)
}

func (s measured) ClaimNonce(ctx context.Context, signer [32]byte, nonce string, expires int64) (err error) {
	defer func(start time.Time) { s.done("ClaimNonce", true, start, err) }(time.Now())
	return s.Store.ClaimNonce(ctx, signer, nonce, expires)
}

// HighWater also notices how far the clock is behind the latest time that was ever seen.
func (s measured) HighWater(ctx context.Context, now int64) (high int64, err error) {
	defer func(start time.Time) { s.done("HighWater", false, start, err) }(time.Now())
	high, err = s.Store.HighWater(ctx, now)
	if err == nil {
		s.m.behind.Set(max(float64(high-now)/1000, 0))
	}
	return high, err
}

func (s measured) LogSize(ctx context.Context) (size int64, err error) {
	defer func(start time.Time) { s.done("LogSize", false, start, err) }(time.Now())
	return s.Store.LogSize(ctx)
}
