package server_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/engine"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/dispatch"
)

// crowd makes readers who are published without requests.
func (w *world) crowd(n int) []*person {
	out := make([]*person, n)
	var wait sync.WaitGroup
	for part := range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for i := part; i < n; i += runtime.GOMAXPROCS(0) {
				out[i] = w.newPerson()
			}
		})
	}
	wait.Wait()
	for _, p := range out {
		id := store.Identity{ID: p.identity.ID, Version: 1, Since: 1, Record: p.record, SigningKey: p.identity.SigningKey}
		if err := w.store.PutIdentity(context.Background(), id, store.IdentityChange{}); err != nil {
			w.t.Fatal(err)
		}
	}
	return out
}

// crowdGrants is a grant_access request that lets many readers in, or opens an epoch for
// them.
func (w *world) crowdGrants(p *person, next bool, readers []*person) api.GrantAccess {
	fields := w.fields(p)
	if next {
		fields.Epoch++
		rand.Read(fields.Salt[:])
	}
	fields.Readers = nil
	items := make([]abi.NewGrant, len(readers))
	for i, r := range readers {
		fields.Readers = append(fields.Readers, abi.ReaderRef{ID: r.identity.ID, Version: 1})
		items[i].Reader, items[i].Kind = r.record, abi.GrantDirect
		rand.Read(items[i].Grant[:])
	}
	out := api.GrantAccess{Collection: w.next(p, fields)}
	for _, g := range must(w.core.NewGrants(context.Background(), p.seed, p.record, out.Collection, items)) {
		if g.Err != nil {
			w.t.Fatal(g.Err)
		}
		out.Grants = append(out.Grants, api.Grant{Record: g.Grant, TransformKey: g.TransformKey})
	}
	return out
}

// TestRotateCrowd: one request opens an epoch for many readers. Meanwhile others are
// answered, one request of that size of the same owner at a time; whoever was revoked is
// left behind, everybody else reads on.
func TestRotateCrowd(t *testing.T) {
	n := 250
	if testing.Short() {
		n = 120
	}
	w := newWorld(t)
	alice, carol := w.join(), w.join()
	w.open(carol)
	readers := w.crowd(n)
	first := w.crowdGrants(alice, false, readers)
	w.want("grant", w.call(alice, "POST", api.PathGrants, first), "")
	alice.collection = first.Collection
	old := w.deposit(alice, alice)
	gone, stays := readers[0], readers[n-1]
	w.read(gone, old)
	w.want("revoke", w.revoke(alice, gone), "")

	next := w.crowdGrants(alice, true, readers[1:])
	done := make(chan time.Duration)
	go func() {
		start := time.Now()
		w.want("rotate", w.call(alice, "POST", api.PathGrants, next), "")
		done <- time.Since(start)
	}()
	var slowest, took time.Duration
	for took == 0 {
		start := time.Now()
		w.want("somebody else", w.call(carol, "GET", api.PathGrants, nil), "")
		slowest = max(slowest, time.Since(start))
		select {
		case took = <-done:
		default:
		}
	}
	t.Logf("%d readers in %v; others waited for %v at most", n-1, took, slowest)
	alice.collection = next.Collection
	fresh := w.deposit(alice, alice)
	w.read(stays, old)
	w.read(stays, fresh)
	w.want("old key", w.get(gone, old.id), api.CodeNotFound)
	w.want("new key", w.get(gone, fresh.id), api.CodeNotFound)
}

// TestLargeRequests: requests with many grants do not take the slots of all others.
func TestLargeRequests(t *testing.T) {
	w := newWorld(t)
	alice := w.join()
	in := w.crowdGrants(alice, false, w.crowd(101))
	time.Sleep(1100 * time.Millisecond) // until nobody else counts as present: then alice may have all slots
	codes := make(chan string)
	for range 6 {
		go func() { codes <- w.call(alice, "POST", api.PathGrants, in).problem.Code }()
	}
	count := map[string]int{}
	for range 6 {
		count[<-codes]++
	}
	if count[""]+count[api.CodeBusy] != 6 || count[""] == 0 || count[api.CodeBusy] == 0 {
		t.Errorf("codes %v", count)
	}
	w.want("later", w.call(alice, "POST", api.PathGrants, in), "")
}

// BenchmarkRotate times one request that opens an epoch for many readers, in the
// WebAssembly engine. RECRYPT_TEST_MODULE names another module than the embedded one,
// RECRYPT_TEST_READERS how many they are.
func BenchmarkRotate(b *testing.B) {
	n, err := strconv.Atoi(os.Getenv("RECRYPT_TEST_READERS"))
	if err != nil {
		n = 100
	}
	cfg := engine.Config{Kind: engine.Wazero}
	if path := os.Getenv("RECRYPT_TEST_MODULE"); path != "" {
		cfg.Module = must(os.ReadFile(path))
	}
	e, err := engine.New(context.Background(), cfg)
	if err != nil {
		b.Skip(err)
	}
	defer e.Close(context.Background())
	for _, suite := range []uint8{abi.Suite256, abi.Suite480} {
		b.Run(fmt.Sprintf("%s/%d", abi.SuiteName(suite), n), func(b *testing.B) {
			w := newWorldOn(b, e)
			w.suite = suite
			alice := w.join()
			w.open(alice)
			native := &world{t: b, suite: suite, core: abi.Client{Caller: dispatch.Native{}}, service: w.service, store: w.store}
			readers := native.crowd(n)
			var total time.Duration
			runs := 0
			for b.Loop() {
				b.StopTimer()
				in := native.crowdGrants(alice, true, readers)
				b.StartTimer()
				start := time.Now()
				w.want("rotate", w.call(alice, "POST", api.PathGrants, in), "")
				total += time.Since(start)
				runs++
				alice.collection = in.Collection
			}
			b.ReportMetric(total.Seconds()*1000/float64(runs*n), "ms/reader")
		})
	}
}
