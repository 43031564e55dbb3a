package client_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/hosttest"
	"github.com/recrypt-service/recrypt/host/translog"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// TestCheckpoint: what is verified of the log is remembered, and never gets shorter.
func TestCheckpoint(t *testing.T) {
	x := newCast(t)
	before, err := x.a.Checkpoint(ctx)
	if err != nil || before.Size < 4 || time.Since(before.Time).Abs() > time.Minute || before.Quorum != 0 {
		t.Fatalf("%+v, %v", before, err)
	}
	encrypt(t, x.m, []byte("the log grows"))
	after, err := x.a.Checkpoint(ctx)
	if err != nil || after.Size <= before.Size || after.Root == before.Root {
		t.Errorf("%+v after %+v, %v", after, before, err)
	}
	note, err := x.alice.State.Checkpoint(x.server.ID())
	if err != nil || !strings.HasPrefix(string(note), x.server.ID()+"\n") {
		t.Errorf("remembered %q, %v", note, err)
	}
	// Another device of hers starts anew, and so does one with the memory.
	for _, c := range []*client.Client{device(t, x.alice, x.server.URL), x.alice.Client(t, x.server.URL)} {
		if info, err := c.Checkpoint(ctx); err != nil || info.Size != after.Size {
			t.Errorf("%+v, %v", info, err)
		}
	}
}

// TestConsistencyIsAskedOnce: a checkpoint that was followed costs nothing more.
func TestConsistencyIsAskedOnce(t *testing.T) {
	x := newCast(t)
	encrypt(t, x.m, []byte("the log grows"))
	var asked atomic.Int32
	x.play(func(w http.ResponseWriter, r *http.Request, honest http.Handler) {
		if strings.HasPrefix(r.URL.Path, "/v1/log/consistency/") {
			asked.Add(1)
		}
		honest.ServeHTTP(w, r)
	})
	for range 3 {
		if err := lookUpBob(x); err != nil {
			t.Fatal(err)
		}
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

// TestOvertakenAnswers: answers that cross on their way are none of a shorter log.
func TestOvertakenAnswers(t *testing.T) {
	x := newCast(t)
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			if i%4 == 0 {
				if _, err := x.m.CreateKey(ctx); err != nil {
					t.Error(err)
				}
				return
			}
			if err := lookUpBob(x); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// witnessed starts a witness of the log of a server that is started for it.
func witnessed(t *testing.T, o hosttest.Options) (s *hosttest.Server, alice *hosttest.Person, policy *client.WitnessPolicy) {
	t.Helper()
	core := abi.Client{Caller: hosttest.Caller(t)}
	o.Seed = hosttest.Random(32)
	record, err := core.NewService(ctx, o.Seed)
	if err != nil {
		t.Fatal(err)
	}
	v, err := core.OpenService(ctx, record)
	if err != nil {
		t.Fatal(err)
	}
	id, err := core.FormatID(ctx, abi.KindService, v.ID)
	if err != nil {
		t.Fatal(err)
	}
	w, err := translog.NewWitness(translog.WitnessConfig{
		Name: "witness.example", Key: hosttest.Random(32), File: filepath.Join(t.TempDir(), "witness.json"),
		Logs: []translog.Log{{Origin: id, Key: v.SigningKey}},
	})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(w)
	t.Cleanup(web.Close)
	o.Witnesses = append(o.Witnesses, w.Witness().String()+" "+web.URL)
	s = hosttest.NewServer(t, o)
	run, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); s.Run(run) }()
	t.Cleanup(func() { stop(); <-done })
	return s, hosttest.NewPerson(t, "alice"), &client.WitnessPolicy{Quorum: 1, Witnesses: []string{w.Witness().String()}}
}

// TestWitnesses: with a policy nothing is granted or deposited until the witnesses have
// confirmed the log; reading goes on.
func TestWitnesses(t *testing.T) {
	s, alice, policy := witnessed(t, hosttest.Options{})
	a, bob := alice.Publish(t, s.URL), hosttest.NewPerson(t, "bob")
	bob.Publish(t, s.URL)
	if err := alice.State.SetPolicy(s.ID(), policy); err != nil {
		t.Fatal(err)
	}
	grant(t, a, bob.ID, client.GrantOptions{})
	info, err := a.Checkpoint(ctx)
	if err != nil || !slices.Equal(info.Witnesses, []string{"witness.example"}) || info.Quorum != 1 {
		t.Errorf("%+v, %v", info, err)
	}
	absent := translog.Witness{Name: "absent.example", Key: [32]byte(hosttest.Random(32))}
	policy.Witnesses = append(policy.Witnesses, absent.String())
	if err := alice.State.SetPolicy(s.ID(), policy); err != nil {
		t.Fatal(err)
	}
	grant(t, a, bob.ID, client.GrantOptions{}) // one of two
	policy.Quorum = 2
	if err := alice.State.SetPolicy(s.ID(), policy); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Grant(ctx, bob.ID, client.GrantOptions{}); !errors.Is(err, client.ErrUnwitnessed) {
		t.Errorf("granted: %v", err)
	}
	if _, _, err := a.LookUp(ctx, bob.ID); err != nil {
		t.Errorf("look-up: %v", err)
	}
	if info, err := a.Checkpoint(ctx); err != nil || len(info.Witnesses) != 1 || info.Quorum != 2 {
		t.Errorf("%+v, %v", info, err)
	}
	policy.Witnesses[0] = "no key"
	if err := alice.State.SetPolicy(s.ID(), policy); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Checkpoint(ctx); err == nil {
		t.Error("took a policy that is none")
	}
}

// TestFrozenWitnesses: an old tree with its old cosignatures does not become new by the
// server's own time.
func TestFrozenWitnesses(t *testing.T) {
	var ahead atomic.Int64
	clock := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	s, alice, policy := witnessed(t, hosttest.Options{Clock: clock}) // the witness has its own clock
	bob := hosttest.NewPerson(t, "bob")
	bob.Publish(t, s.URL)
	alice.Publish(t, s.URL)
	if err := alice.State.SetPolicy(s.ID(), policy); err != nil {
		t.Fatal(err)
	}
	cfg := alice.Config(t, s.URL)
	cfg.Now = clock
	a, err := client.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	grant(t, a, bob.ID, client.GrantOptions{})
	ahead.Store(int64(23 * time.Hour))
	grant(t, a, bob.ID, client.GrantOptions{})
	ahead.Store(int64(90 * 24 * time.Hour))
	info, err := a.Checkpoint(ctx)
	if err != nil || info.Time.Before(clock().Add(-time.Hour)) || len(info.Witnesses) != 1 {
		t.Fatalf("%+v, %v", info, err) // it looks well
	}
	if _, err := a.Grant(ctx, bob.ID, client.GrantOptions{}); !errors.Is(err, client.ErrUnwitnessed) {
		t.Errorf("granted on what nobody has confirmed for 90 days: %v", err)
	}
	if _, err := a.Encrypt(ctx, io.Discard, strings.NewReader("x"), client.EncryptOptions{}); err != nil && !errors.Is(err, client.ErrUnwitnessed) {
		t.Errorf("encrypted: %v", err)
	}
	if _, _, err := a.LookUp(ctx, bob.ID); err != nil {
		t.Errorf("look-up: %v", err)
	}
}

// TestLookUpWithoutIdentity: who has no identity verifies as well.
func TestLookUpWithoutIdentity(t *testing.T) {
	x := newCast(t)
	state := client.NewMemoryState()
	c, err := client.New(client.Config{Caller: hosttest.Caller(t), Server: x.server.URL, State: state})
	if err != nil {
		t.Fatal(err)
	}
	if v, _, err := c.LookUp(ctx, x.bob.ID); err != nil || v.Version != 1 {
		t.Errorf("%+v, %v", v, err)
	}
	if note, err := state.Checkpoint(x.server.ID()); err != nil || note == nil {
		t.Errorf("remembered %q, %v", note, err)
	}
	x.play(alter(t, http.MethodGet, identities, func(v *api.Identity) { v.Logged = nil }))
	if _, _, err := c.LookUp(ctx, x.bob.ID); !errors.Is(err, client.ErrNotLogged) {
		t.Errorf("not logged: %v", err)
	}
}
