package backup_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/recrypt-service/recrypt/host/backup"
	"github.com/recrypt-service/recrypt/host/client"
)

// TestNewLog loses a server with its mirror: the log begins anew, everybody is told, and goes on
// once he has accepted.
func TestNewLog(t *testing.T) {
	for _, name := range []string{"sqlite", "postgres"} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			old, addr := engines[name](t), listen(t)
			s := serve(t, addr, old, "")
			c := newCast(t, s.url)
			c.write()
			c.grant(c.bob)
			c.grant(c.eve)
			c.must(c.reads(c.bob, 0))
			yesterday := take(t, old)
			c.revoke(c.eve)
			c.write()
			s.stop()

			now := engines[name](t)
			copyKey(t, old, now)
			const reason = "both disks burnt"
			out, err := restore(t, yesterday, backup.Restoration{To: now, Core: core(t), Restart: &backup.Restart{Reason: reason}})
			if err != nil {
				t.Fatal(err)
			}
			if out.Size != out.Summary.Size+1 || !strings.Contains(string(out.Statement), reason) {
				t.Errorf("the new log has %d entries, the old one %d", out.Size, out.Summary.Size)
			}
			s = serve(t, addr, now, t.TempDir())

			// Both stop and are told, and nothing is written.
			err = c.as(c.alice, func(k *client.Client) error { _, err := k.Checkpoint(ctx); return err })
			var told *client.RestartError
			if !errors.Is(err, client.ErrLogRestarted) || !errors.As(err, &told) || told.Reason != reason || told.Accepted {
				t.Fatalf("Alice is told: %v", err)
			}
			if err := c.as(c.alice, func(k *client.Client) error { _, err := k.Grant(ctx, c.bob.ID, client.GrantOptions{}); return err }); !errors.Is(err, client.ErrLogRestarted) {
				t.Errorf("Alice grants: %v", err)
			}
			accept := func(k *client.Client) error {
				r, err := k.Restart(ctx)
				if err != nil {
					return err
				}
				if err := k.AcceptRestart(ctx, append(slices.Clone(r.Statement), '\n')); !errors.Is(err, client.ErrConflict) {
					t.Errorf("another statement was accepted: %v", err)
				}
				if err := k.AcceptRestart(ctx, r.Statement); err != nil {
					return err
				}
				_, err = k.Checkpoint(ctx)
				return err
			}
			c.must(c.as(c.alice, accept))
			c.must(c.as(c.bob, accept))

			// The server has forgotten that Eve was revoked, but Alice's device has not: it says so, and
			// she is revoked again. Then Bob's access comes back.
			err = c.as(c.alice, func(k *client.Client) error { _, err := k.Regrant(ctx, nil); return err })
			if !errors.Is(err, client.ErrKeptGrant) {
				t.Errorf("with Eve's grant there again: %v", err)
			}
			c.revoke(c.eve)
			info := c.regrant()
			if len(info.Regranted) != 1 || info.Regranted[0].Reader != c.bob.ID {
				t.Errorf("regranted %+v", info.Regranted)
			}
			c.must(c.reads(c.bob, 0))
			if err := c.reads(c.eve, 0); err == nil {
				t.Error("Eve reads again")
			}
			number := c.write()
			c.must(c.reads(c.bob, number))
			c.must(c.as(c.alice, func(k *client.Client) error { _, err := k.Audit(ctx, nil); return err }))
			s.stop()

			// The new log is a log like others: another one under it is a lie.
			again := engines[name](t)
			copyKey(t, old, again)
			if _, err := restore(t, yesterday, backup.Restoration{To: again, Core: core(t), Restart: &backup.Restart{Reason: "again"}}); err != nil {
				t.Fatal(err)
			}
			s = serve(t, addr, again, "")
			if err := c.as(c.bob, func(k *client.Client) error { _, err := k.Checkpoint(ctx); return err }); !errors.Is(err, client.ErrLogRestarted) {
				t.Errorf("a second new log: %v", err)
			}
			s.stop()
		})
	}
}
