package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/translog"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// LookUp returns the newest version of an identity, and the records of all, verified
// against id, which is the hash of what the first certifies, and that the newest is in the
// server's log. ErrNotFound if the server does not know it, which proves nothing;
// ErrOldIdentity if it shows an older version than it has shown before, ErrForkedIdentity if
// another one; ErrNotLogged if it is not in the log. [Client.Changed] tells whether the
// keys have changed.
func (c *Client) LookUp(ctx context.Context, id string) (*abi.Identity, []byte, error) {
	p, err := c.lookUp(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	return p.Identity, p.record, nil
}

func (c *Client) lookUp(ctx context.Context, id string) (*person, error) {
	if _, err := c.parsePerson(ctx, id); err != nil {
		return nil, err
	}
	if _, err := c.server(ctx); err != nil {
		return nil, err
	}
	var answer api.Identity
	err := c.get(ctx, strings.Replace(api.PathIdentity, "{id}", id, 1), &answer)
	if errors.Is(err, ErrNotFound) {
		return nil, &refusal{fmt.Errorf("%w: the server knows no identity %s; has its owner published it there?", ErrNotFound, id), err}
	}
	if err != nil {
		return nil, fmt.Errorf("look up identity: %w", err)
	}
	return c.newest(ctx, &answer, id)
}

// parsePerson reads the text form of an identity's id.
func (c *Client) parsePerson(ctx context.Context, id string) ([32]byte, error) {
	kind, raw, err := c.core.ParseID(ctx, id)
	var verdict *abi.Error
	if errors.As(err, &verdict) {
		return raw, fmt.Errorf("not an id: %w", err)
	}
	if err != nil {
		return raw, err
	}
	if kind != abi.KindPerson {
		return raw, errors.New("not an identity's id (those start with rid1)")
	}
	return raw, nil
}

// newest verifies an answer with an identity, which must be id and in the log, and
// remembers it.
func (c *Client) newest(ctx context.Context, answer *api.Identity, id string) (*person, error) {
	svc, err := c.server(ctx)
	if err != nil {
		return nil, err
	}
	p, err := c.openNewest(ctx, svc, answer, id, "")
	if err != nil {
		return nil, err
	}
	return p, c.remember(ctx, svc, p)
}

// openNewest is newest without remembering anything.
func (c *Client) openNewest(ctx context.Context, svc *service, answer *api.Identity, id, checkpoint string) (*person, error) {
	p, err := c.openPerson(ctx, answer.Record)
	if err != nil {
		return nil, err
	}
	if p.id != id {
		return nil, fmt.Errorf("%w: not %s", ErrSwapped, id)
	}
	if answer.ID != id || answer.Version != p.Version {
		return nil, mismatch("identity record: it is not as announced")
	}
	if _, err := c.compare(ctx, svc, p); err != nil {
		return nil, err
	}
	leaf := translog.IdentityLeaf(p.ID, p.Version, p.record)
	if err := c.verifyLogged(ctx, leaf, answer.Logged, checkpoint); err != nil {
		return nil, fmt.Errorf("identity %s: %w", id, err)
	}
	return p, nil
}

// lookUpMany is lookUp for many identities at once. What became of each is in its err;
// whoever has one has nothing else but the id. Without an own identity they are looked up
// one by one.
func (c *Client) lookUpMany(ctx context.Context, ids []string) (map[string]*person, error) {
	found := map[string]*person{}
	ids = slices.Clone(ids)
	slices.Sort(ids)
	ids = slices.Compact(ids)
	if c.me() == nil || len(ids) == 1 {
		for _, id := range ids {
			p, err := c.lookUp(ctx, id)
			if err != nil && !ofOne(err) {
				return nil, err
			}
			if err != nil {
				p = &person{id: id, err: err}
			}
			found[id] = p
		}
		return found, nil
	}
	for part := range slices.Chunk(ids, api.MaxLookUps) {
		if err := c.lookUpPart(ctx, part, found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// ofOne reports whether an error is about one identity, not about the server or the way
// to it.
func ofOne(err error) bool {
	return isVerdict(err) && !errors.Is(err, ErrForked) && !errors.Is(err, ErrOldLog) && !errors.Is(err, ErrCheckpoint)
}

// lookUpPart looks up as many identities as fit into one request.
func (c *Client) lookUpPart(ctx context.Context, ids []string, found map[string]*person) error {
	svc, err := c.server(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if _, err := c.parsePerson(ctx, id); err != nil {
			return err
		}
	}
	var answer api.Identities
	if err := c.call(ctx, http.MethodPost, api.PathLookUp, api.LookUp{IDs: ids}, &answer); err != nil {
		return fmt.Errorf("look up identities: %w", err)
	}
	if len(answer.Identities) != len(ids) {
		return mismatch("identities: not one for each that was asked for")
	}
	persons := make([]*person, 0, len(ids))
	for i, id := range ids {
		p, err := c.openItem(ctx, svc, &answer.Identities[i], id, answer.Checkpoint)
		switch {
		case err == nil:
			persons = append(persons, p)
		case ofOne(err):
			p = &person{id: id, err: err}
		default:
			return err
		}
		found[id] = p
	}
	return c.remember(ctx, svc, persons...)
}

// openItem verifies one item of get_identities.
func (c *Client) openItem(ctx context.Context, svc *service, item *api.Identity, id, checkpoint string) (*person, error) {
	switch item.Code {
	case "":
		return c.openNewest(ctx, svc, item, id, checkpoint)
	case api.CodeNotFound:
		if item.ID == id {
			return nil, fmt.Errorf("%w: the server knows no identity %s; has its owner published it there?", ErrNotFound, id)
		}
	}
	return nil, mismatch("identities: the answer is in another order")
}

// openPerson verifies an identity with all versions.
func (c *Client) openPerson(ctx context.Context, record []byte) (*person, error) {
	v, err := c.core.OpenIdentity(ctx, record)
	if err != nil {
		return nil, unverified("identity record", err)
	}
	id, err := c.core.FormatID(ctx, abi.KindPerson, v.ID)
	if err != nil {
		return nil, unverified("identity record", err)
	}
	return &person{Identity: v, id: id, record: record}, nil
}
