package backup

import (
	"bytes"
	"context"
	"crypto/subtle"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/recrypt-service/recrypt/host/atomicfile"
	"github.com/recrypt-service/recrypt/host/keyring"
	"github.com/recrypt-service/recrypt/host/server"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// ErrBusy says that somebody has written to the source meanwhile.
var ErrBusy = errors.New("a server is still writing to the source: stop all servers of it first")

// A Migration moves a service to another place.
type Migration struct {
	From, To server.Place
	Core     abi.Client
	Progress func(done, all int64) // nil: nobody is told
}

// Migrated is what a migration has moved.
type Migrated struct {
	Summary
	Keys int64 // transform keys that were sealed anew, and opened again to compare them
}

// Migrate copies everything of a service to an empty place: all tables in one snapshot, and the keyring,
// by sealing each transform key anew. It compares the checksums of all tables on both
// sides, the root of the log, and every transform key, and only then makes the new place valid, all at
// once: interrupted before, it leaves nothing that a server would serve, and can be done
// again. Servers of the source must be stopped. Transform keys are in memory only.
//
// A source in files is put aside in the end (recrypt.db.migrated, keyring.db.migrated), so that
// nobody serves it by mistake: two services under one id would show two histories.
func Migrate(ctx context.Context, m Migration) (*Migrated, error) {
	if databaseOf(m.From) == databaseOf(m.To) {
		return nil, errors.New("source and destination are the same")
	}
	if m.From.Database == "" {
		for _, name := range []string{databaseFile, keyringFile} {
			if _, err := os.Stat(filepath.Join(m.From.DataDir, name)); err != nil {
				return nil, fmt.Errorf("the source is not the folder of a server: %w", err)
			}
		}
	}
	seed, service, _, err := ReadKey(ctx, m.Core, keyPath(m.From))
	if err != nil {
		return nil, err
	}
	defer clear(seed)
	s := &mover{Migration: m, seed: seed, service: service.ID}
	out, err := s.move(ctx)
	if err != nil {
		return nil, err
	}
	return out, s.leave()
}

// A mover is a migration under way.
type mover struct {
	Migration
	seed     []byte
	service  [32]byte
	source   *Database
	from, to keyring.Keyring
	keys     int64
	sealed   [][16]byte // grants that got keys in the new keyring
	opened   []io.Closer
}

func (m *mover) move(ctx context.Context) (out *Migrated, err error) {
	defer m.close()
	if err := m.openSource(ctx); err != nil {
		return nil, fmt.Errorf("source: %w", err)
	}
	t, err := newTarget(ctx, m.To)
	if err != nil {
		return nil, fmt.Errorf("destination: %w", err)
	}
	defer func() {
		if err != nil {
			m.undo(ctx)
			t.abandon()
		}
	}()
	if m.to, err = openKeyring(ctx, t.making, m.seed); err != nil {
		return nil, fmt.Errorf("destination: %w", err)
	}
	m.opened = append(m.opened, m.to)
	out = &Migrated{}
	var source *sql.Tx
	err = t.db.update(ctx, func(tx *sql.Tx) error {
		summary, err := m.copy(ctx, t.db, tx)
		if err != nil {
			return err
		}
		out.Summary, out.Keys = *summary, m.keys
		if source, err = m.source.hold(ctx); err != nil {
			return err
		}
		return m.source.unchanged(ctx, summary)
	})
	if source != nil {
		defer source.Rollback()
	}
	if err != nil {
		return nil, err
	}
	if err := m.source.retire(ctx, source); err != nil {
		return nil, err
	}
	m.sealed = nil // from here on they are needed
	if err := m.to.Close(); err != nil {
		return nil, err
	}
	if err := t.settle(); err != nil {
		return nil, err
	}
	return out, m.carryKey()
}

// openSource opens what is to be moved, and locks it if it is in files.
func (m *mover) openSource(ctx context.Context) error {
	engine, err := openEngine(ctx, databaseOf(m.From))
	if err != nil {
		return err
	}
	m.opened = append(m.opened, engine)
	if err := engine.Bind(ctx, m.service); err != nil {
		return fmt.Errorf("%w: %s is not the key of its server", err, keyPath(m.From))
	}
	if m.source, err = Open(ctx, databaseOf(m.From)); err != nil {
		return err
	}
	m.opened = append(m.opened, m.source)
	if m.from, err = openKeyring(ctx, m.From, m.seed); err != nil {
		return err
	}
	m.opened = append(m.opened, m.from)
	return nil
}

// close closes everything, what was opened last first.
func (m *mover) close() {
	for _, c := range slices.Backward(m.opened) {
		_ = c.Close()
	}
}

// copy streams the source into the destination.
func (m *mover) copy(ctx context.Context, to *Database, tx *sql.Tx) (*Summary, error) {
	snapshot, err := m.source.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	defer snapshot.Rollback()
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		_, err := export(ctx, m.source, snapshot, w, Options{Kind: Complete, Progress: m.Progress})
		w.CloseWithError(err)
		done <- err
	}()
	summary, err := fill(ctx, to, tx, r, m.reseal, nil)
	r.CloseWithError(io.ErrClosedPipe)
	if sent := <-done; sent != nil && !errors.Is(sent, io.ErrClosedPipe) {
		return nil, sent
	}
	return summary, err
}

// reseal opens the transform keys of a batch with the one keyring, and seals them with the
// other. What the old one does not open has ended, and is wiped.
func (m *mover) reseal(ctx context.Context, t *table, rows [][]any) error {
	if t.name != "sealed_keys" {
		return nil
	}
	var live [][]any
	var grants [][16]byte
	var keys [][]byte
	defer func() {
		for _, k := range keys {
			clear(k)
		}
	}()
	for _, row := range rows {
		grant, sealed := [16]byte(row[0].([]byte)), row[1].([]byte)
		row[1] = []byte{}
		if len(bytes.Trim(sealed, "\x00")) == 0 {
			continue
		}
		key, err := m.from.Open(ctx, grant, sealed)
		if errors.Is(err, keyring.ErrDestroyed) {
			continue
		}
		if err != nil {
			return fmt.Errorf("open a transform key of the source: %w", err)
		}
		live, grants, keys = append(live, row), append(grants, grant), append(keys, key)
	}
	if len(live) == 0 {
		return nil
	}
	again, err := m.sealAgain(ctx, grants, keys)
	for i := range again {
		live[i][1] = again[i]
	}
	return err
}

// sealAgain seals transform keys with the new keyring, and compares what that opens.
func (m *mover) sealAgain(ctx context.Context, grants [][16]byte, keys [][]byte) ([][]byte, error) {
	m.sealed = append(m.sealed, grants...)
	again, err := m.to.SealAll(ctx, grants, keys)
	if err != nil {
		return nil, fmt.Errorf("seal transform keys in the destination: %w", err)
	}
	for i := range again {
		key, err := m.to.Open(ctx, grants[i], again[i])
		same := subtle.ConstantTimeCompare(key, keys[i]) == 1
		clear(key)
		if err != nil || !same {
			return nil, errors.Join(errors.New("a transform key does not open in the destination as in the source"), err)
		}
	}
	m.keys += int64(len(again))
	return again, nil
}

// undo destroys what was sealed for nothing. What it cannot reach is in no grant, and opens nothing.
func (m *mover) undo(ctx context.Context) {
	if m.to != nil && len(m.sealed) > 0 {
		_ = m.to.Destroy(context.WithoutCancel(ctx), m.sealed...)
		_ = m.to.Close()
	}
}

// carryKey puts the server's key and its last checkpoint into the folder of the destination, if it has one
// without.
func (m *mover) carryKey() error {
	if m.To.DataDir == "" {
		return nil
	}
	files := map[string]string{keyPath(m.To): keyPath(m.From)}
	if m.From.DataDir != "" {
		files[filepath.Join(m.To.DataDir, checkpointFile)] = filepath.Join(m.From.DataDir, checkpointFile)
	}
	if err := os.MkdirAll(m.To.DataDir, 0o700); err != nil {
		return fmt.Errorf("make data folder: %w", err)
	}
	for to, from := range files {
		content, err := os.ReadFile(from)
		if errors.Is(err, os.ErrNotExist) || to == from {
			continue
		}
		if err == nil {
			err = atomicfile.WriteFile(to, content, 0o600, false)
		}
		clear(content)
		if err != nil && !errors.Is(err, atomicfile.ErrExists) {
			return fmt.Errorf("copy %s: %w", filepath.Base(from), err)
		}
	}
	return nil
}

// leave puts a source in files aside.
func (m *mover) leave() error {
	if m.From.Database != "" {
		return nil
	}
	for _, name := range []string{databaseFile, keyringFile, keyringFile + "-journal"} {
		path := filepath.Join(m.From.DataDir, name)
		if err := os.Rename(path, path+moved); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("everything is in the destination, but put the source aside yourself: %w", err)
		}
	}
	return atomicfile.SyncDir(m.From.DataDir)
}

// hold lets nobody write to a source that several servers may use, until the transaction ends.
// It is nil for a file, which is locked.
func (d *Database) hold(ctx context.Context) (*sql.Tx, error) {
	if !d.postgres {
		return nil, nil
	}
	tx, err := d.db.BeginTx(ctx, nil)
	if err != nil {
		return nil, d.wrap("lock", err)
	}
	var size int64
	if err := tx.QueryRowContext(ctx, "SELECT size FROM log_head WHERE id = 1 FOR UPDATE").Scan(&size); err != nil {
		tx.Rollback()
		return nil, d.wrap("lock", err)
	}
	return tx, nil
}

// retire takes the end of the log away from a source that was moved, without which no server
// opens, grants or revokes anything any more, not even one that nobody has stopped.
func (d *Database) retire(ctx context.Context, tx *sql.Tx) error {
	if tx == nil {
		return nil
	}
	_, err := tx.ExecContext(ctx, "DELETE FROM log_head WHERE id = 1")
	if err == nil {
		err = tx.Commit()
	}
	if err != nil {
		return fmt.Errorf("everything is in the destination, but stop all servers of the source yourself: %w", d.wrap("retire", err))
	}
	return nil
}

// unchanged makes sure that nobody has written since a snapshot.
func (d *Database) unchanged(ctx context.Context, s *Summary) error {
	tx, err := d.snapshot(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	size, root, err := d.tree(ctx, tx)
	if err != nil {
		return err
	}
	if size != s.Size || root != s.Root {
		return ErrBusy
	}
	for _, name := range []string{"nonces", "clock"} {
		t, _ := tableNamed(name)
		n, err := d.count(ctx, tx, t)
		if err != nil {
			return err
		}
		if n != s.Rows(name) {
			return ErrBusy
		}
	}
	return nil
}
