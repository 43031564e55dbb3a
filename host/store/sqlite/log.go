package sqlite

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/internal/bounds"
	"github.com/recrypt-service/recrypt/host/store/internal/columns"
	"github.com/recrypt-service/recrypt/host/store/sqlite/sqlitedb"
)

// maxHashes bounds how many hashes one query asks for.
const maxHashes = 512

// appendLog adds leaves to the log in the transaction of q. For each it reads and writes
// as many hashes as the tree is high, at most, and one and two on average.
func appendLog(ctx context.Context, q *sqlitedb.Queries, log []store.LogEntry) error {
	if len(log) == 0 {
		return nil
	}
	size, err := q.LogSize(ctx)
	if err != nil {
		return err
	}
	var evidence []byte // under what that of the entry is stored
	for i := range log {
		if i == 0 || !bytes.Equal(log[i].Evidence, log[i-1].Evidence) {
			if evidence, err = putEvidence(ctx, q, log[i].Evidence); err != nil {
				return err
			}
		}
		hashes, err := tlog.StoredHashes(size, log[i].Leaf, storedHashes(ctx, q))
		if err != nil {
			return err
		}
		first := tlog.StoredHashIndex(0, size)
		for j, h := range hashes {
			if err := q.InsertHash(ctx, sqlitedb.InsertHashParams{Position: first + int64(j), Hash: h[:]}); err != nil {
				return err
			}
		}
		if err := insertLeaf(ctx, q, size, &log[i], evidence); err != nil {
			return err
		}
		size++
	}
	return nil
}

// storedHashes reads hashes one by one: an append needs one on average.
func storedHashes(ctx context.Context, q *sqlitedb.Queries) tlog.HashReader {
	return tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			row, err := q.LogHash(ctx, index)
			if errors.Is(err, sql.ErrNoRows) {
				err = fmt.Errorf("%w: the log lacks a hash, put a backup in its place", store.ErrDamaged)
			}
			if err != nil {
				return nil, err
			}
			hashes[i] = columns.ID32(row)
		}
		return hashes, nil
	})
}

// putEvidence stores evidence, if there is any, and returns its hash.
func putEvidence(ctx context.Context, q *sqlitedb.Queries, evidence []byte) ([]byte, error) {
	if len(evidence) == 0 {
		return nil, nil
	}
	hash := sha256.Sum256(evidence)
	return hash[:], q.InsertEvidence(ctx, sqlitedb.InsertEvidenceParams{Hash: hash[:], Content: evidence})
}

// insertLeaf stores a leaf and, if it is of the ledger, its entry.
func insertLeaf(ctx context.Context, q *sqlitedb.Queries, index int64, e *store.LogEntry, evidence []byte) error {
	err := q.InsertLeaf(ctx, sqlitedb.InsertLeafParams{Position: index, Leaf: e.Leaf, Ref: e.Ref})
	if err != nil || e.Entry == nil {
		return err
	}
	return q.InsertEntry(ctx, sqlitedb.InsertEntryParams{
		Position: index, Owner: e.Owner[:], Actor: e.Actor[:], Salt: e.Salt[:],
		Entry: e.Entry, Evidence: evidence, Time: e.Time,
	})
}

// AppendLog implements store.Store.
func (s *Store) AppendLog(ctx context.Context, log []store.LogEntry) error {
	const doing = "append to the log"
	if err := bounds.Log(log); err != nil || len(log) == 0 {
		return failed(ctx, doing, err)
	}
	return s.update(ctx, doing, func(q *sqlitedb.Queries) error { return appendLog(ctx, q, log) })
}

// LogSize implements store.Store.
func (s *Store) LogSize(ctx context.Context) (int64, error) {
	size, err := s.read.LogSize(ctx)
	return size, failed(ctx, "measure the log", err)
}

// LogHashes implements store.Store.
func (s *Store) LogHashes(ctx context.Context, indexes []int64) ([]tlog.Hash, error) {
	const doing = "read hashes of the log"
	found := make(map[int64]tlog.Hash, len(indexes))
	for some := range slices.Chunk(indexes, maxHashes) {
		rows, err := s.read.LogHashes(ctx, some)
		if err != nil {
			return nil, failed(ctx, doing, err)
		}
		for _, row := range rows {
			found[row.Position] = columns.ID32(row.Hash)
		}
	}
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		h, ok := found[index]
		if !ok {
			return nil, failed(ctx, doing, store.ErrNotFound)
		}
		hashes[i] = h
	}
	return hashes, nil
}

// LogLeaves implements store.Store.
func (s *Store) LogLeaves(ctx context.Context, from int64, n int) ([][]byte, error) {
	first := max(from, 0)
	leaves, err := s.read.LogLeaves(ctx, sqlitedb.LogLeavesParams{First: first, After: first + bounds.Listed(n, store.MaxLeaves)})
	return leaves, failed(ctx, "read leaves of the log", err)
}

// LogIndex implements store.Store.
func (s *Store) LogIndex(ctx context.Context, ref []byte) (int64, error) {
	index, err := s.read.NewestLeaf(ctx, ref)
	return index, failed(ctx, "find a leaf of the log", err)
}

// Ledger implements store.Store.
func (s *Store) Ledger(ctx context.Context, party [32]byte, from int64, limit int) ([]store.LedgerRow, error) {
	rows, err := s.read.Ledger(ctx, sqlitedb.LedgerParams{
		Party: party[:], First: from, SoMany: bounds.Listed(limit, store.MaxListed),
	})
	var entries []store.LedgerRow
	for _, row := range rows {
		entries = append(entries, ledgerRow(sqlitedb.LedgerEntryRow(row)))
	}
	return entries, failed(ctx, "list the ledger", err)
}

// LedgerAt implements store.Store.
func (s *Store) LedgerAt(ctx context.Context, index int64) (store.LedgerRow, error) {
	row, err := s.read.LedgerEntry(ctx, index)
	if err != nil {
		return store.LedgerRow{}, failed(ctx, "get an entry of the ledger", err)
	}
	return ledgerRow(row), nil
}

// LogTail implements store.Store.
func (s *Store) LogTail(ctx context.Context, from int64, limit int) ([]store.LogRow, error) {
	first := max(from, 0)
	rows, err := s.read.LogTail(ctx, sqlitedb.LogTailParams{First: first, After: first + bounds.Listed(limit, store.MaxListed)})
	var tail []store.LogRow
	for _, r := range rows {
		tail = append(tail, store.LogRow{Index: r.Position, LogEntry: store.LogEntry{
			Leaf: r.Leaf, Ref: r.Ref, Entry: r.Entry, Evidence: r.Content,
			Salt: columns.ID32(r.Salt), Owner: columns.ID32(r.Owner), Actor: columns.ID32(r.Actor), Time: r.Time.Int64,
		}})
	}
	return tail, failed(ctx, "read the end of the log", err)
}

func ledgerRow(r sqlitedb.LedgerEntryRow) store.LedgerRow {
	return store.LedgerRow{Index: r.Position, Entry: r.Entry, Evidence: r.Content, Salt: columns.ID32(r.Salt), Time: r.Time}
}
