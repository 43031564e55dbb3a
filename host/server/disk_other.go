//go:build !unix

package server

import "errors"

// DiskSpace is not known here.
func DiskSpace(string) (free, size uint64, err error) { return 0, 0, errors.ErrUnsupported }
