package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/recrypt-service/recrypt/host/atomicfile"
	"github.com/recrypt-service/recrypt/host/backup"
	"github.com/recrypt-service/recrypt/host/server"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

func (a *app) bringBackCommand() *cobra.Command {
	var place placeFlags
	var mirrors []string
	var newLog bool
	var reason string
	cmd := &cobra.Command{
		Use: "restore FILE", Short: "Bring a server's data back from a backup and a mirror",
		Long: `Bring a server's data back into an empty DIR or database: the backup, and everything that
the mirror has beyond it. So nothing is forgotten that anybody was told: new keys of
identities, collections, documents' keys, and above all revocations.

All grants come back as lost, because what opens their transform keys is in no backup. Each
owner makes them again by one command, recrypt regrant. Whoever was revoked, before or
after the backup, stays revoked.

DIR needs the server's key: put server.key there first, or restore a backup that was made
with --with-server-key. Check the backup and the mirror before: recrypt backup --check,
recrypt mirror check.

Without any mirror, what came after the backup is lost, and clients that have seen the
newer log refuse the older one. Only then use --new-log: the log begins anew with a
statement, signed by the server, that every client shows its user, who has to accept it.`,
		Example: `  recrypt restore monday.backup --data ./new --mirror /mnt/other/mirror
  recrypt restore monday.backup --data ./new --database postgres://recrypt@db.example.net/new --mirror ./mirror
  recrypt restore monday.backup --data ./new --new-log --reason "both disks burnt on 23 November"`,
		Args: nArgs("a backup"),
		RunE: action(func(cmd *cobra.Command, args []string) error {
			p, err := place.place(a)
			if err != nil {
				return err
			}
			o := backup.Restoration{To: p, Mirrors: mirrors}
			switch {
			case newLog && inOneLine(reason) != nil:
				return usage("--new-log is shown to everybody: say in one line why, --reason TEXT")
			case !newLog && reason != "":
				return usage("--reason goes with --new-log")
			case newLog:
				o.Restart = &backup.Restart{Reason: reason}
			case len(mirrors) == 0:
				return usage("name the mirror: --mirror DIR; if there is none any more, see --new-log in --help")
			}
			return a.bringBack(cmd.Context(), args[0], o)
		}),
	}
	place.add(a, cmd)
	cmd.Flags().StringArrayVar(&mirrors, "mirror", nil, "`DIR` of a mirror (recrypt serve --mirror), may be repeated: the longest is used")
	cmd.Flags().BoolVar(&newLog, "new-log", false, "begin the log anew: neither a mirror nor the newest database exists any more")
	cmd.Flags().StringVar(&reason, "reason", "", "why, one line of `TEXT` that every client shows")
	return cmd
}

func (a *app) bringBack(ctx context.Context, path string, o backup.Restoration) (err error) {
	if o.Core, err = a.core(ctx); err != nil {
		return err
	}
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
	summary, err := backup.Verify(&counted{f, bar, 0}) // before anything is made
	bar.done()
	if err != nil {
		return err
	}
	keyed, err := a.bringKey(ctx, o.To, summary)
	if err != nil {
		return err
	}
	if _, err := f.Seek(0, 0); err != nil {
		return fmt.Errorf("read backup: %w", err)
	}
	bar = a.counter("restoring")
	o.Progress = func(done int64) { bar.steps64(done, summary.Rows("")) }
	out, err := backup.Restore(ctx, f, o)
	bar.done()
	if err != nil {
		return err
	}
	return a.printRestored(ctx, o, out, keyed)
}

// bringKey makes sure that the destination has the server's key, from the backup if it is in
// there, and reports whether it has.
func (a *app) bringKey(ctx context.Context, p server.Place, s *backup.Summary) (bool, error) {
	path, err := keyPath(p)
	if err != nil {
		return false, nil // a database alone needs none here
	}
	if _, err := os.Stat(path); err == nil {
		seed, service, _, err := backup.ReadKey(ctx, abi.Client{Caller: a.opened}, path)
		clear(seed)
		if err == nil && s.Service != ([32]byte{}) && service.ID != s.Service {
			err = fmt.Errorf("%s is not the key of the server in the backup", path)
		}
		return err == nil, err
	} else if !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	if s.Key == nil {
		return false, nil
	}
	passphrase, err := a.passphrase("passphrase of the server's key: ")
	if err != nil {
		return false, err
	}
	defer clear(passphrase)
	core := abi.Client{Caller: a.opened}
	kind, seed, err := core.OpenSeed(ctx, passphrase, s.Key)
	if err == nil && kind != abi.SecretService {
		err = backup.ErrStream
	}
	if err != nil {
		return false, fmt.Errorf("the server's key in the backup: %w", err)
	}
	defer clear(seed)
	sealed, err := core.SealSeed(ctx, nil, abi.SecretService, seed, 0, 0)
	if err != nil {
		return false, err
	}
	defer clear(sealed)
	if err := os.MkdirAll(p.DataDir, 0o700); p.DataDir != "" && err != nil {
		return false, err
	}
	return true, atomicfile.WriteFile(path, sealed, 0o600, false)
}

func (a *app) printRestored(ctx context.Context, o backup.Restoration, r *backup.Restored, keyed bool) error {
	id, err := a.serverID(ctx, r.Service)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(map[string]any{"server": id, "taken": time.UnixMilli(r.Time).UTC(), "rows": r.Rows(""), "log": r.Size,
			"replayed": r.Replayed, "revocations": r.Revoked, "lostGrants": r.Lost, "serverKey": keyed,
			"mirrorBehind": r.Behind, "mirrorTorn": r.Torn, "statement": string(r.Statement)})
	}
	a.printf("restored server %s as of %s\n", first(id, "(none yet)"), stamp(time.UnixMilli(r.Time)))
	if len(o.Mirrors) > 0 {
		a.printf("  from the mirror: %s newer than the backup, %s among them\n", entries(int(r.Replayed)), count(int(r.Revoked), "revocation"))
	}
	a.printf("  log of %s\n", entries(int(r.Size)))
	a.printf("  %s lost: each owner makes them again by recrypt regrant\n", count(int(r.Lost), "grant"))
	if r.Behind {
		a.notef("the mirror has less than the backup: it did not keep up, and what came after the backup is lost\n")
	}
	if r.Torn {
		a.notef("the mirror's last file ends within an entry, as after a crash: that entry had not been acknowledged\n")
	}
	if r.Statement != nil {
		a.notef("the log begins anew: every client stops and shows the statement; recrypt server accept-restart goes on\n")
	}
	if !keyed {
		a.notef("the server's key is not there yet: put server.key into its data folder before you start it\n")
	}
	return nil
}
