// Package client is the Go client of the service: everything that the command
// line does, as a library. It keeps the promises that the server cannot be
// trusted with: every record in every answer is verified through the core,
// against what was asked for and against what was remembered ([State]), before
// anything is released.
//
// Use it so:
//
//	c, err := client.New(client.Config{
//		Caller: engine, Server: "https://recrypt.example.org",
//		Seed: seed, Identity: record, State: state,
//	})
//	defer c.Close()
//	err = c.Publish(ctx)                                        // once
//	info, err := c.Encrypt(ctx, out, in, client.EncryptOptions{})
//	grant, err := c.Grant(ctx, "rid1…", client.GrantOptions{Expires: 30 * 24 * time.Hour})
//	info, err = c.Decrypt(ctx, out, in, client.DecryptOptions{From: "rid1…"})
//
// # Collections, epochs, and what revoking is worth
//
// Documents are in collections, each with a key pair of its own, and a grant covers one
// collection: of all its epochs so far, unless [GrantOptions] say otherwise. [Client.Revoke]
// ends the reader's grants and opens the next epoch, with another key pair, for the
// others. From then on what is written is closed to that reader, whatever he and the server
// have kept. What was written before is not: reader and server together open every document of
// the epochs that were granted, those included that the reader never asked for, and those that a
// scope, a time, a waiting period or a number of uses should have kept from him. All these limits
// are the server's to keep.
//
// An epoch ends by itself: when a grant to it has expired, when a revocation was
// interrupted, and when our own keys have changed, the next write of ours
// opens another one first ([Client.Encrypt], [Client.Grant] and all others that write).
// Others write to us ([Client.OpenCollections]) into the newest epoch that they are shown, and
// never into an older one than they have seen.
//
// # What is checked
//
//	answer               against
//	server record        its own signature; the id pinned at first use ([ErrServerChanged])
//	checkpoint           the pinned server's signature ([ErrCheckpoint]); the one remembered: proved to go on from it ([ErrForked]), never shorter ([ErrOldLog])
//	checkpoint, before   its time ([ErrStaleLog]) and the witnesses of the user's policy ([ErrUnwitnessed]): nothing is granted or deposited on
//	  something new        less; reading goes on
//	identity             the id that was asked for ([ErrSwapped]); the records this server has shown ([ErrOldIdentity], [ErrForkedIdentity]); the log ([ErrNotLogged])
//	changed keys         what the user has confirmed, before anything is granted to them ([ErrKeyChanged]); the own seed ([ErrNewKeys])
//	collection chain     owner, every signature and link; the remembered head must be in it ([ErrOldCollection], [ErrForkedChain]); the log
//	list of readers      every grant in it; the readers hash in the newest record ([ErrRollback]); receipts ([ErrKeptGrant])
//	grant                owner's signature, collection, reader; for a level-1 value that it names us
//	document key         that it is the one asked for ([ErrWrongDocument]); author, owner, collection record, value ([ErrVerification])
//	superseded author    the log: deposited before the keys changed ([ErrNotLogged])
//	somebody's epoch     the newest record remembered of it ([ErrOldCollection])
//	somebody's log       the state of the log in grants, collection and key records, against ours ([ErrForked])
//	receipt              the pinned server's signature over our very revocation or collection record ([ErrReceipt])
//	ledger               the log; signatures of who asked; what it had before ([ErrLedger], [ErrLedgerGap])
//	whole log            what is known of own records and contacts, by [Client.Audit] ([ErrForeignRecord])
//	document             header = key record; every chunk; length and hash signed by the author ([ErrCorrupt])
//
// A server can still refuse, delay, or leave out grants from the list for people and
// openings from the ledger; it cannot make this client read, write or grant something
// false, nor change later what it has once shown. That two people are shown the same log
// is certain only with witnesses, or once one reads what the other has signed.
//
// A Client is safe for concurrent use. Two clients of the same identity may run
// at once: chains are appended optimistically and retried on conflict.
package client

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// Config says whose client it is and of which server.
type Config struct {
	Caller   abi.Caller       // the core; required
	Server   string           // base URL of the server, http:// or https://; required
	HTTP     *http.Client     // nil: timeouts set, redirects not followed
	Seed     []byte           // own seed, 32 bytes; nil for public look-ups only
	Identity []byte           // own identity, all versions; nil for public look-ups only
	Suite    uint8            // suite of the own default collection, see abi.Suite256; 0: that of the existing one, the strongest of the own identity for a new one
	State    State            // what is remembered between runs; nil: a new [MemoryState]
	Now      func() time.Time // nil: time.Now
}

// A Client talks to one server as one identity. See the package comment.
type Client struct {
	core   abi.Client
	base   string // normalised URL, without a trailing slash
	http   *http.Client
	seed   []byte
	self   atomic.Pointer[person] // nil for public look-ups; see [Client.Refresh]
	id     string
	suite  uint8
	state  State
	now    func() time.Time
	skew   atomic.Int64 // nanoseconds that the server's clock is ahead of ours
	closed atomic.Bool

	chain    chan struct{}           // held while our own chain is read and extended
	verified verified                // records of chains
	service  atomic.Pointer[service] // once verified
	log      logView                 // what was verified of its log
	tiles    tileCache               // of its log
	kept     keptAnswers             // to be asked whether they still hold
}

// New checks the configuration and makes a client. It does not talk to the
// server.
func New(cfg Config) (*Client, error) {
	if cfg.Caller == nil {
		return nil, errors.New("client: no engine given")
	}
	base, err := NormaliseURL(cfg.Server)
	if err != nil {
		return nil, err
	}
	c := &Client{
		core: abi.Client{Caller: cfg.Caller}, base: base, http: httpClient(cfg.HTTP),
		suite: cfg.Suite, state: cfg.State, now: cfg.Now, chain: make(chan struct{}, 1),
	}
	if c.state == nil {
		c.state = NewMemoryState()
	}
	if c.now == nil {
		c.now = time.Now
	}
	if cfg.Seed == nil && cfg.Identity == nil {
		return c, nil
	}
	if err := c.setIdentity(cfg.Seed, cfg.Identity); err != nil {
		clear(c.seed)
		return nil, err
	}
	return c, nil
}

// setIdentity makes the client act as the identity in record, whose signing key
// must be seed's.
func (c *Client) setIdentity(seed, record []byte) error {
	ctx := context.Background() // the core answers at once
	own, err := c.core.OpenIdentity(ctx, record)
	if err != nil {
		return fmt.Errorf("own identity record: %w", err)
	}
	id, err := c.core.FormatID(ctx, abi.KindPerson, own.ID)
	if err != nil {
		return fmt.Errorf("own identity record: %w", err)
	}
	c.id, c.seed = id, bytes.Clone(seed)
	c.self.Store(&person{Identity: own, id: id, record: bytes.Clone(record)})
	return checkSeed(ctx, c.core, c.seed, c.me())
}

// checkSeed signs something and verifies it with the key in the identity's record, so
// that a seed and a record of two identities are noticed before anything is sent.
func checkSeed(ctx context.Context, core abi.Client, seed []byte, p *person) error {
	q := &abi.Request{KeyID: p.id + "/1", Method: "GET", Authority: "localhost", Path: "/", Created: 1, Expires: 2, Nonce: "AAAAAAAAAAAAAAAAAAAAAA"}
	_, field, _, err := core.SignRequest(ctx, seed, q)
	if err != nil {
		return fmt.Errorf("own seed: %w", err)
	}
	text, ok := strings.CutPrefix(field, api.SignatureLabel+"=:")
	signature, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(text, ":"))
	if !ok || err != nil {
		return errors.New("own seed: the engine signs in another form than agreed")
	}
	if err := core.VerifyRequest(ctx, p.SigningKey, q, signature); err != nil {
		return errors.New("the seed does not belong to this identity record")
	}
	return nil
}

// Close clears the client's copy of the seed; the one given to [New] is the
// caller's to clear. From then on everything that needs the identity fails with
// ErrClosed. No call may be running. Closing again has no effect.
func (c *Client) Close() {
	c.closed.Store(true)
	clear(c.seed)
}

// acting returns why the client cannot act as its identity, nil if it can.
func (c *Client) acting() error {
	switch {
	case c.me() == nil:
		return ErrNoIdentity
	case c.closed.Load():
		return ErrClosed
	}
	return nil
}

// me returns the own identity, nil for a client without one.
func (c *Client) me() *person { return c.self.Load() }

// ID returns the own id, "rid1…", or "" for a client without an identity.
func (c *Client) ID() string { return c.id }
