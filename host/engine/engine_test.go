package engine

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/abi/abitest"
	"github.com/recrypt-service/recrypt/wasm/dist"
)

// cacheDir is shared by the tests of this package, so that the module is compiled
// once, and by runs of them: wazero's cache is keyed by the module's contents.
var cacheDir = filepath.Join(os.TempDir(), "recrypt-engine-test")

// newEngine makes a wazero engine that is closed when the test ends.
func newEngine(t testing.TB, cfg Config) *Engine {
	t.Helper()
	if _, err := dist.Module(); err != nil && cfg.Module == nil {
		t.Skip(err)
	}
	if cfg.CacheDir == "" {
		cfg.CacheDir = cacheDir
	}
	e, err := New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return e
}

func TestConformanceWazero(t *testing.T) { abitest.Run(t, newEngine(t, Config{})) }

// TestNative is short: package dispatch runs the conformance suite on what the native
// engine passes calls to.
func TestNative(t *testing.T) {
	e, err := New(t.Context(), Config{Kind: Native})
	if err != nil {
		t.Fatal(err)
	}
	if version, suites, err := (abi.Client{Caller: e}).Info(t.Context()); err != nil || version != abi.Version || len(suites) != 2 {
		t.Errorf("info: %d, %v, %v", version, suites, err)
	}
	if err := e.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Call(t.Context(), abi.OpInfo, nil); !errors.Is(err, ErrClosed) {
		t.Errorf("call after close: %v", err)
	}
}

// TestSameBytes compares the module with the native core under one random stream.
func TestSameBytes(t *testing.T) {
	const seed = "engine test"
	transcript, err := abitest.Record(seed)
	if err != nil {
		t.Fatal(err)
	}
	e := newEngine(t, Config{Random: abitest.NewStream(seed), Instances: 1})
	if err := transcript.Replay(t.Context(), e); err != nil {
		t.Error(err)
	}
	other := newEngine(t, Config{Random: abitest.NewStream("another"), Instances: 1})
	if err := transcript.Replay(t.Context(), other); err == nil {
		t.Error("another stream gave the same responses")
	}
}

func TestConfig(t *testing.T) {
	for name, cfg := range map[string]Config{
		"unknown kind":     {Kind: "wasmtime"},
		"native, random":   {Kind: Native, Random: abitest.NewStream("")},
		"empty module":     {Module: []byte{}},
		"garbage":          {Module: bytes.Repeat([]byte("garbage"), 100)},
		"wrong wasm magic": {Module: []byte("\x00asm\x02\x00\x00\x00")},
	} {
		e, err := New(t.Context(), cfg)
		if err == nil {
			t.Errorf("%s: accepted", name)
			e.Close(t.Context())
		}
	}
	e := newEngine(t, Config{})
	if e.Kind() != Wazero || len(e.ModuleHash()) != 64 {
		t.Errorf("kind %q, hash %q", e.Kind(), e.ModuleHash())
	}
}

// TestDamagedModule cuts the module short: it is refused.
func TestDamagedModule(t *testing.T) {
	module, err := dist.Module()
	if err != nil {
		t.Skip(err)
	}
	for _, n := range []int{1, 8, 100, len(module) / 2, len(module) - 1} {
		if e, err := New(t.Context(), Config{Module: module[:n]}); err == nil {
			t.Errorf("module of %d bytes accepted", n)
			e.Close(t.Context())
		}
	}
}

// TestHammer uses more goroutines than instances, with operations of every kind.
func TestHammer(t *testing.T) {
	e := newEngine(t, Config{Instances: 3})
	c := abi.Client{Caller: e}
	var wg sync.WaitGroup
	for g := range 32 {
		wg.Go(func() {
			for n := range 8 {
				if err := hammer(t.Context(), c, byte(g), n); err != nil {
					t.Errorf("goroutine %d, round %d: %v", g, n, err)
					return
				}
			}
		})
	}
	wg.Wait()
	m := e.backend.(*machine)
	if len(m.idle) > 3 || len(m.busy) != 0 || len(m.slots) != 0 {
		t.Errorf("%d idle, %d busy, %d slots taken", len(m.idle), len(m.busy), len(m.slots))
	}
}

// hammer makes a few calls whose answers are known.
func hammer(ctx context.Context, c abi.Client, g byte, n int) error {
	message := bytes.Repeat([]byte{g, byte(n)}, 1+1000*n)
	key, public, err := c.GenerateSigningKeyPair(ctx)
	if err != nil {
		return err
	}
	signature, err := c.Ed25519Sign(ctx, key, message)
	if err != nil {
		return err
	}
	if err := c.Ed25519Verify(ctx, public, message, signature); err != nil {
		return err
	}
	if err := c.Ed25519Verify(ctx, public, message[1:], signature); !errors.Is(err, abi.ErrSignature) {
		return errors.New("a signature of another message verifies")
	}
	id := [32]byte(public)
	text, err := c.FormatID(ctx, abi.KindPerson, id)
	if err != nil {
		return err
	}
	if _, back, err := c.ParseID(ctx, text); err != nil || back != id {
		return errors.New("the id came back as another one")
	}
	if n%4 != 0 {
		return nil
	}
	private, encryption, err := c.GenerateKeyPair(ctx, 1)
	if err != nil {
		return err
	}
	if again, err := c.PublicKey(ctx, 1, private); err != nil || !bytes.Equal(again, encryption) {
		return errors.New("the public key is another one")
	}
	return nil
}

// TestRandomness draws many keys from several instances: none comes twice.
func TestRandomness(t *testing.T) {
	e := newEngine(t, Config{Instances: 4})
	c := abi.Client{Caller: e}
	var mu sync.Mutex
	seen := map[string]bool{}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 50 {
				key, _, err := c.GenerateSigningKeyPair(t.Context())
				mu.Lock()
				if err != nil || seen[string(key)] {
					t.Errorf("repeated, or failed: %v", err)
				}
				seen[string(key)] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

// TestCacheDir uses a cache folder that others cannot read, twice, and folders
// that are no use.
func TestCacheDir(t *testing.T) {
	module := newModule().bytes()
	dir := filepath.Join(t.TempDir(), "deep", "cache")
	start := func(dir string) {
		t.Helper()
		e, err := New(t.Context(), Config{Module: module, CacheDir: dir})
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	start(dir)
	files := countFiles(t, dir)
	if files == 0 {
		t.Error("nothing was cached")
	}
	start(dir)
	if countFiles(t, dir) != files {
		t.Error("the second start did not use the cache")
	}
	if info, err := os.Stat(dir); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o700 {
		t.Errorf("cache folder: %v, %v", info.Mode(), err)
	}

	open := t.TempDir()
	if err := os.Chmod(open, 0o777); err != nil {
		t.Fatal(err)
	}
	start(open)
	if runtime.GOOS != "windows" && countFiles(t, open) != 0 {
		t.Error("used a cache folder that others can write to")
	}
	if foreign := t.TempDir(); os.Geteuid() == 0 && os.Chown(foreign, 65534, 65534) == nil {
		if start(foreign); countFiles(t, foreign) != 0 {
			t.Error("used somebody else's cache folder")
		}
	}
	if link := filepath.Join(t.TempDir(), "link"); os.Symlink(dir, link) == nil {
		start(link) // works without
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	start(file)
	start(filepath.Join(file, "below"))
}

func countFiles(t *testing.T, dir string) (n int) {
	t.Helper()
	err := filepath.WalkDir(dir, func(_ string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
