package dbfile

import (
	"context"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/recrypt-service/recrypt/host/store"
)

// code returns the extended result code of err, or 0.
func code(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

// retryable reports whether the transaction that ended with err did nothing and
// may be run again.
func retryable(err error) bool {
	switch code(err) & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return true
	}
	return false
}

// sentinel returns the sentinel of package store that err stands for, or nil.
func sentinel(err error) error {
	c := code(err)
	switch c {
	case sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_IOERR_CORRUPTFS:
		return store.ErrDamaged
	case sqlite3.SQLITE_IOERR_NOMEM:
		return nil
	}
	switch c & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return store.ErrLocked
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
		return store.ErrReadOnly
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT,
		sqlite3.SQLITE_ERROR: // a table or column is not there
		return store.ErrDamaged
	case sqlite3.SQLITE_FULL:
		return store.ErrFull
	case sqlite3.SQLITE_IOERR:
		return store.ErrFailed
	}
	return nil
}

// Wrap adds to an error of SQLite the sentinel of package store that it stands
// for. Other errors, nil included, pass unchanged. An interrupted statement
// becomes the error of ctx.
func Wrap(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if code(err)&0xff == sqlite3.SQLITE_INTERRUPT && ctx.Err() != nil {
		return ctx.Err()
	}
	if s := sentinel(err); s != nil && !errors.Is(err, s) {
		return fmt.Errorf("%w: %w", s, err)
	}
	return err
}
