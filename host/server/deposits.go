package server

import (
	"context"
	"crypto/sha256"
	"errors"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/translog"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// createKey stores the encrypted value of a document key. The caller is its
// author.
func (s *Server) createKey(ctx context.Context, in *request[api.CreateKey]) (*api.CreateKeyAnswer, error) {
	author := of(ctx).signer
	if len(in.Body.Value) == 0 {
		return nil, refuse(api.CodeMalformed, "the encrypted value is missing")
	}
	// Verified by itself first: only then is it known where it belongs. Any version of
	// the author with his present keys will do: the key may have been made before the
	// newest one was.
	k, err := s.core.OpenKeyRecord(ctx, author.record, nil, in.Body.Record, in.Body.Value)
	if err != nil {
		return nil, err
	}
	head, err := s.mayDepositIn(ctx, author, k.Collection)
	if err != nil {
		return nil, err
	}
	if k.Service != s.service.ID || k.Author != author.id || k.Owner != head.Owner || k.Suite != head.Suite {
		return nil, refuse(api.CodeMismatch, "the key record does not belong to its collection, author and server")
	}
	if k.AuthorVersion < author.since {
		return nil, superseded("the key record")
	}
	key := store.Key{
		ID: k.Key, Collection: k.Collection, Owner: k.Owner, Author: k.Author, Epoch: k.Epoch,
		Record: in.Body.Record, Value: in.Body.Value,
	}
	if key.Accepted, err = s.accepted(ctx, head, author.id); err != nil {
		return nil, err
	}
	if key.Created, err = s.now(ctx); err != nil {
		return nil, err
	}
	line := s.entry(ctx, translog.Entry{
		Kind: translog.Deposited, Time: key.Created, Owner: k.Owner, Collection: k.Collection, Epoch: k.Epoch,
		Actor: author.id, Key: k.Key, Record: sha256.Sum256(in.Body.Record),
	})
	// Whether the epoch is the newest, and open, and how much waits already, is looked at
	// there: none of it may change before the key is stored.
	if err := s.store.PutKey(context.WithoutCancel(ctx), key, api.MaxWaiting, []store.LogEntry{line}); err != nil {
		return nil, depositRefused(err)
	}
	return &api.CreateKeyAnswer{ID: api.FormatID(k.Key)}, nil
}

// depositRefused tells an author why a key cannot be stored.
func depositRefused(err error) error {
	switch {
	case errors.Is(err, store.ErrConflict):
		return refuse(api.CodeConflict, "the key was made for another epoch; read the chain and make a new one")
	case errors.Is(err, store.ErrClosed):
		return closed()
	case errors.Is(err, store.ErrQuota):
		return refuse(api.CodeQuota, "your deposits wait until the owner accepts you as an author")
	}
	return err
}

// accepted reports whether what an author deposits is for readers at once: in a
// collection that is open to everybody, the owner accepts authors one by one.
func (s *Server) accepted(ctx context.Context, head *abi.Collection, author [32]byte) (bool, error) {
	if author == head.Owner || head.Deposit != abi.DepositOpen {
		return true, nil
	}
	return s.store.Accepted(ctx, head.Collection, author)
}

// acceptAuthor ends the waiting of what an author has deposited, and will.
func (s *Server) acceptAuthor(ctx context.Context, in *acceptAuthor) (*api.AcceptAuthorAnswer, error) {
	id, err := api.ParseID(in.ID)
	if err != nil {
		return nil, malformedID()
	}
	author, err := s.personID(ctx, in.Body.Author)
	if err != nil {
		return nil, err
	}
	head, err := s.store.Head(ctx, id)
	if err != nil {
		return nil, err
	}
	owner := of(ctx).signer
	if head.Owner != owner.id {
		return nil, absent()
	}
	if author == owner.id {
		return &api.AcceptAuthorAnswer{}, nil
	}
	if _, err := s.newest(ctx, author); errors.Is(err, store.ErrNotFound) {
		return nil, refuse(api.CodeRejected, "the author's identity is not published here")
	} else if err != nil {
		return nil, err
	}
	now, err := s.now(ctx)
	if err != nil {
		return nil, err
	}
	line := s.entry(ctx, translog.Entry{
		Kind: translog.Accepted, Time: now, Owner: owner.id, Collection: id, Epoch: head.Epoch, Actor: owner.id, Subject: author,
	})
	n, err := s.store.AcceptAuthor(context.WithoutCancel(ctx), id, author, now, []store.LogEntry{line})
	return &api.AcceptAuthorAnswer{Accepted: n}, err
}

// listDeposits answers what waits for the caller's acceptance, the oldest first, at most
// store.MaxListed keys: when they are accepted, there is room for others.
func (s *Server) listDeposits(ctx context.Context, _ *none) (*api.Deposits, error) {
	keys, err := s.store.Waiting(ctx, of(ctx).signer.id, store.MaxListed)
	if err != nil {
		return nil, err
	}
	type place struct {
		collection [16]byte
		author     [32]byte
	}
	l, at := s.newLister(0), map[place]int{}
	out := &api.Deposits{Waiting: []api.Waiting{}}
	for i := range keys {
		k := &keys[i]
		where := place{k.Collection, k.Author}
		n, ok := at[where]
		if !ok {
			author, err := l.name(ctx, k.Author)
			if err != nil {
				return nil, err
			}
			n = len(out.Waiting)
			at[where] = n
			out.Waiting = append(out.Waiting, api.Waiting{Collection: api.FormatID(k.Collection), Author: author})
		}
		out.Waiting[n].Keys = append(out.Waiting[n].Keys, api.FormatID(k.ID))
	}
	return out, nil
}
