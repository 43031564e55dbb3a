package dbfile

import (
	"errors"
	"fmt"
	"io"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/dbfile/internal/filelock"
)

// Lock locks the file at path, made if there is none, until the result is closed or the
// process ends: for a folder that only one process may write to. store.ErrLocked if another
// one holds it.
func Lock(path string) (io.Closer, error) {
	lock, err := filelock.Acquire(path)
	if errors.Is(err, filelock.ErrHeld) {
		return nil, fmt.Errorf("lock %s: %w", path, store.ErrLocked)
	}
	if err != nil {
		return nil, readOnly(err)
	}
	return release{lock}, nil
}

type release struct{ *filelock.Lock }

// Close implements io.Closer.
func (r release) Close() error { return r.Release() }
