package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// A person is a verified identity with the records of all its versions.
type person struct {
	*abi.Identity
	id     string
	record []byte
	err    error // of lookUpMany: why there is nothing but the id
}

// has reports whether the identity has a key of a suite.
func (p *person) has(suite uint8) bool {
	return slices.ContainsFunc(p.Keys, func(k abi.SuiteKey) bool { return k.Suite == suite })
}

// strongest returns the suite of the strongest key: suites are numbered by strength.
func (p *person) strongest() uint8 {
	var s uint8
	for _, k := range p.Keys {
		s = max(s, k.Suite)
	}
	return s
}

// Publish makes the own identity known to the server (create_identity).
// Publishing again has no effect. If the server has a newer version, the client
// goes on as that, see [Client.Refresh].
func (c *Client) Publish(ctx context.Context) error {
	if err := c.acting(); err != nil {
		return err
	}
	if _, err := c.server(ctx); err != nil {
		return err
	}
	err := c.publish(ctx, c.me())
	if errors.Is(err, ErrConflict) {
		if changed, failed := c.Refresh(ctx); failed == nil && changed {
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("publish identity: %w", err)
	}
	return nil
}

// publish hands an identity of ours to the server.
func (c *Client) publish(ctx context.Context, p *person) error {
	var answer api.Identity
	_, err := c.insist(ctx, func(ctx context.Context) error {
		answer = api.Identity{}
		return c.callAs(ctx, p, http.MethodPost, api.PathIdentities, api.CreateIdentity{Record: p.record}, &answer)
	})
	if err != nil {
		return err
	}
	kept, err := c.newest(ctx, &answer, p.id)
	if err != nil {
		return err
	}
	if !bytes.Equal(kept.record, p.record) {
		return mismatch("published identity: the server kept another record")
	}
	return nil
}

// Identity returns the own identity with all versions that the client knows, nil for
// a client without one. It is longer than what [New] was given once a newer version was
// made or found: keep it then, for the next time.
func (c *Client) Identity() []byte {
	if me := c.me(); me != nil {
		return bytes.Clone(me.record)
	}
	return nil
}

// Refresh looks the own identity up and, if it has gained versions, goes on as the
// newest. A client does so by itself when the server refuses its signature. ErrNewKeys if
// the newest version has other keys: the seed at hand is no longer that of the identity.
func (c *Client) Refresh(ctx context.Context) (changed bool, err error) {
	if err := c.acting(); err != nil {
		return false, err
	}
	p, err := c.lookUp(ctx, c.id)
	if err != nil {
		return false, err
	}
	for {
		me := c.me()
		relation, err := c.core.CompareIdentities(ctx, me.record, p.record)
		switch {
		case err != nil:
			return false, unverified("own identity record", err)
		case relation != abi.RelationNewer && relation != abi.RelationOverrides:
			return false, nil
		case p.SigningKey != me.SigningKey:
			return false, fmt.Errorf("%w (version %d, on the server since then)", ErrNewKeys, p.Since)
		}
		if c.self.CompareAndSwap(me, p) {
			return true, nil
		}
	}
}

// AddSuites gives the own identity keys of those of suites that it lacks: by a newer
// version that another device has published, or else by a new one, which is published.
// It returns the suites that were added to what the client had, none if nothing
// was missing; even then what the server lacks of the identity is published. Doing it
// again has no effect. The caller keeps [Client.Identity] afterwards.
func (c *Client) AddSuites(ctx context.Context, suites []uint8) (added []uint8, err error) {
	if err := c.acting(); err != nil {
		return nil, err
	}
	if _, err := c.server(ctx); err != nil {
		return nil, err
	}
	before := c.me()
	// Whatever else the server shows in place of ours: ours is published below.
	if _, err := c.Refresh(ctx); err != nil && !errors.Is(err, ErrNotFound) && !errors.Is(err, ErrRollback) {
		return nil, fmt.Errorf("add suites: %w", err)
	}
	if err := c.retry(ctx, func() error { return c.addSuites(ctx, suites) }); err != nil {
		return nil, fmt.Errorf("add suites: %w", err)
	}
	for _, k := range c.me().Keys {
		if !before.has(k.Suite) {
			added = append(added, k.Suite)
		}
	}
	return added, nil
}

// addSuites is one attempt of AddSuites.
func (c *Client) addSuites(ctx context.Context, suites []uint8) error {
	me := c.me()
	next := me
	if slices.ContainsFunc(suites, func(s uint8) bool { return !me.has(s) }) {
		suites = slices.Compact(slices.Sorted(slices.Values(suites)))
		record, err := c.core.NewIdentityVersion(ctx, c.seed, me.record, suites)
		if err != nil {
			return fmt.Errorf("make new version: %w", err)
		}
		if next, err = c.openPerson(ctx, record); err != nil {
			return err
		}
	}
	err := c.publish(ctx, next)
	if errors.Is(err, ErrConflict) {
		if changed, failed := c.Refresh(ctx); failed != nil || !changed {
			return fmt.Errorf("the server has another version %d of this identity: %w", next.Version, err)
		}
	}
	if err == nil {
		c.self.CompareAndSwap(me, next) // unless another call was first
	}
	return err
}
