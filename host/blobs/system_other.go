//go:build !(linux || darwin || freebsd)

package blobs

import "os"

// tryLock is not offered by this system: one server per folder.
func tryLock(*os.File) bool { return true }

// freeSpace is not known.
func freeSpace(*os.Root) int64 { return -1 }

func full(err error) error { return cause(err) }
