package client_test

import (
	"bytes"
	"errors"
	"net/http"
	"testing"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/hosttest"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// withKeys is p after his keys have changed.
func withKeys(p *hosttest.Person, seed, record []byte) *hosttest.Person {
	next := *p
	next.Seed, next.Record = seed, record
	return &next
}

// TestRotateIdentity: new keys for the same identity. Readers and owner go on, once they
// were confirmed.
func TestRotateIdentity(t *testing.T) {
	x := newCast(t)
	url := x.server.URL
	idle := device(t, x.bob, url)
	document := encrypt(t, x.a, []byte("secret"))
	grant(t, x.a, x.bob.ID, client.GrantOptions{})
	own := encrypt(t, x.b, []byte("bob's own"))

	seed := hosttest.Random(32)
	record, err := x.b.RotateIdentity(ctx, seed, nil)
	if err != nil || !bytes.HasPrefix(record, x.bob.Record) {
		t.Fatal(err)
	}
	again, err := x.b.RotateIdentity(ctx, seed, nil)
	if err != nil || !bytes.Equal(again, record) {
		t.Errorf("calling it again: %v", err)
	}
	for who, old := range map[string]*client.Client{"this": x.b, "another": idle} {
		if _, err := old.Grants(ctx); !errors.Is(err, client.ErrNewKeys) {
			t.Errorf("%s device with the old seed: %v", who, err)
		}
		if changed, err := old.Refresh(ctx); changed || !errors.Is(err, client.ErrNewKeys) || !errors.Is(err, client.ErrSignature) {
			t.Errorf("%s device refreshed %v, %v", who, changed, err)
		}
	}
	b := withKeys(x.bob, seed, record).Client(t, url)
	if got, _, err := decrypt(b, own, client.DecryptOptions{From: x.bob.ID}); err != nil || string(got) != "bob's own" {
		t.Errorf("his own document from before: %q, %v", got, err)
	}
	got, _, err := decrypt(b, document, client.DecryptOptions{})
	refused(t, got, err, client.ErrNoAccess)

	v, _, err := x.a.LookUp(ctx, x.bob.ID)
	if err != nil || v.Since != 2 {
		t.Fatalf("%+v, %v", v, err)
	}
	if changed, err := x.a.Changed(ctx, v); err != nil || !changed {
		t.Errorf("changed %v, %v", changed, err)
	}
	if _, err := x.a.Grant(ctx, x.bob.ID, client.GrantOptions{}); !errors.Is(err, client.ErrKeyChanged) {
		t.Errorf("granted to keys that nobody has confirmed: %v", err)
	}
	if _, err := x.a.SafetyNumber(ctx, x.bob.ID); err != nil { // of version 2
		t.Fatal(err)
	}
	other, err := client.New(client.Config{Caller: hosttest.Caller(t), Server: url, Seed: seed, Identity: record})
	if err != nil {
		t.Fatal(err)
	}
	seed = hosttest.Random(32)
	if record, err = other.RotateIdentity(ctx, seed, nil); err != nil {
		t.Fatal(err)
	}
	b = withKeys(x.bob, seed, record).Client(t, url)
	if err := x.a.Confirm(ctx, x.bob.ID); !errors.Is(err, client.ErrKeyChanged) {
		t.Errorf("confirmed keys that were never compared: %v", err)
	}
	if v, _, err = x.a.LookUp(ctx, x.bob.ID); err != nil || v.Version != 3 {
		t.Fatalf("%+v, %v", v, err)
	}
	if err := x.a.Confirm(ctx, x.bob.ID); !errors.Is(err, client.ErrKeyChanged) {
		t.Errorf("confirmed keys that were only looked up: %v", err)
	}
	confirm(t, x.a, x.bob.ID)
	if changed, err := x.a.Changed(ctx, v); err != nil || changed {
		t.Errorf("changed %v, %v", changed, err)
	}
	grant(t, x.a, x.bob.ID, client.GrantOptions{})
	if got, _, err := decrypt(b, document, client.DecryptOptions{}); err != nil || string(got) != "secret" {
		t.Errorf("after it was granted again: %q, %v", got, err)
	}
	if _, err := x.a.RotateIdentity(ctx, hosttest.Random(32), hosttest.Random(32)); err == nil {
		t.Error("the recovery key was changed without it")
	}
}

// TestRotateLostAnswer: the server has the new version, and its answer is lost.
func TestRotateLostAnswer(t *testing.T) {
	x := newCast(t)
	seed := hosttest.Random(32)
	x.play(on(http.MethodPost, api.PathIdentities, func(_ http.ResponseWriter, r *http.Request, honest http.Handler) {
		honest.ServeHTTP(nobody{http.Header{}}, r)
		panic(http.ErrAbortHandler)
	}))
	record, err := x.b.RotateIdentity(ctx, seed, nil)
	x.play(nil)
	if err != nil { // or it was found at once
		record, err = x.b.RotateIdentity(ctx, seed, nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := withKeys(x.bob, seed, record).Client(t, x.server.URL).Grants(ctx); err != nil {
		t.Error(err)
	}
}

// nobody is an answer that nobody gets.
type nobody struct{ h http.Header }

func (d nobody) Header() http.Header         { return d.h }
func (d nobody) Write(b []byte) (int, error) { return len(b), nil }
func (d nobody) WriteHeader(int)             {}

// recoverable makes an identity whose recovery seed is known.
func recoverable(t *testing.T, url string) (p *hosttest.Person, recovery []byte) {
	t.Helper()
	core := abi.Client{Caller: hosttest.Caller(t)}
	p, recovery = hosttest.NewPerson(t, "dora"), hosttest.Random(32)
	record, err := core.NewIdentity(ctx, p.Seed, recovery, []byte{abi.Suite256})
	if err != nil {
		t.Fatal(err)
	}
	v, err := core.OpenIdentity(ctx, record)
	if err != nil {
		t.Fatal(err)
	}
	p.Record = record
	if p.ID, err = core.FormatID(ctx, abi.KindPerson, v.ID); err != nil {
		t.Fatal(err)
	}
	p.Publish(t, url)
	return p, recovery
}

// TestRecoverIdentity: a thief has changed the keys; the recovery key takes the identity
// back, with the old seed or without it.
func TestRecoverIdentity(t *testing.T) {
	for _, lost := range []bool{false, true} {
		x := newCast(t)
		url := x.server.URL
		dora, recovery := recoverable(t, url)
		d := dora.Client(t, url)
		document := encrypt(t, d, []byte("dora's"))
		grant(t, d, x.alice.ID, client.GrantOptions{})
		if _, _, err := x.a.LookUp(ctx, dora.ID); err != nil {
			t.Fatal(err)
		}
		stolen := hosttest.Random(32)
		theirs, err := device(t, dora, url).RotateIdentity(ctx, stolen, nil)
		if err != nil {
			t.Fatal(err)
		}
		thief := withKeys(dora, stolen, theirs)
		thief.State = client.NewMemoryState()
		if v, _, err := x.a.LookUp(ctx, dora.ID); err != nil || v.Version != 2 {
			t.Fatalf("%+v, %v", v, err)
		}

		anybody, err := client.New(client.Config{Caller: hosttest.Caller(t), Server: url, State: dora.State})
		if err != nil {
			t.Fatal(err)
		}
		r := client.Recovery{ID: dora.ID, Recovery: recovery, Seed: dora.Seed, NewSeed: hosttest.Random(32), NewRecovery: hosttest.Random(32)}
		if lost {
			r.Seed, r.Identity = nil, dora.Record
		}
		if _, err := anybody.RecoverIdentity(ctx, client.Recovery{ID: dora.ID, Recovery: hosttest.Random(32), Seed: r.Seed, Identity: r.Identity, NewSeed: r.NewSeed}); err == nil {
			t.Fatal("recovered with a wrong recovery seed")
		}
		record, err := anybody.RecoverIdentity(ctx, r)
		if err != nil {
			t.Fatal(err)
		}
		again, err := anybody.RecoverIdentity(ctx, r)
		if err != nil || !bytes.Equal(again, record) {
			t.Errorf("again: %v", err)
		}
		v, shown, err := x.a.LookUp(ctx, dora.ID)
		if err != nil || v.Version != 2 || !bytes.Equal(shown, record) {
			t.Fatalf("%+v, %v", v, err)
		}
		if _, err := thief.Client(t, url).Grants(ctx); !errors.Is(err, client.ErrSignature) {
			t.Errorf("the thief goes on: %v", err)
		}
		own := withKeys(dora, r.NewSeed, record).Client(t, url)
		got, _, err := decrypt(own, document, client.DecryptOptions{})
		if lost && (err == nil || len(got) != 0) {
			t.Errorf("opened without the old seed: %q", got)
		}
		if !lost && (err != nil || string(got) != "dora's") {
			t.Errorf("with the old seed: %q, %v", got, err)
		}
	}
}

// TestSafetyNumber: both see the same number, until one of them gets a new version.
func TestSafetyNumber(t *testing.T) {
	x := newCast(t)
	number := func(c *client.Client, other string) string {
		t.Helper()
		digits, err := c.SafetyNumber(ctx, other)
		if err != nil || len(digits) != 60 {
			t.Fatalf("%q, %v", digits, err)
		}
		return digits
	}
	ab, ba, am := number(x.a, x.bob.ID), number(x.b, x.alice.ID), number(x.a, x.mallet.ID)
	if ab != ba || ab == am {
		t.Errorf("%s, %s, %s", ab, ba, am)
	}
	addSuites(t, x.b, abi.Suite480)
	if next := number(x.a, x.bob.ID); next == ab || next != number(x.b, x.alice.ID) {
		t.Errorf("after a new version: %s", next)
	}
	number(hosttest.NewPerson(t, "unpublished").Client(t, x.server.URL), x.alice.ID)
	if _, err := x.a.SafetyNumber(ctx, x.alice.ID); !errors.Is(err, client.ErrSelf) {
		t.Error(err)
	}
}
