package engine

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/recrypt-service/recrypt/wasm/dist"
)

// buildModule copies what the module is made of to a folder of its own, builds it
// there with host/engine/build, and returns it.
func buildModule(t *testing.T, goCache string) []byte {
	t.Helper()
	root, dir := filepath.Join("..", ".."), t.TempDir()
	for _, name := range []string{"go.mod", "go.sum"} {
		b, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.CopyFS(filepath.Join(dir, "wasm"), os.DirFS(filepath.Join(root, "wasm"))); err != nil {
		t.Fatal(err)
	}
	tool, out := filepath.Join(dir, "build"), filepath.Join(dir, "out.wasm")
	if b, err := exec.CommandContext(t.Context(), "go", "build", "-o", tool, "./build").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	cmd := exec.CommandContext(t.Context(), tool, "-C", dir, "-o", out) // the cache is for what it builds
	cmd.Env = os.Environ()
	if goCache != "" {
		cmd.Env = append(cmd.Env, "GOCACHE="+goCache)
	}
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	module, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return module
}

// TestReproducible builds the module twice, in two folders and once with nothing
// in the build cache: the bytes are the same.
func TestReproducible(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles the standard library")
	}
	one, two := buildModule(t, ""), buildModule(t, t.TempDir())
	if !bytes.Equal(one, two) {
		t.Errorf("two builds differ: %d and %d bytes", len(one), len(two))
	}
	if module, err := dist.Module(); err == nil && !bytes.Equal(one, module) {
		t.Errorf("the embedded module is not built from these sources: run \"make wasm\"")
	}
}

// TestImports pins what the embedded module imports and exports, so that a new
// dependency of the core is noticed.
func TestImports(t *testing.T) {
	module, err := dist.Module()
	if err != nil {
		t.Skip(err)
	}
	runtime := wazero.NewRuntimeWithConfig(t.Context(), wazero.NewRuntimeConfigInterpreter())
	defer runtime.Close(t.Context())
	m, err := runtime.CompileModule(t.Context(), module)
	if err != nil {
		t.Fatal(err)
	}
	if err := checkModule(m); err != nil {
		t.Error(err)
	}
	names := map[string]bool{}
	for _, f := range m.ImportedFunctions() {
		_, name, _ := f.Import()
		names[name] = true
	}
	if got := slices.Sorted(maps.Keys(names)); !slices.Equal(got, imports) {
		t.Errorf("imports:\n%v, want\n%v", got, imports)
	}
	if len(module) > 6<<20 {
		t.Errorf("the module has %d bytes", len(module))
	}
}
