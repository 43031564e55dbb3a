package server

import (
	"context"
	"errors"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/translog"
)

// requestAccess starts the wait of every pending grant of an owner to the caller. One
// that runs already goes on. Nothing to ask for, and nobody of that id, look the same.
func (s *Server) requestAccess(ctx context.Context, in *request[api.Request]) (*api.Requested, error) {
	owner, err := s.personID(ctx, in.Body.Owner)
	if err != nil {
		return nil, err
	}
	reader := of(ctx).signer.id
	now, pending, err := s.pending(ctx, owner, reader)
	if err != nil {
		return nil, err
	}
	if len(pending) == 0 && !of(ctx).again {
		return nil, absent()
	}
	out := &api.Requested{Grants: make([]api.RequestedGrant, 0, len(pending))}
	since := map[[16]byte]int64{}
	for i := range pending {
		g := &pending[i]
		at, ok := since[g.Collection]
		if !ok {
			line := s.entry(ctx, translog.Entry{
				Kind: translog.Requested, Time: now, Owner: owner, Collection: g.Collection, Epoch: g.Epoch, Actor: reader, Grant: g.ID,
			})
			at, err = s.store.PutRequest(context.WithoutCancel(ctx), g.Collection, reader, now, []store.LogEntry{line})
			if err != nil {
				return nil, err
			}
			since[g.Collection] = at
		}
		out.Grants = append(out.Grants, api.RequestedGrant{
			ID: api.FormatID(g.ID), Collection: api.FormatID(g.Collection), Opens: at + g.Wait,
		})
	}
	return out, nil
}

// vetoRequest ends the waits of a reader that are not over yet.
func (s *Server) vetoRequest(ctx context.Context, in *request[api.Veto]) (*api.Vetoed, error) {
	reader, err := s.personID(ctx, in.Body.Reader)
	if err != nil {
		return nil, err
	}
	owner := of(ctx).signer.id
	now, pending, err := s.pending(ctx, owner, reader)
	if err != nil {
		return nil, err
	}
	over, running := map[[16]byte]bool{}, map[[16]byte]*store.Grant{}
	for i := range pending {
		switch g := &pending[i]; {
		case g.Requested == 0:
		case g.Requested+g.Wait <= now:
			over[g.Collection] = true
		case running[g.Collection] == nil:
			running[g.Collection] = g
		}
	}
	out := &api.Vetoed{Collections: []string{}}
	for i := range pending {
		g := &pending[i]
		if running[g.Collection] != g || over[g.Collection] {
			continue
		}
		if dropped, err := s.dropRequest(ctx, g, now); err != nil {
			return nil, err
		} else if dropped {
			out.Collections = append(out.Collections, api.FormatID(g.Collection))
		}
	}
	switch {
	case len(out.Collections) > 0 || of(ctx).again && len(over) == 0:
		return out, nil
	case len(over) > 0: // also when it was cut off before, and the rest comes too late
		return nil, refuse(api.CodeConflict, "the wait is over and the reader has access; revoke instead")
	}
	return nil, absent()
}

// dropRequest ends the wait for a grant and its like, unless somebody else was faster.
func (s *Server) dropRequest(ctx context.Context, g *store.Grant, now int64) (dropped bool, err error) {
	line := s.entry(ctx, translog.Entry{
		Kind: translog.Vetoed, Time: now, Owner: g.Owner, Collection: g.Collection, Epoch: g.Epoch, Actor: g.Owner, Subject: g.Reader, Grant: g.ID,
	})
	err = s.store.DropRequest(context.WithoutCancel(ctx), g.Collection, g.Reader, []store.LogEntry{line})
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// pending returns the grants of an owner that a reader may ask for, or has.
func (s *Server) pending(ctx context.Context, owner, reader [32]byte) (now int64, out []store.Grant, err error) {
	if now, err = s.now(ctx); err != nil {
		return 0, nil, err
	}
	all, err := s.store.PendingGrants(ctx, owner, reader)
	for _, g := range all {
		if !g.Suspended && (g.Expires == 0 || g.Expires > now) {
			out = append(out, g)
		}
	}
	return now, out, err
}
