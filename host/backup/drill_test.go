package backup_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/recrypt-service/recrypt/host/backup"
	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/hosttest"
	"github.com/recrypt-service/recrypt/host/mirror"
	"github.com/recrypt-service/recrypt/host/server"
	"github.com/recrypt-service/recrypt/host/store/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// engines are the places that a test uses one after the other.
var engines = map[string]func(t *testing.T) server.Place{
	"sqlite": func(t *testing.T) server.Place { return server.Place{DataDir: t.TempDir()} },
	"postgres": func(t *testing.T) server.Place {
		return server.Place{DataDir: t.TempDir(), Database: pgtest.Start(t, pgtest.Options{}).Database(t)}
	},
}

// copyKey puts a server's key into another place, as its operator does.
func copyKey(t *testing.T, from, to server.Place) {
	t.Helper()
	key, err := os.ReadFile(filepath.Join(from.DataDir, "server.key"))
	if err == nil {
		err = os.WriteFile(filepath.Join(to.DataDir, "server.key"), key, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// statuses tells what Alice's list says of each reader's newest grant.
func (c *cast) statuses() map[string]string {
	c.t.Helper()
	out := map[string]string{}
	c.must(c.as(c.alice, func(k *client.Client) error {
		list, err := k.Grants(context.Background())
		if err != nil {
			return err
		}
		for _, g := range list.Issued {
			if _, newer := out[g.Reader]; !newer {
				out[g.Reader] = g.Status
			}
		}
		return nil
	}))
	return out
}

// TestDrill loses a server and brings it back from yesterday's backup and the mirror.
func TestDrill(t *testing.T) {
	for name, place := range engines {
		t.Run(name, func(t *testing.T) { drill(t, place) })
	}
}

func drill(t *testing.T, place func(t *testing.T) server.Place) {
	ctx := context.Background()
	old, addr, copies := place(t), listen(t), t.TempDir()
	s := serve(t, addr, old, copies)
	c := newCast(t, s.url)
	c.write()
	c.grant(c.bob)
	c.grant(c.eve)
	c.must(c.reads(c.eve, 0))
	yesterday := take(t, old)

	// Today: Eve is revoked, Carol comes and is granted, Bob gets new keys and a document.
	carol := hosttest.NewPerson(t, "carol")
	carol.Publish(t, s.url).Close()
	c.revoke(c.eve)
	c.grant(carol)
	c.write()
	c.must(c.reads(c.bob, 1))
	c.must(c.reads(carol, 1))
	before := c.statuses()
	s.stop()
	keyringKeys(t, old, yesterday)

	// The machine is lost; its key is in a drawer, the mirror on another disk.
	now := place(t)
	copyKey(t, old, now)
	if _, err := restore(t, yesterday, backup.Restoration{To: now, Core: core(t)}); !errors.Is(err, backup.ErrNoMirror) {
		t.Fatalf("a backup without a mirror was restored: %v", err)
	}
	out, err := restore(t, yesterday, backup.Restoration{To: now, Core: core(t), Mirrors: []string{copies}})
	if err != nil {
		t.Fatal(err)
	}
	if out.Lost != 4 || out.Revoked != 1 || out.Replayed == 0 || out.Behind {
		t.Errorf("lost %d, revoked %d, replayed %d, behind %v", out.Lost, out.Revoked, out.Replayed, out.Behind)
	}
	s = serve(t, addr, now, copies)
	for _, p := range []*hosttest.Person{c.bob, c.eve, carol} {
		for number := range c.documents {
			if err := c.reads(p, number); !errors.Is(err, client.ErrNoAccess) {
				t.Errorf("%s reads document %d after the restoration: %v", p.Name, number, err)
			}
		}
	}
	c.must(c.reads(c.alice, 0))
	c.must(c.reads(c.alice, 1)) // its key came from the mirror
	after := c.statuses()
	if after[c.bob.ID] != "lost" || after[carol.ID] != "lost" || after[c.eve.ID] != "revoked" {
		t.Errorf("grants are listed as %v, before %v", after, before)
	}

	// One act of the owner.
	info := c.regrant()
	var again []string
	for _, g := range info.Regranted {
		again = append(again, g.Reader)
	}
	if !slices.Contains(again, c.bob.ID) || !slices.Contains(again, carol.ID) || slices.Contains(again, c.eve.ID) {
		t.Errorf("regranted %v", again)
	}
	c.must(c.reads(c.bob, 0))
	c.must(c.reads(c.bob, 1))
	c.must(c.reads(carol, 1))
	if err := c.reads(c.eve, 0); !errors.Is(err, client.ErrNoAccess) {
		t.Errorf("the revoked reader reads again: %v", err)
	}
	c.must(c.as(c.alice, func(k *client.Client) error { _, err := k.Audit(ctx, nil); return err }))
	s.stop()
	if report, err := mirror.Check(ctx, copies, core(t)); err != nil || report.Signed == 0 {
		t.Errorf("the mirror after all this: %+v %v", report, err)
	}
}

// restore restores a backup in a file.
func restore(t *testing.T, path string, o backup.Restoration) (*backup.Restored, error) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return backup.Restore(context.Background(), f, o)
}

// keyringKeys makes sure that neither keys of the keyring nor what they seal is in a backup.
func keyringKeys(t *testing.T, p server.Place, path string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	secrets := map[string]string{"SELECT key FROM slots": "keyring.db", "SELECT sealed FROM sealed_keys": "recrypt.db"}
	if p.Database != "" {
		return
	}
	for query, file := range secrets {
		db, err := sql.Open("sqlite", filepath.Join(p.DataDir, file))
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		found := 0
		rows, err := db.Query(query)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var secret []byte
			if err := rows.Scan(&secret); err != nil {
				t.Fatal(err)
			}
			if len(bytes.Trim(secret, "\x00")) == 0 {
				continue
			}
			found++
			for at := 0; at+16 <= len(secret); at += 16 {
				if bytes.Contains(content, secret[at:at+16]) {
					t.Errorf("a part of %s is in the backup", strings.Fields(query)[1])
				}
			}
		}
		rows.Close()
		if found == 0 {
			t.Errorf("%s found nothing to look for", query)
		}
	}
}
