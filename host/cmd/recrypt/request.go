package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/recrypt-service/recrypt/host/client"
)

func (a *app) requestCommand() *cobra.Command {
	return &cobra.Command{
		Use: "request OWNER", Short: "Ask for access that an owner has granted you for emergencies",
		Long: `Ask for what OWNER has granted you as pending (recrypt grant --pending). The wait starts
now; until it is over, the owner sees the request and can say no. Asking again does not
start it anew. The server keeps the time.`,
		Example: "  recrypt request alice", Args: nArgs("an OWNER"),
		RunE: action(func(cmd *cobra.Command, args []string) error { return a.request(cmd.Context(), args[0]) }),
	}
}

func (a *app) request(ctx context.Context, owner string) error {
	s, err := a.open(ctx, "")
	if err != nil {
		return err
	}
	defer s.close()
	id, err := s.store.Resolve(owner)
	if err != nil {
		return err
	}
	asked, err := s.Request(ctx, id)
	if err != nil {
		return fmt.Errorf("request access of %s: %w", name(s.store.Nickname(id), id), err)
	}
	if a.json {
		out := make([]map[string]any, 0, len(asked))
		for _, p := range asked {
			out = append(out, map[string]any{"grant": p.Grant, "collection": p.Collection, "opens": p.Opens.UTC()})
		}
		return a.printJSON(out)
	}
	for _, opens := range openings(asked) {
		a.printf("asked %s; unless refused, the documents open at %s\n", name(s.store.Nickname(id), id), opens)
	}
	return nil
}

// openings are the times at which what was asked for opens, each once.
func openings(asked []client.PendingInfo) []string {
	var out []string
	seen := map[string]bool{}
	for _, p := range asked {
		at := p.Opens.Local().Format("2006-01-02 15:04:05 MST")
		if !seen[at] {
			seen[at] = true
			out = append(out, at)
		}
	}
	return out
}

// errTooLate says that a request can no longer be refused.
var errTooLate = errors.New("the wait is over and the reader has access: recrypt revoke takes it away")

func (a *app) vetoCommand() *cobra.Command {
	return &cobra.Command{
		Use: "veto READER", Short: "Refuse a reader who has asked for access",
		Long: `Refuse a reader who has asked for access that you have granted as pending, while he
still waits. He may ask again, and then waits anew; recrypt revoke takes the grant
away for good. A wait that is over cannot be refused: revoke instead.`,
		Example: "  recrypt grants                 who has asked\n  recrypt veto sister", Args: nArgs("a READER"),
		RunE: action(func(cmd *cobra.Command, args []string) error { return a.veto(cmd.Context(), args[0]) }),
	}
}

func (a *app) veto(ctx context.Context, reader string) error {
	s, err := a.open(ctx, "")
	if err != nil {
		return err
	}
	defer s.close()
	id, err := s.store.Resolve(reader)
	if err != nil {
		return err
	}
	collections, err := s.Veto(ctx, id)
	if errors.Is(err, client.ErrConflict) {
		err = errTooLate
	}
	if err != nil {
		return fmt.Errorf("veto %s: %w", name(s.store.Nickname(id), id), err)
	}
	if a.json {
		return a.printJSON(map[string]any{"reader": id, "collections": append([]string{}, collections...)})
	}
	a.printf("%s no longer waits for access to %s\n", name(s.store.Nickname(id), id), count(len(collections), "collection"))
	return nil
}
