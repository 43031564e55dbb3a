package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/keystore"
	"github.com/recrypt-service/recrypt/host/kit"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// errKitKind says that a kit is of the other kind.
var errKitKind = errors.New("this page is of another kind")

// errKitOld says that a kit is of keys that were changed since.
var errKitOld = errors.New("the identity's keys were changed after this kit was made")

func (a *app) recoverCommand() *cobra.Command {
	var id string
	var lost, renew bool
	cmd := &cobra.Command{
		Use: "recover FILE|-", Short: "Take an identity back by its recovery key: it was stolen, or its key is lost",
		Long: `Take an identity back by its recovery key: it gets new keys, which override whatever
somebody else may have published with the stolen ones. The id stays.

FILE is the recovery file that identity create has made (recovery.sealed), or the text
of a recovery key's page (recrypt identity kit --recovery); - is standard input.

Readers whom somebody has let in with the stolen key look like your own: who reads on is
listed, by name or id. Revoke whom you do not know before you write anything.

If this home still has the identity's old key, everything stays readable. If it is
lost, what was encrypted until now stays closed; new documents and grants work again.`,
		Example: `  recrypt identity recover /media/usb/recovery.sealed --as alice
  recrypt identity recover -                              then paste or type the page
  recrypt identity recover recovery.sealed --as alice --id rid1…      on a new machine`,
		Args: nArgs("a FILE or -"),
		RunE: action(func(cmd *cobra.Command, args []string) error {
			return a.recover(cmd.Context(), args[0], id, lost, renew)
		}),
	}
	cmd.Flags().StringVar(&id, "id", "", "the identity's `ID`, if this home does not have it and a recovery file is given")
	cmd.Flags().BoolVar(&lost, "lost", false, "the old key, or its passphrase, is lost")
	cmd.Flags().BoolVar(&renew, "new-recovery", false, "make a new recovery key, too")
	return cmd
}

// recover takes an identity back.
func (a *app) recover(ctx context.Context, file, id string, lost, renew bool) error {
	core, err := a.core(ctx)
	if err != nil {
		return err
	}
	k, err := a.readRecovery(ctx, core, file, id)
	if err != nil {
		return err
	}
	defer k.Clear()
	store, err := a.keystore()
	if err != nil {
		return err
	}
	identity, err := a.lostIdentity(ctx, core, store, k)
	if err != nil {
		return err
	}
	r := client.Recovery{ID: identity.ID, Recovery: k.Secret[:]}
	if !lost {
		r.Seed, err = a.unlock(ctx, core, store, identity.Name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%w (or say --lost: then what was encrypted until now stays closed)", err)
		}
		defer clear(r.Seed)
		if r.Seed != nil {
			r.Identity = identity.Record
		}
	}
	if r.NewSeed, r.NewRecovery, err = a.freshSeeds(ctx, core, store, identity.Name, renew); err != nil {
		return err
	}
	defer clear(r.NewSeed)
	defer clear(r.NewRecovery)
	url, err := a.serverFor(identity)
	if err != nil {
		return err
	}
	c, err := client.New(client.Config{Caller: core.Caller, Server: url, State: store.State(identity.Name)})
	if err != nil {
		return err
	}
	defer c.Close()
	record, err := c.RecoverIdentity(ctx, r)
	if err != nil {
		return fmt.Errorf("recover %s: %w", identity.Name, err)
	}
	if err := store.Adopt(identity.Name, record); err != nil {
		return err
	}
	if r.Seed == nil {
		a.notef("The old key was not there: what was encrypted to %s until now stays closed.\n", identity.Name)
	}
	return a.afterChange(ctx, identity.Name, true)
}

// readRecovery reads a recovery key from a page or a file. Of a file the id is not known.
func (a *app) readRecovery(ctx context.Context, core abi.Client, file, id string) (*kit.Kit, error) {
	data, err := a.readPage(file)
	if err != nil {
		return nil, err
	}
	defer clear(data)
	if _, _, err := core.SealedInfo(ctx, data); err == nil {
		secret, err := a.openSealed(ctx, core, data, abi.SecretRecovery, "the recovery file")
		if err != nil {
			return nil, err
		}
		defer clear(secret)
		k := &kit.Kit{Kind: abi.SecretRecovery, Secret: [32]byte(secret), IDText: id}
		if id == "" {
			_, identity, err := a.identity()
			if err != nil {
				return nil, fmt.Errorf("whose recovery file is it? --as NAME, or --id ID: %w", err)
			}
			k.IDText, k.Server, k.Name = identity.ID, identity.Server, identity.Name
		}
		return k, nil
	}
	k, err := kit.Parse(string(data))
	if err != nil {
		return nil, err
	}
	if k.Kind != abi.SecretRecovery {
		k.Clear()
		return nil, fmt.Errorf("%w: it is a recovery kit; use recrypt identity restore", errKitKind)
	}
	k.IDText, err = core.FormatID(ctx, abi.KindPerson, k.ID)
	return k, err
}

// readPage reads the text of a kit from a file, or what is typed or pasted.
func (a *app) readPage(file string) ([]byte, error) {
	return a.readSmall(file, 64<<10, "Type the numbered lines or paste the code, then press Enter and Ctrl-D:\n")
}

// readSmall reads a file, or for "-" the standard input after a prompt to a terminal; of
// more than limit bytes only so many.
func (a *app) readSmall(file string, limit int64, prompt string) ([]byte, error) {
	var in io.Reader = a.stdin
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	} else if a.stdin != nil && term.IsTerminal(int(a.stdin.Fd())) {
		fmt.Fprint(a.stderr, prompt)
	}
	return io.ReadAll(io.LimitReader(in, limit))
}

// lostIdentity returns the identity to recover as this home has it, or makes it as the
// server has it, without a key.
func (a *app) lostIdentity(ctx context.Context, core abi.Client, store *keystore.Store, k *kit.Kit) (*keystore.Identity, error) {
	if identity, err := store.ByID(k.IDText); err != nil || identity != nil {
		return identity, err
	}
	name := first(a.as, k.Name)
	if name == "" {
		return nil, usage("say how to call the identity here: --as NAME")
	}
	if err := store.Available(name); err != nil {
		return nil, err
	}
	identity, server, _, err := a.fetchIdentity(ctx, core, name, k.IDText, k.Server)
	if err != nil {
		return nil, err
	}
	if err := store.Create(*identity, keystore.Secrets{}); err != nil {
		return nil, err
	}
	return identity, store.State(name).PinServer(identity.Server, server)
}

// fetchIdentity looks an identity up that this home does not have. It returns the server's
// record too, to be pinned.
func (a *app) fetchIdentity(ctx context.Context, core abi.Client, name, id, server string) (*keystore.Identity, []byte, *abi.Identity, error) {
	url, err := a.serverFor(&keystore.Identity{Server: server})
	if err != nil {
		return nil, nil, nil, err
	}
	c, err := client.New(client.Config{Caller: core.Caller, Server: url})
	if err != nil {
		return nil, nil, nil, err
	}
	defer c.Close()
	_, serverID, serverRecord, err := c.Service(ctx)
	if err != nil {
		return nil, nil, nil, err
	}
	opened, record, err := c.LookUp(ctx, id)
	if err != nil {
		return nil, nil, nil, err
	}
	return &keystore.Identity{Name: name, ID: id, Server: url, ServerID: serverID, Record: record}, serverRecord, opened, nil
}

// freshSeeds makes the next seeds and keeps them, or takes those of an attempt before.
func (a *app) freshSeeds(ctx context.Context, core abi.Client, store *keystore.Store, name string, renew bool) (seed, recovery []byte, err error) {
	prepared, err := store.Prepared(name)
	if err != nil {
		return nil, nil, err
	}
	if prepared != nil {
		if seed, err = a.openSealed(ctx, core, prepared.Seed, abi.SecretSeed, name); err != nil || prepared.Recovery == nil {
			return seed, nil, err
		}
		recovery, err = a.openSealed(ctx, core, prepared.Recovery, abi.SecretRecovery, name)
		return seed, recovery, err
	}
	passphrase, err := a.newPassphrase(name)
	if err != nil {
		return nil, nil, err
	}
	defer clear(passphrase)
	var secrets keystore.Secrets
	seed = make([]byte, 32)
	rand.Read(seed)
	if secrets.Seed, err = sealOne(ctx, core, passphrase, abi.SecretSeed, seed); err != nil {
		return nil, nil, err
	}
	if renew {
		recovery = make([]byte, 32)
		rand.Read(recovery)
		if secrets.Recovery, err = sealOne(ctx, core, passphrase, abi.SecretRecovery, recovery); err != nil {
			return nil, nil, err
		}
	}
	return seed, recovery, store.Prepare(name, secrets)
}
