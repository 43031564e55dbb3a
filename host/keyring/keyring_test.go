package keyring

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/sqlite"
)

func id16() (id [16]byte) { rand.Read(id[:]); return id }

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

func fatal(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Seal seals one transform key.
func (k *File) Seal(ctx context.Context, grant [16]byte, transformKey []byte) ([]byte, error) {
	all, err := k.SealAll(ctx, [][16]byte{grant}, [][]byte{transformKey})
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// in yields grants in ascending order.
func in(grants ...[16]byte) func(func([16]byte) error) error {
	return func(yield func([16]byte) error) error {
		slices.SortFunc(grants, func(a, b [16]byte) int { return bytes.Compare(a[:], b[:]) })
		for _, grant := range grants {
			if err := yield(grant); err != nil {
				return err
			}
		}
		return nil
	}
}

// openAt opens the keyring in folder and closes it when the test ends.
func openAt(t testing.TB, folder string) *File {
	t.Helper()
	k, err := Open(filepath.Join(folder, "keyring.db"))
	fatal(t, err)
	t.Cleanup(func() { k.Close() })
	return k
}

// opens checks that the sealed form opens to the transform key.
func opens(t testing.TB, k *File, grant [16]byte, sealed, want []byte) {
	t.Helper()
	got, err := k.Open(t.Context(), grant, sealed)
	fatal(t, err)
	if !bytes.Equal(got, want) {
		t.Fatal("opened to other bytes")
	}
}

// destroyed checks that the grant's key is gone.
func destroyed(t testing.TB, k *File, grant [16]byte, sealed []byte) {
	t.Helper()
	if _, err := k.Open(t.Context(), grant, sealed); !errors.Is(err, ErrDestroyed) {
		t.Fatalf("got error %v, want %v", err, ErrDestroyed)
	}
}

func TestSealOpen(t *testing.T) {
	ctx := t.Context()
	k := openAt(t, t.TempDir())
	for _, n := range []int{0, 1, 1200, 1 << 16} {
		grant, transformKey := id16(), random(n)
		sealed, err := k.Seal(ctx, grant, transformKey)
		fatal(t, err)
		if len(sealed) != n+Overhead {
			t.Fatalf("sealed %d bytes to %d", n, len(sealed))
		}
		if n > 16 && bytes.Contains(sealed, transformKey[:16]) {
			t.Fatal("sealed form holds the transform key")
		}
		opens(t, k, grant, sealed, transformKey)
	}
}

func TestSealTwice(t *testing.T) {
	ctx := t.Context()
	k := openAt(t, t.TempDir())
	grant, transformKey := id16(), random(100)
	first, err := k.Seal(ctx, grant, transformKey)
	fatal(t, err)
	other := id16()
	if _, err := k.SealAll(ctx, [][16]byte{other, grant}, [][]byte{nil, transformKey}); !errors.Is(err, store.ErrExists) {
		t.Fatalf("sealed twice: %v", err)
	}
	opens(t, k, grant, first, transformKey)
	destroyed(t, k, other, first)
}

func TestSealAll(t *testing.T) {
	ctx := t.Context()
	k := openAt(t, t.TempDir())
	grants := [][16]byte{id16(), id16(), id16()}
	keys := [][]byte{random(10), random(20), random(30)}
	sealed, err := k.SealAll(ctx, grants, keys)
	fatal(t, err)
	for i := range grants {
		opens(t, k, grants[i], sealed[i], keys[i])
	}
	if _, err := k.SealAll(ctx, grants, keys[:2]); err == nil {
		t.Fatal("three grants and two keys were accepted")
	}
	if none, err := k.SealAll(ctx, nil, nil); err != nil || len(none) != 0 {
		t.Fatalf("nothing to seal: %d, %v", len(none), err)
	}
}

func TestOpenRefuses(t *testing.T) {
	ctx := t.Context()
	k := openAt(t, t.TempDir())
	grant, other := id16(), id16()
	sealed, err := k.Seal(ctx, grant, random(64))
	fatal(t, err)
	_, err = k.Seal(ctx, other, random(64))
	fatal(t, err)
	if _, err := k.Open(ctx, other, sealed); !errors.Is(err, errSealed) {
		t.Fatalf("another grant's: %v", err)
	}
	destroyed(t, k, id16(), sealed)
	for i := range sealed {
		altered := bytes.Clone(sealed)
		altered[i] ^= 0x10
		if _, err := k.Open(ctx, grant, altered); !errors.Is(err, errSealed) {
			t.Fatalf("byte %d altered: %v", i, err)
		}
		if _, err := k.Open(ctx, grant, sealed[:i]); !errors.Is(err, errSealed) {
			t.Fatalf("cut to %d bytes: %v", i, err)
		}
	}
	if _, err := k.Open(ctx, grant, append(bytes.Clone(sealed), 0)); !errors.Is(err, errSealed) {
		t.Fatalf("trailing byte: %v", err)
	}
}

func TestGrantIsBound(t *testing.T) {
	key, grant, other := random(32), id16(), id16()
	sealed, err := seal(key, grant, random(40))
	fatal(t, err)
	if _, err := open(key, other, sealed); !errors.Is(err, errSealed) {
		t.Fatalf("same key, other grant: %v", err)
	}
}

func TestDestroy(t *testing.T) {
	ctx := t.Context()
	folder := t.TempDir()
	k := openAt(t, folder)
	grants := [][16]byte{id16(), id16(), id16()}
	transformKey := random(100)
	sealed, err := k.SealAll(ctx, grants, [][]byte{transformKey, transformKey, transformKey})
	fatal(t, err)

	fatal(t, k.Destroy(ctx))
	fatal(t, k.Destroy(ctx, id16()))
	fatal(t, k.Destroy(ctx, grants[0], grants[2], grants[0]))
	fatal(t, k.Destroy(ctx, grants[0]))
	destroyed(t, k, grants[0], sealed[0])
	destroyed(t, k, grants[2], sealed[2])
	opens(t, k, grants[1], sealed[1], transformKey)

	again, err := k.Seal(ctx, grants[0], transformKey)
	fatal(t, err)
	opens(t, k, grants[0], again, transformKey)
	if _, err := k.Open(ctx, grants[0], sealed[0]); !errors.Is(err, errSealed) {
		t.Fatalf("the old sealed form after sealing again: %v", err)
	}

	fatal(t, k.Close())
	fatal(t, k.Close())
	if _, err := k.Open(ctx, grants[1], sealed[1]); !errors.Is(err, errClosed) {
		t.Fatalf("after close: %v", err)
	}
	k = openAt(t, folder)
	destroyed(t, k, grants[2], sealed[2])
	opens(t, k, grants[1], sealed[1], transformKey)
	opens(t, k, grants[0], again, transformKey)
}

func TestDestroyFinishes(t *testing.T) {
	k := openAt(t, t.TempDir())
	grant := id16()
	sealed, err := k.Seal(t.Context(), grant, random(10))
	fatal(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	fatal(t, k.Destroy(ctx, grant))
	destroyed(t, k, grant, sealed)
}

func retain(t *testing.T, k Keyring, want int, grants ...[16]byte) {
	t.Helper()
	n, err := k.Retain(t.Context(), in(slices.Clone(grants)...))
	fatal(t, err)
	if n != want {
		t.Fatalf("%d keys destroyed, want %d", n, want)
	}
}

func TestRetain(t *testing.T) {
	ctx := t.Context()
	k := openAt(t, t.TempDir())
	var grants [][16]byte
	var sealed [][]byte
	for range 50 {
		grant := id16()
		one, err := k.Seal(ctx, grant, []byte("key"))
		fatal(t, err)
		grants, sealed = append(grants, grant), append(sealed, one)
	}
	retain(t, k, 30, append([][16]byte{id16()}, grants[:20]...)...)
	for i := range grants {
		if i < 20 {
			opens(t, k, grants[i], sealed[i], []byte("key"))
		} else {
			destroyed(t, k, grants[i], sealed[i])
		}
	}
	retain(t, k, 20)
	for i := range grants {
		destroyed(t, k, grants[i], sealed[i])
	}
}

// TestDestroyFails: what could not be destroyed never opens again, and is made up
// for by the next start.
func TestDestroyFails(t *testing.T) {
	ctx := t.Context()
	folder := t.TempDir()
	k := openAt(t, folder)
	grant := id16()
	sealed, err := k.Seal(ctx, grant, random(10))
	fatal(t, err)

	// Put a folder where the journal was: SQLite has its journal open, wiping fails.
	journal := k.file.Path() + "-journal"
	fatal(t, os.Remove(journal))
	fatal(t, os.Mkdir(journal, 0o700))
	if err := k.Destroy(ctx, grant); !errors.Is(err, store.ErrFailed) {
		t.Fatalf("got error %v, want %v", err, store.ErrFailed)
	}
	destroyed(t, k, grant, sealed)
	if err := k.Destroy(ctx, id16()); !errors.Is(err, store.ErrFailed) {
		t.Fatalf("a later destroy: %v", err)
	}
	if _, err := k.Seal(ctx, grant, random(10)); err == nil {
		t.Fatal("sealed after the disk failed")
	}
	fatal(t, k.Close())
	fatal(t, os.RemoveAll(journal))
	k = openAt(t, folder)
	retain(t, k, 0)
	destroyed(t, k, grant, sealed)
}

func TestOpenErrors(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "keyring.db")
	k := openAt(t, folder)
	if _, err := Open(path); !errors.Is(err, store.ErrLocked) {
		t.Fatalf("opened twice: %v", err)
	}
	if _, err := k.writer.DB.Exec("PRAGMA user_version = 2"); err != nil {
		t.Fatal(err)
	}
	fatal(t, k.Close())
	if _, err := Open(path); !errors.Is(err, store.ErrVersion) {
		t.Fatalf("newer version: %v", err)
	}
	other := filepath.Join(folder, "recrypt.db")
	s, err := sqlite.Open(t.Context(), other)
	fatal(t, err)
	fatal(t, s.Close())
	if _, err := Open(other); !errors.Is(err, store.ErrDamaged) {
		t.Fatalf("a store as keyring: %v", err)
	}
	if _, err := sqlite.Open(t.Context(), path); !errors.Is(err, store.ErrDamaged) {
		t.Fatalf("a keyring as store: %v", err)
	}
}

func TestHammer(t *testing.T) {
	ctx := t.Context()
	k := openAt(t, t.TempDir())
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				grant, transformKey := id16(), random(50)
				sealed, err := k.Seal(ctx, grant, transformKey)
				if err != nil {
					t.Error(err)
					return
				}
				if got, err := k.Open(ctx, grant, sealed); err != nil || !bytes.Equal(got, transformKey) {
					t.Errorf("open: %v", err)
				}
				if err := k.Destroy(ctx, grant); err != nil {
					t.Error(err)
				}
				if _, err := k.Open(ctx, grant, sealed); !errors.Is(err, ErrDestroyed) {
					t.Errorf("open after destroy: %v", err)
				}
			}
		})
	}
	wg.Wait()
}

func BenchmarkSeal(b *testing.B) {
	k := openAt(b, b.TempDir())
	for b.Loop() {
		_, err := k.Seal(b.Context(), id16(), make([]byte, 1200))
		fatal(b, err)
	}
}

func BenchmarkDestroy(b *testing.B) {
	k := openAt(b, b.TempDir())
	for b.Loop() {
		b.StopTimer()
		grant := id16()
		_, err := k.Seal(b.Context(), grant, make([]byte, 1200))
		fatal(b, err)
		b.StartTimer()
		fatal(b, k.Destroy(b.Context(), grant))
	}
}

func BenchmarkOpen(b *testing.B) {
	k := openAt(b, b.TempDir())
	grant := id16()
	sealed, err := k.Seal(b.Context(), grant, make([]byte, 1200))
	fatal(b, err)
	for b.Loop() {
		_, err := k.Open(b.Context(), grant, sealed)
		fatal(b, err)
	}
}
