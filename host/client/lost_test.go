package client_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/hosttest"
)

// lose starts the server of a cast again without its keyring.
func lose(t *testing.T, x *cast) {
	t.Helper()
	x.server = x.server.LoseKeyring(t, hosttest.Options{Wrap: x.wrap})
}

// statuses counts what somebody has granted by status.
func statuses(t *testing.T, c *client.Client) map[string]int {
	t.Helper()
	list, err := c.Grants(ctx)
	if err != nil {
		t.Fatal(err)
	}
	n := map[string]int{}
	for _, g := range list.Issued {
		n[g.Status]++
	}
	return n
}

// TestRegrantLost: the server has lost its keyring. All grants are shown as lost and open
// nothing; one act makes them again, without anybody's safety number, and on their terms.
func TestRegrantLost(t *testing.T) {
	x := newCast(t)
	create(t, x.a, "photos", client.CollectionOptions{})
	old := encrypt(t, x.a, []byte("old"))
	photo, _ := encryptIn(t, x.a, []byte("photo"), client.EncryptOptions{Collection: "photos"})
	grant(t, x.a, x.bob.ID, client.GrantOptions{Collection: "photos"})
	grant(t, x.a, x.bob.ID, client.GrantOptions{})
	grant(t, x.a, x.charlie.ID, client.GrantOptions{Expires: time.Hour})
	grant(t, x.a, x.mallet.ID, client.GrantOptions{})
	if _, err := x.a.Revoke(ctx, x.mallet.ID, client.RevokeOptions{}); err != nil { // a second epoch
		t.Fatal(err)
	}
	young := encrypt(t, x.a, []byte("young"))
	opens(t, x.c, young, "young")

	lose(t, x)
	for _, document := range [][]byte{old, young, photo} {
		closed(t, x.b, document)
	}
	if n := statuses(t, x.a); n[api.GrantLost] != 5 || n[api.GrantRevoked] != 1 || len(n) != 2 {
		t.Errorf("%v", n)
	}
	opens(t, x.a, old, "old")

	other := again(t, x, x.alice) // any device will do
	info, err := other.Regrant(ctx, nil)
	if err != nil || len(info.Regranted) != 3 || info.Lost != 3 || len(info.Blocked)+len(info.Rotated) != 0 {
		t.Fatalf("%+v, %v", info, err)
	}
	if i := slices.IndexFunc(info.Regranted, func(g client.GrantInfo) bool { return g.Reader == x.charlie.ID }); i < 0 || info.Regranted[i].Expires.IsZero() {
		t.Errorf("the terms: %+v", info.Regranted)
	}
	opens(t, x.b, old, "old")
	opens(t, x.b, young, "young")
	opens(t, x.b, photo, "photo")
	opens(t, x.c, old, "old")
	closed(t, x.m, old)
	if n := statuses(t, x.a); n[api.GrantLost] != 0 || n[api.GrantActive] != 5 {
		t.Errorf("%v", n)
	}
	if info, err := x.a.Regrant(ctx, nil); err != nil || len(info.Regranted) != 0 {
		t.Errorf("again: %+v, %v", info, err)
	}
	x.server = x.server.Restart(t, hosttest.Options{Wrap: x.wrap}) // with its keyring
	opens(t, x.b, old, "old")
}

// TestRegrantLostAndChanged: a lost grant to somebody who has new keys waits for these to be
// confirmed; everybody else's does not.
func TestRegrantLostAndChanged(t *testing.T) {
	x := newCast(t)
	old := encrypt(t, x.a, []byte("old"))
	grant(t, x.a, x.bob.ID, client.GrantOptions{})
	grant(t, x.a, x.charlie.ID, client.GrantOptions{})
	lose(t, x)
	_, b := newKeys(t, x, x.bob, x.b)
	info, err := x.a.Regrant(ctx, nil)
	if err != nil || len(info.Regranted) != 1 || !slices.Equal(info.Blocked, []string{x.bob.ID}) {
		t.Fatalf("%+v, %v", info, err)
	}
	opens(t, x.c, old, "old")
	closed(t, b, old)
	confirm(t, x.a, x.bob.ID)
	if info, err := x.a.Regrant(ctx, nil); err != nil || len(info.Regranted) != 1 || info.Lost != 1 {
		t.Fatalf("%+v, %v", info, err)
	}
	opens(t, b, old, "old")
}

// TestRevokeLost: a lost grant can be revoked, and is not made again; a new epoch is opened
// for the readers who remain.
func TestRevokeLost(t *testing.T) {
	x := newCast(t)
	old := encrypt(t, x.a, []byte("old"))
	grant(t, x.a, x.bob.ID, client.GrantOptions{})
	grant(t, x.a, x.charlie.ID, client.GrantOptions{})
	lose(t, x)
	if _, err := x.a.Revoke(ctx, x.bob.ID, client.RevokeOptions{}); err != nil {
		t.Fatal(err)
	}
	young := encrypt(t, x.a, []byte("young"))
	opens(t, x.c, young, "young")
	closed(t, x.c, old)
	if info, err := x.a.Regrant(ctx, nil); err != nil || len(info.Regranted) != 1 {
		t.Fatalf("%+v, %v", info, err)
	}
	opens(t, x.c, old, "old")
	for _, document := range [][]byte{old, young} {
		if got, _, err := decrypt(x.b, document, client.DecryptOptions{}); !errors.Is(err, client.ErrNoAccess) || len(got) != 0 {
			t.Errorf("%q, %v", got, err)
		}
	}
}
