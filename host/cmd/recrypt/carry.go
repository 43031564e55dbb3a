package main

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/keystore"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// carriedForm names the form of an exported identity.
const carriedForm = "recrypt identity v1"

// maxCarried bounds what is read as an exported identity.
const maxCarried = 8 << 20

// errCarried says that a file is no exported identity, or was changed.
var errCarried = errors.New("not an exported identity, or it was changed")

// A carried is an identity on its way to another device: everything that the home knows
// of it, its seed sealed by a passphrase, and a check of the whole by a key made from the seed.
type carried struct {
	Form     string          `json:"form"`
	Name     string          `json:"name"`
	ID       string          `json:"id"`
	Server   string          `json:"server"`
	ServerID string          `json:"serverId"`
	Record   api.Bytes       `json:"record"`
	Seed     api.Bytes       `json:"seed"`  // sealed
	State    json.RawMessage `json:"state"` // what was seen of servers, so that none can show the new device something older
	Contacts json.RawMessage `json:"contacts"`
	Check    api.Bytes       `json:"check,omitempty"`
}

// check computes the check of a carried identity.
func (c carried) check(seed []byte) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, seed, nil, "recrypt-service identity export v1", 32)
	if err != nil {
		return nil, err
	}
	defer clear(key)
	c.Check = nil
	content, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	mac := hmac.New(sha256.New, key)
	mac.Write(content)
	return mac.Sum(nil), nil
}

func (a *app) exportCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use: "export FILE|-", Short: "Write an identity for another device of yours, sealed by a passphrase",
		Long: `Write an identity to a file for another device of yours: key, contacts, and what was
seen of servers. A passphrase seals the key (Argon2id); there is no export without one.
Both devices are then the same person. - is standard output.`,
		Example: "  recrypt identity export alice.identity --as alice\n  recrypt identity import alice.identity                on the other device",
		Args:    nArgs("a FILE or -"),
		RunE: action(func(cmd *cobra.Command, args []string) error {
			return a.exportIdentity(cmd.Context(), args[0], file)
		}),
	}
	cmd.Flags().StringVar(&file, "export-passphrase-file", "", "the passphrase of the export is the first line of `FILE` (default: asked for, or that of --passphrase-file)")
	return cmd
}

func (a *app) exportIdentity(ctx context.Context, out, passphraseFile string) error {
	if a.noPassphrase {
		return usage("an identity is not exported without a passphrase")
	}
	s, err := a.openHere(ctx)
	if err != nil {
		return err
	}
	defer clear(s.seed)
	passphrase, err := a.carryPassphrase(passphraseFile, true)
	if err != nil {
		return err
	}
	defer clear(passphrase)
	core, err := a.core(ctx)
	if err != nil {
		return err
	}
	id := s.identity
	c := carried{Form: carriedForm, Name: id.Name, ID: id.ID, Server: id.Server, ServerID: id.ServerID, Record: id.Record}
	if c.Seed, err = sealOne(ctx, core, passphrase, abi.SecretSeed, s.seed); err != nil {
		return err
	}
	if c.State, c.Contacts, err = s.store.Memory(id.Name); err != nil {
		return err
	}
	if c.Check, err = c.check(s.seed); err != nil {
		return err
	}
	content, err := json.Marshal(c)
	if err != nil {
		return err
	}
	if out == "-" {
		_, err := a.stdout.Write(append(content, '\n'))
		return err
	}
	if err := a.writeFile(out, append(content, '\n')); err != nil {
		return err
	}
	if a.json {
		return a.printJSON(map[string]any{"output": out, "id": id.ID, "name": id.Name})
	}
	a.notef("wrote %s; on the other device: recrypt identity import %s\n", printable(out), printable(out))
	return nil
}

// openHere unlocks the identity chosen by --as without talking to a server.
func (a *app) openHere(ctx context.Context) (*session, error) {
	store, identity, err := a.identity()
	if err != nil {
		return nil, err
	}
	core, err := a.core(ctx)
	if err != nil {
		return nil, err
	}
	seed, err := a.unlock(ctx, core, store, identity.Name)
	if err != nil {
		return nil, err
	}
	return &session{identity: identity, store: store, seed: seed}, nil
}

// carryPassphrase reads the passphrase of an export, a new one twice.
func (a *app) carryPassphrase(file string, isNew bool) ([]byte, error) {
	switch {
	case file != "":
		return passcodeFrom(file)
	case a.passphraseFile != "":
		return a.passphrase("")
	case isNew:
		return askTwice("passphrase for the export: ")
	}
	return a.passphrase("passphrase of the export: ")
}

func (a *app) importCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use: "import FILE|-", Short: "Take over an identity that another device has exported",
		Long: `Take over an identity that recrypt identity export has written, under its name or the
one that --as gives. Its key stays sealed by the passphrase of the export; with
--no-passphrase it is not sealed here. - is standard input.`,
		Example: "  recrypt identity import alice.identity", Args: nArgs("a FILE or -"),
		RunE: action(func(cmd *cobra.Command, args []string) error {
			return a.importIdentity(cmd.Context(), args[0], file)
		}),
	}
	cmd.Flags().StringVar(&file, "export-passphrase-file", "", "the passphrase of the export is the first line of `FILE` (default: asked for, or that of --passphrase-file)")
	return cmd
}

func (a *app) importIdentity(ctx context.Context, file, passphraseFile string) error {
	c, err := a.readCarried(file)
	if err != nil {
		return err
	}
	store, err := a.keystore()
	if err != nil {
		return err
	}
	name := first(a.as, c.Name)
	if err := store.Available(name); err != nil {
		return err
	}
	core, err := a.core(ctx)
	if err != nil {
		return err
	}
	if kind, needs, err := core.SealedInfo(ctx, c.Seed); err != nil || kind != abi.SecretSeed || !needs {
		return errCarried
	}
	passphrase, err := a.carryPassphrase(passphraseFile, false)
	if err != nil {
		return err
	}
	defer clear(passphrase)
	_, seed, err := core.OpenSeed(ctx, passphrase, c.Seed)
	if err != nil {
		return fmt.Errorf("exported identity: %w", err)
	}
	defer clear(seed)
	if want, err := c.check(seed); err != nil || !hmac.Equal(want, c.Check) {
		return errCarried
	}
	identity := keystore.Identity{Name: name, ID: c.ID, Server: c.Server, ServerID: c.ServerID, Record: c.Record}
	if err := belongs(core, identity, seed); err != nil {
		return err
	}
	sealed := []byte(c.Seed)
	if a.noPassphrase {
		if sealed, err = sealOne(ctx, core, nil, abi.SecretSeed, seed); err != nil {
			return err
		}
	}
	if err := store.Create(identity, keystore.Secrets{Seed: sealed}); err != nil {
		return err
	}
	if err := store.SetMemory(name, c.State, c.Contacts); err != nil {
		return err
	}
	return a.printIdentity(ctx, store, &identity, "imported ")
}

// belongs checks that a seed and a record are of one identity, of the id that is said.
func belongs(core abi.Client, identity keystore.Identity, seed []byte) error {
	own, err := client.New(client.Config{Caller: core.Caller, Server: identity.Server, Seed: seed, Identity: identity.Record})
	if err != nil {
		return fmt.Errorf("%w: %w", errCarried, err)
	}
	defer own.Close()
	if own.ID() != identity.ID {
		return errCarried
	}
	return nil
}

// readCarried reads an exported identity.
func (a *app) readCarried(file string) (*carried, error) {
	data, err := a.readSmall(file, maxCarried+1, "")
	if err != nil {
		return nil, err
	}
	return parseCarried(data)
}

func parseCarried(data []byte) (*carried, error) {
	c := &carried{}
	if len(data) > maxCarried || json.Unmarshal(data, c) != nil || c.Form != carriedForm || c.ID == "" || len(c.Seed) == 0 {
		return nil, errCarried
	}
	return c, nil
}
