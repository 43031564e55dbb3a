package client

import (
	"context"
	"fmt"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// service is the verified and pinned server.
type service struct {
	*abi.Service
	id     string
	record []byte
}

// Service returns the server's verified record and its id. The first server
// met under a URL is pinned in State; another one there later is refused with
// ErrServerChanged. It asks the server once in a Client's life.
func (c *Client) Service(ctx context.Context) (*abi.Service, string, []byte, error) {
	s, err := c.server(ctx)
	if err != nil {
		return nil, "", nil, err
	}
	return s.Service, s.id, s.record, nil
}

func (c *Client) server(ctx context.Context) (*service, error) {
	if s := c.service.Load(); s != nil {
		return s, nil
	}
	var answer api.Server
	if err := c.get(ctx, api.PathServer, &answer); err != nil {
		return nil, err
	}
	s, err := c.openService(ctx, answer.Record)
	if err != nil {
		return nil, err
	}
	if answer.ID != s.id {
		return nil, mismatch("server record: it has another id than the server claims")
	}
	if s, err = c.pin(ctx, s); err != nil {
		return nil, err
	}
	c.service.Store(s)
	return s, nil
}

// openService verifies a server record.
func (c *Client) openService(ctx context.Context, record []byte) (*service, error) {
	v, err := c.core.OpenService(ctx, record)
	if err != nil {
		return nil, unverified("server record", err)
	}
	id, err := c.core.FormatID(ctx, abi.KindService, v.ID)
	if err != nil {
		return nil, unverified("server record", err)
	}
	return &service{Service: v, id: id, record: record}, nil
}

// pin compares s with what is remembered for the URL, or remembers it, and
// returns the pinned one.
func (c *Client) pin(ctx context.Context, s *service) (*service, error) {
	record, err := c.state.PinnedServer(c.base)
	if err != nil {
		return nil, fmt.Errorf("read the pinned server: %w", err)
	}
	if record == nil {
		if err := c.state.PinServer(c.base, s.record); err != nil {
			return nil, fmt.Errorf("remember the server: %w", err)
		}
		return s, nil
	}
	pinned, err := c.openService(ctx, record)
	if err != nil {
		return nil, fmt.Errorf("pinned server record: %w", err)
	}
	if pinned.ID != s.ID {
		return nil, fmt.Errorf("%w: %s was %s and is %s; ask its operator before you trust it", ErrServerChanged, c.base, pinned.id, s.id)
	}
	return pinned, nil
}
