package keyring

import (
	"bytes"
	"context"
	"errors"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/pgtest"
)

// A bench is an engine with a way to open its keyring again.
type bench struct {
	open func(t testing.TB) Keyring
	age  func(t testing.TB, k Keyring) // makes all keys old
}

var secret = bytes.Repeat([]byte{7}, 32)

func openDatabase(t testing.TB, url string) *Postgres {
	t.Helper()
	k, err := OpenPostgres(context.Background(), url, secret)
	fatal(t, err)
	t.Cleanup(func() { k.Close() })
	return k
}

func age(t testing.TB, k Keyring) {
	t.Helper()
	_, err := k.(*Postgres).pool.Exec(context.Background(), "UPDATE keyring_keys SET created = created - $1", Young.Milliseconds()+1)
	fatal(t, err)
}

// onBoth runs a test on both engines.
func onBoth(t *testing.T, test func(t *testing.T, b bench)) {
	t.Run("file", func(t *testing.T) {
		folder := t.TempDir()
		test(t, bench{open: func(t testing.TB) Keyring { return openAt(t, folder) }, age: func(testing.TB, Keyring) {}})
	})
	t.Run("postgres", func(t *testing.T) {
		url := pgtest.Start(t, pgtest.Options{}).Database(t)
		test(t, bench{open: func(t testing.TB) Keyring { return openDatabase(t, url) }, age: age})
	})
}

func sealOne(t testing.TB, k Keyring, grant [16]byte, transformKey []byte) []byte {
	t.Helper()
	all, err := k.SealAll(context.Background(), [][16]byte{grant}, [][]byte{transformKey})
	fatal(t, err)
	return all[0]
}

func mustOpen(t testing.TB, k Keyring, grant [16]byte, sealed, want []byte) {
	t.Helper()
	got, err := k.Open(context.Background(), grant, sealed)
	fatal(t, err)
	if !bytes.Equal(got, want) {
		t.Fatal("opened to other bytes")
	}
}

func mustBeGone(t testing.TB, k Keyring, grant [16]byte, sealed []byte) {
	t.Helper()
	if _, err := k.Open(context.Background(), grant, sealed); !errors.Is(err, ErrDestroyed) {
		t.Fatalf("got error %v, want %v", err, ErrDestroyed)
	}
}

func TestEngineSealOpen(t *testing.T) {
	onBoth(t, func(t *testing.T, b bench) {
		k := b.open(t)
		for _, n := range []int{0, 1, 1200, 1 << 15} {
			grant, transformKey := id16(), random(n)
			sealed := sealOne(t, k, grant, transformKey)
			if n > 16 && bytes.Contains(sealed, transformKey[:16]) {
				t.Fatal("the sealed form holds the transform key")
			}
			mustOpen(t, k, grant, sealed, transformKey)
		}
		many := make([][16]byte, 1200)
		keys := make([][]byte, len(many))
		for i := range many {
			many[i], keys[i] = id16(), random(20)
		}
		sealed, err := k.SealAll(t.Context(), many, keys)
		fatal(t, err)
		for i := range many {
			mustOpen(t, k, many[i], sealed[i], keys[i])
		}
		if _, err := k.SealAll(t.Context(), many[:3], keys[:2]); err == nil {
			t.Fatal("three grants and two keys were accepted")
		}
		if none, err := k.SealAll(t.Context(), nil, nil); err != nil || len(none) != 0 {
			t.Fatalf("nothing to seal: %d, %v", len(none), err)
		}
	})
}

func TestEngineRefuses(t *testing.T) {
	onBoth(t, func(t *testing.T, b bench) {
		k := b.open(t)
		grant, other := id16(), id16()
		sealed := sealOne(t, k, grant, random(64))
		sealOne(t, k, other, random(64))
		bad := func(what string, grant [16]byte, sealed []byte) {
			t.Helper()
			got, err := k.Open(t.Context(), grant, sealed)
			if got != nil || !errors.Is(err, errSealed) && !errors.Is(err, ErrDestroyed) {
				t.Fatalf("%s: %v", what, err)
			}
		}
		bad("another grant's", other, sealed)
		bad("no grant's", id16(), sealed)
		bad("nothing", grant, nil)
		bad("a byte more", grant, append(bytes.Clone(sealed), 0))
		for i := range sealed {
			altered := bytes.Clone(sealed)
			altered[i] ^= 0x10
			bad("altered", grant, altered)
			bad("cut", grant, sealed[:i])
		}
	})
}

func TestEngineDestroy(t *testing.T) {
	onBoth(t, func(t *testing.T, b bench) {
		ctx := t.Context()
		k := b.open(t)
		grants := [][16]byte{id16(), id16(), id16(), id16()}
		var sealed [][]byte
		for _, grant := range grants {
			sealed = append(sealed, sealOne(t, k, grant, grant[:]))
		}
		fatal(t, k.Destroy(ctx, grants[0], id16()))
		mustBeGone(t, k, grants[0], sealed[0])
		fatal(t, k.Destroy(ctx, grants[0]))
		fatal(t, k.Destroy(ctx))
		stopped, cancel := context.WithCancel(ctx)
		cancel()
		fatal(t, k.Destroy(stopped, grants[1]))
		mustBeGone(t, k, grants[1], sealed[1])
		fatal(t, k.Unseal(stopped, grants[2:3], sealed[2:3]))
		mustBeGone(t, k, grants[2], sealed[2])
		mustOpen(t, k, grants[3], sealed[3], grants[3][:])

		fatal(t, k.Close())
		fatal(t, k.Close())
		if _, err := k.Open(ctx, grants[3], sealed[3]); err == nil {
			t.Fatal("opened although it is closed")
		}
		if err := k.Destroy(ctx, grants[3]); err == nil {
			t.Fatal("destroyed although it is closed")
		}
		k = b.open(t)
		for i := range 3 {
			mustBeGone(t, k, grants[i], sealed[i])
		}
		mustOpen(t, k, grants[3], sealed[3], grants[3][:])
	})
}

func TestEngineRetain(t *testing.T) {
	onBoth(t, func(t *testing.T, b bench) {
		ctx := t.Context()
		k := b.open(t)
		if empty, err := k.Empty(ctx); err != nil || !empty {
			t.Fatalf("a new keyring is empty: %v %v", empty, err)
		}
		grants := make([][16]byte, 60)
		sealed := make([][]byte, len(grants))
		for i := range grants {
			grants[i] = id16()
			sealed[i] = sealOne(t, k, grants[i], grants[i][:])
		}
		if empty, err := k.Empty(ctx); err != nil || empty {
			t.Fatalf("a keyring with keys is not empty: %v %v", empty, err)
		}
		b.age(t, k)
		failed := errors.New("failed")
		if _, err := k.Retain(ctx, func(func([16]byte) error) error { return failed }); !errors.Is(err, failed) {
			t.Fatalf("the error of who lists is %v", err)
		}
		if _, err := k.Retain(ctx, func(yield func([16]byte) error) error {
			return errors.Join(yield([16]byte{9}), yield([16]byte{8}))
		}); !errors.Is(err, errOrder) {
			t.Fatalf("out of order: %v", err)
		}
		for i := range grants {
			mustOpen(t, k, grants[i], sealed[i], grants[i][:])
		}
		retain(t, k, 40, append([][16]byte{{}, id16(), {0: 255, 15: 255}}, grants[:20]...)...)
		for i := range grants {
			if i < 20 {
				mustOpen(t, k, grants[i], sealed[i], grants[i][:])
			} else {
				mustBeGone(t, k, grants[i], sealed[i])
			}
		}
		retain(t, k, 20)
		if empty, err := k.Empty(ctx); err != nil || !empty {
			t.Fatalf("nothing was retained: %v %v", empty, err)
		}
	})
}

// TestEngineModel plays random histories against a model, with the keyring closed and
// opened again in between.
func TestEngineModel(t *testing.T) {
	onBoth(t, func(t *testing.T, b bench) {
		ctx := t.Context()
		source := mathrand.New(mathrand.NewPCG(3, 4))
		k := b.open(t)
		type one struct {
			grant        [16]byte
			sealed, want []byte
		}
		var live, gone []one
		take := func(n int) (out []one) {
			for range min(n, len(live)) {
				i := source.IntN(len(live))
				out, live = append(out, live[i]), slices.Delete(live, i, i+1)
			}
			gone = append(gone, out...)
			return out
		}
		for range 120 {
			switch source.IntN(6) {
			case 0, 1, 2:
				for range 1 + source.IntN(4) {
					grant, want := id16(), random(source.IntN(100))
					live = append(live, one{grant, sealOne(t, k, grant, want), want})
				}
			case 3:
				for _, o := range take(3) {
					fatal(t, k.Destroy(ctx, o.grant))
				}
			case 4:
				for _, o := range take(1) {
					fatal(t, k.Unseal(ctx, [][16]byte{o.grant}, [][]byte{o.sealed}))
				}
			case 5:
				if source.IntN(3) == 0 {
					fatal(t, k.Close())
					k = b.open(t)
				}
				ended := take(2)
				b.age(t, k)
				var keep [][16]byte
				for _, o := range live {
					keep = append(keep, o.grant)
				}
				retain(t, k, len(ended), keep...)
			}
		}
		for _, o := range live {
			mustOpen(t, k, o.grant, o.sealed, o.want)
		}
		for _, o := range gone {
			mustBeGone(t, k, o.grant, o.sealed)
		}
		if len(live) < 5 || len(gone) < 20 {
			t.Fatalf("%d live and %d gone say little", len(live), len(gone))
		}
	})
}

// TestFileUnchanged: a keyring file that an earlier version wrote opens, and what it had
// sealed, too.
func TestFileUnchanged(t *testing.T) {
	folder := t.TempDir()
	data, err := os.ReadFile("testdata/keyring.db")
	fatal(t, err)
	fatal(t, os.WriteFile(filepath.Join(folder, "keyring.db"), data, 0o600))
	sealed, err := os.ReadFile("testdata/sealed")
	fatal(t, err)
	k := openAt(t, folder)
	opens(t, k, [16]byte{1, 2, 3}, sealed, []byte("transform key"))
	if _, err := k.SealAll(t.Context(), [][16]byte{{1, 2, 3}}, [][]byte{nil}); !errors.Is(err, store.ErrExists) {
		t.Fatalf("sealed again: %v", err)
	}
}
