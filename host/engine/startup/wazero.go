package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// wazero times the module in wazero, set up as host/engine does.
func (o *options) wazero(ctx context.Context, row func(string, []sample)) error {
	module, err := os.ReadFile(o.module)
	if err != nil {
		return err
	}
	var samples []sample
	for range min(o.runs, 3) { // a second or two each
		s, err := startInWazero(ctx, module, nil)
		if err != nil {
			return err
		}
		samples = append(samples, s)
	}
	row("wazero, nothing cached", samples)

	dir, err := os.MkdirTemp("", "startup-wazero-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	samples = nil
	for n := range o.runs + 1 {
		cache, err := wazero.NewCompilationCacheWithDir(dir)
		if err != nil {
			return err
		}
		s, err := startInWazero(ctx, module, cache)
		cache.Close(ctx)
		if err != nil {
			return err
		}
		if n > 0 { // the first one fills the cache
			samples = append(samples, s)
		}
	}
	row("wazero, cached", samples)
	return nil
}

// startInWazero starts the module once.
func startInWazero(ctx context.Context, module []byte, cache wazero.CompilationCache) (sample, error) {
	s, last := sample{}, time.Now()
	lap := func(step string) {
		now := time.Now()
		s[step] = float64(now.Sub(last).Nanoseconds()) / 1e6
		last = now
	}
	config := wazero.NewRuntimeConfig().WithDebugInfoEnabled(false)
	if cache != nil {
		config = config.WithCompilationCache(cache)
	}
	r := wazero.NewRuntimeWithConfig(ctx, config)
	defer r.Close(ctx)
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, r); err != nil {
		return nil, err
	}
	compiled, err := r.CompileModule(experimental.WithCompilationWorkers(ctx, runtime.GOMAXPROCS(0)), module)
	if err != nil {
		return nil, fmt.Errorf("compiling the module: %w", err)
	}
	lap("compile")
	m, err := r.InstantiateModule(ctx, compiled, wazero.NewModuleConfig().WithName("").WithStartFunctions("_initialize").
		WithRandSource(rand.Reader).WithSysWalltime().WithSysNanotime().WithSysNanosleep())
	if err != nil {
		return nil, fmt.Errorf("starting the module: %w", err)
	}
	lap("start")
	for _, op := range []struct {
		step    string
		op      abi.Op
		request []byte
	}{
		{"Ed25519", abi.OpGenerateSigningKeyPair, nil},
		{"recrypt256", abi.OpGenerateKeyPair, abi.Pack(abi.U8(abi.Suite256))},
		{"recrypt480", abi.OpGenerateKeyPair, abi.Pack(abi.U8(abi.Suite480))},
		{"rest", abi.OpSelfTest, nil},
	} {
		if err := call(ctx, m, op.op, op.request); err != nil {
			return nil, fmt.Errorf("testing the module, %s: %w", op.step, err)
		}
		lap(op.step)
	}
	return s, nil
}

// call runs an operation; its answer must be OK.
func call(ctx context.Context, m api.Module, op abi.Op, request []byte) error {
	var at uint64
	if len(request) > 0 {
		allocated, err := m.ExportedFunction("alloc").Call(ctx, uint64(len(request)))
		if err != nil {
			return err
		}
		at = allocated[0]
		m.Memory().Write(uint32(at), request)
	}
	packed, err := m.ExportedFunction("call").Call(ctx, uint64(op), at, uint64(len(request)))
	if err != nil {
		return err
	}
	response, ok := m.Memory().Read(uint32(packed[0]>>32), uint32(packed[0]))
	if !ok {
		return abi.ErrInternal
	}
	_, err = abi.Result(response)
	return err
}
