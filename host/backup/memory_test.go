package backup

import (
	"context"
	"encoding/binary"
	"io"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/sqlite"
)

// TestMemory: taking and checking a backup needs the same memory whatever its size.
func TestMemory(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "recrypt.db")
	s, err := sqlite.Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	rec := store.CollectionRecord{Collection: [16]byte{1}, Owner: [32]byte{1}, Record: []byte("collection"), Hash: [32]byte{1}}
	if _, err := s.PutCollection(ctx, rec, [32]byte{}, nil, nil); err != nil {
		t.Fatal(err)
	}
	const keys, size = 100, 600 << 10
	for i := range keys {
		k := store.Key{Collection: rec.Collection, Owner: rec.Owner, Author: rec.Owner, Record: []byte("k"), Value: make([]byte, size), Accepted: true}
		binary.BigEndian.PutUint32(k.ID[:], uint32(i))
		if err := s.PutKey(ctx, k, 5, nil); err != nil {
			t.Fatal(err)
		}
	}
	db, err := Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var most, before uint64
	measure := func() uint64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	runtime.GC()
	before = measure()
	r, w := io.Pipe()
	go func() {
		_, err := Export(ctx, db, w, Options{Progress: func(int64, int64) { most = max(most, measure()) }})
		w.CloseWithError(err)
	}()
	summary, err := Verify(r)
	if err != nil || summary.Rows("document_keys") != keys {
		t.Fatal(err)
	}
	if used := most - before; summary.Bytes < keys*size || used > 24<<20 {
		t.Errorf("a backup of %d MiB took %d MiB of memory", summary.Bytes>>20, used>>20)
	}
}
