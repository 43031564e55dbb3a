package mirror

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/translog"
)

// Lengths of references, by which leaves that are not of the ledger are told apart.
const (
	identityRef   = 32 + 4
	collectionRef = 16 + 8
	revocationRef = 1 + 16
)

// A gatherer finds what leaves are about. It remembers chains for one group.
type gatherer struct {
	store  store.Store
	chains map[[16]byte][]store.CollectionRecord
}

// entry returns a leaf with the records that it is about, if they are still as they were.
func (g *gatherer) entry(ctx context.Context, row *store.LogRow) (e *Entry, err error) {
	e = &Entry{LogRow: *row}
	if row.Entry == nil {
		switch len(row.Ref) {
		case identityRef:
			e.Identity, err = g.identity(ctx, row)
		case collectionRef:
			err = g.collection(ctx, row, e)
		}
		return e, ignore(err)
	}
	line, err := translog.ParseEntry(row.Entry)
	if err != nil {
		return nil, damaged("entry %d of the ledger is not well-formed", row.Index)
	}
	switch {
	case line.Kind == translog.Deposited:
		var key store.Key
		key, err = g.store.Key(ctx, line.Key)
		if err == nil && sha256.Sum256(key.Record) == line.Record {
			e.Key = &key
		}
	case line.Kind == translog.Revoked && len(row.Ref) == revocationRef:
		var v store.Revocation
		v, err = g.store.Revocation(ctx, [16]byte(row.Ref[1:]))
		if err == nil && sha256.Sum256(v.Record) == line.Record {
			e.Revocation = &v
		}
	}
	return e, ignore(err)
}

// ignore passes over what is not there any more.
func ignore(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// identity finds the version of an identity, unless another one has taken its place.
func (g *gatherer) identity(ctx context.Context, row *store.LogRow) (*store.Identity, error) {
	id, number := [32]byte(row.Ref), binary.BigEndian.Uint32(row.Ref[32:])
	versions, err := g.store.Identity(ctx, id)
	for i := range versions {
		v := &versions[i]
		if v.Version == number && bytes.Equal(translog.IdentityLeaf(id, number, v.Record), row.Leaf) {
			return v, nil
		}
	}
	return nil, err
}

// collection finds a record of a collection and the grants that came with it.
func (g *gatherer) collection(ctx context.Context, row *store.LogRow, e *Entry) error {
	id, sequence := [16]byte(row.Ref), binary.BigEndian.Uint64(row.Ref[16:])
	record, err := g.record(ctx, id, sequence)
	if err != nil || record == nil || !bytes.Equal(translog.CollectionLeaf(id, sequence, record.Record), row.Leaf) {
		return err
	}
	e.Collection = record
	e.Grants, err = g.store.RecordGrants(ctx, id, sequence)
	return err
}

func (g *gatherer) record(ctx context.Context, id [16]byte, sequence uint64) (*store.CollectionRecord, error) {
	chain, ok := g.chains[id]
	if !ok {
		head, err := g.store.Head(ctx, id)
		if err != nil {
			return nil, err
		}
		if head.Sequence == sequence {
			return &head, nil
		}
		if chain, err = g.store.Collection(ctx, id); err != nil {
			return nil, err
		}
		if len(g.chains) >= 64 { // chains may be long
			clear(g.chains)
		} else if g.chains == nil {
			g.chains = map[[16]byte][]store.CollectionRecord{}
		}
		g.chains[id] = chain
	}
	for i := range chain {
		if chain[i].Sequence == sequence {
			return &chain[i], nil
		}
	}
	return nil, nil
}
