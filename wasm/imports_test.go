// Package wasm_test keeps the rules of import between the parts of the module.
package wasm_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/recrypt-service/recrypt"

// forbidden may not be imported by packages under wasm/, outside tests and generators.
var forbidden = []string{"fmt", "encoding/json", "math/big", "reflect"}

// root is the module's folder, seen from here.
const root = ".."

// TestCoreImports: what compiles to WebAssembly imports the standard library and
// golang.org/x only, and nothing of it that is large or reaches outside.
func TestCoreImports(t *testing.T) {
	files := 0
	walk(t, "wasm", func(file string, imports []string) {
		files++
		for _, path := range imports {
			first, _, _ := strings.Cut(path, "/")
			inside := path == module || strings.HasPrefix(path, module+"/")
			switch {
			case inside && !strings.HasPrefix(path, module+"/wasm/"):
				t.Errorf("%s imports %s, which is outside wasm/", file, path)
			case !inside && strings.Contains(first, ".") && !strings.HasPrefix(path, "golang.org/x/"):
				t.Errorf("%s imports %s, neither standard library nor golang.org/x", file, path)
			case slices.Contains(forbidden, path) || path == "net" || strings.HasPrefix(path, "net/"):
				t.Errorf("%s imports %s", file, path)
			}
		}
	})
	if files == 0 {
		t.Error("no files found")
	}
}

// TestWazeroStaysInTheEngine: one package knows the WebAssembly runtime.
func TestWazeroStaysInTheEngine(t *testing.T) {
	walk(t, ".", func(file string, imports []string) {
		if strings.HasPrefix(file, "host/engine/") {
			return
		}
		for _, path := range imports {
			if strings.HasPrefix(path, "github.com/tetratelabs/wazero") {
				t.Errorf("%s imports %s", file, path)
			}
		}
	})
}

// TestServerReachesTheCoreThroughTheBoundary: the server uses wasm/abi, nothing behind it.
func TestServerReachesTheCoreThroughTheBoundary(t *testing.T) {
	walk(t, "host/server", func(file string, imports []string) {
		for _, path := range imports {
			for _, name := range []string{"recrypt", "protocol", "dispatch"} {
				core := module + "/wasm/" + name
				if path == core || strings.HasPrefix(path, core+"/") {
					t.Errorf("%s imports %s", file, path)
				}
			}
		}
	})
}

// walk calls visit with every Go file under a folder of the module, and with its imports.
// Left out are tests, packages for tests (their names end in "test") and generators.
func walk(t *testing.T, folder string, visit func(file string, imports []string)) {
	t.Helper()
	start := filepath.Join(root, filepath.FromSlash(folder))
	if _, err := os.Stat(start); err != nil {
		t.Skipf("the sources are not here: %v", err)
	}
	visited := 0
	err := filepath.WalkDir(start, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if path != start && (strings.HasSuffix(name, "test") || name == "testdata" || name == "node_modules" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		if ignored(f) {
			return nil
		}
		var imports []string
		for _, i := range f.Imports {
			p, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			imports = append(imports, p)
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		visit(filepath.ToSlash(rel), imports)
		visited++
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if visited == 0 {
		t.Errorf("%s has no Go files", folder)
	}
}

// ignored reports whether a file is a generator, which no build includes.
func ignored(f *ast.File) bool {
	for _, g := range f.Comments {
		for _, c := range g.List {
			if c.Pos() < f.Package && c.Text == "//go:build ignore" {
				return true
			}
		}
	}
	return false
}

// TestWalkReads: the walk sees the imports of a real file.
func TestWalkReads(t *testing.T) {
	seen := false
	walk(t, "wasm/internal/entropy", func(_ string, imports []string) {
		seen = seen || slices.Contains(imports, "crypto/rand")
	})
	if !seen {
		t.Error("the imports of wasm/internal/entropy were not read")
	}
}
