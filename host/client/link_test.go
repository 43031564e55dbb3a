package client_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/hosttest"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// follow makes a client of a link.
func follow(t testing.TB, url string, passcode []byte, now func() time.Time) (*client.Client, *client.Link) {
	t.Helper()
	l, err := client.OpenLink(ctx, abi.Client{Caller: hosttest.Caller(t)}, url, passcode)
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(client.Config{Caller: hosttest.Caller(t), Server: l.Server, Seed: l.Seed, Identity: l.Identity, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return c, l
}

// TestLink: who has the link opens what is written for it, and nothing else, until it
// has expired.
func TestLink(t *testing.T) {
	x := newTimed(t)
	other := encrypt(t, x.a, []byte("other"))
	made, err := x.a.GrantLink(ctx, client.LinkOptions{Collection: "for the notary", Expires: time.Hour})
	if err != nil || made.Title != "for the notary" || made.Passcode || made.Uses != 0 || made.Expires.Sub(x.now().Add(time.Hour)).Abs() > time.Minute {
		t.Fatalf("%+v, %v", made, err)
	}
	document, _ := encryptIn(t, x.a, []byte("deed"), client.EncryptOptions{Collection: "for the notary"})
	parsed, err := client.ParseLink(made.URL)
	if err != nil || parsed.Server != x.server.URL || parsed.Owner != x.alice.ID || parsed.NeedsPasscode || parsed.Seed != nil {
		t.Fatalf("%+v, %v", parsed, err)
	}
	c, l := follow(t, made.URL, []byte("ignored"), x.now)
	if c.ID() != made.Reader || l.Owner != x.alice.ID {
		t.Errorf("%s, %+v", c.ID(), l)
	}
	if err := c.CheckLink(ctx, l); err != nil {
		t.Error(err)
	}
	opens(t, c, document, "deed")
	closed(t, c, other)
	closed(t, x.b, document)
	list, err := x.a.Collections(ctx)
	if err != nil || len(list) != 2 || list[1].Title != "for the notary" || !list[1].Link || list[1].Default || !list[0].Default {
		t.Errorf("%+v, %v", list, err)
	}
	if _, err := x.a.GrantLink(ctx, client.LinkOptions{Collection: "for the notary"}); !errors.Is(err, client.ErrExists) {
		t.Errorf("the same title: %v", err)
	}
	x.ahead.Store(int64(2 * time.Hour))
	closed(t, c, document)
	young, _ := encryptIn(t, x.a, []byte("young"), client.EncryptOptions{Collection: "for the notary"})
	closed(t, c, young)
	if l.Clear(); !bytes.Equal(l.Seed, make([]byte, 32)) {
		t.Error("the seed is still there")
	}
}

// TestLinkLimits: uses, revocation and strong suites.
func TestLinkLimits(t *testing.T) {
	x := newCast(t)
	made, err := x.a.GrantLink(ctx, client.LinkOptions{Uses: 2})
	if err != nil || !strings.HasPrefix(made.Title, "link 20") || made.Uses != 2 {
		t.Fatalf("%+v, %v", made, err)
	}
	document, _ := encryptIn(t, x.a, []byte("twice"), client.EncryptOptions{Collection: made.Title})
	c, _ := follow(t, made.URL, nil, nil)
	opens(t, c, document, "twice")
	opens(t, c, document, "twice")
	closed(t, c, document)
	if list, err := x.a.Grants(ctx); err != nil || list.Issued[0].Status != "used" || list.Issued[0].Kind != "link" || list.Issued[0].Used != 2 {
		t.Errorf("%+v, %v", list, err)
	}
	made, err = x.a.GrantLink(ctx, client.LinkOptions{Collection: "short", Uses: 3})
	if err != nil {
		t.Fatal(err)
	}
	in := client.EncryptOptions{Collection: "short"}
	document, _ = encryptIn(t, x.a, []byte("1"), in)
	c, _ = follow(t, made.URL, nil, nil)
	opens(t, c, document, "1")
	if info, err := x.a.Rotate(ctx, "short", nil); err != nil || info.Readers != 1 || info.Title != "short" {
		t.Errorf("%+v, %v", info, err)
	}
	document, _ = encryptIn(t, x.a, []byte("2"), in)
	opens(t, c, document, "2")
	opens(t, c, document, "2")
	closed(t, c, document) // the uses that were left went along
	if info, err := x.a.Revoke(ctx, made.Reader, client.RevokeOptions{Collection: "short"}); err != nil || info.Destroyed != 2 || info.Remaining != 0 {
		t.Errorf("%+v, %v", info, err)
	}
	strong := hosttest.NewPerson(t, "strong", abi.Suite256, abi.Suite480)
	s := strong.Publish(t, x.server.URL)
	made, err = s.GrantLink(ctx, client.LinkOptions{Collection: "strong"})
	if err != nil {
		t.Fatal(err)
	}
	document, _ = encryptIn(t, s, []byte("480"), client.EncryptOptions{Collection: "strong"})
	c, _ = follow(t, made.URL, nil, nil)
	opens(t, c, document, "480")
	if list, err := s.Collections(ctx); err != nil || list[0].Suite != "recrypt480" {
		t.Errorf("%+v, %v", list, err)
	}
}

// TestLinkPasscode: the link alone does not open.
func TestLinkPasscode(t *testing.T) {
	x := newCast(t)
	for _, short := range []string{"1", "4711", "öäüößÄÜ"} { // 14 bytes, but 7 characters
		if _, err := x.a.GrantLink(ctx, client.LinkOptions{Collection: "c", Passcode: []byte(short)}); err == nil || !strings.Contains(err.Error(), "8 characters") {
			t.Errorf("%d bytes: %v", len(short), err)
		}
	}
	passcode := []byte("Löwenzahn 7")
	made, err := x.a.GrantLink(ctx, client.LinkOptions{Collection: "c", Passcode: passcode})
	if err != nil || !made.Passcode || !strings.HasSuffix(made.URL, ".p") {
		t.Fatalf("%+v, %v", made, err)
	}
	if strings.Contains(made.URL, "wenzahn") || strings.Contains(made.URL, base64.RawURLEncoding.EncodeToString(passcode)) {
		t.Error("the passcode is in the link")
	}
	document, _ := encryptIn(t, x.a, []byte("deed"), client.EncryptOptions{Collection: "c"})
	core := abi.Client{Caller: hosttest.Caller(t)}
	if _, err := client.OpenLink(ctx, core, made.URL, nil); !errors.Is(err, client.ErrPasscode) {
		t.Errorf("without: %v", err)
	}
	c, l := follow(t, made.URL, []byte("Löwenzahn 8"), nil)
	if err := c.CheckLink(ctx, l); !errors.Is(err, client.ErrPasscode) {
		t.Errorf("another: %v", err)
	}
	got, _, err := decrypt(c, document, client.DecryptOptions{})
	refused(t, got, err, client.ErrSignature)
	without := strings.TrimSuffix(made.URL, ".p") // who strips the mark gets no further
	c, l = follow(t, without, nil, nil)
	if err := c.CheckLink(ctx, l); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("mark stripped: %v", err)
	}
	c, l = follow(t, made.URL, passcode, nil)
	if err := c.CheckLink(ctx, l); err != nil {
		t.Error(err)
	}
	opens(t, c, document, "deed")
}

// TestParseLink: what is not a link.
func TestParseLink(t *testing.T) {
	alice := hosttest.NewPerson(t, "alice")
	secret := base64.RawURLEncoding.EncodeToString(bytes.Repeat([]byte{0xfb}, 32))
	good := "https://recrypt.example.org/l#1." + alice.ID + "." + secret
	core := abi.Client{Caller: hosttest.Caller(t)}
	for _, url := range []string{good, good + ".p"} {
		if l, err := client.ParseLink(url); err != nil || l.Server != "https://recrypt.example.org" || l.NeedsPasscode != strings.HasSuffix(url, ".p") {
			t.Errorf("%+v, %v", l, err)
		}
	}
	for _, url := range []string{
		"", "https://recrypt.example.org", "https://recrypt.example.org/l", "https://recrypt.example.org/l#",
		strings.Replace(good, "#1.", "#2.", 1), strings.Replace(good, "#1.", "#01.", 1), strings.Replace(good, "/l#", "#", 1),
		strings.Replace(good, "/l#", "/l?a=b#", 1), strings.Replace(good, "/l#", "/x/l#", 1), strings.Replace(good, "https", "ftp", 1),
		strings.Replace(good, alice.ID, strings.ToUpper(alice.ID), 1), strings.Replace(good, alice.ID, alice.ID[:61], 1), strings.Replace(good, alice.ID, "", 1),
		good[:len(good)-1], good + "A", good + "=", good[:len(good)-1] + "t", good + ".", good + ".q", good + ".p.p", good + "\n", " " + good,
		strings.Replace(good, "-", "+", 1), strings.Replace(good, alice.ID, "rid1"+strings.Repeat("b", 58), 1), "https://u:p@recrypt.example.org" + good[27:],
		good + strings.Repeat("x", 5000),
	} {
		_, err := client.OpenLink(ctx, core, url, []byte("x"))
		if err == nil {
			t.Errorf("%q is a link", url)
		} else if len(err.Error()) > 100 || strings.Contains(err.Error(), secret) {
			t.Errorf("%q: %v", url, err)
		}
	}
	last := "q" // a checksum that only the core sees
	if strings.HasSuffix(alice.ID, last) {
		last = "p"
	}
	wrong := strings.Replace(good, alice.ID, alice.ID[:61]+last, 1)
	if _, err := client.OpenLink(ctx, core, wrong, nil); err == nil {
		t.Error("owner with a wrong checksum")
	}
}

// FuzzParseLink: what is accepted names a server, an owner and a secret, and means the
// same when it is read again in its normal form.
func FuzzParseLink(f *testing.F) {
	secret := base64.RawURLEncoding.EncodeToString(make([]byte, 32))
	rid := "rid1" + strings.Repeat("q", 58)
	for _, url := range []string{
		"", "https://recrypt.example.org/l#1." + rid + "." + secret, "http://127.0.0.1:8080/l#1." + rid + "." + secret + ".p",
		"https://RECRYPT.example.org:443/l#1." + rid + "." + secret, "/l#1...", "https://a/l#1." + rid + "." + secret + ".p.p",
	} {
		f.Add(url)
	}
	f.Fuzz(func(t *testing.T, url string) {
		l, err := client.ParseLink(url)
		if err != nil {
			if l != nil {
				t.Error("a link with an error")
			}
			return
		}
		if normal, err := client.NormaliseURL(l.Server); err != nil || normal != l.Server || len(l.Owner) != len(rid) || l.Seed != nil {
			t.Errorf("%+v", l)
		}
		_, fragment, _ := strings.Cut(url, "#")
		again, err := client.ParseLink(l.Server + "/l#" + fragment)
		if err != nil || again.Owner != l.Owner || again.NeedsPasscode != l.NeedsPasscode || again.Server != l.Server {
			t.Errorf("%+v, %+v, %v", l, again, err)
		}
	})
}
