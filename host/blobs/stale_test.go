package blobs

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestStaleState: between the moments when an upload becomes a document and when its state is
// removed, somebody else may begin a file of the same name. What the state has hashed is not
// in it, so it must not become the document.
func TestStaleState(t *testing.T) {
	dir := t.TempDir()
	d, err := OpenDisk(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	content := bytes.Repeat([]byte("recrypt!"), PartSize/8*2)
	content = append(content, 'x')
	id, upload := ID(sha256.Sum256(content)), UploadID{1}
	part := func(k int64) (Progress, error) {
		p := Part{Offset: k * PartSize, Total: int64(len(content))}
		p.Length = min(PartSize, p.Total-p.Offset)
		return d.Append(context.Background(), id, upload, p, bytes.NewReader(content[p.Offset:][:p.Length]))
	}
	for k := range int64(2) {
		if _, err := part(k); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Remove(filepath.Join(dir, filepath.FromSlash(uploadPath(id, upload)))); err != nil {
		t.Fatal(err)
	}
	if p, err := part(2); !errors.Is(err, ErrBusy) {
		t.Errorf("a part behind nothing: %+v, %v", p, err)
	}
	if _, err := d.Size(context.Background(), id); !errors.Is(err, ErrNotFound) {
		t.Fatal("a document of zeros is there")
	}
	for k := range int64(3) {
		if _, err := part(k); err != nil {
			t.Fatal(err)
		}
	}
	if size, err := d.Size(context.Background(), id); err != nil || size != int64(len(content)) {
		t.Errorf("%d bytes, %v", size, err)
	}
}
