package client_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/hosttest"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// chainOf returns the verified records of the default collection of p, as the server
// shows them to c.
func chainOf(t testing.TB, x *cast, p *hosttest.Person, c *client.Client) []*abi.Collection {
	t.Helper()
	core := abi.Client{Caller: hosttest.Caller(t)}
	answer := capture[api.Collection](t, x.evil, http.MethodGet, "/v1/collections/", func() { c.CreateKey(ctx) })
	var chain []*abi.Collection
	var previous []byte
	for _, record := range answer.Records {
		v, err := core.OpenCollection(ctx, p.Record, record, previous)
		if err != nil {
			t.Fatal(err)
		}
		chain, previous = append(chain, v), record
	}
	return chain
}

// checkSalts fails if two epochs share a key, or one has two.
func checkSalts(t testing.TB, chain []*abi.Collection) {
	t.Helper()
	salts := map[[32]byte]uint32{}
	for _, v := range chain {
		if epoch, ok := salts[v.Salt]; ok && epoch != v.Epoch {
			t.Errorf("epochs %d and %d share a key", epoch, v.Epoch)
		}
		salts[v.Salt] = v.Epoch
	}
	if len(salts) != int(chain[len(chain)-1].Epoch)+1 {
		t.Errorf("%d salts for %d epochs", len(salts), chain[len(chain)-1].Epoch+1)
	}
}

// TestRotate: the readers of the newest epoch read on, on their terms.
func TestRotate(t *testing.T) {
	x := newCast(t)
	old := encrypt(t, x.a, []byte("old"))
	grant(t, x.a, x.bob.ID, client.GrantOptions{})
	first := grant(t, x.a, x.charlie.ID, client.GrantOptions{Expires: time.Hour})
	var steps []string
	info, err := x.a.Rotate(ctx, "default", func(done, all int) { steps = append(steps, fmt.Sprint(done, "/", all)) })
	if err != nil || info.Epoch != 1 || info.Readers != 2 || info.Suspended != 0 || time.Since(info.Receipt).Abs() > time.Minute || strings.Join(steps, " ") != "2/2" {
		t.Fatalf("%+v, %v, %v", info, err, steps)
	}
	young := encrypt(t, x.a, []byte("young"))
	for _, c := range []*client.Client{x.a, x.b, x.c} {
		opens(t, c, old, "old")
		opens(t, c, young, "young")
	}
	closed(t, x.m, young)
	list, err := x.a.Grants(ctx)
	if err != nil || len(list.Issued) != 4 {
		t.Fatal(list, err)
	}
	for _, g := range list.Issued {
		if g.Status != api.GrantActive || g.Reader == x.charlie.ID && !g.Expires.Equal(first.Expires) {
			t.Errorf("%+v", g)
		}
	}
	if _, err := x.a.Rotate(ctx, "", nil); err != nil {
		t.Error(err)
	}
	opens(t, x.b, young, "young")
	chain := chainOf(t, x, x.alice, x.a)
	checkSalts(t, chain)
	for _, v := range chain[1:] { // the first may be made before anything was verified
		if s := v.Extensions.Checkpoint; s == nil || s.Size == 0 {
			t.Errorf("record %d does not say what its owner had seen of the log", v.Sequence)
		}
	}
	core := abi.Client{Caller: hosttest.Caller(t)}
	k := capture[api.Key](t, x.evil, http.MethodPost, "/v1/keys/", func() { opens(t, x.b, young, "young") })
	g, err := core.OpenGrant(ctx, x.alice.Record, nil, nil, k.Grant, nil)
	if err != nil || g.Extensions.Checkpoint == nil {
		t.Errorf("grant: %+v, %v", g, err)
	}
	r, err := core.OpenKeyRecord(ctx, x.alice.Record, nil, k.Record, nil)
	if err != nil || r.Extensions.Checkpoint == nil {
		t.Errorf("key record: %+v, %v", r, err)
	}
}

// TestRevokeRotates: whoever is revoked is out of old and new documents; whoever remains
// reads both; what was opened before is told.
func TestRevokeRotates(t *testing.T) {
	x := newCast(t)
	old, keep := encryptIn(t, x.a, []byte("old"), client.EncryptOptions{})
	encrypt(t, x.a, []byte("never opened"))
	grant(t, x.a, x.bob.ID, client.GrantOptions{})
	grant(t, x.a, x.charlie.ID, client.GrantOptions{})
	opens(t, x.b, old, "old")
	opens(t, x.b, old, "old")
	opens(t, x.c, old, "old")
	done := 0
	info, err := x.a.Revoke(ctx, x.bob.ID, client.RevokeOptions{Progress: func(n, all int) { done = n }})
	if err != nil || info.Destroyed != 1 || info.Epoch != 1 || !info.Rotated || info.Remaining != 1 || done != 1 || info.Unlisted != nil {
		t.Fatalf("%+v, %v, %d", info, err, done)
	}
	if len(info.Opened) != 1 || info.Opened[0].Key != keep.Key || info.Opened[0].Times != 2 {
		t.Errorf("opened %+v", info.Opened)
	}
	young := encrypt(t, x.a, []byte("young"))
	opens(t, x.c, old, "old")
	opens(t, x.c, young, "young")
	closed(t, x.b, old)
	closed(t, x.b, young)
	grant(t, x.a, x.bob.ID, client.GrantOptions{FromNow: true})
	opens(t, x.b, young, "young")
	closed(t, x.b, old)
	checkSalts(t, chainOf(t, x, x.alice, x.a))
}

// TestClosedEpoch: a device is interrupted between revoking and opening the next epoch.
// The epoch takes nothing, and the next write, by another device, opens another first.
func TestClosedEpoch(t *testing.T) {
	for name, write := range map[string]func(x *cast, c *client.Client) error{
		"encrypt": func(x *cast, c *client.Client) error {
			return second(c.Encrypt(ctx, io.Discard, strings.NewReader("x"), client.EncryptOptions{}))
		},
		"create key": func(_ *cast, c *client.Client) error { return second(c.CreateKey(ctx)) },
		"grant": func(x *cast, c *client.Client) error {
			return second(c.Grant(ctx, x.mallet.ID, client.GrantOptions{}))
		},
		"rotate": func(_ *cast, c *client.Client) error { return second(c.Rotate(ctx, "", nil)) },
		"change": func(_ *cast, c *client.Client) error {
			return second(c.ChangeCollection(ctx, "", client.CollectionOptions{Deposit: client.DepositOpen}, nil))
		},
		"revoke another": func(x *cast, c *client.Client) error {
			_, err := c.Revoke(ctx, x.mallet.ID, client.RevokeOptions{})
			if errors.Is(err, client.ErrNoGrant) {
				err = nil
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			x := newCast(t)
			grant(t, x.a, x.bob.ID, client.GrantOptions{})
			grant(t, x.a, x.charlie.ID, client.GrantOptions{})
			x.play(on(http.MethodPost, api.PathGrants, func(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) }))
			if _, err := x.a.Revoke(ctx, x.bob.ID, client.RevokeOptions{}); !errors.Is(err, client.ErrUnreachable) {
				t.Fatal(err)
			}
			x.play(nil)
			if list, err := x.a.Collections(ctx); err != nil || !list[0].Closed || list[0].Epoch != 0 {
				t.Fatal(list, err)
			}
			if err := write(x, again(t, x, x.alice)); err != nil {
				t.Fatal(err)
			}
			if list, err := x.a.Collections(ctx); err != nil || list[0].Closed || list[0].Epoch != 1 {
				t.Error(list, err)
			}
			document := encrypt(t, x.a, []byte("young"))
			opens(t, x.c, document, "young")
			closed(t, x.b, document)
		})
	}
}

// TestRenewBy: after a grant has expired, the next write opens an epoch that its reader
// has never had.
func TestRenewBy(t *testing.T) {
	var ahead atomic.Int64
	clock := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	s := hosttest.NewServer(t, hosttest.Options{Clock: clock})
	alice, bob, charlie := hosttest.NewPerson(t, "alice"), hosttest.NewPerson(t, "bob"), hosttest.NewPerson(t, "charlie")
	cfg := alice.Config(t, s.URL)
	cfg.Now = clock
	a, err := client.New(cfg)
	if err == nil {
		err = a.Publish(ctx)
	}
	if err != nil {
		t.Fatal(err)
	}
	bob.Publish(t, s.URL)
	c := charlie.Publish(t, s.URL)
	grant(t, a, charlie.ID, client.GrantOptions{Expires: 3 * time.Hour})
	g := grant(t, a, bob.ID, client.GrantOptions{Expires: time.Hour})
	epoch := func(want uint32, by time.Time) {
		t.Helper()
		encrypt(t, a, nil)
		if list, err := a.Collections(ctx); err != nil || list[0].Epoch != want || !list[0].RenewBy.Equal(by) {
			t.Errorf("%+v, %v, want epoch %d by %v", list, err, want, by)
		}
	}
	epoch(0, g.Expires)
	ahead.Store(int64(time.Hour + time.Minute))
	document := encrypt(t, a, []byte("young"))
	if got, _, err := decrypt(c, document, client.DecryptOptions{}); err != nil || string(got) != "young" {
		t.Errorf("%q, %v", got, err)
	}
	list, err := a.Collections(ctx)
	if err != nil || list[0].Epoch != 1 || list[0].Readers != 1 || list[0].RenewBy.Before(g.Expires.Add(time.Hour)) {
		t.Fatalf("%+v, %v", list, err)
	}
	epoch(1, list[0].RenewBy)
	ahead.Store(int64(4 * time.Hour))
	epoch(2, time.Time{})
}

// A deaf transport loses the answers to some requests, after they have arrived.
type deaf struct {
	http.RoundTripper
	lose func(r *http.Request) bool
}

func (d deaf) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := d.RoundTripper.RoundTrip(r)
	if err != nil || !d.lose(r) {
		return resp, err
	}
	resp.Body.Close()
	return nil, errors.New("connection reset")
}

// TestTimedOut: answers are lost on the way back. The client asks again with the same
// bytes, so that there is one effect; and when another device has gone on meanwhile, it
// finds its own record in the chain.
func TestTimedOut(t *testing.T) {
	for _, racing := range []bool{false, true} {
		x := newCast(t)
		cfg := x.alice.Config(t, x.server.URL)
		cfg.State = client.NewMemoryState()
		lost := map[string]int{}
		var other *client.Client
		cfg.HTTP = &http.Client{Transport: deaf{http.DefaultTransport, func(r *http.Request) bool {
			if r.Method != http.MethodPost || lost[r.URL.Path] > 0 {
				return false
			}
			if lost[r.URL.Path]++; racing && r.URL.Path == api.PathGrants {
				grant(t, other, x.mallet.ID, client.GrantOptions{})
			}
			return true
		}}}
		a, err := client.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		other = again(t, x, x.alice)
		encrypt(t, other, nil)
		grant(t, a, x.bob.ID, client.GrantOptions{})
		clear(lost)
		grant(t, a, x.charlie.ID, client.GrantOptions{})
		clear(lost)
		info, err := a.Revoke(ctx, x.bob.ID, client.RevokeOptions{})
		if err != nil || info.Destroyed != 1 || !info.Rotated {
			t.Fatalf("racing %v: %+v, %v", racing, info, err)
		}
		if lost[api.PathRevocations] != 1 || lost[api.PathGrants] != 1 {
			t.Errorf("%v", lost)
		}
		document := encrypt(t, a, []byte("young"))
		opens(t, x.c, document, "young")
		closed(t, x.b, document)
		chain := chainOf(t, x, x.alice, x.a)
		checkSalts(t, chain)
		want := map[bool]int{false: 4, true: 7}[racing]
		if len(chain) != want || chain[len(chain)-1].Epoch != 1 {
			t.Errorf("racing %v: %d records, epoch %d", racing, len(chain), chain[len(chain)-1].Epoch)
		}
	}
}

// TestDevicesRotate: two devices revoke and rotate at once. Each epoch has one key, nobody
// who was revoked is left, and everybody else reads on.
func TestDevicesRotate(t *testing.T) {
	x := newCast(t)
	var out, in []*hosttest.Person
	for i := range 4 {
		p := hosttest.NewPerson(t, fmt.Sprint("reader ", i))
		p.Publish(t, x.server.URL)
		grant(t, x.a, p.ID, client.GrantOptions{})
		if i%2 == 0 {
			out = append(out, p)
		} else {
			in = append(in, p)
		}
	}
	old := encrypt(t, x.a, []byte("old"))
	var wg sync.WaitGroup
	for i, p := range out {
		device := again(t, x, x.alice)
		wg.Go(func() {
			for range 10 {
				_, err := device.Revoke(ctx, p.ID, client.RevokeOptions{})
				if err == nil || errors.Is(err, client.ErrNoGrant) {
					break
				}
				if !errors.Is(err, client.ErrConflict) && !errors.Is(err, client.ErrClosedEpoch) {
					t.Errorf("device %d: %v", i, err)
					break
				}
			}
			var b bytes.Buffer
			for range 10 {
				b.Reset()
				_, err := device.Encrypt(ctx, &b, strings.NewReader("young"), client.EncryptOptions{})
				if err == nil {
					break
				}
				if !errors.Is(err, client.ErrConflict) && !errors.Is(err, client.ErrClosedEpoch) {
					t.Errorf("device %d: %v", i, err)
					return
				}
			}
			for _, p := range in {
				opens(t, p.Client(t, x.server.URL), b.Bytes(), "young")
			}
			closed(t, p.Client(t, x.server.URL), b.Bytes())
		})
	}
	wg.Wait()
	final := encrypt(t, x.a, []byte("final"))
	for _, p := range in {
		opens(t, p.Client(t, x.server.URL), old, "old")
		opens(t, p.Client(t, x.server.URL), final, "final")
	}
	for _, p := range out {
		closed(t, p.Client(t, x.server.URL), old)
		closed(t, p.Client(t, x.server.URL), final)
	}
	checkSalts(t, chainOf(t, x, x.alice, x.a))
}

// TestKeptReader: interrupted after the receipt, the owner's next write opens the epoch.
// A server that lists the revoked reader again, so that he is taken along, is caught.
func TestKeptReader(t *testing.T) {
	x := newCast(t)
	grant(t, x.a, x.bob.ID, client.GrantOptions{})
	grant(t, x.a, x.charlie.ID, client.GrantOptions{})
	honest := readersOf(t, x, x.a, x.charlie.ID)
	x.play(on(http.MethodPost, api.PathGrants, func(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) }))
	if _, err := x.a.Revoke(ctx, x.bob.ID, client.RevokeOptions{}); !errors.Is(err, client.ErrUnreachable) {
		t.Fatal(err)
	}
	x.play(alter(t, http.MethodGet, listReaders, func(v *api.Readers) { honest.Sequence, v.Grants = v.Sequence, honest.Grants }))
	for what, err := range map[string]error{
		"encrypt": second(x.a.Encrypt(ctx, io.Discard, strings.NewReader("x"), client.EncryptOptions{})),
		"rotate":  second(x.a.Rotate(ctx, "", nil)),
		"grant":   second(x.a.Grant(ctx, x.mallet.ID, client.GrantOptions{})),
	} {
		if !errors.Is(err, client.ErrKeptGrant) {
			t.Errorf("%s: %v", what, err)
		}
	}
	x.play(nil)
	document := encrypt(t, x.a, []byte("young"))
	opens(t, x.c, document, "young")
	closed(t, x.b, document)
	grant(t, x.a, x.bob.ID, client.GrantOptions{}) // and who is granted again is a reader again
	if _, err := x.a.Rotate(ctx, "", nil); err != nil {
		t.Error(err)
	}
	opens(t, x.b, document, "young")
}
