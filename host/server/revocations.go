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

// revokeAccess ends every grant of a reader in a collection. The order is the
// promise: mark and wipe in the store, destroy the keys, sign the receipt, store
// it, answer. A failure or crash anywhere is finished by sending the same record
// again, and the keys are gone at the latest at the next start.
func (s *Server) revokeAccess(ctx context.Context, in *request[api.RevokeAccess]) (*api.Receipt, error) {
	owner := of(ctx).signer
	raw := in.Body.Revocation
	r, err := s.core.OpenRevocation(ctx, owner.record, raw)
	if err != nil {
		return nil, err
	}
	if err := s.mayRevoke(ctx, owner, r); err != nil {
		return nil, err
	}
	done, err := s.finish(context.WithoutCancel(ctx), r, store.Revocation{
		ID: r.Revocation, Collection: r.Collection, Owner: owner.id, Reader: r.Reader, Record: raw,
		Sequence: r.Sequence,
	})
	if err != nil {
		return nil, err
	}
	if err := s.mirrored(ctx, &done); err != nil {
		return nil, err
	}
	return &api.Receipt{Receipt: done.Receipt, Destroyed: int(done.Destroyed)}, nil
}

// mayRevoke: the collection is the caller's and on this server. A stranger gets
// the answer for a collection that does not exist.
func (s *Server) mayRevoke(ctx context.Context, owner *signer, r *abi.Revocation) error {
	if r.Service != s.service.ID {
		return refuse(api.CodeMismatch, "the revocation names another server")
	}
	head, err := s.store.Head(ctx, r.Collection)
	if err != nil {
		return err
	}
	if head.Owner != owner.id {
		return absent()
	}
	if r.Sequence > head.Sequence {
		return refuse(api.CodeMismatch, "the revocation names a collection record that is not stored here")
	}
	return nil
}

// mark ends the grants of a revocation, the reader's request for a pending one, and, if any
// grant was live, the epoch: nothing more is deposited in it, and the next record opens
// another. A new one must name the newest record, which the store makes sure of in its
// transaction: so it tells which readers hash still counts the reader, the one it names,
// and the next one does not.
func (s *Server) mark(ctx context.Context, v *abi.Revocation, r store.Revocation) (store.Revocation, [][16]byte, error) {
	var epoch uint32
	var after int64 // the newest record, whose readers still count the one that is revoked
	if _, err := s.store.Revocation(ctx, r.ID); errors.Is(err, store.ErrNotFound) {
		head, err := s.store.Head(ctx, r.Collection)
		if err != nil {
			return r, nil, err
		}
		epoch, after = head.Epoch, head.Created
		if v.OwnerVersion < of(ctx).signer.since {
			return r, nil, superseded("the revocation")
		}
		if v.Sequence != head.Sequence {
			return r, nil, refuse(api.CodeConflict, "the revocation does not name the newest record; read the chain again and retry")
		}
	} else if err != nil {
		return r, nil, err
	}
	var err error
	if r.Created, err = s.now(ctx); err != nil {
		return r, nil, err
	}
	r.Created = max(r.Created, after) // another server's time may be a little ahead
	// It is logged if it is new.
	line := s.entry(ctx, translog.Entry{
		Kind: translog.Revoked, Time: r.Created, Owner: r.Owner, Collection: r.Collection, Epoch: epoch,
		Actor: r.Owner, Subject: r.Reader, Record: sha256.Sum256(r.Record),
	})
	line.Ref = translog.RevocationRef(r.ID)
	return s.store.Revoke(ctx, r, []store.LogEntry{line})
}

// finish takes a revocation to its receipt, from wherever it stands.
func (s *Server) finish(ctx context.Context, v *abi.Revocation, r store.Revocation) (store.Revocation, error) {
	defer s.changing.take(r.Collection)()
	stored, grants, err := s.mark(ctx, v, r)
	if err != nil {
		return store.Revocation{}, err
	}
	if !bytes.Equal(stored.Record, r.Record) {
		return store.Revocation{}, store.ErrExists
	}
	if len(stored.Receipt) != 0 {
		return stored, nil
	}
	if err := s.destroy(ctx, grants...); err != nil {
		return store.Revocation{}, errors.Join(errOurs, fmt.Errorf("destroy transform keys: %w", err))
	}
	now, err := s.now(ctx)
	if err != nil {
		return store.Revocation{}, err
	}
	// Not how many were destroyed now: a repetition must say the same.
	destroyed := stored.Destroyed
	receipt, err := s.core.NewReceipt(ctx, s.seed, s.record, r.Record, uint64(now), destroyed)
	if err != nil {
		return store.Revocation{}, ours(err)
	}
	if err := s.store.FinishRevocation(ctx, r.ID, receipt, destroyed); err != nil {
		return store.Revocation{}, ours(err)
	}
	// Another server may have come first: everybody sees the same receipt.
	stored, err = s.store.Revocation(ctx, r.ID)
	return stored, ours(err)
}
