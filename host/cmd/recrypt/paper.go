package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/keystore"
	"github.com/recrypt-service/recrypt/host/kit"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

func (a *app) kitCommand() *cobra.Command {
	var out string
	var recovery bool
	cmd := &cobra.Command{
		Use: "kit [NAME]", Short: "Write the recovery kit: a page for the drawer that brings the identity back",
		Long: `Write an identity's key on a page, to print and put away: it brings the identity back
when this computer is lost (recrypt identity restore). The code on it has a check in
each line, and there is a QR code of the same.

The page is the key, without any passphrase: whoever reads it is you. The file is
readable for you only; delete it once it is printed.

With --recovery it is the recovery key instead, which takes a stolen identity back
(recrypt identity recover). Keep the two pages in different places.`,
		Example: "  recrypt identity kit -o kit.pdf\n  recrypt identity kit --recovery -o recovery.pdf\n  recrypt identity kit                      as text, with a QR code on a terminal",
		Args:    atMostName,
		RunE: action(func(cmd *cobra.Command, args []string) error {
			a.as = first(append(args, a.as)...)
			return a.writeKit(cmd.Context(), out, recovery)
		}),
	}
	cmd.Flags().StringVarP(&out, "output", "o", "-", "write to `FILE`: .pdf, .png or .txt; - is standard output, as text")
	cmd.Flags().BoolVar(&recovery, "recovery", false, "the recovery key")
	return cmd
}

func (a *app) writeKit(ctx context.Context, out string, recovery bool) error {
	form := strings.ToLower(filepath.Ext(out))
	if out != "-" && form != ".pdf" && form != ".png" && form != ".txt" {
		return usage("a kit is written as .pdf, .png or .txt")
	}
	store, identity, err := a.identity()
	if err != nil {
		return err
	}
	core, err := a.core(ctx)
	if err != nil {
		return err
	}
	k, err := a.kitOf(ctx, core, store, identity, recovery)
	if err != nil {
		return err
	}
	defer k.Clear()
	if out == "-" {
		return a.printKit(k)
	}
	data, err := map[string]func() ([]byte, error){".pdf": k.PDF, ".png": k.PNG, ".txt": func() ([]byte, error) {
		text, err := k.Text()
		return []byte(text), err
	}}[form]()
	if err != nil {
		return err
	}
	defer clear(data)
	if err := a.writeFile(out, data); err != nil {
		return err
	}
	if a.json {
		return a.printJSON(map[string]any{"output": out, "id": identity.ID, "name": identity.Name, "recovery": recovery})
	}
	a.notef("wrote %s: print it, put it away, and delete the file. Whoever reads it is %s.\n", printable(out), identity.Name)
	return nil
}

// writeFile writes a small file that only its owner may read.
func (a *app) writeFile(out string, data []byte) error {
	dst, err := newFileSink(out, plainMode, a.force)
	if err != nil {
		return err
	}
	defer dst.abort()
	if _, err := dst.Write(data); err != nil {
		return err
	}
	return dst.commit()
}

// kitOf opens the secret of an identity for its page.
func (a *app) kitOf(ctx context.Context, core abi.Client, store *keystore.Store, identity *keystore.Identity, recovery bool) (*kit.Kit, error) {
	opened, err := core.OpenIdentity(ctx, identity.Record)
	if err != nil {
		return nil, err
	}
	k := &kit.Kit{Kind: abi.SecretSeed, ID: opened.ID, IDText: identity.ID, Server: identity.Server, Name: identity.Name, Made: time.Now()}
	for _, key := range opened.Keys {
		k.Suites = append(k.Suites, key.Suite)
	}
	var secret []byte
	if recovery {
		k.Kind = abi.SecretRecovery
		sealed, err := store.SealedRecovery(identity.Name)
		if errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("the recovery file is not in this home any more: put it back as %s for as long as this takes", store.RecoveryPath(identity.Name))
		} else if err != nil {
			return nil, err
		}
		secret, err = a.openSealed(ctx, core, sealed, abi.SecretRecovery, identity.Name)
		if err != nil {
			return nil, err
		}
	} else if secret, err = a.unlock(ctx, core, store, identity.Name); err != nil {
		return nil, err
	}
	defer clear(secret)
	copy(k.Secret[:], secret)
	return k, nil
}

// printKit writes a kit to standard output, for who asked for it there.
func (a *app) printKit(k *kit.Kit) error {
	code, err := k.Code()
	if err != nil {
		return err
	}
	if a.json {
		return a.printJSON(map[string]any{"id": k.IDText, "name": k.Name, "code": code, "recovery": k.Kind == abi.SecretRecovery})
	}
	text, err := k.Text()
	if err != nil {
		return err
	}
	a.printf("%s", text)
	if f, ok := a.stdout.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		q, err := kit.NewQR(code)
		if err != nil {
			return err
		}
		a.printf("\n%s", q.Terminal(true))
	}
	return nil
}

func (a *app) restoreCommand() *cobra.Command {
	return &cobra.Command{
		Use: "restore FILE|-", Short: "Bring an identity back from its recovery kit",
		Long: `Bring an identity back from its recovery kit, on a new machine or in a new home. FILE
is the kit as text, or the code that was scanned from its QR code; - is standard
input, where it may be typed: upper or lower case, spaces and hyphens do not matter,
and a typing error is found in its line.`,
		Example: "  recrypt identity restore -\n  recrypt identity restore kit.txt --as alice",
		Args:    nArgs("a FILE or -"),
		RunE:    action(func(cmd *cobra.Command, args []string) error { return a.restore(cmd.Context(), args[0]) }),
	}
}

func (a *app) restore(ctx context.Context, file string) error {
	data, err := a.readPage(file)
	if err != nil {
		return err
	}
	defer clear(data)
	k, err := kit.Parse(string(data))
	if err != nil {
		return err
	}
	defer k.Clear()
	if k.Kind != abi.SecretSeed {
		return fmt.Errorf("%w: it is a recovery key; use recrypt identity recover", errKitKind)
	}
	core, err := a.core(ctx)
	if err != nil {
		return err
	}
	if k.IDText, err = core.FormatID(ctx, abi.KindPerson, k.ID); err != nil {
		return err
	}
	name := first(a.as, k.Name)
	store, err := a.keystore()
	if err != nil {
		return err
	}
	if err := store.Available(name); err != nil {
		return err
	}
	identity, server, _, err := a.fetchIdentity(ctx, core, name, k.IDText, k.Server)
	if err != nil {
		return err
	}
	c, err := client.New(client.Config{Caller: core.Caller, Server: identity.Server, Seed: k.Secret[:], Identity: identity.Record})
	if err != nil {
		return fmt.Errorf("%w: use a newer kit, or recrypt identity recover", errKitOld)
	}
	c.Close()
	passphrase, err := a.newPassphrase(name)
	if err != nil {
		return err
	}
	defer clear(passphrase)
	sealed, err := sealOne(ctx, core, passphrase, abi.SecretSeed, k.Secret[:])
	if err != nil {
		return err
	}
	if err := store.Create(*identity, keystore.Secrets{Seed: sealed}); err != nil {
		return err
	}
	if err := store.State(name).PinServer(identity.Server, server); err != nil {
		return err
	}
	return a.printIdentity(ctx, store, identity, "restored ")
}
