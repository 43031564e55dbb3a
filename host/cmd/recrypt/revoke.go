package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/recrypt-service/recrypt/host/client"
)

func (a *app) revokeCommand() *cobra.Command {
	var collection string
	cmd := &cobra.Command{
		Use: "revoke READER", Short: "Take a reader's access back",
		Long: `Take a reader's access back. First the server destroys the reader's transform keys of
the collection, all epochs, and signs a receipt. Then the collection gets the keys of
its next epoch, and everybody else who may read is granted them, in one request.

What comes later is encrypted to the new epoch: the revoked reader, even together with
everything that the server holds, opens nothing of it. That the server kept no copy of
the keys of older epochs is its word. What the reader has opened before, he has:
that is listed, as far as the server has recorded it.`,
		Example: "  recrypt revoke bob\n  recrypt revoke bob --collection \"Lab results\"",
		Args:    nArgs("a READER"),
		RunE:    action(func(cmd *cobra.Command, args []string) error { return a.revoke(cmd.Context(), args[0], collection) }),
	}
	a.collectionFlag(cmd, &collection)
	return cmd
}

func (a *app) revoke(ctx context.Context, reader, collection string) error {
	s, err := a.open(ctx, "")
	if err != nil {
		return err
	}
	defer s.close()
	id, err := s.store.Resolve(reader)
	if err != nil {
		return err
	}
	bar := a.counter("granting the remaining readers the next epoch")
	defer bar.done()
	info, err := s.Revoke(ctx, id, client.RevokeOptions{Collection: collection, Progress: bar.steps})
	bar.done()
	if err != nil {
		return fmt.Errorf("revoke %s: %w", name(s.store.Nickname(id), id), err)
	}
	if a.json {
		return a.printJSON(map[string]any{
			"reader": id, "destroyed": info.Destroyed, "time": info.Time.UTC(), "server": info.Server,
			"collection": info.Collection, "epoch": info.Epoch, "rotated": info.Rotated, "remaining": info.Remaining,
			"suspended": info.Suspended, "opened": s.openedJSON(info.Opened),
		})
	}
	a.printf("%s may no longer open the documents of %s\n", name(s.store.Nickname(id), id), s.identity.Name)
	a.notef("%s destroyed %s at %s; its receipt verifies\n", info.Server, count(info.Destroyed, "transform key"), stamp(info.Time))
	if info.Rotated {
		a.printf("new documents go to epoch %d, which %s may open\n", info.Epoch, count(info.Remaining, "remaining reader"))
	}
	a.printSuspended(info.Suspended)
	s.printOpened(a, info.Opened)
	return nil
}

// printSuspended says that readers were left out.
func (a *app) printSuspended(n int) {
	if n > 0 {
		a.notef("%s with changed keys left out: confirm their keys (recrypt contact confirm), then recrypt regrant\n", count(n, "reader"))
	}
}

// printOpened lists what a reader had opened.
func (s *session) printOpened(a *app, opened []client.OpenedDocument) {
	if len(opened) == 0 {
		a.printf("the ledger has no opening by this reader\n")
		return
	}
	a.printf("opened before, and not to be taken back:\n")
	names := s.store.DocumentNames(s.identity.Name)
	for _, d := range opened {
		times := ""
		if d.Times > 1 {
			times = fmt.Sprintf(", %d times, last %s", d.Times, stamp(d.Last))
		}
		a.printf("  %s  %s%s\n", documentName(names, d.Key), stamp(d.First), times)
	}
}

func (s *session) openedJSON(opened []client.OpenedDocument) []map[string]any {
	names := s.store.DocumentNames(s.identity.Name)
	out := make([]map[string]any, 0, len(opened))
	for _, d := range opened {
		out = append(out, map[string]any{"keyId": d.Key, "name": names[d.Key], "first": d.First.UTC(), "last": d.Last.UTC(), "times": d.Times})
	}
	return out
}

// documentName is the id of a document's key, with the name of the file if this home has
// encrypted it.
func documentName(names map[string]string, key string) string {
	if n := names[key]; n != "" {
		return printable(n) + " (" + key + ")"
	}
	return key
}
