//go:build !linux

package pgtest

import (
	"os"
	"syscall"
)

// Elsewhere nothing ends the server if this process is killed, and it runs as its user.

func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }

func serverUser() int { return os.Geteuid() }

func owner(os.FileInfo) int { return -1 } // nobody's: no copies are used

func giveAway(string) error { return nil }

func alive(int) bool { return true }

func children(int) []int { return nil }
