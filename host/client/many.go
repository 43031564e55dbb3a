package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// OpenedKeys are the document keys that [Client.OpenMany] has fetched: verified, and
// opened. It is safe for concurrent use until it is closed.
type OpenedKeys struct {
	c    *Client
	keys map[[16]byte]*openedKey
}

// An openedKey is one of them, or why it is not.
type openedKey struct {
	*sharedKey
	key []byte
	err error
}

// OpenMany fetches and opens the document keys of a folder with one request for
// every thousand of them (get_sym_keys), where [Client.GetKey] and [Client.Decrypt] take
// one each. Everything is verified as they do it; records that keys share are verified
// once. An id may be given more than once.
//
// An error is one with all of them. What is wrong with a single key, most often
// ErrNoAccess, is what Get and Decrypt of the result then say, and does not touch the
// others. The caller closes the result when done.
func (c *Client) OpenMany(ctx context.Context, keyIDs []string) (*OpenedKeys, error) {
	documents := make([]DocumentHeader, len(keyIDs))
	for i, id := range keyIDs {
		documents[i].Key = id
	}
	return c.OpenDocuments(ctx, documents)
}

// OpenDocuments is [Client.OpenMany] for documents of which the headers are known
// ([Peek]). It asks for each collection by itself: so the server can keep the signed
// request in the ledger of the collection's owner, and tells him nothing about the others. A
// request names 250 keys then: the ledger keeps no longer ones whole.
func (c *Client) OpenDocuments(ctx context.Context, documents []DocumentHeader) (*OpenedKeys, error) {
	if err := c.acting(); err != nil {
		return nil, err
	}
	o := &OpenedKeys{c: c, keys: make(map[[16]byte]*openedKey, len(documents))}
	groups := map[string][][16]byte{}
	for _, d := range documents {
		id, err := api.ParseID(d.Key)
		if err != nil {
			return nil, fmt.Errorf("key id: %w", err)
		}
		if o.keys[id] == nil {
			o.keys[id] = &openedKey{err: ErrNotFound} // until it is answered
			groups[d.Collection] = append(groups[d.Collection], id)
		}
	}
	for _, collection := range slices.Sorted(maps.Keys(groups)) {
		most := inEvidence
		if collection == "" {
			most = api.MaxKeys
		}
		if err := o.fetchAll(ctx, groups[collection], most); err != nil {
			o.Close()
			return nil, err
		}
	}
	return o, nil
}

// fetchAll is fetch until no record is older than one remembered.
func (o *OpenedKeys) fetchAll(ctx context.Context, ids [][16]byte, most int) error {
	for i := 1; len(ids) > 0; i++ {
		older, err := o.fetch(ctx, ids, most)
		if err != nil || i == askings {
			return err
		}
		if ids = older; len(ids) > 0 {
			if err := pause(ctx, i); err != nil {
				return err
			}
		}
	}
	return nil
}

// inEvidence is how many keys a request may name that is to be kept whole in a ledger.
const inEvidence = 250

// fetch asks for keys, most at a time, as many times as that takes, and returns those of which a
// record was older than one remembered: see [askings].
func (o *OpenedKeys) fetch(ctx context.Context, ids [][16]byte, most int) (older [][16]byte, err error) {
	for len(ids) > 0 {
		asked := ids[:min(len(ids), most)]
		answered, err := o.c.askKeys(ctx, asked)
		if err != nil {
			return nil, err
		}
		var left [][16]byte // the answer had no room for them
		for i, k := range answered {
			var e *Error
			if errors.As(k.err, &e) && e.Code == api.CodeTooLarge {
				left = append(left, asked[i])
			} else if errors.Is(k.err, errOlder) || errors.Is(k.err, ErrOldIdentity) {
				older = append(older, asked[i])
			}
			o.keys[asked[i]] = k
		}
		if ids = ids[len(asked):]; len(left) < len(asked) {
			ids = slices.Concat(left, ids)
		}
	}
	return older, nil
}

// askKeys is one request for at most api.MaxKeys keys. Its result is parallel to ids.
func (c *Client) askKeys(ctx context.Context, ids [][16]byte) ([]*openedKey, error) {
	svc, err := c.server(ctx)
	if err != nil {
		return nil, err
	}
	var in api.GetKeys
	for _, id := range ids {
		in.Keys = append(in.Keys, api.FormatID(id))
	}
	var answer api.Keys
	if err := c.call(ctx, http.MethodPost, api.PathTransforms, in, &answer); err != nil {
		return nil, fmt.Errorf("fetch keys: %w", err)
	}
	if !slices.EqualFunc(answer.Keys, in.Keys, func(k api.KeyItem, id string) bool { return k.ID == id }) {
		return nil, mismatch("keys: they are not those that were asked for, in their order")
	}
	v := c.newVerifier(svc)
	keys := make([]*openedKey, len(ids))
	for i := range answer.Keys {
		k, err := v.item(ctx, ids[i], &answer, &answer.Keys[i])
		keys[i] = &openedKey{sharedKey: k, err: err}
	}
	c.openKeys(ctx, svc, keys)
	if err := ctx.Err(); err != nil { // what it has cut off is not the server's fault
		for _, k := range keys {
			clear(k.key)
		}
		return nil, err
	}
	return keys, nil
}

// item verifies one key of an answer.
func (c *verifier) item(ctx context.Context, id [16]byte, answer *api.Keys, item *api.KeyItem) (*sharedKey, error) {
	if item.Code != "" {
		if !isCode(item.Code) {
			return nil, fmt.Errorf("%w: %s", ErrAnswer, c.base)
		}
		err := &Error{Code: item.Code}
		if errors.Is(err, ErrNotFound) {
			return nil, &refusal{ErrNoAccess, err}
		}
		return nil, fmt.Errorf("fetch key: %w", err)
	}
	k := &api.Key{
		ID: item.ID, Level: item.Level, Value: item.Value, Record: item.Record,
		Waiting: item.Waiting, Deposited: item.Deposited,
	}
	for _, part := range []struct {
		number int
		record *api.Bytes
	}{{item.Collection, &k.Collection}, {item.Author, &k.Author}, {item.Owner, &k.Owner}, {item.Grant, &k.Grant}} {
		if part.number < 0 || part.number > len(answer.Records) {
			return nil, mismatch("key: it refers to a record that was not sent")
		}
		if part.number > 0 {
			*part.record = answer.Records[part.number-1]
		}
	}
	return c.verify(ctx, id, k, "")
}

// inOneCall is how many keys one call of the core opens: enough to share what can be
// shared, and few enough that between calls the client looks whether to go on.
const inOneCall = 16

// openKeys opens the values of verified keys, many by one call of the core.
func (c *Client) openKeys(ctx context.Context, svc *service, keys []*openedKey) {
	var good []*openedKey
	for _, k := range keys {
		if k.err == nil {
			good = append(good, k)
		}
	}
	for batch := range slices.Chunk(good, inOneCall) {
		if ctx.Err() != nil {
			return
		}
		c.openBatch(ctx, svc, batch)
	}
}

// openBatch is one call of the core.
func (c *Client) openBatch(ctx context.Context, svc *service, batch []*openedKey) {
	items := make([]abi.KeyItem, len(batch))
	for i, k := range batch {
		items[i] = abi.KeyItem{Author: k.author.record, Collection: k.collection.record, Record: k.answer.Record, Value: k.answer.Value}
	}
	outcomes, err := c.core.OpenKeys(ctx, c.seed, c.me().record, svc.record, items)
	for i, k := range batch {
		failed := err
		if failed == nil {
			k.key, failed = outcomes[i].Value, outcomes[i].Err
		}
		if failed != nil {
			k.err = unverified("encrypted key", failed)
		}
	}
}

// errNotAsked is the error for a key that was not given to OpenMany.
var errNotAsked = errors.New("the key was not asked for")

// Get returns one of the keys. Its errors are those of [Client.GetKey]. The caller
// clears Key when done.
func (o *OpenedKeys) Get(keyID string, options OpenOptions) (*KeyInfo, error) {
	id, err := api.ParseID(keyID)
	if err != nil {
		return nil, fmt.Errorf("key id: %w", err)
	}
	k, err := o.take(id, options.From)
	if err != nil {
		return nil, err
	}
	return k.info(bytes.Clone(k.key)), nil
}

// take returns a key that was opened.
func (o *OpenedKeys) take(id [16]byte, from string) (*openedKey, error) {
	k := o.keys[id]
	switch {
	case k == nil:
		return nil, errNotAsked
	case k.err != nil:
		return nil, k.err
	}
	return k, k.checkAuthor(from)
}

// Decrypt is [Client.Decrypt] without a request to the server. A document whose key
// was not asked for is an error.
func (o *OpenedKeys) Decrypt(ctx context.Context, dst io.Writer, src io.Reader, options DecryptOptions) (*DocumentInfo, error) {
	return o.c.decrypt(ctx, dst, src, options, func(id [16]byte) (*sharedKey, []byte, error) {
		k, err := o.take(id, options.From)
		if err != nil {
			return nil, nil, err
		}
		return k.sharedKey, bytes.Clone(k.key), nil
	})
}

// Close clears the keys; from then on there are none. No call may be running.
// Closing again has no effect.
func (o *OpenedKeys) Close() {
	for _, k := range o.keys {
		clear(k.key)
	}
	clear(o.keys)
}
