package client

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
)

// Request asks for what an owner has granted to us as pending: the wait begins, during
// which the owner can veto it. Asking again does not start the wait anew. When it is over
// is the server's word. ErrNotFound if nothing is pending.
func (c *Client) Request(ctx context.Context, owner string) ([]PendingInfo, error) {
	if err := c.acting(); err != nil {
		return nil, err
	}
	if owner == c.id {
		return nil, ErrSelf
	}
	if _, err := c.parsePerson(ctx, owner); err != nil {
		return nil, err
	}
	var answer api.Requested
	_, err := c.insist(ctx, func(ctx context.Context) error {
		answer = api.Requested{}
		return c.call(ctx, http.MethodPost, api.PathRequests, api.Request{Owner: owner}, &answer)
	})
	if err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	var out []PendingInfo
	for _, g := range answer.Grants {
		_, failed := api.ParseID(g.ID)
		if _, err := api.ParseID(g.Collection); err != nil || failed != nil || g.Opens <= 0 {
			return nil, mismatch("requested grants: they are not as agreed")
		}
		out = append(out, PendingInfo{Grant: g.ID, Collection: g.Collection, Opens: time.UnixMilli(g.Opens)})
	}
	return out, nil
}

// Veto ends the waits of a reader in all own collections, whose ids it returns. The grants
// stay, and asking again starts the wait anew; [Client.Revoke] ends them. ErrNotFound if
// the reader waits for nothing; ErrConflict if a wait is over already.
func (c *Client) Veto(ctx context.Context, reader string) ([]string, error) {
	if err := c.acting(); err != nil {
		return nil, err
	}
	if reader == c.id {
		return nil, ErrSelf
	}
	if _, err := c.parsePerson(ctx, reader); err != nil {
		return nil, err
	}
	var answer api.Vetoed
	_, err := c.insist(ctx, func(ctx context.Context) error {
		answer = api.Vetoed{}
		return c.call(ctx, http.MethodPost, api.PathVetoes, api.Veto{Reader: reader}, &answer)
	})
	if err != nil {
		return nil, fmt.Errorf("veto: %w", err)
	}
	for _, id := range answer.Collections {
		if _, err := api.ParseID(id); err != nil {
			return nil, mismatch("vetoed: something without an id")
		}
	}
	return answer.Collections, nil
}
