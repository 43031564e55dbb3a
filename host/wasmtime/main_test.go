package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/abi/abitest"
)

const module = "../../wasm/dist/recrypt.wasm"

// loaded is the core, compiled once for all tests.
var loaded = sync.OnceValues(func() (*caller, error) {
	wasm, err := os.ReadFile(module)
	if err != nil {
		return nil, fmt.Errorf("%w: run make wasm", err)
	}
	return newCaller(wasm)
})

func load(t *testing.T) *caller {
	t.Helper()
	c, err := loaded()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestConformance runs the boundary's conformance suite, vectors and story, as every
// other engine does.
func TestConformance(t *testing.T) {
	abitest.Run(t, load(t))
}

func TestRoundTrip(t *testing.T) {
	if err := play(t.Context(), abi.Client{Caller: load(t)}); err != nil {
		t.Fatal(err)
	}
}

// TestFaults: what is no core does not start, and a request that is too long goes nowhere.
func TestFaults(t *testing.T) {
	empty := []byte("\x00asm\x01\x00\x00\x00")
	for _, wasm := range [][]byte{nil, []byte("no module"), empty} {
		if _, err := newCaller(wasm); err == nil {
			t.Errorf("%q was taken for a core", wasm)
		}
	}
	if _, err := load(t).Call(t.Context(), abi.OpInfo, make([]byte, abi.MaxRequest+1)); !errors.Is(err, abi.ErrTooLarge) {
		t.Errorf("a request that is too long: %v", err)
	}
	done, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := load(t).Call(done, abi.OpInfo, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a call after the end of its context: %v", err)
	}
}
