package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/recrypt-service/recrypt/host/keystore"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// suiteFlag adds the flag of commands that open a person's collection if there is
// none yet.
func (a *app) suiteFlag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&a.suite, "suite", "", "`SUITE` of your collection, which the first command that needs it opens: recrypt480 (stronger) or recrypt256 (faster); it stays (default: the strongest of your identity)")
}

// suiteNumber reads --suite, 0 if it is not given.
func (a *app) suiteNumber(ctx context.Context, core abi.Client) (uint8, error) {
	if a.suite == "" {
		return 0, nil
	}
	_, suites, err := core.Info(ctx)
	if err != nil {
		return 0, err
	}
	var names []string
	for _, s := range suites {
		if abi.SuiteName(s) == a.suite {
			return s, nil
		}
		names = append(names, abi.SuiteName(s))
	}
	return 0, usage("--suite takes %s", strings.Join(names, " or "))
}

// suiteNames names the suites of keys.
func suiteNames(keys []abi.SuiteKey) []string {
	out := make([]string, 0, len(keys))
	for _, k := range keys {
		out = append(out, abi.SuiteName(k.Suite))
	}
	return out
}

// updateIdentity gives an identity keys of all suites, publishes its new version, and
// keeps it.
func (a *app) updateIdentity(ctx context.Context, args []string) error {
	if len(args) > 0 {
		a.as = args[0]
	}
	s, err := a.open(ctx, "")
	if err != nil {
		return err
	}
	defer s.close()
	core, err := a.core(ctx)
	if err != nil {
		return err
	}
	_, suites, err := core.Info(ctx)
	if err != nil {
		return err
	}
	added, err := s.AddSuites(ctx, suites)
	if err != nil {
		return err
	}
	if err := s.store.SetRecord(s.identity.Name, s.Identity()); err != nil {
		return err
	}
	opened, err := core.OpenIdentity(ctx, s.Identity())
	if err != nil {
		return err
	}
	return a.printUpdate(s.identity, opened, added)
}

// printUpdate says which suites an identity has gained.
func (a *app) printUpdate(identity *keystore.Identity, opened *abi.Identity, added []uint8) error {
	names := make([]string, 0, len(added))
	for _, suite := range added {
		names = append(names, abi.SuiteName(suite))
	}
	switch {
	case a.json:
		return a.printJSON(map[string]any{
			"id": identity.ID, "name": identity.Name, "version": opened.Version,
			"suites": suiteNames(opened.Keys), "added": names,
		})
	case len(added) == 0:
		a.printf("identity %s has every suite already: %s\n", identity.Name, strings.Join(suiteNames(opened.Keys), ", "))
	default:
		a.printf("identity %s now has %s too (version %d, published)\n", identity.Name, strings.Join(names, ", "), opened.Version)
	}
	return nil
}
