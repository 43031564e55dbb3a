package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/translog"
)

// Revoke takes an own collection away from reader, in two steps. First the
// server ends every grant of the reader in the collection, destroys the transform keys
// and closes the epoch, before it answers with a receipt, which is
// verified against the pinned server. Then one request opens the next epoch for
// the remaining readers ([Client.Rotate]): what is written from then on, the reader cannot
// open even together with the server and everything that both have kept. What was written
// before, they can.
//
// When it fails after the receipt the epoch stays closed, and calling it again, or the
// next write into the collection, completes it. [ErrReceipt] if the receipt does not hold;
// [ErrKeptGrant] if the server lists a grant of the reader after its
// receipt, or records an opening by him.
//
// ErrNoGrant if there was nothing to revoke: no key was destroyed and the newest
// record, verified with the list of its readers, did not name the reader. Even
// then the collection gets its next record (and the default one is opened if it does not
// exist yet), so that a grant that was sent earlier and is still on its way is refused
// when it arrives.
//
// The revocation is sent whatever the server lists, so that a list with gaps
// does not keep anybody's access alive.
func (c *Client) Revoke(ctx context.Context, reader string, o RevokeOptions) (*RevokeInfo, error) {
	unlock, err := c.lockChain(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if reader == c.id {
		return nil, ErrSelf
	}
	raw, err := c.parsePerson(ctx, reader)
	if err != nil {
		return nil, err
	}
	id, err := c.find(ctx, o.Collection)
	if err != nil {
		return nil, err
	}
	r := &withdrawal{reader: raw, progress: o.Progress}
	if err := c.retry(ctx, func() error { return c.withdraw(ctx, id, r) }); err != nil {
		if r.info != nil && r.info.Destroyed > 0 && !errors.Is(err, ErrKeptGrant) {
			return nil, fmt.Errorf("access is revoked, but opening the next epoch failed (revoke again to complete): %w", err)
		}
		return nil, fmt.Errorf("revoke: %w", err)
	}
	if r.info.Destroyed == 0 && !r.named {
		return nil, fmt.Errorf("%s %w", reader, ErrNoGrant)
	}
	r.info.Collection = api.FormatID(id)
	if err := c.openedBefore(ctx, reader, r.info); err != nil {
		return nil, fmt.Errorf("revoked, and the next epoch is open, but the server is not to be trusted: %w", err)
	}
	return r.info, nil
}

// A withdrawal is a call of Revoke.
type withdrawal struct {
	reader   [32]byte
	progress func(done, all int)
	info     *RevokeInfo // of the last receipt, with all that was destroyed; nil before
	named    bool        // a record named the reader
}

// withdraw is one attempt of Revoke. Each sends a revocation: what made the one
// before fail may have been a new grant.
func (c *Client) withdraw(ctx context.Context, id [16]byte, r *withdrawal) error {
	o, err := c.readOwn(ctx, id)
	if err != nil {
		return err
	}
	if len(o.chain) == 0 {
		r.info = &RevokeInfo{}
		return c.begin(ctx, o)
	}
	if o.head().isStranded() {
		if _, err := c.rotate(ctx, o, nil, nil); err != nil {
			return err
		}
	}
	info, err := c.revoke(ctx, o.head(), r.reader)
	if err != nil {
		return err
	}
	if r.info != nil {
		info.Destroyed += r.info.Destroyed
	}
	r.info = info
	if err := c.rememberRevoked(o.head(), r.reader); err != nil {
		return err
	}
	list, err := c.readReaders(ctx, o)
	if err != nil {
		return err
	}
	r.named = r.named || list.names(r.reader)
	if holds(list.live, r.reader) {
		return fmt.Errorf("%w: it lists one after the receipt", ErrKeptGrant)
	}
	o.closed = o.closed || list.closed
	if info.Destroyed > 0 || r.named || c.due(o) {
		return c.shutOut(ctx, o, list, r)
	}
	next, err := c.nextLink(ctx, o, change{readers: refs(list.live), renewBy: renewBy(list.live)})
	if err != nil {
		return err
	}
	info.Epoch, info.Remaining = next.Epoch, len(list.live)
	_, err = c.extend(ctx, next, nil, nil)
	return err
}

// shutOut opens the next epoch for the readers who remain.
func (c *Client) shutOut(ctx context.Context, o *own, list *readers, r *withdrawal) error {
	done, err := c.reopen(ctx, o, list.live, nil, r.progress)
	if err != nil {
		return err
	}
	r.info.Epoch, r.info.Rotated = o.head().Epoch, true
	r.info.Remaining, r.info.Suspended = done.remaining, done.suspended
	return nil
}

// revoke sends a revocation and verifies the receipt. An answer that gets lost is asked
// for again with the same revocation, which the server has no second effect of.
func (c *Client) revoke(ctx context.Context, head link, reader [32]byte) (*RevokeInfo, error) {
	svc, err := c.server(ctx)
	if err != nil {
		return nil, err
	}
	var id [16]byte
	rand.Read(id[:])
	revocation, err := c.core.NewRevocation(ctx, c.seed, c.me().record, head.record, reader, id, uint64(c.clock().UnixMilli()))
	if err != nil {
		return nil, fmt.Errorf("make revocation: %w", err)
	}
	var answer api.Receipt
	_, err = c.insist(ctx, func(ctx context.Context) error {
		answer = api.Receipt{}
		return c.call(ctx, http.MethodPost, api.PathRevocations, api.RevokeAccess{Revocation: revocation}, &answer)
	})
	if err != nil {
		return nil, err
	}
	when, destroyed, err := c.core.OpenReceipt(ctx, svc.record, revocation, answer.Receipt)
	if err != nil {
		return nil, badReceipt(err)
	}
	if answer.Destroyed != int(destroyed) {
		return nil, fmt.Errorf("%w: it states another number of destroyed keys", ErrReceipt)
	}
	return &RevokeInfo{Destroyed: int(destroyed), Time: instant(when), Server: svc.id}, nil
}

// openedBefore finds in the ledger what a reader had opened of a collection before he was
// revoked. ErrKeptGrant if he has opened something since: the server serves a grant that it
// has confirmed as ended. A ledger that cannot be had does not undo the revocation: that is
// told in info.
func (c *Client) openedBefore(ctx context.Context, reader string, info *RevokeInfo) error {
	h := history{reader: reader, collection: info.Collection, opened: map[string]*OpenedDocument{}}
	_, err := c.Ledger(ctx, 0, h.line)
	switch {
	case errors.Is(err, ErrKeptGrant) || isVerdict(err) && !errors.Is(err, ErrNotFound):
		return err
	case err != nil:
		info.Unlisted = err
		return nil
	}
	info.Opened = h.list()
	return nil
}

// history follows one reader of one collection through the ledger.
type history struct {
	reader, collection string
	ended              time.Time // when the newest grant was revoked, zero while there is one
	opened             map[string]*OpenedDocument
}

// line takes one entry.
func (h *history) line(l LedgerLine) error {
	if l.Collection != h.collection {
		return nil
	}
	switch {
	case l.Kind == translog.Granted.String() && l.Subject == h.reader:
		h.ended = time.Time{}
	case l.Kind == translog.Revoked.String() && l.Subject == h.reader:
		h.ended = l.Time
	case l.Kind == translog.Opened.String() && l.Actor == h.reader:
		if !h.ended.IsZero() {
			return fmt.Errorf("%w: the ledger has an opening of document %s after the revocation of %s", ErrKeptGrant, l.Key, h.ended.UTC().Format(time.RFC3339))
		}
		d := h.opened[l.Key]
		if d == nil {
			d = &OpenedDocument{Key: l.Key, First: l.Time}
			h.opened[l.Key] = d
		}
		d.Last = l.Time
		d.Times++
	}
	return nil
}

// list returns what was opened, oldest first.
func (h *history) list() []OpenedDocument {
	var out []OpenedDocument
	for _, d := range h.opened {
		out = append(out, *d)
	}
	slices.SortFunc(out, func(a, b OpenedDocument) int {
		if n := a.First.Compare(b.First); n != 0 {
			return n
		}
		return slices.Compare([]byte(a.Key), []byte(b.Key))
	})
	return out
}
