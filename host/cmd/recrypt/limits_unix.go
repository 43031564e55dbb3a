//go:build unix

package main

import "syscall"

// openFileLimit is how many files a process may have open.
func openFileLimit() (uint64, bool) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 0, false
	}
	return uint64(limit.Cur), true // Go has raised it as far as it may
}
