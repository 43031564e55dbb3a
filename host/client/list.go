package client

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// listed is a verified grant of a list, with what the server says of it.
type listed struct {
	*abi.Grant
	owner, reader string
	status        string          // as the server says
	expired       bool            // by our clock, whatever the server says
	revocation    *abi.Revocation // verified, nil if there is none
	record        []byte
	requested     int64 // these three as the server says
	opens         int64
	used          uint32
}

// isLive reports whether the grant has not ended, as the server says: whether it can be
// used now does not matter.
func (l *listed) isLive() bool {
	return l.status != api.GrantExpired && l.status != api.GrantRevoked && l.status != api.GrantReplaced
}

// plausible reports whether a grant with these terms can have the status that the server
// gives it.
func (l *listed) plausible() bool {
	switch l.status {
	case api.GrantActive, api.GrantSuspended, api.GrantLost, api.GrantRevoked, api.GrantReplaced:
		return true
	case api.GrantLater:
		return l.NotBefore != 0
	case api.GrantWaiting:
		return l.Kind == abi.GrantPending
	case api.GrantUsed:
		return l.Uses != 0
	case api.GrantExpired:
		return l.Expires != 0
	}
	return false
}

// Grants returns the grants that the own identity has issued and received, for people
// to look at, all of them; [Client.EachGrant] does not keep them in memory. Each is verified;
// its status is the server's word, backed by a verified
// receipt where one is given. A grant received that does not verify, or whose owner does
// not, is set apart with the reason: strangers and their records must not take the list
// away. One of our own that does not verify is an error. A server can leave grants out
// without saying so.
func (c *Client) Grants(ctx context.Context) (*GrantList, error) {
	list := new(GrantList)
	_, err := c.EachGrant(ctx, ListOptions{}, func(e GrantEntry) error {
		list.Add(e)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

// isVerdict reports whether err says something of a record, not of the way to it.
func isVerdict(err error) bool {
	return errors.Is(err, ErrVerification) || errors.Is(err, ErrRollback) || errors.Is(err, ErrNotFound)
}

// setApart keeps of a grant that does not verify the names that have their form.
func (c *Client) setApart(ctx context.Context, g *api.ListedGrant, why error) UnverifiedGrant {
	u := UnverifiedGrant{Err: why}
	if _, err := api.ParseID(g.ID); err == nil {
		u.ID = g.ID
	}
	if _, err := c.parsePerson(ctx, g.Owner); err == nil {
		u.Owner = g.Owner
	}
	return u
}

// lookup is the outcome of looking an owner up.
type lookup struct {
	*person
	err error
}

// openReceived verifies a grant to us. Who issued it is looked up by the name
// that the server gives, once per owner: the grant is then verified with the
// identity found, so that another name gains nothing.
func (c *Client) openReceived(ctx context.Context, svc *service, g *api.ListedGrant, owners map[string]*lookup) (*listed, error) {
	owner := owners[g.Owner]
	if owner == nil {
		if _, err := c.parsePerson(ctx, g.Owner); err != nil {
			return nil, mismatch("grant: it does not say who issued it")
		}
		p, err := c.lookUp(ctx, g.Owner)
		owner = &lookup{p, err}
		owners[g.Owner] = owner
	}
	if owner.err != nil {
		return nil, fmt.Errorf("grant received: %w", owner.err)
	}
	l, err := c.openListed(ctx, svc, owner.person, g)
	if err != nil {
		return nil, err
	}
	if l.Reader != c.me().ID {
		return nil, mismatch("grant: it is for somebody else")
	}
	return l, c.checkSharedState(ctx, l.Extensions.Checkpoint)
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
	l := &listed{
		Grant: v, owner: owner.id, reader: reader, status: g.Status, record: g.Record,
		requested: g.Requested, opens: g.Opens, used: g.Used,
	}
	l.expired = v.Expires != 0 && v.Expires <= uint64(c.clock().UnixMilli())
	switch {
	case g.Owner != l.owner || g.Reader != l.reader:
		return nil, mismatch("grant: it is listed under other names")
	case !l.plausible():
		return nil, mismatch("grant: it cannot have the status that it is listed with")
	}
	if len(g.Revocation) == 0 && len(g.Receipt) == 0 {
		return l, nil
	}
	return l, c.checkRevoked(ctx, svc, owner, l, g)
}

// checkRevoked verifies that revocation and receipt of a listed grant are about
// it, and keeps the revocation.
func (c *Client) checkRevoked(ctx context.Context, svc *service, owner *person, l *listed, g *api.ListedGrant) error {
	v, err := c.core.OpenRevocation(ctx, owner.record, g.Revocation)
	if err != nil {
		return unverified("revocation", err)
	}
	if v.Reader != l.Reader || v.Collection != l.Collection || v.Service != svc.ID || l.status != api.GrantRevoked {
		return mismatch("revocation: it belongs to another grant")
	}
	l.revocation = v
	if len(g.Receipt) == 0 { // the server was interrupted; asking again finishes it
		return nil
	}
	if _, _, err := c.core.OpenReceipt(ctx, svc.record, g.Revocation, g.Receipt); err != nil {
		return unverified("receipt", err)
	}
	return nil
}

// info is the grant in words.
func (l *listed) info() GrantInfo {
	status := l.status
	if l.isLive() && l.expired {
		status = api.GrantExpired
	}
	if status == api.GrantRevoked && l.revocation == nil {
		status = GrantReplaced
	}
	info := describeGrant(l.Grant, l.owner, l.reader)
	info.Status, info.Used = status, l.used
	if l.requested > 0 {
		info.Requested, info.Opens = instant(uint64(l.requested)), instant(uint64(max(l.opens, 0)))
	}
	return info
}

// describeGrant is a grant in words, an active one.
func describeGrant(g *abi.Grant, owner, reader string) GrantInfo {
	info := GrantInfo{
		ID: api.FormatID(g.Grant), Reader: reader, Owner: owner,
		Collection: api.FormatID(g.Collection), Epoch: g.Epoch, Status: api.GrantActive,
		NotBefore: instant(g.NotBefore), Expires: instant(g.Expires), Kind: kindText(g.Kind),
		Wait: time.Duration(min(g.Wait, maxWait)) * time.Millisecond, Uses: g.Uses,
	}
	for _, key := range g.Scope {
		info.Documents = append(info.Documents, api.FormatID(key))
	}
	return info
}

// maxWait keeps a waiting period, in milliseconds, within a time.Duration.
const maxWait = uint64(math.MaxInt64 / time.Millisecond)

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
