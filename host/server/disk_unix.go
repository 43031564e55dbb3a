//go:build unix

package server

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// DiskSpace returns how many bytes the file system of a folder has free for us, and in all.
func DiskSpace(dir string) (free, size uint64, err error) {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return 0, 0, fmt.Errorf("look at free space: %w", err)
	}
	return uint64(s.Bavail) * uint64(s.Bsize), uint64(s.Blocks) * uint64(s.Bsize), nil
}
