package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/internal/bounds"
	"github.com/recrypt-service/recrypt/host/store/internal/columns"
	"github.com/recrypt-service/recrypt/host/store/sqlite/sqlitedb"
)

// PutCollection implements store.Store.
func (s *Store) PutCollection(ctx context.Context, rec store.CollectionRecord, previous [32]byte, grants []store.Grant, log []store.LogEntry) ([][16]byte, error) {
	const doing = "put collection record"
	if err := errors.Join(bounds.Collection(rec, grants), bounds.Log(log)); err != nil {
		return nil, failed(ctx, doing, err)
	}
	var superseded [][16]byte
	err := s.update(ctx, doing, func(q *sqlitedb.Queries) error {
		superseded = nil
		stored, err := appendRecord(ctx, q, rec, previous, grants)
		if stored || err != nil {
			return err
		}
		for i := range grants {
			old, err := putGrant(ctx, q, &rec, &grants[i])
			if err != nil {
				return err
			}
			superseded = append(superseded, old...)
		}
		return appendLog(ctx, q, log)
	})
	if err != nil {
		return nil, err
	}
	if len(superseded) > 0 || s.unswept.Load() {
		s.sweep(ctx)
	}
	return superseded, nil
}

// appendRecord links rec to its chain. It reports whether rec and its grants have
// been stored before, as the newest record.
func appendRecord(ctx context.Context, q *sqlitedb.Queries, rec store.CollectionRecord, previous [32]byte, grants []store.Grant) (stored bool, err error) {
	head, err := q.CollectionHead(ctx, rec.Collection[:])
	if errors.Is(err, sql.ErrNoRows) {
		if rec.Sequence != 0 || previous != [32]byte{} {
			return false, store.ErrConflict
		}
		if err := insertCollection(ctx, q, rec); err != nil {
			return false, err
		}
		return false, insertRecord(ctx, q, rec)
	}
	if err != nil {
		return false, err
	}
	newest := head.CollectionRecord
	if !bytes.Equal(head.Owner, rec.Owner[:]) {
		return false, store.ErrExists
	}
	if newest.Sequence == int64(rec.Sequence) && bytes.Equal(newest.Record, rec.Record) {
		return sameGrants(ctx, q, rec, grants)
	}
	if newest.Sequence+1 != int64(rec.Sequence) || !bytes.Equal(newest.Hash, previous[:]) {
		return false, store.ErrConflict
	}
	if int64(rec.Epoch) <= head.Closed {
		return false, store.ErrClosed
	}
	return false, insertRecord(ctx, q, rec)
}

// insertCollection stores what a collection is before its first record.
func insertCollection(ctx context.Context, q *sqlitedb.Queries, rec store.CollectionRecord) error {
	full, err := q.HasCollections(ctx, sqlitedb.HasCollectionsParams{Owner: rec.Owner[:], SoMany: store.MaxCollections - 1})
	if err == nil && full {
		err = store.ErrQuota
	}
	if err != nil {
		return err
	}
	return q.InsertCollection(ctx, sqlitedb.InsertCollectionParams{
		ID: rec.Collection[:], Owner: rec.Owner[:], Created: rec.Created,
	})
}

func insertRecord(ctx context.Context, q *sqlitedb.Queries, rec store.CollectionRecord) error {
	return q.InsertCollectionRecord(ctx, sqlitedb.InsertCollectionRecordParams{
		Collection: rec.Collection[:], Sequence: int64(rec.Sequence), Epoch: int64(rec.Epoch),
		Record: rec.Record, Hash: rec.Hash[:], Created: rec.Created,
	})
}

// sameGrants tells a retry, which is fine, from other grants for a record that is
// already the head, which is a conflict.
func sameGrants(ctx context.Context, q *sqlitedb.Queries, rec store.CollectionRecord, grants []store.Grant) (bool, error) {
	rows, err := q.GrantsOfRecord(ctx, sqlitedb.GrantsOfRecordParams{
		Collection: rec.Collection[:], Sequence: int64(rec.Sequence),
	})
	if err != nil {
		return false, err
	}
	records := make(map[[16]byte][]byte, len(rows))
	for _, row := range rows {
		records[columns.ID16(row.ID)] = row.Record
	}
	if len(records) != len(grants) {
		return false, store.ErrConflict
	}
	for i := range grants {
		if !bytes.Equal(records[grants[i].ID], grants[i].Record) {
			return false, store.ErrConflict
		}
	}
	return true, nil
}

// putGrant stores a grant and ends the live one of the same epoch and reader.
func putGrant(ctx context.Context, q *sqlitedb.Queries, rec *store.CollectionRecord, g *store.Grant) (superseded [][16]byte, err error) {
	taken, err := q.GrantExists(ctx, g.ID[:])
	if err == nil && taken {
		err = store.ErrExists
	}
	if err == nil {
		err = checkReader(ctx, q, rec, g)
	}
	if err != nil {
		return nil, err
	}
	old, err := q.LiveGrant(ctx, sqlitedb.LiveGrantParams{
		Collection: g.Collection[:], Reader: g.Reader[:], Epoch: int64(g.Epoch),
	})
	if err == nil {
		superseded = append(superseded, columns.ID16(old))
		err = errors.Join(q.WipeSealed(ctx, old),
			q.SupersedeGrant(ctx, sqlitedb.SupersedeGrantParams{Superseded: g.ID[:], ID: old}))
	} else if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	if err != nil {
		return nil, err
	}
	err = q.InsertGrant(ctx, sqlitedb.InsertGrantParams{
		ID: g.ID[:], Collection: g.Collection[:], Sequence: int64(rec.Sequence),
		Owner: g.Owner[:], Reader: g.Reader[:], ReaderVersion: int64(g.ReaderVersion),
		Epoch: int64(g.Epoch), Record: g.Record, NotBefore: g.NotBefore, Expires: g.Expires,
		Kind: int64(g.Kind), Wait: g.Wait, Uses: int64(g.Uses), Scope: columns.Scope(g.Scope), Created: g.Created,
	})
	if err != nil {
		return nil, err
	}
	return superseded, q.InsertSealed(ctx, sqlitedb.InsertSealedParams{GrantID: g.ID[:], Sealed: g.Sealed})
}

// checkReader makes sure that g leads to keys which its reader still has, and that a
// request from before, which no grant has kept alive, does not count for it.
func checkReader(ctx context.Context, q *sqlitedb.Queries, rec *store.CollectionRecord, g *store.Grant) error {
	since, err := q.IdentitySince(ctx, g.Reader[:])
	if err == nil && since > int64(g.ReaderVersion) {
		return store.ErrConflict
	}
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if g.Wait == 0 {
		return nil
	}
	pending, err := q.HasPendingGrant(ctx, sqlitedb.HasPendingGrantParams{
		Collection: g.Collection[:], Reader: g.Reader[:], Now: rec.Created,
	})
	if err == nil && !pending {
		_, err = q.DropRequest(ctx, sqlitedb.DropRequestParams{Collection: g.Collection[:], Reader: g.Reader[:]})
	}
	return err
}

// Collection implements store.Store.
func (s *Store) Collection(ctx context.Context, id [16]byte) ([]store.CollectionRecord, error) {
	var chain []store.CollectionRecord
	err := s.view(ctx, "get collection", func(q *sqlitedb.Queries) error {
		collection, err := q.CollectionByID(ctx, id[:])
		if err != nil {
			return err
		}
		rows, err := q.CollectionChain(ctx, id[:])
		for _, row := range rows {
			chain = append(chain, collectionRecord(collection.Owner, collection.Closed, row))
		}
		return err
	})
	return chain, err
}

// Head implements store.Store.
func (s *Store) Head(ctx context.Context, collection [16]byte) (store.CollectionRecord, error) {
	row, err := s.read.CollectionHead(ctx, collection[:])
	if err != nil {
		return store.CollectionRecord{}, failed(ctx, "get newest record", err)
	}
	return collectionRecord(row.Owner, row.Closed, row.CollectionRecord), nil
}

// EpochHead implements store.Store.
func (s *Store) EpochHead(ctx context.Context, collection [16]byte, epoch uint32) (store.CollectionRecord, error) {
	row, err := s.read.EpochHead(ctx, sqlitedb.EpochHeadParams{ID: collection[:], Epoch: int64(epoch)})
	if err != nil {
		return store.CollectionRecord{}, failed(ctx, "get newest record of an epoch", err)
	}
	return collectionRecord(row.Owner, row.Closed, row.CollectionRecord), nil
}

// ChainSize implements store.Store.
func (s *Store) ChainSize(ctx context.Context, collection [16]byte) (int64, error) {
	size, err := s.read.ChainSize(ctx, collection[:])
	return size, failed(ctx, "measure collection", err)
}

// Collections implements store.Store.
func (s *Store) Collections(ctx context.Context, owner [32]byte) ([][16]byte, error) {
	rows, err := s.read.CollectionsByOwner(ctx, owner[:])
	return columns.IDs16(rows), failed(ctx, "list collections", err)
}

// CollectionHeads implements store.Store.
func (s *Store) CollectionHeads(ctx context.Context, owner [32]byte, after store.CollectionCursor, limit int) ([]store.CollectionHead, error) {
	arg := sqlitedb.CollectionHeadsParams{Owner: owner[:], Created: after.Created, ID: after.ID[:], SoMany: bounds.Listed(limit, store.MaxCollections)}
	if after == (store.CollectionCursor{}) {
		arg.Created = -1
	}
	rows, err := s.read.CollectionHeads(ctx, arg)
	var heads []store.CollectionHead
	for _, row := range rows {
		heads = append(heads, store.CollectionHead{
			CollectionRecord: collectionRecord(row.Owner, row.Closed, row.CollectionRecord),
			Begun:            row.Begun, Readers: int(row.Readers),
		})
	}
	return heads, failed(ctx, "list collections", err)
}
