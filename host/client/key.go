package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// draft is a document key that is not deposited yet.
type draft struct {
	id         [16]byte
	author     *person // as which version of ourselves; the key depends on it
	key, value []byte
	collection link
}

// newDraft draws a document key for the own default collection.
func (c *Client) newDraft(ctx context.Context) (*draft, error) {
	head, err := c.head(ctx)
	if err != nil {
		return nil, err
	}
	d := &draft{author: c.me(), collection: head}
	rand.Read(d.id[:])
	d.key, d.value, err = c.core.NewKey(ctx, c.seed, d.author.record, head.record, d.id)
	if err != nil {
		return nil, fmt.Errorf("make document key: %w", err)
	}
	return d, nil
}

// deposit signs the key record and hands it with the value to the server
// (create_sym_key).
func (c *Client) deposit(ctx context.Context, d *draft, payload *abi.Payload) error {
	record, err := c.core.NewKeyRecord(ctx, c.seed, d.author.record, d.collection.record, d.id, d.value, payload)
	if err != nil {
		return fmt.Errorf("make key record: %w", err)
	}
	var answer api.CreateKeyAnswer
	if err := c.call(ctx, http.MethodPost, api.PathKeys, api.CreateKey{Record: record, Value: d.value}, &answer); err != nil {
		return err
	}
	if answer.ID != api.FormatID(d.id) {
		return mismatch("key: the server stored another one")
	}
	return nil
}

// CreateKey makes a document key that belongs to no file and deposits it in the
// own default collection, which is opened if it does not exist yet. The caller
// clears Key when done.
func (c *Client) CreateKey(ctx context.Context) (*KeyInfo, error) {
	var d *draft
	err := c.retry(ctx, func() (err error) {
		if d, err = c.newDraft(ctx); err != nil {
			return err
		}
		if err = c.deposit(ctx, d, nil); err != nil {
			clear(d.key)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("create key: %w", err)
	}
	return &KeyInfo{
		ID: api.FormatID(d.id), Key: d.key, Author: c.id, Owner: c.id,
		Collection: api.FormatID(c.home()),
	}, nil
}

// GetKey fetches and opens a document key (get_sym_key) once everything about
// it is verified: that it is the one asked for, who its author is, that the
// collection is not shown older than before, and, for a reader, the grant.
// ErrNoAccess if it does not exist or is not shared with us, which look the same;
// ErrAuthor if o.From names somebody else than the author. Whether the author may
// still write into the collection is not checked: what was deposited stays valid.
// The caller clears Key when done.
func (c *Client) GetKey(ctx context.Context, keyID string, o OpenOptions) (*KeyInfo, error) {
	id, err := api.ParseID(keyID)
	if err != nil {
		return nil, fmt.Errorf("key id: %w", err)
	}
	k, err := c.fetchKey(ctx, id, o.From)
	if err != nil {
		return nil, err
	}
	key, err := c.openKey(ctx, k)
	if err != nil {
		return nil, err
	}
	return &KeyInfo{
		ID: keyID, Key: key, Author: k.author.id, Owner: k.owner.id,
		Collection: api.FormatID(k.Collection),
	}, nil
}

// sharedKey is a verified key record with all that is needed to open it.
type sharedKey struct {
	*abi.KeyRecord
	author, owner *person
	collection    link
	answer        *api.Key
}

// askings is how often a key is asked for when its collection record or an identity
// is older than one remembered: what another call has learned in the meantime is newer
// than an honest answer that was on its way.
const askings = 5

// fetchKey asks for a document key and verifies everything but the value.
func (c *Client) fetchKey(ctx context.Context, id [16]byte, from string) (*sharedKey, error) {
	if err := c.acting(); err != nil {
		return nil, err
	}
	for i := 1; ; i++ {
		k, err := c.askKey(ctx, id, from)
		if !errors.Is(err, errOlder) && !errors.Is(err, ErrOldIdentity) || i == askings {
			return k, err
		}
		if err := pause(ctx, i); err != nil {
			return nil, err
		}
	}
}

// askKey is one attempt of fetchKey.
func (c *Client) askKey(ctx context.Context, id [16]byte, from string) (*sharedKey, error) {
	svc, err := c.server(ctx)
	if err != nil {
		return nil, err
	}
	answer := new(api.Key)
	err = c.call(ctx, http.MethodPost, strings.Replace(api.PathTransform, "{id}", api.FormatID(id), 1), nil, answer)
	if errors.Is(err, ErrNotFound) {
		return nil, &refusal{ErrNoAccess, err}
	}
	if err != nil {
		return nil, fmt.Errorf("fetch key: %w", err)
	}
	k, err := c.openAnswer(ctx, svc, answer)
	if err != nil {
		return nil, err
	}
	if k.Key != id || answer.ID != api.FormatID(id) {
		return nil, mismatch("key record: it is another key's")
	}
	if from != "" && k.author.id != from {
		return nil, fmt.Errorf("%w: this is by %s", ErrAuthor, k.author.id)
	}
	if err := c.checkAccess(ctx, svc, k); err != nil {
		return nil, err
	}
	for _, p := range []*person{k.author, k.owner} {
		if err := c.rememberVersion(svc, p); err != nil {
			return nil, err
		}
	}
	return k, c.rememberEpoch(k.collection.Collection)
}

// openAnswer verifies the records of an answer and that they belong together.
func (c *Client) openAnswer(ctx context.Context, svc *service, answer *api.Key) (k *sharedKey, err error) {
	k = &sharedKey{answer: answer}
	if k.author, err = c.openPerson(ctx, answer.Author); err != nil {
		return nil, err
	}
	if k.owner, err = c.openPerson(ctx, answer.Owner); err != nil {
		return nil, err
	}
	v, err := c.core.OpenCollection(ctx, answer.Owner, answer.Collection, nil)
	if err != nil {
		return nil, unverified("collection record", err)
	}
	k.collection = link{v, answer.Collection}
	original := answer.Value // the author's signature over it ends with level 0
	if answer.Level != 0 {
		original = nil
	}
	k.KeyRecord, err = c.core.OpenKeyRecord(ctx, answer.Author, answer.Collection, answer.Record, original)
	if err != nil {
		return nil, unverified("key record", err)
	}
	return k, c.checkParts(svc, k)
}

// checkParts compares every id that two of the records name.
func (c *Client) checkParts(svc *service, k *sharedKey) error {
	v := k.collection.Collection
	switch {
	case k.Author != k.author.ID:
		return mismatch("key record: its author is another identity")
	case k.Owner != k.owner.ID || v.Owner != k.owner.ID:
		return mismatch("key record: its owner is another identity")
	case k.Service != svc.ID || v.Service != svc.ID:
		return mismatch("key record: it is another server's")
	case k.KeyRecord.Collection != v.Collection || k.Epoch != v.Epoch || k.Suite != v.Suite:
		return mismatch("key record: it is another collection's")
	}
	return c.checkFork(v)
}

// errOlder says that a collection record is older than one seen of its epoch.
var errOlder = fmt.Errorf("%w: an older record of the document's collection than before", ErrRollback)

// rememberEpoch refuses a record of anybody's collection that is older than one
// seen of the same epoch, or another one with the same number, and remembers it.
func (c *Client) rememberEpoch(v *abi.Collection) error {
	sequence, hash, ok, err := c.state.EpochHead(v.Owner, v.Collection, v.Epoch)
	switch {
	case err != nil:
		return fmt.Errorf("read known collections: %w", err)
	case ok && v.Sequence < sequence:
		return errOlder
	case ok && v.Sequence == sequence && v.Hash != hash:
		return errFork
	case ok && v.Sequence == sequence:
		return nil
	}
	if err := c.state.SetEpochHead(v.Owner, v.Collection, v.Epoch, v.Sequence, v.Hash); err != nil {
		return fmt.Errorf("remember collection: %w", err)
	}
	return nil
}

var errFork = fmt.Errorf("%w: two records with the same number in one collection", ErrRollback)

// checkFork compares a collection record with the one remembered of the same
// sequence in the own chain.
func (c *Client) checkFork(v *abi.Collection) error {
	sequence, hash, ok, err := c.state.Head(v.Collection)
	if err != nil {
		return fmt.Errorf("read known collections: %w", err)
	}
	if ok && sequence == v.Sequence && hash != v.Hash {
		return errFork
	}
	return nil
}

// checkAccess verifies why we may open the key: as its owner at level 0, as the
// reader of a grant at level 1.
func (c *Client) checkAccess(ctx context.Context, svc *service, k *sharedKey) error {
	me := c.me()
	mine := k.Owner == me.ID
	switch {
	case k.answer.Level == 0 && mine:
		return nil
	case k.answer.Level == 0 && k.Author == me.ID:
		return fmt.Errorf("%w (you wrote it, but only its owner and readers open it)", ErrNoAccess)
	case k.answer.Level != 1 || mine:
		return mismatch("key: it is not transformed to us")
	}
	g, err := c.core.OpenGrant(ctx, k.owner.record, nil, me.record, k.answer.Grant, nil)
	if err != nil {
		return unverified("grant", err)
	}
	if g.Reader != me.ID || g.Owner != k.Owner || g.Collection != k.KeyRecord.Collection ||
		g.Epoch != k.Epoch || g.Suite != k.Suite || g.Service != svc.ID ||
		(len(g.Scope) > 0 && !slices.Contains(g.Scope, k.Key)) {
		return mismatch("grant: it does not cover this key")
	}
	return nil
}

// openKey returns the AES key, 32 bytes.
func (c *Client) openKey(ctx context.Context, k *sharedKey) ([]byte, error) {
	svc, err := c.server(ctx)
	if err != nil {
		return nil, err
	}
	key, err := c.core.OpenKey(ctx, c.seed, c.me().record, k.author.record, k.collection.record, svc.record, k.answer.Record, k.answer.Value)
	if err != nil {
		return nil, unverified("encrypted key", err)
	}
	return key, nil
}
