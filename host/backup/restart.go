package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/recrypt-service/recrypt/host/translog"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// A Restart begins a log anew, because it was lost: neither a mirror nor the newest database
// exists. Whoever knows the old log stops, is shown the signed statement and has to accept it.
type Restart struct {
	Reason string    // one line, for people; at most translog.MaxReason bytes
	Time   time.Time // zero: now
}

// pageRows is how many rows are read at once where rows are written meanwhile.
const pageRows = 1000

// restart makes the statement the first leaf of a new log, which the leaves of the old one
// follow.
func (s *restorer) restart(ctx context.Context) error {
	statement, err := s.statement(ctx)
	if err != nil {
		return err
	}
	carried := s.log.Size()
	if err := s.shift(ctx); err != nil {
		return err
	}
	if err := s.exec(ctx, "DELETE FROM log_hashes"); err != nil {
		return err
	}
	s.log = new(translog.Grower)
	leaf := translog.RestartLeaf(statement)
	if err := s.exec(ctx, "INSERT INTO log_leaves (position, leaf, ref) VALUES (0, ?, ?)", leaf, translog.RestartRef()); err != nil {
		return err
	}
	for s.log.Size() <= carried {
		if err := s.rehash(ctx); err != nil {
			return err
		}
	}
	if err := s.exec(ctx, "DELETE FROM statement"); err != nil {
		return err
	}
	s.out.Statement = statement
	return s.exec(ctx, "INSERT INTO statement (id, content) VALUES (1, ?)", statement)
}

// statement signs what is known of the old log.
func (s *restorer) statement(ctx context.Context) ([]byte, error) {
	seed, service, record, err := ReadKey(ctx, s.Core, keyPath(s.To))
	if err != nil {
		return nil, fmt.Errorf("a new log needs the server's key: %w", err)
	}
	defer clear(seed)
	if s.out.Service != ([32]byte{}) && s.out.Service != service.ID {
		return nil, fmt.Errorf("%s is not the key of the server in the backup", keyPath(s.To))
	}
	origin, err := s.Core.FormatID(ctx, abi.KindService, service.ID)
	if err != nil {
		return nil, err
	}
	r := translog.Restart{Origin: origin, Size: s.log.Size(), Root: s.log.Root(), Carried: s.log.Size(), Time: s.Restart.Time, Reason: s.Restart.Reason}
	if r.Time.IsZero() {
		r.Time = time.Now()
	}
	if last := s.lastCheckpoint(ctx, origin, service); last != nil && last.Size > r.Size {
		r.Size, r.Root = last.Size, last.Root
	}
	statement, err := translog.SignRestart(ctx, r, func(ctx context.Context, text []byte) ([]byte, error) {
		return s.Core.SignCheckpoint(ctx, seed, record, string(text))
	})
	if errors.Is(err, translog.ErrRestart) {
		return nil, fmt.Errorf("the reason for the new log is one line of at most %d bytes: %w", translog.MaxReason, err)
	}
	return statement, err
}

// lastCheckpoint returns the newest checkpoint in the data folder, nil if there is none.
func (s *restorer) lastCheckpoint(ctx context.Context, origin string, service *abi.Service) *translog.Checkpoint {
	if s.To.DataDir == "" {
		return nil
	}
	signed, err := os.ReadFile(filepath.Join(s.To.DataDir, checkpointFile))
	if err != nil {
		return nil
	}
	last, err := translog.OpenCheckpoint(signed, origin, service.SigningKey, func(key [32]byte, message, signature []byte) bool {
		return s.Core.Ed25519Verify(ctx, key[:], message, signature) == nil
	}, nil)
	if err != nil {
		return nil
	}
	return last
}

// forgetCheckpoint removes the checkpoint of the log that was lost: a server would refuse the new one.
func forgetCheckpoint(dir string) error {
	if dir == "" {
		return nil
	}
	err := os.Remove(filepath.Join(dir, checkpointFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("forget the last checkpoint: %w", err)
	}
	return nil
}

// shift makes room in front of the leaves: by way of positions that none has, as rows are moved one
// after the other.
func (s *restorer) shift(ctx context.Context) error {
	const far = translog.MaxTree
	if !s.db.postgres {
		if err := s.exec(ctx, "PRAGMA defer_foreign_keys = ON"); err != nil {
			return err
		}
	}
	for _, table := range []string{"log_leaves", "ledger"} {
		if err := s.exec(ctx, "UPDATE "+table+" SET position = position + ?", int64(far)); err != nil {
			return err
		}
		if err := s.exec(ctx, "UPDATE "+table+" SET position = position - ?", int64(far-1)); err != nil {
			return err
		}
	}
	return nil
}

// rehash computes the hashes of the next leaves.
func (s *restorer) rehash(ctx context.Context) error {
	rows, err := s.tx.QueryContext(ctx, s.db.bind("SELECT leaf FROM log_leaves WHERE position >= ? ORDER BY position LIMIT ?"), s.log.Size(), pageRows)
	if err != nil {
		return s.db.wrap("read", err)
	}
	var leaves [][]byte
	for rows.Next() {
		var leaf []byte
		if err := rows.Scan(&leaf); err != nil {
			rows.Close()
			return s.db.wrap("read", err)
		}
		leaves = append(leaves, leaf)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return s.db.wrap("read", err)
	}
	if len(leaves) == 0 {
		return errors.New("the log has fewer leaves than it should")
	}
	t, _ := tableNamed("log_hashes")
	var hashes [][]any
	for _, leaf := range leaves {
		first := tlog.StoredHashIndex(0, s.log.Size())
		for i, h := range s.log.Add(leaf) {
			hashes = append(hashes, []any{first + int64(i), h[:]})
		}
	}
	return s.db.insert(ctx, s.tx, t, hashes)
}
