package client_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/hosttest"
)

// TestRefusals goes through what is refused before or by the server.
func TestRefusals(t *testing.T) {
	x := newCast(t)
	stranger := hosttest.NewPerson(t, "stranger")
	if _, err := x.a.Grant(ctx, x.alice.ID, client.GrantOptions{}); !errors.Is(err, client.ErrSelf) {
		t.Errorf("grant to oneself: %v", err)
	}
	if _, err := x.a.Revoke(ctx, x.alice.ID, client.RevokeOptions{}); !errors.Is(err, client.ErrSelf) {
		t.Errorf("revoke oneself: %v", err)
	}
	if _, err := x.a.Grant(ctx, stranger.ID, client.GrantOptions{}); !errors.Is(err, client.ErrNotFound) || !strings.Contains(err.Error(), "published") {
		t.Errorf("grant to an unpublished identity: %v", err)
	}
	if _, err := x.a.Grant(ctx, x.bob.ID, client.GrantOptions{Expires: -time.Second}); err == nil {
		t.Error("grant in the past")
	}
	_, server, _, err := x.a.Service(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"", "bob", strings.ToUpper(x.bob.ID), x.bob.ID[:61], x.bob.ID + "q", server, "../v1/server", strings.Repeat("a", 10000)} {
		if _, err := x.a.Grant(ctx, id, client.GrantOptions{}); err == nil || len(err.Error()) > 200 {
			t.Errorf("grant to %.20q: %v", id, err)
		}
		if _, err := x.a.Revoke(ctx, id, client.RevokeOptions{}); err == nil || len(err.Error()) > 200 {
			t.Errorf("revoke %.20q: %v", id, err)
		}
	}
	for _, id := range []string{"", "x", strings.Repeat("A", 26), strings.Repeat("a", 25) + "/"} {
		if _, err := x.a.GetKey(ctx, id, client.OpenOptions{}); err == nil || errors.Is(err, client.ErrNoAccess) {
			t.Errorf("key %q: %v", id, err)
		}
	}
	if _, err := x.a.GetKey(ctx, strings.Repeat("a", 26), client.OpenOptions{}); !errors.Is(err, client.ErrNoAccess) {
		t.Errorf("absent key: %v", err)
	}
}

// TestNobody: look-ups work without an identity, everything else says so.
func TestNobody(t *testing.T) {
	x := newCast(t)
	c, err := client.New(client.Config{Caller: hosttest.Caller(t), Server: x.server.URL})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.LookUp(ctx, x.alice.ID); err != nil || c.ID() != "" {
		t.Errorf("look up: %v", err)
	}
	if _, id, _, err := c.Service(ctx); err != nil || id != x.server.ID() {
		t.Errorf("service: %v", err)
	}
	document := encrypt(t, x.a, nil)
	for what, err := range map[string]error{
		"publish": c.Publish(ctx),
		"grant":   second(c.Grant(ctx, x.bob.ID, client.GrantOptions{})),
		"revoke":  second(c.Revoke(ctx, x.bob.ID, client.RevokeOptions{})),
		"create":  second(c.CreateKey(ctx)),
		"get":     second(c.GetKey(ctx, strings.Repeat("a", 26), client.OpenOptions{})),
		"encrypt": second(c.Encrypt(ctx, &bytes.Buffer{}, strings.NewReader(""), client.EncryptOptions{})),
		"decrypt": second(c.Decrypt(ctx, &bytes.Buffer{}, bytes.NewReader(document), client.DecryptOptions{})),
	} {
		if !errors.Is(err, client.ErrNoIdentity) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := c.Grants(ctx); !errors.Is(err, client.ErrNoIdentity) {
		t.Errorf("grants: %v", err)
	}
}

func second[T any](_ T, err error) error { return err }

// TestNew: configurations that cannot work.
func TestNew(t *testing.T) {
	alice, bob := hosttest.NewPerson(t, "alice"), hosttest.NewPerson(t, "bob")
	good := alice.Config(t, "http://127.0.0.1:1")
	for name, change := range map[string]func(*client.Config){
		"no engine":       func(c *client.Config) { c.Caller = nil },
		"no server":       func(c *client.Config) { c.Server = "" },
		"seed of another": func(c *client.Config) { c.Seed = bob.Seed },
		"no seed":         func(c *client.Config) { c.Seed = nil },
		"short seed":      func(c *client.Config) { c.Seed = c.Seed[:31] },
		"no record":       func(c *client.Config) { c.Identity = nil },
		"altered record":  func(c *client.Config) { c.Identity = flipped(c.Identity, -1) },
	} {
		cfg := good
		change(&cfg)
		if c, err := client.New(cfg); err == nil || c != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestUnpublished: an identity that the server does not know is told what to do.
func TestUnpublished(t *testing.T) {
	x := newCast(t)
	c := hosttest.NewPerson(t, "stranger").Client(t, x.server.URL)
	if _, err := c.CreateKey(ctx); !errors.Is(err, client.ErrSignature) {
		t.Error(err)
	}
	if err := c.Publish(ctx); err != nil {
		t.Fatal(err)
	}
	if err := c.Publish(ctx); err != nil {
		t.Errorf("published again: %v", err)
	}
	if _, err := c.CreateKey(ctx); err != nil {
		t.Error(err)
	}
}

// TestRegrant: a second grant replaces the first and its expiry.
func TestRegrant(t *testing.T) {
	x := newCast(t)
	document := encrypt(t, x.a, []byte("secret"))
	first := grant(t, x.a, x.bob.ID, client.GrantOptions{})
	next := grant(t, x.a, x.bob.ID, client.GrantOptions{Expires: time.Hour})
	if first.ID == next.ID || !first.Expires.IsZero() || time.Until(next.Expires) < 59*time.Minute {
		t.Errorf("%+v, %+v", first, next)
	}
	list, err := x.a.Grants(ctx)
	if err != nil || len(list.Issued) != 2 {
		t.Fatal(list, err)
	}
	for _, g := range list.Issued {
		if want := map[string]string{first.ID: client.GrantReplaced, next.ID: api.GrantActive}[g.ID]; g.Status != want {
			t.Errorf("%+v", g)
		}
	}
	if got, _, err := decrypt(x.b, document, client.DecryptOptions{}); err != nil || string(got) != "secret" {
		t.Errorf("%q, %v", got, err)
	}
	if info, err := x.a.Revoke(ctx, x.bob.ID, client.RevokeOptions{}); err != nil || info.Destroyed != 1 {
		t.Errorf("%+v, %v", info, err)
	}
	got, _, err := decrypt(x.b, document, client.DecryptOptions{})
	refused(t, got, err, client.ErrNoAccess)
}

// TestExpiry: a grant ends by the server's clock, and the owner goes on.
func TestExpiry(t *testing.T) {
	var ahead atomic.Int64
	clock := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	s := hosttest.NewServer(t, hosttest.Options{Clock: clock})
	alice, bob, charlie := hosttest.NewPerson(t, "alice"), hosttest.NewPerson(t, "bob"), hosttest.NewPerson(t, "charlie")
	a, b := alice.Publish(t, s.URL), bob.Publish(t, s.URL)
	charlie.Publish(t, s.URL)
	document := encrypt(t, a, []byte("secret"))
	grant(t, a, bob.ID, client.GrantOptions{Expires: time.Hour})
	if got, _, err := decrypt(b, document, client.DecryptOptions{}); err != nil || string(got) != "secret" {
		t.Fatalf("%q, %v", got, err)
	}
	ahead.Store(int64(2 * time.Hour))
	got, _, err := decrypt(b, document, client.DecryptOptions{})
	refused(t, got, err, client.ErrNoAccess)
	// the newest record still lists Bob; that is no reason to revoke anybody else
	if _, err := a.Revoke(ctx, charlie.ID, client.RevokeOptions{}); !errors.Is(err, client.ErrNoGrant) {
		t.Errorf("revoke who has none: %v", err)
	}
	grant(t, a, charlie.ID, client.GrantOptions{})
	list, err := a.Grants(ctx)
	if err != nil || len(list.Issued) != 3 || list.Issued[0].Status != api.GrantActive || list.Issued[1].Status != api.GrantActive || list.Issued[2].Status != api.GrantExpired {
		t.Errorf("%+v, %v", list, err)
	}
	// its transform key may still wait for the sweep: then there is something to revoke
	if _, err := a.Revoke(ctx, bob.ID, client.RevokeOptions{}); err != nil && !errors.Is(err, client.ErrNoGrant) {
		t.Errorf("revoke what has expired: %v", err)
	}
	if _, err := a.Revoke(ctx, bob.ID, client.RevokeOptions{}); !errors.Is(err, client.ErrNoGrant) {
		t.Errorf("revoke what has expired, again: %v", err)
	}
}

// TestRevokeNothing: nobody, a stranger, and the same reader twice.
func TestRevokeNothing(t *testing.T) {
	x := newCast(t)
	try := func(what, reader string) {
		t.Helper()
		if info, err := x.a.Revoke(ctx, reader, client.RevokeOptions{}); !errors.Is(err, client.ErrNoGrant) || !errors.Is(err, client.ErrNotFound) || info != nil {
			t.Errorf("%s: %+v, %v", what, info, err)
		}
	}
	try("without a collection", x.bob.ID)
	grant(t, x.a, x.bob.ID, client.GrantOptions{})
	try("who has none", x.charlie.ID)
	try("who is unknown", hosttest.NewPerson(t, "stranger").ID)
	if _, err := x.a.Revoke(ctx, x.bob.ID, client.RevokeOptions{}); err != nil {
		t.Fatal(err)
	}
	try("twice", x.bob.ID)
	// what was revoked can be granted again
	document := encrypt(t, x.a, []byte("again"))
	grant(t, x.a, x.bob.ID, client.GrantOptions{})
	if got, _, err := decrypt(x.b, document, client.DecryptOptions{}); err != nil || string(got) != "again" {
		t.Errorf("%q, %v", got, err)
	}
}

// TestRevokeInterrupted: the network fails after the receipt. The reader is out
// already, and revoking again completes the chain.
func TestRevokeInterrupted(t *testing.T) {
	x := newCast(t)
	document := encrypt(t, x.a, []byte("secret"))
	grant(t, x.a, x.bob.ID, client.GrantOptions{})
	x.play(on(http.MethodPost, "/v1/grants", func(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) }))
	if _, err := x.a.Revoke(ctx, x.bob.ID, client.RevokeOptions{}); !errors.Is(err, client.ErrUnreachable) || !strings.Contains(err.Error(), "revoke again") {
		t.Errorf("interrupted: %v", err)
	}
	x.play(nil)
	got, _, err := decrypt(x.b, document, client.DecryptOptions{})
	refused(t, got, err, client.ErrNoAccess)
	if info, err := x.a.Revoke(ctx, x.bob.ID, client.RevokeOptions{}); err != nil || info.Destroyed != 0 {
		t.Errorf("completed: %+v, %v", info, err)
	}
	if _, err := x.a.Revoke(ctx, x.bob.ID, client.RevokeOptions{}); !errors.Is(err, client.ErrNoGrant) {
		t.Errorf("after completion: %v", err)
	}
}

// TestLostAnswers: a write arrives but its answer does not. Doing it again works.
func TestLostAnswers(t *testing.T) {
	x := newCast(t)
	deaf := func(w http.ResponseWriter, r *http.Request, honest http.Handler) {
		honest.ServeHTTP(discard{http.Header{}}, r)
		panic(http.ErrAbortHandler)
	}
	x.play(on(http.MethodPost, "/v1/grants", deaf))
	if _, err := x.a.Grant(ctx, x.bob.ID, client.GrantOptions{}); !errors.Is(err, client.ErrUnreachable) {
		t.Error(err)
	}
	x.play(nil)
	grant(t, x.a, x.bob.ID, client.GrantOptions{})
	x.play(on(http.MethodPost, "/v1/revocations", deaf))
	if _, err := x.a.Revoke(ctx, x.bob.ID, client.RevokeOptions{}); !errors.Is(err, client.ErrUnreachable) {
		t.Error(err)
	}
	x.play(nil)
	if _, err := x.a.Revoke(ctx, x.bob.ID, client.RevokeOptions{}); err != nil {
		t.Error(err)
	}
}

type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

// TestDevicesRace: several devices of one identity, with memories of their own,
// open the collection and grant at once. Each reader ends up with access.
func TestDevicesRace(t *testing.T) {
	x := newCast(t)
	const devices = 3
	var readers []*hosttest.Person
	var wg sync.WaitGroup
	errs := make([]error, devices)
	for i := range devices {
		reader := hosttest.NewPerson(t, fmt.Sprint("reader ", i))
		reader.Publish(t, x.server.URL)
		readers = append(readers, reader)
		device := *x.alice
		device.State = client.NewMemoryState()
		c := device.Client(t, x.server.URL)
		wg.Go(func() {
			for range 5 { // three attempts are built in, more is up to the user
				if _, errs[i] = c.Grant(ctx, reader.ID, client.GrantOptions{}); !errors.Is(errs[i], client.ErrConflict) {
					return
				}
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	document := encrypt(t, x.a, []byte("secret"))
	for _, r := range readers {
		if got, _, err := decrypt(r.Client(t, x.server.URL), document, client.DecryptOptions{}); err != nil || string(got) != "secret" {
			t.Errorf("%s: %q, %v", r.Name, got, err)
		}
	}
}

// TestHammer uses one Client from many goroutines.
func TestHammer(t *testing.T) {
	x := newCast(t)
	grant(t, x.a, x.bob.ID, client.GrantOptions{})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			content := []byte(strings.Repeat("x", i*1000))
			document := encrypt(t, x.a, content)
			if got, _, err := decrypt(x.b, document, client.DecryptOptions{From: x.alice.ID}); err != nil || !bytes.Equal(got, content) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
			reader := x.charlie.ID
			if i%2 == 0 {
				reader = x.mallet.ID
			}
			if _, err := x.a.Grant(ctx, reader, client.GrantOptions{}); err != nil {
				t.Error(err)
			}
			if _, err := x.a.Revoke(ctx, reader, client.RevokeOptions{}); err != nil && !errors.Is(err, client.ErrNoGrant) {
				t.Error(err)
			}
			if _, err := x.a.Grants(ctx); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}
