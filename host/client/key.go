package client

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"

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
	record, err := c.core.NewKeyRecord(ctx, c.seed, d.author.record, d.collection.record, d.id, d.value, payload, abi.Extensions{})
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
	return k.info(key), nil
}

// info describes the key for the caller, whose key is from now on.
func (k *sharedKey) info(key []byte) *KeyInfo {
	return &KeyInfo{
		ID: api.FormatID(k.Key), Key: key, Author: k.author.id, Owner: k.owner.id,
		Collection: api.FormatID(k.Collection),
	}
}
