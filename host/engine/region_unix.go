//go:build linux || darwin || freebsd || netbsd || openbsd

package engine

import "syscall"

// reserve maps n bytes outside of the heap, where the collector does not count
// them. If the system refuses, it takes them from the heap.
func reserve(n int) (b []byte, unreserve func()) {
	b, err := syscall.Mmap(-1, 0, n, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		return make([]byte, n), func() {}
	}
	return b, func() { _ = syscall.Munmap(b) } // its only error is a wrong argument
}
