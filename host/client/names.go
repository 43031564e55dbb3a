package client

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/translog"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// DefaultName names the default collection, which every identity has on every server.
const DefaultName = "default"

const (
	maxTitle = 200 // bytes

	// linkMark is in front of the titles of links' collections, where no title that
	// somebody chose can have it.
	linkMark = "\x01"
)

// ownHead is the newest record of an own collection with its title.
type ownHead struct {
	link
	title   string // as it was sealed; "" if it cannot be opened
	readers int
	closed  bool
}

// isLink reports whether the collection was made for a link.
func (h *ownHead) isLink() bool { return strings.HasPrefix(h.title, linkMark) }

// name returns the title for people.
func (h *ownHead) name() string { return strings.TrimPrefix(h.title, linkMark) }

// isNamed reports whether a user means the collection by a title, in whatever Unicode form.
func (h *ownHead) isNamed(title string) bool {
	return norm.NFC.String(h.name()) == norm.NFC.String(title)
}

// headName returns the name under which the newest record of a collection is
// remembered. Ids of collections are no secret, and anybody can take them for his own:
// those of others are remembered under a name that their owner is part of.
func headName(me, owner [32]byte, id [16]byte) [16]byte {
	if owner == me {
		return id
	}
	hash := sha256.Sum256(slices.Concat([]byte("recrypt collection of another"), owner[:], id[:]))
	return [16]byte(hash[:])
}

// listOwn fetches and verifies the newest records of the own collections, oldest
// collection first (list_collections). The server can leave some out.
func (c *Client) listOwn(ctx context.Context) ([]ownHead, error) {
	var heads []ownHead
	err := c.eachPage(api.PathCollectionsAfter, func(path string) (string, int, error) {
		var page api.CollectionPage
		if err := c.call(ctx, http.MethodGet, path, nil, &page); err != nil {
			return "", 0, fmt.Errorf("list collections: %w", err)
		}
		some, err := c.openOwn(ctx, &page)
		if heads = append(heads, some...); len(heads) > api.MaxCollections {
			return "", 0, fmt.Errorf("%w: %s lists more collections than anybody may have", ErrAnswer, c.base)
		}
		return page.Next, len(page.Collections), err
	})
	if err != nil {
		return nil, err
	}
	return heads, nil
}

// openOwn verifies a page of own collections.
func (c *Client) openOwn(ctx context.Context, answer *api.CollectionPage) ([]ownHead, error) {
	me := c.me()
	heads := make([]ownHead, 0, len(answer.Collections))
	for i := range answer.Collections {
		entry := &answer.Collections[i]
		l, err := c.openHead(ctx, me, entry, answer.Checkpoint)
		if errors.Is(err, ErrVerification) && me.Since > 1 { // by an overridden version?
			if l, err = c.strandedHead(ctx, entry); errors.Is(err, errBegun) {
				continue // all of it is the thief's
			}
		}
		if err != nil {
			return nil, err
		}
		h := ownHead{link: l, readers: entry.Readers, closed: entry.Closed}
		if h.title, err = c.openTitle(ctx, l); err != nil {
			return nil, err
		}
		heads = append(heads, h)
	}
	return heads, nil
}

// strandedHead returns the newest record of an own collection whose newest record is by a
// version that was overridden, with the title from before.
func (c *Client) strandedHead(ctx context.Context, entry *api.CollectionHead) (link, error) {
	id, err := api.ParseID(entry.ID)
	if err != nil {
		return link{}, mismatch("collection: it has no id")
	}
	o, err := c.readChain(ctx, id)
	if err == nil && len(o.chain) == 0 {
		err = mismatch("collection: it is not there")
	}
	if err != nil {
		return link{}, err
	}
	return o.head(), nil
}

// openHead verifies the newest record of a collection of owner: its signature, that it
// is in the log, and that it is not older than one seen before.
func (c *Client) openHead(ctx context.Context, owner *person, entry *api.CollectionHead, checkpoint string) (link, error) {
	svc, err := c.server(ctx)
	if err != nil {
		return link{}, err
	}
	v, err := c.core.OpenCollection(ctx, owner.record, entry.Record, nil)
	if err != nil {
		return link{}, unverified("collection record", err)
	}
	if v.Owner != owner.ID || v.Service != svc.ID || api.FormatID(v.Collection) != entry.ID {
		return link{}, mismatch("collection record: it belongs elsewhere")
	}
	if err := c.verifyLogged(ctx, translog.CollectionLeaf(v.Collection, v.Sequence, entry.Record), entry.Logged, checkpoint); err != nil {
		return link{}, fmt.Errorf("collection: %w", err)
	}
	sequence, hash, ok, err := c.state.Head(headName(c.me().ID, v.Owner, v.Collection))
	switch {
	case err != nil:
		return link{}, fmt.Errorf("read known collections: %w", err)
	case ok && v.Sequence < sequence:
		return link{}, fmt.Errorf("%w: %s is at record %d, after record %d", ErrOldCollection, entry.ID, v.Sequence, sequence)
	case ok && v.Sequence == sequence && v.Hash != hash:
		return link{}, errFork
	}
	return link{v, entry.Record}, nil
}

// openTitle returns the title of an own collection, "" if it has none or was sealed with
// a seed that is lost.
func (c *Client) openTitle(ctx context.Context, l link) (string, error) {
	if len(l.Title) == 0 {
		return "", nil
	}
	text, err := c.core.OpenTitle(ctx, c.seed, c.me().record, l.record)
	var verdict *abi.Error
	if errors.As(err, &verdict) && verdict.Status != abi.StatusInternal && verdict.Status != abi.StatusStopped {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("open title: %w", err)
	}
	return text, nil
}

// sealTitle encrypts a title for the record of an own collection.
func (c *Client) sealTitle(ctx context.Context, id [16]byte, title string) ([]byte, error) {
	svc, err := c.server(ctx)
	if err != nil {
		return nil, err
	}
	sealed, err := c.core.SealTitle(ctx, c.seed, svc.ID, id, title)
	if err != nil {
		return nil, fmt.Errorf("seal title: %w", err)
	}
	return sealed, nil
}

// newTitle returns a title in the form in which it is sealed (NFC: the same text typed on
// another machine may be other bytes), and refuses what cannot name a collection.
func newTitle(title string) (string, error) {
	title = norm.NFC.String(title)
	return title, checkTitle(title)
}

// checkTitle refuses what cannot name a collection.
func checkTitle(title string) error {
	_, err := api.ParseID(title)
	switch {
	case title == "" || title == DefaultName || err == nil:
		return errors.New("a title is neither empty, nor \"default\", nor an id")
	case len(title) > maxTitle:
		return fmt.Errorf("a title has at most %d bytes", maxTitle)
	case !utf8.ValidString(title) || strings.ContainsFunc(title, func(r rune) bool { return !unicode.IsPrint(r) }) || strings.TrimSpace(title) != title:
		return errors.New("a title consists of printable characters and does not begin or end with a space")
	}
	return nil
}

// find returns the id of the own collection that a user means: "" or "default", a title, or
// an id. Only a title must be one of those that exist.
func (c *Client) find(ctx context.Context, name string) ([16]byte, error) {
	if name == "" || name == DefaultName {
		return c.defaultID(ctx)
	}
	if id, err := api.ParseID(name); err == nil {
		return id, nil
	}
	heads, err := c.listOwn(ctx)
	if err != nil {
		return [16]byte{}, err
	}
	var ids []string
	var found [16]byte
	for i := range heads {
		if heads[i].isNamed(name) && heads[i].title != "" {
			found = heads[i].Collection.Collection
			ids = append(ids, api.FormatID(found))
		}
	}
	switch len(ids) {
	case 0:
		return found, fmt.Errorf("%w: you have no collection with this title", ErrNotFound)
	case 1:
		return found, nil
	}
	return found, fmt.Errorf("several collections have this title, name one by its id: %s", strings.Join(ids, ", "))
}

// defaultID returns the id of the own default collection. It follows from the seed with
// which the identity began. If that is lost, it is the oldest collection without a title.
func (c *Client) defaultID(ctx context.Context) ([16]byte, error) {
	svc, err := c.server(ctx)
	if err != nil {
		return [16]byte{}, err
	}
	id, err := c.core.OwnDefaultCollection(ctx, c.seed, c.me().record, svc.ID)
	if err == nil || !errors.Is(err, abi.ErrMismatch) {
		return id, err
	}
	if id, err = c.core.DefaultCollection(ctx, c.seed, svc.ID); err != nil {
		return id, fmt.Errorf("own seed: %w", err)
	}
	heads, err := c.listOwn(ctx)
	if err != nil {
		return id, err
	}
	return oldestUntitled(heads, id), nil
}

// oldestUntitled returns the oldest collection without a title, or id if all have one.
func oldestUntitled(heads []ownHead, id [16]byte) [16]byte {
	for i := range heads {
		if len(heads[i].Title) == 0 {
			return heads[i].Collection.Collection
		}
	}
	return id
}

// readOwn is readChain for a collection that exists, or is the default one.
func (c *Client) readOwn(ctx context.Context, id [16]byte) (*own, error) {
	o, err := c.readChain(ctx, id)
	if err != nil {
		return nil, err
	}
	home := false
	if len(o.chain) == 0 || len(o.head().Title) == 0 {
		standard, err := c.defaultID(ctx)
		if err != nil {
			return nil, err
		}
		home = standard == id
	}
	if len(o.chain) == 0 && !home {
		return nil, fmt.Errorf("%w: you have no collection %s", ErrNotFound, api.FormatID(id))
	}
	if home && len(o.chain) > 0 && c.suite != 0 && c.suite != o.head().Suite {
		return nil, fmt.Errorf("%w: yours has %s", ErrSuite, abi.SuiteName(o.head().Suite))
	}
	return o, nil
}
