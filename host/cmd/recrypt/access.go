package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/recrypt-service/recrypt/host/client"
)

func (a *app) grantsCommand() *cobra.Command {
	var limit int
	cmd := &cobra.Command{
		Use: "grants", Short: "List who may open your documents, and whose you may open", Args: noArgs,
		RunE: action(func(cmd *cobra.Command, _ []string) error {
			if limit < 0 {
				return usage("--limit takes a number, 0 for all")
			}
			return a.grants(cmd.Context(), limit)
		}),
	}
	cmd.Flags().IntVar(&limit, "limit", 0, "show the `N` newest of those you have issued, and of those you have received; 0: all")
	return cmd
}

func (a *app) grants(ctx context.Context, limit int) error {
	s, err := a.open(ctx, "")
	if err != nil {
		return err
	}
	defer s.close()
	bar := a.counter("reading the list of grants")
	defer bar.done()
	o := client.ListOptions{Limit: limit, Progress: func(done int) { bar.steps(done, -1) }}
	if a.json {
		return s.grantsJSON(ctx, a, o)
	}
	l := &grantLister{s: s, bar: bar, w: tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0), seen: map[string]bool{}}
	more, err := s.EachGrant(ctx, o, func(e client.GrantEntry) error { return l.put(ctx, &e) })
	if err = errors.Join(err, l.flush()); err != nil {
		return err
	}
	if l.lines == 0 {
		a.notef("No grants yet. Let somebody read your documents with: recrypt grant READER\n")
		return nil
	}
	if n := l.unverified; n > 0 {
		a.notef("%s could not be verified: do not rely on what is shown of it.\n", count(n, "grant"))
	}
	if more {
		a.notef("Older grants are not shown.\n")
	}
	return l.alarm
}

// grantsJSON prints the list as one JSON object.
func (s *session) grantsJSON(ctx context.Context, a *app, o client.ListOptions) error {
	list := new(client.GrantList)
	var titles titles
	more, err := s.EachGrant(ctx, o, func(e client.GrantEntry) error {
		titles.add(ctx, s, &e)
		list.Add(e)
		return nil
	})
	if err != nil {
		return err
	}
	return errors.Join(a.printJSON(map[string]any{
		"issued": grantsJSON(list.Issued), "received": grantsJSON(list.Received),
		"unverified": unverifiedJSON(list.Unverified), "more": more,
	}), titles.alarm)
}

// titles say of which collections the own grants are, if there are several.
type titles struct {
	known map[string]string
	alarm error // what is wrong with the server's log: told after the list, not instead of it
}

func (t *titles) add(ctx context.Context, s *session, e *client.GrantEntry) {
	if e.Received || e.Unverified != nil {
		return
	}
	if t.known == nil {
		t.known = map[string]string{}
		list, err := s.Collections(ctx)
		if err != nil {
			t.alarm = fmt.Errorf("list collections: %w", err)
		}
		for _, c := range list {
			if !c.Default {
				t.known[c.ID] = c.Title
			}
		}
	}
	e.Title = t.known[e.Collection]
}

// grantLister writes a line for each grant as it comes; those that differ by epoch only are
// one.
type grantLister struct {
	s   *session
	bar *bar
	w   *tabwriter.Writer
	titles
	seen              map[string]bool
	lines, unverified int
}

// atOnce is how many lines are set in columns together: memory does not grow with the list.
const atOnce = 500

func (l *grantLister) put(ctx context.Context, e *client.GrantEntry) error {
	l.add(ctx, l.s, e)
	line := l.line(e)
	if key := e.Collection + line; e.Unverified == nil {
		if l.seen[key] {
			return nil
		}
		l.seen[key] = true
	}
	fmt.Fprintln(l.w, line)
	if l.lines++; l.lines%atOnce == 0 {
		clear(l.seen)
		return l.flush()
	}
	return nil
}

// flush writes what there is, in place of the bar.
func (l *grantLister) flush() error {
	l.bar.done()
	return l.w.Flush()
}

func (l *grantLister) line(e *client.GrantEntry) string {
	if u := e.Unverified; u != nil {
		l.unverified++
		owner := first(l.s.store.Nickname(u.Owner), u.Owner, "?")
		return fmt.Sprintf("from\t%s\tunverifiable\t%s", owner, printable(u.Err.Error()))
	}
	if e.Received {
		return fmt.Sprintf("from\t%s\t%s\t%s", name(l.s.store.Nickname(e.Owner), e.Owner), e.Status, terms(e.GrantInfo))
	}
	return fmt.Sprintf("to\t%s\t%s\t%s", name(l.s.store.Nickname(e.Reader), e.Reader), e.Status, terms(e.GrantInfo))
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
