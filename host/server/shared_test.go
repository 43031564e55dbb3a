package server_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/hosttest"
	"github.com/recrypt-service/recrypt/host/server"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/pgtest"
	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/dispatch"
)

// twoWorlds are two servers of one service on one database, which follow each other. People
// belong to both.
func twoWorlds(t *testing.T) (a, b *world) {
	a, b = standing(t)
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	for _, w := range []*world{a, b} {
		running.Go(func() { w.server.Run(ctx) })
	}
	t.Cleanup(func() { stop(); running.Wait() })
	return a, b
}

// standing are twoWorlds that do not follow each other yet.
func standing(t *testing.T) (a, b *world) {
	t.Setenv(hosttest.DatabaseEnv, "postgres")
	a = newWorld(t)
	b = &world{
		t: t, dir: t.TempDir(), database: a.database, suite: a.suite, cache: a.cache, kept: a.kept, caller: a.caller, core: a.core,
		seed: a.seed, service: a.service, clock: a.clock, log: &lockedBuffer{},
	}
	b.start()
	t.Cleanup(b.stop)
	return a, b
}

// eventually waits for what follows the log.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for limit := time.Now().Add(20 * time.Second); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatalf("never: %s", what)
		}
	}
}

// TestSharedRevocation: what one server revokes is closed at the other before the receipt is
// there, whatever that one keeps in memory, and leaves its memory a moment later.
func TestSharedRevocation(t *testing.T) {
	a, b := twoWorlds(t)
	alice, bob, charlie := a.join(), a.join(), a.join()
	a.grant(alice, bob, charlie)
	k := a.deposit(alice, alice)
	for _, w := range []*world{a, b} {
		w.read(bob, k)
		w.read(charlie, k)
	}
	if _, used := b.server.Transformed(); b.server.Prepared() != 2 || used == 0 {
		t.Fatalf("the second server keeps %d", b.server.Prepared())
	}
	a.want("revoke", a.revoke(alice, bob), "")
	b.want("the other server refuses at once", b.get(bob, k.id), api.CodeNotFound)
	b.read(charlie, k)
	eventually(t, "the other server forgets", func() bool {
		b.read(charlie, k) // what is kept for him may be dropped with what came before
		values, _ := b.server.Transformed()
		return b.server.Prepared() == 1 && values == 1
	})

	a.rotate(alice, charlie)
	next := b.rotation(alice, abi.GrantFields{}, charlie) // the chain goes on at either server
	b.want("the next epoch, at the other server", b.call(alice, "POST", api.PathGrants, next), "")
	alice.accept(next, charlie)
	for _, w := range []*world{b, a} {
		k := w.deposit(alice, alice)
		a.read(charlie, k)
		b.read(charlie, k)
	}
}

// TestSharedExpiry: a grant that one server has swept leaves the memory of the other.
func TestSharedExpiry(t *testing.T) {
	a, b := twoWorlds(t)
	alice, bob := a.join(), a.join()
	in := a.proposal(alice, abi.GrantFields{Expires: uint64(a.now().Add(time.Hour).UnixMilli())}, bob)
	a.want("grant", a.call(alice, "POST", api.PathGrants, in), "")
	alice.accept(in, bob)
	k := a.deposit(alice, alice)
	b.read(bob, k)
	a.advance(2 * time.Hour)
	if err := a.server.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.want("the database's clock is ahead of the other server's", b.get(bob, k.id), api.CodeNotFound)
	eventually(t, "the other server forgets", func() bool { return b.server.Prepared() == 0 })
}

// TestSharedReplay: a request that one server has taken is a replay at the other.
func TestSharedReplay(t *testing.T) {
	a, b := twoWorlds(t)
	alice := a.join()
	r := a.sign(alice, request("GET", api.PathGrants, nil), nil)
	a.want("first", a.do(r.Clone(t.Context())), "")
	b.want("at the other server", b.do(r.Clone(t.Context())), api.CodeReplay)
}

// atOnce sends a request to both servers at the same time.
func atOnce(a, b *world, p *person, path string, in any) (answers [2]reply) {
	var wg sync.WaitGroup
	for i, w := range []*world{a, b} {
		wg.Go(func() { answers[i] = w.call(p, "POST", path, in) })
	}
	wg.Wait()
	return answers
}

// TestSharedRaces: the same revocation at both servers gets one receipt; of two different
// records one is stored; a revocation and a record that contradict each other cannot both be.
func TestSharedRaces(t *testing.T) {
	a, b := twoWorlds(t)
	for range 12 {
		alice, bob, charlie := a.join(), a.join(), a.join()
		grant := a.proposal(alice, abi.GrantFields{}, bob)
		for i, r := range atOnce(a, b, alice, api.PathGrants, grant) {
			a.want([]string{"grant", "the same grant at the other server"}[i], r, "")
		}
		alice.accept(grant, bob)
		k := a.deposit(alice, alice)
		b.read(bob, k)

		one, two := a.rotation(alice, abi.GrantFields{}, bob), a.rotation(alice, abi.GrantFields{}, charlie)
		var answers [2]reply
		var wg sync.WaitGroup
		wg.Go(func() { answers[0] = a.call(alice, "POST", api.PathGrants, one) })
		wg.Go(func() { answers[1] = b.call(alice, "POST", api.PathGrants, two) })
		wg.Wait()
		won := 0
		if answers[0].status != 200 {
			won = 1
		}
		a.want("the record that came first", answers[won], "")
		a.want("the record that came second", answers[1-won], api.CodeConflict)
		if won == 0 {
			alice.accept(one, bob)
		} else {
			alice.accept(two, charlie)
		}

		revocation := api.RevokeAccess{Revocation: a.revocation(alice, bob)}
		receipts := atOnce(a, b, alice, api.PathRevocations, revocation)
		for _, r := range receipts {
			a.want("revoke", r, "")
		}
		if !bytes.Equal(receipts[0].body, receipts[1].body) {
			t.Error("two receipts for one revocation")
		}
		a.want("after the receipt", a.get(bob, k.id), api.CodeNotFound)
		b.want("after the receipt", b.get(bob, k.id), api.CodeNotFound)
	}
	for _, w := range []*world{a, b} {
		if problem := w.log.String(); strings.Contains(problem, "level=ERROR") {
			t.Error(problem)
		}
	}
}

// TestSharedRevokeRace: a grant and a revocation that race at two servers. Whatever comes
// first, after both were answered the reader opens exactly what the chain says.
func TestSharedRevokeRace(t *testing.T) {
	a, b := twoWorlds(t)
	outcomes := map[bool]int{}
	for range 12 {
		alice, bob := a.join(), a.join()
		a.grant(alice, bob)
		k := a.deposit(alice, alice)
		revocation := api.RevokeAccess{Revocation: a.revocation(alice, bob)}
		next := a.rotation(alice, abi.GrantFields{}, bob)
		next.Grants = append(next.Grants, a.again(alice, alice.collection, bob)...)
		var revoked, granted reply
		var wg sync.WaitGroup
		wg.Go(func() { revoked = a.call(alice, "POST", api.PathRevocations, revocation) })
		wg.Go(func() { granted = b.call(alice, "POST", api.PathGrants, next) })
		wg.Wait()
		b.want("the next epoch", granted, "") // with or without the revocation before it
		outcomes[revoked.status == 200]++
		if revoked.status != 200 {
			a.want("the revocation came second, and names an old record", revoked, api.CodeConflict)
		}
		a.read(bob, k)
		alice.accept(next, bob)
		a.want("revoke", b.revoke(alice, bob), "")
		a.want("after the receipt", a.get(bob, k.id), api.CodeNotFound)
	}
	t.Log(outcomes)
}

// TestSharedWitness: two servers have the same witness, and each has its confirmations
// although the other one shows it newer states all the time.
func TestSharedWitness(t *testing.T) {
	a, b := standing(t)
	one := a.witness("one.example", a.service.SigningKey)
	a.run(one)
	b.run(one)
	var last int64
	for range 4 {
		for _, w := range []*world{a, b} {
			w.join()
			var size int64
			eventually(t, "a confirmed checkpoint", func() bool {
				c := w.newestCheckpoint(one.Witness)
				size = c.Size
				return len(c.Witnesses) == 1
			})
			if size <= last {
				t.Errorf("%d leaves after %d", size, last)
			}
			last = size
		}
	}
	for _, w := range []*world{a, b} {
		if strings.Contains(w.log.String(), "no cosignature") {
			t.Error(w.log.String())
		}
	}
}

// TestServeDatabase: who may serve from a database, with which key, and which one is refused.
func TestServeDatabase(t *testing.T) {
	cluster := pgtest.Start(t, pgtest.Options{})
	name := must(cluster.Create(t.Context()))
	url := cluster.URL(name)
	first, second := t.TempDir(), t.TempDir()
	config := func(dir, url string) server.ServeConfig { return server.ServeConfig{DataDir: dir, Database: url} }

	_, stop := run(t, config(first, url))
	foreign := config(second, url)
	foreign.Listen, foreign.Caller = "127.0.0.1:0", dispatch.Native{}
	for range 2 { // whoever tries it again has not made a key that stays
		err := server.Serve(t.Context(), foreign)
		if !errors.Is(err, store.ErrForeign) || !strings.Contains(err.Error(), "copy server.key") {
			t.Fatalf("another server's database: %v", err)
		}
		if _, err := os.Stat(filepath.Join(second, "server.key")); err == nil {
			t.Fatal("a key was left behind")
		}
	}
	key := must(os.ReadFile(filepath.Join(first, "server.key")))
	elsewhere := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(elsewhere, key, 0o644); err != nil {
		t.Fatal(err)
	}
	beside := config(second, url)
	beside.KeyFile = elsewhere
	_, stopSecond := run(t, beside)
	if info := must(os.Stat(elsewhere)); info.Mode().Perm() != 0o600 {
		t.Errorf("the key is %v", info.Mode())
	}
	for _, dir := range []string{first, second} {
		if _, err := os.Stat(filepath.Join(dir, "recrypt.db")); err == nil {
			t.Error("a database in the folder as well")
		}
	}
	if err := errors.Join(stop(), stopSecond()); err != nil {
		t.Fatal(err)
	}

	// A database from before is refused by whoever has signed more.
	old := name + "_old"
	if err := cluster.Exec(t.Context(), "postgres", "CREATE DATABASE "+old+" TEMPLATE "+name); err != nil {
		t.Fatal(err)
	}
	at, stop := run(t, config(first, url))
	alice := hosttest.NewPerson(t, "alice")
	alice.Publish(t, at)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	behind := config(first, cluster.URL(old))
	behind.Listen, behind.Caller = "127.0.0.1:0", dispatch.Native{}
	if err := server.Serve(t.Context(), behind); !errors.Is(err, server.ErrOlderLog) {
		t.Errorf("an older database: %v", err)
	}

	// A keyring with keys is not emptied for a new database.
	fresh := config(first, cluster.Database(t))
	fresh.Keyring, fresh.Listen, fresh.Caller = url, "127.0.0.1:0", dispatch.Native{}
	at, stop = run(t, config(first, url))
	a, bob := alice.Client(t, at), hosttest.NewPerson(t, "bob")
	bob.Publish(t, at)
	if _, err := a.CreateKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Grant(t.Context(), bob.ID, client.GrantOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(first, "checkpoint")); err != nil {
		t.Fatal(err)
	}
	if err := server.Serve(t.Context(), fresh); err == nil || !strings.Contains(err.Error(), "would be emptied") {
		t.Errorf("a keyring beside a new database: %v", err)
	}
}

// TestOtherKeyring: a server with another keyring than the others is refused and touches
// nothing, unless its operator says that the keyring is lost.
func TestOtherKeyring(t *testing.T) {
	cluster := pgtest.Start(t, pgtest.Options{})
	url, other := cluster.Database(t), cluster.Database(t)
	dir := t.TempDir()
	cfg := server.ServeConfig{DataDir: dir, Database: url, Keyring: other, Listen: "127.0.0.1:0", Caller: dispatch.Native{}}
	at, stop := run(t, cfg)
	alice, bob := hosttest.NewPerson(t, "alice"), hosttest.NewPerson(t, "bob")
	a := alice.Client(t, at)
	alice.Publish(t, at)
	bob.Publish(t, at)
	key := must(a.CreateKey(t.Context()))
	must(a.Grant(t.Context(), bob.ID, client.GrantOptions{}))
	must(0, stop())

	cfg.Keyring = "" // that of the database itself, which has no key
	if err := server.Serve(t.Context(), cfg); !errors.Is(err, server.ErrKeyringLost) {
		t.Fatalf("another keyring: %v", err)
	}
	cfg.Keyring = other
	at, stop = run(t, cfg)
	must(bob.Client(t, at).GetKey(t.Context(), key.ID, client.OpenOptions{}))
	must(0, stop())

	cfg.Keyring, cfg.KeyringLost = "", true
	at, stop = run(t, cfg)
	if _, err := bob.Client(t, at).GetKey(t.Context(), key.ID, client.OpenOptions{}); !errors.Is(err, client.ErrNoAccess) {
		t.Errorf("with a lost keyring: %v", err)
	}
	if done, err := alice.Client(t, at).Regrant(t.Context(), nil); err != nil || done.Lost != 1 {
		t.Errorf("granted again: %+v, %v", done, err)
	}
	must(0, stop())
}

// TestSharedTimes: the owner grants at a server whose time is a little ahead, and revokes at the other.
func TestSharedTimes(t *testing.T) {
	a, b := standing(t)
	alice, bob := a.join(), a.join()
	a.want("b runs", b.do(request("GET", api.PathServer, nil)), "")
	b.want("b's time is stored", b.call(alice, "GET", api.PathGrants, nil), "")
	a.advance(600 * time.Millisecond)
	a.grant(alice, bob)
	b.want("revoke", b.revoke(alice, bob), "")
	path := strings.Replace(api.PathReaders, "{id}", api.FormatID(a.home(alice)), 1)
	list := decode[api.Readers](t, b.call(alice, "GET", path, nil))
	if len(list.Grants) != 1 {
		t.Errorf("the readers of the newest record are %d, not the one that was revoked after it: no client can open the next epoch", len(list.Grants))
	}
}
