// Package fuzztest has what the fuzz targets of all packages have in common: a check
// that a decoder allocates no more than its input justifies.
//
// A decoder that trusts a length or a count in its input allocates for bytes that are
// not there. [Within] measures what really was allocated, so it needs no knowledge of
// the decoder. "make fuzz" runs all targets, "go test" their seeds.
package fuzztest

import (
	"flag"
	"runtime"
	"runtime/metrics"
	"testing"
)

const allocated = "/gc/heap/allocs:bytes"

// Within runs f, and fails t if f allocates more than limit bytes on the heap.
//
// The seeds are measured exactly. While fuzzing, a cheap reading comes first, which
// misses what fits into the memory that a processor has at hand, some ten kilobytes;
// only if that is over the limit, f runs again to be measured exactly. So f may run
// several times and must do the same each time. What other goroutines allocate
// meanwhile is taken out by believing the smallest of several readings.
func Within(t testing.TB, limit int, f func()) {
	t.Helper()
	if fuzzing() {
		if n := roughly(f); n <= uint64(limit) {
			return
		}
	}
	least := exactly(f)
	for tries := 0; least > uint64(limit) && tries < 5; tries++ {
		least = min(least, exactly(f))
	}
	if least > uint64(limit) {
		t.Errorf("%d bytes allocated, %d would be enough", least, limit)
	}
}

// fuzzing reports whether this process fuzzes, as opposed to running seeds.
func fuzzing() bool {
	for _, name := range []string{"test.fuzzworker", "test.fuzz"} {
		if f := flag.Lookup(name); f != nil && f.Value.String() != f.DefValue {
			return true
		}
	}
	return false
}

// roughly returns about how many bytes f allocates, without stopping the world.
func roughly(f func()) uint64 {
	sample := []metrics.Sample{{Name: allocated}}
	metrics.Read(sample)
	before := sample[0].Value.Uint64()
	f()
	metrics.Read(sample)
	return sample[0].Value.Uint64() - before
}

// exactly returns how many bytes were allocated while f ran.
func exactly(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
