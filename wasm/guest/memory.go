//go:build wasip1

package main

import (
	"runtime"
	"runtime/debug"

	"github.com/recrypt-service/recrypt/wasm/protocol"
)

// The linear memory of an instance holds the stack and the heap of the Go runtime, and
// both keep what is no longer used. Package dispatch and what is below it wipe their
// secrets in the heap. Their local variables, and those of the standard library, are
// wiped here, by overwriting the stack after each operation.
//
// A stack that grows or shrinks is copied, and the old one stays behind as it was. So
// the stack is made large enough before an operation, and the collector, which shrinks
// it, runs between operations only (but see memoryLimit).

// stackSize is more than any operation needs.
const stackSize = 128 << 10

// scrub overwrites the next stackSize bytes of the stack.
//
//go:noinline
func scrub() {
	var b [stackSize]byte
	touch(&b)
}

//go:noinline
func touch(*[stackSize]byte) {}

// The collector runs after operations that leave keys in the heap which nobody can wipe: key
// stretching, with its 64 MiB, and sealing. The linker's flags have it overwrite what it frees.
//
// Otherwise it runs when the heap has heapLimit bytes. To ask for its size takes longer
// than a small operation, so that is done after every few calls, and after those with large
// requests.
const (
	heapLimit  = 4 << 20
	callsApart = 16
	largeBytes = 64 << 10
)

var calls int

// stats has the size of the heap: HeapAlloc, all objects that were not collected.
// (Package runtime/metrics has it, too, and a text about each of its hundred figures.)
var stats runtime.MemStats

// memoryLimit is where the collector may run within an operation after all: three
// quarters of what host/engine gives an instance if not told otherwise.
const memoryLimit = 96 << 20

func init() {
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(memoryLimit)
}

// tidy collects garbage, if there is much of it or secrets are in it, after an operation
// with a request of n bytes.
func tidy(n int32) {
	calls++
	if protocol.Untidy() {
		runtime.GC()
		return
	}
	if calls%callsApart != 0 && n < largeBytes {
		return
	}
	if runtime.ReadMemStats(&stats); stats.HeapAlloc > heapLimit {
		runtime.GC()
	}
}
