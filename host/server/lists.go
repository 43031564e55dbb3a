package server

import (
	"context"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// listReaders answers, to the owner, every grant that accounts for the readers of
// the newest record.
func (s *Server) listReaders(ctx context.Context, in *byID) (*api.Readers, error) {
	id, err := api.ParseID(in.ID)
	if err != nil {
		return nil, malformedID()
	}
	now, err := s.now(ctx)
	if err != nil {
		return nil, err
	}
	// The owner is known from the head: for a stranger nothing more is read.
	head, err := s.store.Head(ctx, id)
	if err != nil {
		return nil, err
	}
	if head.Owner != of(ctx).signer.id {
		return nil, absent()
	}
	head, grants, err := s.store.ReaderGrants(ctx, id)
	if err != nil {
		return nil, ours(err)
	}
	l := s.newLister(now)
	out := &api.Readers{ID: in.ID, Sequence: head.Sequence, Closed: head.Closed, Grants: make([]api.ListedGrant, 0, len(grants))}
	for i := range grants {
		entry, err := l.entry(ctx, &grants[i])
		if err != nil {
			return nil, err
		}
		out.Grants = append(out.Grants, entry)
	}
	return out, nil
}

// Bounds of list_grants: what the store gives but one, so that it is known whether
// there are more, and half of an answer for each direction, so that nobody's grants
// to the caller crowd out the caller's own.
const (
	maxShown  = store.MaxListed - 1
	shownHalf = (api.MaxAnswer - 1024) / 2
)

// listGrants lists what the caller has issued and received, newest first.
func (s *Server) listGrants(ctx context.Context, _ *none) (*api.ListGrants, error) {
	now, err := s.now(ctx)
	if err != nil {
		return nil, err
	}
	issued, err := s.store.IssuedGrants(ctx, of(ctx).signer.id, store.GrantCursor{}, store.MaxListed)
	if err != nil {
		return nil, err
	}
	received, err := s.store.ReceivedGrants(ctx, of(ctx).signer.id, store.GrantCursor{}, store.MaxListed)
	if err != nil {
		return nil, err
	}
	l := s.newLister(now)
	out := &api.ListGrants{}
	var moreIssued, moreReceived bool
	if out.Issued, moreIssued, err = l.newest(ctx, issued, maxShown, shownHalf); err != nil {
		return nil, err
	}
	out.Received, moreReceived, err = l.newest(ctx, received, maxShown, shownHalf)
	out.More = moreIssued || moreReceived
	return out, err
}

// A lister makes the entries of one answer and remembers what they share.
type lister struct {
	s           *Server
	now         int64
	revocations map[[16]byte]store.Revocation
	names       map[[32]byte]string
}

func (s *Server) newLister(now int64) *lister {
	return &lister{s: s, now: now, revocations: map[[16]byte]store.Revocation{}, names: map[[32]byte]string{}}
}

// newest makes entries of the first grants, most at most and as many as there is room for in
// JSON. At least one fits.
func (l *lister) newest(ctx context.Context, grants []store.Grant, most, room int) (out []api.ListedGrant, more bool, err error) {
	out = make([]api.ListedGrant, 0, min(len(grants), most))
	for i := range grants {
		entry, err := l.entry(ctx, &grants[i])
		if err != nil {
			return nil, false, err
		}
		if room -= sizeOf(&entry); room < 0 || i == most {
			return out, true, nil
		}
		out = append(out, entry)
	}
	return out, false, nil
}

// sizeOf bounds the bytes of an entry in JSON: binary in base64url, and some for
// names, quotes and commas.
func sizeOf(e *api.ListedGrant) int {
	const names = 240 // and numbers
	binary := len(e.Record) + len(e.Revocation) + len(e.Receipt)
	return names + len(e.ID) + len(e.Owner) + len(e.Reader) + len(e.Status) + (binary*4+8)/3
}

// entry makes one entry.
func (l *lister) entry(ctx context.Context, g *store.Grant) (e api.ListedGrant, err error) {
	e = api.ListedGrant{ID: api.FormatID(g.ID), Record: g.Record, Status: status(g, l.now)}
	if g.Uses != 0 {
		e.Used = g.Used
	}
	if g.Kind == abi.GrantPending && g.Requested != 0 {
		e.Requested, e.Opens = g.Requested, g.Requested+g.Wait
	}
	e.Owner, err = l.name(ctx, g.Owner)
	if err == nil {
		e.Reader, err = l.name(ctx, g.Reader)
	}
	if err != nil || g.Revocation == nil {
		return e, err
	}
	r, ok := l.revocations[*g.Revocation]
	if !ok {
		if r, err = l.s.store.Revocation(ctx, *g.Revocation); err != nil {
			return e, ours(err)
		}
		l.revocations[*g.Revocation] = r
	}
	e.Revocation, e.Receipt = r.Record, r.Receipt
	return e, nil
}

// name is the id of an identity in text form.
func (l *lister) name(ctx context.Context, id [32]byte) (string, error) {
	text, ok := l.names[id]
	if !ok {
		var err error
		if text, err = l.s.core.FormatID(ctx, abi.KindPerson, id); err != nil {
			return "", ours(err)
		}
		l.names[id] = text
	}
	return text, nil
}

// status is what a listed grant says about itself.
func status(g *store.Grant, now int64) string {
	switch {
	case g.Revocation != nil:
		return api.GrantRevoked
	case g.Superseded != nil:
		return api.GrantReplaced
	case g.Expires != 0 && g.Expires <= now:
		return api.GrantExpired
	case g.Lost:
		return api.GrantLost
	case g.Suspended:
		return api.GrantSuspended
	case g.Uses != 0 && g.Used >= g.Uses:
		return api.GrantUsed
	case g.NotBefore > now:
		return api.GrantLater
	case g.Kind == abi.GrantPending && (g.Requested == 0 || g.Requested+g.Wait > now):
		return api.GrantWaiting
	}
	return api.GrantActive
}
