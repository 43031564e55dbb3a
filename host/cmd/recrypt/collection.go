package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/recrypt-service/recrypt/host/client"
)

// collectionFlag adds --collection.
func (a *app) collectionFlag(cmd *cobra.Command, to *string) {
	cmd.Flags().StringVar(to, "collection", "", "`C`, a title or an id (default: your default collection)")
}

func (a *app) collectionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "collection", Short: "Keep documents in collections, each with readers of its own",
		Long: `A collection has keys and readers of its own. Its title is encrypted: the server sees
an id. Without any, your documents are in the collection "default".

The keys of a collection are those of its present epoch. Revoking a reader opens the
next one; collection rotate does so without a revocation. Older documents stay
readable for the readers who may read them.`,
		Args: cobra.ArbitraryArgs, RunE: group,
	}
	cmd.AddCommand(a.createCollectionCommand(), a.changeCollectionCommand(), &cobra.Command{
		Use: "list", Short: "List your collections", Args: noArgs,
		RunE: action(func(cmd *cobra.Command, _ []string) error { return a.listCollections(cmd.Context()) }),
	}, &cobra.Command{
		Use: "rotate [NAME]", Short: "Give a collection new keys",
		Long: `Open the next epoch of a collection: it gets new keys, and all its readers are
granted them. A revocation does so by itself; this is for when you want it anyway,
or to complete a revocation that was interrupted.`,
		Example: "  recrypt collection rotate\n  recrypt collection rotate \"Lab results\"",
		Args:    atMostName,
		RunE:    action(func(cmd *cobra.Command, args []string) error { return a.rotate(cmd.Context(), first(args...)) }),
	}, a.acceptCommand())
	return cmd
}

// depositFlags are the flags that say who else may write.
type depositFlags struct {
	deposit string
	authors []string
}

func (d *depositFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&d.deposit, "deposit", "", "who else may write: closed (nobody), listed (the `WHO` of --author), open (anybody; what comes waits for your acceptance)")
	cmd.Flags().StringArrayVar(&d.authors, "author", nil, "`WHO` may write, a nickname or an id, may be repeated; implies --deposit listed")
}

// options checks the flags and finds the authors.
func (d *depositFlags) options(s *session) (o client.CollectionOptions, err error) {
	o.Deposit = d.deposit
	if o.Deposit == "" && len(d.authors) > 0 {
		o.Deposit = client.DepositListed
	}
	switch o.Deposit {
	case "", client.DepositClosed, client.DepositListed, client.DepositOpen:
	default:
		return o, usage("--deposit takes closed, listed or open")
	}
	if o.Deposit == client.DepositListed && len(d.authors) == 0 {
		return o, usage("--deposit listed needs the authors: --author WHO")
	}
	if o.Deposit != client.DepositListed && len(d.authors) > 0 {
		return o, usage("--author goes with --deposit listed")
	}
	for _, author := range d.authors {
		id, err := s.store.Resolve(author)
		if err != nil {
			return o, err
		}
		o.Authors = append(o.Authors, id)
	}
	return o, nil
}

func (a *app) createCollectionCommand() *cobra.Command {
	d := &depositFlags{}
	cmd := &cobra.Command{
		Use: "create TITLE", Short: "Make a collection",
		Example: "  recrypt collection create \"Lab results\"\n  recrypt collection create Inbox --deposit open\n  recrypt collection create \"Lab results\" --author laboratory",
		Args:    nArgs("a TITLE"),
		RunE: action(func(cmd *cobra.Command, args []string) error {
			s, err := a.open(cmd.Context(), "")
			if err != nil {
				return err
			}
			defer s.close()
			o, err := d.options(s)
			if err != nil {
				return err
			}
			core, err := a.core(cmd.Context())
			if err != nil {
				return err
			}
			if o.Suite, err = a.suiteNumber(cmd.Context(), core); err != nil {
				return err
			}
			info, err := s.CreateCollection(cmd.Context(), args[0], o)
			if err != nil {
				return fmt.Errorf("create collection: %w", err)
			}
			return a.printCollection(s, "created ", info)
		}),
	}
	d.add(cmd)
	a.suiteFlag(cmd)
	return cmd
}

func (a *app) changeCollectionCommand() *cobra.Command {
	d := &depositFlags{}
	var title string
	cmd := &cobra.Command{
		Use: "change NAME", Short: "Change a collection's title, or who may write to it",
		Example: "  recrypt collection change Inbox --deposit closed\n  recrypt collection change default --author laboratory\n  recrypt collection change Inbox --title Letters",
		Args:    nArgs("a NAME"),
		RunE: action(func(cmd *cobra.Command, args []string) error {
			s, err := a.open(cmd.Context(), "")
			if err != nil {
				return err
			}
			defer s.close()
			o, err := d.options(s)
			if err != nil {
				return err
			}
			var to *string
			if cmd.Flags().Changed("title") {
				to = &title
			}
			if to == nil && o.Deposit == "" {
				return usage("nothing to change: give --title, --deposit or --author")
			}
			info, err := s.ChangeCollection(cmd.Context(), args[0], o, to)
			if err != nil {
				return fmt.Errorf("change collection: %w", err)
			}
			return a.printCollection(s, "changed ", info)
		}),
	}
	d.add(cmd)
	cmd.Flags().StringVar(&title, "title", "", "new `TITLE`")
	return cmd
}

// collectionTitle is what people call a collection.
func collectionTitle(title, id string, isDefault bool) string {
	if isDefault {
		return "default"
	}
	return first(printable(title), id)
}

// deposits says who may write to a collection.
func (s *session) deposits(c *client.CollectionInfo) string {
	switch c.Deposit {
	case client.DepositOpen:
		return "anybody"
	case client.DepositListed:
		var who []string
		for _, id := range c.Authors {
			who = append(who, name(s.store.Nickname(id), id))
		}
		return "you, " + strings.Join(who, ", ")
	}
	return "you"
}

func (a *app) printCollection(s *session, did string, c *client.CollectionInfo) error {
	if a.json {
		return a.printJSON(collectionJSON(c))
	}
	a.printf("%scollection %s\n  id       %s\n  epoch    %d\n  suite    %s\n  writers  %s\n", did,
		collectionTitle(c.Title, c.ID, c.Default), c.ID, c.Epoch, c.Suite, s.deposits(c))
	return nil
}

func collectionJSON(c *client.CollectionInfo) map[string]any {
	out := map[string]any{
		"id": c.ID, "title": c.Title, "default": c.Default, "epoch": c.Epoch, "sequence": c.Sequence, "suite": c.Suite,
		"readers": c.Readers, "deposit": c.Deposit, "authors": append([]string{}, c.Authors...), "closed": c.Closed,
	}
	if !c.RenewBy.IsZero() {
		out["renewBy"] = c.RenewBy.UTC()
	}
	return out
}

func (a *app) listCollections(ctx context.Context) error {
	s, err := a.open(ctx, "")
	if err != nil {
		return err
	}
	defer s.close()
	list, err := s.Collections(ctx)
	if err != nil {
		return fmt.Errorf("list collections: %w", err)
	}
	if a.json {
		out := make([]map[string]any, 0, len(list))
		for i := range list {
			out = append(out, collectionJSON(&list[i]))
		}
		return a.printJSON(out)
	}
	if len(list) == 0 {
		a.notef("No collections yet: the first recrypt encrypt or grant opens one, or recrypt collection create TITLE\n")
		return nil
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	for i := range list {
		c := &list[i]
		note := ""
		if c.Closed {
			note = "\tclosed: recrypt collection rotate"
		}
		fmt.Fprintf(w, "%s\tepoch %d\t%s\t%s\twriters: %s\t%s%s\n", collectionTitle(c.Title, c.ID, c.Default), c.Epoch,
			count(c.Readers, "reader"), c.Suite, s.deposits(c), c.ID, note)
	}
	return w.Flush()
}

func (a *app) rotate(ctx context.Context, collection string) error {
	s, err := a.open(ctx, "")
	if err != nil {
		return err
	}
	defer s.close()
	bar := a.counter("granting the readers the next epoch")
	defer bar.done()
	info, err := s.Rotate(ctx, collection, bar.steps)
	bar.done()
	if err != nil {
		return fmt.Errorf("rotate collection: %w", err)
	}
	if a.json {
		return a.printJSON(map[string]any{"collection": info.Collection, "title": info.Title, "epoch": info.Epoch,
			"readers": info.Readers, "suspended": info.Suspended, "receipt": info.Receipt.UTC()})
	}
	a.printf("collection %s is in epoch %d, which %s may open\n", first(printable(info.Title), first(collection, "default")),
		info.Epoch, count(info.Readers, "reader"))
	a.notef("the server's receipt of %s verifies\n", stamp(info.Receipt))
	a.printSuspended(info.Suspended)
	return nil
}
