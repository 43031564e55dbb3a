//go:build !wasip1

package main

import (
	"bytes"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/dispatch"
)

// TestOperations: every operation answers as it is expected to, natively, for two
// secrets and for the edges; requests have one length, follow from the seed, and
// differ.
func TestOperations(t *testing.T) {
	list := operations("test")
	again := operations("test")
	suites := map[string]int{}
	for k := range list {
		o := &list[k]
		suites[suiteName(o.suite)]++
		first := o.pack(0)
		if !bytes.Equal(first, again[k].pack(0)) {
			t.Errorf("%s: the request does not follow from the seed", o.name)
		}
		for i := range indices(2, o.edges) {
			request := o.pack(i)
			response := dispatch.Handle(o.op, request)
			if abi.Status(response[0]) != o.status {
				t.Errorf("%s, %s, secret %d: status %d, not %d: %s", o.name, suiteName(o.suite), i, response[0], o.status, response[1:])
			}
			if len(request) != len(first) {
				t.Errorf("%s: %d and %d bytes", o.name, len(first), len(request))
			}
			if i != 0 && len(request) > abi.FrameSize(1) && bytes.Equal(request, first) {
				t.Errorf("%s: secret %d is secret 0", o.name, i)
			}
		}
	}
	if suites["recrypt256"] != suites["recrypt480"] || suites["recrypt256"] < 15 || suites["-"] < 2 {
		t.Errorf("operations by suite: %v", suites)
	}
}

// TestFixedArrangementIsPublic: where nothing is left out of the trace, everything
// that the operation verifies is the same for all secrets.
func TestFixedArrangementIsPublic(t *testing.T) {
	w := newWorld(1, "test")
	n := w.suite.FieldSize()
	for _, o := range w.opens() {
		a, b := o.request(0), o.request(1)
		if o.signed {
			if bytes.Equal(a[1], b[1]) {
				t.Errorf("%s: the value does not differ", o.name)
			}
			continue
		}
		if !bytes.Equal(a[1], b[1]) {
			t.Errorf("%s: the value differs", o.name)
		}
		if o.op != abi.OpTransform {
			continue
		}
		x, y := a[2], b[2] // transform keys
		if bytes.Equal(x[16*n:20*n], y[16*n:20*n]) {
			t.Errorf("%s: hashedTempKey does not differ", o.name)
		}
		if !bytes.Equal(x[:16*n], y[:16*n]) || !bytes.Equal(x[20*n:], y[20*n:]) {
			t.Errorf("%s: what is signed differs", o.name)
		}
	}
}

// TestFixedBatchIsPublic: the same for prepared keys and batches.
func TestFixedBatchIsPublic(t *testing.T) {
	w := newWorld(1, "test")
	n, size := w.suite.FieldSize(), w.suite.TransformKeySize()
	for _, o := range append(w.prepares(), w.many()...) {
		a, b := o.request(0), o.request(1)
		values := len(a) - 1
		if o.signed {
			if bytes.Equal(a[values], b[values]) {
				t.Errorf("%s: nothing differs", o.name)
			}
			continue
		}
		switch o.op {
		case abi.OpDecryptMany, abi.OpTransformPrepared:
			if !bytes.Equal(a[values], b[values]) {
				t.Errorf("%s: the values differ", o.name)
			}
		}
		if o.op == abi.OpDecryptMany {
			continue
		}
		x, y := a[1], b[1] // transform keys, behind suite and format if prepared
		if o.op == abi.OpTransformPrepared {
			x, y = x[2:], y[2:]
		}
		if bytes.Equal(x[16*n:20*n], y[16*n:20*n]) {
			t.Errorf("%s: hashedTempKey does not differ", o.name)
		}
		if !bytes.Equal(x[:16*n], y[:16*n]) || !bytes.Equal(x[20*n:size], y[20*n:size]) {
			t.Errorf("%s: what is signed differs", o.name)
		}
	}
}
