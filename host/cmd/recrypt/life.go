package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/keystore"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

func (a *app) rotateIdentityCommand() *cobra.Command {
	return &cobra.Command{
		Use: "rotate [NAME]", Short: "Give an identity new keys, for example after a leak",
		Long: `Give an identity new keys from a new seed. The id stays. The old seed is kept, sealed
under the new one, so that everything stays readable; collections get a new epoch, and
your readers the keys of it.

Others who have granted you access have to allow the new keys: they see that they have
changed, compare the safety number with you, and run recrypt contact confirm and
recrypt regrant. Your other devices and your recovery kit have to be made anew.

Whoever has the old seed still opens what was encrypted until now. If it broke off,
run it again: it goes on where it was.`,
		Example: "  recrypt identity rotate", Args: atMostName,
		RunE: action(func(cmd *cobra.Command, args []string) error {
			a.as = first(append(args, a.as)...)
			return a.rotateIdentity(cmd.Context())
		}),
	}
}

// rotateIdentity makes new keys, keeps them, and only then tells the server.
func (a *app) rotateIdentity(ctx context.Context) error {
	s, err := a.open(ctx, "")
	if err != nil {
		return err
	}
	defer s.close()
	core, err := a.core(ctx)
	if err != nil {
		return err
	}
	seed, err := a.nextSeed(ctx, core, s)
	if err != nil {
		return err
	}
	defer clear(seed)
	record, err := s.RotateIdentity(ctx, seed, nil)
	if err != nil {
		return fmt.Errorf("rotate identity %s: %w", s.identity.Name, err)
	}
	if err := s.store.Adopt(s.identity.Name, record); err != nil {
		return err
	}
	return a.afterChange(ctx, s.identity.Name, false)
}

// nextSeed returns the seed of the next keys: the one that an earlier attempt has
// prepared, or a new one, which is sealed as the present one is.
func (a *app) nextSeed(ctx context.Context, core abi.Client, s *session) ([]byte, error) {
	name := s.identity.Name
	prepared, err := s.store.Prepared(name)
	if err != nil {
		return nil, err
	}
	if prepared != nil {
		return a.openSealed(ctx, core, prepared.Seed, abi.SecretSeed, name)
	}
	sealed, err := s.store.SealedSeed(name)
	if err != nil {
		return nil, err
	}
	_, needs, err := core.SealedInfo(ctx, sealed)
	if err != nil {
		return nil, err
	}
	var passphrase []byte
	if needs {
		if passphrase, err = a.passphrase("passphrase of " + name + ", to seal the new keys: "); err != nil {
			return nil, err
		}
		defer clear(passphrase)
		// It has to be the one that opens the present keys: a typing error would lock the new ones away.
		_, old, err := core.OpenSeed(ctx, passphrase, sealed)
		clear(old)
		if err != nil {
			return nil, fmt.Errorf("identity %s: %w", name, err)
		}
	}
	seed := make([]byte, 32)
	rand.Read(seed)
	sealed, err = sealOne(ctx, core, passphrase, abi.SecretSeed, seed)
	if err == nil {
		err = s.store.Prepare(name, keystore.Secrets{Seed: sealed})
	}
	if err != nil {
		clear(seed)
		return nil, err
	}
	return seed, nil
}

// openSealed opens a sealed secret of a kind, with the passphrase if it needs one.
func (a *app) openSealed(ctx context.Context, core abi.Client, sealed []byte, want uint8, whose string) ([]byte, error) {
	kind, needs, err := core.SealedInfo(ctx, sealed)
	if err != nil || kind != want {
		return nil, fmt.Errorf("%w: it is not the key file that is needed here", keystore.ErrDamaged)
	}
	var passphrase []byte
	if needs {
		if passphrase, err = a.passphrase("passphrase of " + whose + ": "); err != nil {
			return nil, err
		}
		defer clear(passphrase)
	}
	_, secret, err := core.OpenSeed(ctx, passphrase, sealed)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", whose, err)
	}
	return secret, nil
}

// sealOne seals one secret; without a passphrase it only frames it.
func sealOne(ctx context.Context, core abi.Client, passphrase []byte, kind uint8, secret []byte) ([]byte, error) {
	memory, passes := uint32(sealMemoryKiB), uint32(sealPasses)
	if passphrase == nil {
		memory, passes = 0, 0
	}
	return core.SealSeed(ctx, passphrase, kind, secret, memory, passes)
}

// afterChange does what new keys need: new epochs, and grants again. If that fails, the
// keys are changed all the same, and recrypt regrant completes it. recovered: by the
// recovery key.
func (a *app) afterChange(ctx context.Context, name string, recovered bool) error {
	a.as = name
	s, err := a.open(ctx, "")
	if err != nil {
		return err
	}
	defer s.close()
	bar := a.counter("opening new epochs")
	defer bar.done()
	info, failed := s.Regrant(ctx, bar.steps)
	bar.done()
	if info == nil {
		info = &client.RegrantInfo{}
	}
	core, err := a.core(ctx)
	if err != nil {
		return err
	}
	opened, err := core.OpenIdentity(ctx, s.Identity())
	if err != nil {
		return err
	}
	if a.json {
		out := map[string]any{"id": s.identity.ID, "name": name, "version": opened.Version, "kept": grantsJSON(info.Kept)}
		if failed == nil {
			out["rotated"], out["regranted"] = append([]string{}, info.Rotated...), grantsJSON(info.Regranted)
		}
		if err := a.printJSON(out); err != nil {
			return err
		}
	} else {
		a.printf("identity %s has new keys (version %d); its id stays %s\n", name, opened.Version, s.identity.ID)
		if failed == nil && len(info.Rotated) > 0 {
			a.printf("%s of yours in a new epoch, and its readers have the keys\n", count(len(info.Rotated), "collection"))
		}
		a.printKept(s, info)
		if recovered {
			a.notef("Whoever had the old key may have let readers in as you: look at recrypt grants before you write anything.\n" +
				"Collections that were changed with keys that are overridden now have no readers: grant again whom you know.\n")
		}
		a.notef("Make a new recovery kit (recrypt identity kit), and export the identity anew for other devices.\n")
	}
	if failed != nil {
		return fmt.Errorf("the keys are changed, but not everything that they need; run recrypt regrant: %w", failed)
	}
	return nil
}

// printKept names the readers who were taken over into new epochs. A thief of the keys may
// have added some of them, and nothing but their names tells.
func (a *app) printKept(s *session, info *client.RegrantInfo) {
	if len(info.Kept) == 0 {
		return
	}
	a.printf("readers of the new epochs; revoke whom you do not know before you write anything:\n")
	for _, g := range info.Kept {
		a.printf("  %s, collection %s (%s)\n", name(s.store.Nickname(g.Reader), g.Reader), g.Collection, terms(g))
	}
}

func (a *app) regrantCommand() *cobra.Command {
	return &cobra.Command{
		Use: "regrant", Short: "Grant again what a change of keys has suspended, or the server has lost",
		Long: `Grant again, in one act, what was suspended because keys have changed: to readers whose
new keys you have confirmed (recrypt contact confirm), with the terms that they had. If
your own keys have changed, your collections get a new epoch.

Grants that recrypt grants shows as lost, because the server has lost what it needs for
them, are made again as well, if their readers have still the keys that they had. Whom you
have revoked since is not let in again.`,
		Example: "  recrypt safety bob                compare with Bob\n  recrypt contact confirm bob\n  recrypt regrant",
		Args:    noArgs,
		RunE:    action(func(cmd *cobra.Command, _ []string) error { return a.regrant(cmd.Context()) }),
	}
}

func (a *app) regrant(ctx context.Context) error {
	s, err := a.open(ctx, "")
	if err != nil {
		return err
	}
	defer s.close()
	bar := a.counter("granting again")
	defer bar.done()
	info, err := s.Regrant(ctx, bar.steps)
	bar.done()
	if err != nil {
		if info != nil && !a.json {
			a.printKept(s, info)
		}
		return fmt.Errorf("regrant: %w", err)
	}
	if a.json {
		return a.printJSON(map[string]any{"regranted": grantsJSON(info.Regranted), "lost": info.Lost, "blocked": append([]string{}, info.Blocked...),
			"rotated": append([]string{}, info.Rotated...), "kept": grantsJSON(info.Kept)})
	}
	for _, g := range info.Regranted {
		a.printf("%s has access again (%s)\n", name(s.store.Nickname(g.Reader), g.Reader), terms(g))
	}
	if info.Lost > 0 {
		a.notef("the server had lost what it needs for %d of them\n", info.Lost)
	}
	for _, id := range info.Rotated {
		a.printf("collection %s has a new epoch\n", id)
	}
	a.printKept(s, info)
	for _, id := range info.Blocked {
		who := name(s.store.Nickname(id), id)
		a.printf("%s has new keys: compare recrypt safety %s, then recrypt contact confirm %s\n", who, who, who)
	}
	if len(info.Regranted)+len(info.Blocked)+len(info.Rotated) == 0 {
		a.printf("nothing was suspended or lost\n")
	}
	return nil
}

// finishChange completes a change of keys that broke off after the server had taken it. It
// returns whether it did.
func (a *app) finishChange(ctx context.Context, core abi.Client, store *keystore.Store, identity *keystore.Identity, url string) (bool, error) {
	prepared, err := store.Prepared(identity.Name)
	if err != nil || prepared == nil {
		return false, err
	}
	public, err := client.New(client.Config{Caller: core.Caller, Server: url, State: store.State(identity.Name)})
	if err != nil {
		return false, err
	}
	defer public.Close()
	_, record, err := public.LookUp(ctx, identity.ID)
	if err != nil {
		return false, err
	}
	seed, err := a.openSealed(ctx, core, prepared.Seed, abi.SecretSeed, identity.Name)
	if err != nil {
		return false, err
	}
	defer clear(seed)
	c, err := client.New(client.Config{Caller: core.Caller, Server: url, Seed: seed, Identity: record})
	if err != nil {
		return false, nil // the server has not taken it: the present keys are still the ones
	}
	c.Close()
	if err := store.Adopt(identity.Name, record); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	a.notef("completed the change of keys of %s\n", identity.Name)
	return true, nil
}
