package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/recrypt-service/recrypt/host/client"
)

func (a *app) watchCommand() *cobra.Command {
	var from, count int64
	cmd := &cobra.Command{
		Use: "watch", Short: "Show what happens, as it happens: openings, grants, requests, deposits",
		Long: `Show what the server records about your collections, and what others grant you or
revoke, as it happens. It goes on until you press Ctrl-C, also over failures of the
network and restarts of the server.

Entries of your ledger are read and verified before they are shown, as by recrypt
ledger. That somebody has granted you something, or revoked it, is the server's word:
recrypt grants verifies what you have.`,
		Example: "  recrypt watch\n  recrypt watch --from 0\n  recrypt watch --json | jq .kind",
		Args:    noArgs,
		RunE: action(func(cmd *cobra.Command, _ []string) error {
			if from < 0 || count < 0 {
				return usage("--from and --count take numbers from 0 on")
			}
			if !cmd.Flags().Changed("from") {
				from = -1
			}
			return a.watch(cmd.Context(), from, count)
		}),
	}
	cmd.Flags().Int64Var(&from, "from", 0, "start at entry `N` of the log, 0: from the beginning (default: now)")
	cmd.Flags().Int64Var(&count, "count", 0, "end after `N` events (default: never)")
	return cmd
}

// errEnough ends a watch that was to show so many events.
var errEnough = errors.New("enough")

// watch shows what happens from an entry of the log on, -1: from now on, and ends after count
// events, 0: never.
func (a *app) watch(ctx context.Context, from, count int64) error {
	s, err := a.open(ctx, "")
	if err != nil {
		return err
	}
	defer s.close()
	if from < 0 {
		head, err := s.Checkpoint(ctx)
		if err != nil {
			return fmt.Errorf("watch: %w", err)
		}
		from = head.Size
	}
	w := &watcher{session: s, titles: map[string]string{}}
	a.notef("Watching from entry %d of the log. Ctrl-C ends it.\n", from)
	shown := int64(0)
	err = s.Watch(ctx, from, func(e client.Event) error {
		if err := a.show(ctx, w, e); err != nil {
			return err
		}
		if shown++; shown == count {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) || ctx.Err() != nil {
		return nil // as was asked for
	}
	return fmt.Errorf("watch: %w", err)
}

// A watcher knows how to call things.
type watcher struct {
	*session
	titles map[string]string // of own collections
}

// show prints an event.
func (a *app) show(ctx context.Context, w *watcher, e client.Event) error {
	names := w.store.DocumentNames(w.identity.Name)
	if a.json {
		line, err := json.Marshal(eventJSON(e, names))
		if err == nil {
			_, err = fmt.Fprintf(a.stdout, "%s\n", line)
		}
		return err
	}
	if e.Kind == client.KindGap {
		a.notef("What others granted you between entries %d and %d is not repeated here; list it: recrypt grants\n", e.Index, e.To)
		return nil
	}
	text := ""
	if e.Entry != nil {
		if err := w.learn(ctx, e); err != nil {
			return err
		}
		text = w.describe(*e.Entry, w.titles, names)
	} else {
		text = w.notice(e)
	}
	_, err := fmt.Fprintf(a.stdout, "%6d  %s  %s\n", e.Index, e.Time.Local().Format("2006-01-02 15:04:05"), text)
	return err
}

// learn finds the titles of own collections once one is met that has none yet.
func (w *watcher) learn(ctx context.Context, e client.Event) error {
	if _, known := w.titles[e.Collection]; known || e.Owner != w.identity.ID {
		return nil
	}
	list, err := w.Collections(ctx)
	if err != nil {
		return fmt.Errorf("list collections: %w", err)
	}
	for _, c := range list {
		w.titles[c.ID] = collectionTitle(c.Title, c.ID, c.Default)
	}
	if _, known := w.titles[e.Collection]; !known {
		w.titles[e.Collection] = "" // do not ask again
	}
	return nil
}

// notice says in a sentence what somebody has done to us.
func (w *watcher) notice(e client.Event) string {
	owner := name(w.store.Nickname(e.Owner), e.Owner)
	text := ""
	switch e.Kind {
	case "grant":
		text = owner + " granted you access"
	case "revocation":
		text = owner + " revoked your access"
	case "veto":
		text = owner + " refused your request"
	case "acceptance":
		text = owner + " accepted you as an author"
	default:
		text = printable(e.Kind) + " by " + owner
	}
	return text + "  [the server's word]"
}

func eventJSON(e client.Event, names map[string]string) map[string]any {
	if e.Kind == client.KindGap {
		return map[string]any{"kind": e.Kind, "index": e.Index, "to": e.To}
	}
	if e.Entry != nil {
		out := ledgerJSON(*e.Entry, names)
		out["verified"] = true
		return out
	}
	out := map[string]any{"index": e.Index, "time": e.Time.UTC(), "kind": e.Kind, "owner": e.Owner, "collection": e.Collection, "verified": false}
	if e.Grant != "" {
		out["grant"] = e.Grant
	}
	return out
}
