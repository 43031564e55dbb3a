package client_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/hosttest"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

var bothSuites = []uint8{abi.Suite256, abi.Suite480}

// addSuites gives p's identity both suites and returns it.
func addSuites(t testing.TB, c *client.Client, want ...uint8) []byte {
	t.Helper()
	added, err := c.AddSuites(ctx, bothSuites)
	if err != nil || !slices.Equal(added, want) {
		t.Errorf("added %v, %v, want %v", added, err, want)
	}
	return c.Identity()
}

// device is a client of p with a memory of its own.
func device(t testing.TB, p *hosttest.Person, url string) *client.Client {
	t.Helper()
	cfg := p.Config(t, url)
	cfg.State = client.NewMemoryState()
	c, err := client.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestAddSuites: an identity gains a suite once, other devices of it follow, and
// nothing that was made before is lost.
func TestAddSuites(t *testing.T) {
	x := newCast(t)
	url := x.server.URL
	laptop, idle := device(t, x.alice, url), device(t, x.alice, url)
	before := encrypt(t, x.a, []byte("before"))
	grant(t, x.a, x.bob.ID, client.GrantOptions{})

	longer := addSuites(t, x.a, abi.Suite480)
	if !bytes.HasPrefix(longer, x.alice.Record) || len(longer) == len(x.alice.Record) {
		t.Error("the new version does not go on from the old one")
	}
	if again := addSuites(t, x.a); !bytes.Equal(again, longer) {
		t.Error("adding twice is not adding once")
	}
	v, record, err := x.b.LookUp(ctx, x.alice.ID)
	if err != nil || v.Version != 2 || len(v.Keys) != 2 || !bytes.Equal(record, longer) {
		t.Errorf("looked up: %+v, %v", v, err)
	}
	// The laptop still acts as version 1: it finds out and goes on.
	after := encrypt(t, laptop, []byte("after"))
	grant(t, laptop, x.charlie.ID, client.GrantOptions{})
	if !bytes.Equal(laptop.Identity(), longer) {
		t.Error("the other device did not follow")
	}
	if again := addSuites(t, idle, abi.Suite480); !bytes.Equal(again, longer) {
		t.Error("the third device made a version of its own")
	}
	addSuites(t, x.b, abi.Suite480)
	for who, c := range map[string]*client.Client{"alice": x.a, "laptop": laptop, "bob, second version": x.b, "charlie": x.c} {
		for want, document := range map[string][]byte{"before": before, "after": after} {
			if got, _, err := decrypt(c, document, client.DecryptOptions{From: x.alice.ID}); err != nil || string(got) != want {
				t.Errorf("%s: %q, %v", who, got, err)
			}
		}
	}
	if err := device(t, x.alice, url).Publish(ctx); err != nil {
		t.Errorf("publishing the first version again: %v", err)
	}
	if _, err := x.a.Revoke(ctx, x.bob.ID, client.RevokeOptions{}); err != nil {
		t.Errorf("revoke: %v", err)
	}
	if _, err := x.c.Grants(ctx); err != nil {
		t.Errorf("list: %v", err)
	}
}

// TestAddSuitesRace: devices of one identity that add a suite at once end up with
// one version.
func TestAddSuitesRace(t *testing.T) {
	x := newCast(t)
	devices := []*client.Client{x.a, x.a, device(t, x.alice, x.server.URL), device(t, x.alice, x.server.URL)}
	var wg sync.WaitGroup
	for _, c := range devices {
		wg.Go(func() {
			if _, err := c.AddSuites(ctx, bothSuites); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	_, record, err := x.b.LookUp(ctx, x.alice.ID)
	for _, c := range devices {
		if err != nil || !bytes.Equal(c.Identity(), record) {
			t.Errorf("another version than the published one, %v", err)
		}
	}
}

// TestAddSuitesUnpublished: an identity that this server does not know is published
// with its new version; one that cannot be published stays as it was.
func TestAddSuitesUnpublished(t *testing.T) {
	x := newCast(t)
	dora := hosttest.NewPerson(t, "dora")
	d := dora.Client(t, x.server.URL)
	x.play(respond(http.MethodPost, "/v1/identities", 503, api.Problem{Code: api.CodeBusy, Title: "busy"}))
	if added, err := d.AddSuites(ctx, bothSuites); err == nil || added != nil || !bytes.Equal(d.Identity(), dora.Record) {
		t.Errorf("added %v, %v", added, err)
	}
	x.play(nil)
	longer := addSuites(t, d, abi.Suite480)
	if _, record, err := x.b.LookUp(ctx, dora.ID); err != nil || !bytes.Equal(record, longer) {
		t.Errorf("looked up: %v", err)
	}
	if _, err := d.AddSuites(ctx, []uint8{9}); !errors.Is(err, abi.ErrSuite) {
		t.Errorf("unknown suite: %v", err)
	}
}

// TestAddSuitesElsewhere: another server is given what it lacks, and its older version
// is no lie.
func TestAddSuitesElsewhere(t *testing.T) {
	x := newCast(t)
	other := hosttest.NewServer(t, hosttest.Options{})
	x.alice.Publish(t, other.URL)
	x.alice.Record = addSuites(t, x.a, abi.Suite480)
	a := x.alice.Client(t, other.URL)
	if v, _, err := a.LookUp(ctx, x.alice.ID); err != nil || v.Version != 1 {
		t.Errorf("looked up elsewhere: %+v, %v", v, err)
	}
	if _, err := a.Grants(ctx); !errors.Is(err, client.ErrSignature) {
		t.Errorf("signed as a version that is not there: %v", err)
	}
	addSuites(t, a)
	if _, err := a.Grants(ctx); err != nil {
		t.Errorf("after it: %v", err)
	}
}

// TestAddSuitesSetBack: a server that was set back shows a shorter log, and so nothing
// that it says is taken, whatever it is given.
func TestAddSuitesSetBack(t *testing.T) {
	x := newCast(t)
	old := *x.alice
	old.State = client.NewMemoryState()
	x.alice.Record = addSuites(t, x.a, abi.Suite480)
	fresh := hosttest.NewServer(t, hosttest.Options{Seed: x.server.Seed})
	old.Publish(t, fresh.URL)
	a := x.alice.Client(t, fresh.URL)
	if _, _, err := a.LookUp(ctx, x.alice.ID); !errors.Is(err, client.ErrOldLog) {
		t.Errorf("an older version: %v", err)
	}
	if changed, err := a.Refresh(ctx); changed || !errors.Is(err, client.ErrOldLog) {
		t.Errorf("refreshed %v, %v", changed, err)
	}
	if _, err := a.AddSuites(ctx, bothSuites); !errors.Is(err, client.ErrOldLog) {
		t.Errorf("added: %v", err)
	}
}

// TestVersionsByServer: a newer version that Bob has published on one server only locks
// nobody out of another.
func TestVersionsByServer(t *testing.T) {
	one, two := hosttest.NewServer(t, hosttest.Options{}), hosttest.NewServer(t, hosttest.Options{})
	alice, bob := hosttest.NewPerson(t, "alice"), hosttest.NewPerson(t, "bob")
	a1, b1 := alice.Publish(t, one.URL), bob.Publish(t, one.URL)
	a2, b2 := alice.Publish(t, two.URL), bob.Publish(t, two.URL)
	grant(t, b2, alice.ID, client.GrantOptions{})
	document := encrypt(t, b2, []byte("text"))

	addSuites(t, b1, abi.Suite480)
	if v, _, err := a1.LookUp(ctx, bob.ID); err != nil || v.Version != 2 {
		t.Fatalf("looked up: %+v, %v", v, err)
	}
	if got, _, err := decrypt(a2, document, client.DecryptOptions{From: bob.ID}); err != nil || string(got) != "text" {
		t.Errorf("decrypt: %q, %v", got, err)
	}
	grant(t, a2, bob.ID, client.GrantOptions{})
	list, err := a2.Grants(ctx)
	if err != nil || len(list.Issued) != 1 || len(list.Received) != 1 || len(list.Unverified) != 0 {
		t.Errorf("list: %+v, %v", list, err)
	}
	if v, _, err := a2.LookUp(ctx, bob.ID); err != nil || v.Version != 1 {
		t.Errorf("looked up: %+v, %v", v, err)
	}
}

// TestEvilVersions: a server that shows versions that are old, forged or mixed up.
func TestEvilVersions(t *testing.T) {
	x := newCast(t)
	document := encrypt(t, x.a, []byte("text"))
	grant(t, x.a, x.bob.ID, client.GrantOptions{})
	older := x.alice.Record
	longer := addSuites(t, x.a, abi.Suite480)
	mallets := addSuites(t, x.m, abi.Suite480)
	answer := func(record []byte, version uint32) trick {
		return alter(t, http.MethodGet, "/v1/identities/", func(v *api.Identity) { v.Record, v.Version = record, version })
	}
	if _, _, err := x.b.LookUp(ctx, x.alice.ID); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		trick trick
		want  error
	}{
		"older":               {answer(older, 1), client.ErrOldIdentity},
		"older, called newer": {answer(older, 2), client.ErrVerification},
		"another's version":   {answer(append(bytes.Clone(older), mallets[len(x.mallet.Record):]...), 2), client.ErrVerification},
		"newest alone":        {answer(longer[len(older):], 2), client.ErrVerification},
		"signature":           {answer(flipped(longer, -1), 2), client.ErrVerification},
	} {
		x.play(c.trick)
		_, record, err := x.b.LookUp(ctx, x.alice.ID)
		refused(t, record, err, c.want)
		if t.Failed() {
			t.Fatal(what)
		}
	}
	for what, change := range map[string]func(v *api.Key){
		"owner":  func(v *api.Key) { v.Owner = older },
		"author": func(v *api.Key) { v.Author = older },
	} {
		x.play(alter(t, http.MethodPost, "/v1/keys/", change))
		got, _, err := decrypt(x.b, document, client.DecryptOptions{})
		if refused(t, got, err, client.ErrOldIdentity); t.Failed() {
			t.Fatal(what)
		}
	}
	x.play(nil)
	if got, _, err := decrypt(x.b, document, client.DecryptOptions{}); err != nil || string(got) != "text" {
		t.Errorf("honest: %q, %v", got, err)
	}
}

// during calls do once, when the first byte is asked for.
type during struct {
	io.Reader
	do func()
}

func (d *during) Read(b []byte) (int, error) {
	if d.do != nil {
		d.do()
		d.do = nil
	}
	return d.Reader.Read(b)
}

// TestVersionWhileEncrypting: a version that is made while a document is being
// written does not come between its key and its record.
func TestVersionWhileEncrypting(t *testing.T) {
	x := newCast(t)
	grant(t, x.a, x.bob.ID, client.GrantOptions{})
	var out bytes.Buffer
	src := &during{bytes.NewReader([]byte("text")), func() { addSuites(t, x.a, abi.Suite480) }}
	if _, err := x.a.Encrypt(ctx, &out, src, client.EncryptOptions{}); err != nil {
		t.Fatal(err)
	}
	for who, c := range map[string]*client.Client{"alice": x.a, "bob": x.b} {
		if got, _, err := decrypt(c, out.Bytes(), client.DecryptOptions{From: x.alice.ID}); err != nil || string(got) != "text" {
			t.Errorf("%s: %q, %v", who, got, err)
		}
	}
}

// TestStrongStory is the story of identities with both suites: their collections are of
// the stronger one.
func TestStrongStory(t *testing.T) {
	s := hosttest.NewServer(t, hosttest.Options{})
	alice, bob := hosttest.NewPerson(t, "alice", bothSuites...), hosttest.NewPerson(t, "bob")
	a, b := alice.Publish(t, s.URL), bob.Publish(t, s.URL)
	document := encrypt(t, a, []byte("text"))
	if got, _, err := decrypt(a, document, client.DecryptOptions{}); err != nil || string(got) != "text" {
		t.Fatalf("owner: %q, %v", got, err)
	}
	if _, err := a.Grant(ctx, bob.ID, client.GrantOptions{}); !errors.Is(err, client.ErrReaderSuite) {
		t.Errorf("grant to a reader without the suite: %v", err)
	}
	addSuites(t, b, abi.Suite480)
	grant(t, a, bob.ID, client.GrantOptions{})
	if got, _, err := decrypt(b, document, client.DecryptOptions{From: alice.ID}); err != nil || string(got) != "text" {
		t.Fatalf("reader: %q, %v", got, err)
	}
	key, err := b.GetKey(ctx, document16(t, a, document), client.OpenOptions{})
	if err != nil || len(key.Key) != 32 {
		t.Errorf("key: %v", err)
	}
	receipt, err := a.Revoke(ctx, bob.ID, client.RevokeOptions{})
	if err != nil || receipt.Destroyed != 1 {
		t.Errorf("revoke: %+v, %v", receipt, err)
	}
	got, _, err := decrypt(b, document, client.DecryptOptions{})
	refused(t, got, err, client.ErrNoAccess)

	// Who does not ask for a suite goes on with the one that is there.
	if again := encrypt(t, device(t, alice, s.URL), []byte("more")); len(again) == 0 {
		t.Error("nothing was written")
	}
	cfg := bob.Config(t, s.URL)
	cfg.Identity, cfg.Suite = b.Identity(), abi.Suite256
	encrypt(t, b, []byte("opens a collection of recrypt480"))
	other, err := client.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Encrypt(ctx, io.Discard, bytes.NewReader(nil), client.EncryptOptions{}); !errors.Is(err, client.ErrSuite) {
		t.Errorf("another suite than the collection's: %v", err)
	}
	if _, err := other.Grant(ctx, alice.ID, client.GrantOptions{}); !errors.Is(err, client.ErrSuite) {
		t.Errorf("another suite than the collection's: %v", err)
	}
}

// document16 returns the key id of a document.
func document16(t testing.TB, c *client.Client, document []byte) string {
	t.Helper()
	_, info, err := decrypt(c, document, client.DecryptOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return info.Key
}
