package client_test

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/client"
)

// TestDeposit: a laboratory that is listed writes for Alice while she is away; her
// readers open it, and see who wrote it.
func TestDeposit(t *testing.T) {
	x := newCast(t)
	results := create(t, x.a, "results", client.CollectionOptions{Deposit: client.DepositListed, Authors: []string{x.mallet.ID}})
	private := create(t, x.a, "private", client.CollectionOptions{})
	grant(t, x.a, x.bob.ID, client.GrantOptions{Collection: "results"})
	open, err := x.m.OpenCollections(ctx, x.alice.ID)
	if err != nil || len(open) != 1 || open[0].ID != results.ID || open[0].Title != "" || open[0].Deposit != client.DepositListed {
		t.Fatalf("%+v, %v", open, err)
	}
	document, info := encryptIn(t, x.m, []byte("negative"), client.EncryptOptions{To: x.alice.ID})
	if info.Owner != x.alice.ID || info.Author != x.mallet.ID || info.Collection != results.ID || info.Waiting {
		t.Errorf("%+v", info)
	}
	for _, c := range []*client.Client{x.a, x.b} {
		if info := opens(t, c, document, "negative"); info != nil && (info.Author != x.mallet.ID || info.Owner != x.alice.ID || info.Waiting) {
			t.Errorf("%+v", info)
		}
	}
	got, _, err := decrypt(x.b, document, client.DecryptOptions{From: x.alice.ID})
	refused(t, got, err, client.ErrAuthor)
	got, _, err = decrypt(x.m, document, client.DecryptOptions{})
	refused(t, got, err, client.ErrNoAccess)
	key, err := x.m.DepositKey(ctx, client.KeyOptions{To: x.alice.ID, Collection: results.ID})
	if err != nil {
		t.Fatal(err)
	}
	if same, err := x.b.GetKey(ctx, key.ID, client.OpenOptions{From: x.mallet.ID}); err != nil || !bytes.Equal(same.Key, key.Key) {
		t.Error(err)
	}
	for _, o := range []client.EncryptOptions{
		{To: x.alice.ID, Collection: private.ID}, {To: x.alice.ID, Collection: strings.Repeat("a", 26)}, {To: x.bob.ID},
	} {
		if _, err := x.m.Encrypt(ctx, &bytes.Buffer{}, strings.NewReader("x"), o); !errors.Is(err, client.ErrNotFound) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	if _, err := x.c.Encrypt(ctx, &bytes.Buffer{}, strings.NewReader("x"), client.EncryptOptions{To: x.alice.ID, Collection: results.ID}); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("who is not listed: %v", err)
	}
	create(t, x.a, "more results", client.CollectionOptions{Deposit: client.DepositListed, Authors: []string{x.mallet.ID}})
	if _, err := x.m.Encrypt(ctx, &bytes.Buffer{}, strings.NewReader("x"), client.EncryptOptions{To: x.alice.ID}); err == nil || !strings.Contains(err.Error(), results.ID) {
		t.Errorf("one of two: %v", err)
	}
	if _, err := x.a.ChangeCollection(ctx, "results", client.CollectionOptions{Deposit: client.DepositClosed}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := x.m.Encrypt(ctx, &bytes.Buffer{}, strings.NewReader("x"), client.EncryptOptions{To: x.alice.ID, Collection: results.ID}); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("after the door was closed: %v", err)
	}
	opens(t, x.b, document, "negative")
}

// TestWaiting: anybody may write, a little; the readers get it when the owner has accepted
// its author.
func TestWaiting(t *testing.T) {
	x := newCast(t)
	inbox := create(t, x.a, "inbox", client.CollectionOptions{Deposit: client.DepositOpen})
	grant(t, x.a, x.bob.ID, client.GrantOptions{Collection: "inbox"})
	o := client.EncryptOptions{To: x.alice.ID}
	document, info := encryptIn(t, x.m, []byte("hello"), o)
	if !info.Waiting {
		t.Errorf("%+v", info)
	}
	closed(t, x.b, document)
	if info := opens(t, x.a, document, "hello"); info == nil || !info.Waiting || info.Author != x.mallet.ID {
		t.Errorf("%+v", info)
	}
	if _, err := x.m.GetKey(ctx, info.Key, client.OpenOptions{}); !errors.Is(err, client.ErrNoAccess) || !strings.Contains(err.Error(), "accept") {
		t.Errorf("author: %v", err)
	}
	for range api.MaxWaiting - 1 {
		encryptIn(t, x.m, nil, o)
	}
	if _, err := x.m.DepositKey(ctx, client.KeyOptions{To: x.alice.ID}); !errors.Is(err, client.ErrWaiting) {
		t.Errorf("over the quota: %v", err)
	}
	encryptIn(t, x.c, []byte("another"), o)
	list, err := x.a.Deposits(ctx)
	if err != nil || len(list) != 2 || list[0].Count+list[1].Count != api.MaxWaiting+1 || len(list[0].Keys)+len(list[1].Keys) != 5+1 || list[0].Title != "inbox" || list[0].Collection != inbox.ID {
		t.Fatalf("%+v, %v", list, err)
	}
	for i := range 2 {
		if n, err := x.a.AcceptAuthor(ctx, "inbox", x.mallet.ID); err != nil || n != (1-i)*api.MaxWaiting {
			t.Errorf("accepted %d, %v", n, err)
		}
	}
	if info := opens(t, x.b, document, "hello"); info == nil || info.Waiting {
		t.Errorf("%+v", info)
	}
	if _, info := encryptIn(t, x.m, []byte("more"), o); info.Waiting {
		t.Error("an accepted author waits")
	}
	if list, err := x.a.Deposits(ctx); err != nil || len(list) != 1 || list[0].Author != x.charlie.ID || len(list[0].Keys) != 1 {
		t.Errorf("%+v, %v", list, err)
	}
	if _, err := x.m.AcceptAuthor(ctx, inbox.ID, x.mallet.ID); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("accepted oneself: %v", err)
	}
}

// TestRefuseAuthor: a flood is got rid of, and an owner sees through a server that lies about
// it.
func TestRefuseAuthor(t *testing.T) {
	x := newCast(t)
	inbox := create(t, x.a, "inbox", client.CollectionOptions{Deposit: client.DepositOpen})
	o := client.EncryptOptions{To: x.alice.ID}
	spam, _ := encryptIn(t, x.m, []byte("spam"), o)
	wanted, _ := encryptIn(t, x.c, []byte("wanted"), o)
	if _, err := x.m.RefuseAuthor(ctx, inbox.ID, x.charlie.ID); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("refused by somebody else: %v", err)
	}
	for i := range 2 {
		if n, err := x.a.RefuseAuthor(ctx, "inbox", x.mallet.ID); err != nil || n != 1-i {
			t.Errorf("refused %d, %v", n, err)
		}
	}
	for _, c := range []*client.Client{x.a, x.m} {
		got, _, err := decrypt(c, spam, client.DecryptOptions{})
		refused(t, got, err, client.ErrNoAccess)
	}
	opens(t, x.a, wanted, "wanted")
	if list, err := x.a.Deposits(ctx); err != nil || len(list) != 1 || list[0].Author != x.charlie.ID || list[0].Count != 1 {
		t.Errorf("%+v, %v", list, err)
	}
	kinds := 0
	if _, err := x.a.Ledger(ctx, 0, func(l client.LedgerLine) error {
		if l.Kind == "refusal" && l.Signed && l.Subject == x.mallet.ID && l.Actor == x.alice.ID && l.Collection == inbox.ID {
			kinds++
		}
		return nil
	}); err != nil || kinds != 1 {
		t.Errorf("%d refusals in the ledger, %v", kinds, err)
	}
	for name, change := range map[string]func(*api.Deposits){
		"less than listed": func(v *api.Deposits) { v.Waiting[0].Count = 0 },
		"nothing listed":   func(v *api.Deposits) { v.Waiting[0].Keys = nil },
	} {
		x.play(alter(t, http.MethodGet, api.PathDeposits, change))
		if _, err := x.a.Deposits(ctx); !errors.Is(err, client.ErrVerification) {
			t.Errorf("%s: %v", name, err)
		}
	}
	x.play(alter(t, http.MethodPost, "/v1/collections/", func(v *api.RefuseAuthorAnswer) { v.Refused = -1 }))
	if _, err := x.a.RefuseAuthor(ctx, "inbox", x.charlie.ID); !errors.Is(err, client.ErrVerification) {
		t.Errorf("less than none: %v", err)
	}
}

// TestDepositAfterRevocation: what others write goes to the new epoch, too.
func TestDepositAfterRevocation(t *testing.T) {
	x := newCast(t)
	create(t, x.a, "inbox", client.CollectionOptions{Deposit: client.DepositListed, Authors: []string{x.mallet.ID}})
	for _, id := range []string{x.bob.ID, x.charlie.ID} {
		grant(t, x.a, id, client.GrantOptions{Collection: "inbox"})
	}
	o := client.EncryptOptions{To: x.alice.ID}
	encryptIn(t, x.m, []byte("before"), o)
	x.play(on(http.MethodPost, api.PathGrants, func(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) }))
	if _, err := x.a.Revoke(ctx, x.bob.ID, client.RevokeOptions{Collection: "inbox"}); !errors.Is(err, client.ErrUnreachable) {
		t.Fatal(err)
	}
	x.play(nil)
	if _, err := x.m.Encrypt(ctx, &bytes.Buffer{}, strings.NewReader("x"), o); !errors.Is(err, client.ErrClosedEpoch) {
		t.Errorf("into a closed epoch: %v", err)
	}
	if _, err := x.a.Revoke(ctx, x.bob.ID, client.RevokeOptions{Collection: "inbox"}); err != nil {
		t.Fatal(err)
	}
	document, _ := encryptIn(t, x.m, []byte("after"), o)
	opens(t, x.c, document, "after")
	closed(t, x.b, document)
}

// TestHiddenEpoch: the server shows an author an older state of somebody's collection, or
// of its own.
func TestHiddenEpoch(t *testing.T) {
	x := newCast(t)
	inbox := create(t, x.a, "inbox", client.CollectionOptions{Deposit: client.DepositOpen})
	grant(t, x.a, x.bob.ID, client.GrantOptions{Collection: "inbox"})
	o := client.EncryptOptions{To: x.alice.ID, Collection: inbox.ID}
	old := capture[api.Collection](t, x.evil, http.MethodGet, "/v1/collections/", func() { encryptIn(t, x.m, nil, o) })
	if _, err := x.a.Revoke(ctx, x.bob.ID, client.RevokeOptions{Collection: "inbox"}); err != nil {
		t.Fatal(err)
	}
	encryptIn(t, x.m, nil, o)
	for name, change := range map[string]func(*api.Collection){
		"old answer":     func(v *api.Collection) { *v = old },
		"old records":    func(v *api.Collection) { v.Records = v.Records[:2] },
		"no record":      func(v *api.Collection) { v.Records = nil },
		"open for ever":  func(v *api.Collection) { v.Records, v.Closed = old.Records, false },
		"another record": func(v *api.Collection) { v.Records[2] = flipped(v.Records[2], -1) },
		"not in the log": func(v *api.Collection) { v.Logged = nil },
		"other proof":    func(v *api.Collection) { v.Logged.Index-- },
	} {
		x.play(alter(t, http.MethodGet, "/v1/collections/", change))
		_, err := x.m.DepositKey(ctx, client.KeyOptions{To: x.alice.ID, Collection: inbox.ID})
		if !errors.Is(err, client.ErrRollback) && !errors.Is(err, client.ErrVerification) {
			t.Errorf("%s: %v", name, err)
		}
		x.play(nil)
	}
}
