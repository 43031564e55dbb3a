package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/keyring"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// proposal is a verified grant_access request.
type proposal struct {
	raw      []byte // the next collection record
	record   *abi.Collection
	repeated bool                     // raw is the stored head already
	older    []store.CollectionRecord // the stored chain, once a grant has needed it
	grants   []store.Grant            // Sealed not set yet
	keys     []api.Bytes              // transform keys, parallel to grants
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
	now, err := s.now(ctx)
	if err != nil {
		return nil, err
	}
	p, err := s.link(ctx, owner, in.Body.Collection)
	if err != nil {
		return nil, err
	}
	if p.repeated {
		return s.answerAgain(ctx, p, in.Body.Grants)
	}
	for i := range in.Body.Grants {
		if err := s.propose(ctx, owner, p, &in.Body.Grants[i], now); err != nil {
			return nil, err
		}
	}
	if err := s.storeProposal(context.WithoutCancel(ctx), owner, p); err != nil {
		return nil, err
	}
	out := &api.GrantAccessAnswer{
		Collection: api.FormatID(p.record.Collection), Sequence: p.record.Sequence,
		Grants: make([]string, 0, len(p.grants)),
	}
	for i := range p.grants {
		out.Grants = append(out.Grants, api.FormatID(p.grants[i].ID))
	}
	return out, nil
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
	out := &api.GrantAccessAnswer{
		Collection: api.FormatID(p.record.Collection), Sequence: p.record.Sequence,
		Grants: make([]string, 0, len(grants)),
	}
	for i := range grants {
		id, ok := ids[string(grants[i].Record)]
		if !ok {
			break
		}
		delete(ids, string(grants[i].Record))
		out.Grants = append(out.Grants, id)
	}
	if len(out.Grants) != len(grants) || len(ids) != 0 {
		return nil, refuse(api.CodeConflict, "the record is stored with other grants; read the chain again and retry")
	}
	return out, nil
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
		return p, p.first(found)
	case bytes.Equal(head.Record, raw):
		p.repeated = true
		return p, nil
	case record.Sequence != head.Sequence+1 || record.Previous != head.Hash:
		return nil, refuse(api.CodeConflict, "the record does not follow the newest one; read the chain again and retry")
	}
	size, err := s.store.ChainSize(ctx, record.Collection)
	if err != nil {
		return nil, err
	}
	if err := roomFor(size+int64(len(raw)), record.Sequence+1); err != nil {
		return nil, err
	}
	_, err = s.core.OpenCollection(ctx, owner.record, raw, head.Record)
	return p, err
}

// first judges a record without a chain of the caller before it. Only sequence 0
// can open one; anything later looks the same whether the collection is absent or
// somebody else's.
func (p *proposal) first(taken bool) error {
	if p.record.Sequence != 0 {
		return absent()
	}
	if taken {
		return refuse(api.CodeExists, "choose a new random id")
	}
	return nil
}

// roomFor keeps a chain small enough to be answered in one piece: records of size
// bytes together, in base64url with quotes and commas.
func roomFor(size int64, records uint64) error {
	const perRecord = 8
	if size/3*4+perRecord*int64(records) > api.MaxAnswer-1024 {
		return refuse(api.CodeTooLarge, "the chain of this collection is full; open another collection")
	}
	return nil
}

// propose verifies one grant completely and adds it to p.
func (s *Server) propose(ctx context.Context, owner *signer, p *proposal, in *api.Grant, now int64) error {
	if len(in.Record) > api.MaxGrantRecord {
		return refuse(api.CodeTooLarge, fmt.Sprintf("a grant record may have %d bytes", api.MaxGrantRecord))
	}
	g, err := s.core.OpenGrant(ctx, owner.record, nil, nil, in.Record, nil)
	if err != nil {
		return err
	}
	if err := s.judge(g, p, now); err != nil {
		return err
	}
	reader, err := s.newest(ctx, g.Reader)
	if errors.Is(err, store.ErrNotFound) {
		return refuse(api.CodeRejected, "the reader's identity is not published here")
	}
	if err != nil {
		return err
	}
	if reader.Version < g.ReaderVersion { // an older one is good: see package protocol
		return refuse(api.CodeRejected, "the reader's identity has no such version here; look it up again")
	}
	record, err := s.recordOf(ctx, p, g)
	if err != nil {
		return err
	}
	if len(in.TransformKey) == 0 {
		return refuse(api.CodeMalformed, "a grant comes without its transform key")
	}
	// The whole check: reader's key, transform key, its hash, signature and subgroup.
	if _, err := s.core.OpenGrant(ctx, owner.record, record, reader.Record, in.Record, in.TransformKey); err != nil {
		return err
	}
	p.grants = append(p.grants, store.Grant{
		ID: g.Grant, Collection: g.Collection, Owner: owner.id, Reader: g.Reader, Epoch: g.Epoch,
		ReaderVersion: g.ReaderVersion, Record: in.Record, NotBefore: int64(g.NotBefore), Expires: int64(g.Expires),
		Uses: g.Uses, Created: now,
	})
	p.keys = append(p.keys, in.TransformKey)
	return nil
}

// judge applies the rules that need no cryptography.
func (s *Server) judge(g *abi.Grant, p *proposal, now int64) error {
	switch {
	case g.Service != s.service.ID:
		return refuse(api.CodeMismatch, "a grant names another server")
	case g.Collection != p.record.Collection:
		return refuse(api.CodeMismatch, "a grant is for another collection")
	case g.Epoch > p.record.Epoch:
		return refuse(api.CodeMismatch, "a grant is for an epoch that the collection does not have")
	case g.Kind != abi.GrantDirect || len(g.Scope) != 0 || g.Wait != 0 || g.Uses != 0:
		return refuse(api.CodeUnimplemented, "only direct grants without scope, waiting period and use limit are offered")
	case g.NotBefore > math.MaxInt64 || g.Expires > math.MaxInt64:
		return refuse(api.CodeRejected, "a time is out of bounds")
	case g.Expires != 0 && int64(g.Expires) <= now:
		return refuse(api.CodeRejected, "a grant has expired already")
	}
	for i := range p.grants {
		if other := &p.grants[i]; other.ID == g.Grant || (other.Reader == g.Reader && other.Epoch == g.Epoch) {
			return refuse(api.CodeRejected, "two grants have the same id, or the same reader and epoch")
		}
	}
	return nil
}

// recordOf finds the collection record that a grant names: the new one, usually, or
// the newest of an older epoch. Any other in the chain is as good, but then the
// whole chain is read, once per request.
func (s *Server) recordOf(ctx context.Context, p *proposal, g *abi.Grant) ([]byte, error) {
	if g.CollectionHash == p.record.Hash {
		return p.raw, nil
	}
	newest, err := s.store.EpochHead(ctx, g.Collection, g.Epoch)
	if err == nil && newest.Hash == g.CollectionHash {
		return newest.Record, nil
	}
	if err == nil && p.older == nil {
		p.older, err = s.store.Collection(ctx, g.Collection)
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	for i := range p.older {
		if p.older[i].Hash == g.CollectionHash {
			return p.older[i].Record, nil
		}
	}
	return nil, refuse(api.CodeMismatch, "a grant names a collection record that is not in the chain")
}

// storeProposal seals the transform keys and stores record and grants. The keys
// come first: a crash in between leaves keys without grants, which the next start
// destroys, never a grant without its key.
func (s *Server) storeProposal(ctx context.Context, owner *signer, p *proposal) error {
	s.granting.Lock()
	defer s.granting.Unlock()
	if err := s.recheck(ctx, p); err != nil {
		return err
	}
	now, err := s.now(ctx) // under the lock, so that records and revocations are in order
	if err != nil {
		return err
	}
	link := store.CollectionRecord{
		Collection: p.record.Collection, Owner: owner.id, Sequence: p.record.Sequence, Epoch: p.record.Epoch,
		Record: p.raw, Hash: p.record.Hash, Created: now,
	}
	if p.repeated {
		// Accepted without effect, if the grants are the same: nothing is sealed.
		for i := range p.grants {
			p.grants[i].Sealed = []byte{0}
		}
		_, err := s.store.PutCollection(ctx, link, p.record.Previous, p.grants)
		return err
	}
	if err := s.checkReaders(ctx, p, now); err != nil {
		return err
	}
	fresh, err := s.sealKeys(ctx, p)
	if err != nil {
		return err
	}
	superseded, err := s.store.PutCollection(ctx, link, p.record.Previous, p.grants)
	if err != nil {
		return s.undo(ctx, p, fresh, err)
	}
	if err := s.destroy(ctx, superseded...); err != nil {
		// The grants are stored and their old keys unreachable; the next start
		// destroys what is left of them.
		s.log.Error("superseded transform keys stay until the next start", "error", err)
	}
	return nil
}

// recheck looks, under the lock, whether the chain is still where link found it.
func (s *Server) recheck(ctx context.Context, p *proposal) error {
	head, err := s.store.Head(ctx, p.record.Collection)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if head.Owner == p.record.Owner && bytes.Equal(head.Record, p.raw) {
		p.repeated = true // the same request, a moment earlier
	} else if head.Hash != p.record.Previous { // both zero for a new collection
		return refuse(api.CodeConflict, "the collection has moved on; read the chain again and retry")
	}
	return nil
}

// checkReaders compares the readers hash of the new record with the readers that
// its epoch has after this request, so that no honest mistake of a client becomes
// part of a signed chain.
func (s *Server) checkReaders(ctx context.Context, p *proposal, now int64) error {
	stored, err := s.store.Readers(ctx, p.record.Collection, p.record.Epoch, now)
	if err != nil {
		return err
	}
	versions := make(map[[32]byte]uint32, len(stored)+len(p.grants))
	for _, r := range stored {
		versions[r.ID] = r.Version
	}
	for i := range p.grants {
		if g := &p.grants[i]; g.Epoch == p.record.Epoch {
			versions[g.Reader] = g.ReaderVersion
		}
	}
	if len(versions) > api.MaxReaders {
		return refuse(api.CodeTooLarge, fmt.Sprintf("an epoch of a collection may have %d readers; open another collection", api.MaxReaders))
	}
	readers := make([]abi.ReaderRef, 0, len(versions))
	for id, version := range versions {
		readers = append(readers, abi.ReaderRef{ID: id, Version: version})
	}
	hash, err := s.core.ReadersHash(ctx, readers)
	if err != nil {
		return ours(err)
	}
	if hash != p.record.ReadersHash {
		return refuse(api.CodeRejected, "the record's readers are not those who have a grant after this request; list the readers and retry")
	}
	return nil
}

// sealKeys seals every transform key and returns the ids that now have a key. An
// id that has one already is somebody's grant: it is refused before anything is
// sealed, so that undoing this request never destroys a key of another one.
func (s *Server) sealKeys(ctx context.Context, p *proposal) ([][16]byte, error) {
	ids, keys := make([][16]byte, len(p.grants)), make([][]byte, len(p.grants))
	for i := range p.grants {
		ids[i], keys[i] = p.grants[i].ID, p.keys[i]
		if _, err := s.keyring.Open(ctx, ids[i], nil); !errors.Is(err, keyring.ErrDestroyed) {
			return nil, store.ErrExists
		}
	}
	sealed, err := s.keyring.SealAll(ctx, ids, keys)
	if err != nil {
		s.unseal(ctx, ids)
		return nil, fmt.Errorf("seal transform keys: %w", ours(err))
	}
	for i := range sealed {
		p.grants[i].Sealed = sealed[i]
	}
	return ids, nil
}

// undo destroys fresh keys after the store refused. If the store failed in a way
// that leaves open what happened, it says itself whether the grants are there.
func (s *Server) undo(ctx context.Context, p *proposal, fresh [][16]byte, cause error) error {
	refused := errors.Is(cause, store.ErrConflict) || errors.Is(cause, store.ErrExists) || errors.Is(cause, store.ErrInvalid) || errors.Is(cause, store.ErrFull)
	if !refused {
		head, err := s.store.Head(ctx, p.record.Collection)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return errors.Join(cause, err) // the next start knows, and cleans up
		}
		if bytes.Equal(head.Record, p.raw) {
			return nil
		}
	}
	s.unseal(ctx, fresh)
	return cause
}

// unseal destroys keys that no grant uses.
func (s *Server) unseal(ctx context.Context, ids [][16]byte) {
	if err := s.destroy(ctx, ids...); err != nil {
		s.log.Error("unused transform keys stay until the next start", "error", err)
	}
}
