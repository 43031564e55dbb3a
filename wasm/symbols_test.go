//go:build !wasm

package wasm_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestLinkedModule: the linked module contains no function of packages that are large
// or that format. What the standard library drags in and the linker drops does not
// count, what it keeps does. (The linker writes _ for what is not a letter, digit or point.)
func TestLinkedModule(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the module")
	}
	module := filepath.Join(t.TempDir(), "unstripped.wasm")
	cmd := exec.Command("go", "run", "../host/engine/build", "-C", root, "-names", "-o", module)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b, err := os.ReadFile(module)
	if err != nil {
		t.Fatal(err)
	}
	names := functionNames(t, b)
	if !slices.Contains(names, "github.com_recrypt_service_recrypt_wasm_dispatch.Handle") {
		t.Fatalf("the module's names were not found (%d)", len(names))
	}
	for _, name := range names {
		for _, path := range []string{"fmt.", "encoding_json.", "math_big."} {
			if strings.HasPrefix(name, path) || strings.HasPrefix(name, "type_.eq."+path) {
				t.Errorf("the module contains %s", name)
			}
		}
	}
}

// functionNames reads the name section of a WebAssembly module: custom section "name",
// subsection 1, pairs of index and name (core specification, appendix "Name section").
func functionNames(t *testing.T, module []byte) []string {
	t.Helper()
	module, ok := bytes.CutPrefix(module, []byte("\x00asm\x01\x00\x00\x00"))
	if !ok {
		t.Fatal("not a WebAssembly module")
	}
	number := func(b *[]byte) int {
		v, n := binary.Uvarint(*b)
		if n <= 0 || v > 1<<31 {
			t.Fatal("malformed module")
		}
		*b = (*b)[n:]
		return int(v)
	}
	take := func(b *[]byte, n int) []byte {
		if n > len(*b) {
			t.Fatal("malformed module")
		}
		out := (*b)[:n]
		*b = (*b)[n:]
		return out
	}
	var names []string
	for len(module) > 0 {
		id := take(&module, 1)[0]
		section := take(&module, number(&module))
		if id != 0 || string(take(&section, number(&section))) != "name" {
			continue
		}
		for len(section) > 0 {
			id := take(&section, 1)[0]
			part := take(&section, number(&section))
			if id != 1 {
				continue
			}
			for range number(&part) {
				number(&part) // the function's index
				names = append(names, string(take(&part, number(&part))))
			}
		}
	}
	return names
}
