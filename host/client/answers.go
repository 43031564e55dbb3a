package client

import (
	"context"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/translog"
)

// checkpoints returns the checkpoints that an answer carries.
func checkpoints(answer any) []string {
	var all []string
	add := func(logged ...*api.Logged) {
		for _, l := range logged {
			if l != nil {
				all = append(all, l.Checkpoint)
			}
		}
	}
	deposited := func(d *api.Deposited) {
		if d != nil {
			add(&d.Logged, &d.Changed)
		}
	}
	switch v := answer.(type) {
	case *api.Identity:
		add(v.Logged)
	case *api.Identities:
		all = append(all, v.Checkpoint)
	case *api.Collection:
		add(v.Logged)
	case *api.Collections:
		all = append(all, v.Checkpoint)
	case *api.CollectionPage:
		all = append(all, v.Checkpoint)
	case *api.GrantAccessAnswer:
		add(v.Logged)
	case *api.Ledger:
		all = append(all, v.Checkpoint)
	case *api.Key:
		deposited(v.Deposited)
	case *api.Keys:
		for i := range v.Keys {
			deposited(v.Keys[i].Deposited)
		}
	}
	return all
}

// logFloor returns the newest checkpoint known before the server is asked for something
// that carries one, nil if there is none.
func (c *Client) logFloor(ctx context.Context, out any) (*translog.Checkpoint, error) {
	svc := c.service.Load()
	switch out.(type) {
	case *api.Identity, *api.Identities, *api.Collection, *api.Collections, *api.CollectionPage, *api.GrantAccessAnswer, *api.Ledger, *api.Key, *api.Keys:
	default:
		return nil, nil
	}
	if svc == nil {
		return nil, nil
	}
	return c.knownLog(ctx, svc)
}

// followAnswer follows every checkpoint of an answer, so that none is taken that does not
// go on from what was known when the server was asked. Whether one is there at all is
// for who needs it to say, see verifyLogged.
func (c *Client) followAnswer(ctx context.Context, floor *translog.Checkpoint, out any) error {
	svc := c.service.Load()
	if svc == nil {
		return nil
	}
	done := map[string]bool{"": true}
	for _, note := range checkpoints(out) {
		if done[note] {
			continue
		}
		done[note] = true
		if _, err := c.followNote(ctx, svc, note, floor); err != nil {
			return err
		}
	}
	return nil
}
