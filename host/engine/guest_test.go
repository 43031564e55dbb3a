package engine

import (
	"bytes"
	"math"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// guest makes an instance of the real module to call its exports directly.
func guest(t *testing.T) *instance {
	t.Helper()
	i, err := newEngine(t, Config{Instances: 1}).backend.(*machine).boot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(i.close)
	return i
}

// export calls an export with arguments of 32 bits.
func export(t *testing.T, i *instance, name string, args ...uint32) uint64 {
	t.Helper()
	stack := make([]uint64, len(args), 3)
	for n, a := range args {
		stack[n] = uint64(a)
	}
	results, err := i.module.ExportedFunction(name).Call(t.Context(), stack...)
	if err != nil {
		t.Fatalf("%s%v: %v", name, args, err)
	}
	if len(results) == 0 {
		return 0
	}
	return results[0]
}

// respond calls an operation directly and returns its status.
func respond(t *testing.T, i *instance, op abi.Op, p, n uint32) abi.Status {
	t.Helper()
	packed := export(t, i, "call", uint32(op), p, n)
	view, ok := i.module.Memory().Read(uint32(packed>>32), uint32(packed))
	if !ok || len(view) == 0 {
		t.Fatalf("no response: %#x", packed)
	}
	status := abi.Status(view[0])
	export(t, i, "release", uint32(packed>>32))
	return status
}

// TestWildPointers gives the module addresses and lengths that are not its own.
// Every call is answered, and the instance goes on working.
func TestWildPointers(t *testing.T) {
	i := guest(t)
	size := i.module.Memory().Size()
	p := uint32(export(t, i, "alloc", 64))
	if p == 0 {
		t.Fatal("no buffer")
	}
	for _, c := range []struct{ p, n uint32 }{
		{p, 65}, {p, math.MaxInt32}, {p, 1 << 31}, {p, math.MaxUint32}, // too long
		{p + 1, 10}, {p - 1, 10}, {p + 64, 0}, // inside and beside a buffer
		{size - 1, 2}, {size, 1}, {math.MaxUint32, 1}, {math.MaxUint32, math.MaxUint32}, {1 << 31, 0}, // beyond
		{0, 1}, {0, math.MaxUint32}, {1, 0}, {4096, 0}, {size - 1, 0}, // not buffers at all
	} {
		if s := respond(t, i, abi.OpInfo, c.p, c.n); s != abi.StatusMalformed {
			t.Errorf("call with %#x, %#x: status %d", c.p, c.n, s)
		}
		if c.p != p {
			export(t, i, "release", c.p)
		}
	}
	for _, c := range []struct{ p, n uint32 }{{0, 0}, {p, 0}} {
		if s := respond(t, i, abi.OpInfo, c.p, c.n); s != abi.StatusOK {
			t.Errorf("empty request %#x, %#x: status %d", c.p, c.n, s)
		}
	}
	export(t, i, "release", p)
	export(t, i, "release", p) // twice
	if s := respond(t, i, abi.OpInfo, p, 0); s != abi.StatusMalformed {
		t.Errorf("call with a released buffer: status %d", s)
	}
	if s := respond(t, i, math.MaxUint32, 0, 0); s != abi.StatusOperation {
		t.Errorf("largest operation: status %d", s)
	}
}

// TestAlloc asks for buffers of odd sizes.
func TestAlloc(t *testing.T) {
	i := guest(t)
	for _, n := range []uint32{0, math.MaxUint32, 1 << 31, math.MaxInt32, 1 << 30, abi.MaxRequest + 1} {
		if p := export(t, i, "alloc", n); p != 0 {
			t.Errorf("alloc(%d) = %#x", n, p)
		}
	}
	seen := map[uint64]bool{}
	for _, n := range []uint32{1, 1, 2, 16, 4096, abi.MaxRequest} {
		p := export(t, i, "alloc", n)
		if p == 0 || seen[p] || p+uint64(n) > uint64(i.module.Memory().Size()) {
			t.Errorf("alloc(%d) = %#x", n, p)
		}
		seen[p] = true
	}
	for p := range seen {
		export(t, i, "release", uint32(p))
	}
}

// TestWiped looks for what was in buffers after their release.
func TestWiped(t *testing.T) {
	i := guest(t)
	canary := bytes.Repeat([]byte("canary! "), 64)
	p := uint32(export(t, i, "alloc", uint32(len(canary))))
	i.module.Memory().Write(p, canary)
	if bytes.Count(i.region.b[:i.region.used], canary) != 1 {
		t.Fatal("the canary is not in the buffer")
	}
	export(t, i, "release", p)
	if bytes.Contains(i.region.b[:i.region.used], canary[:16]) {
		t.Error("release left the contents")
	}
}

// TestBeforeInitialise calls exports of an instance that was not initialised, and
// initialises one twice: the worst that may come is an error.
func TestBeforeInitialise(t *testing.T) {
	m := newEngine(t, Config{Instances: 1}).backend.(*machine)
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions().WithSysWalltime().WithSysNanotime()
	module, err := m.runtime.InstantiateModule(t.Context(), m.compiled, config)
	if err != nil {
		t.Fatal(err)
	}
	defer module.Close(t.Context())
	if _, err := module.ExportedFunction("call").Call(t.Context(), 1, 0, 0); err == nil {
		t.Error("a call before initialisation went well")
	}
	i := guest(t)
	if _, err := i.module.ExportedFunction("_initialize").Call(t.Context()); err == nil {
		t.Log("a second initialisation went well")
	}
}
