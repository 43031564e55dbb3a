package blobs_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/recrypt-service/recrypt/host/blobs"
	"github.com/recrypt-service/recrypt/host/blobs/blobstest"
)

// TestDiskFull fills a real, small file system: writing fails with ErrFull and leaves nothing,
// reading goes on, and writing does when there is space again.
func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("recrypt", dir, "tmpfs", 0, "size=20m"); err != nil {
		t.Skipf("a small file system cannot be made here: %v", err)
	}
	defer syscall.Unmount(dir, syscall.MNT_DETACH)
	s := openDisk(t, filepath.Join(dir, "blobs"), blobs.Options{KeepFree: -1})
	content := blobstest.Content(1, 2*blobs.PartSize)
	id := blobs.ID(sha256.Sum256(content))
	put := func(k int64) error {
		p := blobs.Part{Offset: k * blobs.PartSize, Length: blobs.PartSize, Total: int64(len(content))}
		_, err := s.Append(t.Context(), id, blobstest.Upload(1), p, bytes.NewReader(content[p.Offset:]))
		return err
	}
	kept := blobstest.Content(2, 1000)
	if _, err := s.Put(t.Context(), sha256.Sum256(kept), 1000, bytes.NewReader(kept)); err != nil {
		t.Fatal(err)
	}
	if err := put(0); err != nil {
		t.Fatal(err)
	}
	// Something else fills the disk while the part is on its way, after it was found free.
	filler := filepath.Join(dir, "filler")
	half := content[blobs.PartSize : blobs.PartSize+1<<20]
	p := blobs.Part{Offset: blobs.PartSize, Length: blobs.PartSize, Total: int64(len(content))}
	_, err := s.Append(t.Context(), id, blobstest.Upload(1), p, &filling{t: t, file: filler, first: half, rest: content[blobs.PartSize+1<<20:]})
	if !errors.Is(err, blobs.ErrFull) || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("full in the middle of a part: %v", err)
	}
	if err := put(1); !errors.Is(err, blobs.ErrFull) {
		t.Errorf("full: %v", err)
	}
	if _, err := s.Put(t.Context(), id, 100, bytes.NewReader(content[:100])); !errors.Is(err, blobs.ErrFull) && !errors.Is(err, blobs.ErrMismatch) {
		t.Errorf("full: %v", err)
	}
	if n, err := s.Size(t.Context(), sha256.Sum256(kept)); err != nil || n != 1000 {
		t.Errorf("reading when full: %d, %v", n, err)
	}
	os.Remove(filler)
	if err := put(1); err != nil {
		t.Fatalf("with space again: %v", err)
	}
	if n, err := s.Size(t.Context(), id); err != nil || n != int64(len(content)) {
		t.Errorf("%d, %v", n, err)
	}
}

// filling is content in the middle of which the disk gets full.
type filling struct {
	t           *testing.T
	file        string
	first, rest []byte
	full        bool
}

func (f *filling) Read(p []byte) (int, error) {
	if len(f.first) > 0 {
		n := copy(p, f.first)
		f.first = f.first[n:]
		return n, nil
	}
	if !f.full {
		f.full = true
		if err := os.WriteFile(f.file, make([]byte, 30<<20), 0o600); err == nil {
			f.t.Error("the disk does not get full")
		}
	}
	n := copy(p, f.rest)
	f.rest = f.rest[n:]
	return n, nil
}
