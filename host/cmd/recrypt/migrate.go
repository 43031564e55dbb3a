package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/recrypt-service/recrypt/host/backup"
	"github.com/recrypt-service/recrypt/host/server"
	"github.com/recrypt-service/recrypt/host/store/postgres"
)

func (a *app) migrateCommand() *cobra.Command {
	var from, to, key string
	var keyrings struct{ from, to string }
	cmd := &cobra.Command{
		Use: "migrate", Short: "Move a server's data from a folder to PostgreSQL, or back",
		Long: `Move everything of a server to another engine: from the files in a folder into a PostgreSQL
database, or back. Stop the server first. Clients notice nothing.

All tables are copied from one snapshot, and each transform key is sealed anew for the new
keyring. Checksums of both sides, the log's root and every transform key are compared
before the new place becomes valid, all at once. Interrupted, it leaves nothing that a
server would serve: run it again. The destination must have no data.

Files that were moved are set aside as DIR/recrypt.db.migrated and DIR/keyring.db.migrated,
so that nobody serves them by mistake. Whoever has both can still use every grant of that
moment, whatever is revoked later: delete them once the new place runs. The same holds for
an old database: drop it.

A password in the command line is visible to others on the machine: put it into a file that
PGPASSFILE names.`,
		Example: `  recrypt migrate --from ./data --to postgres://recrypt@db.example.net/recrypt
  recrypt serve --data ./data --database postgres://recrypt@db.example.net/recrypt
  recrypt migrate --from postgres://recrypt@db.example.net/recrypt --key ./data/server.key --to ./data2`,
		Args: noArgs,
		RunE: action(func(cmd *cobra.Command, _ []string) error {
			if from == "" || to == "" {
				return usage("say what moves and where to: --from DIR --to postgres://…, or the other way")
			}
			m := backup.Migration{From: placeOf(from, keyrings.from), To: placeOf(to, keyrings.to)}
			m.From.KeyFile = key
			if err := checkMigration(&m); err != nil {
				return err
			}
			return a.migrate(cmd.Context(), m, from, to)
		}),
	}
	cmd.Flags().StringVar(&from, "from", "", "`DIR|URL` of the server's data as it is now")
	cmd.Flags().StringVar(&to, "to", "", "`DIR|URL` where it goes; a folder is made")
	cmd.Flags().StringVar(&key, "key", "", "`FILE` with the server's key (default: server.key in the folder)")
	cmd.Flags().StringVar(&keyrings.from, "from-keyring", "", "`URL` of the keyring now (default: in the same database or folder)")
	cmd.Flags().StringVar(&keyrings.to, "to-keyring", "", "`URL` of the keyring then (default: in the same database or folder)")
	return cmd
}

// checkMigration refuses what is no place, and finds the server's key.
func checkMigration(m *backup.Migration) error {
	for _, p := range []server.Place{m.From, m.To} {
		if strings.Contains(p.DataDir, "://") || p.Keyring != "" && !postgres.IsURL(p.Keyring) {
			return usage("the URL of a database has the form postgres://user@host/name")
		}
	}
	if m.From.KeyFile != "" || m.From.DataDir != "" {
		return nil
	}
	// The folder that the server has had all the time, if it goes back there.
	m.From.KeyFile = filepath.Join(m.To.DataDir, "server.key")
	if _, err := os.Stat(m.From.KeyFile); m.To.DataDir == "" || err != nil {
		return usage("name the server's key: --key FILE")
	}
	return nil
}

// placeOf reads a folder or the URL of a database.
func placeOf(text, keyring string) server.Place {
	if postgres.IsURL(text) {
		return server.Place{Database: text, Keyring: keyring}
	}
	return server.Place{DataDir: text, Keyring: keyring}
}

func (a *app) migrate(ctx context.Context, m backup.Migration, from, to string) (err error) {
	if m.Core, err = a.core(ctx); err != nil {
		return err
	}
	bar := a.counter("moving")
	m.Progress = everySo(bar)
	out, err := backup.Migrate(ctx, m)
	bar.done()
	if err != nil {
		return err
	}
	id, err := a.serverID(ctx, out.Service)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(map[string]any{"server": id, "rows": out.Rows(""), "transformKeys": out.Keys,
			"log": map[string]any{"size": out.Size, "root": out.Root.String()}, "aside": m.From.Database == ""})
	}
	a.printf("moved server %s: %s, all checksums agree\n", id, count(int(out.Rows("")), "row"))
	a.printf("  log of %s, root %s\n", entries(int(out.Size)), out.Root)
	a.printf("  %s sealed anew and compared\n", count(int(out.Keys), "transform key"))
	if m.From.Database == "" {
		a.notef("the old files are set aside as *.migrated in %s; delete them once the new place runs\n", from)
	} else {
		a.notef("drop the old database once the new place runs: it still opens what was granted then\n")
	}
	if m.To.DataDir != "" {
		a.notef("go on with: recrypt serve --data %s\n", to)
	} else {
		a.notef("go on with: recrypt serve --data %s --database URL\n", first(m.From.DataDir, "DIR"))
	}
	return nil
}
