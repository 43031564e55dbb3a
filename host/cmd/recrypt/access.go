package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/recrypt-service/recrypt/host/client"
)

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
	// What is wrong with the server's log is told after the list, not instead of it.
	alarm := s.addTitles(ctx, list.Issued)
	if a.json {
		return errors.Join(a.printJSON(map[string]any{
			"issued": grantsJSON(list.Issued), "received": grantsJSON(list.Received),
			"unverified": unverifiedJSON(list.Unverified), "more": list.More,
		}), alarm)
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
	return alarm
}

// addTitles says of which collections the own grants are, if there are several.
func (s *session) addTitles(ctx context.Context, issued []client.GrantInfo) error {
	if len(issued) == 0 {
		return nil
	}
	list, err := s.Collections(ctx)
	if err != nil {
		return fmt.Errorf("list collections: %w", err)
	}
	for i := range issued {
		for _, c := range list {
			if c.ID == issued[i].Collection && !c.Default {
				issued[i].Title = c.Title
			}
		}
	}
	return nil
}

// printGrants writes a line for each grant; those that differ by epoch only are one.
func (s *session) printGrants(out io.Writer, list *client.GrantList) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	seen := map[string]bool{}
	put := func(collection, line string) {
		if key := collection + line; !seen[key] {
			seen[key] = true
			fmt.Fprintln(w, line)
		}
	}
	for _, g := range list.Issued {
		put(g.Collection, fmt.Sprintf("to\t%s\t%s\t%s", name(s.store.Nickname(g.Reader), g.Reader), g.Status, terms(g)))
	}
	for _, g := range list.Received {
		put(g.Collection, fmt.Sprintf("from\t%s\t%s\t%s", name(s.store.Nickname(g.Owner), g.Owner), g.Status, terms(g)))
	}
	for _, g := range list.Unverified {
		owner := first(s.store.Nickname(g.Owner), g.Owner, "?")
		fmt.Fprintf(w, "from\t%s\tunverifiable\t%s\n", owner, printable(g.Err.Error()))
	}
	return w.Flush()
}

// terms says in words what a grant covers and when.
func terms(g client.GrantInfo) string {
	parts := []string{expiry(g.Expires)}
	if !g.NotBefore.IsZero() {
		parts = append(parts, "from "+stamp(g.NotBefore))
	}
	switch {
	case g.Kind == "pending" && !g.Opens.IsZero():
		parts = append(parts, "pending: asked for, opens "+stamp(g.Opens))
	case g.Kind == "pending":
		parts = append(parts, "pending: opens "+span(g.Wait)+" after it is asked for")
	case g.Kind == "link":
		parts = append(parts, "link")
	}
	if g.Uses > 0 {
		parts = append(parts, fmt.Sprintf("%d of %s used", g.Used, count(int(g.Uses), "opening")))
	}
	if n := len(g.Documents); n > 0 {
		parts = append(parts, "only "+count(n, "document"))
	}
	if g.Title != "" {
		parts = append(parts, "collection “"+printable(g.Title)+"”")
	}
	return strings.Join(parts, ", ")
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
	if g.Title != "" {
		out["title"] = g.Title
	}
	if len(g.Documents) > 0 {
		out["documents"] = g.Documents
	}
	if g.Wait > 0 {
		out["waitSeconds"] = int64(g.Wait / time.Second)
	}
	if g.Uses > 0 {
		out["uses"], out["used"] = g.Uses, g.Used
	}
	for field, at := range map[string]time.Time{"notBefore": g.NotBefore, "requested": g.Requested, "opens": g.Opens} {
		if !at.IsZero() {
			out[field] = at.UTC()
		}
	}
	if !g.Expires.IsZero() {
		out["expires"] = g.Expires.UTC()
	}
	return out
}

// name is a nickname if there is one, else the id.
func name(nickname, id string) string { return first(nickname, id) }

// span writes a duration as people say it: 72h, 30d, 90s.
func span(d time.Duration) string {
	switch {
	case d >= 48*time.Hour && d%(24*time.Hour) == 0:
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	case d >= time.Hour && d%time.Hour == 0:
		return count(int(d/time.Hour), "hour")
	case d >= time.Minute && d%time.Minute == 0:
		return count(int(d/time.Minute), "minute")
	}
	return count(int(d/time.Second), "second")
}

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
