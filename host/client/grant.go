package client

import (
	"context"
	"crypto/rand"
	"fmt"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// Grant lets reader (an id, "rid1…") open every document of the own default
// collection, those to come included; the collection is opened if it does not
// exist yet. A grant that the reader has already is replaced, so that this also
// changes its expiry. Granting to oneself is refused with ErrSelf, to an
// identity that the server does not know with ErrNotFound, and to one without a key
// of the collection's suite with ErrReaderSuite. When another device
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
		r, err := c.readReaders(ctx, chain[n-1])
		if err != nil {
			return nil, err
		}
		readers = append(readers, r.without(reader.ID)...)
	}
	next, err := c.nextLink(ctx, chain, readers)
	if err != nil {
		return nil, err
	}
	if !reader.has(next.Suite) {
		return nil, fmt.Errorf("%w (%s)", ErrReaderSuite, abi.SuiteName(next.Suite))
	}
	epochs := newestOfEpochs(chain, next)
	if len(epochs) > api.MaxGrants {
		return nil, fmt.Errorf("the collection has more than %d epochs", api.MaxGrants)
	}
	var ids []string
	var info *GrantInfo
	grants := make([]api.Grant, 0, len(epochs))
	defer func() {
		for _, g := range grants {
			clear(g.TransformKey)
		}
	}()
	for _, epoch := range epochs {
		g, made, err := c.newGrant(ctx, epoch, reader, o)
		if err != nil {
			return nil, err
		}
		grants, ids, info = append(grants, *g), append(ids, made.ID), made
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

// newGrant signs the grant of one epoch and makes its transform key, which the caller
// clears.
func (c *Client) newGrant(ctx context.Context, epoch link, reader *person, o GrantOptions) (*api.Grant, *GrantInfo, error) {
	f := &abi.GrantFields{Kind: abi.GrantDirect}
	rand.Read(f.Grant[:])
	if o.Expires > 0 {
		f.Expires = uint64(c.clock().Add(o.Expires).UnixMilli())
	}
	record, transformKey, err := c.core.NewGrant(ctx, c.seed, c.me().record, epoch.record, reader.record, f)
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
