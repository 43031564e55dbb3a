package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/server"
	"github.com/recrypt-service/recrypt/host/translog"
)

func (a *app) serveCommand() *cobra.Command {
	var listen, data string
	var publicURLs, witnesses []string
	var acceptOlder bool
	var cache int
	cmd := &cobra.Command{
		Use: "serve", Short: "Run the server",
		Long: `Run the server. It keeps identities, grants and encrypted document keys in DIR
(made if it is not there), and transforms keys for granted readers. It never sees
a private key, a document key or a document. When it is ready, it prints one line
on standard output; its log goes to standard error.

DIR/server.key is the server's identity and DIR/keyring.db seals the transform
keys: keep both private, and keep keyring.db out of backups.

Everything that changes is in a log that only grows; anybody can read its checkpoints
and tiles. A database older than the last checkpoint, as after a backup was put back,
is refused unless --accept-older-log is given: clients that have seen the newer log
will refuse the older one.`,
		Example: `  recrypt serve --data ./data
  recrypt serve --listen :8443 --data /var/lib/recrypt --public-url https://recrypt.example.org
  recrypt serve --witness https://witness.example.net=KEY`,
		Args: noArgs,
		RunE: action(func(cmd *cobra.Command, _ []string) error {
			if err := checkAddresses(listen, publicURLs); err != nil {
				return err
			}
			if cache < 0 || cache > maxCache {
				return usage("--cache takes a number of MiB from 0 to %d", maxCache)
			}
			asked, err := witnessList(witnesses)
			if err != nil {
				return err
			}
			return a.serve(cmd.Context(), server.ServeConfig{
				Listen: listen, DataDir: data, PublicURLs: publicURLs, PreparedBytes: cache << 20,
				Witnesses: asked, AcceptOlderLog: acceptOlder,
			})
		}),
	}
	f := cmd.Flags()
	f.StringVar(&listen, "listen", first(a.getenv("RECRYPT_LISTEN"), defaultListen), "`ADDRESS` to listen on, host:port; port 0 takes a free one")
	f.StringVar(&data, "data", a.getenv("RECRYPT_DATA"), "`DIR` with the server's data (or RECRYPT_DATA; default: recrypt-server in the user's configuration folder)")
	f.StringSliceVar(&publicURLs, "public-url", splitList(a.getenv("RECRYPT_PUBLIC_URL")), "`URL` that clients use, may be repeated (default: the listen address)")
	f.IntVar(&cache, "cache", server.DefaultPreparedBytes>>20, "`MIB` of memory for prepared transform keys of active readers, 0: none")
	f.StringArrayVar(&witnesses, "witness", nil, "a witness to ask for confirmation of the log, `URL=KEY`, may be repeated")
	f.BoolVar(&acceptOlder, "accept-older-log", false, "start with a database that is older than the last checkpoint")
	return cmd
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
	c.Caller, c.EngineKind, c.Version = core.Caller, a.opened.Kind(), version
	c.Log = slog.New(slog.NewTextHandler(a.stderr, nil))
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

func splitList(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}
