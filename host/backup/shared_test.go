package backup_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/recrypt-service/recrypt/host/backup"
	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/hosttest"
	"github.com/recrypt-service/recrypt/host/mirror"
	"github.com/recrypt-service/recrypt/host/server"
)

// TestTwoServers: two servers of one database keep a mirror each. What one does is in both,
// and either brings everything back.
func TestTwoServers(t *testing.T) {
	ctx := context.Background()
	one := engines["postgres"](t)
	left, right := t.TempDir(), t.TempDir()
	a := serve(t, listen(t), one, left)
	other := server.Place{DataDir: t.TempDir(), Database: one.Database}
	copyKey(t, one, other)
	b := serve(t, listen(t), other, right)
	c := newCast(t, a.url)
	empty := take(t, one)
	c.grant(c.bob)
	c.grant(c.eve)
	c.url = b.url
	for _, p := range []*hosttest.Person{c.alice, c.bob, c.eve} {
		p.State = client.NewMemoryState() // another address
	}
	c.write()
	c.must(c.reads(c.eve, 0))
	c.revoke(c.eve)
	c.must(c.reads(c.bob, 0))
	a.stop()
	b.stop()
	want, err := backup.Dump(ctx, target(one))
	if err != nil {
		t.Fatal(err)
	}
	for name, dir := range map[string]string{"left": left, "right": right} {
		if _, err := mirror.Check(ctx, dir, core(t)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		now := engines["sqlite"](t)
		out, err := restore(t, empty, backup.Restoration{To: now, Core: core(t), Mirrors: []string{dir}})
		if err != nil || out.Revoked != 1 {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := backup.Dump(ctx, target(now))
		if err != nil {
			t.Fatal(err)
		}
		for _, table := range []string{"grants", "document_keys", "log_leaves", "log_hashes", "ledger", "collection_records"} {
			if fmt.Sprint(got[table]) != fmt.Sprint(want[table]) {
				t.Errorf("%s: table %s differs:\n%s", name, table, difference(got[table], want[table]))
			}
		}
	}
}

// TestUnderWrites: backups that are taken while people write are each of one moment.
func TestUnderWrites(t *testing.T) {
	for _, name := range []string{"sqlite", "postgres"} {
		t.Run(name, func(t *testing.T) {
			place := engines[name](t)
			s := serve(t, listen(t), place, "")
			c := newCast(t, s.url)
			c.write()
			done := make(chan struct{})
			var writing sync.WaitGroup
			writing.Go(func() {
				k := c.alice.Client(t, c.url)
				defer k.Close()
				for {
					select {
					case <-done:
						return
					default:
					}
					if _, err := k.Encrypt(context.Background(), &bytes.Buffer{}, bytes.NewReader([]byte("x")), client.EncryptOptions{}); err != nil {
						t.Errorf("write during a backup: %v", err)
						return
					}
				}
			})
			last := int64(0)
			for range 8 {
				f, err := os.Open(take(t, place))
				if err != nil {
					t.Fatal(err)
				}
				summary, err := backup.Verify(f)
				f.Close()
				if err != nil || summary.Size < last {
					t.Fatalf("a backup of %d leaves after one of %d: %v", summary.Size, last, err)
				}
				last = summary.Size
				if keys, entries := summary.Rows("document_keys"), summary.Rows("ledger"); keys != entries {
					t.Errorf("%d keys but %d lines about deposits: not of one moment", keys, entries)
				}
			}
			close(done)
			writing.Wait()
		})
	}
}

// TestForeignMirror: a mirror of another server, of another history, or with a changed record
// brings nothing back, and leaves nothing behind.
func TestForeignMirror(t *testing.T) {
	place, copies := engines["sqlite"](t), t.TempDir()
	s := serve(t, listen(t), place, copies)
	c := newCast(t, s.url)
	c.write()
	yesterday := take(t, place)
	c.grant(c.bob)
	c.revoke(c.bob)
	s.stop()
	foreign := t.TempDir()
	s = serve(t, listen(t), engines["sqlite"](t), foreign)
	newCast(t, s.url).write()
	s.stop()
	changed := t.TempDir()
	names, err := filepath.Glob(filepath.Join(copies, "*.mirror"))
	if err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
	content, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 1
	if err := os.WriteFile(filepath.Join(changed, filepath.Base(names[0])), content, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, dir := range map[string]string{"another server's": foreign, "a changed one": changed, "none": t.TempDir()} {
		to := engines["sqlite"](t)
		if out, err := restore(t, yesterday, backup.Restoration{To: to, Core: core(t), Mirrors: []string{dir}}); err == nil && !out.Torn {
			t.Errorf("%s was used", name)
		} else if err != nil {
			if entries, _ := os.ReadDir(to.DataDir); len(entries) != 0 {
				t.Errorf("%s: %s is left behind", name, entries[0].Name())
			}
		}
	}
}
