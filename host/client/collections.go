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

// CreateCollection opens a collection of one's own. Its title, at most 200 bytes, is
// encrypted for ourselves. ErrExists if there is one with this title already.
func (c *Client) CreateCollection(ctx context.Context, title string, o CollectionOptions) (*CollectionInfo, error) {
	unlock, err := c.lockChain(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if title, err = newTitle(title); err != nil {
		return nil, err
	}
	if err := c.checkNew(ctx, title); err != nil {
		return nil, err
	}
	id, set, err := c.newSettings(ctx, title, o)
	if err != nil {
		return nil, err
	}
	first, err := c.nextLink(ctx, &own{id: id}, change{settings: set})
	if err == nil {
		_, err = c.extend(ctx, first, nil, nil)
	}
	if err != nil {
		return nil, fmt.Errorf("create collection: %w", err)
	}
	return c.describeHead(ctx, &ownHead{link: first, title: title})
}

// checkNew refuses a title that a collection has already.
func (c *Client) checkNew(ctx context.Context, title string) error {
	heads, err := c.listOwn(ctx)
	if err != nil {
		return err
	}
	if i := slices.IndexFunc(heads, func(h ownHead) bool { return h.isNamed(title) }); i >= 0 {
		return fmt.Errorf("%w: collection %s has this title", ErrExists, api.FormatID(heads[i].Collection.Collection))
	}
	return nil
}

// newSettings draws the id of a new collection and makes its settings.
func (c *Client) newSettings(ctx context.Context, title string, o CollectionOptions) (id [16]byte, set *settings, err error) {
	if _, err := c.server(ctx); err != nil {
		return id, nil, err
	}
	rand.Read(id[:])
	set = &settings{suite: o.Suite, deposit: abi.DepositClosed}
	if o.Suite != 0 && !c.me().has(o.Suite) {
		return id, nil, fmt.Errorf("your identity has no key of %s", abi.SuiteName(o.Suite))
	}
	if set.title, err = c.sealTitle(ctx, id, title); err != nil {
		return id, nil, err
	}
	return id, set, c.setDeposit(ctx, set, o)
}

// setDeposit takes over who may deposit.
func (c *Client) setDeposit(ctx context.Context, set *settings, o CollectionOptions) error {
	policies := map[string]uint8{DepositClosed: abi.DepositClosed, DepositListed: abi.DepositListed, DepositOpen: abi.DepositOpen}
	if o.Deposit != "" {
		policy, ok := policies[o.Deposit]
		if !ok {
			return errors.New("who may deposit is one of closed, listed, open")
		}
		set.deposit, set.authors = policy, nil
	}
	if set.deposit != abi.DepositListed {
		if len(o.Authors) > 0 {
			return errors.New("authors are listed with the policy listed only")
		}
		return nil
	}
	if o.Authors == nil && o.Deposit == "" {
		return nil
	}
	set.authors = nil
	for _, text := range o.Authors {
		author, err := c.parsePerson(ctx, text)
		if err != nil {
			return fmt.Errorf("author: %w", err)
		}
		if author != c.me().ID {
			set.authors = append(set.authors, author)
		}
	}
	slices.SortFunc(set.authors, func(a, b [32]byte) int { return slices.Compare(a[:], b[:]) })
	set.authors = slices.Compact(set.authors)
	return nil
}

// ChangeCollection changes who may deposit in an own collection (o.Deposit, and
// o.Authors, which replaces the list), and its title, nil for the same. What was deposited
// stays.
func (c *Client) ChangeCollection(ctx context.Context, name string, o CollectionOptions, title *string) (*CollectionInfo, error) {
	unlock, err := c.lockChain(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if o.Suite != 0 {
		return nil, ErrSuite
	}
	if title != nil {
		text, err := newTitle(*title)
		if err != nil {
			return nil, err
		}
		if err := c.checkNew(ctx, text); err != nil {
			return nil, err
		}
		title = &text
	}
	id, err := c.find(ctx, name)
	if err != nil {
		return nil, err
	}
	var head *ownHead
	err = c.retry(ctx, func() error {
		head, err = c.change(ctx, id, o, title)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("change collection: %w", err)
	}
	return c.describeHead(ctx, head)
}

// change is one attempt of ChangeCollection.
func (c *Client) change(ctx context.Context, id [16]byte, o CollectionOptions, title *string) (*ownHead, error) {
	w, err := c.writable(ctx, id)
	if err != nil {
		return nil, err
	}
	head := w.head()
	if title != nil && len(head.Title) == 0 {
		return nil, errors.New("the default collection has no title")
	}
	set := &settings{deposit: head.Deposit, authors: head.Authors, title: head.Title}
	text, err := c.openTitle(ctx, head)
	if err != nil {
		return nil, err
	}
	if title != nil {
		if h := (&ownHead{title: text}); h.isLink() {
			text = linkMark + *title
		} else {
			text = *title
		}
		if set.title, err = c.sealTitle(ctx, id, text); err != nil {
			return nil, err
		}
	}
	if err := c.setDeposit(ctx, set, o); err != nil {
		return nil, err
	}
	list, err := c.readReaders(ctx, w)
	if err != nil {
		return nil, err
	}
	next, err := c.nextLink(ctx, w, change{readers: refs(list.live), renewBy: renewBy(list.live), settings: set})
	if err != nil {
		return nil, err
	}
	_, err = c.extend(ctx, next, nil, nil)
	return &ownHead{link: next, title: text, readers: len(list.live)}, err
}

// Collections returns the own collections, oldest first, each verified. The server can
// leave some out.
func (c *Client) Collections(ctx context.Context) ([]CollectionInfo, error) {
	if err := c.acting(); err != nil {
		return nil, err
	}
	heads, err := c.listOwn(ctx)
	if err != nil {
		return nil, err
	}
	out, err := c.describeHeads(ctx, heads)
	if err != nil {
		return nil, err
	}
	standard := oldestUntitled(heads, [16]byte{})
	for i := range heads {
		out[i].Default = heads[i].Collection.Collection == standard
	}
	return out, nil
}

// describeHeads is describeHead for each of heads.
func (c *Client) describeHeads(ctx context.Context, heads []ownHead) ([]CollectionInfo, error) {
	out := make([]CollectionInfo, 0, len(heads))
	for i := range heads {
		info, err := c.describeHead(ctx, &heads[i])
		if err != nil {
			return nil, err
		}
		out = append(out, *info)
	}
	return out, nil
}

// describeHead tells people what a verified newest record says.
func (c *Client) describeHead(ctx context.Context, h *ownHead) (*CollectionInfo, error) {
	info := &CollectionInfo{
		ID: api.FormatID(h.Collection.Collection), Title: h.name(), Epoch: h.Epoch, Sequence: h.Sequence,
		Suite: abi.SuiteName(h.Suite), Readers: h.readers, Deposit: depositText(h.Deposit), Closed: h.closed,
		RenewBy: instant(h.Extensions.RenewBy), Link: h.isLink(),
	}
	for _, author := range h.Authors {
		text, err := c.core.FormatID(ctx, abi.KindPerson, author)
		if err != nil {
			return nil, fmt.Errorf("author: %w", err)
		}
		info.Authors = append(info.Authors, text)
	}
	return info, nil
}

func depositText(policy uint8) string {
	switch policy {
	case abi.DepositListed:
		return DepositListed
	case abi.DepositOpen:
		return DepositOpen
	}
	return DepositClosed
}

// renewBy returns when the first of grants expires, 0 if none does.
func renewBy(grants []listed) (first uint64) {
	for _, g := range grants {
		first = earlier(first, g.Expires)
	}
	return first
}

// due reports why the next write into a collection has to open an epoch first: it was
// closed by a revocation, a grant to it has expired, or our own keys have changed.
func (c *Client) due(o *own) bool {
	head := o.head()
	by := head.Extensions.RenewBy
	return o.closed || head.OwnerVersion < c.me().Since || by != 0 && by <= uint64(c.clock().UnixMilli())
}

// writable reads an own collection into which something is to be written. The default
// one is opened if it does not exist yet, and an epoch that takes nothing any more is
// followed by the next one.
func (c *Client) writable(ctx context.Context, id [16]byte) (*own, error) {
	o, err := c.readOwn(ctx, id)
	if err != nil {
		return nil, err
	}
	if len(o.chain) == 0 {
		return o, c.begin(ctx, o)
	}
	if !c.due(o) {
		return o, nil
	}
	_, err = c.rotate(ctx, o, nil, nil)
	return o, err
}

// begin makes the first record of the own default collection, without readers.
func (c *Client) begin(ctx context.Context, o *own) error {
	first, err := c.nextLink(ctx, o, change{})
	if err != nil {
		return err
	}
	o.chain = append(o.chain, first)
	_, err = c.extend(ctx, first, nil, nil)
	return err
}

// until returns when something that lasts for d from now, or from a later start, ends.
func (c *Client) until(d time.Duration, start time.Time) uint64 {
	if d <= 0 {
		return 0
	}
	from := c.clock()
	if start.After(from) {
		from = start
	}
	return uint64(from.Add(d).UnixMilli())
}
