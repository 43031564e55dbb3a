package client

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"

	"github.com/recrypt-service/recrypt/host/api"
)

// Revoke withdraws every grant of reader to the own default collection. The
// server destroys the transform keys before it answers with a receipt, which is
// verified against the pinned server; then the next collection record leaves
// the reader out. When it fails after the receipt, calling it again completes it.
//
// ErrNoGrant if there was nothing to revoke: no key was destroyed and the newest
// record, verified with the list of its readers, did not name the reader. Even
// then the collection gets its next record (and is opened if it does not exist
// yet), so that a grant that was sent earlier and is still on its way is refused
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
	r := &withdrawal{reader: raw}
	if err := c.retry(ctx, func() error { return c.withdraw(ctx, r) }); err != nil {
		if r.info != nil && r.info.Destroyed > 0 {
			return nil, fmt.Errorf("access is revoked, but updating the list of readers failed (revoke again to complete): %w", err)
		}
		return nil, fmt.Errorf("revoke: %w", err)
	}
	if r.info.Destroyed == 0 && !r.named {
		return nil, fmt.Errorf("%s %w", reader, ErrNoGrant)
	}
	return r.info, nil
}

// A withdrawal is a call of Revoke.
type withdrawal struct {
	reader [32]byte
	info   *RevokeInfo // of the last receipt, with all that was destroyed; nil before
	named  bool        // a record named the reader
}

// withdraw is one attempt of Revoke. Each sends a revocation: what made the one
// before fail may have been a new grant.
func (c *Client) withdraw(ctx context.Context, r *withdrawal) error {
	chain, err := c.readChain(ctx)
	if err != nil {
		return err
	}
	if len(chain) == 0 {
		r.info = &RevokeInfo{}
		_, err := c.openCollection(ctx)
		return err
	}
	head := chain[len(chain)-1]
	info, err := c.revoke(ctx, head, r.reader)
	if err != nil {
		return err
	}
	if r.info != nil {
		info.Destroyed += r.info.Destroyed
	}
	r.info = info
	list, err := c.readReaders(ctx, head)
	if err != nil {
		return err
	}
	r.named = r.named || list.names(r.reader)
	if list.active(r.reader) {
		return mismatch("grant: listed as active after the receipt that it ended")
	}
	next, err := c.nextLink(ctx, chain, list.now)
	if err != nil {
		return err
	}
	return c.extend(ctx, next, nil, nil)
}

// revoke sends a revocation and verifies the receipt.
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
	if err := c.call(ctx, http.MethodPost, api.PathRevocations, api.RevokeAccess{Revocation: revocation}, &answer); err != nil {
		return nil, err
	}
	when, destroyed, err := c.core.OpenReceipt(ctx, svc.record, revocation, answer.Receipt)
	if err != nil {
		return nil, unverified("receipt", err)
	}
	if answer.Destroyed != int(destroyed) {
		return nil, mismatch("receipt: it states another number of destroyed keys")
	}
	return &RevokeInfo{Destroyed: int(destroyed), Time: instant(when), Server: svc.id}, nil
}
