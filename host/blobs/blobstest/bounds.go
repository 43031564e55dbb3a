package blobstest

import (
	"bytes"
	"crypto/sha256"
	"sync"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/blobs"
)

func testQuota(t *testing.T, open Opener) {
	const most = 3 * blobs.PartSize
	s := open(t, blobs.Options{MaxBytes: most})
	content := Content(10, 2*blobs.PartSize)
	id := blobs.ID(sha256.Sum256(content))
	_, err := s.Append(ctx, id, Upload(1), blobs.Part{Length: blobs.PartSize, Total: 4 * blobs.PartSize}, zeros{})
	is(t, err, blobs.ErrQuota)
	for k := range 2 {
		if _, err := appendPart(s, id, Upload(1), content, k); err != nil {
			t.Fatal(err)
		}
	}
	put(t, s, Content(11, blobs.PartSize))
	small := Content(12, 10)
	_, err = s.Put(ctx, sha256.Sum256(small), 10, bytes.NewReader(small))
	is(t, err, blobs.ErrQuota)
	// what is there already takes nothing
	put(t, s, Content(11, blobs.PartSize))
	holds(t, s, id, content)
	if u, err := s.Usage(ctx); err != nil || u.Bytes != most || u.Max != most || u.Documents != 2 {
		t.Errorf("usage %+v, %v", u, err)
	}
	// another server knows what is there
	_, err = open(t, blobs.Options{MaxBytes: most}).Put(ctx, sha256.Sum256(small), 10, bytes.NewReader(small))
	is(t, err, blobs.ErrQuota)
}

func testSweep(t *testing.T, open Opener) {
	s := open(t, blobs.Options{})
	content := Content(13, blobs.PartSize+1)
	id := blobs.ID(sha256.Sum256(content))
	if _, err := appendPart(s, id, Upload(1), content, 0); err != nil {
		t.Fatal(err)
	}
	kept := put(t, s, content[:500])
	if n, err := s.Sweep(ctx, time.Hour); err != nil || n != 0 {
		t.Errorf("swept %d fresh uploads, %v", n, err)
	}
	if got, err := appendPart(s, id, Upload(1), content, 1); err != nil || !got.Complete {
		t.Fatalf("%+v, %v", got, err)
	}
	if n, err := s.Sweep(ctx, -time.Hour); err != nil || n != 0 {
		t.Errorf("swept %d, %v", n, err)
	}
	holds(t, s, id, content)
	holds(t, s, kept, content[:500])
}

// testPressure sweeps while uploads are written: they fail or succeed, and nothing is mixed up.
func testPressure(t *testing.T, open Opener) {
	s, sweeper := open(t, blobs.Options{}), open(t, blobs.Options{})
	done := make(chan struct{})
	var all sync.WaitGroup
	for i := range 4 {
		content := Content(uint64(20+i), blobs.PartSize+i)
		id := blobs.ID(sha256.Sum256(content))
		all.Go(func() {
			for range 6 {
				if _, err := appendPart(s, id, Upload(1), content, 0); err == nil {
					appendPart(s, id, Upload(1), content, 1)
				}
				if _, err := s.Size(ctx, id); err == nil {
					holds(t, s, id, content)
					return
				}
			}
		})
	}
	go func() { all.Wait(); close(done) }()
	for {
		select {
		case <-done:
			return
		default:
			if _, err := sweeper.Sweep(ctx, -time.Hour); err != nil {
				t.Fatalf("sweep: %v", err)
			}
		}
	}
}
