package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/engine"
	"github.com/recrypt-service/recrypt/host/keystore"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// defaultServer is where "recrypt serve" listens unless told otherwise.
const (
	defaultListen = "127.0.0.1:8080"
	defaultServer = "http://" + defaultListen
)

// An app is one run of the command line: its streams, flags and what it has
// opened.
type app struct {
	stdin          *os.File
	stdout, stderr io.Writer
	getenv         func(string) string

	as, home, server, engineKind string
	suite                        string
	passphraseFile               string
	noPassphrase, force, json    bool

	signals *signals // nil: none are watched
	opened  *engine.Engine
	store   *keystore.Store
}

// run executes the command line and returns the exit code.
func (a *app) run(ctx context.Context, args []string) int {
	root := a.root()
	root.SetArgs(args)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	err := root.ExecuteContext(ctx)
	if a.opened != nil {
		a.opened.Close(context.WithoutCancel(ctx))
	}
	if err == nil {
		return exitDone
	}
	return a.report(err)
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "recrypt",
		Short: "Share files end-to-end encrypted through a server that cannot read them",
		Long: `Share files end-to-end encrypted through a server that cannot read them.

You encrypt each file once. A grant hands the server one small transform key
from you to a reader; when the reader opens a file, the server transforms the
file's encrypted key so that the reader's own key opens it. Encrypted files may
lie anywhere, on any web server.

The whole story:
  recrypt serve --data ./data                     run a server
  recrypt identity create alice                   make an identity, prints its id
  recrypt contact add bob rid1…                   give Bob's id a nickname
  recrypt encrypt results.pdf                     writes results.pdf.recrypt
  recrypt grant bob                               Bob may read, also what comes later
  recrypt decrypt results.pdf.recrypt             Bob opens it
  recrypt revoke bob                              and no longer may; new keys from here on
  recrypt ledger                                  who did what, and when

Paper for the drawer: recrypt identity kit. A person without an account: recrypt grant --link.

Exit codes: 0 done, 1 failed, 2 usage, 3 no access.`,
		Version:       version,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE:          group,
		PersistentPreRunE: func(*cobra.Command, []string) error {
			_, err := a.kind()
			return err
		},
	}
	f := root.PersistentFlags()
	f.StringVar(&a.as, "as", "", "`NAME` of the identity to act as (default: the only one)")
	f.StringVar(&a.home, "home", "", "`DIR` with identities and contacts (or RECRYPT_HOME; default: recrypt in the user's configuration folder)")
	f.StringVar(&a.server, "server", "", "`URL` of the server (or RECRYPT_SERVER; default: the identity's, else "+defaultServer+")")
	f.StringVar(&a.engineKind, "engine", "", "`KIND` of engine that runs the cryptography: wazero or native (or RECRYPT_ENGINE; default wazero)")
	f.StringVar(&a.passphraseFile, "passphrase-file", "", "read the passphrase from the first line of `FILE`")
	f.BoolVar(&a.noPassphrase, "no-passphrase", false, "do not seal key files by a passphrase")
	f.BoolVar(&a.force, "force", false, "overwrite what exists")
	f.BoolVar(&a.json, "json", false, "print JSON, for scripts")
	root.AddCommand(a.serveCommand(), a.identityCommand(), a.contactCommand(), a.collectionCommand(),
		a.grantCommand(), a.regrantCommand(), a.revokeCommand(), a.grantsCommand(), a.requestCommand(), a.vetoCommand(),
		a.encryptCommand(), a.publishCommand(), a.decryptCommand(), a.depositsCommand(), a.keyCommand(),
		a.ledgerCommand(), a.watchCommand(), a.auditCommand(), a.safetyCommand(), a.witnessCommand(), a.edgeCommand(),
		a.backupCommand(), a.bringBackCommand(), a.migrateCommand(), a.mirrorCommand(), a.serverCommand(), a.doctorCommand(), a.versionCommand())
	root.SetVersionTemplate("recrypt {{.Version}}\n")
	root.SuggestionsMinimumDistance = 2
	return root
}

// group is the work of a command that only has subcommands: help, or an error
// that names what was meant.
func group(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return cmd.Help()
	}
	hint := ""
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		hint = "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return usage("%s has no command %q%s", cmd.CommandPath(), args[0], hint)
}

// action wraps a command's work so that its failures can be told from wrong
// usage, which cobra reports itself.
func action(work func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if err := work(cmd, args); err != nil {
			return &failure{err}
		}
		return nil
	}
}

// keystore opens the home folder.
func (a *app) keystore() (*keystore.Store, error) {
	if a.store != nil {
		return a.store, nil
	}
	dir := first(a.home, a.getenv("RECRYPT_HOME"))
	if dir == "" {
		config, err := os.UserConfigDir()
		if err != nil {
			return nil, usage("no home folder: use --home DIR or RECRYPT_HOME")
		}
		dir = filepath.Join(config, "recrypt")
	}
	store, err := keystore.Open(dir)
	a.store = store
	return store, err
}

// identity reads whom to act as, chosen by --as, from the home folder.
func (a *app) identity() (*keystore.Store, *keystore.Identity, error) {
	store, err := a.keystore()
	if err != nil {
		return nil, nil, err
	}
	identity, err := store.Identity(first(a.as, a.getenv("RECRYPT_AS")))
	return store, identity, err
}

// kind returns the engine to use.
func (a *app) kind() (string, error) {
	kind := first(a.engineKind, a.getenv("RECRYPT_ENGINE"), engine.Wazero)
	if kind != engine.Wazero && kind != engine.Native {
		return "", usage("unknown engine %q: use wazero or native", kind)
	}
	return kind, nil
}

// core starts the engine at its first use. What a command uses of it tests itself then;
// the server asks for the self-test of everything.
func (a *app) core(ctx context.Context) (abi.Client, error) {
	if a.opened == nil {
		kind, err := a.kind()
		if err != nil {
			return abi.Client{}, err
		}
		e, err := engine.New(ctx, engine.Config{Kind: kind, CacheDir: cacheDir(), DeferSelfTest: true})
		if err != nil {
			return abi.Client{}, fmt.Errorf("start engine: %w", err)
		}
		a.opened = e
	}
	return abi.Client{Caller: a.opened}, nil
}

// cacheDir is where compiled modules are kept, "" if there is no such place.
func cacheDir() string {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "recrypt")
}

// A session is an identity that was unlocked.
type session struct {
	*client.Client
	identity *keystore.Identity
	store    *keystore.Store
	seed     []byte
	owner    string // rid1… of a link's owner
}

// close keeps a newer version of the identity that the client has found, and clears
// the seed, the session's copy and the client's.
func (s *session) close() {
	if record := s.Identity(); len(record) > len(s.identity.Record) {
		// Without it the next run finds the version again.
		_ = s.store.SetRecord(s.identity.Name, record)
	}
	s.Client.Close()
	clear(s.seed)
}

// open unlocks the identity chosen by --as for its server. A server given by
// url goes first.
func (a *app) open(ctx context.Context, url string) (*session, error) {
	store, identity, err := a.identity()
	if err != nil {
		return nil, err
	}
	if url == "" {
		if url, err = a.serverFor(identity); err != nil {
			return nil, err
		}
	}
	core, err := a.core(ctx)
	if err != nil {
		return nil, err
	}
	suite, err := a.suiteNumber(ctx, core)
	if err != nil {
		return nil, err
	}
	finished, err := a.finishChange(ctx, core, store, identity, url)
	if err != nil {
		return nil, err
	}
	if finished {
		if identity, err = store.Identity(identity.Name); err != nil {
			return nil, err
		}
	}
	seed, err := a.unlock(ctx, core, store, identity.Name)
	if err != nil {
		return nil, err
	}
	c, err := client.New(client.Config{
		Caller: core.Caller, Server: url, Seed: seed,
		Identity: identity.Record, State: store.State(identity.Name), Suite: suite,
	})
	if err != nil {
		clear(seed)
		return nil, err
	}
	return &session{Client: c, identity: identity, store: store, seed: seed}, nil
}

// serverFor returns the server to talk to: by flag, environment, or identity.
func (a *app) serverFor(identity *keystore.Identity) (string, error) {
	remembered := ""
	if identity != nil {
		remembered = identity.Server
	}
	url, err := client.NormaliseURL(first(a.server, a.getenv("RECRYPT_SERVER"), remembered, defaultServer))
	if err != nil {
		return "", usage("%v", err)
	}
	return url, nil
}

// whois describes an author for people.
func (s *session) whois(id string) string {
	if id == s.identity.ID {
		return "you (" + s.identity.Name + ")"
	}
	if nickname := s.store.Nickname(id); nickname != "" {
		return nickname + " (" + id + ")"
	}
	return id + " (not among your contacts)"
}

// first returns the first string that is not empty.
func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, and the engine's module",
		Args:  noArgs,
		RunE: action(func(cmd *cobra.Command, _ []string) error {
			if _, err := a.core(cmd.Context()); err != nil {
				return err
			}
			hash := a.opened.ModuleHash()
			if a.json {
				return a.printJSON(map[string]any{"version": version, "abi": abi.Version, "engine": a.opened.Kind(), "module": hash})
			}
			a.printf("recrypt %s\nengine  %s\nabi     %d\n", version, a.opened.Kind(), abi.Version)
			if hash != "" {
				a.printf("module  sha256:%s\n", hash)
			}
			return nil
		}),
	}
}
