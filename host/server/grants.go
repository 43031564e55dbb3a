package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/translog"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// proposal is a verified grant_access request.
type proposal struct {
	raw      []byte // the next collection record
	record   *abi.Collection
	head     store.CollectionRecord   // what it follows; zero for a new collection
	repeated bool                     // raw is the stored head already
	older    []store.CollectionRecord // the stored chain, once a grant has needed it
	grants   []store.Grant            // Sealed not set yet
	keys     []api.Bytes              // transform keys, parallel to grants
	created  int64                    // when the record was stored
}

// grantAccess appends a record to a collection and stores the grants it needs.
// Everything that can be checked is checked before anything is stored.
func (s *Server) grantAccess(ctx context.Context, in *request[api.GrantAccess]) (*api.GrantAccessAnswer, error) {
	for i := range in.Body.Grants {
		defer clear(in.Body.Grants[i].TransformKey)
	}
	if len(in.Body.Grants) > api.MaxGrants {
		return nil, refuse(api.CodeTooLarge, fmt.Sprintf("one request may carry %d grants", api.MaxGrants))
	}
	owner := of(ctx).signer
	leave, err := s.crowds.enter(owner.id, len(in.Body.Grants))
	if err != nil {
		return nil, err
	}
	defer leave()
	now, err := s.now(ctx)
	if err != nil {
		return nil, err
	}
	p, err := s.link(ctx, owner, in.Body.Collection)
	if err != nil && of(ctx).again {
		p, err = s.grantedBefore(ctx, owner, in.Body.Collection, err)
	}
	if err != nil {
		return nil, err
	}
	if p.repeated {
		return s.answerAgain(ctx, p, in.Body.Grants)
	}
	if err := s.propose(ctx, owner, p, in.Body.Grants, now); err != nil {
		return nil, err
	}
	if err := s.storeProposal(context.WithoutCancel(ctx), owner, p); err != nil {
		return nil, err
	}
	ids := make([]string, 0, len(p.grants))
	for i := range p.grants {
		ids = append(ids, api.FormatID(p.grants[i].ID))
	}
	return s.granted(ctx, p, ids)
}

// answerAgain answers a request that was carried out before, if its grants are the
// same. That is told by their bytes, so that repeating it costs next to nothing.
func (s *Server) answerAgain(ctx context.Context, p *proposal, grants []api.Grant) (*api.GrantAccessAnswer, error) {
	stored, err := s.store.RecordGrants(ctx, p.record.Collection, p.record.Sequence)
	if err != nil {
		return nil, err
	}
	ids := make(map[string]string, len(stored))
	for i := range stored {
		ids[string(stored[i].Record)] = api.FormatID(stored[i].ID)
	}
	again := make([]string, 0, len(grants))
	for i := range grants {
		id, ok := ids[string(grants[i].Record)]
		if !ok {
			break
		}
		delete(ids, string(grants[i].Record))
		again = append(again, id)
	}
	if len(again) != len(grants) || len(ids) != 0 {
		return nil, refuse(api.CodeConflict, "the record is stored with other grants; read the chain again and retry")
	}
	return s.granted(ctx, p, again)
}

// granted answers for a stored record, with a receipt that is the same each time.
func (s *Server) granted(ctx context.Context, p *proposal, ids []string) (*api.GrantAccessAnswer, error) {
	receipt, err := s.core.NewReceipt(ctx, s.seed, s.record, p.raw, uint64(p.created), 0)
	if err != nil {
		return nil, ours(err)
	}
	out := &api.GrantAccessAnswer{
		Collection: api.FormatID(p.record.Collection), Sequence: p.record.Sequence, Grants: ids, Receipt: receipt,
	}
	out.Logged, err = s.logged(ctx, translog.CollectionRef(p.record.Collection, p.record.Sequence))
	return out, err
}

// link verifies the next collection record and how it continues the stored chain.
func (s *Server) link(ctx context.Context, owner *signer, raw []byte) (*proposal, error) {
	record, err := s.core.OpenCollection(ctx, owner.record, raw, nil)
	if err != nil {
		return nil, err
	}
	if record.Service != s.service.ID {
		return nil, refuse(api.CodeMismatch, "the collection record names another server")
	}
	if record.Sequence > math.MaxInt64 {
		return nil, refuse(api.CodeRejected, "the sequence is out of bounds")
	}
	p := &proposal{raw: raw, record: record}
	head, err := s.store.Head(ctx, record.Collection)
	found := err == nil
	switch {
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return nil, err
	case !found || head.Owner != owner.id:
		return p, p.first(owner, found)
	case bytes.Equal(head.Record, raw):
		p.repeated, p.created = true, head.Created
		return p, nil
	case record.Sequence != head.Sequence+1 || record.Previous != head.Hash:
		return nil, refuse(api.CodeConflict, "the record does not follow the newest one; read the chain again and retry")
	case record.OwnerVersion < owner.since:
		return nil, superseded("the collection record")
	}
	p.head = head
	if err := s.follow(ctx, owner, p); err != nil {
		return nil, err
	}
	return p, nil
}

// follow judges a record that is next by its numbers.
func (s *Server) follow(ctx context.Context, owner *signer, p *proposal) error {
	size, err := s.store.ChainSize(ctx, p.record.Collection)
	if err != nil {
		return err
	}
	if err := roomFor(size+int64(len(p.raw)), p.record.Sequence+1); err != nil {
		return err
	}
	if _, err := s.core.OpenCollection(ctx, owner.record, p.raw, p.head.Record); err != nil {
		return err
	}
	if p.head.Closed && p.record.Epoch == p.head.Epoch {
		return closed()
	}
	return nil
}

// closed refuses what belongs to an epoch that a revocation has closed.
func closed() *problem {
	return refuse(api.CodeClosed, "a reader was revoked: the owner has to open the next epoch first")
}

// superseded refuses a record that was made under keys that have been changed since.
func superseded(what string) *problem {
	return refuse(api.CodeRejected, what+" names a version from before its signer changed his keys; make it anew")
}

// first judges a record without a chain of the caller before it. Only sequence 0
// can open one; anything later looks the same whether the collection is absent or
// somebody else's.
func (p *proposal) first(owner *signer, taken bool) error {
	switch {
	case p.record.Sequence != 0:
		return absent()
	case taken:
		return refuse(api.CodeExists, "choose a new random id")
	case p.record.OwnerVersion < owner.since:
		return superseded("the collection record")
	}
	return nil
}

// roomFor keeps a chain small enough to be answered in one piece: records of size
// bytes together, in base64url with quotes and commas, and the proof of the last one.
func roomFor(size int64, records uint64) error {
	const perRecord, others = 8, 20 << 10
	if size/3*4+perRecord*int64(records) > api.MaxAnswer-others {
		return refuse(api.CodeTooLarge, "the chain of this collection is full; open another collection")
	}
	return nil
}
