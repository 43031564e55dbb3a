package main

import (
	"context"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/translog"
)

func (a *app) witnessRestartCommand() *cobra.Command {
	var dir, url, of string
	cmd := &cobra.Command{
		Use: "accept-restart", Short: "Let a witness go on with a log that was lost and begun anew",
		Long: `Let a witness go on with a server that says, in a signed statement, that it has lost its
log and begun it anew. Until then the witness refuses, as it must: to it this looks like a
lie. Ask the server's operator, not through the server, whether it is true.

It shows the statement, and accepts it only if you name the day on which it was made. Stop
the witness first, and start it again afterwards.`,
		Example: "  recrypt witness accept-restart --dir ./witness --log https://recrypt.example.org\n  recrypt witness accept-restart --dir ./witness --log https://recrypt.example.org --of 2026-11-23",
		Args:    noArgs,
		RunE: action(func(cmd *cobra.Command, _ []string) error {
			if dir == "" || url == "" {
				return usage("say which witness and which server: --dir DIR --log URL")
			}
			return a.witnessRestart(cmd.Context(), dir, url, of)
		}),
	}
	cmd.Flags().StringVar(&dir, "dir", "", "`DIR` of the witness")
	cmd.Flags().StringVar(&url, "log", "", "`URL` of the server")
	cmd.Flags().StringVar(&of, "of", "", "accept the statement of `DAY`, as it is shown")
	return cmd
}

func (a *app) witnessRestart(ctx context.Context, dir, url, of string) error {
	url, err := client.NormaliseURL(url)
	if err != nil {
		return usage("--log: %v", err)
	}
	core, err := a.core(ctx)
	if err != nil {
		return err
	}
	c, err := client.New(client.Config{Caller: core.Caller, Server: url})
	if err != nil {
		return err
	}
	defer c.Close()
	r, made, err := restartOf(ctx, c, of)
	if err != nil {
		return err
	}
	var size int64
	if of != "" {
		if size, err = translog.ForgetLog(filepath.Join(dir, "state.json"), r.Server); err != nil {
			return err
		}
		r.Accepted = true
	}
	if a.json {
		return a.printJSON(restartJSON(r))
	}
	a.printRestart(r)
	if of == "" {
		a.notef("not accepted: ask the operator, not through the server, whether it is true; then add --of %s\n", made)
		return nil
	}
	a.printf("the witness had confirmed %s, and trusts the next checkpoint as a first one\n", entries(int(size)))
	return nil
}
