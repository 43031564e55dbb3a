package server

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// getCollection answers the chain to its owner, to readers with an active grant
// and to those who may deposit.
func (s *Server) getCollection(ctx context.Context, in *byID) (*api.Collection, error) {
	id, err := api.ParseID(in.ID)
	if err != nil {
		return nil, malformedID()
	}
	who := of(ctx).signer
	chain, err := s.store.Collection(ctx, id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	seen, err := s.maySee(ctx, who, id, chain)
	if err != nil {
		return nil, err
	}
	if !seen {
		return nil, absent()
	}
	owner, err := s.core.FormatID(ctx, abi.KindPerson, chain[0].Owner)
	if err != nil {
		return nil, err
	}
	out := &api.Collection{ID: in.ID, Owner: owner, Records: make([]api.Bytes, 0, len(chain))}
	for _, link := range chain {
		out.Records = append(out.Records, link.Record)
	}
	return out, nil
}

// maySee does its look-ups also for a chain that does not exist, so that a
// stranger learns little from the time an answer takes.
func (s *Server) maySee(ctx context.Context, who *signer, id [16]byte, chain []store.CollectionRecord) (bool, error) {
	now, err := s.now(ctx)
	if err != nil {
		return false, err
	}
	granted, err := s.store.HasGrant(ctx, id, who.id, now)
	if err != nil || granted {
		return granted && len(chain) > 0, err
	}
	if len(chain) == 0 {
		_, err := s.core.OpenIdentity(ctx, who.record) // as much work as reading a policy
		return false, ours(err)
	}
	if chain[0].Owner == who.id {
		return true, nil
	}
	head, err := s.openHead(ctx, chain[len(chain)-1])
	if err != nil {
		return false, err
	}
	return mayDeposit(head, who.id), nil
}

// openHead opens the newest record of a stored chain.
func (s *Server) openHead(ctx context.Context, head store.CollectionRecord) (*abi.Collection, error) {
	owner, err := s.newest(ctx, head.Owner)
	if err != nil {
		return nil, ours(err)
	}
	opened, err := s.core.OpenCollection(ctx, owner.Record, head.Record, nil)
	return opened, ours(err)
}

// mayDeposit reports whether the collection's policy lets id deposit keys.
func mayDeposit(c *abi.Collection, id [32]byte) bool {
	switch c.Deposit {
	case abi.DepositOpen:
		return true
	case abi.DepositListed:
		return id == c.Owner || slices.Contains(c.Authors, id)
	}
	return id == c.Owner
}

// ours marks an error about what this server stored or made: no client is to
// blame for it.
func ours(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, abi.ErrStopped) {
		return err
	}
	return fmt.Errorf("%w: %w", errOurs, err)
}
