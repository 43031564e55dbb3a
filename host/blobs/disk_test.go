package blobs_test

import (
	"testing"

	"github.com/recrypt-service/recrypt/host/blobs"
	"github.com/recrypt-service/recrypt/host/blobs/blobstest"
)

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
