package keyring

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/pgtest"
)

// TestTwoServers: each of two servers seals for the same grant; neither ends what the other
// has sealed, and what one destroys is gone for the other at once.
func TestTwoServers(t *testing.T) {
	ctx := t.Context()
	url := pgtest.Start(t, pgtest.Options{}).Database(t)
	a, b := openDatabase(t, url), openDatabase(t, url)
	grant := id16()
	byA, byB := sealOne(t, a, grant, []byte("of a")), sealOne(t, b, grant, []byte("of b"))
	mustOpen(t, b, grant, byA, []byte("of a"))
	mustOpen(t, a, grant, byB, []byte("of b"))
	fatal(t, b.Unseal(ctx, [][16]byte{grant}, [][]byte{byB}))
	mustBeGone(t, a, grant, byB)
	mustOpen(t, a, grant, byA, []byte("of a"))

	if n, err := b.Retain(ctx, in()); err != nil || n != 0 {
		t.Fatalf("%d keys were destroyed whose grant may be on its way: %v", n, err)
	}
	mustOpen(t, a, grant, byA, []byte("of a"))
	fatal(t, b.Destroy(ctx, grant))
	mustBeGone(t, a, grant, byA)
}

// TestServersRace: two servers seal, undo and destroy at once.
func TestServersRace(t *testing.T) {
	ctx := t.Context()
	url := pgtest.Start(t, pgtest.Options{}).Database(t)
	handles := []*Postgres{openDatabase(t, url), openDatabase(t, url)}
	shared := [][16]byte{id16(), id16(), id16()}
	var wg sync.WaitGroup
	for i := range 6 {
		wg.Go(func() {
			k, other := handles[i%2], handles[(i+1)%2]
			for n := range 25 {
				own := id16()
				grants := [][16]byte{own, shared[n%3]}
				want := random(40)
				sealed, err := k.SealAll(ctx, grants, [][]byte{want, want})
				if err != nil {
					t.Error(err)
					return
				}
				for j := range grants { // nobody else touches this request's keys
					if got, err := other.Open(ctx, grants[j], sealed[j]); err != nil || !bytes.Equal(got, want) {
						t.Errorf("the other server opens: %v", err)
					}
				}
				if err := k.Unseal(ctx, grants[1:], sealed[1:]); err != nil {
					t.Error(err)
				}
				if err := k.Destroy(ctx, own); err != nil {
					t.Error(err)
				}
				for j := range grants {
					if _, err := other.Open(ctx, grants[j], sealed[j]); !errors.Is(err, ErrDestroyed) {
						t.Errorf("the other server opens what is gone: %v", err)
					}
				}
			}
		})
	}
	wg.Wait()
	if empty, err := handles[0].Empty(ctx); err != nil || !empty {
		t.Fatalf("keys are left: %v", err)
	}
}

func TestOpenPostgresErrors(t *testing.T) {
	ctx := t.Context()
	url := pgtest.Start(t, pgtest.Options{}).Database(t)
	var wg sync.WaitGroup
	for range 4 { // of servers that start at once one makes the tables
		wg.Go(func() {
			k, err := OpenPostgres(ctx, url, secret)
			if err != nil {
				t.Error(err)
				return
			}
			k.Close()
		})
	}
	wg.Wait()
	if _, err := OpenPostgres(ctx, url, random(32)); !errors.Is(err, store.ErrForeign) {
		t.Fatalf("another server's secret: %v", err)
	}
	if _, err := OpenPostgres(ctx, url, nil); err == nil {
		t.Fatal("no secret")
	}
	_, err := OpenPostgres(ctx, "postgres://u:hunter2@[::bad", secret)
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Fatalf("a bad url: %v", err)
	}
	k := openDatabase(t, url)
	_, err = k.pool.Exec(ctx, "INSERT INTO keyring_version (version_id, is_applied) VALUES (99, true)")
	fatal(t, err)
	if _, err := OpenPostgres(ctx, url, secret); !errors.Is(err, store.ErrVersion) {
		t.Fatalf("a newer version: %v", err)
	}
}

// TestUnavailable: what cannot be destroyed never opens again, and the next success covers
// it.
func TestUnavailable(t *testing.T) {
	defer func(before time.Duration) { patience = before }(patience)
	patience = 300 * time.Millisecond
	c := pgtest.Start(t, pgtest.Options{Settings: []string{"max_connections=50"}})
	k := openDatabase(t, c.Database(t))
	ctx := t.Context()
	grant := id16()
	sealed := sealOne(t, k, grant, []byte("key"))
	fatal(t, c.Kill())
	for what, err := range map[string]error{
		"destroy": k.Destroy(ctx, grant),
		"unseal":  k.Unseal(ctx, [][16]byte{grant}, [][]byte{sealed}),
	} {
		if !errors.Is(err, store.ErrUnavailable) || strings.Contains(err.Error(), "recrypt-pg") {
			t.Fatalf("%s: %v", what, err)
		}
	}
	mustBeGone(t, k, grant, sealed) // whether or not anybody is asked
	fatal(t, c.Restart())
	if _, err := k.SealAll(ctx, [][16]byte{grant}, [][]byte{nil}); !errors.Is(err, ErrDestroyed) {
		t.Fatalf("sealed for a grant that is to be destroyed: %v", err)
	}
	fatal(t, k.Destroy(ctx))
	if empty, err := k.Empty(ctx); err != nil || !empty {
		t.Fatalf("a later success covers it: %v %v", empty, err)
	}
}

// TestPrimaryDies: what was acknowledged before the database was killed holds afterwards,
// and what was under way ends well.
func TestPrimaryDies(t *testing.T) {
	c := pgtest.Start(t, pgtest.Options{Settings: []string{"max_connections=50"}})
	k := openDatabase(t, c.Database(t))
	ctx := t.Context()
	var mu sync.Mutex
	live, gone := map[[16]byte][]byte{}, map[[16]byte][]byte{}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				grant := id16()
				sealed, err := k.SealAll(ctx, [][16]byte{grant}, [][]byte{grant[:]})
				if err == nil && n%2 == 0 {
					err = k.Destroy(ctx, grant)
				}
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				if n%2 == 0 {
					gone[grant] = sealed[0]
				} else {
					live[grant] = sealed[0]
				}
				mu.Unlock()
			}
		})
	}
	for range 2 {
		time.Sleep(300 * time.Millisecond)
		fatal(t, c.Kill())
		time.Sleep(100 * time.Millisecond)
		fatal(t, c.Restart())
	}
	time.Sleep(200 * time.Millisecond)
	close(stop)
	wg.Wait()
	for grant, sealed := range live {
		mustOpen(t, k, grant, sealed, grant[:])
	}
	for grant, sealed := range gone {
		mustBeGone(t, k, grant, sealed)
	}
	if len(live) < 10 || len(gone) < 10 {
		t.Fatalf("%d live and %d gone say little", len(live), len(gone))
	}
}

// TestDumpOpensNothing: what is in the tables neither holds a key nor a transform key.
func TestDumpOpensNothing(t *testing.T) {
	ctx := t.Context()
	k := openDatabase(t, pgtest.Start(t, pgtest.Options{}).Database(t))
	grant, transformKey := id16(), random(100)
	sealed := sealOne(t, k, grant, transformKey)
	var wrapped []byte
	fatal(t, k.pool.QueryRow(ctx, "SELECT sealed FROM keyring_keys").Scan(&wrapped))
	id, _, err := splitSealed(sealed)
	fatal(t, err)
	key, err := openKey(k.wrap, grant, id, wrapped)
	fatal(t, err)
	if bytes.Contains(wrapped, key) || bytes.Contains(sealed, key) {
		t.Fatal("the key stands in the open")
	}
	if _, err := openKey(random(32), grant, id, wrapped); !errors.Is(err, errSealed) {
		t.Fatalf("opens under another secret: %v", err)
	}
	if _, err := openKey(k.wrap, id16(), id, wrapped); !errors.Is(err, errSealed) {
		t.Fatalf("opens for another grant: %v", err)
	}
}

const childDatabase = "RECRYPT_TEST_KEYRING_DATABASE"

// sharedChild seals and destroys, telling what it has done, until it is killed.
func sharedChild(url string) {
	t := &childT{}
	k, err := OpenPostgres(context.Background(), url, secret)
	fatal(t, err)
	for {
		keep, lose := id16(), id16()
		a, b := sealOne(t, k, keep, keep[:]), sealOne(t, k, lose, lose[:])
		fmt.Printf("keep %x %x\n", keep, a)
		fatal(t, k.Destroy(context.Background(), lose))
		fmt.Printf("gone %x %x\n", lose, b)
	}
}

// TestServersKilled kills servers at random moments while another one works on the same
// keyring.
func TestServersKilled(t *testing.T) {
	url := pgtest.Start(t, pgtest.Options{}).Database(t)
	k := openDatabase(t, url)
	type fact struct {
		keep   bool
		grant  [16]byte
		sealed []byte
	}
	var mu sync.Mutex
	var facts []fact
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), childDatabase+"="+url)
			out, err := cmd.StdoutPipe()
			if err == nil {
				err = cmd.Start()
			}
			if err != nil {
				t.Error(err)
				return
			}
			n, limit := 0, 10+mathrand.IntN(60)
			for lines := bufio.NewScanner(out); lines.Scan(); n++ {
				words := strings.Fields(lines.Text())
				if len(words) != 3 {
					continue
				}
				id, _ := hex.DecodeString(words[1])
				sealed, _ := hex.DecodeString(words[2])
				mu.Lock()
				facts = append(facts, fact{words[0] == "keep", [16]byte(id), sealed})
				mu.Unlock()
				if n == limit {
					cmd.Process.Kill()
				}
			}
			cmd.Wait()
			if n < limit {
				t.Errorf("a child ended after %d lines", n)
			}
		})
	}
	wg.Wait()
	for _, f := range facts {
		if f.keep {
			mustOpen(t, k, f.grant, f.sealed, f.grant[:])
		} else {
			mustBeGone(t, k, f.grant, f.sealed)
		}
	}
}
