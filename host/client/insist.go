package client

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
)

// insistence is how often a write is sent until it is answered.
const insistence = 5

// keyOf is under what a context has the Idempotency-Key of a write.
type keyOf struct{}

// insist sends a write until it is answered, at most [insistence] times: each time with a
// fresh signature, and all with one Idempotency-Key, so that the server carries it out once
// and gives the answer that got lost. lost reports that the answer to one of them never
// came, so that it may have been carried out.
func (c *Client) insist(ctx context.Context, send func(context.Context) error) (lost bool, err error) {
	raw := make([]byte, api.IDBytes)
	rand.Read(raw) // never fails
	ctx = context.WithValue(ctx, keyOf{}, base64.RawURLEncoding.EncodeToString(raw))
	return c.persist(ctx, func() error { return send(ctx) })
}

// persist is insist for what has no effect.
func (c *Client) persist(ctx context.Context, send func() error) (lost bool, err error) {
	for i := 1; ; i++ {
		err = send()
		if !unanswered(err) {
			return lost, err
		}
		lost = lost || !neverSent(err)
		if i == insistence || ctx.Err() != nil {
			return lost, err
		}
		if wait(ctx, i, lost) != nil {
			return lost, err
		}
	}
}

// wait waits before attempt i+1: longer if an answer got lost, because whoever has lost it
// may be starting again, a moment only if nobody was there from the first.
func wait(ctx context.Context, i int, lost bool) error {
	if !lost {
		return pause(ctx, i)
	}
	select {
	case <-time.After(50 * time.Millisecond << (2 * (i - 1)) / 2): // 25 ms, 0.1 s, 0.4 s, 1.6 s
	case <-ctx.Done():
	}
	return pause(ctx, 1)
}

// withKey gives a request the Idempotency-Key of the write that it is part of.
func withKey(ctx context.Context, req *http.Request) {
	if key, ok := ctx.Value(keyOf{}).(string); ok && req.Method == http.MethodPost {
		req.Header.Set(api.IdempotencyHeader, key)
	}
}

// unanswered reports whether it is open what became of a request.
func unanswered(err error) bool {
	var refused *Error
	if errors.As(err, &refused) {
		return refused.Code == api.CodeInternal || refused.Code == api.CodeBusy
	}
	return errors.Is(err, ErrUnreachable) || errors.Is(err, ErrAnswer)
}

// neverSent reports whether a request has not got as far as a connection.
func neverSent(err error) bool {
	var failed *net.OpError
	return errors.As(err, &failed) && failed.Op == "dial"
}
