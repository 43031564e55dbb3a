package atomicfile_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/recrypt-service/recrypt/host/atomicfile"
)

// names returns what a folder holds.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestCommitAppearsWhole(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "a")
	f, err := atomicfile.Create(target, 0o600, false)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString("hello")
	if _, err := os.Lstat(target); err == nil {
		t.Fatal("the target exists before the commit")
	}
	if err := f.Commit(); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(target)
	if err != nil || string(got) != "hello" {
		t.Fatalf("got %q, %v", got, err)
	}
	if info, _ := os.Stat(target); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	if n := names(t, dir); len(n) != 1 {
		t.Errorf("left over: %v", n)
	}
	f.Abort()
	if _, err := os.Stat(target); err != nil {
		t.Error("abort after commit removed the file")
	}
}

func TestAbortLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	f, err := atomicfile.Create(filepath.Join(dir, "a"), 0o600, false)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString("secret")
	f.Abort()
	if n := names(t, dir); len(n) != 0 {
		t.Errorf("left over: %v", n)
	}
}

func TestExistingTarget(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "a")
	if err := os.WriteFile(target, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := atomicfile.WriteFile(target, []byte("new"), 0o600, false); !errors.Is(err, atomicfile.ErrExists) {
		t.Errorf("got %v", err)
	}
	if got, _ := os.ReadFile(target); string(got) != "old" {
		t.Errorf("the file was touched: %q", got)
	}
	if err := atomicfile.WriteFile(target, []byte("new"), 0o600, true); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(target); string(got) != "new" {
		t.Errorf("not replaced: %q", got)
	}
}

func TestTargetThatAppearsMeanwhileIsKept(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "a")
	f, err := atomicfile.Create(target, 0o600, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(target, []byte("other"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := f.Commit(); !errors.Is(err, atomicfile.ErrExists) {
		t.Errorf("got %v", err)
	}
	if got, _ := os.ReadFile(target); string(got) != "other" {
		t.Errorf("the other file was lost: %q", got)
	}
	if n := names(t, dir); len(n) != 1 {
		t.Errorf("left over: %v", n)
	}
}

func TestOddTargetsAreRefused(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "link")
	if err := os.Symlink(filepath.Join(dir, "elsewhere"), link); err != nil {
		t.Skip("no symbolic links here")
	}
	for _, target := range []string{link, dir} {
		if _, err := atomicfile.Create(target, 0o600, true); err == nil {
			t.Errorf("%s was accepted", filepath.Base(target))
		}
	}
	if _, err := atomicfile.Create(filepath.Join(dir, "missing", "a"), 0o600, true); err == nil {
		t.Error("a missing folder was accepted")
	}
}
