package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/translog"
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
	if err := s.maySee(ctx, who, id); err != nil {
		return nil, err
	}
	chain, err := s.store.Collection(ctx, id)
	if err != nil {
		return nil, ours(err)
	}
	owner, err := s.core.FormatID(ctx, abi.KindPerson, chain[0].Owner)
	if err != nil {
		return nil, ours(err)
	}
	out := &api.Collection{ID: in.ID, Owner: owner, Records: make([]api.Bytes, 0, len(chain))}
	for _, link := range chain {
		out.Records = append(out.Records, link.Record)
	}
	head := &chain[len(chain)-1]
	out.Closed = head.Closed
	out.Logged, err = s.logged(ctx, translog.CollectionRef(id, head.Sequence))
	return out, err
}

// maySee refuses whoever is neither owner nor reader nor may deposit. A reader whose grant
// waits, or begins later, may see the chain, to verify what he was promised. It knows the
// head only, and does for an absent collection what it does for a strange one.
func (s *Server) maySee(ctx context.Context, who *signer, id [16]byte) error {
	now, err := s.now(ctx)
	if err != nil {
		return err
	}
	granted, err := s.store.HasGrant(ctx, id, who.id, now)
	if err != nil || granted {
		return err
	}
	_, err = s.mayDepositIn(ctx, who, id)
	if isAbsent(err) { // an owner whose newest record is by keys that he has overridden
		if head, failed := s.store.Head(ctx, id); failed == nil && head.Owner == who.id {
			return nil
		}
	}
	return err
}

func isAbsent(err error) bool {
	var p *problem
	return errors.As(err, &p) && p.Code == api.CodeNotFound
}

// mayDepositIn opens the newest record of a collection in which who may deposit
// keys; for anybody else, as for nothing, it is absent.
func (s *Server) mayDepositIn(ctx context.Context, who *signer, id [16]byte) (*abi.Collection, error) {
	stored, err := s.store.Head(ctx, id)
	missing := errors.Is(err, store.ErrNotFound)
	if missing {
		stored, err = s.standIn, nil // as much work as a real one
	}
	if err != nil {
		return nil, err
	}
	head, err := s.openHead(ctx, stored)
	if errors.Is(err, errOverridden) {
		return nil, absent()
	}
	if err != nil {
		return nil, err
	}
	if missing || !head.MayDeposit(who.id) {
		return nil, absent()
	}
	return head, nil
}

// makeStandIn makes a collection that nobody owns, to be opened when there is none.
func (s *Server) makeStandIn(ctx context.Context, suites []byte) error {
	seed, recovery := make([]byte, 32), make([]byte, 32)
	rand.Read(seed) // never fails
	rand.Read(recovery)
	owner, err := s.core.NewIdentity(ctx, seed, recovery, suites)
	if err != nil {
		return fmt.Errorf("make stand-in owner: %w", err)
	}
	opened, err := s.core.OpenIdentity(ctx, owner)
	if err != nil {
		return fmt.Errorf("open stand-in owner: %w", err)
	}
	record, err := s.core.NewCollection(ctx, seed, owner, nil, &abi.CollectionFields{Service: s.service.ID, Suite: slices.Max(suites)})
	if err != nil {
		return fmt.Errorf("make stand-in collection: %w", err)
	}
	s.standIn, s.standInOwner = store.CollectionRecord{Owner: opened.ID, Record: record}, owner
	return nil
}

// openHead opens the newest record of a stored chain, or the stand-in.
func (s *Server) openHead(ctx context.Context, head store.CollectionRecord) (*abi.Collection, error) {
	owner, err := s.newest(ctx, head.Owner)
	if errors.Is(err, store.ErrNotFound) && head.Owner == s.standIn.Owner {
		owner.Record, err = s.standInOwner, nil
	}
	if err != nil {
		return nil, ours(err)
	}
	opened, err := s.core.OpenCollection(ctx, owner.Record, head.Record, nil)
	if errors.Is(err, abi.ErrSignature) || errors.Is(err, abi.ErrMismatch) {
		return nil, errOverridden // it was good when it was stored
	}
	return opened, ours(err)
}

// errOverridden says that a collection record is by a version of its owner that the recovery
// key has overridden. Nobody deposits on it; the owner's next record follows it.
var errOverridden = errors.New("collection record of an overridden version")

// ours marks an error about what this server stored or made: no client is to
// blame for it.
func ours(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, abi.ErrStopped) {
		return err
	}
	return fmt.Errorf("%w: %w", errOurs, err)
}
