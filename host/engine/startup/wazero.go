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
	r, compiled, err := compileInWazero(ctx, module, cache)
	if err != nil {
		return nil, err
	}
	defer r.Close(ctx)
	lap("compile")
	m, err := instantiate(ctx, r, compiled)
	if err != nil {
		return nil, err
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

// compileInWazero returns a runtime, to be closed, and the module compiled for it.
func compileInWazero(ctx context.Context, module []byte, cache wazero.CompilationCache) (wazero.Runtime, wazero.CompiledModule, error) {
	config := wazero.NewRuntimeConfig().WithDebugInfoEnabled(false)
	if cache != nil {
		config = config.WithCompilationCache(cache)
	}
	r := wazero.NewRuntimeWithConfig(ctx, config)
	_, err := wasi_snapshot_preview1.Instantiate(ctx, r)
	var compiled wazero.CompiledModule
	if err == nil {
		compiled, err = r.CompileModule(experimental.WithCompilationWorkers(ctx, runtime.GOMAXPROCS(0)), module)
	}
	if err != nil {
		r.Close(ctx)
		return nil, nil, fmt.Errorf("compiling the module: %w", err)
	}
	return r, compiled, nil
}

// instantiate starts an instance.
func instantiate(ctx context.Context, r wazero.Runtime, compiled wazero.CompiledModule) (api.Module, error) {
	m, err := r.InstantiateModule(ctx, compiled, wazero.NewModuleConfig().WithName("").WithStartFunctions("_initialize").
		WithRandSource(rand.Reader).WithSysWalltime().WithSysNanotime().WithSysNanosleep())
	if err != nil {
		return nil, fmt.Errorf("starting the module: %w", err)
	}
	return m, nil
}

// openInWazero opens documents in wazero, in an instance for each suite and run.
func (o *options) openInWazero(ctx context.Context) ([]openings, error) {
	module, err := os.ReadFile(o.module)
	if err != nil {
		return nil, err
	}
	r, compiled, err := compileInWazero(ctx, module, nil)
	if err != nil {
		return nil, err
	}
	defer r.Close(ctx)
	var all []openings
	for range o.runs {
		times, err := bySuite(func(suite string, row *[]float64) error {
			m, err := instantiate(ctx, r, compiled)
			if err != nil {
				return err
			}
			defer m.Close(ctx)
			for range 1 + again {
				start := time.Now()
				if err := call(ctx, m, abi.OpOpenKey, o.requests[suite]); err != nil {
					return err
				}
				*row = append(*row, float64(time.Since(start).Nanoseconds())/1e6)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		all = append(all, times)
	}
	return all, nil
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
