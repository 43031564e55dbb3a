package client

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// A Recovery is what [Client.RecoverIdentity] needs.
type Recovery struct {
	ID          string // rid1…, of the identity to recover
	Identity    []byte // its records as the owner knows them, all versions; nil: what the server has
	Recovery    []byte // seed of the recovery key, 32 bytes
	Seed        []byte // the seed before, 32 bytes; nil if it is lost: then what is encrypted to it stays closed
	NewSeed     []byte // 32 bytes; keep it before
	NewRecovery []byte // seed of the next recovery key; nil: it stays
}

// RotateIdentity gives the own identity new keys, made from newSeed, and publishes them.
// The old seed is kept in the record, sealed under the new one. The recovery key stays, since
// only itself can change it: newRecovery must be nil, or see [Client.RecoverIdentity].
//
// It returns the identity with its new version. Afterwards this client is of no use any
// more ([ErrNewKeys]): make another one with newSeed and the record, and let it grant again
// what the change has suspended and open new epochs ([Client.Regrant]). Keep newSeed
// before: if the answer is lost, calling it again with the same seeds completes it.
func (c *Client) RotateIdentity(ctx context.Context, newSeed, newRecovery []byte) (record []byte, err error) {
	if err := c.acting(); err != nil {
		return nil, err
	}
	if newRecovery != nil {
		return nil, errors.New("new recovery key: only the recovery key can change it")
	}
	if _, err := c.server(ctx); err != nil {
		return nil, err
	}
	return c.replaceKeys(ctx, newSeed, func() ([]byte, error) {
		if _, err := c.Refresh(ctx); err != nil {
			return nil, err
		}
		me := c.me()
		return c.core.RotateIdentity(ctx, c.seed, nil, newSeed, nil, me.record, me.Version, suitesOf(me.Identity))
	})
}

// RecoverIdentity gives an identity new keys by its recovery key: if the seed is lost, or
// somebody else has it. It overrides every version after the last one known to be the
// owner's that the recovery key has not made: after the newest of r.Identity, or else the
// newest with r.Seed's keys, or else the newest that has this recovery key.
// The client needs no identity of its own. It returns the identity with its new version;
// for what follows see [Client.RotateIdentity].
func (c *Client) RecoverIdentity(ctx context.Context, r Recovery) (record []byte, err error) {
	if _, err := c.parsePerson(ctx, r.ID); err != nil {
		return nil, err
	}
	return c.replaceKeys(ctx, r.NewSeed, func() ([]byte, error) { return c.recovered(ctx, &r) })
}

// recovered makes the version that the recovery key signs.
func (c *Client) recovered(ctx context.Context, r *Recovery) ([]byte, error) {
	var base *person
	var err error
	if r.Identity != nil {
		base, err = c.openPerson(ctx, r.Identity)
	} else {
		base, err = c.lookUp(ctx, r.ID)
	}
	if err != nil {
		return nil, err
	}
	if base.id != r.ID {
		return nil, fmt.Errorf("%w: not %s", ErrSwapped, r.ID)
	}
	versions, err := c.versions(ctx, base)
	if err != nil {
		return nil, err
	}
	err = errors.New("the recovery seed is not that of this identity")
	for _, v := range slices.Backward(versions) {
		// Whose keys a later version has is not known: the first that takes the seeds.
		record, failed := c.core.RotateIdentity(ctx, r.Seed, r.Recovery, r.NewSeed, r.NewRecovery, base.record, v.Version, suitesOf(v.Identity))
		if failed == nil && (r.Seed == nil || r.Identity != nil || c.signs(ctx, r.Seed, v)) {
			return record, nil
		}
		if failed != nil && !isAnswer(failed) {
			return nil, failed
		}
		if failed != nil {
			err = failed
		}
	}
	return nil, err
}

// replaceKeys makes a version with newSeed's keys and publishes it, unless the server has
// one with these keys already, from a call before whose answer was lost.
func (c *Client) replaceKeys(ctx context.Context, newSeed []byte, version func() ([]byte, error)) ([]byte, error) {
	record, err := version()
	if errors.Is(err, ErrNewKeys) { // perhaps by ourselves
		p, failed := c.lookUp(ctx, c.id)
		if failed == nil && c.signs(ctx, newSeed, p) {
			return p.record, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("make version with new keys: %w", err)
	}
	next, err := New(Config{
		Caller: c.core.Caller, Server: c.base, HTTP: c.http, Seed: newSeed, Identity: record, State: c.state, Now: c.now,
	})
	if err != nil {
		return nil, err
	}
	defer next.Close()
	if _, err := next.server(ctx); err != nil {
		return nil, err
	}
	if err = next.publish(ctx, next.me()); err == nil {
		return record, nil
	}
	p, failed := c.lookUp(ctx, next.id)
	if failed == nil && p.SigningKey == next.me().SigningKey {
		return p.record, nil
	}
	return nil, fmt.Errorf("publish new keys: %w", err)
}

// signs reports whether a seed is that of an identity's newest version.
func (c *Client) signs(ctx context.Context, seed []byte, p *person) bool {
	return checkSeed(ctx, c.core, seed, p) == nil
}

// suitesOf lists the suites of an identity, ascending.
func suitesOf(v *abi.Identity) []byte {
	var suites []byte
	for _, k := range v.Keys {
		suites = append(suites, k.Suite)
	}
	slices.Sort(suites)
	return suites
}
