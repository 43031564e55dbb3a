package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/recrypt-service/recrypt/host/kit"
)

func (a *app) safetyCommand() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use: "safety WHO", Short: "Show the safety number between you and somebody",
		Long: `Show the safety number between you and WHO: 60 digits that are the same on both sides
as long as the server shows each of you the other's true keys. Compare them face to
face or by telephone, or scan the QR code. They change when either has new keys.`,
		Example: "  recrypt safety bob\n  recrypt safety bob -o bob.png", Args: nArgs("a nickname or an id"),
		RunE: action(func(cmd *cobra.Command, args []string) error { return a.safety(cmd.Context(), args[0], out) }),
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "write a picture to `FILE.png`")
	return cmd
}

func (a *app) safety(ctx context.Context, who, out string) error {
	if out != "" && !strings.EqualFold(filepath.Ext(out), ".png") {
		return usage("a safety number is written as .png")
	}
	s, err := a.open(ctx, "")
	if err != nil {
		return err
	}
	defer s.close()
	id, err := s.store.Resolve(who)
	if err != nil {
		return err
	}
	digits, err := s.SafetyNumber(ctx, id)
	if err != nil {
		return fmt.Errorf("safety number: %w", err)
	}
	other := name(s.store.Nickname(id), id)
	if out != "" {
		picture, err := kit.SafetyPNG(digits, s.identity.Name, other)
		if err != nil {
			return err
		}
		if err := a.writeFile(out, picture); err != nil {
			return err
		}
	}
	if a.json {
		return a.printJSON(map[string]any{"id": id, "digits": digits, "output": out})
	}
	if err := a.printSafety(digits); err != nil {
		return err
	}
	if out != "" {
		a.notef("wrote %s\n", printable(out))
	}
	a.notef("%s sees the same number: then nobody is in between. Different: do not share anything.\n", other)
	return nil
}

// printSafety writes a safety number, with its QR code on a terminal.
func (a *app) printSafety(digits string) error {
	lines, err := kit.Groups(digits)
	if err != nil {
		return err
	}
	a.printf("  %s\n", strings.Join(lines, "\n  "))
	q, err := kit.NewQR(digits)
	if err != nil {
		return err
	}
	if f, ok := a.stdout.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		a.printf("\n%s", q.Terminal(true))
	}
	return nil
}

func (a *app) confirmContactCommand() *cobra.Command {
	return &cobra.Command{
		Use: "confirm WHO", Short: "Say that the present keys of somebody are right",
		Long: `Say that the keys that WHO has now are really WHO's, after a change: nothing is granted
to changed keys before. Ask first, face to face or by telephone, and compare the
safety number (recrypt safety WHO): only the keys of which that was shown here can be
confirmed.`,
		Example: "  recrypt safety bob\n  recrypt contact confirm bob\n  recrypt regrant", Args: nArgs("a nickname or an id"),
		RunE: action(func(cmd *cobra.Command, args []string) error { return a.confirmContact(cmd.Context(), args[0]) }),
	}
}

func (a *app) confirmContact(ctx context.Context, who string) error {
	s, err := a.open(ctx, "")
	if err != nil {
		return err
	}
	defer s.close()
	id, err := s.store.Resolve(who)
	if err != nil {
		return err
	}
	if err := s.Confirm(ctx, id); err != nil {
		return fmt.Errorf("confirm %s: %w", name(s.store.Nickname(id), id), err)
	}
	digits, err := s.SafetyNumber(ctx, id)
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(map[string]any{"id": id, "digits": digits})
	}
	a.printf("the present keys of %s are confirmed; the safety number with them is\n", name(s.store.Nickname(id), id))
	if err := a.printSafety(digits); err != nil {
		return err
	}
	a.notef("Grants that the change has suspended: recrypt regrant\n")
	return nil
}
