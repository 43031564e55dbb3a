//go:build !wasip1

package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestScanSource: a division in assembly is found, in the function that has it only.
func TestScanSource(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.s")
	text := "#include \"textflag.h\"\n\nTEXT ·good(SB), NOSPLIT, $0-8\n\tMULXQ AX, BX, CX\n\tRET\n\nTEXT ·bad<>(SB), NOSPLIT, $0-8\n\tIDIVQ BX\n\tRET\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	division := divisionInstructions["amd64"]
	if found, err := scanSource(path, "good", division); err != nil || len(found) != 0 {
		t.Errorf("good: %v, %v", found, err)
	}
	if found, err := scanSource(path, "bad", division); err != nil || len(found) != 1 {
		t.Errorf("bad: %v, %v", found, err)
	}
	for _, name := range []string{"none", "goo"} {
		if _, err := scanSource(path, name, division); err == nil {
			t.Errorf("%s: found", name)
		}
	}
	if _, err := scanSource(path+"x", "good", division); err == nil {
		t.Error("read a file that is not there")
	}
}
