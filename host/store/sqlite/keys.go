package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"slices"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/internal/bounds"
	"github.com/recrypt-service/recrypt/host/store/internal/columns"
	"github.com/recrypt-service/recrypt/host/store/sqlite/sqlitedb"
)

// PutKey implements store.Store.
func (s *Store) PutKey(ctx context.Context, v store.Key, quota int, log []store.LogEntry) error {
	const doing = "put document key"
	err := errors.Join(bounds.Record("record", v.Record), bounds.Record("value", v.Value), bounds.Times(v.Created), bounds.Log(log))
	if err != nil {
		return failed(ctx, doing, err)
	}
	return s.update(ctx, doing, func(q *sqlitedb.Queries) error {
		row, err := q.DocumentKey(ctx, v.ID[:])
		if err == nil {
			if bytes.Equal(row.Record, v.Record) && bytes.Equal(row.Value, v.Value) {
				return nil
			}
			return store.ErrExists
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		accepted, err := admit(ctx, q, &v, quota)
		if err != nil {
			return err
		}
		err = q.InsertDocumentKey(ctx, sqlitedb.InsertDocumentKeyParams{
			ID: v.ID[:], Collection: v.Collection[:], Owner: v.Owner[:], Author: v.Author[:],
			Epoch: int64(v.Epoch), Record: v.Record, Value: v.Value,
			Accepted: columns.Flag(accepted), Created: v.Created,
		})
		if err != nil {
			return err
		}
		return appendLog(ctx, q, log)
	})
}

// admit makes sure that the key's epoch takes deposits and that its author has room
// left. It reports whether the key need not wait.
func admit(ctx context.Context, q *sqlitedb.Queries, v *store.Key, quota int) (accepted bool, err error) {
	head, err := q.CollectionHead(ctx, v.Collection[:])
	switch {
	case errors.Is(err, sql.ErrNoRows) || err == nil && !bytes.Equal(head.Owner, v.Owner[:]):
		return false, store.ErrNotFound
	case err != nil:
		return false, err
	case head.CollectionRecord.Epoch != int64(v.Epoch),
		v.Judged != [32]byte{} && !bytes.Equal(head.CollectionRecord.Hash, v.Judged[:]):
		return false, store.ErrConflict
	case head.CollectionRecord.Epoch <= head.Closed:
		return false, store.ErrClosed
	case v.Accepted:
		return true, nil
	}
	accepted, err = q.AuthorAccepted(ctx, sqlitedb.AuthorAcceptedParams{Collection: v.Collection[:], Author: v.Author[:]})
	if accepted || err != nil {
		return accepted, err
	}
	waiting, err := q.CountWaiting(ctx, sqlitedb.CountWaitingParams{Collection: v.Collection[:], Author: v.Author[:]})
	if err == nil && waiting >= int64(quota) {
		err = store.ErrQuota
	}
	return false, err
}

// Key implements store.Store.
func (s *Store) Key(ctx context.Context, id [16]byte) (store.Key, error) {
	row, err := s.read.DocumentKey(ctx, id[:])
	if err != nil {
		return store.Key{}, failed(ctx, "get document key", err)
	}
	return documentKey(row), nil
}

// Keys implements store.Store.
func (s *Store) Keys(ctx context.Context, ids [][16]byte) ([]store.Key, error) {
	var keys []store.Key
	for some := range slices.Chunk(ids, maxHashes) {
		rows, err := s.read.DocumentKeys(ctx, columns.Bytes16(some))
		if err != nil {
			return nil, failed(ctx, "get document keys", err)
		}
		for _, row := range rows {
			keys = append(keys, documentKey(row))
		}
	}
	return keys, nil
}

// Waiting implements store.Store.
func (s *Store) Waiting(ctx context.Context, owner [32]byte, limit int) ([]store.Waiting, error) {
	rows, err := s.read.WaitingKeys(ctx, sqlitedb.WaitingKeysParams{Owner: owner[:], Limit: store.MaxWaitingSeen})
	if err != nil {
		return nil, failed(ctx, "list waiting keys", err)
	}
	type place struct {
		collection [16]byte
		author     [32]byte
	}
	at, most := map[place]int{}, int(bounds.Listed(limit, store.MaxListed))
	var out []store.Waiting
	for _, r := range rows {
		where := place{columns.ID16(r.Collection), columns.ID32(r.Author)}
		n, ok := at[where]
		if !ok {
			if len(out) == most {
				continue
			}
			n = len(out)
			at[where] = n
			out = append(out, store.Waiting{Collection: where.collection, Author: where.author})
		}
		out[n].Keys = append(out[n].Keys, columns.ID16(r.ID))
		out[n].Count++
	}
	for i := range out {
		slices.Reverse(out[i].Keys)
		out[i].Keys = out[i].Keys[:min(len(out[i].Keys), store.MaxWaitingShown)]
	}
	return out, nil
}

// Accepted implements store.Store.
func (s *Store) Accepted(ctx context.Context, collection [16]byte, author [32]byte) (bool, error) {
	accepted, err := s.read.AuthorAccepted(ctx, sqlitedb.AuthorAcceptedParams{Collection: collection[:], Author: author[:]})
	return accepted, failed(ctx, "look for an accepted author", err)
}

// AcceptAuthor implements store.Store.
func (s *Store) AcceptAuthor(ctx context.Context, collection [16]byte, author [32]byte, now int64, log []store.LogEntry) (accepted int, err error) {
	const doing = "accept author"
	if err := errors.Join(bounds.Times(now), bounds.Log(log)); err != nil {
		return 0, failed(ctx, doing, err)
	}
	err = s.update(ctx, doing, func(q *sqlitedb.Queries) error {
		accepted = 0
		if _, err := q.CollectionByID(ctx, collection[:]); errors.Is(err, sql.ErrNoRows) {
			return store.ErrNotFound
		} else if err != nil {
			return err
		}
		fresh, err := q.AcceptAuthor(ctx, sqlitedb.AcceptAuthorParams{Collection: collection[:], Author: author[:], Created: now})
		if fresh == 0 || err != nil {
			return err // nothing has waited since the first time
		}
		waited, err := q.AcceptKeys(ctx, sqlitedb.AcceptKeysParams{Collection: collection[:], Author: author[:]})
		if err != nil {
			return err
		}
		accepted = int(waited)
		return appendLog(ctx, q, log)
	})
	if err != nil {
		return 0, err
	}
	return accepted, nil
}

// RefuseAuthor implements store.Store.
func (s *Store) RefuseAuthor(ctx context.Context, collection [16]byte, author [32]byte, log []store.LogEntry) (refused int, err error) {
	const doing = "refuse author"
	if err := bounds.Log(log); err != nil {
		return 0, failed(ctx, doing, err)
	}
	err = s.update(ctx, doing, func(q *sqlitedb.Queries) error {
		refused = 0
		if _, err := q.CollectionByID(ctx, collection[:]); errors.Is(err, sql.ErrNoRows) {
			return store.ErrNotFound
		} else if err != nil {
			return err
		}
		waited, err := q.RefuseKeys(ctx, sqlitedb.RefuseKeysParams{Collection: collection[:], Author: author[:]})
		if waited == 0 || err != nil {
			return err
		}
		refused = int(waited)
		return appendLog(ctx, q, log)
	})
	if err != nil {
		return 0, err
	}
	return refused, nil
}
