package dbfile

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/recrypt-service/recrypt/host/store"
)

// attempts bounds how often a transaction is begun. The busy timeout already
// waits between them.
const attempts = 5

// Writer runs write transactions on a pool of one connection.
type Writer struct {
	DB     *sql.DB
	failed atomic.Bool
}

// Write runs fn in a transaction and commits it, as often as needed until it does
// not collide with another connection. fn must therefore assign its results
// afresh each time.
//
// After a failed write or fsync of the disk all further writes return
// store.ErrFailed: what the system keeps in memory may then differ from the disk,
// and a second fsync would report success without having written anything.
func (w *Writer) Write(ctx context.Context, fn func(*sql.Tx) error) error {
	for attempt := 1; ; attempt++ {
		if w.failed.Load() {
			return store.ErrFailed
		}
		err := w.try(ctx, fn)
		if err == nil {
			return nil
		}
		if !retryable(err) || attempt == attempts {
			err = Wrap(ctx, err)
			w.Note(err)
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(attempt) * 10 * time.Millisecond):
		}
	}
}

// Note ends all writing if err, as Wrap returns it, says that the disk failed.
func (w *Writer) Note(err error) {
	if errors.Is(err, store.ErrFailed) {
		w.failed.Store(true)
	}
}

func (w *Writer) try(ctx context.Context, fn func(*sql.Tx) error) error {
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
