package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/recrypt-service/recrypt/host/client"
)

func (a *app) grantCommand() *cobra.Command {
	var expires string
	cmd := &cobra.Command{
		Use: "grant READER", Short: "Let a reader open your documents, those to come included",
		Long: `Let a reader open your documents: those that exist and those you encrypt later.
READER is a nickname (recrypt contact add) or an id. Granting again replaces the
earlier grant, for example to change when it expires.

The expiry is kept by the server: a server that breaks its word could still let
the reader in. What a reader has opened, he has.`,
		Example: "  recrypt grant bob\n  recrypt grant dr-lee --expires 30d",
		Args:    nArgs("a READER"),
		RunE: action(func(cmd *cobra.Command, args []string) error {
			d, err := parseDuration(expires)
			if err != nil {
				return err
			}
			return a.grant(cmd.Context(), args[0], d)
		}),
	}
	a.suiteFlag(cmd)
	cmd.Flags().StringVar(&expires, "expires", "", "when the grant ends, from now: `30d`, 12h, 2w (default: never)")
	return cmd
}

// parseDuration reads a duration with days and weeks; empty is 0.
func parseDuration(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	unit := map[byte]time.Duration{'d': 24 * time.Hour, 'w': 7 * 24 * time.Hour}[s[len(s)-1]]
	d, err := time.ParseDuration(s)
	if unit != 0 {
		var n float64
		n, err = strconv.ParseFloat(s[:len(s)-1], 64)
		d = time.Duration(n * float64(unit))
	}
	if err != nil || d < time.Second || d > 100*365*24*time.Hour {
		return 0, usage("--expires takes a time from now such as 12h, 30d or 2w")
	}
	return d, nil
}

func (a *app) grant(ctx context.Context, reader string, expires time.Duration) error {
	s, err := a.open(ctx, "")
	if err != nil {
		return err
	}
	defer s.close()
	id, err := s.store.Resolve(reader)
	if err != nil {
		return err
	}
	info, err := s.Grant(ctx, id, client.GrantOptions{Expires: expires})
	if err != nil {
		return fmt.Errorf("grant %s: %w", name(s.store.Nickname(id), id), err)
	}
	if a.json {
		return a.printJSON(grantJSON(*info))
	}
	until := ""
	if !info.Expires.IsZero() {
		until = " until " + stamp(info.Expires)
	}
	a.printf("%s may now open the documents of %s%s\n", name(s.store.Nickname(id), id), s.identity.Name, until)
	return nil
}

func (a *app) revokeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "revoke READER", Short: "Take a reader's access back",
		Long: `Take a reader's access back: the server destroys the reader's transform keys
before it answers, and signs a receipt. What the reader has opened before, he
has; and until collections change their keys on revocation, it is the server's
word that the keys are gone.`,
		Args: nArgs("a READER"),
		RunE: action(func(cmd *cobra.Command, args []string) error { return a.revoke(cmd.Context(), args[0]) }),
	}
}

func (a *app) revoke(ctx context.Context, reader string) error {
	s, err := a.open(ctx, "")
	if err != nil {
		return err
	}
	defer s.close()
	id, err := s.store.Resolve(reader)
	if err != nil {
		return err
	}
	info, err := s.Revoke(ctx, id)
	if err != nil {
		return fmt.Errorf("revoke %s: %w", name(s.store.Nickname(id), id), err)
	}
	if a.json {
		return a.printJSON(map[string]any{"reader": id, "destroyed": info.Destroyed, "time": info.Time.UTC(), "server": info.Server})
	}
	a.printf("%s may no longer open the documents of %s\n", name(s.store.Nickname(id), id), s.identity.Name)
	a.notef("%s destroyed %s at %s; its receipt verifies\n", info.Server, count(info.Destroyed, "transform key"), stamp(info.Time))
	return nil
}

func (a *app) grantsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "grants", Short: "List who may open your documents, and whose you may open", Args: noArgs,
		RunE: action(func(cmd *cobra.Command, _ []string) error { return a.grants(cmd.Context()) }),
	}
}

func (a *app) grants(ctx context.Context) error {
	s, err := a.open(ctx, "")
	if err != nil {
		return err
	}
	defer s.close()
	list, err := s.Grants(ctx)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(map[string]any{
			"issued": grantsJSON(list.Issued), "received": grantsJSON(list.Received),
			"unverified": unverifiedJSON(list.Unverified), "more": list.More,
		})
	}
	if len(list.Issued)+len(list.Received)+len(list.Unverified) == 0 {
		a.notef("No grants yet. Let somebody read your documents with: recrypt grant READER\n")
		return nil
	}
	if err := s.printGrants(a.stdout, list); err != nil {
		return err
	}
	if n := len(list.Unverified); n > 0 {
		a.notef("%s could not be verified: do not rely on what is shown of it.\n", count(n, "grant"))
	}
	if list.More {
		a.notef("Older grants are not shown.\n")
	}
	return nil
}

// printGrants writes a line for each grant.
func (s *session) printGrants(out io.Writer, list *client.GrantList) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, g := range list.Issued {
		fmt.Fprintf(w, "to\t%s\t%s\t%s\n", name(s.store.Nickname(g.Reader), g.Reader), g.Status, expiry(g.Expires))
	}
	for _, g := range list.Received {
		fmt.Fprintf(w, "from\t%s\t%s\t%s\n", name(s.store.Nickname(g.Owner), g.Owner), g.Status, expiry(g.Expires))
	}
	for _, g := range list.Unverified {
		owner := first(s.store.Nickname(g.Owner), g.Owner, "?")
		fmt.Fprintf(w, "from\t%s\tunverifiable\t%s\n", owner, printable(g.Err.Error()))
	}
	return w.Flush()
}

func grantsJSON(grants []client.GrantInfo) []map[string]any {
	out := make([]map[string]any, 0, len(grants))
	for _, g := range grants {
		out = append(out, grantJSON(g))
	}
	return out
}

// unverifiedJSON says of grants that do not verify what the server calls them, and why
// they do not.
func unverifiedJSON(grants []client.UnverifiedGrant) []map[string]any {
	out := make([]map[string]any, 0, len(grants))
	for _, g := range grants {
		_, code, _ := classify(&failure{g.Err})
		out = append(out, map[string]any{
			"id": g.ID, "owner": g.Owner, "status": "unverifiable", "code": code, "reason": printable(g.Err.Error()),
		})
	}
	return out
}

func grantJSON(g client.GrantInfo) map[string]any {
	out := map[string]any{
		"id": g.ID, "reader": g.Reader, "owner": g.Owner, "collection": g.Collection,
		"epoch": g.Epoch, "status": g.Status, "kind": g.Kind,
	}
	if !g.Expires.IsZero() {
		out["expires"] = g.Expires.UTC()
	}
	return out
}

// name is a nickname if there is one, else the id.
func name(nickname, id string) string { return first(nickname, id) }

func stamp(t time.Time) string { return t.Local().Format("2006-01-02 15:04 MST") }

func expiry(t time.Time) string {
	if t.IsZero() {
		return "no expiry"
	}
	return "until " + stamp(t)
}

// count writes a number with its noun: "1 transform key", "2 transform keys".
func count(n int, noun string) string {
	if n != 1 && !strings.HasSuffix(noun, "s") {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
