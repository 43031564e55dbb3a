package client_test

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/hosttest"
)

// A timed cast has a clock that tests move, for everybody.
type timed struct {
	*cast
	ahead atomic.Int64
}

func (x *timed) now() time.Time { return time.Now().Add(time.Duration(x.ahead.Load())) }

func newTimed(t testing.TB) *timed {
	x := &timed{cast: &cast{evil: &evil{}}}
	x.server = hosttest.NewServer(t, hosttest.Options{Wrap: x.wrap, Clock: x.now})
	for name, p := range map[string]struct {
		person **hosttest.Person
		client **client.Client
	}{"alice": {&x.alice, &x.a}, "bob": {&x.bob, &x.b}, "charlie": {&x.charlie, &x.c}, "mallet": {&x.mallet, &x.m}} {
		*p.person = hosttest.NewPerson(t, name)
		cfg := (*p.person).Config(t, x.server.URL)
		cfg.Now = x.now
		c, err := client.New(cfg)
		if err == nil {
			err = c.Publish(ctx)
		}
		if err != nil {
			t.Fatal(err)
		}
		*p.client = c
	}
	return x
}

// TestNotBefore: a grant opens nothing before its time, and expires counted from then.
func TestNotBefore(t *testing.T) {
	x := newTimed(t)
	document := encrypt(t, x.a, []byte("secret"))
	begin := x.now().Add(time.Hour)
	g := grant(t, x.a, x.bob.ID, client.GrantOptions{NotBefore: begin, Expires: time.Hour})
	if g.NotBefore.Sub(begin).Abs() > time.Second || g.Expires.Sub(begin.Add(time.Hour)).Abs() > time.Second {
		t.Errorf("%+v", g)
	}
	closed(t, x.b, document)
	if list, err := x.b.Grants(ctx); err != nil || list.Received[0].Status != api.GrantLater {
		t.Errorf("%+v, %v", list, err)
	}
	grant(t, x.a, x.charlie.ID, client.GrantOptions{}) // who is later is a reader already
	x.ahead.Store(int64(time.Hour + time.Minute))
	opens(t, x.b, document, "secret")
	x.ahead.Store(int64(2*time.Hour + time.Minute))
	closed(t, x.b, document)
}

// TestDocuments: single documents, of two epochs, and nothing else; rotation leaves
// their reader behind.
func TestDocuments(t *testing.T) {
	x := newCast(t)
	first, one := encryptIn(t, x.a, []byte("first"), client.EncryptOptions{})
	other := encrypt(t, x.a, []byte("other"))
	if _, err := x.a.Rotate(ctx, "", nil); err != nil {
		t.Fatal(err)
	}
	second, two := encryptIn(t, x.a, []byte("second"), client.EncryptOptions{})
	g := grant(t, x.a, x.bob.ID, client.GrantOptions{Documents: []string{two.Key, one.Key, one.Key}})
	if len(g.Documents) != 1 || g.Documents[0] != two.Key || g.Epoch != 1 {
		t.Errorf("%+v", g)
	}
	opens(t, x.b, first, "first")
	opens(t, x.b, second, "second")
	closed(t, x.b, other)
	grant(t, x.a, x.charlie.ID, client.GrantOptions{})
	info, err := x.a.Rotate(ctx, "", nil)
	if err != nil || info.Readers != 1 || info.Suspended != 0 {
		t.Errorf("%+v, %v", info, err)
	}
	opens(t, x.b, second, "second")
	closed(t, x.b, encrypt(t, x.a, []byte("young")))

	private := create(t, x.a, "private", client.CollectionOptions{})
	_, three := encryptIn(t, x.a, nil, client.EncryptOptions{Collection: private.ID})
	bobs, err := x.b.CreateKey(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]client.GrantOptions{
		"of two collections":  {Documents: []string{one.Key, three.Key}},
		"of another":          {Documents: []string{one.Key}, Collection: "private"},
		"somebody else's":     {Documents: []string{bobs.ID}},
		"no id":               {Documents: []string{"x"}},
		"with a wait":         {Documents: []string{one.Key}, Pending: time.Hour},
		"of the newest epoch": {Documents: []string{one.Key}, FromNow: true},
	} {
		if g, err := x.a.Grant(ctx, x.mallet.ID, o); err == nil {
			t.Errorf("%s: %+v", name, g)
		}
	}
	if _, err := x.a.Grant(ctx, x.charlie.ID, client.GrantOptions{Documents: []string{two.Key}}); err == nil || !strings.Contains(err.Error(), "whole collection") {
		t.Errorf("less than all: %v", err)
	}
}

// TestFromNow: a reader of the newest epoch only.
func TestFromNow(t *testing.T) {
	x := newCast(t)
	old := encrypt(t, x.a, []byte("old"))
	if _, err := x.a.Rotate(ctx, "", nil); err != nil {
		t.Fatal(err)
	}
	grant(t, x.a, x.bob.ID, client.GrantOptions{FromNow: true})
	opens(t, x.b, encrypt(t, x.a, []byte("young")), "young")
	closed(t, x.b, old)
	grant(t, x.a, x.bob.ID, client.GrantOptions{})
	opens(t, x.b, old, "old")
}

// TestPending: emergency access. It opens after the wait that the reader has begun,
// unless the owner vetoes; and it survives a rotation.
func TestPending(t *testing.T) {
	x := newTimed(t)
	document := encrypt(t, x.a, []byte("will"))
	if _, err := x.b.Request(ctx, x.alice.ID); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("nothing to request: %v", err)
	}
	g := grant(t, x.a, x.bob.ID, client.GrantOptions{Pending: 72 * time.Hour})
	if g.Kind != "pending" || g.Wait != 72*time.Hour {
		t.Errorf("%+v", g)
	}
	closed(t, x.b, document)
	x.ahead.Store(int64(100 * time.Hour))
	closed(t, x.b, document) // the wait begins when asked
	if _, err := x.a.Veto(ctx, x.bob.ID); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("nothing to veto: %v", err)
	}
	ask := func() {
		t.Helper()
		asked, err := x.b.Request(ctx, x.alice.ID)
		if err != nil || len(asked) == 0 || asked[0].Collection != g.Collection || asked[0].Opens.Sub(x.now().Add(72*time.Hour)).Abs() > time.Minute {
			t.Fatalf("%+v, %v", asked, err)
		}
	}
	ask()
	if list, err := x.a.Grants(ctx); err != nil || list.Issued[0].Status != api.GrantWaiting || list.Issued[0].Requested.IsZero() || list.Issued[0].Opens.Sub(list.Issued[0].Requested) != 72*time.Hour {
		t.Errorf("%+v, %v", list, err)
	}
	x.ahead.Store(int64(150 * time.Hour))
	if ids, err := x.a.Veto(ctx, x.bob.ID); err != nil || len(ids) != 1 || ids[0] != g.Collection {
		t.Errorf("%v, %v", ids, err)
	}
	x.ahead.Store(int64(200 * time.Hour))
	closed(t, x.b, document)
	ask()
	if info, err := x.a.Rotate(ctx, "", nil); err != nil || info.Readers != 1 {
		t.Errorf("%+v, %v", info, err)
	}
	young := encrypt(t, x.a, []byte("young"))
	x.ahead.Store(int64(273 * time.Hour))
	opens(t, x.b, document, "will")
	opens(t, x.b, young, "young")
	if _, err := x.a.Veto(ctx, x.bob.ID); !errors.Is(err, client.ErrConflict) {
		t.Errorf("veto too late: %v", err)
	}
	if info, err := x.a.Revoke(ctx, x.bob.ID, client.RevokeOptions{}); err != nil || info.Destroyed != 2 || len(info.Opened) != 2 {
		t.Errorf("%+v, %v", info, err)
	}
	closed(t, x.b, document)
	if _, err := x.b.Request(ctx, x.alice.ID); !errors.Is(err, client.ErrNotFound) {
		t.Errorf("request after revocation: %v", err)
	}
}

// TestTerms: terms that cannot be.
func TestTerms(t *testing.T) {
	x := newCast(t)
	for name, o := range map[string]client.GrantOptions{
		"in the past":   {Expires: -1},
		"far away":      {Expires: 101 * 366 * 24 * time.Hour},
		"begins far":    {NotBefore: time.Now().AddDate(150, 0, 0)},
		"waits long":    {Pending: 101 * 366 * 24 * time.Hour},
		"waits shortly": {Pending: time.Microsecond},
		"negative wait": {Pending: -time.Hour},
	} {
		if g, err := x.a.Grant(ctx, x.bob.ID, o); err == nil {
			t.Errorf("%s: %+v", name, g)
		}
	}
	if _, err := x.a.Request(ctx, x.alice.ID); !errors.Is(err, client.ErrSelf) {
		t.Error(err)
	}
	if _, err := x.a.Veto(ctx, x.alice.ID); !errors.Is(err, client.ErrSelf) {
		t.Error(err)
	}
}
