package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/keystore"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

func (a *app) identityCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "identity", Short: "Make and show identities",
		Long: `An identity is a person's (or program's) keys: one secret seed on this machine,
and a public record on the server. Its id (rid1…) is derived from the keys, so no
server can put another key in its place: give the id to the people who share
with you, by a channel you trust.`,
		Args: cobra.ArbitraryArgs, RunE: group,
	}
	cmd.AddCommand(&cobra.Command{
		Use: "create NAME", Short: "Make an identity and publish its public record",
		Example: "  recrypt identity create alice --server https://recrypt.example.org",
		Args:    nArgs("a NAME"),
		RunE:    action(func(cmd *cobra.Command, args []string) error { return a.createIdentity(cmd.Context(), args[0]) }),
	}, &cobra.Command{
		Use: "update [NAME]", Short: "Give an older identity the suites that it lacks",
		Long: `Give an identity that an older version of recrypt has made the keys that new ones
have: those of every suite. They come from the same seed, as a new version of the
public record, which is signed and published. The id stays the same, and so does
everything that was encrypted or granted. Doing it again changes nothing.`,
		Example: "  recrypt identity update alice",
		Args:    atMostName,
		RunE:    action(func(cmd *cobra.Command, args []string) error { return a.updateIdentity(cmd.Context(), args) }),
	}, &cobra.Command{
		Use: "list", Short: "List the identities of this home", Args: noArgs,
		RunE: action(func(*cobra.Command, []string) error { return a.listIdentities() }),
	}, &cobra.Command{
		Use: "show [NAME]", Short: "Show an identity: its id, suites, server and files", Args: atMostName,
		RunE: action(func(cmd *cobra.Command, args []string) error {
			return a.showIdentity(cmd.Context(), first(append(args, a.as)...))
		}),
	}, a.rotateIdentityCommand(), a.recoverCommand(), a.kitCommand(), a.restoreCommand(), a.exportCommand(), a.importCommand())
	return cmd
}

// atMostName is for commands that take the name of an identity or none.
func atMostName(cmd *cobra.Command, args []string) error {
	if len(args) > 1 {
		return usage("%s takes at most one NAME", cmd.CommandPath())
	}
	return nil
}

// createIdentity makes keys, publishes the record, and stores the identity only
// once the server has it, so that a failure leaves nothing behind.
func (a *app) createIdentity(ctx context.Context, name string) error {
	store, err := a.keystore()
	if err != nil {
		return err
	}
	if err := store.Available(name); err != nil {
		return err
	}
	passphrase, err := a.newPassphrase(name)
	if err != nil {
		return err
	}
	defer clear(passphrase)
	core, err := a.core(ctx)
	if err != nil {
		return err
	}
	seed, recovery := make([]byte, 32), make([]byte, 32)
	rand.Read(seed)
	rand.Read(recovery)
	defer clear(seed)
	defer clear(recovery)
	identity, server, err := a.publish(ctx, core, name, seed, recovery)
	if err != nil {
		return err
	}
	secrets, err := seal(ctx, core, passphrase, seed, recovery)
	if err != nil {
		return err
	}
	if err := store.Create(*identity, *secrets); err != nil {
		return err
	}
	if err := store.State(name).PinServer(identity.Server, server); err != nil {
		return err
	}
	if err := a.printIdentity(ctx, store, identity, "created "); err != nil {
		return err
	}
	if passphrase == nil {
		a.notef("The key files are NOT sealed: whoever can read them is %s.\n", name)
	}
	a.notef("Move %s to a safe place away from this machine: with it you take a stolen identity back.\nWrite the recovery kit, for the case that this machine is lost: recrypt identity kit -o kit.pdf --as %s\n", store.RecoveryPath(name), name)
	return nil
}

// publish makes the identity record and puts it on the server. It returns the
// server's record too, to be pinned.
func (a *app) publish(ctx context.Context, core abi.Client, name string, seed, recovery []byte) (*keystore.Identity, []byte, error) {
	_, suites, err := core.Info(ctx)
	if err != nil {
		return nil, nil, err
	}
	record, err := core.NewIdentity(ctx, seed, recovery, suites)
	if err != nil {
		return nil, nil, err
	}
	url, err := a.serverFor(nil)
	if err != nil {
		return nil, nil, err
	}
	c, err := client.New(client.Config{Caller: core.Caller, Server: url, Seed: seed, Identity: record})
	if err != nil {
		return nil, nil, err
	}
	defer c.Close()
	_, serverID, server, err := c.Service(ctx)
	if err != nil {
		return nil, nil, err
	}
	if err := c.Publish(ctx); err != nil {
		return nil, nil, err
	}
	return &keystore.Identity{Name: name, ID: c.ID(), Server: url, ServerID: serverID, Record: record}, server, nil
}

// seal seals both seeds of a new identity; without a passphrase it only frames
// them.
func seal(ctx context.Context, core abi.Client, passphrase, seed, recovery []byte) (*keystore.Secrets, error) {
	sealedSeed, err := sealOne(ctx, core, passphrase, abi.SecretSeed, seed)
	if err != nil {
		return nil, err
	}
	sealedRecovery, err := sealOne(ctx, core, passphrase, abi.SecretRecovery, recovery)
	if err != nil {
		return nil, err
	}
	return &keystore.Secrets{Seed: sealedSeed, Recovery: sealedRecovery}, nil
}

func (a *app) showIdentity(ctx context.Context, name string) error {
	store, err := a.keystore()
	if err != nil {
		return err
	}
	identity, err := store.Identity(name)
	if err != nil {
		return err
	}
	return a.printIdentity(ctx, store, identity, "")
}

func (a *app) printIdentity(ctx context.Context, store *keystore.Store, id *keystore.Identity, did string) error {
	core, err := a.core(ctx)
	if err != nil {
		return err
	}
	opened, err := core.OpenIdentity(ctx, id.Record)
	if err != nil {
		return fmt.Errorf("identity %s: %w", id.Name, err)
	}
	if a.json {
		return a.printJSON(map[string]any{
			"id": id.ID, "name": id.Name, "server": id.Server, "serverId": id.ServerID, "record": id.Record,
			"version": opened.Version, "suites": suiteNames(opened.Keys),
		})
	}
	a.printf("%sidentity %s\n  id      %s\n  suites  %s\n  server  %s (%s)\n  key     %s\n", did, id.Name, id.ID,
		strings.Join(suiteNames(opened.Keys), ", "), id.Server, id.ServerID, store.SeedPath(id.Name))
	return nil
}

func (a *app) listIdentities() error {
	store, err := a.keystore()
	if err != nil {
		return err
	}
	identities, err := store.Identities()
	if err != nil {
		return err
	}
	if a.json {
		list := []map[string]any{}
		for _, id := range identities {
			list = append(list, map[string]any{"name": id.Name, "id": id.ID, "server": id.Server})
		}
		return a.printJSON(list)
	}
	if len(identities) == 0 {
		a.notef("No identities in %s yet. Make one with: recrypt identity create NAME\n", store.Dir())
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	for _, id := range identities {
		fmt.Fprintf(w, "%s\t%s\t%s\n", id.Name, id.ID, id.Server)
	}
	return w.Flush()
}

func (a *app) contactCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "contact", Short: "Give people's ids nicknames",
		Long: "A nickname is yours alone: it is kept on this machine and means whoever you\nsay. Get ids from the people themselves, by a channel you trust.",
		Args: cobra.ArbitraryArgs, RunE: group,
	}
	cmd.AddCommand(&cobra.Command{
		Use: "add NICKNAME ID", Short: "Remember an id under a nickname", Args: nArgs("a NICKNAME", "an ID"),
		RunE: action(func(cmd *cobra.Command, args []string) error { return a.addContact(cmd.Context(), args[0], args[1]) }),
	}, &cobra.Command{
		Use: "list", Short: "List the contacts", Args: noArgs,
		RunE: action(func(*cobra.Command, []string) error { return a.listContacts() }),
	}, a.confirmContactCommand())
	return cmd
}

func (a *app) addContact(ctx context.Context, nickname, id string) error {
	store, err := a.keystore()
	if err != nil {
		return err
	}
	core, err := a.core(ctx)
	if err != nil {
		return err
	}
	if kind, _, err := core.ParseID(ctx, id); err != nil || kind != abi.KindPerson {
		return usage("that is not an id: an id has 62 characters, starts with rid1, and detects typing errors")
	}
	if err := store.AddContact(nickname, id, a.force); err != nil {
		return err
	}
	if a.json {
		return a.printJSON(keystore.Contact{Nickname: nickname, ID: id})
	}
	a.printf("%s is %s\n", nickname, id)
	return nil
}

func (a *app) listContacts() error {
	store, err := a.keystore()
	if err != nil {
		return err
	}
	contacts, err := store.Contacts()
	if err != nil {
		return err
	}
	if a.json {
		if contacts == nil {
			contacts = []keystore.Contact{}
		}
		return a.printJSON(contacts)
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	for _, c := range contacts {
		fmt.Fprintf(w, "%s\t%s\n", c.Nickname, c.ID)
	}
	return w.Flush()
}
