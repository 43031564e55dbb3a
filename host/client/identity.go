package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// A person is a verified identity with its record.
type person struct {
	*abi.Identity
	id     string
	record []byte
}

// Publish makes the own identity known to the server (create_identity).
// Publishing again has no effect.
func (c *Client) Publish(ctx context.Context) error {
	if err := c.acting(); err != nil {
		return err
	}
	if _, err := c.server(ctx); err != nil {
		return err
	}
	var answer api.Identity
	if err := c.call(ctx, http.MethodPost, api.PathIdentities, api.CreateIdentity{Record: c.record}, &answer); err != nil {
		return fmt.Errorf("publish identity: %w", err)
	}
	p, err := c.newest(ctx, &answer, c.id)
	if err != nil {
		return fmt.Errorf("publish identity: %w", err)
	}
	if !bytes.Equal(p.record, c.record) {
		return mismatch("published identity: the server kept another record")
	}
	return nil
}

// LookUp returns the newest version of an identity and its record, verified
// against id, which is the hash of what it certifies. ErrNotFound if the server
// does not know it; ErrRollback if it shows an older version than before.
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

// newest verifies an answer with all versions of id and returns the last one.
func (c *Client) newest(ctx context.Context, answer *api.Identity, id string) (*person, error) {
	var p *person
	for i, record := range answer.Records {
		next, err := c.openPerson(ctx, record)
		if err != nil {
			return nil, err
		}
		if next.id != id {
			return nil, mismatch("identity record: it is somebody else's")
		}
		if next.Version != uint32(i)+1 {
			return nil, mismatch("identity record: its versions have gaps")
		}
		p = next
	}
	if p == nil || answer.ID != id || answer.Version != p.Version {
		return nil, mismatch("identity record: missing or not as announced")
	}
	return p, c.rememberVersion(p)
}

// openPerson verifies one identity record.
func (c *Client) openPerson(ctx context.Context, record []byte) (*person, error) {
	v, err := c.core.OpenIdentity(ctx, record)
	if err != nil {
		return nil, unverified("identity record", err)
	}
	id, err := c.core.FormatID(ctx, abi.KindPerson, v.ID)
	if err != nil {
		return nil, unverified("identity record", err)
	}
	return &person{v, id, record}, nil
}

// rememberVersion refuses a version older than one seen before.
func (c *Client) rememberVersion(p *person) error {
	seen, err := c.state.IdentityVersion(p.id)
	if err != nil {
		return fmt.Errorf("read known versions: %w", err)
	}
	if p.Version < seen {
		return fmt.Errorf("%w: version %d of %s, after version %d", ErrRollback, p.Version, p.id, seen)
	}
	if p.Version > seen {
		if err := c.state.SetIdentityVersion(p.id, p.Version); err != nil {
			return fmt.Errorf("remember version: %w", err)
		}
	}
	return nil
}
