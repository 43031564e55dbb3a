package client_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/hosttest"
)

// encryptIn is encrypt with options.
func encryptIn(t testing.TB, c *client.Client, content []byte, o client.EncryptOptions) ([]byte, *client.DocumentInfo) {
	t.Helper()
	var out bytes.Buffer
	info, err := c.Encrypt(ctx, &out, bytes.NewReader(content), o)
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), info
}

// opens fails unless a document opens to content.
func opens(t testing.TB, c *client.Client, document []byte, content string) *client.DocumentInfo {
	t.Helper()
	got, info, err := decrypt(c, document, client.DecryptOptions{})
	if err != nil || string(got) != content {
		t.Errorf("got %q, %v, want %q", got, err, content)
	}
	return info
}

// closed fails unless a document is not ours to open.
func closed(t testing.TB, c *client.Client, document []byte) {
	t.Helper()
	got, _, err := decrypt(c, document, client.DecryptOptions{})
	if !errors.Is(err, client.ErrNoAccess) || len(got) != 0 {
		t.Errorf("released %q, %v", got, err)
	}
}

func create(t testing.TB, c *client.Client, title string, o client.CollectionOptions) *client.CollectionInfo {
	t.Helper()
	info, err := c.CreateCollection(ctx, title, o)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

// again returns a client of a person that remembers nothing: another device.
func again(t testing.TB, x *cast, p *hosttest.Person) *client.Client {
	t.Helper()
	device := *p
	device.State = client.NewMemoryState()
	return device.Client(t, x.server.URL)
}

// TestCollections: a grant covers one collection and nothing else; collections are named
// by title or id, and titles are for their owner only.
func TestCollections(t *testing.T) {
	x := newCast(t)
	holiday := create(t, x.a, "Holiday 2026", client.CollectionOptions{})
	medical := create(t, x.a, "Mädizin", client.CollectionOptions{Deposit: client.DepositListed, Authors: []string{x.mallet.ID, x.alice.ID}})
	in := func(name string) client.EncryptOptions { return client.EncryptOptions{Collection: name} }
	photo, info := encryptIn(t, x.a, []byte("beach"), in("Holiday 2026"))
	if info.Collection != holiday.ID || info.Owner != x.alice.ID {
		t.Errorf("%+v", info)
	}
	finding, _ := encryptIn(t, x.a, []byte("healthy"), in(medical.ID))
	letter := encrypt(t, x.a, []byte("dear"))
	g := grant(t, x.a, x.bob.ID, client.GrantOptions{Collection: holiday.ID})
	if g.Collection != holiday.ID || g.Title != "Holiday 2026" {
		t.Errorf("%+v", g)
	}
	opens(t, x.b, photo, "beach")
	closed(t, x.b, finding)
	closed(t, x.b, letter)

	list, err := again(t, x, x.alice).Collections(ctx)
	if err != nil || len(list) != 3 {
		t.Fatal(list, err)
	}
	for _, got := range list {
		want := map[string]client.CollectionInfo{
			"Holiday 2026": {ID: holiday.ID, Readers: 1, Sequence: 1, Deposit: client.DepositClosed},
			"Mädizin":      {ID: medical.ID, Deposit: client.DepositListed, Authors: []string{x.mallet.ID}},
			"":             {Default: true, Deposit: client.DepositClosed},
		}[got.Title]
		if want.ID != "" && got.ID != want.ID || got.Readers != want.Readers || got.Sequence != want.Sequence || got.Deposit != want.Deposit ||
			got.Default != want.Default || strings.Join(got.Authors, "") != strings.Join(want.Authors, "") || got.Suite != "recrypt256" || got.Closed || got.Link {
			t.Errorf("%+v", got)
		}
	}
	if _, err := x.a.Revoke(ctx, x.bob.ID, client.RevokeOptions{}); !errors.Is(err, client.ErrNoGrant) {
		t.Errorf("revoked from the wrong collection: %v", err)
	}
	opens(t, x.b, photo, "beach")
	if info, err := x.a.Revoke(ctx, x.bob.ID, client.RevokeOptions{Collection: "Holiday 2026"}); err != nil || info.Collection != holiday.ID || !info.Rotated {
		t.Errorf("%+v, %v", info, err)
	}
	closed(t, x.b, photo)
}

// TestCollectionNames: what does not name a collection, or not one only.
func TestCollectionNames(t *testing.T) {
	x := newCast(t)
	first := create(t, x.a, "photos", client.CollectionOptions{})
	for _, title := range []string{"", "default", first.ID, " photos", "photos ", "a\nb", "\x01link", "\x1b[2J", "a\xffb", strings.Repeat("x", 201)} {
		if _, err := x.a.CreateCollection(ctx, title, client.CollectionOptions{}); err == nil {
			t.Errorf("title %q was taken", title)
		}
	}
	if _, err := x.a.CreateCollection(ctx, "photos", client.CollectionOptions{}); !errors.Is(err, client.ErrExists) {
		t.Errorf("the same title: %v", err)
	}
	other := create(t, x.m, "photos", client.CollectionOptions{})
	for _, name := range []string{"pictures", strings.Repeat("a", 26), other.ID} {
		if _, err := x.a.Grant(ctx, x.bob.ID, client.GrantOptions{Collection: name}); !errors.Is(err, client.ErrNotFound) {
			t.Errorf("grant %q: %v", name, err)
		}
		if _, err := x.a.Revoke(ctx, x.bob.ID, client.RevokeOptions{Collection: name}); !errors.Is(err, client.ErrNotFound) || errors.Is(err, client.ErrNoGrant) {
			t.Errorf("revoke %q: %v", name, err)
		}
		if _, err := x.a.Encrypt(ctx, &bytes.Buffer{}, strings.NewReader(""), client.EncryptOptions{Collection: name}); !errors.Is(err, client.ErrNotFound) {
			t.Errorf("encrypt in %q: %v", name, err)
		}
		if _, err := x.a.Rotate(ctx, name, nil); !errors.Is(err, client.ErrNotFound) {
			t.Errorf("rotate %q: %v", name, err)
		}
	}
	title := "pictures"
	if info, err := x.a.ChangeCollection(ctx, "photos", client.CollectionOptions{}, &title); err != nil || info.Title != title || info.ID != first.ID || info.Sequence != 1 {
		t.Errorf("%+v, %v", info, err)
	}
	second := create(t, x.a, "photos", client.CollectionOptions{})
	if _, err := x.a.ChangeCollection(ctx, second.ID, client.CollectionOptions{}, &title); !errors.Is(err, client.ErrExists) {
		t.Errorf("the same title: %v", err)
	}
	if _, err := x.a.ChangeCollection(ctx, "photos", client.CollectionOptions{Suite: 1}, nil); !errors.Is(err, client.ErrSuite) {
		t.Errorf("another suite: %v", err)
	}
	if _, err := x.a.ChangeCollection(ctx, "", client.CollectionOptions{}, &title); err == nil {
		t.Error("a title for the default collection")
	}
}

// TestTitleForms: a title is the same in whatever Unicode form it is typed.
func TestTitleForms(t *testing.T) {
	x := newCast(t)
	const composed, decomposed = "K\u00fcche", "Ku\u0308che"
	made := create(t, x.a, decomposed, client.CollectionOptions{})
	if made.Title != composed {
		t.Errorf("title %q", made.Title)
	}
	for _, title := range []string{composed, decomposed} {
		if _, err := x.a.CreateCollection(ctx, title, client.CollectionOptions{}); !errors.Is(err, client.ErrExists) {
			t.Errorf("%q again: %v", title, err)
		}
		if _, err := x.a.GrantLink(ctx, client.LinkOptions{Collection: title}); !errors.Is(err, client.ErrExists) {
			t.Errorf("link %q: %v", title, err)
		}
		if _, err := x.a.ChangeCollection(ctx, made.ID, client.CollectionOptions{}, &title); !errors.Is(err, client.ErrExists) {
			t.Errorf("%q as another's: %v", title, err)
		}
		if info, err := x.a.Rotate(ctx, title, nil); err != nil || info.Collection != made.ID {
			t.Errorf("rotate %q: %v", title, err)
		}
	}
	next := "Bu\u0308ro"
	info, err := x.a.ChangeCollection(ctx, composed, client.CollectionOptions{}, &next)
	if err != nil || info.Title != "B\u00fcro" || next != "Bu\u0308ro" {
		t.Errorf("%+v, %v", info, err)
	}
	if list, err := x.a.Collections(ctx); err != nil || list[len(list)-1].Title != "B\u00fcro" {
		t.Errorf("%+v, %v", list, err)
	}
}

// TestSameTitle: two devices have chosen one title; the user is asked which one.
func TestSameTitle(t *testing.T) {
	x := newCast(t)
	list := capture[api.CollectionPage](t, x.evil, "GET", headPages, func() { create(t, x.a, "photos", client.CollectionOptions{}) })
	x.play(alter(t, "GET", headPages, func(v *api.CollectionPage) { *v = list }))
	create(t, again(t, x, x.alice), "photos", client.CollectionOptions{}) // which has not heard of the first
	x.play(nil)
	_, err := x.a.Rotate(ctx, "photos", nil)
	if err == nil {
		t.Fatal("rotated one of two")
	}
	all, failed := x.a.Collections(ctx)
	if failed != nil || len(all) != 2 || !strings.Contains(err.Error(), all[0].ID) || !strings.Contains(err.Error(), all[1].ID) {
		t.Errorf("%v, %v", err, failed)
	}
}

// TestGrantAll: every collection but those of links, those opened later not included.
func TestGrantAll(t *testing.T) {
	x := newCast(t)
	create(t, x.a, "one", client.CollectionOptions{})
	link, err := x.a.GrantLink(ctx, client.LinkOptions{Collection: "linked"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.a.Grant(ctx, x.bob.ID, client.GrantOptions{All: true}); err == nil {
		t.Error("Grant takes All")
	}
	made, err := x.a.GrantAll(ctx, x.bob.ID, client.GrantOptions{All: true})
	if err != nil || len(made) != 2 || made[0].Title != "" || made[1].Title != "one" {
		t.Fatalf("%+v, %v", made, err)
	}
	document, _ := encryptIn(t, x.a, []byte("1"), client.EncryptOptions{Collection: "one"})
	opens(t, x.b, document, "1")
	opens(t, x.b, encrypt(t, x.a, []byte("home")), "home")
	document, _ = encryptIn(t, x.a, []byte("2"), client.EncryptOptions{Collection: "linked"})
	closed(t, x.b, document)
	if _, err := x.a.Grant(ctx, x.bob.ID, client.GrantOptions{Collection: link.Collection}); err == nil {
		t.Error("the server let another reader into a link's collection")
	}
}
