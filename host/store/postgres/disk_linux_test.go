package postgres_test

import (
	"errors"
	"os"
	"syscall"
	"testing"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/pgtest"
	"github.com/recrypt-service/recrypt/host/store/storetest"
)

// TestDiskFull fills the small disk of a database: changes are refused with ErrFull and
// leave nothing behind, reading goes on, and when there is room again so does writing.
func TestDiskFull(t *testing.T) {
	c := pgtest.Start(t, pgtest.Options{})
	disk, err := os.MkdirTemp("", "recrypt-disk-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(disk)
	info, err := os.Stat(c.Socket()) // whoever the server runs as
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=24m,mode=700"); err != nil {
		t.Skip("cannot make a small disk here: ", err)
	}
	defer syscall.Unmount(disk, syscall.MNT_DETACH)
	owner := info.Sys().(*syscall.Stat_t)
	if err := os.Chown(disk, int(owner.Uid), int(owner.Gid)); err != nil {
		t.Fatal(err)
	}
	run(t, c.URL("postgres"), "CREATE TABLESPACE small LOCATION '"+disk+"'", "CREATE DATABASE small TABLESPACE small")
	defer run(t, c.URL("postgres"), "DROP DATABASE small WITH (FORCE)", "DROP TABLESPACE small")
	s := open(t, c.URL("small"))
	defer s.Close()
	ctx := t.Context()
	if _, err := s.PutCollection(ctx, store.CollectionRecord{Record: []byte{1}}, [32]byte{}, nil, nil); err != nil {
		t.Fatal(err)
	}
	log := []store.LogEntry{{Leaf: make([]byte, 64)}}
	key := store.Key{Record: []byte{1}, Value: make([]byte, 500_000), Accepted: true}
	var before int64
	for n := 0; ; n++ {
		for i := range key.Value { // nothing that could be compressed
			key.Value[i] = byte(i*i*(n+7) ^ i>>3)
		}
		if before, err = s.LogSize(ctx); err != nil {
			t.Fatal(err)
		}
		key.ID = [16]byte{byte(n), byte(n >> 8)}
		if err = s.PutKey(ctx, key, 0, log); err != nil || n == 1000 {
			break
		}
	}
	if !errors.Is(err, store.ErrFull) {
		t.Fatalf("got error %v, want %v", err, store.ErrFull)
	}
	if _, err := s.Key(ctx, key.ID); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("the refused key: %v", err)
	}
	if size, err := s.LogSize(ctx); err != nil || size != before {
		t.Fatalf("the log has %d leaves, %v, want %d", size, err, before)
	}
	if err := syscall.Mount("tmpfs", disk, "tmpfs", syscall.MS_REMOUNT, "size=64m"); err != nil {
		t.Fatal(err)
	}
	if err := s.PutKey(ctx, key, 0, log); err != nil {
		t.Fatalf("with room again: %v", err)
	}
	if err := storetest.CheckLog(ctx, s); err != nil {
		t.Fatal(err)
	}
}
