package client

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/translog"
)

// Regrant puts the own collections right after somebody's keys have changed, or the server
// has lost its transform keys, in one act. Collections whose newest record is signed with
// keys that we have given up get their next epoch. Then every grant that is suspended,
// because its reader's keys have changed, or lost, is made again on its terms to the
// reader's present keys, if these are confirmed ([Client.Confirm]) or have not changed; the
// other readers are returned as Blocked. Doing it again is safe.
//
// Which grants are suspended or lost is the server's word: each is one that we once signed,
// and a reader of whom this device or the ledger knows a later revocation is passed over.
func (c *Client) Regrant(ctx context.Context, progress func(done, all int)) (*RegrantInfo, error) {
	unlock, err := c.lockChain(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	info := &RegrantInfo{}
	heads, err := c.listOwn(ctx)
	if err != nil {
		return nil, fmt.Errorf("regrant: %w", err)
	}
	waiting, err := c.suspended(ctx, heads) // before an epoch is opened without them
	if err != nil {
		return nil, fmt.Errorf("regrant: %w", err)
	}
	if err := c.renewAll(ctx, heads, info); err != nil {
		return info, fmt.Errorf("regrant: %w", err) // who was kept is told only once
	}
	for i, s := range waiting {
		err := c.restore(ctx, s, info)
		if errors.Is(err, ErrKeyChanged) {
			if !slices.Contains(info.Blocked, s.reader) {
				info.Blocked = append(info.Blocked, s.reader)
			}
			err = nil
		}
		if err != nil {
			return info, fmt.Errorf("regrant %s: %w", s.reader, err)
		}
		if progress != nil {
			progress(i+1, len(waiting))
		}
	}
	return info, nil
}

// renewAll opens the next epoch of every own collection that our former keys signed last.
func (c *Client) renewAll(ctx context.Context, heads []ownHead, info *RegrantInfo) error {
	for i := range heads {
		if heads[i].OwnerVersion >= c.me().Since {
			continue
		}
		id := heads[i].Collection.Collection
		err := c.retry(ctx, func() error {
			o, err := c.readOwn(ctx, id)
			if err != nil || len(o.chain) == 0 || !c.due(o) {
				return err
			}
			r, err := c.rotate(ctx, o, nil, nil)
			if err == nil {
				info.Kept = append(info.Kept, r.kept...)
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("collection %s: %w", api.FormatID(id), err)
		}
		info.Rotated = append(info.Rotated, api.FormatID(id))
	}
	return nil
}

// suspension is what is suspended or lost of one reader in one collection.
type suspension struct {
	collection [16]byte
	reader     string
	grants     []listed // one for each epoch
}

// suspended lists what is to be granted again. What the newest epochs have is complete
// (list_readers); older ones are in the list of all grants, from which the server can leave some out.
func (c *Client) suspended(ctx context.Context, heads []ownHead) (out []*suspension, err error) {
	for i := range heads {
		if heads[i].readers == 0 || heads[i].isStranded() {
			continue
		}
		list, err := c.readReaders(ctx, &own{id: heads[i].Collection.Collection, chain: []link{heads[i].link}})
		if err != nil {
			return nil, err
		}
		for _, l := range list.live {
			out = addSuspended(out, l)
		}
	}
	if out, err = c.suspendedBefore(ctx, out); err != nil || len(out) == 0 {
		return nil, err
	}
	ended, err := c.revocations(ctx)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(out, func(s *suspension) bool {
		return ended[[2]string{api.FormatID(s.collection), s.reader}]
	}), nil
}

// suspendedBefore adds what is suspended of older epochs.
func (c *Client) suspendedBefore(ctx context.Context, out []*suspension) ([]*suspension, error) {
	svc, err := c.server(ctx)
	if err != nil {
		return nil, err
	}
	err = c.eachListed(ctx, api.PathIssued, func(page []api.ListedGrant) error {
		for i := range page {
			if !mustRegrant(page[i].Status) {
				continue
			}
			l, err := c.openListed(ctx, svc, c.me(), &page[i])
			if errors.Is(err, ErrVerification) && c.me().Since > 1 {
				continue // by an overridden version
			}
			if err != nil {
				return err
			}
			out = addSuspended(out, *l)
		}
		return nil
	})
	return out, err
}

// mustRegrant reports whether a grant of that status opens nothing until its owner grants
// again.
func mustRegrant(status string) bool {
	return status == api.GrantSuspended || status == api.GrantLost
}

// addSuspended adds a grant, if it is suspended and could be used otherwise.
func addSuspended(out []*suspension, l listed) []*suspension {
	if !mustRegrant(l.status) || l.expired {
		return out
	}
	i := slices.IndexFunc(out, func(s *suspension) bool { return s.collection == l.Collection && s.reader == l.reader })
	if i < 0 {
		i = len(out)
		out = append(out, &suspension{collection: l.Collection, reader: l.reader})
	}
	if !slices.ContainsFunc(out[i].grants, func(g listed) bool { return g.Grant.Grant == l.Grant.Grant }) {
		out[i].grants = append(out[i].grants, l)
	}
	return out
}

// revocations returns the collections and readers whose last line in the ledger, of those
// about grants, is a revocation.
func (c *Client) revocations(ctx context.Context) (map[[2]string]bool, error) {
	ended := map[[2]string]bool{}
	_, err := c.Ledger(ctx, 0, func(l LedgerLine) error {
		switch l.Kind {
		case translog.Granted.String():
			ended[[2]string{l.Collection, l.Subject}] = false
		case translog.Revoked.String():
			ended[[2]string{l.Collection, l.Subject}] = true
		}
		return nil
	})
	return ended, err
}

// restore grants again what one reader has suspended in one collection.
func (c *Client) restore(ctx context.Context, s *suspension, info *RegrantInfo) error {
	p, err := c.lookUp(ctx, s.reader)
	if err != nil {
		return err
	}
	if err := c.checkKeys(ctx, p); err != nil {
		return err
	}
	if err := c.freshLog(ctx); err != nil {
		return err
	}
	var made *GrantInfo
	err = c.retry(ctx, func() error {
		w, err := c.writable(ctx, s.collection)
		if err != nil {
			return err
		}
		after, err := c.revokedAt(w.id, p.ID)
		if err != nil {
			return err
		}
		made, err = c.restoreIn(ctx, w, p, s, after)
		return err
	})
	if err == nil && made != nil {
		info.Regranted = append(info.Regranted, *made)
		if slices.ContainsFunc(s.grants, func(g listed) bool { return g.status == api.GrantLost }) {
			info.Lost++
		}
	}
	return err
}

// restoreIn is one attempt: grants for every epoch of which one is suspended, and for
// those opened since, unless the reader had single documents only or has a newer grant. The
// terms are those of the newest; each old one keeps its documents. nil if a
// revocation at a record after is known.
func (c *Client) restoreIn(ctx context.Context, w *own, p *person, s *suspension, after uint64) (*GrantInfo, error) {
	newest := slices.MaxFunc(s.grants, func(a, b listed) int { return int(int64(a.Epoch) - int64(b.Epoch)) })
	if at, ok := sequenceOf(w.chain, newest.CollectionHash); !ok || at < after {
		return nil, nil
	}
	list, err := c.readReaders(ctx, w)
	if err != nil {
		return nil, err
	}
	again := scope{}
	for _, g := range s.grants {
		again[g.Epoch] = g.Scope
	}
	newer := slices.ContainsFunc(list.live, func(l listed) bool { return l.Reader == p.ID && !mustRegrant(l.status) })
	if len(newest.Scope) == 0 && !newer {
		for epoch := newest.Epoch + 1; epoch <= w.head().Epoch; epoch++ {
			again[epoch] = nil
		}
	}
	fields := newest.GrantFields
	if fields.Uses != 0 {
		fields.Uses -= min(newest.used, fields.Uses-1)
	}
	return c.admit(ctx, w, list, p, fields, again, nil)
}

// sequenceOf finds a record in a chain.
func sequenceOf(chain []link, hash [32]byte) (uint64, bool) {
	i := slices.IndexFunc(chain, func(l link) bool { return l.Hash == hash })
	if i < 0 {
		return 0, false
	}
	return chain[i].Sequence, true
}

// revokedName returns the name under which a revocation by this device is remembered.
func revokedName(collection [16]byte, reader [32]byte) [16]byte {
	hash := sha256.Sum256(slices.Concat([]byte("recrypt revoked reader"), collection[:], reader[:]))
	return [16]byte(hash[:])
}

// rememberRevoked remembers that a reader was revoked when head was the newest record.
func (c *Client) rememberRevoked(head link, reader [32]byte) error {
	if err := c.state.SetHead(revokedName(head.Collection.Collection, reader), head.Sequence+1, [32]byte{}); err != nil {
		return fmt.Errorf("remember revocation: %w", err)
	}
	return nil
}

// revokedAt returns the number of the first record after the last revocation of a reader
// that this device has made, 0 if there is none.
func (c *Client) revokedAt(collection [16]byte, reader [32]byte) (uint64, error) {
	sequence, _, _, err := c.state.Head(revokedName(collection, reader))
	if err != nil {
		return 0, fmt.Errorf("read known revocations: %w", err)
	}
	return sequence, nil
}
