package client

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// draft is a document key that is not deposited yet.
type draft struct {
	id            [16]byte
	author, owner *person // the author as which version of ourselves; the key depends on it
	key, value    []byte
	collection    link
}

// newDraft draws a document key for an own collection, or one of somebody else.
func (c *Client) newDraft(ctx context.Context, o KeyOptions) (*draft, error) {
	d := &draft{author: c.me()}
	var err error
	if o.To == "" || o.To == c.id {
		d.owner = d.author
		d.collection, err = c.ownHead(ctx, o.Collection)
	} else {
		d.owner, d.collection, err = c.target(ctx, o.To, o.Collection)
	}
	if err != nil {
		return nil, err
	}
	d.author = c.me() // what was asked may have found a newer version
	rand.Read(d.id[:])
	d.key, d.value, err = c.core.NewKey(ctx, c.seed, d.author.record, d.collection.record, d.id)
	if err != nil {
		return nil, fmt.Errorf("make document key: %w", err)
	}
	return d, nil
}

// ownHead returns the newest record of an own collection, into which may be written.
func (c *Client) ownHead(ctx context.Context, name string) (link, error) {
	unlock, err := c.lockChain(ctx)
	if err != nil {
		return link{}, err
	}
	defer unlock()
	id, err := c.find(ctx, name)
	if err != nil {
		return link{}, err
	}
	var w *own
	err = c.retry(ctx, func() error {
		w, err = c.writable(ctx, id)
		return err
	})
	if err != nil {
		return link{}, err
	}
	return w.head(), nil
}

// deposit signs the key record and hands it with the value to the server
// (create_sym_key). It reports whether the deposit waits for the owner's acceptance.
func (c *Client) deposit(ctx context.Context, d *draft, payload *abi.Payload) (waiting bool, err error) {
	seen := abi.Extensions{Checkpoint: c.seenCheckpoint(ctx)}
	record, err := c.core.NewKeyRecord(ctx, c.seed, d.author.record, d.collection.record, d.id, d.value, payload, seen)
	if err != nil {
		return false, fmt.Errorf("make key record: %w", err)
	}
	var answer api.CreateKeyAnswer
	_, err = c.insist(ctx, func(ctx context.Context) error {
		answer = api.CreateKeyAnswer{}
		return c.call(ctx, http.MethodPost, api.PathKeys, api.CreateKey{Record: record, Value: d.value}, &answer)
	})
	if err != nil {
		return false, err
	}
	if answer.ID != api.FormatID(d.id) {
		return false, mismatch("key: the server stored another one")
	}
	if d.owner.ID == d.author.ID || d.collection.Deposit != abi.DepositOpen {
		return false, nil
	}
	return c.isWaiting(ctx, d.id), nil
}

// isWaiting asks whether the owner has yet to accept us. That it cannot be found out
// changes nothing about the deposit.
func (c *Client) isWaiting(ctx context.Context, id [16]byte) bool {
	var answer api.Key
	err := c.call(ctx, http.MethodPost, strings.Replace(api.PathTransform, "{id}", api.FormatID(id), 1), nil, &answer)
	return err == nil && answer.Waiting
}

// CreateKey makes a document key that belongs to no file and deposits it in the
// own default collection, which is opened if it does not exist yet. The caller
// clears Key when done.
func (c *Client) CreateKey(ctx context.Context) (*KeyInfo, error) {
	return c.DepositKey(ctx, KeyOptions{})
}

// DepositKey is [Client.CreateKey] for any collection into which we may write, see
// [Client.Encrypt].
func (c *Client) DepositKey(ctx context.Context, o KeyOptions) (*KeyInfo, error) {
	if err := c.acting(); err != nil {
		return nil, err
	}
	var d *draft
	var waiting bool
	err := c.retry(ctx, func() (err error) {
		if d, err = c.newDraft(ctx, o); err != nil {
			return err
		}
		if waiting, err = c.deposit(ctx, d, nil); err != nil {
			clear(d.key)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("create key: %w", err)
	}
	return &KeyInfo{
		ID: api.FormatID(d.id), Key: d.key, Author: c.id, Owner: d.owner.id,
		Collection: api.FormatID(d.collection.Collection.Collection), Waiting: waiting,
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
	return k.info(key), nil
}

// info describes the key for the caller, whose key is from now on.
func (k *sharedKey) info(key []byte) *KeyInfo {
	return &KeyInfo{
		ID: api.FormatID(k.Key), Key: key, Author: k.author.id, Owner: k.owner.id,
		Collection: api.FormatID(k.Collection), Waiting: k.answer.Waiting,
	}
}
