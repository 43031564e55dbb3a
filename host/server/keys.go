package server

import (
	"context"
	"errors"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/keyring"
	"github.com/recrypt-service/recrypt/host/store"
)

// createKey stores the encrypted value of a document key. The caller is its
// author.
func (s *Server) createKey(ctx context.Context, in *request[api.CreateKey]) (*api.CreateKeyAnswer, error) {
	author := of(ctx).signer
	if len(in.Body.Value) == 0 {
		return nil, refuse(api.CodeMalformed, "the encrypted value is missing")
	}
	// Verified by itself first: only then is it known where it belongs. Any version of
	// the author will do: versions share their signing keys, and the key may have been
	// made before the newest one was.
	k, err := s.core.OpenKeyRecord(ctx, author.record, nil, in.Body.Record, in.Body.Value)
	if err != nil {
		return nil, err
	}
	head, err := s.mayDepositIn(ctx, author, k.Collection)
	if err != nil {
		return nil, err
	}
	if k.Epoch != head.Epoch {
		return nil, refuse(api.CodeConflict, "the key was made for another epoch; read the chain and make a new one")
	}
	if k.Service != s.service.ID || k.Author != author.id || k.Owner != head.Owner || k.Suite != head.Suite {
		return nil, refuse(api.CodeMismatch, "the key record does not belong to its collection, author and server")
	}
	err = s.store.PutKey(context.WithoutCancel(ctx), store.Key{
		ID: k.Key, Collection: k.Collection, Owner: k.Owner, Author: k.Author, Epoch: k.Epoch,
		Record: in.Body.Record, Value: in.Body.Value, Created: s.clock().UnixMilli(),
	})
	if err != nil {
		return nil, err
	}
	return &api.CreateKeyAnswer{ID: api.FormatID(k.Key)}, nil
}

// getKey answers the original to owner and author, a transformed value to a reader
// with an active grant, and one and the same "not found" to everybody else.
func (s *Server) getKey(ctx context.Context, in *byID) (*api.Key, error) {
	id, err := api.ParseID(in.ID)
	if err != nil {
		return nil, malformedID()
	}
	who := of(ctx).signer
	key, err := s.store.Key(ctx, id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	if err == nil && (key.Owner == who.id || key.Author == who.id) {
		return s.answerKey(ctx, &key, 0, key.Value, nil)
	}
	// An absent key goes on with zero ids: the same look-ups, which find nothing.
	value, grant, err := s.transform(ctx, &key, who)
	if err != nil {
		return nil, err
	}
	return s.answerKey(ctx, &key, 1, value, grant)
}

// transform applies the caller's grant. The grant is read again after the
// arithmetic: if a revocation (or a newer grant) came in between, the result is
// dropped. So a transform that succeeds took place before any revocation that
// had been answered.
func (s *Server) transform(ctx context.Context, key *store.Key, who *signer) (value, grant []byte, err error) {
	const attempts = 3 // a newer grant may replace the one at hand
	for range attempts {
		g, err := s.grantOf(ctx, key, who)
		if err != nil {
			return nil, nil, err
		}
		value, err := s.apply(ctx, key, &g)
		if err != nil && !errors.Is(err, keyring.ErrDestroyed) {
			return nil, nil, err
		}
		again, errAgain := s.grantOf(ctx, key, who)
		if errAgain != nil {
			return nil, nil, errAgain
		}
		if err == nil && again.ID == g.ID {
			return value, g.Record, nil
		}
	}
	return nil, nil, absent()
}

func (s *Server) grantOf(ctx context.Context, key *store.Key, who *signer) (store.Grant, error) {
	now, err := s.now(ctx)
	if err != nil {
		return store.Grant{}, err
	}
	return s.store.ActiveGrant(ctx, key.Collection, key.Epoch, who.id, now)
}

// apply opens the sealed transform key of a grant, uses it once and wipes it. It
// is the only place that holds one after a grant was stored.
func (s *Server) apply(ctx context.Context, key *store.Key, g *store.Grant) ([]byte, error) {
	transformKey, err := s.keyring.Open(ctx, g.ID, g.Sealed)
	if errors.Is(err, keyring.ErrDestroyed) {
		return nil, err
	}
	if err != nil {
		return nil, ours(err)
	}
	defer clear(transformKey)
	value, err := s.core.TransformKeyValue(ctx, s.seed, key.Value, transformKey)
	return value, ours(err)
}

// answerKey adds everything that the caller needs to verify the value.
func (s *Server) answerKey(ctx context.Context, key *store.Key, level int, value, grant []byte) (*api.Key, error) {
	author, err := s.newest(ctx, key.Author)
	if err != nil {
		return nil, ours(err)
	}
	owner, err := s.newest(ctx, key.Owner)
	if err != nil {
		return nil, ours(err)
	}
	collection, err := s.store.EpochHead(ctx, key.Collection, key.Epoch)
	if err != nil {
		return nil, ours(err)
	}
	return &api.Key{
		ID: api.FormatID(key.ID), Level: level, Value: value, Record: key.Record,
		Author: author.Record, Owner: owner.Record, Collection: collection.Record, Grant: grant,
	}, nil
}
