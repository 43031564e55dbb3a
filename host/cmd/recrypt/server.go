package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/recrypt-service/recrypt/host/client"
)

func (a *app) serverCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "server", Short: "See which server this is, and accept a log that was begun anew",
		Long: `See which server this is, and accept a log that was begun anew.

A server's id is the same for everybody and for as long as it exists, wherever it moves;
compare it with what its operator publishes. If the server has lost its log and says so,
nothing is read from it until you accept that.`,
		Args: cobra.ArbitraryArgs, RunE: group,
	}
	var statement string
	accept := &cobra.Command{
		Use: "accept-restart", Short: "Go on with a server that says it has lost its log",
		Long: `Go on with a server that says it has lost its log and begun it anew.

The log makes a lying server visible: it only grows, and this home remembers how far it
was. A server that has really lost it, in a fire and without a mirror, says so in a signed
statement. Until you accept that, nothing is read from the new log. A lying server could
say the same: ask its operator, not through the server, whether it is true.

This shows the statement, and accepts it only if you name the day on which it was made:
so nothing is accepted unseen. People's keys stay remembered, and so does whom you have
revoked from here. Collections may be as they were in the server's backup: look at
recrypt grants, revoke again who must not have access, and then run recrypt regrant.`,
		Example: "  recrypt server accept-restart                   shows the statement\n  recrypt server accept-restart --of 2026-11-23   accepts it",
		Args:    noArgs,
		RunE:    action(func(cmd *cobra.Command, _ []string) error { return a.acceptRestart(cmd.Context(), statement) }),
	}
	accept.Flags().StringVar(&statement, "of", "", "accept the statement of `DAY`, as it is shown")
	cmd.AddCommand(accept, &cobra.Command{
		Use: "show", Short: "Show the server's id and what it states about its log", Args: noArgs,
		RunE: action(func(cmd *cobra.Command, _ []string) error { return a.showServer(cmd.Context()) }),
	})
	return cmd
}

// day is how a statement is named.
const day = "2006-01-02"

// restartOf fetches a server's statement about its log and returns the day on which it was
// made, which is that which somebody has named, if he has.
func restartOf(ctx context.Context, c *client.Client, of string) (r *client.LogRestart, made string, err error) {
	r, err = c.Restart(ctx)
	if errors.Is(err, client.ErrNotFound) {
		return nil, "", errNoRestart
	}
	if err != nil {
		return nil, "", err
	}
	made = r.Time.UTC().Format(day)
	if of != "" && of != made {
		return nil, "", usage("the statement is of %s, not of %s", made, printable(of))
	}
	return r, made, nil
}

func (a *app) acceptRestart(ctx context.Context, of string) error {
	s, err := a.open(ctx, "")
	if err != nil {
		return err
	}
	defer s.close()
	r, made, err := restartOf(ctx, s.Client, of)
	if err != nil {
		return err
	}
	if of != "" && !r.Accepted {
		if err := s.AcceptRestart(ctx, r.Statement); err != nil {
			return err
		}
		r.Accepted = true
	}
	if a.json {
		return a.printJSON(restartJSON(r))
	}
	a.printRestart(r)
	switch {
	case r.Accepted:
		a.printf("accepted by %s\n", s.identity.Name)
	default:
		a.notef("not accepted: ask the operator, not through the server, whether it is true; then: recrypt server accept-restart --of %s\n", made)
	}
	return nil
}

// errNoRestart says that there is nothing to accept.
var errNoRestart = errors.New("the server states nothing about its log: there is nothing to accept")

func (a *app) printRestart(r *client.LogRestart) {
	a.printf("server %s states, signed:\n", r.Server)
	a.printf("  it has lost its log and begun it anew on %s\n", r.Time.UTC().Format("2006-01-02 15:04 UTC"))
	a.printf("  why: %s\n", printable(r.Reason))
	a.printf("  of %s that it knew, %d are there again; what came after them is lost\n", entries(int(r.Size)), r.Carried)
}

func restartJSON(r *client.LogRestart) map[string]any {
	return map[string]any{"server": r.Server, "time": r.Time.UTC(), "reason": r.Reason, "size": r.Size, "carried": r.Carried,
		"accepted": r.Accepted, "statement": string(r.Statement)}
}

func (a *app) showServer(ctx context.Context) error {
	s, err := a.open(ctx, "")
	if err != nil {
		return err
	}
	defer s.close()
	_, id, _, err := s.Service(ctx)
	if err != nil {
		return err
	}
	r, err := s.Restart(ctx)
	if err != nil && !errors.Is(err, client.ErrNotFound) {
		return err
	}
	if a.json {
		out := map[string]any{"server": id}
		if r != nil {
			out["restart"] = restartJSON(r)
		}
		return a.printJSON(out)
	}
	a.printf("%s\n", id)
	if r != nil {
		a.printRestart(r)
	}
	return nil
}
