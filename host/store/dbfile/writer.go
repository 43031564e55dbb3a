package dbfile

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/recrypt-service/recrypt/host/store"
)

const (
	// attempts bounds how often a transaction is begun. The busy timeout already
	// waits between them.
	attempts = 5
	// maxBatch bounds how many writes share one commit.
	maxBatch = 64
)

// Writer runs writes on a pool of one connection. Writes that arrive while another
// one commits are committed together by the next: each is still a transaction of
// its own, but all of them share one fsync. Make it with NewWriter.
type Writer struct {
	DB     *sql.DB
	failed atomic.Bool
	turn   chan struct{} // holds one value while somebody commits

	mu    sync.Mutex
	queue []*job
}

// job is one write that waits for its commit.
type job struct {
	ctx  context.Context
	fn   func(*sql.Tx) error
	err  error
	done chan struct{} // closed when err is final
}

// NewWriter returns a writer on db, which it limits to one connection.
func NewWriter(db *sql.DB) *Writer {
	db.SetMaxOpenConns(1)
	return &Writer{DB: db, turn: make(chan struct{}, 1)}
}

// Write runs fn in a transaction and returns when it is durable. It runs fn as
// often as needed until it does not collide with another connection, so fn must
// assign its results afresh each time. Nothing of it stays when fn fails.
//
// After a failed write or fsync of the disk all further writes return
// store.ErrFailed: what the system keeps in memory may then differ from the disk,
// and a second fsync would report success without having written anything.
func (w *Writer) Write(ctx context.Context, fn func(*sql.Tx) error) error {
	j := &job{ctx: ctx, fn: fn, done: make(chan struct{})}
	w.mu.Lock()
	w.queue = append(w.queue, j)
	w.mu.Unlock()
	for {
		select {
		case <-j.done:
			return j.err
		case w.turn <- struct{}{}:
			w.commit(w.batch())
			<-w.turn
		}
	}
}

// Note ends all writing if err, as Wrap returns it, says that the disk failed.
func (w *Writer) Note(err error) {
	if errors.Is(err, store.ErrFailed) {
		w.failed.Store(true)
	}
}

// batch takes the oldest jobs off the queue.
func (w *Writer) batch() []*job {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := min(len(w.queue), maxBatch)
	jobs := w.queue[:n:n]
	w.queue = w.queue[n:]
	return jobs
}

// commit runs jobs together if it can, else one by one, and finishes them.
func (w *Writer) commit(jobs []*job) {
	if len(jobs) > 1 && !w.failed.Load() && w.together(jobs) == nil {
		for _, j := range jobs {
			close(j.done)
		}
		return
	}
	for _, j := range jobs {
		j.err = w.alone(j)
		close(j.done)
	}
}

// alone runs one job in a transaction, again after collisions.
func (w *Writer) alone(j *job) error {
	for attempt := 1; ; attempt++ {
		if w.failed.Load() {
			return store.ErrFailed
		}
		err := w.transaction(j.ctx, j.fn)
		if err == nil {
			return nil
		}
		if !retryable(err) || attempt == attempts {
			err = Wrap(j.ctx, err)
			w.Note(err)
			return err
		}
		select {
		case <-j.ctx.Done():
			return j.ctx.Err()
		case <-time.After(time.Duration(attempt) * 10 * time.Millisecond):
		}
	}
}

// together runs jobs in one transaction, each within a savepoint, so that one that
// refuses leaves the others alone. An error of the database itself, or the end of
// a job's context, may have undone more than its savepoint: then together gives
// up, nothing of any job stays, and each runs alone. The exception is a disk that
// failed, which ends all writing.
func (w *Writer) together(jobs []*job) error {
	ctx := context.Background()
	err := w.transaction(ctx, func(tx *sql.Tx) error {
		for _, j := range jobs {
			if j.err = j.ctx.Err(); j.err != nil {
				continue // ended before it began
			}
			if _, err := tx.ExecContext(ctx, "SAVEPOINT job"); err != nil {
				return err
			}
			end := "RELEASE job"
			if j.err = j.fn(tx); j.err != nil {
				if code(j.err) != 0 || j.ctx.Err() != nil {
					return j.err
				}
				end = "ROLLBACK TO job; RELEASE job"
			}
			if _, err := tx.ExecContext(ctx, end); err != nil {
				return err
			}
		}
		return nil
	})
	w.Note(Wrap(ctx, err))
	return err
}

func (w *Writer) transaction(ctx context.Context, fn func(*sql.Tx) error) error {
	tx, err := w.DB.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	defer tx.Rollback()
	if err := fn(tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// Check looks through the whole file for damage (store.ErrDamaged).
func (w *Writer) Check(ctx context.Context) error { return w.check(ctx, "quick_check") }

// CheckIndexes is like Check, and compares rows with all indexes that they are in, which
// takes three times as long.
func (w *Writer) CheckIndexes(ctx context.Context) error { return w.check(ctx, "integrity_check") }

func (w *Writer) check(ctx context.Context, how string) error {
	var verdict string
	if err := w.DB.QueryRowContext(ctx, "PRAGMA "+how+"(1)").Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		return fmt.Errorf("%w, put a backup in its place", store.ErrDamaged)
	}
	return nil
}
