package blobs_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/blobs"
	"github.com/recrypt-service/recrypt/host/blobs/blobstest"
)

// childEnv names the folder in which the test program, run again, only uploads, until it is ended.
const childEnv = "RECRYPT_TEST_UPLOAD_TO"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		uploadForever(dir)
	}
	os.Exit(m.Run())
}

func openDisk(t testing.TB, dir string, o blobs.Options) *blobs.Disk {
	t.Helper()
	s, err := blobs.OpenDisk(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestDisk(t *testing.T) {
	blobstest.Run(t, func(t *testing.T) blobstest.Opener {
		dir := t.TempDir()
		return func(t testing.TB, o blobs.Options) blobs.Store { return openDisk(t, dir, o) }
	})
}

// TestDiskLink runs the suite in a folder that is reached by a symbolic link.
func TestDiskLink(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Skip(err)
	}
	s := openDisk(t, link, blobs.Options{})
	content := blobstest.Content(1, 1000)
	id := blobs.ID(sha256.Sum256(content))
	if _, err := s.Put(t.Context(), id, 1000, bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "documents", id.String()[:2], id.String())
	if got, err := os.ReadFile(name); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if info, _ := os.Stat(name); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
}

// TestDiskEscape puts links that lead elsewhere into the folder: nobody follows them.
func TestDiskEscape(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	s := openDisk(t, dir, blobs.Options{})
	content := blobstest.Content(1, 1000)
	id := blobs.ID(sha256.Sum256(content))
	if err := os.Symlink(outside, filepath.Join(dir, "documents", id.String()[:2])); err != nil {
		t.Skip(err)
	}
	if err := os.WriteFile(filepath.Join(outside, id.String()), []byte("not for you"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Read(t.Context(), id, 0, 1); err == nil {
		t.Error("a link out of the folder was followed")
	}
	if _, err := s.Put(t.Context(), id, 1000, bytes.NewReader(content)); err == nil {
		t.Error("a document was written through a link")
	}
	if got, _ := os.ReadFile(filepath.Join(outside, id.String())); string(got) != "not for you" {
		t.Error("what was outside has changed")
	}
}

func TestOpenDisk(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for where, want := range map[string]string{
		filepath.Join(dir, "a", "b"): "no such file", file: "not a folder", "http://x": "in a folder or in s3",
	} {
		if _, err := blobs.Open(t.Context(), where, blobs.Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", where, err)
		}
	}
	made := filepath.Join(dir, "made")
	openDisk(t, made, blobs.Options{})
	if info, err := os.Stat(made); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%v, %v", info, err)
	}
	entries, _ := os.ReadDir(filepath.Join(made, "uploads"))
	if len(entries) != 0 {
		t.Errorf("%v is left of opening", entries)
	}
	if os.Geteuid() == 0 {
		return // may write everywhere
	}
	os.Chmod(made, 0o500)
	defer os.Chmod(made, 0o700)
	os.Chmod(filepath.Join(made, "uploads"), 0o500)
	if _, err := blobs.OpenDisk(made, blobs.Options{}); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "cannot be written to") {
		t.Errorf("a folder that cannot be written to: %v", err)
	}
}

// TestDiskLost takes the folder away under a running store.
func TestDiskLost(t *testing.T) {
	dir := t.TempDir()
	s := openDisk(t, dir, blobs.Options{})
	if err := s.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "uploads")); err != nil {
		t.Fatal(err)
	}
	if err := s.Check(t.Context()); err == nil {
		t.Error("a lost folder is not noticed")
	}
	content := blobstest.Content(1, 10)
	if _, err := s.Put(t.Context(), sha256.Sum256(content), 10, bytes.NewReader(content)); err == nil {
		t.Error("stored nowhere")
	}
}

// TestDiskRemains finds what a crash can leave behind, and what else may lie there.
func TestDiskRemains(t *testing.T) {
	dir := t.TempDir()
	s := openDisk(t, dir, blobs.Options{})
	content := blobstest.Content(1, blobs.PartSize+10)
	id := blobs.ID(sha256.Sum256(content))
	first := blobs.Part{Length: blobs.PartSize, Total: int64(len(content))}
	if _, err := s.Append(t.Context(), id, blobstest.Upload(1), first, bytes.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "uploads", id.String()+"."+blobstest.Upload(1).String())
	// bytes behind what counts, as of a part that was cut off by a crash
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString("left behind by a crash, longer than the last part")
	f.Close()
	for what, text := range map[string]string{"new-ABC": "cut off", id.String() + "." + blobstest.Upload(9).String() + ".state": "no data", "mine.txt": "somebody's", "lost+found": ""} {
		if err := os.WriteFile(filepath.Join(dir, "uploads", what), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	old := time.Now().Add(-48 * time.Hour)
	entries, _ := os.ReadDir(filepath.Join(dir, "uploads"))
	for _, e := range entries {
		if !strings.HasPrefix(filepath.Join(dir, "uploads", e.Name()), name) {
			os.Chtimes(filepath.Join(dir, "uploads", e.Name()), old, old)
		}
	}
	if n, err := s.Sweep(t.Context(), 24*time.Hour); err != nil || n != 1 {
		t.Errorf("swept %d, %v", n, err)
	}
	var left []string
	entries, _ = os.ReadDir(filepath.Join(dir, "uploads"))
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if len(left) != 4 {
		t.Errorf("left: %v", left)
	}
	last := blobs.Part{Offset: blobs.PartSize, Length: 10, Total: int64(len(content))}
	if _, err := s.Append(t.Context(), id, blobstest.Upload(1), last, bytes.NewReader(content[blobs.PartSize:])); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, "documents", id.String()[:2], id.String()))
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes, %v: what was left behind became part of the document", len(got), err)
	}
}

// TestDiskDamagedState gives up an upload whose state is damaged, and lets it begin anew.
func TestDiskDamagedState(t *testing.T) {
	dir := t.TempDir()
	s := openDisk(t, dir, blobs.Options{})
	content := blobstest.Content(1, blobs.PartSize+10)
	id := blobs.ID(sha256.Sum256(content))
	state := filepath.Join(dir, "uploads", id.String()+"."+blobstest.Upload(1).String()+".state")
	put := func(k int) (blobs.Progress, error) {
		p := blobs.Part{Offset: int64(k) * blobs.PartSize, Total: int64(len(content))}
		p.Length = min(blobs.PartSize, p.Total-p.Offset)
		return s.Append(t.Context(), id, blobstest.Upload(1), p, bytes.NewReader(content[p.Offset:]))
	}
	for i, damage := range []func(b []byte) []byte{
		func([]byte) []byte { return nil }, func(b []byte) []byte { return b[:40] }, func(b []byte) []byte { b[3] ^= 1; return b },
		func(b []byte) []byte { b[31] ^= 1; return b }, func(b []byte) []byte { return append(b, 0) },
	} {
		if _, err := put(0); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(state)
		if err != nil {
			t.Fatal(err)
		}
		os.WriteFile(state, damage(data), 0o600)
		if _, err := put(1); !errors.Is(err, blobs.ErrConflict) {
			t.Errorf("damage %d: %v", i, err)
		}
	}
	for k := range 2 {
		if _, err := put(k); err != nil {
			t.Fatal(err)
		}
	}
}

// uploadForever uploads documents of two parts over and over, and prints each that is there.
func uploadForever(dir string) {
	s, err := blobs.OpenDisk(dir, blobs.Options{})
	if err != nil {
		panic(err)
	}
	for seed := rand.Uint64N(1000); ; seed++ {
		content := blobstest.Content(seed%1000, blobs.PartSize+1000)
		id := blobs.ID(sha256.Sum256(content))
		for k := range int64(2) {
			p := blobs.Part{Offset: k * blobs.PartSize, Total: int64(len(content))}
			p.Length = min(blobs.PartSize, p.Total-p.Offset)
			if _, err := s.Append(context.Background(), id, blobstest.Upload(1), p, bytes.NewReader(content[p.Offset:])); err != nil {
				panic(err)
			}
		}
		small := content[:100]
		if _, err := s.Put(context.Background(), sha256.Sum256(small), 100, bytes.NewReader(small)); err != nil {
			panic(err)
		}
		fmt.Println(id)
	}
}

// TestDiskKill ends uploads by kill -9 at any moment: what was acknowledged is there, everything
// visible is whole, and what is left goes away.
func TestDiskKill(t *testing.T) {
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	dir := t.TempDir()
	acknowledged := map[string]bool{}
	for range rounds {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childEnv+"="+dir)
		var out bytes.Buffer
		cmd.Stdout = &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(50+rand.IntN(250)) * time.Millisecond)
		cmd.Process.Kill()
		cmd.Wait()
		lines := strings.Split(out.String(), "\n")
		for _, id := range lines[:len(lines)-1] {
			acknowledged[id] = true
		}
	}
	s := openDisk(t, dir, blobs.Options{MaxBytes: 1 << 40})
	seen := 0
	err := filepath.WalkDir(filepath.Join(dir, "documents"), func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if id := blobs.ID(sha256.Sum256(content)).String(); id != e.Name() {
			t.Errorf("%s holds another content, of %d bytes", e.Name(), len(content))
		}
		delete(acknowledged, e.Name())
		seen++
		return err
	})
	if err != nil || len(acknowledged) != 0 {
		t.Errorf("%d acknowledged documents are gone, %v", len(acknowledged), err)
	}
	if _, err := s.Sweep(t.Context(), -time.Hour); err != nil {
		t.Fatal(err)
	}
	if entries, _ := os.ReadDir(filepath.Join(dir, "uploads")); len(entries) != 0 {
		t.Errorf("%d files are left of uploads", len(entries))
	}
	t.Logf("%d documents after %d kills", seen, rounds)
}
