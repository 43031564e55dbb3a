package client

import (
	"context"
	"time"
)

// A LedgerLine is a verified entry of the ledger.
type LedgerLine struct {
	Index      int64     // of its leaf in the log
	Time       time.Time // the server's clock
	Kind       string    // "grant", "revocation", "rotation", "opening", "expiry", "request", "veto", "deposit" or "acceptance"
	Owner      string    // rid1…
	Actor      string    // rid1…, who asked; "" for the server itself
	Subject    string    // rid1…, the reader or author concerned; "" if there is none
	Collection string    // 26 characters
	Key        string    // 26 characters, "" if it is not about a key
	Grant      string    // 26 characters, "" if it is not about a grant
	Epoch      uint32
	Signed     bool // the actor's signature over just this was verified; false: the server's word
}

// Ledger calls each for what the server has recorded.
func (c *Client) Ledger(ctx context.Context, from int64, each func(LedgerLine) error) (next int64, err error) {
	return 0, errNotYet
}
