package engine

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/dist"
)

// TestModuleChecks loads modules that are not quite the core.
func TestModuleChecks(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(m *module)
		want   string // part of the error; "" if the module is good
	}{
		"good":                {func(m *module) {}, ""},
		"no version":          {func(m *module) { delete(m.code, "abi_version") }, `does not export "abi_version"`},
		"no alloc":            {func(m *module) { delete(m.code, "alloc") }, `does not export "alloc"`},
		"no release":          {func(m *module) { delete(m.code, "release") }, `does not export "release"`},
		"no call":             {func(m *module) { delete(m.code, "call") }, `does not export "call"`},
		"no stop word":        {func(m *module) { delete(m.code, "stop_word") }, `does not export "stop_word"`},
		"no initialisation":   {func(m *module) { delete(m.code, "_initialize") }, `does not export "_initialize"`},
		"another signature":   {func(m *module) { m.types["release"], m.code["release"] = typeUnary, bodyOne }, `"release" has another signature`},
		"surplus export":      {func(m *module) { m.types["surplus"], m.code["surplus"] = typeNone, bodyEmpty }, `exports "surplus"`},
		"surplus import":      {func(m *module) { m.imports = append(m.imports, "path_open") }, `imports "wasi_snapshot_preview1"."path_open"`},
		"import elsewhere":    {func(m *module) { m.from = "env" }, `imports "env"."random_get"`},
		"older version":       {func(m *module) { m.code["abi_version"] = constant(abi.Version - 1) }, "version 0 of the boundary"},
		"newer version":       {func(m *module) { m.code["abi_version"] = constant(abi.Version + 1) }, "version 2 of the boundary"},
		"version traps":       {func(m *module) { m.code["abi_version"] = bodyTrap }, "broke the rules"},
		"start traps":         {func(m *module) { m.code["_initialize"] = bodyTrap }, "start an instance"},
		"stop word at 0":      {func(m *module) { m.code["stop_word"] = constant(0) }, "broke the rules"},
		"stop word odd":       {func(m *module) { m.code["stop_word"] = constant(stopAt + 1) }, "broke the rules"},
		"stop word outside":   {func(m *module) { m.code["stop_word"] = constant(128 << 16) }, "broke the rules"},
		"stop word far out":   {func(m *module) { m.code["stop_word"] = constant(-4) }, "broke the rules"},
		"first call traps":    {func(m *module) { m.code["call"] = bodyTrap + answer(0, 0) }, "first call failed"},
		"no randomness":       {func(m *module) { m.code["call"] = answer(answerAt, answerLen) }, "the same random bytes"},
		"too much memory":     {func(m *module) { m.pages = 5000 }, "compile the module"},
		"response out of it":  {func(m *module) { m.code["call"] = answer(128<<16-1, 2) }, "first call failed"},
		"response far out":    {func(m *module) { m.code["call"] = answer(1<<32-1, 1<<22) }, "first call failed"},
		"response of nothing": {func(m *module) { m.code["call"] = answer(answerAt, 0) }, "first call failed"},
		"endless response":    {func(m *module) { m.code["call"] = answer(answerAt, 1<<32-1) }, "first call failed"},
		"response too long":   {func(m *module) { m.code["call"] = answer(answerAt, maxResponse+1) }, "first call failed"},
	} {
		t.Run(name, func(t *testing.T) {
			m := newModule()
			tc.change(m)
			e, err := New(t.Context(), Config{Module: m.bytes(), CacheDir: cacheDir})
			if err == nil {
				defer e.Close(t.Context())
			}
			switch {
			case tc.want == "" && err != nil:
				t.Error(err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want)):
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

// TestAllocMisbehaves gives requests to modules whose buffers are not where they
// should be.
func TestAllocMisbehaves(t *testing.T) {
	for name, body := range map[string]string{
		"none": constant(0), "outside": constant(128<<16 - 1), "far outside": constant(-1), "trap": bodyTrap,
	} {
		m := newModule()
		m.code["alloc"] = body
		e := newEngine(t, Config{Module: m.bytes()})
		if _, err := e.Call(t.Context(), abi.OpInfo, []byte("xx")); !errors.Is(err, abi.ErrInternal) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := e.Call(t.Context(), abi.OpInfo, nil); err != nil {
			t.Errorf("%s: afterwards: %v", name, err)
		}
	}
}

// TestTrap sees that an instance that trapped is never used again.
func TestTrap(t *testing.T) {
	e := newEngine(t, Config{Module: newModule().bytes(), Instances: 1})
	p := e.backend.(*machine).pool
	for range 3 {
		before := p.idle[0]
		if _, err := e.Call(t.Context(), opTrap, nil); !errors.Is(err, abi.ErrInternal) {
			t.Fatal(err)
		}
		if len(p.idle) != 0 || len(p.busy) != 0 {
			t.Fatal("the instance was kept")
		}
		if !before.module.IsClosed() || !before.region.freed.Load() {
			t.Error("the instance was not closed")
		}
		if _, err := e.Call(t.Context(), abi.OpInfo, []byte("request")); err != nil {
			t.Fatal(err)
		}
		if len(p.idle) != 1 || p.idle[0] == before {
			t.Error("the instance was not replaced")
		}
	}
}

// TestRetire sees that an instance is replaced after its share of calls, and when
// its memory has grown.
func TestRetire(t *testing.T) {
	e := newEngine(t, Config{Module: newModule().bytes(), Instances: 1})
	p := e.backend.(*machine).pool
	call := func() {
		if _, err := e.Call(t.Context(), abi.OpInfo, nil); err != nil {
			t.Fatal(err)
		}
	}
	first := p.idle[0]
	first.calls = maxCalls - 2
	call()
	if len(p.idle) != 1 || p.idle[0] != first {
		t.Fatal("replaced too early")
	}
	call()
	if len(p.idle) != 0 {
		t.Fatal("not replaced")
	}
	call()
	if _, ok := p.idle[0].module.Memory().Grow(maxMemory >> 16); !ok {
		t.Fatal("memory does not grow")
	}
	call()
	if len(p.idle) != 0 {
		t.Error("an instance with much memory was kept")
	}
}

// TestStop closes engines while calls run.
func TestStop(t *testing.T) {
	e, err := New(t.Context(), Config{Module: newModule().bytes(), Instances: 2, CacheDir: cacheDir})
	if err != nil {
		t.Fatal(err)
	}
	errs := make(chan error, 3)
	for range 3 { // two run, one waits
		go func() {
			_, err := e.Call(t.Context(), opLoop, nil)
			errs <- err
		}()
	}
	p := e.backend.(*machine).pool
	for len(p.slots) < 2 || !busy(p, 2) {
		time.Sleep(time.Millisecond)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Call(ended, abi.OpInfo, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("call with an ended context: %v", err)
	}
	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	if _, err := e.Call(short, abi.OpInfo, nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("call while all instances are busy: %v", err)
	}
	cancel()
	if err := e.Close(t.Context()); err != nil {
		t.Error(err)
	}
	stopped := 0
	for range 3 {
		switch err := <-errs; {
		case errors.Is(err, ErrClosed):
			stopped++
		case err != nil:
			t.Error(err)
		}
	}
	if stopped > 1 {
		t.Errorf("%d of 3 calls did not run", stopped)
	}
	if _, err := e.Call(t.Context(), abi.OpInfo, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("call after close: %v", err)
	}
	if err := e.Close(t.Context()); err != nil {
		t.Errorf("second close: %v", err)
	}
}

func busy(p *pool, n int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.busy) == n
}

// TestMemoryLimit lets calls run out of memory: the engine goes on.
func TestMemoryLimit(t *testing.T) {
	const pages = 112 // 7 MiB, of which 3.5 are used at the start
	if module, err := dist.Module(); err == nil {
		if e, err := New(t.Context(), Config{Module: module, MemoryLimitPages: 16, CacheDir: cacheDir}); err == nil {
			t.Error("started in one MiB")
			e.Close(t.Context())
		}
	}
	e := newEngine(t, Config{MemoryLimitPages: pages, Instances: 1})
	c := abi.Client{Caller: e}
	key, _, err := c.GenerateSigningKeyPair(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := c.Ed25519Sign(t.Context(), key, make([]byte, abi.MaxRequest-100)); !errors.Is(err, abi.ErrInternal) {
			t.Errorf("much memory: %v", err)
		}
		if _, err := c.Ed25519Sign(t.Context(), key, []byte("little memory")); err != nil {
			t.Error(err)
		}
	}
}

// TestLargestRequests repeats what needs most memory within the default limit.
func TestLargestRequests(t *testing.T) {
	e := newEngine(t, Config{Instances: 1})
	c := abi.Client{Caller: e}
	for range 3 {
		if _, err := c.Ed25519Sign(t.Context(), make([]byte, 64), make([]byte, abi.MaxRequest-100)); !errors.Is(err, abi.ErrMalformed) {
			t.Fatal(err)
		}
		sealed, err := c.SealSeed(t.Context(), []byte("passphrase"), abi.SecretSeed, make([]byte, 32), 65536, 2)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.OpenSeed(t.Context(), []byte("passphrase"), sealed); err != nil {
			t.Fatal(err)
		}
	}
}

// TestModuleHash: what wazero runs is the module in the folder, byte for byte, which every
// other runtime runs, too.
func TestModuleHash(t *testing.T) {
	e, err := New(t.Context(), Config{CacheDir: cacheDir})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close(t.Context())
	file, err := os.ReadFile(filepath.Join("..", "..", "wasm", "dist", "recrypt.wasm"))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("the module was not built")
	}
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(file); e.ModuleHash() != hex.EncodeToString(sum[:]) {
		t.Errorf("wazero runs %s, the file is %x", e.ModuleHash(), sum)
	}
}
