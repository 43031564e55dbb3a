package client

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// Grant lets reader (an id, "rid1…") open every document of the own default
// collection, those to come included; the collection is opened if it does not
// exist yet. A grant that the reader has already is replaced, so that this also
// changes its expiry. Granting to oneself is refused with ErrSelf, to an
// identity that the server does not know with ErrNotFound. When another device
// changes the collection at the same time it is read again and the grant made
// anew, three times at most; then ErrConflict.
func (c *Client) Grant(ctx context.Context, reader string, o GrantOptions) (*GrantInfo, error) {
	unlock, err := c.lockChain(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if reader == c.id {
		return nil, ErrSelf
	}
	if o.Expires < 0 {
		return nil, fmt.Errorf("a grant cannot expire in the past")
	}
	p, err := c.lookUp(ctx, reader)
	if err != nil {
		return nil, err
	}
	var info *GrantInfo
	err = c.retry(ctx, func() error {
		info, err = c.grant(ctx, p, o)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("grant: %w", err)
	}
	return info, nil
}

// grant is one attempt of Grant.
func (c *Client) grant(ctx context.Context, reader *person, o GrantOptions) (*GrantInfo, error) {
	chain, err := c.readChain(ctx)
	if err != nil {
		return nil, err
	}
	readers := []abi.ReaderRef{{ID: reader.ID, Version: reader.Version}}
	if n := len(chain); n > 0 {
		issued, _, err := c.list(ctx, false)
		if err != nil {
			return nil, err
		}
		readers = append(readers, c.readersOf(issued, chain[n-1].Epoch, reader.ID)...)
	}
	next, err := c.nextLink(ctx, chain, readers)
	if err != nil {
		return nil, err
	}
	var grants []api.Grant
	var ids []string
	var info *GrantInfo
	for _, epoch := range newestOfEpochs(chain, next) {
		g, made, err := c.newGrant(ctx, epoch, reader, o)
		if err != nil {
			return nil, err
		}
		grants, ids, info = append(grants, *g), append(ids, made.ID), made
	}
	if len(grants) > api.MaxGrants {
		return nil, fmt.Errorf("the collection has more than %d epochs", api.MaxGrants)
	}
	return info, c.extend(ctx, next, grants, ids)
}

// newestOfEpochs returns the newest record of every epoch, oldest epoch first;
// next is that of the current one.
func newestOfEpochs(chain []link, next link) []link {
	var out []link
	for i, l := range chain {
		following := next
		if i+1 < len(chain) {
			following = chain[i+1]
		}
		if following.Epoch != l.Epoch {
			out = append(out, l)
		}
	}
	return append(out, next)
}

// newGrant signs the grant of one epoch and makes its transform key.
func (c *Client) newGrant(ctx context.Context, epoch link, reader *person, o GrantOptions) (*api.Grant, *GrantInfo, error) {
	f := &abi.GrantFields{Kind: abi.GrantDirect}
	rand.Read(f.Grant[:])
	if o.Expires > 0 {
		f.Expires = uint64(c.clock().Add(o.Expires).UnixMilli())
	}
	record, transformKey, err := c.core.NewGrant(ctx, c.seed, c.record, epoch.record, reader.record, f)
	if err != nil {
		return nil, nil, fmt.Errorf("make grant: %w", err)
	}
	info := &GrantInfo{
		ID: api.FormatID(f.Grant), Reader: reader.id, Owner: c.id,
		Collection: api.FormatID(epoch.Collection.Collection), Epoch: epoch.Epoch, Status: api.GrantActive,
		Expires: instant(f.Expires), Kind: kindText(f.Kind),
	}
	return &api.Grant{Record: record, TransformKey: transformKey}, info, nil
}

// Revoke withdraws every grant of reader to the own default collection. The
// server destroys the transform keys before it answers with a receipt, which is
// verified against the pinned server; then the next collection record leaves
// the reader out. ErrNoGrant if there was nothing to revoke. When it fails
// after the receipt, calling it again completes it.
//
// The revocation is sent whatever the server lists, so that a list with gaps
// does not keep anybody's access alive.
func (c *Client) Revoke(ctx context.Context, reader string) (*RevokeInfo, error) {
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
	chain, err := c.readChain(ctx)
	if err != nil {
		return nil, fmt.Errorf("revoke: %w", err)
	}
	if len(chain) == 0 {
		return nil, noGrant(reader)
	}
	info, err := c.revoke(ctx, chain[len(chain)-1], raw)
	if err != nil {
		return nil, fmt.Errorf("revoke: %w", err)
	}
	changed := false
	err = c.retry(ctx, func() error {
		changed, err = c.leaveOut(ctx, raw, info.Destroyed > 0)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("access is revoked, but updating the list of readers failed (revoke again to complete): %w", err)
	}
	if !changed {
		return nil, noGrant(reader)
	}
	return info, nil
}

func noGrant(reader string) error { return fmt.Errorf("%s %w", reader, ErrNoGrant) }

// revoke sends a revocation and verifies the receipt.
func (c *Client) revoke(ctx context.Context, head link, reader [32]byte) (*RevokeInfo, error) {
	svc, err := c.server(ctx)
	if err != nil {
		return nil, err
	}
	var id [16]byte
	rand.Read(id[:])
	revocation, err := c.core.NewRevocation(ctx, c.seed, c.record, head.record, reader, id, uint64(c.clock().UnixMilli()))
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

// leaveOut makes the next collection record without reader. If no key was
// destroyed and the head lists exactly the readers that there are, nothing was
// shared with reader, and nothing is changed.
func (c *Client) leaveOut(ctx context.Context, reader [32]byte, destroyed bool) (changed bool, err error) {
	chain, err := c.readChain(ctx)
	if err != nil {
		return false, err
	}
	if len(chain) == 0 {
		return false, nil
	}
	head := chain[len(chain)-1]
	issued, _, err := c.list(ctx, false)
	if err != nil {
		return false, err
	}
	readers := c.readersOf(issued, head.Epoch, reader)
	if !destroyed {
		known := false
		for _, l := range issued {
			known = known || (l.Reader == reader && l.Collection == c.home())
		}
		hash, err := c.core.ReadersHash(ctx, readers)
		if err != nil {
			return false, fmt.Errorf("hash readers: %w", err)
		}
		if !known || hash == head.ReadersHash {
			return false, nil
		}
	}
	next, err := c.nextLink(ctx, chain, readers)
	if err != nil {
		return false, err
	}
	return true, c.extend(ctx, next, nil, nil)
}
