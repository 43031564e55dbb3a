package server

import (
	"context"
	"errors"
	"maps"
	"sync"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// listCollections answers the caller's own collections.
func (s *Server) listCollections(ctx context.Context, _ *none) (*api.Collections, error) {
	heads, err := s.store.CollectionHeads(ctx, of(ctx).signer.id, store.CollectionCursor{}, store.MaxCollections)
	if err != nil {
		return nil, err
	}
	return s.answerHeads(ctx, heads, true)
}

// listOpenCollections answers those collections of somebody in which the caller may
// deposit. If there are none, or no such person, the answer is the same empty list.
func (s *Server) listOpenCollections(ctx context.Context, in *byID) (*api.Collections, error) {
	owner, err := s.personID(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	heads, err := s.store.CollectionHeads(ctx, owner, store.CollectionCursor{}, store.MaxCollections)
	if err != nil {
		return nil, err
	}
	var open []store.CollectionHead
	for i := range heads {
		head, err := s.policyOf(ctx, &heads[i].CollectionRecord)
		if errors.Is(err, errOverridden) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if head.mayDeposit(of(ctx).signer.id) {
			open = append(open, heads[i])
		}
	}
	return s.answerHeads(ctx, open, false)
}

// maxPolicies is how many policies are remembered.
const maxPolicies = 20_000

// A policy says who may deposit in a collection, as a record of it does.
type policy struct {
	owner   [32]byte
	deposit uint8
	authors map[[32]byte]bool
}

func (p *policy) mayDeposit(author [32]byte) bool {
	return author == p.owner || p.deposit == abi.DepositOpen || p.authors[author]
}

// policies remembers, by the hash of a collection record, what it says about deposits: a
// record never changes, and opening those of many collections takes long.
type policies struct {
	mu sync.Mutex
	of map[[32]byte]*policy
}

func (c *policies) get(record [32]byte) *policy {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.of[record]
}

func (c *policies) put(record *abi.Collection) *policy {
	p := &policy{owner: record.Owner, deposit: record.Deposit, authors: make(map[[32]byte]bool, len(record.Authors))}
	for _, a := range record.Authors {
		p.authors[a] = true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil || len(c.of) >= maxPolicies {
		c.of = map[[32]byte]*policy{}
	}
	c.of[record.Hash] = p
	return p
}

// forget forgets all policies, when versions of an owner are overridden.
func (c *policies) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.of = nil
}

// forgetOwner forgets those of one owner.
func (c *policies) forgetOwner(owner [32]byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.DeleteFunc(c.of, func(_ [32]byte, p *policy) bool { return p.owner == owner })
}

// policyOf returns the policy of a stored record.
func (s *Server) policyOf(ctx context.Context, head *store.CollectionRecord) (*policy, error) {
	if p := s.policies.get(head.Hash); p != nil {
		return p, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	opened, err := s.openHead(ctx, *head)
	if err != nil {
		return nil, err
	}
	return s.policies.put(opened), nil
}

// personID reads the id of an identity.
func (s *Server) personID(ctx context.Context, text string) (id [32]byte, err error) {
	kind, id, err := s.core.ParseID(ctx, text)
	if err == nil && kind != abi.KindPerson {
		err = refuse(api.CodeMalformed, "this is the id of a server, not of an identity")
	}
	return id, err
}
