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
	if of(ctx).again { // it was stored, whatever has become of it since
		return &api.CreateKeyAnswer{ID: api.FormatID(k.Key)}, nil
	}
	const attempts = 5
	for i := 1; ; i++ {
		head, err := s.mayDepositIn(ctx, author, k.Collection)
		if err != nil {
			return nil, err
		}
		err = s.placeKey(ctx, author, k, head, &in.Body)
		if errors.Is(err, store.ErrConflict) && head.Epoch == k.Epoch && i < attempts {
			continue // the collection has moved on since it was read: judge anew
		}
		if err != nil {
			return nil, depositRefused(err)
		}
		return &api.CreateKeyAnswer{ID: api.FormatID(k.Key)}, nil
	}
}

// placeKey stores a key that was verified by itself, judged by the collection's record head.
// That is store.ErrConflict if head is not the newest record any more.
func (s *Server) placeKey(ctx context.Context, author *signer, k *abi.KeyRecord, head *abi.Collection, in *api.CreateKey) (err error) {
	if k.Service != s.service.ID || k.Author != author.id || k.Owner != head.Owner || k.Suite != head.Suite {
		return refuse(api.CodeMismatch, "the key record does not belong to its collection, author and server")
	}
	if k.AuthorVersion < author.since {
		return superseded("the key record")
	}
	key := store.Key{
		ID: k.Key, Collection: k.Collection, Owner: k.Owner, Author: k.Author, Epoch: k.Epoch,
		Record: in.Record, Value: in.Value, Judged: head.Hash,
	}
	if key.Accepted, err = s.accepted(ctx, head, author.id); err != nil {
		return err
	}
	if key.Created, err = s.now(ctx); err != nil {
		return err
	}
	line := s.entry(ctx, translog.Entry{
		Kind: translog.Deposited, Time: key.Created, Owner: k.Owner, Collection: k.Collection, Epoch: k.Epoch,
		Actor: author.id, Key: k.Key, Record: sha256.Sum256(in.Record),
	})
	// Whether the epoch is the newest, and open, the record still the one by which the author
	// may deposit, and how much waits already, is looked at there: none of it may change before
	// the key is stored.
	return s.store.PutKey(context.WithoutCancel(ctx), key, api.MaxWaiting, []store.LogEntry{line})
}

// depositRefused tells an author why a key cannot be stored.
func depositRefused(err error) error {
	switch {
	case errors.Is(err, store.ErrConflict):
		return refuse(api.CodeConflict, "the collection has moved on; read the chain and make a new key")
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

// ownCollection reads the id of a collection and of an author in a request that is the
// owner's only.
func (s *Server) ownCollection(ctx context.Context, collection, who string) (head store.CollectionRecord, author [32]byte, err error) {
	id, err := api.ParseID(collection)
	if err != nil {
		return head, author, malformedID()
	}
	if author, err = s.personID(ctx, who); err != nil {
		return head, author, err
	}
	if head, err = s.store.Head(ctx, id); err != nil {
		return head, author, err
	}
	if head.Owner != of(ctx).signer.id {
		return head, author, absent()
	}
	return head, author, nil
}

// aboutAuthor is the ledger's line about what the owner of a collection decided about an
// author.
func (s *Server) aboutAuthor(ctx context.Context, kind translog.Kind, now int64, head *store.CollectionRecord, author [32]byte) []store.LogEntry {
	return []store.LogEntry{s.entry(ctx, translog.Entry{
		Kind: kind, Time: now, Owner: head.Owner, Collection: head.Collection, Epoch: head.Epoch, Actor: head.Owner, Subject: author,
	})}
}

// acceptAuthor ends the waiting of what an author has deposited, and will.
func (s *Server) acceptAuthor(ctx context.Context, in *aboutAuthor[api.AcceptAuthor]) (*api.AcceptAuthorAnswer, error) {
	head, author, err := s.ownCollection(ctx, in.ID, in.Body.Author)
	if err != nil {
		return nil, err
	}
	if author == head.Owner {
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
	line := s.aboutAuthor(ctx, translog.Accepted, now, &head, author)
	n, err := s.store.AcceptAuthor(context.WithoutCancel(ctx), head.Collection, author, now, line)
	return &api.AcceptAuthorAnswer{Accepted: n}, err
}

// refuseAuthor deletes what waits of an author, so that a flood can be got rid of.
func (s *Server) refuseAuthor(ctx context.Context, in *aboutAuthor[api.RefuseAuthor]) (*api.RefuseAuthorAnswer, error) {
	head, author, err := s.ownCollection(ctx, in.ID, in.Body.Author)
	if err != nil {
		return nil, err
	}
	now, err := s.now(ctx)
	if err != nil {
		return nil, err
	}
	line := s.aboutAuthor(ctx, translog.Refused, now, &head, author)
	n, err := s.store.RefuseAuthor(context.WithoutCancel(ctx), head.Collection, author, line)
	return &api.RefuseAuthorAnswer{Refused: n}, err
}

// listDeposits answers whose deposits wait for the caller's acceptance, who came last first:
// a few keys of each, so that nobody hides others by depositing much. When they are accepted
// or refused, there is room for those who were not listed.
func (s *Server) listDeposits(ctx context.Context, _ *none) (*api.Deposits, error) {
	waiting, err := s.store.Waiting(ctx, of(ctx).signer.id, store.MaxListed)
	if err != nil {
		return nil, err
	}
	l := s.newLister(0)
	out := &api.Deposits{Waiting: make([]api.Waiting, len(waiting))}
	for i, w := range waiting {
		author, err := l.name(ctx, w.Author)
		if err != nil {
			return nil, err
		}
		out.Waiting[i] = api.Waiting{Collection: api.FormatID(w.Collection), Author: author, Count: w.Count}
		for _, key := range w.Keys {
			out.Waiting[i].Keys = append(out.Waiting[i].Keys, api.FormatID(key))
		}
	}
	return out, nil
}
