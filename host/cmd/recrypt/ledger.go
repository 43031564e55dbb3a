package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/recrypt-service/recrypt/host/client"
)

func (a *app) ledgerCommand() *cobra.Command {
	var collection string
	var from int64
	cmd := &cobra.Command{
		Use: "ledger", Short: "List who was granted, revoked, asked for and opened what, and when",
		Long: `List what the server has recorded about your collections, and of what you did
yourself, oldest first: grants, revocations, rotations, openings, expiries, requests,
vetoes, deposits. "signed" means that the signature of who asked was verified.

Each entry is proven to be in the server's log. That proves that nothing was changed or
removed later. It does not prove that nothing was left out: a server could open
documents for a reader who has a grant, and not record it.`,
		Example: "  recrypt ledger\n  recrypt ledger --collection \"Lab results\"\n  recrypt ledger --from 1200",
		Args:    noArgs,
		RunE:    action(func(cmd *cobra.Command, _ []string) error { return a.ledger(cmd.Context(), collection, from) }),
	}
	cmd.Flags().StringVar(&collection, "collection", "", "only of `C`, a title or an id (default: all)")
	cmd.Flags().Int64Var(&from, "from", 0, "start at entry `N` of the log")
	return cmd
}

func (a *app) ledger(ctx context.Context, collection string, from int64) error {
	if from < 0 {
		return usage("--from takes a number from 0 on")
	}
	s, err := a.open(ctx, "")
	if err != nil {
		return err
	}
	defer s.close()
	list, err := s.Collections(ctx)
	if err != nil {
		return fmt.Errorf("list collections: %w", err)
	}
	titles := map[string]string{}
	only := ""
	for _, c := range list {
		titles[c.ID] = collectionTitle(c.Title, c.ID, c.Default)
		if collection == c.ID || collection == titles[c.ID] {
			only = c.ID
		}
	}
	if collection != "" && only == "" {
		return fmt.Errorf("collection %s: %w", printable(collection), client.ErrNotFound)
	}
	names := s.store.DocumentNames(s.identity.Name)
	var lines []map[string]any
	n := 0
	bar := a.counter("checking entries")
	defer bar.done()
	next, err := s.Ledger(ctx, from, func(l client.LedgerLine) error {
		if only != "" && l.Collection != only {
			return nil
		}
		n++
		if a.json {
			lines = append(lines, ledgerJSON(l, names))
			return nil
		}
		bar.done()
		a.printf("%6d  %s  %s\n", l.Index, l.Time.Local().Format("2006-01-02 15:04:05"), s.describe(l, titles, names))
		return nil
	})
	bar.done()
	if err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	if a.json {
		return a.printJSON(map[string]any{"entries": append([]map[string]any{}, lines...), "next": next})
	}
	if n == 0 {
		a.notef("The ledger has no entry for you yet.\n")
		return nil
	}
	a.notef("%s, each proven to be in the log: nothing was changed later. That nothing was left out is the server's word.\n", entries(n))
	return nil
}

func ledgerJSON(l client.LedgerLine, names map[string]string) map[string]any {
	out := map[string]any{
		"index": l.Index, "time": l.Time.UTC(), "kind": l.Kind, "owner": l.Owner, "collection": l.Collection,
		"epoch": l.Epoch, "signed": l.Signed,
	}
	for field, v := range map[string]string{"actor": l.Actor, "subject": l.Subject, "keyId": l.Key, "name": names[l.Key], "grant": l.Grant} {
		if v != "" {
			out[field] = v
		}
	}
	return out
}

// describe says an entry in a sentence.
func (s *session) describe(l client.LedgerLine, titles, names map[string]string) string {
	who := func(id string) string {
		if id == s.identity.ID {
			return s.identity.Name
		}
		return name(s.store.Nickname(id), id)
	}
	actor, subject := "the server", who(l.Subject)
	if l.Actor != "" {
		actor = who(l.Actor)
	}
	text := ""
	switch l.Kind {
	case "grant":
		text = actor + " granted " + subject
	case "revocation":
		text = actor + " revoked " + subject
	case "rotation":
		text = fmt.Sprintf("%s opened epoch %d", actor, l.Epoch)
	case "opening":
		text = actor + " opened " + documentName(names, l.Key)
	case "expiry":
		text = "the grant of " + subject + " expired"
	case "request":
		text = actor + " asked for access"
	case "veto":
		text = actor + " refused the request of " + subject
	case "deposit":
		text = actor + " encrypted " + documentName(names, l.Key)
	case "acceptance":
		text = actor + " accepted " + subject + " as an author"
	case "refusal":
		text = actor + " deleted what waited of " + subject
	default:
		text = printable(l.Kind) + " by " + actor
	}
	if l.Owner != "" && l.Owner != s.identity.ID {
		text += ", of " + who(l.Owner)
	} else if t := titles[l.Collection]; t != "" && t != "default" {
		text += " in “" + t + "”"
	}
	if l.Signed {
		text += "  [signed]"
	} else if l.Actor != "" {
		text += "  [the server's word]"
	}
	return text
}

func (a *app) auditCommand() *cobra.Command {
	return &cobra.Command{
		Use: "audit", Short: "Read the server's whole log and check that it was only ever appended to",
		Long: `Read every leaf of the server's log, compute its tree, and compare: with the server's
newest checkpoint, with those that you have seen before, with your identity and
collections as you know them, and with your contacts.

It shows that history was not rewritten and that nobody has keys of yours that you do
not know. Somebody to whom the server shows another log altogether cannot see that
from the log alone: compare checkpoints, or require witnesses (recrypt witness).`,
		Example: "  recrypt audit", Args: noArgs,
		RunE: action(func(cmd *cobra.Command, _ []string) error { return a.audit(cmd.Context()) }),
	}
}

func (a *app) audit(ctx context.Context) error {
	s, err := a.open(ctx, "")
	if err != nil {
		return err
	}
	defer s.close()
	bar := a.counter("reading the log")
	defer bar.done()
	report, err := s.Audit(ctx, bar.steps64)
	bar.done()
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	l := report.Leaves
	if a.json {
		err = a.printJSON(map[string]any{"size": report.Size, "root": report.Root, "alarms": append([]string{}, report.Alarms...),
			"own": l.Own, "contacts": l.Contacts, "collections": l.Collections, "ledger": l.Ledger, "other": l.Other})
	} else {
		a.printf("the log has %s: %d of your identity, %d of your collections, %d of your contacts, %d of your ledger, %d of others\n",
			entries(int(report.Size)), l.Own, l.Collections, l.Contacts, l.Ledger, l.Other)
		for _, alarm := range report.Alarms {
			a.printf("ALARM: %s\n", printable(alarm))
		}
	}
	if err == nil && len(report.Alarms) > 0 {
		err = fmt.Errorf("%w: %s found", errAudit, count(len(report.Alarms), "alarm"))
	}
	if err == nil && !a.json {
		a.printf("it was only appended to; root %s\n", report.Root)
	}
	return err
}

// entries writes a number of entries.
func entries(n int) string {
	if n == 1 {
		return "1 entry"
	}
	return fmt.Sprintf("%d entries", n)
}
