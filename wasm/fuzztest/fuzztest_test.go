package fuzztest

import (
	"runtime"
	"testing"
)

// recorder is a test that remembers whether it failed.
type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Helper()               {}
func (r *recorder) Errorf(string, ...any) { r.failed = true }

var sink []byte

func TestWithin(t *testing.T) {
	for _, c := range []struct {
		name         string
		bytes, limit int
		want         bool
	}{
		{"nothing", 0, 0, true},
		{"a little", 1 << 10, 4 << 10, true},
		{"a little too much", 8 << 10, 4 << 10, false},
		{"far too much", 1 << 20, 64 << 10, false},
	} {
		r := &recorder{TB: t}
		Within(r, c.limit, func() {
			if c.bytes > 0 {
				sink = make([]byte, c.bytes)
			}
		})
		if r.failed == c.want {
			t.Errorf("%s: failed = %t", c.name, r.failed)
		}
	}
}

// The cheap reading sees every large allocation.
func TestRoughly(t *testing.T) {
	for range 10 {
		if n := roughly(func() { sink = make([]byte, 1<<20) }); n < 1<<20 {
			t.Errorf("%d bytes seen", n)
		}
		runtime.GC()
	}
}

func BenchmarkRoughly(b *testing.B) {
	for b.Loop() {
		roughly(func() {})
	}
}

func BenchmarkExactly(b *testing.B) {
	for b.Loop() {
		exactly(func() {})
	}
}
