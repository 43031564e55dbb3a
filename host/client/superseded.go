package client

import (
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/recrypt-service/recrypt/host/translog"
)

// checkDeposited looks at a key record that was signed under keys which its author has
// given up since, perhaps because they were stolen. It counts only if the deposit was in
// the log before the version that changed the keys. The deposit binds the record; the
// thief can make others, but not bring them to an earlier place.
func (c *verifier) checkDeposited(ctx context.Context, k *sharedKey) error {
	if k.AuthorVersion >= k.author.Since {
		return nil
	}
	d := k.answer.Deposited
	if d == nil || len(d.Salt) != 32 {
		return fmt.Errorf("%w: the author has changed his keys since, and when the key was deposited is not proved", ErrNotLogged)
	}
	e, err := translog.ParseEntry(d.Entry)
	if err != nil {
		return mismatch("deposit: it is no entry of a ledger")
	}
	if e.Kind != translog.Deposited || e.Key != k.Key || e.Actor != k.Author || e.Record != sha256.Sum256(k.answer.Record) {
		return mismatch("deposit: it is another key's")
	}
	if err := c.verifyLogged(ctx, translog.EntryLeaf([32]byte(d.Salt), d.Entry), &d.Logged, ""); err != nil {
		return fmt.Errorf("deposit: %w", err)
	}
	since, err := c.upTo(ctx, k.author, k.author.Since)
	if err != nil {
		return err
	}
	if err := c.verifyLogged(ctx, translog.IdentityLeaf(k.author.ID, k.author.Since, since), &d.Changed, ""); err != nil {
		return fmt.Errorf("author's keys: %w", err)
	}
	if d.Logged.Index >= d.Changed.Index {
		return fmt.Errorf("%w: the key was deposited after its author had given up the keys that signed it", ErrVerification)
	}
	return nil
}

// upTo returns the records of an identity up to a version.
func (c *Client) upTo(ctx context.Context, p *person, version uint32) ([]byte, error) {
	all, err := c.versions(ctx, p)
	if err != nil {
		return nil, err
	}
	for _, v := range all {
		if v.Version == version {
			return v.record, nil
		}
	}
	return nil, mismatch("identity record: it has no such version")
}
