package postgres

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/internal/bounds"
	"github.com/recrypt-service/recrypt/host/store/internal/columns"
	"github.com/recrypt-service/recrypt/host/store/postgres/postgresdb"
)

// place is what only one live grant can have.
type place struct {
	reader [32]byte
	epoch  uint32
}

// putGrants stores the grants of a record, all with a few statements, and ends the live ones
// of the same epochs and readers.
func (t *tx) putGrants(ctx context.Context, rec *store.CollectionRecord, grants []store.Grant) (superseded [][16]byte, err error) {
	if len(grants) == 0 {
		return nil, nil
	}
	var ids, readers [][]byte
	for i := range grants {
		ids, readers = append(ids, grants[i].ID[:]), append(readers, grants[i].Reader[:])
	}
	taken, err := t.AnyGrantExists(ctx, ids)
	if err == nil && taken {
		err = store.ErrExists
	}
	if err == nil {
		err = t.checkReaders(ctx, grants, readers)
	}
	if err != nil {
		return nil, err
	}
	live, err := t.LiveGrantsOfReaders(ctx, postgresdb.LiveGrantsOfReadersParams{Collection: rec.Collection[:], Readers: readers})
	if err != nil {
		return nil, err
	}
	replaced, forgotten := replace(live, rec, grants)
	if len(replaced.Old) > 0 {
		t.later.WipeSealed(ctx, replaced.Old)
		t.later.SupersedeGrants(ctx, replaced)
	}
	if len(forgotten) > 0 {
		t.later.DropRequests(ctx, postgresdb.DropRequestsParams{Collection: rec.Collection[:], Readers: forgotten})
	}
	t.insertGrants(ctx, rec, grants, ids, readers)
	return columns.IDs16(replaced.Old), nil
}

// checkReaders makes sure that grants lead to keys which their readers still have.
func (t *tx) checkReaders(ctx context.Context, grants []store.Grant, readers [][]byte) error {
	rows, err := t.IdentitiesSince(ctx, readers)
	if err != nil {
		return err
	}
	since := make(map[[32]byte]int64, len(rows))
	for _, row := range rows {
		since[columns.ID32(row.ID)] = row.Since
	}
	for i := range grants {
		if since[grants[i].Reader] > int64(grants[i].ReaderVersion) {
			return store.ErrConflict
		}
	}
	return nil
}

// replace goes through grants in order: each ends the live one of its place, and a pending
// one for a reader who has no other does away with a request from before.
func replace(rows []postgresdb.LiveGrantsOfReadersRow, rec *store.CollectionRecord, grants []store.Grant) (replaced postgresdb.SupersedeGrantsParams, forgotten [][]byte) {
	type state struct {
		id            []byte
		wait, expires int64
	}
	live := make(map[[32]byte]map[uint32]state)
	put := func(at place, s state) {
		if live[at.reader] == nil {
			live[at.reader] = make(map[uint32]state)
		}
		live[at.reader][at.epoch] = s
	}
	for _, row := range rows {
		put(place{columns.ID32(row.Reader), uint32(row.Epoch)}, state{row.ID, row.Wait, row.Expires})
	}
	for i := range grants {
		g := &grants[i]
		pending := false
		for _, s := range live[g.Reader] {
			pending = pending || s.wait > 0 && (s.expires == 0 || s.expires > rec.Created)
		}
		if g.Wait > 0 && !pending {
			forgotten = append(forgotten, g.Reader[:])
		}
		if old, ok := live[g.Reader][g.Epoch]; ok {
			replaced.Old, replaced.Ids = append(replaced.Old, old.id), append(replaced.Ids, g.ID[:])
		}
		put(place{g.Reader, g.Epoch}, state{g.ID[:], g.Wait, g.Expires})
	}
	return replaced, forgotten
}

func (t *tx) insertGrants(ctx context.Context, rec *store.CollectionRecord, grants []store.Grant, ids, readers [][]byte) {
	arg := postgresdb.InsertGrantsParams{
		Collection: rec.Collection[:], Sequence: int64(rec.Sequence), Owner: rec.Owner[:], Ids: ids, Readers: readers,
	}
	sealed := postgresdb.InsertSealedParams{Ids: ids}
	for i := range grants {
		g := &grants[i]
		arg.Versions, arg.Epochs = append(arg.Versions, int64(g.ReaderVersion)), append(arg.Epochs, int64(g.Epoch))
		arg.Records, arg.Scopes = append(arg.Records, g.Record), append(arg.Scopes, columns.Scope(g.Scope))
		arg.NotBefore, arg.Expires = append(arg.NotBefore, g.NotBefore), append(arg.Expires, g.Expires)
		arg.Kinds, arg.Waits = append(arg.Kinds, int64(g.Kind)), append(arg.Waits, g.Wait)
		arg.Uses, arg.Created = append(arg.Uses, int64(g.Uses)), append(arg.Created, g.Created)
		sealed.Sealed = append(sealed.Sealed, g.Sealed)
	}
	t.later.InsertGrants(ctx, arg)
	t.later.InsertSealed(ctx, sealed)
}

// Readers implements store.Store.
func (s *Store) Readers(ctx context.Context, collection [16]byte, epoch uint32, now int64) (readers []store.Reader, err error) {
	err = s.do(ctx, "list readers", func(ctx context.Context, q *postgresdb.Queries) error {
		rows, err := q.EpochReaders(ctx, postgresdb.EpochReadersParams{Collection: collection[:], Epoch: int64(epoch), Now: now})
		readers = make([]store.Reader, len(rows))
		for i, row := range rows {
			readers[i] = store.Reader{ID: columns.ID32(row.Reader), Version: uint32(row.ReaderVersion)}
		}
		return err
	})
	return readers, err
}

// LinkReaders implements store.Store.
func (s *Store) LinkReaders(ctx context.Context, collection [16]byte, now int64) (readers [][32]byte, err error) {
	err = s.do(ctx, "list readers of links", func(ctx context.Context, q *postgresdb.Queries) error {
		rows, err := q.LinkReaders(ctx, postgresdb.LinkReadersParams{Collection: collection[:], Now: now})
		readers = nil
		for _, reader := range rows {
			readers = append(readers, columns.ID32(reader))
		}
		return err
	})
	return readers, err
}

// ReaderGrants implements store.Store.
func (s *Store) ReaderGrants(ctx context.Context, collection [16]byte) (head store.CollectionRecord, all []store.Grant, err error) {
	err = s.view(ctx, "list readers", func(q *postgresdb.Queries) error {
		newest, err := q.CollectionHead(ctx, collection[:])
		if err != nil {
			return err
		}
		head, all = collectionRecord(newest.Owner, newest.Closed, newest.CollectionRecord), nil
		rows, err := q.ReaderGrants(ctx, postgresdb.ReaderGrantsParams{
			Collection: collection[:], Epoch: int64(head.Epoch), Since: head.Created,
		})
		for _, row := range rows {
			all = append(all, grant(row.Grant, row.Requested))
		}
		return err
	})
	if err != nil {
		return store.CollectionRecord{}, nil, err
	}
	return head, all, nil
}

// RecordGrants implements store.Store.
func (s *Store) RecordGrants(ctx context.Context, collection [16]byte, sequence uint64) (all []store.Grant, err error) {
	const doing = "list grants of a record"
	if sequence > math.MaxInt64 {
		return nil, failed(ctx, doing, bounds.Invalid("sequence"))
	}
	err = s.do(ctx, doing, func(ctx context.Context, q *postgresdb.Queries) error {
		rows, err := q.GrantsOfRecord(ctx, postgresdb.GrantsOfRecordParams{Collection: collection[:], Sequence: int64(sequence)})
		all = nil
		for _, row := range rows {
			all = append(all, grant(row, 0))
		}
		return err
	})
	return all, err
}

// IssuedGrants implements store.Store.
func (s *Store) IssuedGrants(ctx context.Context, owner [32]byte, after store.GrantCursor, limit int) (all []store.Grant, err error) {
	created, sequence := bounds.Place(after)
	err = s.do(ctx, "list issued grants", func(ctx context.Context, q *postgresdb.Queries) error {
		rows, err := q.IssuedGrants(ctx, postgresdb.IssuedGrantsParams{
			Owner: owner[:], Created: created, Sequence: sequence, ID: after.ID[:], SoMany: int32(bounds.Listed(limit, store.MaxListed)),
		})
		all = nil
		for _, row := range rows {
			all = append(all, grant(row.Grant, row.Requested))
		}
		return err
	})
	return all, err
}

// ReceivedGrants implements store.Store.
func (s *Store) ReceivedGrants(ctx context.Context, reader [32]byte, after store.GrantCursor, limit int) (all []store.Grant, err error) {
	created, sequence := bounds.Place(after)
	err = s.do(ctx, "list received grants", func(ctx context.Context, q *postgresdb.Queries) error {
		rows, err := q.ReceivedGrants(ctx, postgresdb.ReceivedGrantsParams{
			Reader: reader[:], Created: created, Sequence: sequence, ID: after.ID[:], SoMany: int32(bounds.Listed(limit, store.MaxListed)),
		})
		all = nil
		for _, row := range rows {
			all = append(all, grant(row.Grant, row.Requested))
		}
		return err
	})
	return all, err
}

// liveAtOnce is how many rows LiveGrants keeps in memory.
const liveAtOnce = 10_000

// LiveGrants implements store.Store.
func (s *Store) LiveGrants(ctx context.Context, fn func(id [16]byte) error) error {
	after := postgresdb.LiveGrantsParams{After: []byte{}, SoMany: liveAtOnce}
	return s.view(ctx, "list live grants", func(q *postgresdb.Queries) error {
		for { // a repetition goes on where the last attempt ended
			ids, err := q.LiveGrants(ctx, after)
			if err != nil {
				return err
			}
			for _, id := range ids {
				if err := fn(columns.ID16(id)); err != nil {
					return err
				}
				after.After = id
			}
			if len(ids) < liveAtOnce {
				return nil
			}
		}
	})
}

// bulk is how long a change of all rows may take.
const bulk = time.Hour

// LoseKeys implements store.Store.
func (s *Store) LoseKeys(ctx context.Context, log []store.LogEntry) (lost int, err error) {
	const doing = "mark grants as lost"
	if err := bounds.Log(log); err != nil {
		return 0, failed(ctx, doing, err)
	}
	err = s.writer.write(&write{ctx: ctx, long: bulk, fn: func(t *tx) error {
		marked, err := t.Queries.LoseKeys(ctx)
		if lost = int(marked); marked == 0 || err != nil {
			return err
		}
		return t.append(log)
	}})
	if err != nil {
		return 0, failed(ctx, doing, err)
	}
	return lost, nil
}

// ExpireGrants implements store.Store.
func (s *Store) ExpireGrants(ctx context.Context, now int64, entry func(store.Grant) store.LogEntry) (ids [][16]byte, err error) {
	const doing = "expire grants"
	var found int
	// Most sweeps find nothing: look first, which holds up nobody.
	err = s.do(ctx, doing, func(ctx context.Context, q *postgresdb.Queries) error {
		rows, err := q.ExpiringGrants(ctx, now)
		found = len(rows)
		return err
	})
	if err != nil || found == 0 {
		return nil, err
	}
	err = s.writer.write(&write{ctx: ctx, long: bulk, fn: func(t *tx) error {
		ids, err = t.expire(ctx, now, entry)
		return err
	}})
	if err != nil {
		return nil, failed(ctx, doing, err)
	}
	return ids, nil
}

func (t *tx) expire(ctx context.Context, now int64, entry func(store.Grant) store.LogEntry) (ids [][16]byte, err error) {
	rows, err := t.ExpiringGrants(ctx, now)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	var raw [][]byte
	var log []store.LogEntry
	for _, row := range rows {
		raw = append(raw, row.ID)
		if entry != nil {
			log = append(log, entry(grant(row, 0)))
		}
	}
	if err := bounds.Log(log); err != nil {
		return nil, err
	}
	err = errors.Join(t.later.WipeSealed(ctx, raw), t.later.ExpireGrants(ctx, raw), t.append(log))
	return columns.IDs16(raw), err
}
