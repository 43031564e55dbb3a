package mirror

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/dbfile"
	"github.com/recrypt-service/recrypt/host/translog"
)

// How often a mirror looks for what is new, and how long it is waited for.
const (
	pollEvery  = 500 * time.Millisecond
	retryEvery = 5 * time.Second
	patience   = 10 * time.Second
	noteEvery  = 10 * time.Second
)

// Config is what a Mirror is made of.
type Config struct {
	Dir    string      // made with mode 0700 if it is not there
	Record []byte      // the server's signed record
	Store  store.Store // what to follow
	// Checkpoint returns the newest signed checkpoint; nil: none are kept.
	Checkpoint func(ctx context.Context) (note []byte, err error)
	Log        *slog.Logger // nil: discarded
}

// A Mirror follows the log of a store. It is safe for concurrent use.
type Mirror struct {
	cfg  Config
	lock io.Closer

	write sync.Mutex // held while files are written
	files *files
	kept  keptNote

	mu     sync.Mutex
	size   int64         // leaves on disk
	failed error         // why the last attempt did not succeed
	moved  chan struct{} // closed, and made anew, when size or failed change
	wake   chan struct{}

	following atomic.Bool
	stop      context.CancelFunc
	running   sync.WaitGroup
}

// Open opens the mirror in a folder for a server, compares it with the store, writes what it
// has not yet and follows the store until Close. The first time, with a long log, that takes a
// while: the log says how far it is. Errors: store.ErrLocked when another server writes to it, ErrForeign,
// ErrDamaged, and ErrAhead when the store is older than the mirror.
func Open(ctx context.Context, cfg Config) (*Mirror, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	m := &Mirror{cfg: cfg, moved: make(chan struct{}), wake: make(chan struct{}, 1), stop: func() {}}
	err := m.open(ctx)
	if err == nil {
		err = m.CatchUp(ctx, m.tellProgress())
	}
	if err != nil {
		m.Close()
		return nil, fmt.Errorf("mirror %s: %w", cfg.Dir, err)
	}
	following, stop := context.WithCancel(context.WithoutCancel(ctx))
	m.stop = stop
	m.following.Store(true)
	m.running.Go(func() { m.run(following) })
	return m, nil
}

func (m *Mirror) open(ctx context.Context) (err error) {
	if err := os.MkdirAll(m.cfg.Dir, 0o700); err != nil {
		return err
	}
	if m.lock, err = dbfile.Lock(filepath.Join(m.cfg.Dir, "lock")); err != nil {
		return err
	}
	if m.files, err = openFiles(m.cfg.Dir, m.cfg.Record); err != nil {
		return err
	}
	m.size = m.files.tree.Size()
	return m.compare(ctx)
}

// compare makes sure that the mirror's tree is the beginning of the store's.
func (m *Mirror) compare(ctx context.Context) error {
	size, err := m.cfg.Store.LogSize(ctx)
	if err != nil {
		return err
	}
	have := m.files.tree.Size()
	if size < have {
		return fmt.Errorf("%w: it has %d leaves, and the database %d; bring the database back with recrypt restore --mirror", ErrAhead, have, size)
	}
	root, err := tlog.TreeHash(have, tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		return m.cfg.Store.LogHashes(ctx, indexes)
	}))
	if err == nil && root != m.files.tree.Root() {
		err = fmt.Errorf("%w: its %d leaves are not the first ones of the database", ErrAhead, have)
	}
	return err
}

// tellProgress returns what logs now and then how far a long first time is.
func (m *Mirror) tellProgress() func(done, all int64) {
	last := time.Now()
	return func(done, all int64) {
		if time.Since(last) >= 2*time.Second {
			last = time.Now()
			m.cfg.Log.Info("the mirror catches up before anything is served", "leaves", done, "of", all)
		}
	}
}

// Close writes what the store has by now, if that works, and stops following. It is safe to
// call twice.
func (m *Mirror) Close() error {
	if m.following.Swap(false) {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		if err := m.CatchUp(ctx, nil); err != nil {
			m.cfg.Log.Warn("the mirror does not have the newest leaves", "error", err)
		}
		cancel()
	}
	m.stop()
	m.running.Wait()
	m.write.Lock()
	defer m.write.Unlock()
	var errs []error
	if m.files != nil {
		errs = append(errs, m.files.close())
	}
	if m.lock != nil {
		errs = append(errs, m.lock.Close())
		m.lock = nil
	}
	return errors.Join(errs...)
}

// run follows the store until ctx ends. A failure is logged and tried again.
func (m *Mirror) run(ctx context.Context) {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for {
		if err := m.CatchUp(ctx, nil); err != nil && ctx.Err() == nil {
			m.cfg.Log.Error("the mirror does not keep up: revocations take effect, but are answered as busy until it does", "error", err)
			select {
			case <-ctx.Done():
			case <-time.After(retryEvery):
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-m.wake:
		}
	}
}

// CatchUp writes everything that the store's log has by now. The first time, with a store
// that has a long log, that takes a while: progress is told how far it is.
func (m *Mirror) CatchUp(ctx context.Context, progress func(done, all int64)) error {
	err := m.catchUp(ctx, progress)
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil || m.failed != nil {
		m.failed = err
		m.tell()
	}
	return err
}

func (m *Mirror) catchUp(ctx context.Context, progress func(done, all int64)) error {
	m.write.Lock()
	defer m.write.Unlock()
	if m.lock == nil {
		return errors.New("the mirror is closed")
	}
	note := m.newest(ctx)
	size, err := m.cfg.Store.LogSize(ctx)
	if err != nil {
		return err
	}
	if m.files.file == nil { // something failed before
		if err := m.files.reopen(); err != nil {
			return err
		}
	}
	// The database may have failed over to one that lacks the newest leaves.
	if have := m.files.tree.Size(); have != size {
		if err := m.compare(ctx); err != nil {
			return err
		}
	}
	for m.files.tree.Size() < size {
		if err := m.group(ctx); err != nil {
			m.files.close()
			return err
		}
		if progress != nil {
			progress(m.Size(), size)
		}
	}
	if err := m.checkpoint(note); err != nil {
		m.files.close()
		return err
	}
	return nil
}

// group writes the next leaves.
func (m *Mirror) group(ctx context.Context) error {
	rows, err := m.cfg.Store.LogTail(ctx, m.files.tree.Size(), store.MaxListed)
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return damaged("the database has no leaf %d", m.files.tree.Size())
	}
	about := gatherer{store: m.cfg.Store}
	for i := range rows {
		if rows[i].Index != m.files.tree.Size() {
			return damaged("the database has leaf %d where %d should be", rows[i].Index, m.files.tree.Size())
		}
		e, err := about.entry(ctx, &rows[i])
		if err != nil {
			return err
		}
		m.files.leaf(e)
		if len(m.files.buffer) >= groupSize {
			if err := m.flush(); err != nil {
				return err
			}
		}
	}
	return m.flush()
}

// flush makes what was added durable, and tells those who wait.
func (m *Mirror) flush() error {
	if err := m.files.flush(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.size = m.files.tree.Size()
	m.tell()
	return nil
}

// keptNote is the newest checkpoint on disk.
type keptNote struct {
	size int64
	at   time.Time
}

// newest returns the newest checkpoint if it is time to keep another one, before the log
// is measured: so its leaves will be there.
func (m *Mirror) newest(ctx context.Context) []byte {
	if m.cfg.Checkpoint == nil || time.Since(m.kept.at) < noteEvery {
		return nil
	}
	note, err := m.cfg.Checkpoint(ctx)
	if err != nil {
		m.cfg.Log.Warn("the mirror gets no checkpoint", "error", err)
		return nil
	}
	return note
}

// checkpoint keeps a checkpoint, if it is over more than the one before.
func (m *Mirror) checkpoint(note []byte) error {
	size, ok := translog.CheckpointSize(note)
	if !ok || size == 0 || size == m.kept.size || size > m.files.tree.Size() {
		return nil
	}
	m.files.add(frameCheckpoint, note)
	if err := m.flush(); err != nil {
		return err
	}
	m.kept = keptNote{size, time.Now()}
	return nil
}

// tell wakes those who wait; under m.mu.
func (m *Mirror) tell() {
	close(m.moved)
	m.moved = make(chan struct{})
}

// Size returns how many leaves are in the mirror.
func (m *Mirror) Size() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.size
}

// Failed returns why the mirror does not keep up, nil if it does.
func (m *Mirror) Failed() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.failed
}

// Await returns once the mirror has so many leaves, durably. ErrBehind when that takes too
// long or fails.
func (m *Mirror) Await(ctx context.Context, size int64) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case m.wake <- struct{}{}:
	default:
	}
	for {
		m.mu.Lock()
		have, failed, moved := m.size, m.failed, m.moved
		m.mu.Unlock()
		if have >= size {
			return nil
		}
		if failed != nil {
			return fmt.Errorf("%w: %w", ErrBehind, failed)
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ErrBehind, ctx.Err())
		}
	}
}

// Revoked returns once a revocation, everything before it, and its receipt are in the mirror.
// ErrBehind as Await. A receipt may be there twice.
func (m *Mirror) Revoked(ctx context.Context, v *store.Revocation) error {
	size, err := m.cfg.Store.LogSize(ctx)
	if err != nil {
		return err
	}
	if err := m.Await(ctx, size); err != nil {
		return err
	}
	if len(v.Receipt) == 0 {
		return nil
	}
	m.write.Lock()
	defer m.write.Unlock()
	if m.lock == nil || m.files.file == nil {
		return ErrBehind
	}
	// So many leaves are here; that they are those of the store is what counts.
	if err := m.compare(ctx); err != nil {
		return fmt.Errorf("%w: %w", ErrBehind, err)
	}
	r := Receipt{Revocation: v.ID, Destroyed: v.Destroyed, Receipt: v.Receipt}
	m.files.add(frameReceipt, r.encode())
	if err := m.flush(); err != nil {
		m.files.close()
		return fmt.Errorf("%w: %w", ErrBehind, err)
	}
	return nil
}
