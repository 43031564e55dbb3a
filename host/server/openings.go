package server

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/translog"
)

// inOneRecord is how many openings are written before others have their turn: a large
// request would keep the only writer for itself.
const inOneRecord = 128

// A recording is the openings of one transaction.
type recording struct {
	g    *group
	keys []*wantedKey
	err  error
}

// record writes what the caller gets into the ledger, in transactions that look at each
// grant a second time. Nothing is answered before. What is prepared, kept in a cache, or was
// opened before is no exception. Keys of grants that have ended or were replaced are
// withdrawn. Its error is that of the request as a whole.
func (f *fetching) record(ctx context.Context, groups []*group) error {
	for turn := range turns(groups) {
		now, err := f.s.now(ctx)
		if err != nil {
			return err
		}
		if err := f.s.notOlder(); err != nil {
			return err
		}
		var wait sync.WaitGroup
		for _, r := range turn { // at once, so that the store can commit them together
			wait.Go(func() { r.err = f.recordSome(ctx, r, now) })
		}
		wait.Wait()
		for _, r := range turn {
			switch {
			case errors.Is(r.err, store.ErrNotFound):
				withdraw(r.keys)
				f.s.forgetGrants(r.g.ID)
			case r.err != nil:
				return r.err
			default:
				f.s.keep(r.g, r.keys)
			}
		}
	}
	return nil
}

// turns cuts what is to be recorded into transactions, and those into turns of
// [inOneRecord] openings at most.
func turns(groups []*group) func(yield func([]*recording) bool) {
	return func(yield func([]*recording) bool) {
		var turn []*recording
		lines := 0
		for _, g := range groups {
			for some := range slices.Chunk(g.valued(), inOneRecord) {
				if lines += len(some); lines > inOneRecord {
					if !yield(turn) {
						return
					}
					turn, lines = nil, len(some)
				}
				turn = append(turn, &recording{g: g, keys: some})
			}
		}
		if len(turn) > 0 {
			yield(turn)
		}
	}
}

// valued returns the keys of a group that have a value.
func (g *group) valued() (keys []*wantedKey) {
	for _, k := range g.keys {
		if k.err == nil && k.value != nil {
			keys = append(keys, k)
		}
	}
	return keys
}

// recordSome is one transaction.
func (f *fetching) recordSome(ctx context.Context, r *recording, now int64) error {
	entry := f.s.entry
	if of(ctx).oneOwner {
		entry = f.s.openingEntry
	}
	lines := make([]store.LogEntry, len(r.keys))
	for i, k := range r.keys {
		lines[i] = entry(ctx, translog.Entry{
			Kind: translog.Opened, Time: now, Owner: k.Owner, Collection: k.Collection, Epoch: k.Epoch,
			Actor: f.who.id, Key: k.ID, Grant: r.g.ID,
		})
	}
	return f.s.store.RecordOpening(context.WithoutCancel(ctx), r.g.ID, now, uint32(len(lines)), lines)
}
