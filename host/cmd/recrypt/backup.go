package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/recrypt-service/recrypt/host/atomicfile"
	"github.com/recrypt-service/recrypt/host/backup"
	"github.com/recrypt-service/recrypt/host/server"
	"github.com/recrypt-service/recrypt/host/store/postgres"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// placeFlags say where a server keeps its data.
type placeFlags struct{ data, database, key string }

func (f *placeFlags) add(a *app, cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.data, "data", "", "`DIR` with the server's data (or RECRYPT_DATA; default: as recrypt serve)")
	cmd.Flags().StringVar(&f.database, "database", "", "`URL` of the server's PostgreSQL database (or RECRYPT_DATABASE)")
	cmd.Flags().StringVar(&f.key, "key", "", "`FILE` with the server's key (default: server.key in DIR)")
}

// place completes the flags as the server does.
func (f *placeFlags) place(a *app) (server.Place, error) {
	p := server.Place{DataDir: first(f.data, a.getenv("RECRYPT_DATA")), Database: first(f.database, a.getenv("RECRYPT_DATABASE")), KeyFile: f.key}
	if f.data != "" && f.database == "" {
		p.Database = "" // said, and not only remembered
	}
	if p.Database != "" && !postgres.IsURL(p.Database) {
		return p, usage("--database takes a URL: postgres://user@host/name")
	}
	var err error
	if p.DataDir == "" && p.Database == "" {
		p.DataDir, err = defaultData()
	}
	return p, err
}

// databaseOf is what package backup opens.
func databaseOf(p server.Place) string {
	if p.Database != "" {
		return p.Database
	}
	return filepath.Join(p.DataDir, "recrypt.db")
}

func (a *app) backupCommand() *cobra.Command {
	var place placeFlags
	var out, check string
	var withKey bool
	cmd := &cobra.Command{
		Use: "backup", Short: "Back up a server's data while it runs",
		Long: `Back up a server's data: all records, the encrypted document keys and the log, as they
are at one moment, into one file with checksums. The server goes on meanwhile, and the
file fits either engine. Run it as the user of the server, or with the URL of its database.

What is not in it: the keys that seal transform keys, and the transform keys. Whoever finds
the file can transform nothing, and restoring it does not bring a revoked reader back:
after a restoration each owner grants again what is still granted, by one recrypt regrant.
The server's own key is not in it either, unless --with-server-key puts it there, sealed by a
passphrase: without DIR/server.key nobody can take the server's place, so keep it somewhere.

A backup alone forgets what came after it, revocations too. So run the server with
--mirror DIR on another disk: recrypt restore needs both.`,
		Example: `  recrypt backup --data ./data -o recrypt-2026-11-23.backup
  recrypt backup --database postgres://recrypt@db.example.net/recrypt -o monday.backup
  recrypt backup --check monday.backup
  recrypt backup --data ./data --with-server-key -o - | ssh safe 'cat > recrypt.backup'`,
		Args: noArgs,
		RunE: action(func(cmd *cobra.Command, _ []string) error {
			if check != "" {
				if out != "" || withKey {
					return usage("--check only reads: it goes with no other flag")
				}
				return a.checkBackup(cmd.Context(), check)
			}
			if out == "" {
				return usage("say where the backup goes: -o FILE, or -o - for standard output")
			}
			p, err := place.place(a)
			if err != nil {
				return err
			}
			return a.backup(cmd.Context(), p, out, withKey)
		}),
	}
	place.add(a, cmd)
	cmd.Flags().StringVarP(&out, "output", "o", "", "write the backup to `FILE`, - is standard output")
	cmd.Flags().StringVar(&check, "check", "", "read `FILE` and check all of it")
	cmd.Flags().BoolVar(&withKey, "with-server-key", false, "put the server's key into the backup, sealed by a passphrase")
	return cmd
}

func (a *app) backup(ctx context.Context, p server.Place, out string, withKey bool) error {
	key, err := a.sealedKey(ctx, p, withKey)
	if err != nil {
		return err
	}
	db, err := backup.Open(ctx, databaseOf(p))
	if err != nil {
		return err
	}
	defer db.Close()
	w, commit, abort, err := a.backupFile(out)
	if err != nil {
		return err
	}
	defer abort()
	bar := a.counter("backing up")
	summary, err := backup.Export(ctx, db, w, backup.Options{Key: key, Progress: everySo(bar)})
	bar.done()
	if err != nil {
		return err
	}
	if err := commit(); err != nil {
		return err
	}
	return a.printBackup(ctx, out, summary, "backed up")
}

// everySo shows every so manieth row.
func everySo(b *bar) func(done, all int64) {
	return func(done, all int64) {
		if done%1024 == 0 || done == all {
			b.steps64(done, all)
		}
	}
}

// backupFile opens where a backup goes. It appears whole or not at all, except on standard output.
func (a *app) backupFile(out string) (w io.Writer, commit func() error, abort func(), err error) {
	if out == "-" {
		if f, ok := a.stdout.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
			return nil, nil, nil, usage("standard output is a terminal: use -o FILE, or a pipe")
		}
		return a.stdout, func() error { return nil }, func() {}, nil
	}
	f, err := atomicfile.Create(out, 0o600, a.force)
	if err != nil {
		return nil, nil, nil, err
	}
	return f, f.Commit, f.Abort, nil
}

// sealedKey returns the server's seed, sealed by a passphrase that is asked for; nil unless
// wanted.
func (a *app) sealedKey(ctx context.Context, p server.Place, wanted bool) ([]byte, error) {
	if !wanted {
		return nil, nil
	}
	if a.noPassphrase {
		return nil, usage("the server's key goes into a backup only sealed by a passphrase")
	}
	core, err := a.core(ctx)
	if err != nil {
		return nil, err
	}
	path, err := keyPath(p)
	if err != nil {
		return nil, err
	}
	seed, _, _, err := backup.ReadKey(ctx, core, path)
	if err != nil {
		return nil, err
	}
	defer clear(seed)
	passphrase, err := a.newPassphrase("the server's key")
	if err != nil {
		return nil, err
	}
	defer clear(passphrase)
	return core.SealSeed(ctx, passphrase, abi.SecretService, seed, sealMemoryKiB, sealPasses)
}

// keyPath is where the server's key is.
func keyPath(p server.Place) (string, error) {
	if p.KeyFile != "" {
		return p.KeyFile, nil
	}
	if p.DataDir == "" {
		return "", usage("name the server's key: --key FILE, or --data DIR with server.key in it")
	}
	return filepath.Join(p.DataDir, "server.key"), nil
}

func (a *app) checkBackup(ctx context.Context, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	bar := a.progress("checking", info.Size())
	summary, err := backup.Verify(&counted{f, bar, 0})
	bar.done()
	if err != nil {
		return err
	}
	return a.printBackup(ctx, path, summary, "intact:")
}

// counted shows on a bar how much was read.
type counted struct {
	io.Reader
	bar *bar
	n   int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.n += int64(n)
	c.bar.set(c.n)
	return n, err
}

// serverID is an id as people see it, "" for none.
func (a *app) serverID(ctx context.Context, id [32]byte) (string, error) {
	if id == ([32]byte{}) {
		return "", nil
	}
	core, err := a.core(ctx)
	if err != nil {
		return "", err
	}
	return core.FormatID(ctx, abi.KindService, id)
}

// printBackup tells what a backup holds; on standard error if the backup itself went to
// standard output.
func (a *app) printBackup(ctx context.Context, path string, s *backup.Summary, what string) error {
	id, err := a.serverID(ctx, s.Service)
	if err != nil {
		return err
	}
	taken := time.UnixMilli(s.Time)
	if a.json {
		tables := map[string]any{}
		for _, t := range s.Tables {
			tables[t.Name] = map[string]any{"rows": t.Rows, "sha256": fmt.Sprintf("%x", t.Sum)}
		}
		return a.printResult(path, map[string]any{"file": path, "server": id, "taken": taken.UTC(), "bytes": s.Bytes, "rows": s.Rows(""),
			"log": map[string]any{"size": s.Size, "root": s.Root.String()}, "serverKey": s.Key != nil, "tables": tables, "sha256": fmt.Sprintf("%x", s.Sum)})
	}
	w := a.stdout
	if path == "-" {
		w = a.stderr
	}
	fmt.Fprintf(w, "%s %s, %s of server %s, taken %s\n", what, path, count(int(s.Rows("")), "row"), first(id, "(none yet)"), stamp(taken))
	fmt.Fprintf(w, "  %s, %s, %s, %s\n", count(int(s.Rows("identities")), "identity version"), count(int(s.Rows("collections")), "collection"),
		count(int(s.Rows("grants")), "grant"), count(int(s.Rows("document_keys")), "document key"))
	fmt.Fprintf(w, "  log of %s, root %s\n", entries(int(s.Size)), s.Root)
	if s.Key != nil {
		fmt.Fprintf(w, "  with the server's key, sealed by a passphrase\n")
	}
	fmt.Fprintf(w, "  sha256 %x\n", s.Sum)
	return nil
}

// inOneLine refuses what does not fit into a statement.
func inOneLine(s string) error {
	if strings.TrimSpace(s) == "" || strings.ContainsAny(s, "\n\r") {
		return errors.New("empty or several lines")
	}
	return nil
}
