package client_test

import (
	"errors"
	"net/http"
	"slices"
	"testing"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/hosttest"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// steal changes the keys of an identity as who has stolen its seed does. It returns a
// client of the thief and his identity.
func steal(t *testing.T, p *hosttest.Person, url string) (*client.Client, []byte) {
	t.Helper()
	seed := hosttest.Random(32)
	record, err := device(t, p, url).RotateIdentity(ctx, seed, nil)
	if err != nil {
		t.Fatal(err)
	}
	thief := withKeys(p, seed, record)
	thief.State = client.NewMemoryState()
	return thief.Client(t, url), record
}

// recovered takes an identity back by its recovery key.
func recovered(t *testing.T, p *hosttest.Person, url string, recovery []byte) *hosttest.Person {
	t.Helper()
	anybody, err := client.New(client.Config{Caller: hosttest.Caller(t), Server: url, State: p.State})
	if err != nil {
		t.Fatal(err)
	}
	r := client.Recovery{ID: p.ID, Recovery: recovery, Seed: p.Seed, NewSeed: hosttest.Random(32), NewRecovery: hosttest.Random(32)}
	record, err := anybody.RecoverIdentity(ctx, r)
	if err != nil {
		t.Fatal(err)
	}
	return withKeys(p, r.NewSeed, record)
}

// A robbery is what a thief of Dora's seed has left behind: he has changed her keys, opened
// epochs of her collections under his, and let Mallet in. Then she has recovered.
type robbery struct {
	*cast
	dora          *hosttest.Person
	owner, thief  *client.Client
	photos        string // a collection
	old, inPhotos []byte // documents of before
	theirs        []byte // the thief's document, under his keys
}

func rob(t *testing.T) *robbery {
	t.Helper()
	r := &robbery{cast: newCast(t)}
	url := r.server.URL
	dora, recovery := recoverable(t, url)
	d := dora.Client(t, url)
	r.photos = create(t, d, "photos", client.CollectionOptions{Deposit: client.DepositOpen}).ID
	r.old = encrypt(t, d, []byte("dora's"))
	r.inPhotos, _ = encryptIn(t, d, []byte("a photo"), client.EncryptOptions{Collection: "photos"})
	grant(t, d, r.bob.ID, client.GrantOptions{})
	opens(t, r.b, r.old, "dora's")
	r.thief, _ = steal(t, dora, url)
	info, err := r.thief.Regrant(ctx, nil)
	if err != nil || len(info.Rotated) != 2 {
		t.Fatalf("%+v, %v", info, err)
	}
	if _, err := r.thief.Rotate(ctx, "photos", nil); err != nil { // one record of his after the other
		t.Fatal(err)
	}
	grant(t, r.thief, r.mallet.ID, client.GrantOptions{})
	create(t, r.thief, "a trap", client.CollectionOptions{})
	r.theirs = encrypt(t, r.thief, []byte("the thief's"))
	if open, err := r.a.OpenCollections(ctx, dora.ID); err != nil || len(open) != 1 {
		t.Fatalf("%+v, %v", open, err)
	}
	r.dora = recovered(t, dora, url, recovery)
	r.owner = r.dora.Client(t, url)
	return r
}

// TestGoOnAfterTheft: what the thief has signed stays in the chains, and hinders in nothing.
func TestGoOnAfterTheft(t *testing.T) {
	type act func(r *robbery) error
	acts := map[string]act{
		"regrant":    func(r *robbery) error { _, err := r.owner.Regrant(ctx, nil); return err },
		"rotate":     func(r *robbery) error { _, err := r.owner.Rotate(ctx, "", nil); return err },
		"revoke bob": func(r *robbery) error { _, err := r.owner.Revoke(ctx, r.bob.ID, client.RevokeOptions{}); return err },
		"revoke mallet": func(r *robbery) error {
			_, err := r.owner.Revoke(ctx, r.mallet.ID, client.RevokeOptions{})
			return err
		},
		"grant": func(r *robbery) error { _, err := r.owner.Grant(ctx, r.charlie.ID, client.GrantOptions{}); return err },
		"create": func(r *robbery) error {
			_, err := r.owner.CreateCollection(ctx, "fresh", client.CollectionOptions{})
			return err
		},
		"link":  func(r *robbery) error { _, err := r.owner.GrantLink(ctx, client.LinkOptions{}); return err },
		"write": func(r *robbery) error { _, err := r.owner.CreateKey(ctx); return err },
	}
	for name, first := range acts {
		t.Run(name+" first", func(t *testing.T) {
			r := rob(t)
			if err := first(r); err != nil {
				t.Fatal(err)
			}
			r.goesOn(t)
		})
	}
}

// goesOn does all that an owner does.
func (r *robbery) goesOn(t *testing.T) {
	t.Helper()
	o := r.owner
	if _, err := o.Grants(ctx); err != nil {
		t.Errorf("grants: %v", err)
	}
	if _, err := o.Ledger(ctx, 0, func(client.LedgerLine) error { return nil }); err != nil {
		t.Errorf("ledger: %v", err)
	}
	if report, err := o.Audit(ctx, nil); err != nil {
		t.Errorf("audit: %+v, %v", report, err)
	}
	if _, err := o.Regrant(ctx, nil); err != nil {
		t.Errorf("regrant: %v", err)
	}
	if info, err := o.Rotate(ctx, "photos", nil); err != nil || info.Title != "photos" || info.Collection != r.photos {
		t.Errorf("rotate: %+v, %v", info, err)
	}
	if _, err := o.Revoke(ctx, r.mallet.ID, client.RevokeOptions{}); err != nil && !errors.Is(err, client.ErrNoGrant) {
		t.Errorf("revoke: %v", err)
	}
	grant(t, o, r.charlie.ID, client.GrantOptions{})
	all, err := o.Collections(ctx)
	if err != nil || !slices.ContainsFunc(all, func(c client.CollectionInfo) bool { return c.Title == "photos" && c.Deposit == client.DepositOpen }) ||
		slices.ContainsFunc(all, func(c client.CollectionInfo) bool { return c.Title == "a trap" }) {
		t.Errorf("collections: %+v, %v", all, err)
	}
	// He and others read what was there and what is new; the thief's friend reads neither,
	// and nobody takes the thief's document for hers.
	fresh := encrypt(t, o, []byte("new"))
	for _, c := range []*client.Client{o, r.c} {
		opens(t, c, fresh, "new")
		opens(t, c, r.old, "dora's")
		if got, _, err := decrypt(c, r.theirs, client.DecryptOptions{}); err == nil || len(got) != 0 {
			t.Errorf("the thief's document opens: %q", got)
		}
	}
	opens(t, o, r.inPhotos, "a photo")
	closed(t, r.m, fresh)
	if _, err := r.thief.Grants(ctx); !errors.Is(err, client.ErrSignature) {
		t.Errorf("the thief goes on: %v", err)
	}
	// The letter box takes letters again.
	if open, err := r.a.OpenCollections(ctx, r.dora.ID); err != nil || len(open) != 1 || open[0].ID != r.photos {
		t.Errorf("open collections: %+v, %v", open, err)
	}
	letter, _ := encryptIn(t, r.a, []byte("a letter"), client.EncryptOptions{To: r.dora.ID, Collection: r.photos})
	opens(t, o, letter, "a letter")
}

// TestNoDepositAfterTheft: before the owner has gone on, nobody writes to the thief.
func TestNoDepositAfterTheft(t *testing.T) {
	r := rob(t)
	if open, err := r.a.OpenCollections(ctx, r.dora.ID); err != nil || len(open) != 0 {
		t.Errorf("open collections: %+v, %v", open, err)
	}
	out := &nothing{}
	if _, err := r.a.Encrypt(ctx, out, out, client.EncryptOptions{To: r.dora.ID, Collection: r.photos}); err == nil {
		t.Error("deposited under the thief's key")
	}
}

// nothing is an empty file.
type nothing struct{}

func (nothing) Read([]byte) (int, error)    { return 0, errNothing }
func (nothing) Write(b []byte) (int, error) { return len(b), nil }

var errNothing = errors.New("nothing is read before it is known where it goes")

// TestChainAfterTheft: the server cannot put anything in the place of an overridden record.
func TestChainAfterTheft(t *testing.T) {
	r := rob(t)
	encrypt(t, r.owner, []byte("new")) // opens an epoch
	prefix := "/v1/collections/"
	for what, change := range map[string]func(a *api.Collection){
		"nothing":       nil,
		"one bit of it": func(a *api.Collection) { a.Records[len(a.Records)-2] = flipped(a.Records[len(a.Records)-2], -1) },
		"left out": func(a *api.Collection) {
			a.Records = slices.Delete(slices.Clone(a.Records), len(a.Records)-2, len(a.Records)-1)
		},
		"twice": func(a *api.Collection) {
			a.Records = slices.Insert(slices.Clone(a.Records), len(a.Records)-1, a.Records[len(a.Records)-2])
		},
		"everything after it":               func(a *api.Collection) { a.Records = a.Records[:len(a.Records)-1] },
		"bytes that only begin as a record": func(a *api.Collection) { a.Records = append(slices.Clone(a.Records), flipped(a.Records[1], 80)[:300]) },
		"the last one again, altered": func(a *api.Collection) {
			a.Records = append(slices.Clone(a.Records), flipped(a.Records[len(a.Records)-1], -1))
		},
	} {
		fresh := again(t, r.cast, r.dora)
		if change != nil {
			r.play(alter(t, http.MethodGet, prefix, change))
		}
		_, err := fresh.CreateKey(ctx)
		r.play(nil)
		if (err == nil) != (change == nil) {
			t.Errorf("%s: %v", what, err)
		}
		if err != nil && !errors.Is(err, client.ErrVerification) && !errors.Is(err, client.ErrNotLogged) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestThiefsReaderIsShown: a thief of the seed who has not changed the keys has let his own
// reader in, which is a good grant. Who reads on is told after the recovery.
func TestThiefsReaderIsShown(t *testing.T) {
	x := newCast(t)
	url := x.server.URL
	dora, recovery := recoverable(t, url)
	d := dora.Client(t, url)
	encrypt(t, d, []byte("dora's"))
	grant(t, d, x.bob.ID, client.GrantOptions{})
	grant(t, device(t, dora, url), x.mallet.ID, client.GrantOptions{})
	o := recovered(t, dora, url, recovery).Client(t, url)
	info, err := o.Regrant(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	var kept []string
	for _, g := range info.Kept {
		kept = append(kept, g.Reader)
	}
	if len(kept) != 2 || !slices.Contains(kept, x.bob.ID) || !slices.Contains(kept, x.mallet.ID) {
		t.Errorf("kept %v, rotated %v", kept, info.Rotated)
	}
	if _, err := o.Revoke(ctx, x.mallet.ID, client.RevokeOptions{}); err != nil {
		t.Fatal(err)
	}
	document := encrypt(t, o, []byte("after the recovery"))
	closed(t, x.m, document)
	opens(t, x.b, document, "after the recovery")
	if info, err = o.Regrant(ctx, nil); err != nil || len(info.Kept)+len(info.Rotated) != 0 {
		t.Errorf("again: %+v, %v", info, err)
	}
}

// TestReplacedRecoveryKey: who finds an old recovery kit cannot use it any more.
func TestReplacedRecoveryKey(t *testing.T) {
	x := newCast(t)
	url := x.server.URL
	dora, old := recoverable(t, url)
	seed := hosttest.Random(32)
	if _, err := dora.Client(t, url).RotateIdentity(ctx, seed, nil); err != nil {
		t.Fatal(err)
	}
	anybody := withoutKeys(t, url)
	next := client.Recovery{ID: dora.ID, Recovery: old, Seed: seed, NewSeed: hosttest.Random(32), NewRecovery: hosttest.Random(32)}
	record, err := anybody.RecoverIdentity(ctx, next)
	if err != nil {
		t.Fatal(err)
	}
	if v, _, err := x.a.LookUp(ctx, dora.ID); err != nil || v.Version != 3 {
		t.Fatal(v, err)
	}
	for what, identity := range map[string][]byte{"what he has": dora.Record, "what the server has": nil} {
		evil := client.Recovery{ID: dora.ID, Identity: identity, Recovery: old, NewSeed: hosttest.Random(32), NewRecovery: hosttest.Random(32)}
		if _, err := withoutKeys(t, url).RecoverIdentity(ctx, evil); err == nil {
			t.Errorf("the finder of the old kit has it, with %s", what)
		}
	}
	if v, _, err := x.a.LookUp(ctx, dora.ID); err != nil || v.Version != 3 {
		t.Error(v, err)
	}
	if _, err = withKeys(dora, next.NewSeed, record).Client(t, url).Grants(ctx); err != nil {
		t.Errorf("the owner: %v", err)
	}
	// A server that takes it all the same is caught by whoever knows better.
	evil, err := (abi.Client{Caller: hosttest.Caller(t)}).RotateIdentity(ctx, nil, old, hosttest.Random(32), nil, dora.Record, 1, []byte{abi.Suite256})
	if err != nil {
		t.Fatal(err)
	}
	x.play(alter(t, http.MethodGet, "/v1/identities/"+dora.ID, func(a *api.Identity) { a.Record = evil }))
	if v, _, err := x.a.LookUp(ctx, dora.ID); err == nil {
		t.Errorf("shown version %d of who found the old kit", v.Version)
	}
}

// withoutKeys is a client of nobody.
func withoutKeys(t *testing.T, url string) *client.Client {
	t.Helper()
	c, err := client.New(client.Config{Caller: hosttest.Caller(t), Server: url, State: client.NewMemoryState()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}
