//go:build !(linux || darwin || freebsd || netbsd || openbsd)

package engine

// reserve takes n bytes from the heap; the system provides pages as they are
// used.
func reserve(n int) (b []byte, unreserve func()) { return make([]byte, n), func() {} }
