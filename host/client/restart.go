package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/translog"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// ErrLogRestarted says that the server states to have lost its log and begun it anew. It comes
// as a [*RestartError], in place of ErrForked or ErrOldLog and matches these too: nothing was released.
var ErrLogRestarted = errors.New("the server has lost its log and begun it anew")

// A LogRestart is what a server states about its log. That the server has signed it is
// verified; whether it is true, nobody can tell who did not keep the old log.
type LogRestart struct {
	Server    string    // rsv1…
	Size      int64     // entries of the old log, as far as the server knew
	Carried   int64     // of these, how many the new one has again
	Time      time.Time // of the statement
	Reason    string    // in the operator's words; printable
	Accepted  bool      // by this identity
	Statement []byte
}

// A RestartError is ErrLogRestarted with what the server states.
type RestartError struct {
	LogRestart
	cause error
}

// Error tells what the server states.
func (e *RestartError) Error() string {
	return fmt.Sprintf("%v: %q (stated on %s; of %d entries %d are there again)", ErrLogRestarted, printable(e.Reason),
		e.Time.UTC().Format(time.DateOnly), e.Size, e.Carried)
}

// Unwrap returns ErrLogRestarted and what was found without the statement.
func (e *RestartError) Unwrap() []error { return []error{ErrLogRestarted, e.cause} }

// Restart returns the server's statement about a log that was begun anew; ErrNotFound if it
// makes none.
func (c *Client) Restart(ctx context.Context) (*LogRestart, error) {
	svc, err := c.server(ctx)
	if err != nil {
		return nil, err
	}
	return c.restartOf(ctx, svc)
}

func (c *Client) restartOf(ctx context.Context, svc *service) (*LogRestart, error) {
	statement, err := c.fetch(ctx, api.PathRestart, translog.MaxRestart)
	if err != nil {
		return nil, fmt.Errorf("fetch the statement about the log: %w", err)
	}
	r, err := c.openRestart(ctx, svc, statement)
	if err != nil {
		return nil, err
	}
	accepted, err := c.state.AcceptedRestart(svc.id)
	if err != nil {
		return nil, fmt.Errorf("read the accepted statement: %w", err)
	}
	return &LogRestart{Server: svc.id, Size: r.Size, Carried: r.Carried, Time: r.Time, Reason: printable(r.Reason),
		Accepted: bytes.Equal(accepted, statement), Statement: statement}, nil
}

func (c *Client) openRestart(ctx context.Context, svc *service, statement []byte) (*translog.Restart, error) {
	var broken error
	r, err := translog.OpenRestart(statement, svc.id, svc.SigningKey, func(key [32]byte, message, signature []byte) bool {
		err := c.core.Ed25519Verify(ctx, key[:], message, signature)
		if err != nil && !isAnswer(err) {
			broken = err
		}
		return err == nil
	})
	switch {
	case broken != nil:
		return nil, fmt.Errorf("verify statement: %w", broken)
	case err != nil:
		return nil, fmt.Errorf("%w: statement about the log: %w", ErrVerification, err)
	}
	return r, nil
}

// AcceptRestart goes on with a log that was begun anew, as stated by a statement that Restart
// has returned and a person has read: what was remembered of the old log and of the
// newest records of collections is forgotten, as they may be lost with it. Pinned servers, identities,
// confirmed keys, and whom this device has revoked stay remembered: [Client.Regrant] passes over the latter.
// ErrConflict if the server states something else by now.
func (c *Client) AcceptRestart(ctx context.Context, statement []byte) error {
	svc, err := c.server(ctx)
	if err != nil {
		return err
	}
	now, err := c.restartOf(ctx, svc)
	if err != nil {
		return err
	}
	if !bytes.Equal(now.Statement, statement) {
		return fmt.Errorf("accept the new log: %w", ErrConflict)
	}
	c.log.follow.Lock()
	defer c.log.follow.Unlock()
	if err := c.state.AcceptRestart(svc.id, statement); err != nil {
		return fmt.Errorf("remember the accepted statement: %w", err)
	}
	c.log.forget()
	return nil
}

// explainRestart returns a RestartError in place of an error about another history, if the
// server states that it has begun its log anew and nobody has accepted that yet. Once
// accepted, another history is what it is.
func (c *Client) explainRestart(ctx context.Context, svc *service, err error) error {
	if !errors.Is(err, ErrOldLog) && !errors.Is(err, ErrForked) || errors.Is(err, ErrLogRestarted) {
		return err
	}
	r, failed := c.restartOf(ctx, svc)
	if failed != nil || r.Accepted {
		return err
	}
	return &RestartError{*r, err}
}

// lostState reports whether a state of the log may be of an old one that was lost: nobody
// can compare it any more. A person has accepted that.
func (c *Client) lostState(ctx context.Context, svc *service, s *abi.LogState) bool {
	statement, err := c.state.AcceptedRestart(svc.id)
	if err != nil || statement == nil {
		return false
	}
	r, err := c.openRestart(ctx, svc, statement)
	return err == nil && s.Size <= uint64(r.Size)
}

// forget forgets everything that was verified.
func (v *logView) forget() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.opened, v.onTree = nil, nil
}
