package main

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"
)

func (a *app) acceptCommand() *cobra.Command {
	var collection string
	cmd := &cobra.Command{
		Use: "accept AUTHOR", Short: "Accept an author's documents, those that wait and those to come",
		Long: `Accept an author who has written to a collection that is open to anybody: what waits
from him reaches your readers now, and so does what he writes later.`,
		Example: "  recrypt deposits\n  recrypt collection accept laboratory\n  recrypt collection accept laboratory --collection Inbox",
		Args:    nArgs("an AUTHOR"),
		RunE:    action(func(cmd *cobra.Command, args []string) error { return a.accept(cmd.Context(), args[0], collection) }),
	}
	a.collectionFlag(cmd, &collection)
	return cmd
}

func (a *app) accept(ctx context.Context, author, collection string) error {
	s, err := a.open(ctx, "")
	if err != nil {
		return err
	}
	defer s.close()
	id, err := s.store.Resolve(author)
	if err != nil {
		return err
	}
	n, err := s.AcceptAuthor(ctx, collection, id)
	if err != nil {
		return fmt.Errorf("accept %s: %w", name(s.store.Nickname(id), id), err)
	}
	if a.json {
		return a.printJSON(map[string]any{"author": id, "accepted": n})
	}
	a.printf("%s is accepted: %s reached your readers, and so will later ones\n", name(s.store.Nickname(id), id), count(n, "document"))
	return nil
}

func (a *app) depositsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "deposits", Short: "List documents of new authors that wait for your acceptance",
		Long: `List what authors whom you have not accepted have written to your open collections,
who wrote last first. Your readers do not get it before you accept its author
(recrypt collection accept). recrypt deposits refuse deletes it.`,
		Args: noArgs,
		RunE: action(func(cmd *cobra.Command, _ []string) error { return a.deposits(cmd.Context()) }),
	}
	cmd.AddCommand(a.refuseCommand())
	return cmd
}

func (a *app) refuseCommand() *cobra.Command {
	var collection string
	cmd := &cobra.Command{
		Use: "refuse AUTHOR", Short: "Delete what waits of an author",
		Long: `Let the server delete what waits of an author in one of your open collections: nobody
opens it any more. As long as the collection is open, the author can write again; to
stop that, close it (recrypt collection change --deposit closed) or list who may.`,
		Example: "  recrypt deposits\n  recrypt deposits refuse spammer --collection Inbox",
		Args:    nArgs("an AUTHOR"),
		RunE:    action(func(cmd *cobra.Command, args []string) error { return a.refuse(cmd.Context(), args[0], collection) }),
	}
	a.collectionFlag(cmd, &collection)
	return cmd
}

func (a *app) refuse(ctx context.Context, author, collection string) error {
	s, err := a.open(ctx, "")
	if err != nil {
		return err
	}
	defer s.close()
	id, err := s.store.Resolve(author)
	if err != nil {
		return err
	}
	n, err := s.RefuseAuthor(ctx, collection, id)
	if err != nil {
		return fmt.Errorf("refuse %s: %w", name(s.store.Nickname(id), id), err)
	}
	if a.json {
		return a.printJSON(map[string]any{"author": id, "refused": n})
	}
	a.printf("%s of %s deleted\n", count(n, "waiting document"), name(s.store.Nickname(id), id))
	return nil
}

func (a *app) deposits(ctx context.Context) error {
	s, err := a.open(ctx, "")
	if err != nil {
		return err
	}
	defer s.close()
	list, err := s.Deposits(ctx)
	if err != nil {
		return fmt.Errorf("list deposits: %w", err)
	}
	if a.json {
		out := make([]map[string]any, 0, len(list))
		for _, d := range list {
			out = append(out, map[string]any{"collection": d.Collection, "title": d.Title, "author": d.Author,
				"authorName": s.store.Nickname(d.Author), "keyIds": d.Keys, "count": d.Count})
		}
		return a.printJSON(out)
	}
	if len(list) == 0 {
		a.notef("Nothing waits for your acceptance.\n")
		return nil
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	for _, d := range list {
		title := collectionTitle(d.Title, d.Collection, d.Title == "")
		fmt.Fprintf(w, "%s\t%s\tfrom %s\n", title, count(d.Count, "document"), s.whois(d.Author))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	a.notef("Let your readers have them: recrypt collection accept AUTHOR; delete them: recrypt deposits refuse AUTHOR\n")
	return nil
}
