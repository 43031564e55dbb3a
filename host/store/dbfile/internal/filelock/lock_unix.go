//go:build unix

package filelock

import (
	"errors"
	"os"
	"syscall"
)

// lock uses flock(2): it belongs to the open file, so it also keeps two holders
// within one process apart, and does not mix with the record locks of SQLite.
func lock(f *os.File) error {
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EWOULDBLOCK):
			return ErrHeld
		default:
			return &os.PathError{Op: "lock", Path: f.Name(), Err: err}
		}
	}
}
