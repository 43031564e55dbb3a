package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/recrypt-service/recrypt/host/mirror"
)

func (a *app) mirrorCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "mirror", Short: "Look after the mirror of a server's log",
		Long: `A server that runs with --mirror DIR copies its log there as it grows, with everything that
the log is about. Together with a backup it brings the server back: recrypt restore.`,
		Args: cobra.ArbitraryArgs, RunE: group,
	}
	var id string
	check := &cobra.Command{
		Use: "check DIR", Short: "Verify a mirror: leaves, records, hashes and signatures",
		Long: `Verify a whole mirror: that each leaf is the hash of what comes with it, and that each
checkpoint is signed by the server over just these leaves. The server may run meanwhile.
Compare the server's id with the one that you know, or give it by --id.`,
		Example: "  recrypt mirror check /mnt/other/mirror --id rsv1…",
		Args:    nArgs("a folder"),
		RunE:    action(func(cmd *cobra.Command, args []string) error { return a.checkMirror(cmd.Context(), args[0], id) }),
	}
	check.Flags().StringVar(&id, "id", "", "`ID` that the server must have, rsv1…")
	cmd.AddCommand(check)
	return cmd
}

func (a *app) checkMirror(ctx context.Context, dir, id string) error {
	core, err := a.core(ctx)
	if err != nil {
		return err
	}
	r, err := mirror.Check(ctx, dir, core)
	if err != nil {
		return err
	}
	if id != "" && id != r.Server {
		return &mirrorOf{r.Server}
	}
	if a.json {
		out := map[string]any{"server": r.Server, "size": r.Size, "root": r.Root.String(), "checkpoints": r.Checkpoints, "signed": r.Signed,
			"records": r.Records, "bare": r.Bare, "receipts": r.Receipts, "torn": r.Torn}
		if !r.Time.IsZero() {
			out["time"] = r.Time.UTC()
		}
		return a.printJSON(out)
	}
	a.printf("intact mirror of server %s\n", r.Server)
	a.printf("  %s, %s with all that it is about, root %s\n", entries(int(r.Size)), count(int(r.Records), "record"), r.Root)
	if r.Time.IsZero() {
		a.printf("  no checkpoint yet\n")
	} else {
		a.printf("  %s verified, the newest over %s, of %s, %s ago\n", count(r.Checkpoints, "checkpoint"), entries(int(r.Signed)), stamp(r.Time), time.Since(r.Time).Round(time.Second))
	}
	if r.Bare > 0 {
		a.printf("  %s had been overridden, refused or deleted before they were mirrored\n", count(int(r.Bare), "record"))
	}
	if r.Torn {
		a.notef("the last file ends within an entry: the server is writing, or has crashed and repairs it when it starts\n")
	}
	return nil
}

// mirrorOf says that a mirror is of another server than it must be.
type mirrorOf struct{ id string }

func (e *mirrorOf) Error() string { return "the mirror is of server " + e.id }
func (e *mirrorOf) Unwrap() error { return mirror.ErrForeign }
