package client

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// listed is a verified grant of a list, with what the server says of it.
type listed struct {
	*abi.Grant
	owner, reader string
	status        string // as the server says
	expired       bool   // by our clock, whatever the server says
}

// Grants returns the grants that the own identity has issued and received,
// newest first as the server lists them. Each is verified; its status is the
// server's word, backed by a verified receipt where one is given. A server can
// leave grants out.
func (c *Client) Grants(ctx context.Context) (issued, received []GrantInfo, err error) {
	out, in, err := c.list(ctx, true)
	if err != nil {
		return nil, nil, err
	}
	for _, l := range out {
		issued = append(issued, l.info())
	}
	for _, l := range in {
		received = append(received, l.info())
	}
	return issued, received, nil
}

// list fetches and verifies the grants issued and, if asked for, received.
func (c *Client) list(ctx context.Context, withReceived bool) (issued, received []listed, err error) {
	svc, err := c.server(ctx)
	if err != nil {
		return nil, nil, err
	}
	var answer api.ListGrants
	if err := c.call(ctx, http.MethodGet, api.PathGrants, nil, &answer); err != nil {
		return nil, nil, fmt.Errorf("list grants: %w", err)
	}
	me := &person{c.own, c.id, c.record}
	for i := range answer.Issued {
		l, err := c.openListed(ctx, svc, me, &answer.Issued[i])
		if err != nil {
			return nil, nil, err
		}
		issued = append(issued, *l)
	}
	if !withReceived {
		return issued, nil, nil
	}
	owners := map[string]*person{}
	for i := range answer.Received {
		g := &answer.Received[i]
		owner, err := c.grantOwner(ctx, g.Record, owners)
		if err != nil {
			return nil, nil, err
		}
		l, err := c.openListed(ctx, svc, owner, g)
		if err != nil {
			return nil, nil, err
		}
		if l.Reader != c.own.ID {
			return nil, nil, mismatch("grant: it is for somebody else")
		}
		received = append(received, *l)
	}
	return issued, received, nil
}

// Where a grant record names its owner: behind the label (25 bytes with its
// length), the grant's id (16) and the server's (32).
const grantOwnerOffset = 25 + 16 + 32

// grantOwner looks up who claims to have issued a grant. Nothing is believed
// here: the grant is verified with the identity found.
func (c *Client) grantOwner(ctx context.Context, record []byte, known map[string]*person) (*person, error) {
	if len(record) < grantOwnerOffset+32 {
		return nil, mismatch("grant: too short")
	}
	id, err := c.core.FormatID(ctx, abi.KindPerson, [32]byte(record[grantOwnerOffset:]))
	if err != nil {
		return nil, unverified("grant", err)
	}
	if p := known[id]; p != nil {
		return p, nil
	}
	p, err := c.lookUp(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("grant received: %w", err)
	}
	known[id] = p
	return p, nil
}

// openListed verifies a listed grant of owner, and its receipt if it has one.
func (c *Client) openListed(ctx context.Context, svc *service, owner *person, g *api.ListedGrant) (*listed, error) {
	v, err := c.core.OpenGrant(ctx, owner.record, nil, nil, g.Record, nil)
	if err != nil {
		return nil, unverified("grant", err)
	}
	if v.Service != svc.ID || v.Owner != owner.ID || api.FormatID(v.Grant) != g.ID {
		return nil, mismatch("grant: it belongs elsewhere")
	}
	reader, err := c.core.FormatID(ctx, abi.KindPerson, v.Reader)
	if err != nil {
		return nil, unverified("grant", err)
	}
	l := &listed{Grant: v, owner: owner.id, reader: reader, status: g.Status}
	l.expired = v.Expires != 0 && v.Expires <= uint64(c.clock().UnixMilli())
	if g.Status != api.GrantActive && g.Status != api.GrantExpired && g.Status != api.GrantRevoked {
		return nil, mismatch("grant: unknown status")
	}
	if len(g.Revocation) == 0 && len(g.Receipt) == 0 {
		return l, nil
	}
	return l, c.checkRevoked(ctx, svc, owner, l, g)
}

// checkRevoked verifies that revocation and receipt of a listed grant are about
// it.
func (c *Client) checkRevoked(ctx context.Context, svc *service, owner *person, l *listed, g *api.ListedGrant) error {
	v, err := c.core.OpenRevocation(ctx, owner.record, g.Revocation)
	if err != nil {
		return unverified("revocation", err)
	}
	if v.Reader != l.Reader || v.Collection != l.Collection || v.Service != svc.ID || l.status != api.GrantRevoked {
		return mismatch("revocation: it belongs to another grant")
	}
	if len(g.Receipt) == 0 { // the server was interrupted; asking again finishes it
		return nil
	}
	if _, _, err := c.core.OpenReceipt(ctx, svc.record, g.Revocation, g.Receipt); err != nil {
		return unverified("receipt", err)
	}
	return nil
}

// readersOf returns the readers with an active grant to an epoch of the own
// default collection, without the one given. Active is what the server says: it
// compares the list with its own, by its own clock.
func (c *Client) readersOf(issued []listed, epoch uint32, without [32]byte) []abi.ReaderRef {
	var readers []abi.ReaderRef
	seen := map[[32]byte]bool{without: true}
	for _, l := range issued {
		if l.Collection != c.home() || l.Epoch != epoch || l.status != api.GrantActive || seen[l.Reader] {
			continue
		}
		seen[l.Reader] = true
		readers = append(readers, abi.ReaderRef{ID: l.Reader, Version: l.ReaderVersion})
	}
	return readers
}

// info is the grant in words.
func (l *listed) info() GrantInfo {
	status := l.status
	if status == api.GrantActive && l.expired {
		status = api.GrantExpired
	}
	return GrantInfo{
		ID: api.FormatID(l.Grant.Grant), Reader: l.reader, Owner: l.owner,
		Collection: api.FormatID(l.Collection), Epoch: l.Epoch, Status: status,
		NotBefore: instant(l.NotBefore), Expires: instant(l.Expires), Kind: kindText(l.Kind),
	}
}

// instant is a time of a record; 0 is the zero time.
func instant(unixMilli uint64) time.Time {
	if unixMilli == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(unixMilli))
}

func kindText(kind uint8) string {
	switch kind {
	case abi.GrantDirect:
		return "direct"
	case abi.GrantPending:
		return "pending"
	case abi.GrantLink:
		return "link"
	}
	return "unknown"
}
