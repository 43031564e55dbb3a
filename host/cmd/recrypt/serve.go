package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/server"
	"github.com/recrypt-service/recrypt/host/store/postgres"
	"github.com/recrypt-service/recrypt/host/translog"
	webapp "github.com/recrypt-service/recrypt/web/app"
)

// serveOptions are the settings of a server. Each is a flag, the variable RECRYPT_<FLAG>
// and a key of the settings file by being declared in flags.
type serveOptions struct {
	config      string
	printConfig bool

	listen, data, key     string
	database, keyring     string
	publicURLs, witnesses []string
	acceptOlder           bool
	keyringLost           bool
	mirror                string
	blobs                 string
	maxDocument, maxBlobs int
	cache                 int
	noApp                 bool
	edges, origins        []string

	operation operationOptions
}

// flags declares the settings.
func (o *serveOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.config, "config", "", "`FILE` with settings, one \"key = value\" a line (or RECRYPT_CONFIG)")
	f.BoolVar(&o.printConfig, "print-config", false, "print all settings and where they come from, and exit")
	f.StringVar(&o.listen, "listen", defaultListen, "`ADDRESS` to listen on, host:port; port 0 takes a free one")
	f.StringVar(&o.data, "data", "", "`DIR` with the server's data (default: recrypt-server in the user's configuration folder)")
	f.StringVar(&o.database, "database", "", "`URL` of a PostgreSQL database, postgres://user@host/name, instead of a file in DIR")
	f.StringVar(&o.keyring, "keyring", "", "`URL` of another PostgreSQL database for what seals the transform keys (default: the same)")
	f.StringVar(&o.key, "key", "", "`FILE` with the server's key (default: server.key in DIR)")
	f.StringSliceVar(&o.publicURLs, "public-url", nil, "`URL` that clients use, may be repeated (default: the listen address)")
	f.IntVar(&o.cache, "cache", server.DefaultPreparedBytes>>20, "`MIB` of memory for prepared transform keys of active readers, and as much for transformed document keys; 0: none")
	f.StringArrayVar(&o.witnesses, "witness", nil, "a witness to ask for confirmation of the log, `URL=KEY`, may be repeated")
	f.StringVar(&o.mirror, "mirror", "", "`DIR`, best on another disk, for a copy of the log from which a backup is brought up to date")
	o.operation.flags(f)
	f.BoolVar(&o.acceptOlder, "accept-older-log", false, "start with a database that is older than the last checkpoint")
	f.BoolVar(&o.keyringLost, "keyring-lost", false, "start with an empty keyring beside a PostgreSQL database that has grants: all must be made again")
	o.blobFlags(f)
	f.BoolVar(&o.noApp, "no-app", false, "do not serve the web app at /")
	f.StringArrayVar(&o.edges, "edge-key", nil, "an edge that may transform in the server's place, `FILE` of its identity or rid1…, may be repeated")
	f.StringArrayVar(&o.origins, "allow-origin", nil, "an `ORIGIN`, https://HOST, whose pages may use the server, may be repeated")
}

// serveConfig checks the settings and makes of them what the server needs.
func (o *serveOptions) serveConfig() (server.ServeConfig, error) {
	if err := checkAddresses(o.listen, o.publicURLs); err != nil {
		return server.ServeConfig{}, err
	}
	if o.cache < 0 || o.cache > maxCache {
		return server.ServeConfig{}, usage("--cache takes a number of MiB from 0 to %d", maxCache)
	}
	asked, err := witnessList(o.witnesses)
	if err != nil {
		return server.ServeConfig{}, err
	}
	for _, url := range []string{o.database, o.keyring} {
		if url != "" && !postgres.IsURL(url) {
			return server.ServeConfig{}, usage("--database and --keyring take a URL: postgres://user@host/name")
		}
	}
	documents, err := o.blobOptions()
	if err != nil {
		return server.ServeConfig{}, err
	}
	c := server.ServeConfig{
		Blobs: o.blobs, BlobOptions: documents,
		Database: o.database, Keyring: o.keyring, KeyFile: o.key,
		Listen: o.listen, DataDir: o.data, PublicURLs: o.publicURLs, PreparedBytes: o.cache << 20,
		Witnesses: asked, AcceptOlderLog: o.acceptOlder, KeyringLost: o.keyringLost, Mirror: o.mirror,
	}
	if !o.noApp {
		c.App = webapp.Files()
	}
	if c.Edges, err = edgeKeys(o.edges); err != nil {
		return c, err
	}
	for _, origin := range o.origins {
		if err := server.CheckOrigin(origin); err != nil {
			return c, usage("--allow-origin: %v", err)
		}
	}
	c.AllowOrigins = o.origins
	err = o.operation.apply(&c)
	return c, err
}

func (a *app) serveCommand() *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use: "serve", Short: "Run the server",
		Long: `Run the server. It keeps identities, grants and encrypted document keys in DIR
(made if it is not there), and transforms keys for granted readers. It never sees
a private key, a document key or a document. When it is ready, it prints one line
on standard output; its log goes to standard error.

DIR/server.key is the server's identity and DIR/keyring.db seals the transform
keys: keep both private, and keep keyring.db out of backups.

With --database any number of servers work on one PostgreSQL database. Each needs the
same server.key in its DIR, or by --key, and DIR for its checkpoint. Give several hosts and
target_session_attrs=read-write in the URL to follow a fail-over; the standby must be
synchronous, or what was acknowledged can be lost with the primary. A password in the
command line is visible to others on the machine: put it into a file that PGPASSFILE
names, or the URL into RECRYPT_DATABASE or the settings file.

Everything that changes is in a log that only grows; anybody can read its checkpoints
and tiles. A database older than the last checkpoint, as after a backup was put back,
is refused unless --accept-older-log is given: clients that have seen the newer log
will refuse the older one.

With --mirror the log is copied to another disk as it grows, and a revocation is answered
once it is there: recrypt restore brings a backup up to date with it.

With --blobs the server also keeps encrypted documents, for anybody who knows their URL
(recrypt encrypt --publish). Anybody may store some, so bound them with --max-blobs.

With --edge-key an edge, made by recrypt edge init, may transform document keys in the
server's place, close to readers. The server still decides about every opening. Trust an
edge as you trust the server: see the README of the edge.

At / it serves the web app for browsers, and shows it to who follows a link, unless
--no-app is given. Who serves the app could change it: see the README for what that means.

Every flag that is a setting may also be given as a variable, --public-url as
RECRYPT_PUBLIC_URL, or as a line of the file that --config names: public-url = URL.
Flags go before variables, variables before the file; --print-config shows the result.`,
		Example: `  recrypt serve --data ./data
  recrypt serve --data ./data --database postgres://recrypt@db.example.net/recrypt
  recrypt serve --data ./data --mirror /mnt/other/mirror
  recrypt serve --data ./data --blobs ./documents --max-blobs 100000
  recrypt serve --config /etc/recrypt/recrypt.conf
  recrypt serve --witness https://witness.example.net=KEY`,
		Args: noArgs,
		RunE: action(func(cmd *cobra.Command, _ []string) error {
			s := newSettings(settingsOf(cmd))
			if err := s.load(o.config, a.getenv); err != nil {
				return err
			}
			c, err := o.serveConfig()
			if err != nil {
				return err
			}
			if c.Log, err = o.operation.log(a.stderr); err != nil {
				return err
			}
			if o.printConfig {
				return s.print(a.stdout)
			}
			return a.serve(cmd.Context(), c)
		}),
	}
	o.flags(cmd.Flags())
	return cmd
}

// settingsOf are the flags of serve, and that of all commands which a server has a use for.
func settingsOf(cmd *cobra.Command) *pflag.FlagSet {
	out := pflag.NewFlagSet(cmd.Name(), pflag.ContinueOnError)
	cmd.LocalNonPersistentFlags().VisitAll(out.AddFlag)
	if engine := cmd.Flags().Lookup("engine"); engine != nil {
		out.AddFlag(engine)
	}
	return out
}

// witnessList reads the witnesses of a server.
func witnessList(flags []string) ([]string, error) {
	var out []string
	for _, text := range flags {
		at := strings.LastIndex(text, "=")
		if at < 0 {
			return nil, usage("--witness takes URL=KEY; recrypt witness run prints both")
		}
		url, err := client.NormaliseURL(text[:at])
		if err != nil {
			return nil, usage("--witness: %v", err)
		}
		if _, err := translog.ParseWitness(text[at+1:]); err != nil {
			return nil, usage("--witness: that is not the key of a witness; recrypt witness key prints it")
		}
		out = append(out, text[at+1:]+" "+url)
	}
	return out, nil
}

// serve runs the server once its core has tested itself.
func (a *app) serve(ctx context.Context, c server.ServeConfig) error {
	core, err := a.core(ctx)
	if err != nil {
		return err
	}
	if err := core.SelfTest(ctx); err != nil {
		return fmt.Errorf("start engine: %w", err)
	}
	if c.DataDir == "" {
		if c.DataDir, err = defaultData(); err != nil {
			return err
		}
	}
	if c.Mirror != "" && filepath.Clean(c.Mirror) == filepath.Clean(c.DataDir) {
		return usage("--mirror takes another folder than --data, best on another disk")
	}
	c.Caller, c.EngineKind, c.Version = core.Caller, a.opened.Kind(), version
	if a.signals != nil {
		c.Reload, c.Hurry = a.signals.reload, a.signals.hurry
		close(a.signals.serves)
	}
	c.Ready = func(url string) { a.printf("listening on %s\n", url) }
	return server.Serve(ctx, c)
}

// maxCache is the largest cache, 64 GiB: larger ones are mistyped.
const maxCache = 64 << 10

// checkAddresses finds mistyped flags before anything is made.
func checkAddresses(listen string, publicURLs []string) error {
	if _, _, err := net.SplitHostPort(listen); err != nil {
		return usage("--listen takes host:port, for example %s", defaultListen)
	}
	for _, u := range publicURLs {
		if _, err := client.NormaliseURL(u); err != nil {
			return usage("--public-url: %v", err)
		}
	}
	return nil
}

// defaultData is the data folder of a server that was not given one.
func defaultData() (string, error) {
	config, err := os.UserConfigDir()
	if err != nil {
		return "", usage("say where to keep the server's data: --data DIR")
	}
	return filepath.Join(config, "recrypt-server"), nil
}
