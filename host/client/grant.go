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

// maxAhead bounds how far times of a grant may be ahead; the server refuses more.
const maxAhead = 100 * 365 * 24 * time.Hour

// Grant lets reader (an id, "rid1…") open every document of an own collection, those to
// come included; the default one is opened if it does not exist yet. o says
// which collection, and on which terms. A grant that the reader has already is replaced,
// so that this also changes its terms.
//
// Granting to oneself is refused with ErrSelf, to an
// identity that the server does not know with ErrNotFound, to one without a key
// of the collection's suite with ErrReaderSuite, and to one whose keys have changed with
// ErrKeyChanged until they are confirmed ([Client.Confirm]). When another device
// changes the collection at the same time it is read again and the grant made
// anew, three times at most; then ErrConflict.
//
// What is returned is the grant to the newest epoch of those granted.
func (c *Client) Grant(ctx context.Context, reader string, o GrantOptions) (*GrantInfo, error) {
	unlock, err := c.lockChain(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if o.All {
		return nil, errors.New("grant: a single collection is granted here")
	}
	p, err := c.grantee(ctx, reader, o)
	if err != nil {
		return nil, err
	}
	id, scope, err := c.granted(ctx, o)
	if err != nil {
		return nil, err
	}
	return c.grantIn(ctx, id, p, o, scope)
}

// GrantAll is [Client.Grant] for every own collection but those of links. The default one
// is opened if it does not exist yet. If one fails, the grants made before are returned
// with the error; doing it again is safe.
func (c *Client) GrantAll(ctx context.Context, reader string, o GrantOptions) ([]GrantInfo, error) {
	unlock, err := c.lockChain(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if o.Collection != "" || len(o.Documents) > 0 {
		return nil, errors.New("grant: either all collections, or one, or documents")
	}
	p, err := c.grantee(ctx, reader, o)
	if err != nil {
		return nil, err
	}
	home, err := c.defaultID(ctx)
	if err != nil {
		return nil, err
	}
	heads, err := c.listOwn(ctx)
	if err != nil {
		return nil, err
	}
	ids := [][16]byte{home}
	for i := range heads {
		if id := heads[i].Collection.Collection; id != home && !heads[i].isLink() {
			ids = append(ids, id)
		}
	}
	return c.grantEach(ctx, ids, p, o)
}

// grantEach grants whole collections, one after the other.
func (c *Client) grantEach(ctx context.Context, ids [][16]byte, p *person, o GrantOptions) (out []GrantInfo, err error) {
	progress := o.Progress
	o.Progress = nil
	for i, id := range ids {
		info, err := c.grantIn(ctx, id, p, o, nil)
		if err != nil {
			return out, fmt.Errorf("collection %s: %w", api.FormatID(id), err)
		}
		if out = append(out, *info); progress != nil {
			progress(i+1, len(ids))
		}
	}
	return out, nil
}

// grantee looks up to whom is to be granted, and refuses whom nothing may be granted to.
func (c *Client) grantee(ctx context.Context, reader string, o GrantOptions) (*person, error) {
	now := c.clock()
	switch {
	case reader == c.id:
		return nil, ErrSelf
	case o.Expires < 0 || o.Pending < 0:
		return nil, errors.New("a grant cannot expire in the past")
	case o.Expires > maxAhead || o.Pending > maxAhead || o.NotBefore.Sub(now) > maxAhead:
		return nil, errors.New("a grant begins and ends within 100 years")
	case o.Pending > 0 && o.Pending < time.Millisecond:
		return nil, errors.New("a waiting period has at least a millisecond")
	case o.Pending > 0 && len(o.Documents) > 0:
		return nil, errors.New("either single documents or a waiting period")
	}
	p, err := c.lookUp(ctx, reader)
	if err != nil {
		return nil, err
	}
	if err := c.checkKeys(ctx, p); err != nil {
		return nil, err
	}
	return p, c.freshLog(ctx)
}

// scope is which epochs a grant is for, and which documents of each, nil: all of the
// epoch. A scope that is nil itself has every epoch whole.
type scope map[uint32][][16]byte

func (s scope) has(epoch uint32) bool {
	_, ok := s[epoch]
	return ok || s == nil
}

// granted finds the collection that is to be granted, and the epochs of single documents.
func (c *Client) granted(ctx context.Context, o GrantOptions) (id [16]byte, s scope, err error) {
	if len(o.Documents) == 0 {
		id, err = c.find(ctx, o.Collection)
		return id, nil, err
	}
	if o.FromNow {
		return id, nil, errors.New("either single documents or the newest epoch")
	}
	records, err := c.keyRecords(ctx, o.Documents)
	if err != nil {
		return id, nil, err
	}
	s = scope{}
	for i, k := range records {
		if i > 0 && k.Collection != records[0].Collection {
			return id, nil, errors.New("the documents belong to several collections: grant those of one at a time")
		}
		s[k.Epoch] = append(s[k.Epoch], k.Key)
	}
	for _, keys := range s {
		slices.SortFunc(keys, func(a, b [16]byte) int { return slices.Compare(a[:], b[:]) })
	}
	id = records[0].Collection
	if o.Collection == "" {
		return id, s, nil
	}
	named, err := c.find(ctx, o.Collection)
	if err == nil && named != id {
		err = errors.New("the documents belong to another collection")
	}
	return id, s, err
}

// keyRecords returns the verified records of own documents.
func (c *Client) keyRecords(ctx context.Context, keyIDs []string) ([]*abi.KeyRecord, error) {
	var ids [][16]byte
	for _, text := range keyIDs {
		id, err := api.ParseID(text)
		if err != nil {
			return nil, fmt.Errorf("key id: %w", err)
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	var out []*abi.KeyRecord
	for _, id := range ids {
		k, err := c.fetchKey(ctx, id, "")
		if err != nil {
			return nil, fmt.Errorf("document %s: %w", api.FormatID(id), err)
		}
		if k.Owner != c.me().ID {
			return nil, fmt.Errorf("document %s is not yours to share", api.FormatID(id))
		}
		out = append(out, k.KeyRecord)
	}
	return out, nil
}

// grantIn is Grant for one collection, with retries.
func (c *Client) grantIn(ctx context.Context, id [16]byte, p *person, o GrantOptions, s scope) (info *GrantInfo, err error) {
	fields := abi.GrantFields{Kind: abi.GrantDirect}
	if !o.NotBefore.IsZero() && o.NotBefore.After(c.clock()) {
		fields.NotBefore = uint64(o.NotBefore.UnixMilli())
	}
	fields.Expires = c.until(o.Expires, o.NotBefore)
	if o.Pending > 0 {
		fields.Kind, fields.Wait = abi.GrantPending, uint64(o.Pending.Milliseconds())
	}
	err = c.retry(ctx, func() error {
		w, err := c.writable(ctx, id)
		if err != nil {
			return err
		}
		info, err = c.grant(ctx, w, p, fields, s, o)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("grant: %w", err)
	}
	return info, nil
}

// grant is one attempt of a grant.
func (c *Client) grant(ctx context.Context, w *own, p *person, fields abi.GrantFields, s scope, o GrantOptions) (*GrantInfo, error) {
	list, err := c.readReaders(ctx, w)
	if err != nil {
		return nil, err
	}
	if s != nil && slices.ContainsFunc(list.live, func(l listed) bool { return l.Reader == p.ID && len(l.Scope) == 0 }) {
		return nil, errors.New("the reader has the whole collection already; revoke that first")
	}
	if o.FromNow {
		s = scope{w.head().Epoch: nil}
	}
	return c.admit(ctx, w, list, p, fields, s, o.Progress)
}

// admit makes the next record and the grants to every epoch that the reader is to see, and
// stores them.
func (c *Client) admit(ctx context.Context, w *own, list *readers, p *person, fields abi.GrantFields, s scope, progress func(done, all int)) (*GrantInfo, error) {
	head := w.head()
	if !p.has(head.Suite) {
		return nil, fmt.Errorf("%w (%s)", ErrReaderSuite, abi.SuiteName(head.Suite))
	}
	ch := change{readers: refs(list.live), renewBy: renewBy(list.live)}
	if s.has(head.Epoch) {
		others := without(list.live, p.ID)
		ch.readers = append(refs(others), abi.ReaderRef{ID: p.ID, Version: p.Version})
		ch.renewBy = earlier(renewBy(others), fields.Expires)
	}
	next, err := c.nextLink(ctx, w, ch)
	if err != nil {
		return nil, err
	}
	epochs := slices.DeleteFunc(newestOfEpochs(w.chain, next), func(l link) bool { return !s.has(l.Epoch) })
	if len(epochs) > api.MaxGrants {
		return nil, fmt.Errorf("the collection has more than %d epochs", api.MaxGrants)
	}
	made, ids, info, err := c.grantEpochs(ctx, epochs, p, fields, s, progress)
	defer wipe(made)
	if err != nil {
		return nil, err
	}
	title, err := c.openTitle(ctx, head)
	if err != nil {
		return nil, err
	}
	info.Title = (&ownHead{title: title}).name()
	_, err = c.extend(ctx, next, made, ids)
	return info, err
}

// earlier returns the earlier of two times, of which 0 is never.
func earlier(a, b uint64) uint64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// grantEpochs makes a reader's grants to epochs, oldest first. Epochs whose own key is
// lost, with a seed that was not kept, are left out and counted. The caller wipes what was
// made, whatever comes back.
func (c *Client) grantEpochs(ctx context.Context, epochs []link, p *person, fields abi.GrantFields, s scope, progress func(done, all int)) (made []api.Grant, ids []string, info *GrantInfo, err error) {
	lost := 0
	for i, epoch := range epochs {
		rand.Read(fields.Grant[:])
		fields.Scope = s[epoch.Epoch]
		more, id, err := c.makeGrants(ctx, epoch, []award{{p, fields}}, nil)
		made = append(made, more...)
		if errors.Is(err, abi.ErrMismatch) && epoch.OwnerVersion < c.me().Since {
			lost++
			made = made[:len(made)-len(more)]
			continue
		}
		if err != nil {
			return made, nil, nil, err
		}
		if ids = append(ids, id...); progress != nil {
			progress(i+1, len(epochs))
		}
		g := &abi.Grant{GrantFields: fields, Collection: epoch.Collection.Collection, Epoch: epoch.Epoch}
		described := describeGrant(g, c.id, p.id)
		info = &described
	}
	if info == nil {
		return made, nil, nil, errors.New("the seed with which these documents were written is lost")
	}
	info.Lost = lost
	return made, ids, info, nil
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
		if following.Epoch != l.Epoch && !l.isStranded() {
			out = append(out, l)
		}
	}
	return append(out, next)
}
