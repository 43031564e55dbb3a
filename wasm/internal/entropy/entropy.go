// Package entropy is the one source of randomness of the core.
//
// Everything under wasm/ that needs random bytes calls [Read], which draws from
// the operating system on every call (in WebAssembly: from the host, through
// WASI random_get). No generator state is kept between calls, so copying or
// pooling an instance never repeats a value.
//
// Tests replace the source for a while with [Replace]; nothing else may.
package entropy

import (
	"crypto/rand"
	"io"
)

// source is what Read draws from; nil means the operating system.
var source io.Reader

// Read fills b with random bytes.
//
// It does not return on failure: crypto/rand.Read ends the program when the
// operating system gives no randomness, and a source that visibly does not work
// makes Read panic, so that nothing is ever computed from missing randomness.
func Read(b []byte) {
	if source != nil {
		if _, err := io.ReadFull(source, b); err != nil {
			panic("entropy: the replaced source ran dry")
		}
		return
	}
	rand.Read(b)
	if stuck(b) {
		panic("entropy: the random source is broken")
	}
}

// stuck reports whether b consists of one repeated byte. A working source gives
// such a block of 32 bytes with probability 2^-248; a host whose random_get does
// nothing gives it always. Shorter blocks are not judged.
func stuck(b []byte) bool {
	if len(b) < 32 {
		return false
	}
	var diff byte
	for _, x := range b {
		diff |= x ^ b[0]
	}
	return diff == 0
}

// Replace makes Read draw from r until restore is called. It is for tests, and
// not safe for use while other goroutines read.
func Replace(r io.Reader) (restore func()) {
	old := source
	source = r
	return func() { source = old }
}
