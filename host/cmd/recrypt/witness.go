package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/mod/sumdb/note"

	"github.com/recrypt-service/recrypt/host/atomicfile"
	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/translog"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// errAudit says that an audit has found something.
var errAudit = errors.New("the log is not as it should be")

func (a *app) witnessCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "witness", Short: "Let others confirm the server's log, and be such a witness",
		Long: `A witness remembers how a server's log looked and confirms (cosigns) only what goes on
from it. Who requires witnesses notices a server that shows different people different
logs: without one, a client that never compares cannot.

An operator starts a witness, better on another machine and run by somebody else, and
names it to the server. Each client says which witnesses it requires.`,
		Example: `  recrypt witness key --dir ./witness                                     prints its key
  recrypt witness run --dir ./witness --log https://recrypt.example.org
  recrypt serve --witness https://witness.example.net=KEY
  recrypt witness require 1 KEY`,
		Args: cobra.ArbitraryArgs, RunE: group,
	}
	cmd.AddCommand(a.witnessRunCommand(), a.witnessKeyCommand(), a.witnessRestartCommand(), &cobra.Command{
		Use: "require K [KEY...]", Short: "Grant and deposit only if K of these witnesses have confirmed the log",
		Example: "  recrypt witness require 2 KEY1 KEY2 KEY3\n  recrypt witness require 0              none any more",
		Args:    cobra.ArbitraryArgs,
		RunE:    action(func(cmd *cobra.Command, args []string) error { return a.requireWitnesses(cmd.Context(), args) }),
	}, &cobra.Command{
		Use: "show", Short: "Show the required witnesses and the server's newest checkpoint", Args: noArgs,
		RunE: action(func(cmd *cobra.Command, _ []string) error { return a.showWitnesses(cmd.Context()) }),
	})
	return cmd
}

// witnessFlags say where a witness lives.
type witnessFlags struct {
	dir, name, listen string
	logs              []string
}

func (f *witnessFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.dir, "dir", "", "`DIR` with the key and the memory of the witness, made if it is not there")
	cmd.Flags().StringVar(&f.name, "name", "", "`NAME` of a new witness, such as witness.example.net (default: from its key)")
}

func (a *app) witnessKeyCommand() *cobra.Command {
	f := &witnessFlags{}
	cmd := &cobra.Command{
		Use: "key", Short: "Print the key by which a witness's confirmations are verified", Args: noArgs,
		RunE: action(func(cmd *cobra.Command, _ []string) error {
			w, _, err := a.newWitness(cmd.Context(), f, nil)
			if err != nil {
				return err
			}
			if a.json {
				return a.printJSON(map[string]any{"key": w.Witness().String(), "name": w.Witness().Name})
			}
			a.printf("%s\n", w.Witness())
			return nil
		}),
	}
	f.add(cmd)
	return cmd
}

func (a *app) witnessRunCommand() *cobra.Command {
	f := &witnessFlags{}
	cmd := &cobra.Command{
		Use: "run", Short: "Be a witness of one or more servers' logs",
		Long: `Be a witness. It answers the servers that are named by --log: by their URL, which
is asked for its key once, now; by ID=URL, which also checks that it is that server;
or by the verifier key of the log. It prints "listening on" and its own key.`,
		Example: "  recrypt witness run --dir ./witness --listen :8090 --log https://recrypt.example.org",
		Args:    noArgs,
		RunE:    action(func(cmd *cobra.Command, _ []string) error { return a.runWitness(cmd.Context(), f) }),
	}
	f.add(cmd)
	cmd.Flags().StringVar(&f.listen, "listen", "127.0.0.1:8090", "`ADDRESS` to listen on, host:port; port 0 takes a free one")
	cmd.Flags().StringArrayVar(&f.logs, "log", nil, "a server whose log to follow, `URL|ID=URL|KEY`, may be repeated")
	return cmd
}

func (a *app) runWitness(ctx context.Context, f *witnessFlags) error {
	if len(f.logs) == 0 {
		return usage("say whose log to follow: --log URL")
	}
	if _, _, err := net.SplitHostPort(f.listen); err != nil {
		return usage("--listen takes host:port, for example 127.0.0.1:8090")
	}
	var logs []translog.Log
	for _, text := range f.logs {
		l, err := a.logOf(ctx, text)
		if err != nil {
			return err
		}
		logs = append(logs, *l)
	}
	w, _, err := a.newWitness(ctx, f, logs)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", f.listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{Handler: w, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
	stop := context.AfterFunc(ctx, func() {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = server.Shutdown(late)
	})
	defer stop()
	a.printf("listening on http://%s\nkey %s\n", listener.Addr(), w.Witness())
	if err := server.Serve(listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("witness: %w", err)
	}
	return nil
}

// newWitness opens the folder of a witness, or makes it.
func (a *app) newWitness(ctx context.Context, f *witnessFlags, logs []translog.Log) (*translog.WitnessServer, string, error) {
	if f.dir == "" {
		return nil, "", usage("say where the witness keeps its key: --dir DIR")
	}
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return nil, "", err
	}
	core, err := a.core(ctx)
	if err != nil {
		return nil, "", err
	}
	seed, witness, err := witnessKey(ctx, core, f.dir, f.name)
	if err != nil {
		return nil, "", err
	}
	defer clear(seed)
	w, err := translog.NewWitness(translog.WitnessConfig{Name: witness, Key: seed, Logs: logs, File: filepath.Join(f.dir, "state.json")})
	return w, witness, err
}

// witnessKey reads key and name of a witness, made at the first time.
func witnessKey(ctx context.Context, core abi.Client, dir, given string) (seed []byte, witness string, err error) {
	path := filepath.Join(dir, "witness.key")
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		content, err = makeWitnessKey(ctx, core, path, given)
	}
	if err != nil {
		return nil, "", err
	}
	witness, encoded, ok := strings.Cut(strings.TrimSpace(string(content)), " ")
	sealed, err := base64.StdEncoding.DecodeString(encoded)
	if !ok || err != nil {
		return nil, "", fmt.Errorf("%s is not the key of a witness", path)
	}
	if given != "" && given != witness {
		return nil, "", usage("the witness in %s has a name already: %s", dir, printable(witness))
	}
	kind, seed, err := core.OpenSeed(ctx, nil, sealed)
	if err != nil || kind != abi.SecretSeed {
		return nil, "", fmt.Errorf("%s is not the key of a witness", path)
	}
	return seed, witness, nil
}

func makeWitnessKey(ctx context.Context, core abi.Client, path, witness string) ([]byte, error) {
	seed, tag := make([]byte, 32), make([]byte, 4)
	rand.Read(seed)
	rand.Read(tag)
	defer clear(seed)
	if witness == "" {
		witness = fmt.Sprintf("recrypt-witness-%x", tag)
	}
	if strings.ContainsAny(witness, " +\t\r\n") {
		return nil, usage("a witness's name has neither spaces nor plus signs")
	}
	sealed, err := core.SealSeed(ctx, nil, abi.SecretSeed, seed, 0, 0)
	if err != nil {
		return nil, err
	}
	content := []byte(witness + " " + base64.StdEncoding.EncodeToString(sealed) + "\n")
	return content, atomicfile.WriteFile(path, content, 0o600, false)
}

// logOf finds out origin and key of a log to follow.
func (a *app) logOf(ctx context.Context, text string) (*translog.Log, error) {
	if !strings.Contains(text, "://") {
		return parseLogKey(text)
	}
	id, url, ok := strings.Cut(text, "=")
	if !ok || strings.Contains(id, "://") {
		id, url = "", text
	}
	core, err := a.core(ctx)
	if err != nil {
		return nil, err
	}
	url, err = client.NormaliseURL(url)
	if err != nil {
		return nil, usage("--log: %v", err)
	}
	c, err := client.New(client.Config{Caller: core.Caller, Server: url})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	svc, origin, _, err := c.Service(ctx)
	if err != nil {
		return nil, err
	}
	if id != "" && id != origin {
		return nil, fmt.Errorf("%w: it is %s", client.ErrServerChanged, origin)
	}
	return &translog.Log{Origin: origin, Key: svc.SigningKey}, nil
}

// parseLogKey reads the verifier key of a log: name, hash and 0x01 with the Ed25519 key, as
// in signed notes.
func parseLogKey(text string) (*translog.Log, error) {
	wrong := usage("--log takes the URL of a server, or the verifier key of its log")
	parts := strings.SplitN(text, "+", 3)
	if len(parts) != 3 {
		return nil, wrong
	}
	raw, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(raw) != 33 || raw[0] != 1 || !noteKey(text) {
		return nil, wrong
	}
	return &translog.Log{Origin: parts[0], Key: [32]byte(raw[1:])}, nil
}

func (a *app) requireWitnesses(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return usage("witness require takes K and the keys of witnesses")
	}
	k, err := strconv.Atoi(args[0])
	if err != nil || k < 0 || k > len(args)-1 {
		return usage("K is a number from 0 to the number of witnesses that are given")
	}
	seen := map[string]bool{}
	for _, key := range args[1:] {
		if _, err := translog.ParseWitness(key); err != nil {
			return usage("that is not the key of a witness: recrypt witness key prints it")
		}
		if seen[key] {
			return usage("a witness is given twice")
		}
		seen[key] = true
	}
	s, err := a.open(ctx, "")
	if err != nil {
		return err
	}
	defer s.close()
	_, server, _, err := s.Service(ctx)
	if err != nil {
		return err
	}
	var policy *client.WitnessPolicy
	if k > 0 {
		policy = &client.WitnessPolicy{Quorum: k, Witnesses: args[1:]}
	}
	if err := s.store.State(s.identity.Name).SetPolicy(server, policy); err != nil {
		return err
	}
	return a.printWitnesses(ctx, s, server)
}

func (a *app) showWitnesses(ctx context.Context) error {
	s, err := a.open(ctx, "")
	if err != nil {
		return err
	}
	defer s.close()
	_, server, _, err := s.Service(ctx)
	if err != nil {
		return err
	}
	return a.printWitnesses(ctx, s, server)
}

// printWitnesses shows the policy for a server and its newest checkpoint.
func (a *app) printWitnesses(ctx context.Context, s *session, server string) error {
	policy, err := s.store.State(s.identity.Name).Policy(server)
	if err != nil {
		return err
	}
	if policy == nil {
		policy = &client.WitnessPolicy{}
	}
	cp, err := s.Checkpoint(ctx)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if a.json {
		return a.printJSON(map[string]any{"server": server, "quorum": policy.Quorum, "required": append([]string{}, policy.Witnesses...),
			"size": cp.Size, "root": cp.Root, "time": cp.Time.UTC(), "confirmed": append([]string{}, cp.Witnesses...)})
	}
	if policy.Quorum == 0 {
		a.printf("no witness is required for %s\n", server)
	} else {
		a.printf("%d of %s required for %s\n", policy.Quorum, count(len(policy.Witnesses), "witnesses"), server)
	}
	a.printf("newest checkpoint: %s of %s, root %s\n", entries(int(cp.Size)), stamp(cp.Time), cp.Root)
	for _, w := range cp.Witnesses {
		a.printf("  confirmed by %s\n", printable(w))
	}
	if len(cp.Witnesses) < policy.Quorum {
		a.notef("too few have confirmed it: until they do, nothing is granted or deposited\n")
	}
	return nil
}

// noteKey reports whether a verifier key has the hash that it must.
func noteKey(text string) bool {
	_, err := note.NewVerifier(text)
	return err == nil
}
