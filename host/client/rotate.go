package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// grantsInOneCall is how many grants one call of the core makes: between calls the
// client reports progress and looks whether to go on.
const grantsInOneCall = 50

// Rotate opens the next epoch of an own collection for its present readers. What is
// written from then on does not open with the keys of the epochs before; what was written
// stays where it is, and readable for the readers.
//
// All of it is one request. Readers whose keys have changed are left out until
// [Client.Regrant], and so are those who were granted single documents, because nothing
// of theirs is in the new epoch.
func (c *Client) Rotate(ctx context.Context, name string, progress func(done, all int)) (*RotateInfo, error) {
	unlock, err := c.lockChain(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	id, err := c.find(ctx, name)
	if err != nil {
		return nil, err
	}
	var info *RotateInfo
	err = c.retry(ctx, func() error {
		o, err := c.readOwn(ctx, id)
		if err != nil {
			return err
		}
		if len(o.chain) == 0 {
			if err := c.begin(ctx, o); err != nil {
				return err
			}
		}
		r, err := c.rotate(ctx, o, nil, progress)
		if err != nil {
			return err
		}
		title, err := c.openTitle(ctx, o.head())
		info = &RotateInfo{
			Collection: api.FormatID(id), Title: (&ownHead{title: title}).name(), Epoch: o.head().Epoch,
			Readers: r.remaining, Suspended: r.suspended, Receipt: r.receipt,
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("rotate: %w", err)
	}
	return info, nil
}

// rotation is the outcome of opening an epoch.
type rotation struct {
	remaining, suspended int
	kept                 []GrantInfo
	receipt              time.Time
}

// rotate is one attempt of opening the next epoch of o, for the readers of the newest one
// but for one, if gone is given. On success o has it as its head.
func (c *Client) rotate(ctx context.Context, o *own, gone *[32]byte, progress func(done, all int)) (*rotation, error) {
	if o.head().isStranded() { // its readers are those of who had stolen the keys
		return c.reopen(ctx, o, nil, nil, progress)
	}
	list, err := c.readReaders(ctx, o)
	if err != nil {
		return nil, err
	}
	live := list.live
	if gone != nil {
		live = without(live, *gone)
	}
	return c.reopen(ctx, o, live, nil, progress)
}

// reopen opens the next epoch of o for the readers of grants to the newest one. The terms
// of each grant stay.
func (c *Client) reopen(ctx context.Context, o *own, grants []listed, set *settings, progress func(done, all int)) (*rotation, error) {
	keep, suspended, err := c.keepers(ctx, grants)
	if err != nil {
		return nil, err
	}
	if set == nil {
		if set, err = c.resealed(ctx, o.head()); err != nil {
			return nil, err
		}
	}
	next, err := c.nextLink(ctx, o, change{epoch: true, readers: readersOf(keep), renewBy: expiryOf(keep), settings: set})
	if err != nil {
		return nil, err
	}
	made, ids, err := c.makeGrants(ctx, next, keep, progress)
	defer wipe(made)
	if err != nil {
		return nil, err
	}
	r := &rotation{remaining: len(keep), suspended: suspended}
	if r.receipt, err = c.extend(ctx, next, made, ids); err != nil {
		return nil, err
	}
	o.chain, o.closed = append(o.chain, next), false
	for _, a := range keep {
		g := &abi.Grant{GrantFields: a.fields, Collection: next.Collection.Collection, Epoch: next.Epoch}
		r.kept = append(r.kept, describeGrant(g, c.id, a.to.id))
	}
	return r, nil
}

// resealed returns the settings for an epoch under other own keys than the newest
// record's, nil if the keys are the same. The title is sealed anew, so that it opens even
// when the seeds of before are lost.
func (c *Client) resealed(ctx context.Context, head link) (*settings, error) {
	if head.OwnerVersion >= c.me().Since || len(head.Title) == 0 {
		return nil, nil
	}
	set := &settings{deposit: head.Deposit, authors: head.Authors, title: head.Title}
	text, err := c.openTitle(ctx, head)
	if err != nil || text == "" {
		return set, err
	}
	set.title, err = c.sealTitle(ctx, head.Collection.Collection, text)
	return set, err
}

// award is a grant to be made: to whom, and on which terms.
type award struct {
	to     *person
	fields abi.GrantFields
}

// keepers turns grants to the newest epoch into those to the next one. Left out are those
// that have ended, have no uses left, or are for single documents, and those to readers
// whose keys have changed, who are counted.
func (c *Client) keepers(ctx context.Context, grants []listed) (keep []award, suspended int, err error) {
	candidates := slices.DeleteFunc(slices.Clone(grants), func(g listed) bool { return !c.goesOn(g) })
	var ids []string
	for _, g := range candidates {
		if g.status != api.GrantSuspended {
			ids = append(ids, g.reader)
		}
	}
	persons, err := c.present(ctx, ids)
	if err != nil {
		return nil, 0, err
	}
	for _, g := range candidates {
		p := persons[g.reader]
		switch {
		case g.status == api.GrantSuspended:
			suspended++
			continue
		case p == nil:
			return nil, 0, mismatch("identities: one that was asked for is missing")
		case p.err != nil:
			return nil, 0, fmt.Errorf("reader %s: %w", g.reader, p.err)
		case g.ReaderVersion < p.Since || !p.has(g.Suite):
			suspended++
			continue
		}
		f := g.GrantFields
		if rand.Read(f.Grant[:]); f.Uses != 0 {
			f.Uses -= g.used
		}
		keep = append(keep, award{p, f})
	}
	return keep, suspended, nil
}

// goesOn reports whether the terms of a grant let it go on in another epoch.
func (c *Client) goesOn(g listed) bool {
	expired := g.Expires != 0 && g.Expires <= uint64(c.clock().UnixMilli())
	usedUp := g.status == api.GrantUsed || g.Uses != 0 && g.used >= g.Uses
	return g.isLive() && !expired && !usedUp && len(g.Scope) == 0
}

// present looks up readers to whom is to be granted without anybody looking on.
func (c *Client) present(ctx context.Context, ids []string) (persons map[string]*person, err error) {
	if len(ids) == 0 {
		return nil, nil
	}
	if err := c.freshLog(ctx); err != nil {
		return nil, err
	}
	_, err = c.persist(ctx, func() error {
		persons, err = c.lookUpMany(ctx, ids)
		return err
	})
	return persons, err
}

// readersOf names the readers of awards.
func readersOf(awards []award) []abi.ReaderRef {
	out := make([]abi.ReaderRef, 0, len(awards))
	for _, a := range awards {
		out = append(out, abi.ReaderRef{ID: a.to.ID, Version: a.to.Version})
	}
	return out
}

// expiryOf returns when the first of awards expires, 0 if none does.
func expiryOf(awards []award) (first uint64) {
	for _, a := range awards {
		first = earlier(first, a.fields.Expires)
	}
	return first
}

// makeGrants signs grants to one record and makes their transform keys, which the caller
// wipes, whatever comes back.
func (c *Client) makeGrants(ctx context.Context, to link, awards []award, progress func(done, all int)) (made []api.Grant, ids []string, err error) {
	seen := c.seenCheckpoint(ctx)
	for batch := range slices.Chunk(awards, grantsInOneCall) {
		if err := ctx.Err(); err != nil {
			return made, nil, err
		}
		items := make([]abi.NewGrant, len(batch))
		for i, a := range batch {
			a.fields.Extensions = abi.Extensions{Checkpoint: seen}
			items[i] = abi.NewGrant{Reader: a.to.record, GrantFields: a.fields}
		}
		outcomes, err := c.core.NewGrants(ctx, c.seed, c.me().record, to.record, items)
		if err != nil {
			return made, nil, fmt.Errorf("make grants: %w", err)
		}
		for i, out := range outcomes {
			made = append(made, api.Grant{Record: out.Grant, TransformKey: out.TransformKey})
			ids = append(ids, api.FormatID(batch[i].fields.Grant))
			if err = errors.Join(err, out.Err); err != nil {
				err = fmt.Errorf("make grant to %s: %w", batch[i].to.id, out.Err)
				break
			}
		}
		if err != nil {
			return made, nil, err
		}
		if progress != nil {
			progress(len(made), len(awards))
		}
	}
	return made, ids, nil
}

// wipe clears transform keys.
func wipe(grants []api.Grant) {
	for _, g := range grants {
		clear(g.TransformKey)
	}
}
