package backup_test

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/backup"
	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/hosttest"
)

// TestReplay plays a story of everything that a log has lines about, and brings all of it
// back from the mirror alone, on top of a backup of the first moment: every table is as it
// was, but for what is left out on purpose.
func TestReplay(t *testing.T) {
	for _, name := range []string{"sqlite", "postgres"} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			old, copies := engines[name](t), t.TempDir()
			s := serve(t, listen(t), old, copies)
			empty := take(t, old)
			c := newCast(t, s.url)
			story(ctx, c)
			halfway := take(t, old)
			c.revoke(c.bob)
			c.write()
			s.stop()
			want, err := backup.Dump(ctx, target(old))
			if err != nil {
				t.Fatal(err)
			}
			for _, table := range []string{"identities", "revocations", "grants", "access_requests", "accepted_authors", "document_keys", "evidence", "ledger"} {
				if len(want[table]) == 0 {
					t.Errorf("the story has nothing for table %s", table)
				}
			}
			for moment, from := range map[string]string{"the first moment": empty, "halfway": halfway} {
				now := engines[name](t)
				if _, err := restore(t, from, backup.Restoration{To: now, Core: core(t), Mirrors: []string{copies}}); err != nil {
					t.Fatal(err)
				}
				got, err := backup.Dump(ctx, target(now))
				if err != nil {
					t.Fatal(err)
				}
				for table := range want {
					if table != "clock" && !slices.Equal(got[table], want[table]) {
						t.Errorf("from %s: table %s differs:\n%s", moment, table, difference(got[table], want[table]))
					}
				}
			}
		})
	}
}

// story has every kind of line.
func story(ctx context.Context, c *cast) {
	c.t.Helper()
	do := func(p *hosttest.Person, fn func(*client.Client) error) { c.t.Helper(); c.must(c.as(p, fn)) }
	c.write()
	c.grant(c.bob)
	c.must(c.reads(c.bob, 0))
	c.grant(c.bob) // replaced
	c.grant(c.eve)
	c.revoke(c.eve)
	c.grant(c.eve) // a new grant after a revocation
	do(c.alice, func(k *client.Client) error {
		_, err := k.CreateCollection(ctx, "inbox", client.CollectionOptions{Deposit: client.DepositOpen})
		return err
	})
	deposit := func(p *hosttest.Person) {
		do(p, func(k *client.Client) error {
			_, err := k.Encrypt(ctx, &bytes.Buffer{}, strings.NewReader("x"), client.EncryptOptions{To: c.alice.ID})
			return err
		})
	}
	deposit(c.bob)
	deposit(c.eve)
	do(c.alice, func(k *client.Client) error {
		_, err := k.AcceptAuthor(ctx, "inbox", c.bob.ID)
		if err == nil {
			_, err = k.RefuseAuthor(ctx, "inbox", c.eve.ID)
		}
		return err
	})
	deposit(c.bob)
	deposit(c.eve) // waits
	for _, p := range []*hosttest.Person{c.bob, c.eve} {
		do(c.alice, func(k *client.Client) error {
			_, err := k.CreateCollection(ctx, "emergency "+p.Name, client.CollectionOptions{})
			if err == nil {
				_, err = k.Grant(ctx, p.ID, client.GrantOptions{Collection: "emergency " + p.Name, Pending: time.Hour})
			}
			return err
		})
		do(p, func(k *client.Client) error { _, err := k.Request(ctx, c.alice.ID); return err })
	}
	do(c.alice, func(k *client.Client) error { _, err := k.Veto(ctx, c.eve.ID); return err })
	do(c.alice, func(k *client.Client) error {
		link, err := k.GrantLink(ctx, client.LinkOptions{Uses: 3, Expires: time.Hour})
		if err == nil && link.URL == "" {
			err = client.ErrAnswer
		}
		return err
	})
	do(c.alice, func(k *client.Client) error { _, err := k.Rotate(ctx, "default", nil); return err })
	seed := hosttest.Random(32)
	do(c.eve, func(k *client.Client) error { // her grants are suspended
		record, err := k.RotateIdentity(ctx, seed, nil)
		if err == nil {
			next := *c.eve
			next.Seed, next.Record = seed, record
			c.eve = &next
		}
		return err
	})
}

// difference shows the first lines that only one has.
func difference(got, want []string) string {
	var out []string
	for _, l := range got {
		if !slices.Contains(want, l) && len(out) < 3 {
			out = append(out, "got  "+l)
		}
	}
	for _, l := range want {
		if !slices.Contains(got, l) && len(out) < 6 {
			out = append(out, "want "+l)
		}
	}
	return strings.Join(out, "\n")
}
