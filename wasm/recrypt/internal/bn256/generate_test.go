//go:build !wasm

package bn256

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// Generating again gives the same bytes. (The assembly for amd64 needs a module of its own: make check makes that again.)
func TestGenerated(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the go command")
	}
	for _, c := range []struct {
		folder    string
		generator []string
		files     int
	}{
		{".", []string{"curve.go", "lattice.go", "params.go"}, 4},
		{"ff", []string{"field.go", "params.go"}, 10},
		{"ff", []string{"kernels29.go", "params.go"}, 2},
		{"ff", []string{"arm64.go", "params.go"}, 1},
	} {
		gen, err := filepath.Abs("../gen")
		if err != nil {
			t.Fatal(err)
		}
		out := t.TempDir()
		args := []string{"run"}
		for _, file := range c.generator {
			args = append(args, filepath.Join(gen, file))
		}
		cmd := exec.Command("go", append(args, "-set", strconv.Itoa(8*FieldSize), "-out", out)...)
		if msg, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, msg)
		}
		files, err := os.ReadDir(out)
		if err != nil {
			t.Fatal(err)
		}
		if len(files) != c.files {
			t.Errorf("%s wrote %d files", c.generator, len(files))
		}
		for _, f := range files {
			got, err := os.ReadFile(filepath.Join(out, f.Name()))
			if err != nil {
				t.Fatal(err)
			}
			old, err := os.ReadFile(filepath.Join(c.folder, f.Name()))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, old) {
				t.Errorf("%s: run go generate", filepath.Join(c.folder, f.Name()))
			}
		}
	}
}
