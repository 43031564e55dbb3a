package postgres

import (
	"bytes"
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/internal/bounds"
	"github.com/recrypt-service/recrypt/host/store/internal/columns"
	"github.com/recrypt-service/recrypt/host/store/postgres/postgresdb"
)

// PutKey implements store.Store.
func (s *Store) PutKey(ctx context.Context, v store.Key, quota int, log []store.LogEntry) error {
	const doing = "put document key"
	err := errors.Join(bounds.Record("record", v.Record), bounds.Record("value", v.Value), bounds.Times(v.Created), bounds.Log(log))
	if err != nil {
		return failed(ctx, doing, err)
	}
	return s.update(ctx, doing, func(t *tx) error {
		row, err := t.DocumentKey(ctx, v.ID[:])
		if err == nil {
			if bytes.Equal(row.Record, v.Record) && bytes.Equal(row.Value, v.Value) {
				return nil
			}
			return store.ErrExists
		}
		if !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		accepted, err := t.admit(ctx, &v, quota)
		if err != nil {
			return err
		}
		t.later.InsertDocumentKey(ctx, postgresdb.InsertDocumentKeyParams{
			ID: v.ID[:], Collection: v.Collection[:], Owner: v.Owner[:], Author: v.Author[:],
			Epoch: int64(v.Epoch), Record: v.Record, Value: v.Value,
			Accepted: columns.Flag(accepted), Created: v.Created,
		})
		return t.append(log)
	})
}

// admit makes sure that the key's epoch takes deposits and that its author has room
// left. It reports whether the key need not wait.
func (t *tx) admit(ctx context.Context, v *store.Key, quota int) (accepted bool, err error) {
	head, err := t.CollectionHead(ctx, v.Collection[:])
	switch {
	case errors.Is(err, pgx.ErrNoRows) || err == nil && !bytes.Equal(head.Owner, v.Owner[:]):
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
	accepted, err = t.AuthorAccepted(ctx, postgresdb.AuthorAcceptedParams{Collection: v.Collection[:], Author: v.Author[:]})
	if accepted || err != nil {
		return accepted, err
	}
	waiting, err := t.CountWaiting(ctx, postgresdb.CountWaitingParams{Collection: v.Collection[:], Author: v.Author[:]})
	if err == nil && waiting >= int64(quota) {
		err = store.ErrQuota
	}
	return false, err
}

// Key implements store.Store.
func (s *Store) Key(ctx context.Context, id [16]byte) (key store.Key, err error) {
	err = s.do(ctx, "get document key", func(ctx context.Context, q *postgresdb.Queries) error {
		row, err := q.DocumentKey(ctx, id[:])
		if err == nil {
			key = documentKey(row)
		}
		return err
	})
	return key, err
}

// Keys implements store.Store.
func (s *Store) Keys(ctx context.Context, ids [][16]byte) (keys []store.Key, err error) {
	err = s.do(ctx, "get document keys", func(ctx context.Context, q *postgresdb.Queries) error {
		rows, err := q.DocumentKeys(ctx, columns.Bytes16(ids))
		keys = nil
		for _, row := range rows {
			keys = append(keys, documentKey(row))
		}
		return err
	})
	return keys, err
}

// Waiting implements store.Store.
func (s *Store) Waiting(ctx context.Context, owner [32]byte, limit int) (out []store.Waiting, err error) {
	err = s.do(ctx, "list waiting keys", func(ctx context.Context, q *postgresdb.Queries) error {
		rows, err := q.WaitingKeys(ctx, postgresdb.WaitingKeysParams{Owner: owner[:], Limit: store.MaxWaitingSeen})
		out = waiting(rows, int(bounds.Listed(limit, store.MaxListed)))
		return err
	})
	return out, err
}

// waiting groups keys, newest first, by author.
func waiting(rows []postgresdb.WaitingKeysRow, most int) (out []store.Waiting) {
	type place struct {
		collection [16]byte
		author     [32]byte
	}
	at := map[place]int{}
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
	return out
}

// Accepted implements store.Store.
func (s *Store) Accepted(ctx context.Context, collection [16]byte, author [32]byte) (accepted bool, err error) {
	err = s.do(ctx, "look for an accepted author", func(ctx context.Context, q *postgresdb.Queries) error {
		accepted, err = q.AuthorAccepted(ctx, postgresdb.AuthorAcceptedParams{Collection: collection[:], Author: author[:]})
		return err
	})
	return accepted, err
}

// AcceptAuthor implements store.Store.
func (s *Store) AcceptAuthor(ctx context.Context, collection [16]byte, author [32]byte, now int64, log []store.LogEntry) (accepted int, err error) {
	const doing = "accept author"
	if err := errors.Join(bounds.Times(now), bounds.Log(log)); err != nil {
		return 0, failed(ctx, doing, err)
	}
	err = s.update(ctx, doing, func(t *tx) error {
		accepted = 0
		if err := t.exists(ctx, collection); err != nil {
			return err
		}
		fresh, err := t.Queries.AcceptAuthor(ctx, postgresdb.AcceptAuthorParams{Collection: collection[:], Author: author[:], Created: now})
		if fresh == 0 || err != nil {
			return err // nothing has waited since the first time
		}
		waited, err := t.AcceptKeys(ctx, postgresdb.AcceptKeysParams{Collection: collection[:], Author: author[:]})
		if err != nil {
			return err
		}
		accepted = int(waited)
		return t.append(log)
	})
	if err != nil {
		return 0, err
	}
	return accepted, nil
}

// exists returns ErrNotFound unless there is such a collection.
func (t *tx) exists(ctx context.Context, collection [16]byte) error {
	exists, err := t.CollectionExists(ctx, collection[:])
	if err == nil && !exists {
		err = store.ErrNotFound
	}
	return err
}

// RefuseAuthor implements store.Store.
func (s *Store) RefuseAuthor(ctx context.Context, collection [16]byte, author [32]byte, log []store.LogEntry) (refused int, err error) {
	const doing = "refuse author"
	if err := bounds.Log(log); err != nil {
		return 0, failed(ctx, doing, err)
	}
	err = s.update(ctx, doing, func(t *tx) error {
		refused = 0
		if err := t.exists(ctx, collection); err != nil {
			return err
		}
		waited, err := t.RefuseKeys(ctx, postgresdb.RefuseKeysParams{Collection: collection[:], Author: author[:]})
		if waited == 0 || err != nil {
			return err
		}
		refused = int(waited)
		return t.append(log)
	})
	if err != nil {
		return 0, err
	}
	return refused, nil
}
