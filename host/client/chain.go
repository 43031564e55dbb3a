package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// attempts is how often a change of a chain is tried against other devices.
const attempts = 3

// A link is one verified collection record.
type link struct {
	*abi.Collection
	record []byte
}

// lockChain locks the own chain within this Client, so that concurrent calls do not
// run into each other's conflicts. The returned function unlocks.
func (c *Client) lockChain(ctx context.Context) (unlock func(), err error) {
	if err := c.acting(); err != nil {
		return nil, err
	}
	select {
	case c.chain <- struct{}{}:
		return func() { <-c.chain }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// readChain fetches and verifies the own default collection, oldest record
// first; it is empty if there is none yet.
func (c *Client) readChain(ctx context.Context) ([]link, error) {
	svc, err := c.server(ctx)
	if err != nil {
		return nil, err
	}
	var answer api.Collection
	err = c.call(ctx, http.MethodGet, strings.Replace(api.PathCollection, "{id}", api.FormatID(c.home()), 1), nil, &answer)
	if errors.Is(err, ErrNotFound) {
		answer = api.Collection{ID: api.FormatID(c.home()), Owner: c.id}
	} else if err != nil {
		return nil, fmt.Errorf("read collection: %w", err)
	}
	if answer.ID != api.FormatID(c.home()) || answer.Owner != c.id {
		return nil, mismatch("collection: it is another one than was asked for")
	}
	chain, err := c.openChain(ctx, svc, answer.Records)
	if err != nil {
		return nil, err
	}
	if err := c.rememberChain(chain); err != nil {
		return nil, err
	}
	if len(chain) > 0 && c.suite != 0 && c.suite != chain[0].Suite {
		return nil, fmt.Errorf("%w: yours has %s", ErrSuite, abi.SuiteName(chain[0].Suite))
	}
	return chain, nil
}

// openChain verifies every record of the own default collection and its link to
// the one before.
func (c *Client) openChain(ctx context.Context, svc *service, records []api.Bytes) ([]link, error) {
	me := c.me()
	chain := make([]link, 0, len(records))
	var previous []byte
	for i, record := range records {
		v, err := c.core.OpenCollection(ctx, me.record, record, previous)
		if err != nil {
			return nil, unverified("collection record", err)
		}
		if v.Collection != c.home() || v.Owner != me.ID || v.Service != svc.ID || v.Sequence != uint64(i) {
			return nil, mismatch("collection record: it belongs elsewhere")
		}
		chain = append(chain, link{v, record})
		previous = record
	}
	return chain, nil
}

// rememberChain checks that the remembered head is part of the chain and
// remembers the new one.
func (c *Client) rememberChain(chain []link) error {
	sequence, hash, ok, err := c.state.Head(c.home())
	if err != nil {
		return fmt.Errorf("read known collections: %w", err)
	}
	if ok {
		if sequence >= uint64(len(chain)) {
			return fmt.Errorf("%w: record %d of your collection is missing", ErrRollback, sequence)
		}
		if chain[sequence].Hash != hash {
			return fmt.Errorf("%w: record %d of your collection is another one", ErrRollback, sequence)
		}
	}
	if n := len(chain); n > 0 && (!ok || chain[n-1].Sequence > sequence) {
		return c.rememberHead(chain[n-1].Collection)
	}
	return nil
}

func (c *Client) rememberHead(v *abi.Collection) error {
	if err := c.state.SetHead(c.home(), v.Sequence, v.Hash); err != nil {
		return fmt.Errorf("remember collection: %w", err)
	}
	return nil
}

// nextLink makes the record that follows chain, with readers. The first one
// opens epoch 0 with a salt of its own: a second attempt draws another, so that
// two devices never share an epoch key.
func (c *Client) nextLink(ctx context.Context, chain []link, readers []abi.ReaderRef) (link, error) {
	svc, err := c.server(ctx)
	if err != nil {
		return link{}, err
	}
	me := c.me()
	suite := c.suite
	if suite == 0 {
		suite = me.strongest()
	}
	fields := &abi.CollectionFields{Service: svc.ID, Collection: c.home(), Suite: suite, Readers: readers, Deposit: abi.DepositClosed}
	var previous []byte
	if n := len(chain); n > 0 {
		head := chain[n-1]
		previous = head.record
		fields.Epoch, fields.Suite, fields.Salt = head.Epoch, head.Suite, head.Salt
		fields.Deposit, fields.Authors, fields.Title = head.Deposit, head.Authors, head.Title
	} else {
		rand.Read(fields.Salt[:])
	}
	record, err := c.core.NewCollection(ctx, c.seed, me.record, previous, fields)
	if err != nil {
		return link{}, fmt.Errorf("make collection record: %w", err)
	}
	v, err := c.core.OpenCollection(ctx, me.record, record, previous)
	if err != nil {
		return link{}, fmt.Errorf("make collection record: %w", err)
	}
	return link{v, record}, nil
}

// extend sends the next record with its grants and remembers it.
func (c *Client) extend(ctx context.Context, next link, grants []api.Grant, ids []string) error {
	var answer api.GrantAccessAnswer
	if grants == nil {
		grants = []api.Grant{} // a list in JSON, not null
	}
	in := api.GrantAccess{Collection: next.record, Grants: grants}
	if err := c.call(ctx, http.MethodPost, api.PathGrants, in, &answer); err != nil {
		return err
	}
	if answer.Collection != api.FormatID(c.home()) || answer.Sequence != next.Sequence || !sameIDs(answer.Grants, ids) {
		return mismatch("grant: the server stored something else")
	}
	return c.rememberHead(next.Collection)
}

// sameIDs compares regardless of order.
func sameIDs(a, b []string) bool {
	a, b = slices.Clone(a), slices.Clone(b)
	slices.Sort(a)
	slices.Sort(b)
	return slices.Equal(a, b)
}

// head returns the newest record of the own default collection, which is made
// when it does not exist yet.
func (c *Client) head(ctx context.Context) (link, error) {
	unlock, err := c.lockChain(ctx)
	if err != nil {
		return link{}, err
	}
	defer unlock()
	var head link
	err = c.retry(ctx, func() error {
		chain, err := c.readChain(ctx)
		if err != nil {
			return err
		}
		if n := len(chain); n > 0 {
			head = chain[n-1]
			return nil
		}
		head, err = c.openCollection(ctx)
		return err
	})
	return head, err
}

// openCollection makes the first record of the own default collection, without
// readers.
func (c *Client) openCollection(ctx context.Context) (link, error) {
	first, err := c.nextLink(ctx, nil, nil)
	if err != nil {
		return link{}, err
	}
	return first, c.extend(ctx, first, nil, nil)
}

// retry runs change until it is not overtaken, at most [attempts] times.
func (c *Client) retry(ctx context.Context, change func() error) error {
	for i := 1; ; i++ {
		err := change()
		if !overtaken(err) || i == attempts {
			return err
		}
		if err := pause(ctx, i); err != nil {
			return err
		}
	}
}

// pause waits before attempt i+1, not always the same time: two devices must not
// stay in step.
func pause(ctx context.Context, i int) error {
	var b [1]byte
	rand.Read(b[:])
	select {
	case <-time.After(time.Duration(i) * time.Duration(20+int(b[0])/4) * time.Millisecond):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
