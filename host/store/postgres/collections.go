package postgres

import (
	"bytes"
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/internal/bounds"
	"github.com/recrypt-service/recrypt/host/store/internal/columns"
	"github.com/recrypt-service/recrypt/host/store/postgres/postgresdb"
)

// PutCollection implements store.Store.
func (s *Store) PutCollection(ctx context.Context, rec store.CollectionRecord, previous [32]byte, grants []store.Grant, log []store.LogEntry) ([][16]byte, error) {
	const doing = "put collection record"
	if err := errors.Join(bounds.Collection(rec, grants), bounds.Log(log)); err != nil {
		return nil, failed(ctx, doing, err)
	}
	var superseded [][16]byte
	err := s.update(ctx, doing, func(t *tx) (err error) {
		superseded = nil
		stored, err := t.appendRecord(ctx, rec, previous, grants)
		if err != nil {
			return err
		}
		if stored {
			// A client that asks again learns nothing, but this method's own repetition does.
			if t.again {
				superseded, err = t.supersededBy(ctx, rec.Collection, grants)
			}
			return err
		}
		if superseded, err = t.putGrants(ctx, &rec, grants); err != nil {
			return err
		}
		return t.append(log)
	})
	if err != nil {
		return nil, err
	}
	return superseded, nil
}

// appendRecord links rec to its chain. It reports whether rec and its grants have
// been stored before, as the newest record.
func (t *tx) appendRecord(ctx context.Context, rec store.CollectionRecord, previous [32]byte, grants []store.Grant) (stored bool, err error) {
	head, err := t.CollectionHead(ctx, rec.Collection[:])
	if errors.Is(err, pgx.ErrNoRows) {
		if rec.Sequence != 0 || previous != [32]byte{} {
			return false, store.ErrConflict
		}
		if err := t.insertCollection(ctx, rec); err != nil {
			return false, err
		}
		return false, t.insertRecord(ctx, rec)
	}
	if err != nil {
		return false, err
	}
	newest := head.CollectionRecord
	if !bytes.Equal(head.Owner, rec.Owner[:]) {
		return false, store.ErrExists
	}
	if newest.Sequence == int64(rec.Sequence) && bytes.Equal(newest.Record, rec.Record) {
		return t.sameGrants(ctx, rec, grants)
	}
	if newest.Sequence+1 != int64(rec.Sequence) || !bytes.Equal(newest.Hash, previous[:]) {
		return false, store.ErrConflict
	}
	if int64(rec.Epoch) <= head.Closed {
		return false, store.ErrClosed
	}
	return false, t.insertRecord(ctx, rec)
}

// insertCollection stores what a collection is before its first record.
func (t *tx) insertCollection(ctx context.Context, rec store.CollectionRecord) error {
	full, err := t.HasCollections(ctx, postgresdb.HasCollectionsParams{Owner: rec.Owner[:], SoMany: store.MaxCollections - 1})
	if err == nil && full {
		err = store.ErrQuota
	}
	if err != nil {
		return err
	}
	return t.later.InsertCollection(ctx, postgresdb.InsertCollectionParams{
		ID: rec.Collection[:], Owner: rec.Owner[:], Created: rec.Created,
	})
}

func (t *tx) insertRecord(ctx context.Context, rec store.CollectionRecord) error {
	return t.later.InsertCollectionRecord(ctx, postgresdb.InsertCollectionRecordParams{
		Collection: rec.Collection[:], Sequence: int64(rec.Sequence), Epoch: int64(rec.Epoch),
		Record: rec.Record, Hash: rec.Hash[:], Created: rec.Created,
	})
}

// sameGrants tells a retry, which is fine, from other grants for a record that is
// already the head, which is a conflict.
func (t *tx) sameGrants(ctx context.Context, rec store.CollectionRecord, grants []store.Grant) (bool, error) {
	rows, err := t.GrantsOfRecord(ctx, postgresdb.GrantsOfRecordParams{
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

// supersededBy returns what grants have replaced.
func (t *tx) supersededBy(ctx context.Context, collection [16]byte, grants []store.Grant) ([][16]byte, error) {
	if len(grants) == 0 {
		return nil, nil
	}
	arg := postgresdb.SupersededByParams{Collection: collection[:]}
	for i := range grants {
		arg.Readers, arg.Ids = append(arg.Readers, grants[i].Reader[:]), append(arg.Ids, grants[i].ID[:])
	}
	rows, err := t.SupersededBy(ctx, arg)
	return columns.IDs16(rows), err
}

// Collection implements store.Store.
func (s *Store) Collection(ctx context.Context, id [16]byte) (chain []store.CollectionRecord, err error) {
	err = s.do(ctx, "get collection", func(ctx context.Context, q *postgresdb.Queries) error {
		rows, err := q.CollectionChain(ctx, id[:])
		if err == nil && len(rows) == 0 {
			err = store.ErrNotFound
		}
		chain = nil
		for _, row := range rows {
			chain = append(chain, collectionRecord(row.Owner, row.Closed, row.CollectionRecord))
		}
		return err
	})
	return chain, err
}

// Head implements store.Store.
func (s *Store) Head(ctx context.Context, collection [16]byte) (head store.CollectionRecord, err error) {
	err = s.do(ctx, "get newest record", func(ctx context.Context, q *postgresdb.Queries) error {
		row, err := q.CollectionHead(ctx, collection[:])
		if err == nil {
			head = collectionRecord(row.Owner, row.Closed, row.CollectionRecord)
		}
		return err
	})
	return head, err
}

// EpochHead implements store.Store.
func (s *Store) EpochHead(ctx context.Context, collection [16]byte, epoch uint32) (head store.CollectionRecord, err error) {
	err = s.do(ctx, "get newest record of an epoch", func(ctx context.Context, q *postgresdb.Queries) error {
		row, err := q.EpochHead(ctx, postgresdb.EpochHeadParams{ID: collection[:], Epoch: int64(epoch)})
		if err == nil {
			head = collectionRecord(row.Owner, row.Closed, row.CollectionRecord)
		}
		return err
	})
	return head, err
}

// ChainSize implements store.Store.
func (s *Store) ChainSize(ctx context.Context, collection [16]byte) (size int64, err error) {
	err = s.do(ctx, "measure collection", func(ctx context.Context, q *postgresdb.Queries) error {
		size, err = q.ChainSize(ctx, collection[:])
		return err
	})
	return size, err
}

// Collections implements store.Store.
func (s *Store) Collections(ctx context.Context, owner [32]byte) (ids [][16]byte, err error) {
	err = s.do(ctx, "list collections", func(ctx context.Context, q *postgresdb.Queries) error {
		rows, err := q.CollectionsByOwner(ctx, owner[:])
		ids = columns.IDs16(rows)
		return err
	})
	return ids, err
}

// CollectionHeads implements store.Store.
func (s *Store) CollectionHeads(ctx context.Context, owner [32]byte, after store.CollectionCursor, limit int) (heads []store.CollectionHead, err error) {
	arg := postgresdb.CollectionHeadsParams{
		Owner: owner[:], Created: after.Created, ID: after.ID[:], SoMany: int32(bounds.Listed(limit, store.MaxCollections)),
	}
	if after == (store.CollectionCursor{}) {
		arg.Created = -1
	}
	err = s.do(ctx, "list collections", func(ctx context.Context, q *postgresdb.Queries) error {
		rows, err := q.CollectionHeads(ctx, arg)
		heads = nil
		for _, row := range rows {
			heads = append(heads, store.CollectionHead{
				CollectionRecord: collectionRecord(row.Owner, row.Closed, row.CollectionRecord),
				Begun:            row.Begun, Readers: int(row.Readers),
			})
		}
		return err
	})
	return heads, err
}
