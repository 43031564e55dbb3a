package client_test

import (
	"bytes"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/hosttest"
)

// newKeys changes the keys of a person, and returns who has them, with a client.
func newKeys(t testing.TB, x *cast, p *hosttest.Person, c *client.Client) (*hosttest.Person, *client.Client) {
	t.Helper()
	seed := hosttest.Random(32)
	record, err := c.RotateIdentity(ctx, seed, nil)
	if err != nil {
		t.Fatal(err)
	}
	next := withKeys(p, seed, record)
	return next, next.Client(t, x.server.URL)
}

// confirm compares the safety number with somebody and accepts the keys.
func confirm(t testing.TB, c *client.Client, id string) {
	t.Helper()
	_, err := c.SafetyNumber(ctx, id)
	if err = errors.Join(err, c.Confirm(ctx, id)); err != nil {
		t.Fatal(err)
	}
}

// TestRegrantReader: a reader's keys have changed. He is suspended, rotation leaves him
// behind, and once he is confirmed one act gives him everything back.
func TestRegrantReader(t *testing.T) {
	x := newCast(t)
	create(t, x.a, "photos", client.CollectionOptions{})
	photo, _ := encryptIn(t, x.a, []byte("photo"), client.EncryptOptions{Collection: "photos"})
	old, _ := encryptIn(t, x.a, []byte("old"), client.EncryptOptions{})
	for _, name := range []string{"", "photos"} {
		grant(t, x.a, x.bob.ID, client.GrantOptions{Collection: name})
		grant(t, x.a, x.charlie.ID, client.GrantOptions{Collection: name})
	}
	grant(t, x.a, x.mallet.ID, client.GrantOptions{})
	if info, err := x.a.Regrant(ctx, nil); err != nil || len(info.Regranted)+len(info.Blocked)+len(info.Rotated) != 0 {
		t.Errorf("nothing to do: %+v, %v", info, err)
	}
	_, b := newKeys(t, x, x.bob, x.b)
	if _, err := x.a.Revoke(ctx, x.mallet.ID, client.RevokeOptions{}); err != nil {
		t.Fatal(err)
	}
	if info, err := x.a.Rotate(ctx, "photos", nil); err != nil || info.Readers != 1 || info.Suspended != 1 {
		t.Errorf("%+v, %v", info, err)
	}
	newest, _ := encryptIn(t, x.a, []byte("newest"), client.EncryptOptions{Collection: "photos"})
	for _, document := range [][]byte{photo, old, newest} {
		closed(t, b, document)
	}
	info, err := x.a.Regrant(ctx, nil)
	if err != nil || len(info.Regranted)+len(info.Rotated) != 0 || !slices.Equal(info.Blocked, []string{x.bob.ID}) {
		t.Errorf("before he is confirmed: %+v, %v", info, err)
	}
	confirm(t, x.a, x.bob.ID)
	steps := 0
	info, err = x.a.Regrant(ctx, func(done, all int) { steps++ })
	if err != nil || len(info.Regranted) != 2 || len(info.Blocked)+len(info.Rotated) != 0 || steps != 2 {
		t.Errorf("%+v, %v", info, err)
	}
	opens(t, b, photo, "photo")
	opens(t, b, old, "old")
	opens(t, b, newest, "newest")
	opens(t, x.c, newest, "newest")
	if info, err := x.a.Regrant(ctx, nil); err != nil || len(info.Regranted)+len(info.Blocked) != 0 {
		t.Errorf("again: %+v, %v", info, err)
	}
}

// TestRegrantOlder: a reader whose old grants are suspended has got a new one on other
// terms. Regranting leaves that alone.
func TestRegrantOlder(t *testing.T) {
	x := newCast(t)
	old := encrypt(t, x.a, []byte("old"))
	grant(t, x.a, x.bob.ID, client.GrantOptions{})
	_, b := newKeys(t, x, x.bob, x.b)
	if _, err := x.a.Rotate(ctx, "", nil); err != nil {
		t.Fatal(err)
	}
	confirm(t, x.a, x.bob.ID)
	g := grant(t, x.a, x.bob.ID, client.GrantOptions{FromNow: true, Expires: time.Hour})
	closed(t, b, old)
	if info, err := x.a.Regrant(ctx, nil); err != nil || len(info.Regranted) != 1 || info.Regranted[0].Epoch != 0 {
		t.Errorf("%+v, %v", info, err)
	}
	opens(t, b, old, "old")
	list, err := x.a.Grants(ctx)
	if i := slices.IndexFunc(list.Issued, func(v client.GrantInfo) bool { return v.ID == g.ID }); err != nil || list.Issued[i].Status != api.GrantActive {
		t.Errorf("%+v, %v", list, err)
	}
}

// TestRegrantRevoked: the server calls suspended what was revoked, or hides the
// revocation in the ledger. The reader gets nothing back.
func TestRegrantRevoked(t *testing.T) {
	x := newCast(t)
	grant(t, x.a, x.bob.ID, client.GrantOptions{})
	grant(t, x.a, x.charlie.ID, client.GrantOptions{})
	list := listing(t, x.evil, x.a)
	_, b := newKeys(t, x, x.bob, x.b)
	if _, err := x.a.Revoke(ctx, x.bob.ID, client.RevokeOptions{}); err != nil {
		t.Fatal(err)
	}
	confirm(t, x.a, x.bob.ID)
	for i := range list.Issued {
		list.Issued[i].Status = api.GrantSuspended
	}
	lie := relist(list)
	try := func(what string, c *client.Client, trick trick) {
		t.Helper()
		x.play(trick)
		info, err := c.Regrant(ctx, nil)
		x.play(nil)
		if err == nil && slices.ContainsFunc(info.Regranted, func(g client.GrantInfo) bool { return g.Reader == x.bob.ID }) {
			t.Errorf("%s: %+v", what, info)
		}
		closed(t, b, encrypt(t, x.a, []byte("young")))
	}
	other := again(t, x, x.alice) // has only the ledger to go by
	confirm(t, other, x.bob.ID)
	try("another device", other, lie)
	hide := func(w http.ResponseWriter, r *http.Request, honest http.Handler) {
		on(http.MethodGet, "/v1/ledger/", func(w http.ResponseWriter, r *http.Request, honest http.Handler) {
			alter(t, http.MethodGet, "/v1/ledger/", func(v *api.Ledger) { v.Entries = nil })(w, r, honest)
		})(w, r, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { lie(w, r, honest) }))
	}
	try("the device that has revoked", x.a, hide)
}

// TestRegrantOwner: the owner's own keys have changed. What there was stays readable, by
// the proof of when it was deposited; the collections go on under the new keys.
func TestRegrantOwner(t *testing.T) {
	x := newCast(t)
	create(t, x.a, "results", client.CollectionOptions{Deposit: client.DepositOpen})
	old := encrypt(t, x.a, []byte("old"))
	result, _ := encryptIn(t, x.a, []byte("result"), client.EncryptOptions{Collection: "results"})
	for _, name := range []string{"", "results"} {
		grant(t, x.a, x.bob.ID, client.GrantOptions{Collection: name})
	}
	_, a := newKeys(t, x, x.alice, x.a)
	opens(t, x.b, old, "old")
	opens(t, a, old, "old")
	if _, err := x.m.DepositKey(ctx, client.KeyOptions{To: x.alice.ID}); !errors.Is(err, client.ErrClosedEpoch) {
		t.Errorf("deposited under keys that were given up: %v", err)
	}
	young := encrypt(t, a, []byte("young")) // which opens an epoch
	opens(t, x.b, young, "young")
	info, err := a.Regrant(ctx, nil)
	if err != nil || len(info.Rotated) != 1 || len(info.Regranted)+len(info.Blocked) != 0 {
		t.Fatalf("%+v, %v", info, err)
	}
	list, err := a.Collections(ctx)
	if err != nil || len(list) != 2 {
		t.Fatal(list, err)
	}
	for _, v := range list {
		if v.Epoch != 1 || v.Readers != 1 || v.Default != (v.Title == "") || v.Title == "results" && v.ID != info.Rotated[0] {
			t.Errorf("%+v", v)
		}
	}
	document, _ := encryptIn(t, x.m, []byte("from outside"), client.EncryptOptions{To: x.alice.ID})
	if _, err := a.AcceptAuthor(ctx, "results", x.mallet.ID); err != nil {
		t.Fatal(err)
	}
	opens(t, x.b, document, "from outside")
	opens(t, x.b, result, "result")
	grant(t, a, x.charlie.ID, client.GrantOptions{Collection: "results"}) // old epochs, too
	opens(t, x.c, result, "result")
}

// TestSuperseded: a document is signed with keys that its author has given up since.
// Without the proof that it came before, it is not his.
func TestSuperseded(t *testing.T) {
	x := newCast(t)
	document, info := encryptIn(t, x.a, []byte("old"), client.EncryptOptions{})
	other := encrypt(t, x.a, []byte("other"))
	grant(t, x.a, x.bob.ID, client.GrantOptions{})
	alice, a := newKeys(t, x, x.alice, x.a)
	_, a = newKeys(t, x, alice, a) // twice: the proof is of the version that gave up the keys
	for who, c := range map[string]*client.Client{"reader": x.b, "owner": a} {
		if got, _, err := decrypt(c, document, client.DecryptOptions{From: x.alice.ID}); err != nil || string(got) != "old" {
			t.Errorf("%s: %q, %v", who, got, err)
		}
	}
	others := capture[api.Key](t, x.evil, http.MethodPost, "/v1/keys/", func() { opens(t, x.b, other, "other") })
	for name, change := range map[string]func(*api.Key){
		"no proof":         func(v *api.Key) { v.Deposited = nil },
		"another's":        func(v *api.Key) { v.Deposited = others.Deposited },
		"no salt":          func(v *api.Key) { v.Deposited.Salt = nil },
		"another salt":     func(v *api.Key) { v.Deposited.Salt = flipped(v.Deposited.Salt, 0) },
		"another time":     func(v *api.Key) { v.Deposited.Entry = flipped(v.Deposited.Entry, 33) },
		"no entry":         func(v *api.Key) { v.Deposited.Entry = nil },
		"another place":    func(v *api.Key) { v.Deposited.Logged.Index++ },
		"another version":  func(v *api.Key) { v.Deposited.Changed.Index-- },
		"no proof of keys": func(v *api.Key) { v.Deposited.Changed.Proof = nil },
	} {
		x.play(alter(t, http.MethodPost, "/v1/keys/", change))
		got, _, err := decrypt(x.b, document, client.DecryptOptions{})
		if !errors.Is(err, client.ErrVerification) && !errors.Is(err, client.ErrOldLog) || len(got) != 0 {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	x.play(nil)
	opened, err := x.b.OpenMany(ctx, []string{info.Key})
	if err != nil {
		t.Fatal(err)
	}
	defer opened.Close()
	var out bytes.Buffer
	if _, err := opened.Decrypt(ctx, &out, bytes.NewReader(document), client.DecryptOptions{}); err != nil || out.String() != "old" {
		t.Errorf("%q, %v", out.String(), err)
	}
}

// TestLostSeed: an identity is recovered without its seed. What was encrypted to it stays
// closed; its collections go on.
func TestLostSeed(t *testing.T) {
	x := newCast(t)
	seed := hosttest.Random(32)
	dora, recovery := recoverable(t, x.server.URL)
	d := dora.Client(t, x.server.URL)
	create(t, d, "photos", client.CollectionOptions{})
	old := encrypt(t, d, []byte("old"))
	grant(t, d, x.bob.ID, client.GrantOptions{})
	record, err := x.m.RecoverIdentity(ctx, client.Recovery{ID: dora.ID, Identity: dora.Record, Recovery: recovery, NewSeed: seed})
	if err != nil {
		t.Fatal(err)
	}
	next := withKeys(dora, seed, record)
	next.State = client.NewMemoryState()
	d = next.Client(t, x.server.URL)
	document := encrypt(t, d, []byte("young"))
	opens(t, x.b, document, "young")
	opens(t, x.b, old, "old")
	g := grant(t, d, x.charlie.ID, client.GrantOptions{})
	if g.Lost != 1 {
		t.Errorf("%+v", g)
	}
	opens(t, x.c, document, "young")
	closed(t, x.c, old)
	list, err := d.Collections(ctx)
	if err != nil || len(list) != 2 || !slices.ContainsFunc(list, func(v client.CollectionInfo) bool { return v.Default && v.Epoch == 1 && v.Readers == 2 }) {
		t.Errorf("%+v, %v", list, err)
	}
	if info, err := d.Regrant(ctx, nil); err != nil || len(info.Rotated) != 1 {
		t.Errorf("%+v, %v", info, err)
	}
}
