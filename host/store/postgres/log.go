package postgres

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/internal/bounds"
	"github.com/recrypt-service/recrypt/host/store/internal/columns"
	"github.com/recrypt-service/recrypt/host/store/postgres/postgresdb"
)

// head is where the log ends: its size and the hashes of the largest complete subtrees, one
// for each bit of the size, left to right.
type head struct {
	size int64
	edge []byte
}

// append returns the hashes of the subtrees that a leaf completes, in the order in which
// they are stored, and moves the head.
func (h *head) append(leaf []byte) (complete []tlog.Hash) {
	hash := tlog.RecordHash(leaf)
	complete = append(complete, hash)
	for size := h.size; size&1 == 1; size >>= 1 {
		left := tlog.Hash(h.edge[len(h.edge)-len(hash):])
		h.edge = h.edge[:len(h.edge)-len(hash)]
		hash = tlog.NodeHash(left, hash)
		complete = append(complete, hash)
	}
	h.edge = append(h.edge, hash[:]...)
	h.size++
	return complete
}

// appendLog appends the entries of a transaction. Nothing is read: the head has what the
// new hashes are made of.
func (t *tx) appendLog() error {
	if len(t.log) == 0 {
		return nil
	}
	if err := t.pipe.flush(); err != nil { // now the head is known
		return err
	}
	h := head{t.head.size, bytes.Clone(t.head.edge)}
	if len(h.edge) != tlog.HashSize*bits.OnesCount64(uint64(h.size)) {
		return fmt.Errorf("%w: the log lacks a hash, put a backup in its place", store.ErrDamaged)
	}
	var leaves postgresdb.InsertLeavesParams
	var hashes postgresdb.InsertHashesParams
	var evidence postgresdb.InsertEvidenceParams
	var entries postgresdb.InsertEntriesParams
	known := map[[32]byte]bool{}
	for i := range t.log {
		e, index := &t.log[i], h.size
		first := tlog.StoredHashIndex(0, index)
		for j, hash := range h.append(e.Leaf) {
			hashes.Positions, hashes.Hashes = append(hashes.Positions, first+int64(j)), append(hashes.Hashes, hash[:])
		}
		leaves.Positions, leaves.Leaves, leaves.Refs = append(leaves.Positions, index), append(leaves.Leaves, e.Leaf), append(leaves.Refs, e.Ref)
		if e.Entry == nil {
			continue
		}
		var proof []byte
		if len(e.Evidence) > 0 {
			sum := sha256.Sum256(e.Evidence)
			if proof = sum[:]; !known[sum] {
				known[sum] = true
				evidence.Hashes, evidence.Contents = append(evidence.Hashes, proof), append(evidence.Contents, e.Evidence)
			}
		}
		entries.Positions, entries.Entries = append(entries.Positions, index), append(entries.Entries, e.Entry)
		entries.Owners, entries.Actors = append(entries.Owners, e.Owner[:]), append(entries.Actors, e.Actor[:])
		entries.Salts, entries.Evidence, entries.Times = append(entries.Salts, e.Salt[:]), append(entries.Evidence, proof), append(entries.Times, e.Time)
	}
	return t.insertLog(h, leaves, hashes, evidence, entries)
}

func (t *tx) insertLog(h head, leaves postgresdb.InsertLeavesParams, hashes postgresdb.InsertHashesParams, evidence postgresdb.InsertEvidenceParams, entries postgresdb.InsertEntriesParams) error {
	ctx := t.pipe.ctx
	if len(evidence.Hashes) > 0 {
		t.later.InsertEvidence(ctx, evidence)
	}
	t.later.InsertLeaves(ctx, leaves)
	t.later.InsertHashes(ctx, hashes)
	if len(entries.Positions) > 0 {
		t.later.InsertEntries(ctx, entries)
	}
	return t.later.PutHead(ctx, postgresdb.PutHeadParams{Size: h.size, Edge: h.edge})
}

// append remembers what the transaction appends to the log when it commits.
func (t *tx) append(log []store.LogEntry) error {
	t.log = append(t.log, log...)
	return nil
}

// AppendLog implements store.Store.
func (s *Store) AppendLog(ctx context.Context, log []store.LogEntry) error {
	const doing = "append to the log"
	if err := bounds.Log(log); err != nil || len(log) == 0 {
		return failed(ctx, doing, err)
	}
	return s.update(ctx, doing, func(t *tx) error { return t.append(log) })
}

// LogSize implements store.Store.
func (s *Store) LogSize(ctx context.Context) (size int64, err error) {
	err = s.do(ctx, "measure the log", func(ctx context.Context, q *postgresdb.Queries) error {
		size, err = q.LogSize(ctx)
		if err == nil {
			raise(&s.writer.seen, size)
		}
		return err
	})
	return size, err
}

// LogHashes implements store.Store.
func (s *Store) LogHashes(ctx context.Context, indexes []int64) ([]tlog.Hash, error) {
	found := make(map[int64]tlog.Hash, len(indexes))
	hashes := make([]tlog.Hash, len(indexes))
	err := s.do(ctx, "read hashes of the log", func(ctx context.Context, q *postgresdb.Queries) error {
		rows, err := q.LogHashes(ctx, indexes)
		if err != nil {
			return err
		}
		for _, row := range rows {
			found[row.Position] = columns.ID32(row.Hash)
		}
		for i, index := range indexes {
			h, ok := found[index]
			if !ok {
				return store.ErrNotFound
			}
			hashes[i] = h
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return hashes, nil
}

// LogLeaves implements store.Store.
func (s *Store) LogLeaves(ctx context.Context, from int64, n int) (leaves [][]byte, err error) {
	first := max(from, 0)
	err = s.do(ctx, "read leaves of the log", func(ctx context.Context, q *postgresdb.Queries) error {
		leaves, err = q.LogLeaves(ctx, postgresdb.LogLeavesParams{First: first, After: first + bounds.Listed(n, store.MaxLeaves)})
		return err
	})
	return leaves, err
}

// LogIndex implements store.Store.
func (s *Store) LogIndex(ctx context.Context, ref []byte) (index int64, err error) {
	err = s.do(ctx, "find a leaf of the log", func(ctx context.Context, q *postgresdb.Queries) error {
		index, err = q.NewestLeaf(ctx, ref)
		return err
	})
	return index, err
}

// Ledger implements store.Store.
func (s *Store) Ledger(ctx context.Context, party [32]byte, from int64, limit int) (entries []store.LedgerRow, err error) {
	err = s.do(ctx, "list the ledger", func(ctx context.Context, q *postgresdb.Queries) error {
		rows, err := q.Ledger(ctx, postgresdb.LedgerParams{
			Party: party[:], First: from, SoMany: int32(bounds.Listed(limit, store.MaxListed)),
		})
		entries = nil
		for _, row := range rows {
			entries = append(entries, ledgerRow(postgresdb.LedgerEntryRow(row)))
		}
		return err
	})
	return entries, err
}

// LedgerAt implements store.Store.
func (s *Store) LedgerAt(ctx context.Context, index int64) (entry store.LedgerRow, err error) {
	err = s.do(ctx, "get an entry of the ledger", func(ctx context.Context, q *postgresdb.Queries) error {
		row, err := q.LedgerEntry(ctx, index)
		entry = ledgerRow(row)
		return err
	})
	return entry, err
}

func ledgerRow(r postgresdb.LedgerEntryRow) store.LedgerRow {
	return store.LedgerRow{Index: r.Position, Entry: r.Entry, Evidence: r.Content, Salt: columns.ID32(r.Salt), Time: r.Time}
}

// LogTail implements store.Store.
func (s *Store) LogTail(ctx context.Context, from int64, limit int) (tail []store.LogRow, err error) {
	first := max(from, 0)
	err = s.do(ctx, "read the end of the log", func(ctx context.Context, q *postgresdb.Queries) error {
		rows, err := q.LogTail(ctx, postgresdb.LogTailParams{First: first, After: first + bounds.Listed(limit, store.MaxListed)})
		tail = nil
		for _, r := range rows {
			tail = append(tail, store.LogRow{Index: r.Position, LogEntry: store.LogEntry{
				Leaf: r.Leaf, Ref: r.Ref, Entry: r.Entry, Evidence: r.Content,
				Salt: columns.ID32(r.Salt), Owner: columns.ID32(r.Owner), Actor: columns.ID32(r.Actor), Time: r.Time.Int64,
			}})
		}
		return err
	})
	return tail, err
}
