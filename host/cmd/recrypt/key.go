package main

import (
	"context"
	"encoding/hex"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/recrypt-service/recrypt/host/client"
)

func (a *app) keyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "key", Short: "Make and fetch bare document keys, for your own encryption",
		Long: "A document key is an AES-256 key that is kept on the server, encrypted: its\nowner and granted readers can fetch it by its id. recrypt encrypt and decrypt do\nall of this for files; these commands are for programs that encrypt themselves.",
		Args: cobra.ArbitraryArgs, RunE: group,
	}
	var from string
	get := &cobra.Command{
		Use: "get ID", Short: "Fetch a document key and print it (hex)", Args: nArgs("a key's ID"),
		RunE: action(func(cmd *cobra.Command, args []string) error { return a.getKey(cmd.Context(), args[0], from) }),
	}
	get.Flags().StringVar(&from, "from", "", "refuse any author but `NAME` (a nickname or an id)")
	o := client.KeyOptions{}
	create := &cobra.Command{
		Use: "create", Short: "Make a document key, print its id and the key (hex)", Args: noArgs,
		RunE: action(func(cmd *cobra.Command, _ []string) error { return a.createKey(cmd.Context(), o) }),
	}
	create.Flags().StringVar(&o.To, "to", "", "for a collection of `OWNER`, a nickname or an id")
	create.Flags().StringVar(&o.Collection, "collection", "", "`C`, a title or an id (default: your default collection)")
	a.suiteFlag(create)
	cmd.AddCommand(create, get)
	return cmd
}

func (a *app) createKey(ctx context.Context, o client.KeyOptions) error {
	s, err := a.open(ctx, "")
	if err != nil {
		return err
	}
	defer s.close()
	if o.To != "" {
		if o.To, err = s.store.Resolve(o.To); err != nil {
			return err
		}
	}
	info, err := s.DepositKey(ctx, o)
	if err != nil {
		return err
	}
	defer clear(info.Key)
	if a.json {
		return a.printJSON(map[string]any{"id": info.ID, "key": hex.EncodeToString(info.Key), "collection": info.Collection})
	}
	a.printf("id   %s\nkey  %s\n", info.ID, hex.EncodeToString(info.Key))
	return nil
}

func (a *app) getKey(ctx context.Context, id, from string) error {
	s, author, err := a.openFrom(ctx, "", from)
	if err != nil {
		return err
	}
	defer s.close()
	info, err := s.GetKey(ctx, id, client.OpenOptions{From: author})
	if err != nil {
		return fmt.Errorf("get key: %w", err)
	}
	defer clear(info.Key)
	if a.json {
		return a.printJSON(map[string]any{"id": info.ID, "key": hex.EncodeToString(info.Key), "author": info.Author,
			"authorName": s.store.Nickname(info.Author), "owner": info.Owner, "collection": info.Collection})
	}
	a.printf("%s\n", hex.EncodeToString(info.Key))
	a.notef("from %s\n", s.whois(info.Author))
	return nil
}

// openFrom is open for a command with --from: it returns the author's id, too, empty if
// from is. The caller closes the session.
func (a *app) openFrom(ctx context.Context, url, from string) (*session, string, error) {
	s, err := a.open(ctx, url)
	if err != nil || from == "" {
		return s, "", err
	}
	author, err := s.store.Resolve(from)
	if err != nil {
		s.close()
		return nil, "", err
	}
	return s, author, nil
}
