// Package filelock holds a lock between processes that ends with its holder: the
// system releases it when the process dies, however it dies.
package filelock

import (
	"errors"
	"os"
)

// ErrHeld says that somebody else holds the lock.
var ErrHeld = errors.New("lock is held")

// Lock is a held lock.
type Lock struct{ file *os.File }

// Acquire makes the file at path if needed, with mode 0600, and locks it without
// waiting. The file stays when the lock is released: removing it would let two
// holders lock two files of the same name.
func Acquire(path string) (*Lock, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lock(f); err != nil {
		f.Close()
		return nil, err
	}
	return &Lock{f}, nil
}

// Release gives the lock back.
func (l *Lock) Release() error { return l.file.Close() }
