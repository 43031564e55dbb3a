package engine

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/experimental"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/dist"
)

// defaultPages is the default memory limit of an instance: 128 MiB.
const defaultPages = 2048

// A machine is the compiled module and the pool of its instances.
type machine struct {
	*pool
	runtime  wazero.Runtime
	cache    wazero.CompilationCache // nil without a cache folder
	compiled wazero.CompiledModule
	random   io.Reader // for instances that have started; nil means the system's
}

// newMachine compiles and checks a module and returns it with its hash.
func newMachine(ctx context.Context, cfg Config) (*machine, string, error) {
	module := cfg.Module
	if module == nil {
		var err error
		if module, err = dist.Module(); err != nil {
			return nil, "", err
		}
	}
	m := &machine{cache: openCache(cfg.CacheDir)}
	if cfg.Random != nil {
		m.random = &sharedReader{r: cfg.Random}
	}
	instances := cfg.Instances
	if instances <= 0 {
		instances = runtime.NumCPU()
	}
	m.pool = newPool(instances, m.start, m.free)
	if err := m.compile(ctx, module, cfg.MemoryLimitPages); err != nil {
		m.free(ctx)
		return nil, "", err
	}
	if err := m.tryOut(ctx, !cfg.DeferSelfTest); err != nil {
		m.free(ctx)
		return nil, "", err
	}
	hash := sha256.Sum256(module)
	return m, hex.EncodeToString(hash[:]), nil
}

// compile compiles the module for this processor, or takes it from the cache.
func (m *machine) compile(ctx context.Context, module []byte, pages uint32) error {
	if pages == 0 {
		pages = defaultPages
	}
	// Without WithCloseOnContextDone, on purpose: see RATIONALE.md.
	config := wazero.NewRuntimeConfig().WithMemoryLimitPages(pages).WithDebugInfoEnabled(false)
	if m.cache != nil {
		config = config.WithCompilationCache(m.cache)
	}
	m.runtime = wazero.NewRuntimeWithConfig(ctx, config)
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, m.runtime); err != nil {
		return err
	}
	var err error
	m.compiled, err = m.runtime.CompileModule(experimental.WithCompilationWorkers(ctx, runtime.GOMAXPROCS(0)), module)
	if err != nil {
		return fmt.Errorf("compile the module: %w", err)
	}
	return checkModule(m.compiled)
}

// start makes an instance for the pool.
func (m *machine) start(ctx context.Context) (*instance, error) {
	i, err := m.boot(ctx)
	if err == nil && m.random != nil {
		i.random.r = m.random
	}
	return i, err
}

// boot makes an instance that is ready for calls, with the system's randomness.
func (m *machine) boot(ctx context.Context) (*instance, error) {
	i := &instance{random: &switchedReader{rand.Reader}, log: &tail{}}
	allocator := experimental.MemoryAllocatorFunc(func(_, limit uint64) experimental.LinearMemory {
		i.region = newRegion(limit)
		return i.region
	})
	config := wazero.NewModuleConfig().
		WithName(""). // anonymous: many of one module
		WithStartFunctions("_initialize").
		WithRandSource(i.random). // wazero's default is a fixed stream
		WithSysWalltime().
		WithSysNanotime().
		WithSysNanosleep().
		WithStderr(i.log)
	var err error
	i.module, err = m.runtime.InstantiateModule(experimental.WithMemoryAllocator(ctx, allocator), m.compiled, config)
	if err == nil {
		err = i.prepare(ctx)
	}
	if err != nil {
		i.close()
		return nil, fmt.Errorf("start an instance of the module: %w", err)
	}
	return i, nil
}

// tryOut starts two instances, sees that they answer and that their random bytes
// differ, and leaves what fits in the pool. The first one tests the whole core, unless
// that is left to the first use of each suite.
func (m *machine) tryOut(ctx context.Context, selfTest bool) error {
	var keys [2][]byte
	for n := range keys {
		i, err := m.boot(ctx)
		if err != nil {
			return err
		}
		if n == 0 && selfTest {
			if err := i.selfTest(ctx); err != nil {
				i.close()
				return err
			}
		}
		response, err := i.call(ctx, abi.OpGenerateSigningKeyPair, nil)
		if m.random != nil {
			i.random.r = m.random
		}
		if err != nil {
			i.close()
			return errors.New("the module does not work: its first call failed")
		}
		m.put(i)
		if keys[n], err = abi.Result(response); err != nil {
			return fmt.Errorf("the module does not work: %w", err)
		}
	}
	defer clear(keys[0])
	defer clear(keys[1])
	if bytes.Equal(keys[0], keys[1]) {
		return errors.New("two instances of the module gave the same random bytes")
	}
	return nil
}

// free releases the compiled code. No call may be running.
func (m *machine) free(ctx context.Context) error {
	m.drop()
	var err error
	if m.runtime != nil {
		err = m.runtime.Close(ctx)
	}
	if m.cache != nil {
		err = errors.Join(err, m.cache.Close(ctx))
	}
	return err
}

// openCache returns a cache of compiled code in dir, or nil if dir is empty or
// cannot be used safely: what is in it will be run.
func openCache(dir string) wazero.CompilationCache {
	if dir == "" || os.MkdirAll(dir, 0o700) != nil {
		return nil
	}
	info, err := os.Lstat(dir)
	if err != nil || !info.IsDir() || !private(info) {
		return nil
	}
	cache, err := wazero.NewCompilationCacheWithDir(dir)
	if err != nil {
		return nil
	}
	return cache
}

// A switchedReader reads from r, which its owner may change between calls.
type switchedReader struct{ r io.Reader }

func (s *switchedReader) Read(b []byte) (int, error) { return s.r.Read(b) }

// A sharedReader lets several instances read from r.
type sharedReader struct {
	mu sync.Mutex
	r  io.Reader
}

func (s *sharedReader) Read(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.r.Read(b)
}

// A tail keeps the first bytes that an instance writes to its standard error: the
// reason it died, for somebody with a debugger. They may come from the memory of
// the core, so nothing prints them.
type tail struct{ b []byte }

const maxTail = 4 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.b = append(t.b, b[:min(len(b), maxTail-len(t.b))]...)
	return len(b), nil
}
