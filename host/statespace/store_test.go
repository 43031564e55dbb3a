package statespace

import (
	"context"

	"github.com/recrypt-service/recrypt/host/store"
)

// The changes of a store that may be the last.

// PutCollection implements store.Store.
func (c *crasher) PutCollection(ctx context.Context, rec store.CollectionRecord, previous [32]byte, grants []store.Grant, log []store.LogEntry) (superseded [][16]byte, err error) {
	err = c.step(func() error {
		if c.lie == leaveOut && len(grants) > 0 {
			grants = grants[1:]
		}
		superseded, err = c.Store.PutCollection(ctx, rec, previous, grants, log)
		return err
	})
	return superseded, err
}

// Revoke implements store.Store.
func (c *crasher) Revoke(ctx context.Context, r store.Revocation, log []store.LogEntry) (stored store.Revocation, destroyed [][16]byte, err error) {
	err = c.step(func() error {
		stored, destroyed, err = c.Store.Revoke(ctx, r, log)
		if c.lie == keepKeys {
			destroyed = nil
		}
		return err
	})
	return stored, destroyed, err
}

// FinishRevocation implements store.Store.
func (c *crasher) FinishRevocation(ctx context.Context, id [16]byte, receipt []byte, destroyed uint32) error {
	return c.step(func() error { return c.Store.FinishRevocation(ctx, id, receipt, destroyed) })
}

// PutKey implements store.Store.
func (c *crasher) PutKey(ctx context.Context, key store.Key, quota int, log []store.LogEntry) error {
	return c.step(func() error { return c.Store.PutKey(ctx, key, quota, log) })
}

// RecordOpening implements store.Store.
func (c *crasher) RecordOpening(ctx context.Context, grant [16]byte, now int64, uses uint32, log []store.LogEntry) error {
	return c.step(func() error { return c.Store.RecordOpening(ctx, grant, now, uses, log) })
}

// PutRequest implements store.Store.
func (c *crasher) PutRequest(ctx context.Context, collection [16]byte, reader [32]byte, now int64, log []store.LogEntry) (since int64, err error) {
	err = c.step(func() error {
		since, err = c.Store.PutRequest(ctx, collection, reader, now, log)
		return err
	})
	return since, err
}

// DropRequest implements store.Store.
func (c *crasher) DropRequest(ctx context.Context, collection [16]byte, reader [32]byte, log []store.LogEntry) error {
	return c.step(func() error { return c.Store.DropRequest(ctx, collection, reader, log) })
}

// ExpireGrants implements store.Store.
func (c *crasher) ExpireGrants(ctx context.Context, now int64, entry func(store.Grant) store.LogEntry) (ended [][16]byte, err error) {
	err = c.step(func() error {
		ended, err = c.Store.ExpireGrants(ctx, now, entry)
		return err
	})
	return ended, err
}
