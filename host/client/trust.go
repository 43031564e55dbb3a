package client

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// remember compares identities with what this server has shown of them before, and
// remembers those that go on from it. ErrOldIdentity for an older one, ErrForkedIdentity
// for one with another history.
func (c *Client) remember(ctx context.Context, svc *service, persons ...*person) error {
	for {
		var changes []ShownIdentity
		for _, p := range persons {
			change, err := c.compare(ctx, svc, p)
			if err != nil {
				return err
			}
			if change != nil {
				changes = append(changes, *change)
			}
		}
		if len(changes) == 0 {
			return nil
		}
		swapped, err := c.state.SwapIdentities(svc.id, changes)
		if err != nil {
			return fmt.Errorf("remember identities: %w", err)
		}
		if swapped {
			return nil
		}
	}
}

// compare returns what is to be remembered of an identity that the server shows, nil if
// nothing is new.
func (c *Client) compare(ctx context.Context, svc *service, p *person) (*ShownIdentity, error) {
	version, known, err := c.state.Identity(svc.id, p.id)
	if err != nil {
		return nil, fmt.Errorf("read known identities: %w", err)
	}
	if known == nil { // of an older memory there may be the number
		if p.Version < version {
			return nil, older(p, version)
		}
		return &ShownIdentity{p.id, nil, p.Version, p.record}, nil
	}
	if bytes.Equal(known, p.record) {
		return nil, nil
	}
	relation, err := c.core.CompareIdentities(ctx, known, p.record)
	if err != nil {
		return nil, unverified("identity record", err)
	}
	switch relation {
	case abi.RelationSame:
		return nil, nil
	case abi.RelationNewer, abi.RelationOverrides:
		return &ShownIdentity{p.id, known, p.Version, p.record}, nil
	case abi.RelationOlder:
		return nil, older(p, version)
	}
	return nil, fmt.Errorf("%w: %s", ErrForkedIdentity, p.id)
}

func older(p *person, seen uint32) error {
	return fmt.Errorf("%w: version %d of %s, after version %d", ErrOldIdentity, p.Version, p.id, seen)
}

// checkShown compares an identity that came with another answer with what is remembered.
// One that is new, or newer, is looked up first: only what is in the log is remembered.
func (c *Client) checkShown(ctx context.Context, svc *service, p *person) error {
	change, err := c.compare(ctx, svc, p)
	if err != nil || change == nil {
		return err
	}
	if _, err := c.lookUp(ctx, p.id); err != nil {
		return err
	}
	if change, err = c.compare(ctx, svc, p); err == nil && change != nil {
		err = fmt.Errorf("identity %s: %w", p.id, ErrNotLogged)
	}
	return err
}

// Changed reports whether the keys of an identity have changed since its first version
// and the user has not confirmed the present ones, see [Client.Confirm]. Nothing is granted
// to it until then.
func (c *Client) Changed(ctx context.Context, v *abi.Identity) (bool, error) {
	if v.Since <= 1 {
		return false, nil
	}
	id, err := c.core.FormatID(ctx, abi.KindPerson, v.ID)
	if err != nil {
		return false, err
	}
	key, err := c.state.Confirmed(id)
	if err != nil {
		return false, fmt.Errorf("read confirmed keys: %w", err)
	}
	return !bytes.Equal(key, v.SigningKey[:]), nil
}

// checkKeys returns ErrKeyChanged if nothing may be granted to p yet.
func (c *Client) checkKeys(ctx context.Context, p *person) error {
	changed, err := c.Changed(ctx, p.Identity)
	if err != nil || !changed {
		return err
	}
	return fmt.Errorf("%w: %s", ErrKeyChanged, p.id)
}

// Confirm accepts the present keys of an identity, after its owner has said in person, or by
// the safety number, that they are his. They must be those of which [Client.SafetyNumber]
// was last computed here: ErrKeyChanged if there was none, or if they have changed since.
// That something else has looked them up counts for nothing.
func (c *Client) Confirm(ctx context.Context, id string) error {
	if id == c.id {
		return ErrSelf
	}
	p, err := c.lookUp(ctx, id)
	if err != nil {
		return err
	}
	compared, err := c.state.Compared(p.id)
	if err != nil {
		return fmt.Errorf("read compared keys: %w", err)
	}
	if hash := sha256.Sum256(p.record); !bytes.Equal(compared, hash[:]) {
		return fmt.Errorf("%w: the safety number with the present keys of %s was not shown here yet", ErrKeyChanged, id)
	}
	if err := c.state.SetConfirmed(p.id, p.SigningKey[:]); err != nil {
		return fmt.Errorf("remember confirmed keys: %w", err)
	}
	return nil
}

// SafetyNumber returns 60 digits that stand for the own identity and that of other: both
// see the same number as long as the server shows each the other's true keys. It changes
// with every version of either. What it was computed from can be confirmed then, see
// [Client.Confirm].
func (c *Client) SafetyNumber(ctx context.Context, other string) (string, error) {
	if err := c.acting(); err != nil {
		return "", err
	}
	if other == c.id {
		return "", ErrSelf
	}
	// Not published here is no obstacle: the number is of the identity at hand.
	if _, err := c.Refresh(ctx); err != nil && !errors.Is(err, ErrNotFound) {
		return "", err
	}
	p, err := c.lookUp(ctx, other)
	if err != nil {
		return "", err
	}
	digits, err := c.core.SafetyNumber(ctx, c.me().record, p.record)
	if err != nil {
		return "", fmt.Errorf("safety number: %w", err)
	}
	hash := sha256.Sum256(p.record)
	if err := c.state.SetCompared(p.id, hash[:]); err != nil {
		return "", fmt.Errorf("remember compared keys: %w", err)
	}
	return digits, nil
}
