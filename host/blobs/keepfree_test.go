package blobs

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"io"
	"os"
	"sync"
	"testing"
)

// slow is content that comes when the gate opens.
type slow struct {
	io.Reader
	gate chan struct{}
	once sync.Once
	in   *sync.WaitGroup
}

func (s *slow) Read(b []byte) (int, error) {
	s.once.Do(func() { s.in.Done(); <-s.gate })
	return s.Reader.Read(b)
}

// TestKeepFree: uploads under way must not take together what each of them may.
func TestKeepFree(t *testing.T) {
	const n, size, keep = 8, 1 << 20, 1 << 30
	d, err := OpenDisk(t.TempDir(), Options{KeepFree: keep})
	if err != nil {
		t.Fatal(err)
	}
	d.space = func(*os.Root) int64 { return keep + 4*size + size/2 - d.used.Load() } // that of a disk to which nobody else writes
	defer d.Close()
	gate := make(chan struct{})
	var in, done sync.WaitGroup
	in.Add(n)
	var mu sync.Mutex
	stored := 0
	for range n {
		content := make([]byte, size)
		rand.Read(content)
		done.Go(func() {
			s := &slow{Reader: bytes.NewReader(content), gate: gate, in: &in}
			ok, err := d.Put(context.Background(), sha256.Sum256(content), size, s)
			s.once.Do(func() { in.Done() })
			if ok && err == nil {
				mu.Lock()
				stored++
				mu.Unlock()
			}
		})
	}
	in.Wait()
	close(gate)
	done.Wait()
	if stored == 0 || stored > 4 {
		t.Errorf("%d documents were stored where there was room for four", stored)
	}
}
