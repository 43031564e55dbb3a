package client_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/hosttest"
)

var ctx = context.Background()

// encrypt returns the document of content.
func encrypt(t testing.TB, c *client.Client, content []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	if _, err := c.Encrypt(ctx, &out, bytes.NewReader(content), client.EncryptOptions{}); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// decrypt opens a document and returns what was written.
func decrypt(c *client.Client, document []byte, o client.DecryptOptions) ([]byte, *client.DocumentInfo, error) {
	var out bytes.Buffer
	info, err := c.Decrypt(ctx, &out, bytes.NewReader(document), o)
	return out.Bytes(), info, err
}

func grant(t testing.TB, c *client.Client, reader string, o client.GrantOptions) *client.GrantInfo {
	t.Helper()
	g, err := c.Grant(ctx, reader, o)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// refused fails unless err is want and nothing was released.
func refused(t *testing.T, released []byte, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
	if len(released) != 0 {
		t.Errorf("released %d bytes", len(released))
	}
}

// TestStory is the whole story: documents before and after a grant, a reader who
// comes later, one who goes, and a restart in between.
func TestStory(t *testing.T) {
	s := hosttest.NewServer(t, hosttest.Options{})
	alice := hosttest.NewPerson(t, "alice")
	bob := hosttest.NewPerson(t, "bob")
	charlie := hosttest.NewPerson(t, "charlie")
	a, b, c := alice.Publish(t, s.URL), bob.Publish(t, s.URL), charlie.Publish(t, s.URL)

	first := encrypt(t, a, []byte("first"))
	if got, info, err := decrypt(a, first, client.DecryptOptions{From: alice.ID}); err != nil || string(got) != "first" || info.Author != alice.ID {
		t.Fatalf("owner: %q, %v, %v", got, info, err)
	}
	for _, stranger := range []*client.Client{b, c} {
		got, _, err := decrypt(stranger, first, client.DecryptOptions{})
		refused(t, got, err, client.ErrNoAccess)
	}
	grant(t, a, bob.ID, client.GrantOptions{})
	second := encrypt(t, a, []byte("second"))
	for want, document := range map[string][]byte{"first": first, "second": second} {
		got, info, err := decrypt(b, document, client.DecryptOptions{From: alice.ID})
		if err != nil || string(got) != want {
			t.Fatalf("reader: %q, %v", got, err)
		}
		if info.Author != alice.ID || info.Owner != alice.ID || info.Bytes != int64(len(want)) || info.Server != s.URL {
			t.Errorf("info %+v", info)
		}
	}
	s = s.Restart(t, hosttest.Options{})
	grant(t, a, charlie.ID, client.GrantOptions{Expires: time.Hour})
	if got, _, err := decrypt(c, first, client.DecryptOptions{}); err != nil || string(got) != "first" {
		t.Fatalf("later reader: %q, %v", got, err)
	}
	receipt, err := a.Revoke(ctx, bob.ID, client.RevokeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if receipt.Destroyed != 1 || receipt.Server != s.ID() || time.Since(receipt.Time).Abs() > time.Minute || receipt.Epoch != 1 || !receipt.Rotated || receipt.Remaining != 1 || len(receipt.Opened) != 2 || receipt.Unlisted != nil {
		t.Errorf("receipt %+v", receipt)
	}
	third := encrypt(t, a, []byte("third"))
	for _, document := range [][]byte{first, second, third} {
		got, _, err := decrypt(b, document, client.DecryptOptions{})
		refused(t, got, err, client.ErrNoAccess)
		if got, _, err := decrypt(c, document, client.DecryptOptions{}); err != nil {
			t.Errorf("remaining reader: %q, %v", got, err)
		}
	}
	checkLists(t, a, b, c, alice, bob, charlie)
}

// checkLists looks at what the story left in everybody's lists.
func checkLists(t *testing.T, a, b, c *client.Client, alice, bob, charlie *hosttest.Person) {
	list, err := a.Grants(ctx)
	if err != nil || len(list.Issued) != 3 || len(list.Received) != 0 {
		t.Fatal(list, err)
	}
	for _, g := range list.Issued { // Charlie has one for each epoch
		want := api.GrantActive
		if g.Reader == bob.ID {
			want = api.GrantRevoked
		}
		if g.Status != want || g.Owner != alice.ID || g.Kind != "direct" || g.Expires.IsZero() != (g.Reader == bob.ID) {
			t.Errorf("issued %+v", g)
		}
	}
	for who, status := range map[*client.Client]string{b: api.GrantRevoked, c: api.GrantActive} {
		list, err := who.Grants(ctx)
		if err != nil || len(list.Issued) != 0 || len(list.Received) == 0 || len(list.Unverified) != 0 {
			t.Fatal(list, err)
		}
		if g := list.Received[0]; g.Status != status || g.Owner != alice.ID || g.Reader != who.ID() {
			t.Errorf("received %+v", g)
		}
	}
}
