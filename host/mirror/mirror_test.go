package mirror_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/hosttest"
	"github.com/recrypt-service/recrypt/host/mirror"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/sqlite"
	"github.com/recrypt-service/recrypt/host/translog"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// A world is a store with a log that grows, and a server's record.
type world struct {
	t      *testing.T
	store  *sqlite.Store
	dir    string
	record []byte
	count  int
}

func newWorld(t *testing.T) *world {
	t.Helper()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "recrypt.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	record, err := core(t).NewService(t.Context(), hosttest.Random(32))
	if err != nil {
		t.Fatal(err)
	}
	return &world{t: t, store: s, dir: filepath.Join(t.TempDir(), "mirror"), record: record}
}

func core(t *testing.T) abi.Client { return abi.Client{Caller: hosttest.Caller(t)} }

// grow adds n identities with their leaves.
func (w *world) grow(n int) {
	w.t.Helper()
	for range n {
		w.count++
		v := store.Identity{Version: 1, Record: fmt.Append(nil, "record ", w.count), Since: 1, Created: int64(w.count)}
		copy(v.ID[:], v.Record)
		err := w.store.PutIdentity(w.t.Context(), v, store.IdentityChange{Log: []store.LogEntry{{
			Leaf: translog.IdentityLeaf(v.ID, 1, v.Record), Ref: translog.IdentityRef(v.ID, 1),
		}}})
		if err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) open() (*mirror.Mirror, error) {
	m, err := mirror.Open(w.t.Context(), mirror.Config{Dir: w.dir, Record: w.record, Store: w.store})
	if err == nil {
		w.t.Cleanup(func() { m.Close() })
	}
	return m, err
}

func (w *world) mustOpen() *mirror.Mirror {
	w.t.Helper()
	m, err := w.open()
	if err != nil {
		w.t.Fatal(err)
	}
	return m
}

// check verifies the mirror and returns its size.
func (w *world) check() (int64, error) {
	r, err := mirror.Check(w.t.Context(), w.dir, core(w.t))
	if err != nil {
		return 0, err
	}
	return r.Size, nil
}

func (w *world) file() string {
	names, err := filepath.Glob(filepath.Join(w.dir, "*.mirror"))
	if err != nil || len(names) != 1 {
		w.t.Fatalf("files of the mirror: %v %v", names, err)
	}
	return names[0]
}

// TestFollow: a mirror has what was there before, and what comes; closed and opened, it goes on.
func TestFollow(t *testing.T) {
	w := newWorld(t)
	w.grow(3)
	m := w.mustOpen()
	if m.Size() != 3 {
		t.Errorf("opened with %d leaves", m.Size())
	}
	if _, err := w.open(); !errors.Is(err, store.ErrLocked) {
		t.Errorf("opened twice: %v", err)
	}
	w.grow(4)
	if err := m.Await(t.Context(), 7); err != nil {
		t.Fatal(err)
	}
	m.Close()
	w.grow(2)
	if m = w.mustOpen(); m.Size() != 9 {
		t.Errorf("opened again with %d leaves", m.Size())
	}
	m.Close()
	if n, err := w.check(); n != 9 || err != nil {
		t.Errorf("checked %d leaves: %v", n, err)
	}
}

// TestTorn: wherever a crash has cut off the file, nothing that was whole is lost, and the rest
// is written again.
func TestTorn(t *testing.T) {
	w := newWorld(t)
	w.grow(3)
	w.mustOpen().Close()
	whole, err := os.ReadFile(w.file())
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(whole); n += 7 {
		if err := os.WriteFile(w.file(), whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		w.mustOpen().Close()
		if got, err := os.ReadFile(w.file()); err != nil || !bytes.Equal(got, whole) {
			t.Fatalf("cut after %d bytes it was not made whole again: %v", n, err)
		}
	}
	// Pages that did not reach the disk read as zeros.
	torn := append(bytes.Clone(whole[:len(whole)-20]), make([]byte, 20)...)
	if err := os.WriteFile(w.file(), torn, 0o600); err != nil {
		t.Fatal(err)
	}
	w.mustOpen().Close()
	if n, err := w.check(); n != 3 || err != nil {
		t.Errorf("after zeros at the end: %d leaves, %v", n, err)
	}
}

// TestChanged: a changed byte anywhere is found, by check and by who reads to restore.
func TestChanged(t *testing.T) {
	w := newWorld(t)
	w.grow(3)
	w.mustOpen().Close()
	whole, err := os.ReadFile(w.file())
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(whole); at += 3 {
		changed := bytes.Clone(whole)
		changed[at] ^= 0x40
		if err := os.WriteFile(w.file(), changed, 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := mirror.Check(t.Context(), w.dir, core(t))
		if err == nil && r.Size == 3 && !r.Torn {
			t.Errorf("byte %d was changed and nobody noticed", at)
		}
	}
}

// TestRefuses: a mirror of another server or of another history is not written to.
func TestRefuses(t *testing.T) {
	w, other := newWorld(t), newWorld(t)
	w.grow(5)
	w.mustOpen().Close()
	other.dir = w.dir
	if _, err := other.open(); !errors.Is(err, mirror.ErrForeign) {
		t.Errorf("another server's: %v", err)
	}
	other.record = w.record
	if _, err := other.open(); !errors.Is(err, mirror.ErrAhead) {
		t.Errorf("with an older database: %v", err)
	}
	other.count = 100
	other.grow(6)
	if _, err := other.open(); !errors.Is(err, mirror.ErrAhead) {
		t.Errorf("with another history: %v", err)
	}
	if _, err := mirror.Check(t.Context(), t.TempDir(), core(t)); !errors.Is(err, mirror.ErrNone) {
		t.Errorf("an empty folder: %v", err)
	}
}

// TestBreaks: while the disk fails a revocation is told to be behind, and then it catches up.
func TestBreaks(t *testing.T) {
	w := newWorld(t)
	m := w.mustOpen()
	m.Break()
	w.grow(1)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if err := m.Revoked(ctx, &store.Revocation{Receipt: []byte("receipt")}); !errors.Is(err, mirror.ErrBehind) {
		t.Errorf("on a broken disk: %v", err)
	}
	if m.Failed() == nil {
		t.Error("it does not tell that it fails")
	}
	m.Mend()
	if err := m.CatchUp(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if err := m.Revoked(t.Context(), &store.Revocation{Receipt: []byte("receipt")}); err != nil {
		t.Errorf("after it was mended: %v", err)
	}
	m.Close()
	if r, err := mirror.Check(t.Context(), w.dir, core(t)); err != nil || r.Size != 1 || r.Receipts != 1 {
		t.Errorf("checked %+v: %v", r, err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("recrypt-mirror v1\n"))
	f.Add([]byte("recrypt-mirror v1\nH\x00\x00\x00\x00\x00\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "0000000000000000.mirror"), b, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := mirror.Read(dir, 0, mirror.Visitor{})
		if (c == nil) == (err == nil) {
			t.Fatal("neither content nor an error, or both")
		}
	})
}

func FuzzEntry(f *testing.F) {
	f.Add([]byte{})
	f.Add(make([]byte, 30))
	f.Fuzz(func(t *testing.T, b []byte) {
		if again, ok := mirror.ParseEntry(b); ok && !bytes.Equal(again, b) {
			t.Error("an entry reads back otherwise")
		}
	})
}
