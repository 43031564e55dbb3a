package server

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/translog"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// storeProposal seals the transform keys and stores record and grants. The keys
// come first: a crash in between leaves keys without grants, which the next start
// destroys, never a grant without its key.
func (s *Server) storeProposal(ctx context.Context, owner *signer, p *proposal) error {
	defer s.changing.take(p.record.Collection)()
	if err := s.recheck(ctx, p); err != nil {
		return err
	}
	now, err := s.now(ctx)
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
		_, err := s.store.PutCollection(ctx, link, p.record.Previous, p.grants, nil)
		return err
	}
	p.created = now
	if err := s.checkReaders(ctx, p, now); err != nil {
		if moved := s.recheck(ctx, p); moved != nil {
			return moved // the readers were those of another server's record already
		}
		return err
	}
	if err := s.sealKeys(ctx, p); err != nil {
		return err
	}
	// Once begun it ends: what comes of a transaction that was cut off is not known, and its
	// keys could not be destroyed.
	ctx = context.WithoutCancel(ctx)
	superseded, err := s.store.PutCollection(ctx, link, p.record.Previous, p.grants, s.entriesOf(ctx, p, now))
	if err != nil {
		return s.undo(ctx, p, err)
	}
	s.policies.put(p.record)
	if err := s.destroy(ctx, superseded...); err != nil {
		// The grants are stored and their old keys unreachable; a later look destroys
		// what is left of them.
		s.log.Error("superseded transform keys stay for a while", "error", err)
	}
	return nil
}

// entriesOf are what a proposal adds to the log: the record, whether it opens an epoch, and
// every grant.
func (s *Server) entriesOf(ctx context.Context, p *proposal, now int64) []store.LogEntry {
	out := make([]store.LogEntry, 0, len(p.grants)+2)
	out = append(out, s.collectionLeaf(p.record.Collection, p.record.Sequence, p.raw, now))
	line := translog.Entry{
		Kind: translog.Rotated, Time: now, Owner: p.record.Owner, Collection: p.record.Collection,
		Epoch: p.record.Epoch, Actor: p.record.Owner, Record: p.record.Hash,
	}
	if p.record.Sequence != 0 && p.record.Epoch != p.head.Epoch {
		out = append(out, s.entry(ctx, line))
	}
	line.Kind = translog.Granted
	for i := range p.grants {
		g := &p.grants[i]
		line.Epoch, line.Subject, line.Grant, line.Record = g.Epoch, g.Reader, g.ID, sha256.Sum256(g.Record)
		out = append(out, s.entry(ctx, line))
	}
	return out
}

// recheck looks whether the chain is still where link found it. The store looks again in its
// transaction; this one spares sealing, and answers in words.
func (s *Server) recheck(ctx context.Context, p *proposal) error {
	head, err := s.store.Head(ctx, p.record.Collection)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	switch {
	case head.Owner == p.record.Owner && bytes.Equal(head.Record, p.raw):
		p.repeated, p.created = true, head.Created // the same request, a moment earlier
	case head.Hash != p.record.Previous: // both zero for a new collection
		return refuse(api.CodeConflict, "the collection has moved on; read the chain again and retry")
	case err == nil && head.Closed && head.Epoch == p.record.Epoch:
		return closed()
	}
	return nil
}

// checkReaders compares the readers hash of the new record with the readers that
// its epoch has after this request, so that no honest mistake of a client becomes
// part of a signed chain. Who counts is said at [api.Readers].
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

// sealKeys seals every transform key, by keys of this request alone: undoing it never
// destroys a key of another one with the same grant ids.
func (s *Server) sealKeys(ctx context.Context, p *proposal) error {
	ids, keys := make([][16]byte, len(p.grants)), make([][]byte, len(p.grants))
	for i := range p.grants {
		ids[i], keys[i] = p.grants[i].ID, p.keys[i]
	}
	sealed, err := s.keyring.SealAll(ctx, ids, keys)
	if errors.Is(err, store.ErrExists) {
		return store.ErrExists // somebody's grant
	}
	if err != nil {
		return fmt.Errorf("seal transform keys: %w", ours(err))
	}
	for i := range sealed {
		p.grants[i].Sealed = sealed[i]
	}
	return nil
}

// undo destroys fresh keys after the store refused. If the store failed in a way
// that leaves open what happened, it says itself whether the grants are there.
func (s *Server) undo(ctx context.Context, p *proposal, cause error) error {
	refused := false
	for _, known := range []error{store.ErrConflict, store.ErrExists, store.ErrInvalid, store.ErrFull, store.ErrClosed, store.ErrQuota, store.ErrClaimed, store.ErrTooMany} {
		refused = refused || errors.Is(cause, known)
	}
	if !refused {
		head, err := s.store.Head(ctx, p.record.Collection)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return errors.Join(cause, err) // retain knows later, and cleans up
		}
		if bytes.Equal(head.Record, p.raw) {
			p.created = head.Created
			return nil
		}
	}
	if errors.Is(cause, store.ErrUnavailable) {
		return cause // it may still happen; else retain cleans up
	}
	s.unseal(ctx, p)
	if errors.Is(cause, store.ErrQuota) {
		return refuse(api.CodeTooLarge, fmt.Sprintf("an owner may have %d collections here", api.MaxCollections))
	}
	return cause
}

// unseal destroys the keys of a proposal that was not stored. Nothing of them can have been
// opened, or prepared.
func (s *Server) unseal(ctx context.Context, p *proposal) {
	ids, sealed := make([][16]byte, len(p.grants)), make([][]byte, len(p.grants))
	for i := range p.grants {
		ids[i], sealed[i] = p.grants[i].ID, p.grants[i].Sealed
	}
	if err := s.keyring.Unseal(ctx, ids, sealed); err != nil {
		s.log.Error("unused transform keys stay for a while", "error", err)
	}
}
