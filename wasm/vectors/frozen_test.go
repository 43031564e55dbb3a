//go:build !wasip1

package vectors

import (
	"bytes"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A change of these files is a change of what others rely on. It needs a written
// reason.
var update = flag.Bool("update", false, "write the vectors anew")

// TestFrozen makes the vectors again: they are the same, byte for byte.
func TestFrozen(t *testing.T) {
	files := makeAll().files()
	if *update {
		if err := write(files); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(folder); err != nil {
		t.Skipf("the sources are not here: %v", err)
	}
	seen := 0
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		seen++
		b, err := os.ReadFile(path)
		name := strings.TrimPrefix(filepath.ToSlash(path), folder+"/")
		if want, ok := files[name]; err == nil && (!ok || !bytes.Equal(b, want)) {
			t.Errorf("%s is not what is made now", name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen != len(files) {
		t.Errorf("%d files, %d are made", seen, len(files))
	}
}

// write replaces the folder.
func write(files map[string][]byte) error {
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	for _, name := range sortedNames(files) {
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, files[name], 0o644); err != nil {
			return err
		}
	}
	return nil
}
