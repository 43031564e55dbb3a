package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// sharedKey is a verified key record with all that is needed to open it.
type sharedKey struct {
	*abi.KeyRecord
	author, owner *person
	collection    link
	granted       abi.Extensions // of the grant, if there is one
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
	return c.newVerifier(svc).verify(ctx, id, answer, from)
}

// checkAuthor refuses a key of anybody but from, if that is not empty.
func (k *sharedKey) checkAuthor(from string) error {
	if from != "" && k.author.id != from {
		return fmt.Errorf("%w: this is by %s", ErrAuthor, k.author.id)
	}
	return nil
}

// A verifier verifies the keys of one answer. Of the records that they share it
// verifies, and remembers, each once.
type verifier struct {
	*Client
	svc         *service
	persons     map[string]*person // by record
	collections map[[2]string]link // by the records of owner and collection
	grants      map[[2]string]*abi.Grant
	remembered  map[any]bool // *person and *abi.Collection
	compared    map[abi.LogState]bool
}

func (c *Client) newVerifier(svc *service) *verifier {
	return &verifier{
		c, svc, map[string]*person{}, map[[2]string]link{}, map[[2]string]*abi.Grant{}, map[any]bool{}, map[abi.LogState]bool{},
	}
}

// verify verifies everything but the value.
func (c *verifier) verify(ctx context.Context, id [16]byte, answer *api.Key, from string) (*sharedKey, error) {
	k, err := c.openAnswer(ctx, answer)
	if err != nil {
		return nil, err
	}
	if k.Key != id || answer.ID != api.FormatID(id) {
		return nil, ErrWrongDocument
	}
	if err := k.checkAuthor(from); err != nil {
		return nil, err
	}
	if err := c.checkAccess(ctx, k); err != nil {
		return nil, err
	}
	if err := c.checkDeposited(ctx, k); err != nil {
		return nil, err
	}
	for _, e := range []abi.Extensions{k.Extensions, k.collection.Extensions, k.granted} {
		if err := c.checkShared(ctx, e.Checkpoint); err != nil {
			return nil, err
		}
	}
	return k, c.remember(ctx, k)
}

// checkShared is checkSharedState, once for each state.
func (c *verifier) checkShared(ctx context.Context, s *abi.LogState) error {
	if s == nil || c.compared[*s] {
		return nil
	}
	err := c.checkSharedState(ctx, s)
	if err == nil {
		c.compared[*s] = true
	}
	return err
}

// remember remembers versions and epoch, and refuses what is older than before.
func (c *verifier) remember(ctx context.Context, k *sharedKey) error {
	for _, p := range []*person{k.author, k.owner} {
		if !c.remembered[p] {
			if err := c.checkShown(ctx, c.svc, p); err != nil {
				return err
			}
			c.remembered[p] = true
		}
	}
	v := k.collection.Collection
	if !c.remembered[v] {
		if err := c.rememberEpoch(v); err != nil {
			return err
		}
		c.remembered[v] = true
	}
	return nil
}

// person is openPerson, once for each record.
func (c *verifier) person(ctx context.Context, record []byte) (*person, error) {
	if p := c.persons[string(record)]; p != nil {
		return p, nil
	}
	p, err := c.openPerson(ctx, record)
	if err == nil {
		c.persons[string(record)] = p
	}
	return p, err
}

// collection verifies a collection record, once for each.
func (c *verifier) collection(ctx context.Context, owner, record []byte) (link, error) {
	name := [2]string{string(owner), string(record)}
	if l, ok := c.collections[name]; ok {
		return l, nil
	}
	v, err := c.core.OpenCollection(ctx, owner, record, nil)
	if err != nil {
		return link{}, unverified("collection record", err)
	}
	c.collections[name] = link{v, record}
	return c.collections[name], nil
}

// grant verifies a grant to us, once for each.
func (c *verifier) grant(ctx context.Context, owner, record []byte) (*abi.Grant, error) {
	name := [2]string{string(owner), string(record)}
	if g := c.grants[name]; g != nil {
		return g, nil
	}
	g, err := c.core.OpenGrant(ctx, owner, nil, c.me().record, record, nil)
	if err != nil {
		return nil, unverified("grant", err)
	}
	c.grants[name] = g
	return g, nil
}

// openAnswer verifies the records of an answer and that they belong together.
func (c *verifier) openAnswer(ctx context.Context, answer *api.Key) (k *sharedKey, err error) {
	k = &sharedKey{answer: answer}
	if k.author, err = c.person(ctx, answer.Author); err != nil {
		return nil, err
	}
	if k.owner, err = c.person(ctx, answer.Owner); err != nil {
		return nil, err
	}
	if k.collection, err = c.collection(ctx, answer.Owner, answer.Collection); err != nil {
		return nil, err
	}
	original := answer.Value // the author's signature over it ends with level 0
	if answer.Level != 0 {
		original = nil
	}
	k.KeyRecord, err = c.core.OpenKeyRecord(ctx, answer.Author, answer.Collection, answer.Record, original)
	if err != nil {
		return nil, unverified("key record", err)
	}
	return k, c.checkParts(c.svc, k)
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
var errOlder = fmt.Errorf("%w: an older record of the document's", ErrOldCollection)

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

var errFork = fmt.Errorf("%w: two records with the same number", ErrForkedChain)

// checkFork compares a collection record with the one remembered of the same
// sequence in its chain.
func (c *Client) checkFork(v *abi.Collection) error {
	sequence, hash, ok, err := c.state.Head(headName(c.me().ID, v.Owner, v.Collection))
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
func (c *verifier) checkAccess(ctx context.Context, k *sharedKey) error {
	me := c.me()
	mine := k.Owner == me.ID
	switch {
	case k.answer.Level == 0 && mine:
		return nil
	case k.answer.Level == 0 && k.Author == me.ID:
		return waitingFor(k)
	case k.answer.Level != 1 || mine:
		return mismatch("key: it is not transformed to us")
	}
	g, err := c.grant(ctx, k.owner.record, k.answer.Grant)
	if err != nil {
		return err
	}
	if g.Reader != me.ID || g.Owner != k.Owner || g.Collection != k.KeyRecord.Collection ||
		g.Epoch != k.Epoch || g.Suite != k.Suite || g.Service != c.svc.ID ||
		(len(g.Scope) > 0 && !slices.Contains(g.Scope, k.Key)) {
		return mismatch("grant: it does not cover this key")
	}
	k.granted = g.Extensions
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
