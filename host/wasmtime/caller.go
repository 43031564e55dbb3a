package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/bytecodealliance/wasmtime-go/v39"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

var errMisbehaved = errors.New("the module broke the rules of the boundary")

// maxMemory bounds an instance's memory in bytes: opening a sealed seed takes the most.
const maxMemory = 256 << 20

// A caller runs the core in one instance of wasmtime, one call at a time, and starts
// another one after an instance has died.
type caller struct {
	engine *wasmtime.Engine
	module *wasmtime.Module
	linker *wasmtime.Linker

	mu  sync.Mutex
	now *instance
}

// An instance is one running module. It serves one call at a time.
type instance struct {
	store                *wasmtime.Store
	memory               *wasmtime.Memory
	alloc, release, call *wasmtime.Func
}

// newCaller compiles the module and starts it, with wasmtime's own WASI for randomness
// and clocks: no files, arguments or environment.
func newCaller(bytes []byte) (*caller, error) {
	engine := wasmtime.NewEngine()
	module, err := wasmtime.NewModule(engine, bytes)
	if err != nil {
		return nil, fmt.Errorf("compiling the module: %w", err)
	}
	linker := wasmtime.NewLinker(engine)
	if err := linker.DefineWasi(); err != nil {
		return nil, err
	}
	c := &caller{engine: engine, module: module, linker: linker}
	c.now, err = c.start()
	return c, err
}

// Call implements [abi.Caller]. A call that has begun is not stopped by its context.
func (c *caller) Call(ctx context.Context, op abi.Op, request []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(request) > abi.MaxRequest {
		return nil, abi.ErrTooLarge
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now == nil {
		next, err := c.start()
		if err != nil {
			return nil, err
		}
		c.now = next
	}
	response, err := c.now.exchange(op, request)
	if err != nil { // it looks alive after a trap, and is not
		c.now = nil
		return nil, fmt.Errorf("%w: %w", abi.ErrInternal, err)
	}
	return abi.Result(response)
}

// start makes an instance and checks the version of its boundary.
func (c *caller) start() (*instance, error) {
	store := wasmtime.NewStore(c.engine)
	store.Limiter(maxMemory, -1, 1, -1, 1)
	wasi := wasmtime.NewWasiConfig()
	wasi.InheritStderr()
	store.SetWasi(wasi)
	running, err := c.linker.Instantiate(store, c.module)
	if err != nil {
		return nil, fmt.Errorf("starting the module: %w", err)
	}
	i := &instance{store: store}
	functions := map[string]**wasmtime.Func{"alloc": &i.alloc, "release": &i.release, "call": &i.call}
	for name, f := range functions {
		if *f = running.GetFunc(store, name); *f == nil {
			return nil, fmt.Errorf("not a core: the module does not export %q", name)
		}
	}
	initialize, version := running.GetFunc(store, "_initialize"), running.GetFunc(store, "abi_version")
	memory := running.GetExport(store, "memory")
	if initialize == nil || version == nil || memory == nil || memory.Memory() == nil {
		return nil, errors.New("not a core: an export is missing")
	}
	i.memory = memory.Memory()
	if _, err := initialize.Call(store); err != nil {
		return nil, fmt.Errorf("starting the module: %w", err)
	}
	have, err := version.Call(store)
	if err != nil {
		return nil, err
	}
	if have != int32(abi.Version) {
		return nil, fmt.Errorf("the module has version %v of the boundary, this program version %d", have, abi.Version)
	}
	return i, nil
}

// exchange hands a request over and returns a copy of the response.
func (i *instance) exchange(op abi.Op, request []byte) ([]byte, error) {
	var p int32
	if len(request) > 0 {
		got, err := i.alloc.Call(i.store, int32(len(request)))
		if err != nil {
			return nil, err
		}
		p = got.(int32)
		place, err := i.view(uint32(p), uint32(len(request)))
		if err != nil {
			return nil, err
		}
		copy(place, request)
	}
	got, err := i.call.Call(i.store, int32(op), p, int32(len(request)))
	if err != nil {
		return nil, err
	}
	packed := binary.BigEndian.AppendUint64(nil, uint64(got.(int64)))
	q := binary.BigEndian.Uint32(packed)
	out, err := i.view(q, binary.BigEndian.Uint32(packed[4:]))
	if err != nil {
		return nil, err
	}
	response := append([]byte(nil), out...)
	for _, buffer := range []int32{p, int32(q)} { // wiped by the module
		if _, err := i.release.Call(i.store, buffer); err != nil {
			return nil, err
		}
	}
	return response, nil
}

// view returns n bytes of the instance's memory, good until the next call.
func (i *instance) view(p, n uint32) ([]byte, error) {
	memory := i.memory.UnsafeData(i.store)
	if p == 0 || n == 0 || uint64(p)+uint64(n) > uint64(len(memory)) {
		return nil, errMisbehaved
	}
	return memory[p : uint64(p)+uint64(n)], nil
}
