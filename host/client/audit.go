package client

import "context"

// An AuditReport is what [Client.Audit] has found.
type AuditReport struct {
	Size   int64     // leaves of the log
	Root   string    // base64, computed from all leaves
	Leaves AuditTree // how many leaves of each kind
	Alarms []string  // what is not as it should be, for people; none if all is well
}

// AuditTree counts the leaves of a log by what this identity knows of them.
type AuditTree struct {
	Own         int64 // versions of the own identity
	Contacts    int64 // versions of identities that were looked up
	Collections int64 // records of own collections
	Ledger      int64 // entries of the own ledger
	Other       int64 // of others: nothing can be read in them
}

// Audit replays the log.
func (c *Client) Audit(ctx context.Context, progress func(done, all int64)) (*AuditReport, error) {
	return nil, errNotYet
}
