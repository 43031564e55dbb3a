package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/sqlite"
	"github.com/recrypt-service/recrypt/host/store/storetest"
)

// writes are all kinds of changes, each of which a disk may have no room for. n makes
// their content new.
func writes(ctx context.Context, s store.Store, n int) map[string]error {
	id := func(kind byte) (id [16]byte) { return [16]byte{kind, byte(n), byte(n >> 8)} }
	big := make([]byte, 100_000)
	log := []store.LogEntry{{Leaf: make([]byte, 64)}}
	rec := store.CollectionRecord{Collection: id(1), Owner: [32]byte{byte(n), byte(n >> 8)}, Record: big}
	_, put := s.PutCollection(ctx, rec, [32]byte{}, nil, log)
	_, _, revoke := s.Revoke(ctx, store.Revocation{ID: id(2), Collection: id(9), Record: big}, log)
	return map[string]error{
		"put collection": put,
		"revoke":         revoke,
		"put identity":   s.PutIdentity(ctx, store.Identity{ID: [32]byte{1, byte(n), byte(n >> 8)}, Record: big}, store.IdentityChange{Log: log}),
		"put key":        s.PutKey(ctx, store.Key{ID: id(3), Collection: [16]byte{}, Record: []byte{1}, Value: big, Accepted: true}, 0, log),
		"append":         s.AppendLog(ctx, []store.LogEntry{{Leaf: make([]byte, 32), Entry: []byte{1}, Evidence: append(big[:store.MaxEvidence-2:store.MaxEvidence-2], byte(n), byte(n>>8))}}),
		"statement":      s.PutStatement(ctx, append(big, byte(n))),
	}
}

// TestDiskFull fills a small disk: every kind of change is refused with ErrFull and leaves
// nothing behind, reading goes on, and when there is room again so does writing.
func TestDiskFull(t *testing.T) {
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=3m"); err != nil {
		t.Skip("cannot make a small disk here: ", err)
	}
	t.Cleanup(func() { syscall.Unmount(disk, syscall.MNT_DETACH) })
	s := open(t, filepath.Join(disk, "recrypt.db"))
	ctx := t.Context()
	if _, err := s.PutCollection(ctx, store.CollectionRecord{Record: []byte{1}}, [32]byte{}, nil, nil); err != nil {
		t.Fatal(err)
	}
	refused := map[string]bool{}
	n := 0
	for ; len(refused) < 6 && n < 200; n++ {
		for what, err := range writes(ctx, s, n) {
			if errors.Is(err, store.ErrFull) {
				refused[what] = true
			} else if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
		}
		if _, err := s.Head(ctx, [16]byte{}); err != nil {
			t.Fatalf("reading: %v", err)
		}
		if err := storetest.CheckLog(ctx, s); err != nil {
			t.Fatal(err)
		}
	}
	if len(refused) < 6 {
		t.Fatalf("only refused: %v", refused)
	}
	if err := syscall.Mount("tmpfs", disk, "tmpfs", syscall.MS_REMOUNT, "size=16m"); err != nil {
		t.Fatal(err)
	}
	for what, err := range writes(ctx, s, n) {
		if err != nil {
			t.Errorf("with room again: %s: %v", what, err)
		}
	}
	if err := errors.Join(storetest.CheckLog(ctx, s), s.Close()); err != nil {
		t.Fatal(err)
	}
	if err := storetest.CheckLog(ctx, open(t, filepath.Join(disk, "recrypt.db"))); err != nil {
		t.Fatal(err)
	}
}

// breakDisk lets the system refuse what a process writes, for a moment. It says what was
// acknowledged before, and what the store did then.
func breakDisk(s *sqlite.Store) error {
	ctx := context.Background()
	signal.Ignore(syscall.SIGXFSZ)
	nonce := func(n int) error { return s.ClaimNonce(ctx, [32]byte{}, fmt.Sprint(n), 1) }
	for n := range 20 {
		if err := nonce(n); err != nil {
			return err
		}
		fmt.Println("ack", n)
	}
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	none := syscall.Rlimit{Cur: 0, Max: limit.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &none); err != nil {
		return err
	}
	failed := nonce(100)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	fmt.Println("failed", errors.Is(failed, store.ErrFailed))
	fmt.Println("stays", errors.Is(nonce(101), store.ErrFailed))
	_, err := s.LogSize(ctx)
	fmt.Println("reads", err == nil)
	return nil
}

// TestDiskFails: after a failed write nothing is written any more, although the disk works
// again; a new start finds what was acknowledged.
func TestDiskFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "recrypt.db")
	cmd := childCommand(path, "")
	cmd.Env = append(cmd.Env, childFault+"=1")
	cmd.Stderr = os.Stderr
	out, _ := cmd.Output() // it ends with a status of its own
	for _, want := range []string{"failed true", "stays true", "reads true"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q is missing in %q", want, out)
		}
	}
	s := open(t, path)
	for n := range 20 {
		if err := s.ClaimNonce(t.Context(), [32]byte{}, fmt.Sprint(n), 1); !errors.Is(err, store.ErrReplay) {
			t.Errorf("nonce %d: %v", n, err)
		}
	}
	if err := s.ClaimNonce(t.Context(), [32]byte{}, "after", 1); err != nil {
		t.Error(err)
	}
}
