//go:build linux || darwin || freebsd

package blobs

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// tryLock locks a file against every other opening of it, until it is closed, and reports
// whether it could. A file system without locks is taken to have one user.
func tryLock(f *os.File) bool {
	raw, err := f.SyscallConn()
	if err != nil {
		return false
	}
	locked := true
	err = raw.Control(func(fd uintptr) {
		err := syscall.Flock(int(fd), syscall.LOCK_EX|syscall.LOCK_NB)
		locked = err == nil || errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.ENOLCK)
	})
	return err == nil && locked
}

// freeSpace returns how many bytes a user may still write to the disk, -1 if that is not known.
func freeSpace(root *os.Root) int64 {
	f, err := root.Open(".")
	if err != nil {
		return -1
	}
	defer f.Close()
	raw, err := f.SyscallConn()
	if err != nil {
		return -1
	}
	free := int64(-1)
	_ = raw.Control(func(fd uintptr) {
		var s syscall.Statfs_t
		if syscall.Fstatfs(int(fd), &s) == nil {
			free = int64(s.Bavail) * int64(s.Bsize)
		}
	})
	return free
}

// full adds ErrFull to an error that means it.
func full(err error) error {
	err = cause(err)
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG) {
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}
