package blobs

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"io"
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
	dir := t.TempDir()
	probe, err := OpenDisk(dir, Options{KeepFree: -1})
	if err != nil {
		t.Fatal(err)
	}
	free := probe.free()
	probe.Close()
	const n, size = 8, 1 << 20
	keep := free - 4*size // room for four, less what others write meanwhile
	d, err := OpenDisk(dir, Options{KeepFree: keep})
	if err != nil {
		t.Fatal(err)
	}
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
	if stored > 5 {
		t.Errorf("%d documents were stored where there was room for about four: what is to stay free is taken", stored)
	}
}
