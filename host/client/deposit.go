package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/recrypt-service/recrypt/host/api"
)

// OpenCollections returns the collections of somebody else into which we may write, each
// verified: with the owner's present keys, and in the log. Their titles are not known to
// us. Those with the policy open take deposits of anybody, which wait until the owner has
// accepted the author.
func (c *Client) OpenCollections(ctx context.Context, owner string) ([]CollectionInfo, error) {
	if err := c.acting(); err != nil {
		return nil, err
	}
	p, err := c.lookUp(ctx, owner)
	if err != nil {
		return nil, err
	}
	heads, err := c.openTo(ctx, p)
	if err != nil {
		return nil, err
	}
	return c.describeHeads(ctx, heads)
}

// openTo fetches and verifies the newest records of the collections of owner into which
// we may write (list_open_collections).
func (c *Client) openTo(ctx context.Context, owner *person) ([]ownHead, error) {
	var answer api.Collections
	if err := c.call(ctx, http.MethodGet, strings.Replace(api.PathOpenTo, "{id}", owner.id, 1), nil, &answer); err != nil {
		return nil, fmt.Errorf("list collections of %s: %w", owner.id, err)
	}
	heads := make([]ownHead, 0, len(answer.Collections))
	for i := range answer.Collections {
		entry := &answer.Collections[i]
		l, err := c.openHead(ctx, owner, entry, answer.Checkpoint)
		if err != nil {
			return nil, err
		}
		if !l.MayDeposit(c.me().ID) {
			return nil, mismatch("collection record: it does not let us write")
		}
		heads = append(heads, ownHead{link: l, closed: entry.Closed})
	}
	return heads, nil
}

// target returns somebody else's collection into which is to be written: the one with an
// id, or the only one that lets us. Its chain is verified, and may not be older than
// what we have seen of it before.
func (c *Client) target(ctx context.Context, to, name string) (*person, link, error) {
	owner, err := c.lookUp(ctx, to)
	if err != nil {
		return nil, link{}, err
	}
	if err := c.freshLog(ctx); err != nil {
		return nil, link{}, err
	}
	id, err := c.chooseOf(ctx, owner, name)
	if err != nil {
		return nil, link{}, err
	}
	chain, closed, err := c.fetchChain(ctx, owner, id)
	if errors.Is(err, ErrNotFound) {
		return nil, link{}, &refusal{fmt.Errorf("%w: %s has no such collection that lets you write", ErrNotFound, to), err}
	}
	if err != nil {
		return nil, link{}, err
	}
	head := chain[len(chain)-1]
	switch {
	case !head.MayDeposit(c.me().ID):
		return nil, link{}, fmt.Errorf("%w: %s has no such collection that lets you write", ErrNotFound, to)
	case head.OwnerVersion < owner.Since:
		return nil, link{}, fmt.Errorf("%w: the keys of its owner have changed", ErrClosedEpoch)
	case closed:
		return nil, link{}, ErrClosedEpoch
	}
	if err := c.checkSharedState(ctx, head.Extensions.Checkpoint); err != nil {
		return nil, link{}, err
	}
	return owner, head, c.rememberEpoch(head.Collection)
}

// chooseOf finds which collection of owner is meant.
func (c *Client) chooseOf(ctx context.Context, owner *person, name string) ([16]byte, error) {
	if id, err := api.ParseID(name); err == nil {
		return id, nil
	}
	if name != "" {
		return [16]byte{}, errors.New("name somebody else's collection by its id")
	}
	heads, err := c.openTo(ctx, owner)
	switch {
	case err != nil:
		return [16]byte{}, err
	case len(heads) == 0:
		return [16]byte{}, fmt.Errorf("%w: %s has no collection that lets you write", ErrNotFound, owner.id)
	case len(heads) == 1:
		return heads[0].Collection.Collection, nil
	}
	var ids []string
	for i := range heads {
		ids = append(ids, api.FormatID(heads[i].Collection.Collection))
	}
	return [16]byte{}, fmt.Errorf("%s has several collections that let you write, name one by its id: %s", owner.id, strings.Join(ids, ", "))
}

// Deposits returns what others have deposited in the own collections without having been
// accepted, as the server says. Readers do not get it before. [Client.AcceptAuthor]
// accepts, and [Client.GetKey] and [Client.Decrypt] open it for ourselves, with Waiting
// set. [Client.RefuseAuthor] gets rid of them. Who deposited last comes first, at most 1000
// authors.
func (c *Client) Deposits(ctx context.Context) ([]DepositInfo, error) {
	if err := c.acting(); err != nil {
		return nil, err
	}
	var answer api.Deposits
	if err := c.call(ctx, http.MethodGet, api.PathDeposits, nil, &answer); err != nil {
		return nil, fmt.Errorf("list deposits: %w", err)
	}
	if len(answer.Waiting) == 0 {
		return nil, nil
	}
	heads, err := c.listOwn(ctx)
	if err != nil {
		return nil, err
	}
	var out []DepositInfo
	for _, w := range answer.Waiting {
		i := slices.IndexFunc(heads, func(h ownHead) bool { return api.FormatID(h.Collection.Collection) == w.Collection })
		if i < 0 {
			return nil, mismatch("deposits: one is in a collection that is not ours")
		}
		if _, err := c.parsePerson(ctx, w.Author); err != nil {
			return nil, mismatch("deposits: one does not say whose it is")
		}
		if len(w.Keys) == 0 || w.Count < len(w.Keys) {
			return nil, mismatch("deposits: they are not counted right")
		}
		for _, key := range w.Keys {
			if _, err := api.ParseID(key); err != nil {
				return nil, mismatch("deposits: one has no id")
			}
		}
		out = append(out, DepositInfo{Collection: w.Collection, Title: heads[i].name(), Author: w.Author, Keys: w.Keys, Count: w.Count})
	}
	return out, nil
}

// AcceptAuthor accepts an author in an own collection: what he has deposited there, and
// will as long as it is open, does not wait any more, and the readers get it. It returns
// how many deposits waited. Again has no effect. Only listed authors can be taken off
// again ([Client.ChangeCollection]).
func (c *Client) AcceptAuthor(ctx context.Context, collection, author string) (int, error) {
	var answer api.AcceptAuthorAnswer
	err := c.decide(ctx, api.PathAuthors, collection, author, api.AcceptAuthor{Author: author}, func() any {
		answer = api.AcceptAuthorAnswer{}
		return &answer
	})
	if err != nil {
		return 0, fmt.Errorf("accept author: %w", err)
	}
	if answer.Accepted < 0 {
		return 0, mismatch("accepted: less than none")
	}
	return answer.Accepted, nil
}

// RefuseAuthor lets the server delete what waits of an author in an own collection, and
// returns how many deposits that were; 0 may also mean that an attempt whose answer was lost
// has done it. As long as the collection is open he may deposit again.
func (c *Client) RefuseAuthor(ctx context.Context, collection, author string) (int, error) {
	var answer api.RefuseAuthorAnswer
	err := c.decide(ctx, api.PathRefusals, collection, author, api.RefuseAuthor{Author: author}, func() any {
		answer = api.RefuseAuthorAnswer{}
		return &answer
	})
	if err != nil {
		return 0, fmt.Errorf("refuse author: %w", err)
	}
	if answer.Refused < 0 {
		return 0, mismatch("refused: less than none")
	}
	return answer.Refused, nil
}

// decide tells the server what is to become of an author's deposits in an own collection.
// The answer is asked for anew before each attempt.
func (c *Client) decide(ctx context.Context, path, collection, author string, in any, answer func() any) error {
	if err := c.acting(); err != nil {
		return err
	}
	if _, err := c.parsePerson(ctx, author); err != nil {
		return err
	}
	id, err := c.find(ctx, collection)
	if err != nil {
		return err
	}
	path = strings.Replace(path, "{id}", api.FormatID(id), 1)
	_, err = c.insist(ctx, func(ctx context.Context) error { return c.call(ctx, http.MethodPost, path, in, answer()) })
	return err
}

// waitingFor is the words for a deposit that its author asks for.
func waitingFor(k *sharedKey) error {
	if k.answer.Waiting {
		return fmt.Errorf("%w (you wrote it; it waits for its owner to accept you)", ErrNoAccess)
	}
	return fmt.Errorf("%w (you wrote it, but only its owner and readers open it)", ErrNoAccess)
}
