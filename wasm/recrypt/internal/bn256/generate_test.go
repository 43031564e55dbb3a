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

// Generating again gives the same bytes.
func TestGenerated(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the go command")
	}
	for _, c := range []struct {
		folder, generator string
		files             int
	}{{".", "curve.go", 3}, {"ff", "field.go", 8}} {
		gen, err := filepath.Abs("../gen")
		if err != nil {
			t.Fatal(err)
		}
		out := t.TempDir()
		cmd := exec.Command("go", "run", filepath.Join(gen, c.generator), filepath.Join(gen, "params.go"), "-set", strconv.Itoa(8*FieldSize), "-out", out)
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
