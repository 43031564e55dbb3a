//go:build !unix

package engine

import "os"

// private leaves the question to the system, which keeps a user's cache folder to
// the user.
func private(os.FileInfo) bool { return true }
