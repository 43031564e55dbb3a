package server_test

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/translog"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// give grants on p's collection to one more reader, with terms.
func (w *world) give(p *person, f abi.GrantFields, reader *person) api.GrantAccess {
	w.t.Helper()
	in := w.proposal(p, f, reader)
	w.want("grant", w.call(p, "POST", api.PathGrants, in), "")
	p.accept(in, reader)
	return in
}

// listed is what a reader's grants are listed as, to himself, newest first.
func (w *world) listed(p *person) []api.ListedGrant {
	return decode[api.ListGrants](w.t, w.call(p, "GET", api.PathGrants, nil)).Received
}

func (w *world) wantStatus(what string, p *person, statuses ...string) {
	w.t.Helper()
	var got []string
	for _, g := range w.listed(p) {
		got = append(got, g.Status)
	}
	if fmt.Sprint(got) != fmt.Sprint(statuses) {
		w.t.Errorf("%s: listed as %v, want %v", what, got, statuses)
	}
}

func ms(d time.Duration) uint64 { return uint64(d.Milliseconds()) }

// TestPending: the wait begins when the reader asks, and not anew when he asks again; the
// owner ends it while it runs; what the wait opened stays open through a rotation.
func TestPending(t *testing.T) {
	w := newWorld(t)
	alice, bob, charlie := w.join(), w.join(), w.join()
	w.give(alice, abi.GrantFields{Kind: abi.GrantPending, Wait: ms(72 * time.Hour)}, bob)
	w.give(alice, abi.GrantFields{}, charlie)
	k := w.deposit(alice, alice)
	request := func(p *person) reply {
		return w.call(p, "POST", api.PathRequests, api.Request{Owner: alice.id})
	}
	veto := func() reply { return w.call(alice, "POST", api.PathVetoes, api.Veto{Reader: bob.id}) }

	w.want("before asking", w.get(bob, k.id), api.CodeNotFound)
	w.want("nothing to veto", veto(), api.CodeNotFound)
	w.wantStatus("before asking", bob, api.GrantWaiting)
	same(t, request(charlie), w.call(charlie, "POST", api.PathRequests, api.Request{Owner: w.newPerson().id}))
	w.want("not an id", w.call(bob, "POST", api.PathRequests, api.Request{Owner: "x"}), api.CodeMalformed)

	first := request(bob)
	w.want("request", first, "")
	asked := decode[api.Requested](t, first)
	if len(asked.Grants) != 1 || asked.Grants[0].Opens != w.now().Add(72*time.Hour).UnixMilli() {
		t.Errorf("%+v", asked)
	}
	w.advance(71 * time.Hour)
	if again := request(bob); !bytes.Equal(again.body, first.body) {
		t.Error("asking again starts the wait anew")
	}
	w.want("too early", w.get(bob, k.id), api.CodeNotFound)
	g := w.listed(bob)[0]
	if g.Status != api.GrantWaiting || g.Opens != asked.Grants[0].Opens || g.Requested != g.Opens-72*3600*1000 {
		t.Errorf("listed %+v", g)
	}
	vetoed := veto()
	w.want("veto", vetoed, "")
	if got := decode[api.Vetoed](t, vetoed); len(got.Collections) != 1 || got.Collections[0] != api.FormatID(w.home(alice)) {
		t.Errorf("%+v", got)
	}
	w.advance(2 * time.Hour)
	w.want("after the veto", w.get(bob, k.id), api.CodeNotFound)

	w.want("request", request(bob), "")
	// A rotation keeps what he has asked for.
	in := w.rotation(alice, abi.GrantFields{Kind: abi.GrantPending, Wait: ms(72 * time.Hour)}, bob)
	w.want("rotate", w.call(alice, "POST", api.PathGrants, in), "")
	alice.collection, alice.readers = in.Collection, alice.readers[:1]
	fresh := w.deposit(alice, alice)
	w.advance(71 * time.Hour)
	w.want("new epoch, too early", w.get(bob, fresh.id), api.CodeNotFound)
	w.restart()
	w.advance(time.Hour)
	w.read(bob, k)
	w.read(bob, fresh)
	w.want("veto too late", veto(), api.CodeConflict)
	w.read(bob, k)
	w.want("revoke instead", w.revoke(alice, bob), "")
	w.want("revoked", w.get(bob, k.id), api.CodeNotFound)
	same(t, veto(), w.call(alice, "POST", api.PathVetoes, api.Veto{Reader: w.newPerson().id}))

	// Granted again, he has to ask again.
	in = w.rotation(alice, abi.GrantFields{Kind: abi.GrantPending, Wait: ms(time.Hour)}, bob)
	w.want("rotate", w.call(alice, "POST", api.PathGrants, in), "")
	alice.collection = in.Collection
	again := w.deposit(alice, alice)
	w.advance(80 * time.Hour)
	w.want("not asked for", w.get(bob, again.id), api.CodeNotFound)
}

// TestScope: a grant for some documents opens those, one by one and among many.
func TestScope(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.join(), w.join()
	w.open(alice)
	one, two := w.deposit(alice, alice), w.deposit(alice, alice)
	w.give(alice, abi.GrantFields{Scope: [][16]byte{one.raw, {9}}}, bob)
	w.read(bob, one)
	same(t, w.get(bob, two.id), w.get(bob, api.FormatID([16]byte{5})))
	answer := decode[api.Keys](t, w.getMany(bob, two.id, one.id))
	if answer.Keys[0].Code != api.CodeNotFound || answer.Keys[1].Code != "" {
		t.Errorf("codes %q, %q", answer.Keys[0].Code, answer.Keys[1].Code)
	}
	w.give(alice, abi.GrantFields{}, bob)
	w.read(bob, two)
	w.wantStatus("replaced", bob, api.GrantActive, api.GrantReplaced)
}

// TestLink: a link is used as often as it says, however many use it at once, and has a
// collection of its own.
func TestLink(t *testing.T) {
	w := newWorld(t)
	alice, link, bob := w.join(), w.join(), w.join()
	const uses = 3
	terms := abi.GrantFields{Kind: abi.GrantLink, Uses: uses}
	w.give(alice, terms, link)
	keys := []aKey{w.deposit(alice, alice), w.deposit(alice, alice), w.deposit(alice, alice), w.deposit(alice, alice)}
	w.read(link, keys[0])
	if g := w.listed(link)[0]; g.Used != 1 || g.Status != api.GrantActive {
		t.Errorf("%+v", g)
	}
	// Two are left, and three ask; of one request too.
	answer := decode[api.Keys](t, w.getMany(link, keys[1].id, api.FormatID([16]byte{1})))
	if answer.Keys[0].Code != "" || answer.Keys[1].Code != api.CodeNotFound {
		t.Error("an absent key is counted, or stands in the way")
	}
	var wait sync.WaitGroup
	var mu sync.Mutex
	got := map[string]int{}
	for range 4 {
		wait.Go(func() {
			answer := decode[api.Keys](t, w.getMany(link, keys[2].id, keys[3].id))
			mu.Lock()
			defer mu.Unlock()
			for _, item := range answer.Keys {
				got[item.Code]++
			}
		})
	}
	wait.Wait()
	if got[""] != 1 || got[api.CodeNotFound] != 7 {
		t.Errorf("answers %v", got)
	}
	w.wantStatus("used up", link, api.GrantUsed)
	w.want("used up", w.get(link, keys[0].id), api.CodeNotFound)
	// It still counts among the readers, until it ends.
	w.open(alice)

	for name, in := range map[string]api.GrantAccess{
		"somebody beside it": w.proposal(alice, abi.GrantFields{}, bob),
		"another link":       w.proposal(alice, abi.GrantFields{Kind: abi.GrantLink}, bob),
	} {
		w.want(name, w.call(alice, "POST", api.PathGrants, in), api.CodeRejected)
	}
	// A new epoch without it does not make room: it is left in the old one.
	w.want("somebody beside a link of an older epoch", w.call(alice, "POST", api.PathGrants, w.rotation(alice, abi.GrantFields{}, bob)), api.CodeRejected)
	w.rotate(alice)
	w.want("somebody after the link's epoch", w.call(alice, "POST", api.PathGrants, w.proposal(alice, abi.GrantFields{}, bob)), api.CodeRejected)

	w.want("revoke", w.revoke(alice, link), "")
	both := w.rotation(alice, abi.GrantFields{Kind: abi.GrantLink}, link, bob)
	w.want("two at once", w.call(alice, "POST", api.PathGrants, both), api.CodeRejected)
	w.rotate(alice, bob)
	next := w.rotation(alice, abi.GrantFields{Kind: abi.GrantLink}, link)
	w.want("a link where a reader is left in an older epoch", w.call(alice, "POST", api.PathGrants, next), api.CodeRejected)
	w.want("revoke", w.revoke(alice, bob), "")
	next = w.rotation(alice, abi.GrantFields{Kind: abi.GrantLink}, link)
	w.want("nobody is left", w.call(alice, "POST", api.PathGrants, next), "")
}

// TestTimes: grants begin and end by the clock, and are listed so.
func TestTimes(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.join(), w.join()
	at := func(d time.Duration) uint64 { return uint64(w.now().Add(d).UnixMilli()) }
	w.give(alice, abi.GrantFields{NotBefore: at(time.Hour), Expires: at(2 * time.Hour)}, bob)
	k := w.deposit(alice, alice)
	w.wantStatus("early", bob, api.GrantLater)
	w.want("early", w.get(bob, k.id), api.CodeNotFound)
	path := "/v1/collections/" + api.FormatID(w.home(alice))
	w.want("he sees the chain", w.call(bob, "GET", path, nil), "")
	w.advance(time.Hour)
	w.wantStatus("now", bob, api.GrantActive)
	w.read(bob, k)
	w.advance(time.Hour)
	w.wantStatus("late", bob, api.GrantExpired)
	w.want("late", w.get(bob, k.id), api.CodeNotFound)
	w.want("the chain", w.call(bob, "GET", path, nil), api.CodeNotFound)
	before := len(w.ledgerOf(alice))
	for range 2 {
		if err := w.server.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if lines := w.ledgerOf(alice); len(lines) != before+1 || lines[before].Kind != translog.Expired || lines[before].Subject != bob.identity.ID {
		t.Error("the expiry is not recorded, or more than once")
	}
}

// TestChangedKeys: a grant to keys that its reader has changed is suspended at once, and
// no new one is taken; granting to the new keys ends that.
func TestChangedKeys(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.join(), w.join()
	w.grant(alice, bob)
	k := w.deposit(alice, alice)
	w.read(bob, k)
	old := *bob
	changed := w.changed(bob)
	w.want("publish", w.publish(changed), "")
	w.wantStatus("changed", changed, api.GrantSuspended)
	w.want("as the old version", w.get(&old, k.id), api.CodeSignature)
	w.want("as the new one", w.get(changed, k.id), api.CodeNotFound)
	in := w.rotation(alice, abi.GrantFields{}, &old)
	w.want("to the old keys", w.call(alice, "POST", api.PathGrants, in), api.CodeConflict)
	// The reader still counts where he is.
	w.open(alice)
	alice.readers = nil
	w.give(alice, abi.GrantFields{}, changed)
	w.read(changed, k)
	w.wantStatus("granted anew", changed, api.GrantActive, api.GrantReplaced)
}

// changed returns p with new keys, not published.
func (w *world) changed(p *person) *person {
	out, ctx := *p, w.t.Context()
	out.seed = random(32)
	out.record = must(w.core.RotateIdentity(ctx, p.seed, nil, out.seed, nil, p.record, p.identity.Version, []byte{suite}))
	out.identity = must(w.core.OpenIdentity(ctx, out.record))
	return &out
}

// TestOwnerChangesKeys: records that were made under the old keys are not taken any more,
// and the first one under the new keys opens an epoch.
func TestOwnerChangesKeys(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.join(), w.join()
	w.grant(alice, bob)
	k := w.deposit(alice, alice)
	stale, late := w.rotation(alice, abi.GrantFields{}, bob), w.newKey(alice, alice.collection)
	oldRevocation := w.revocation(alice, bob)
	changed := w.changed(alice)
	w.want("publish", w.publish(changed), "")
	changed.home = w.home(alice)

	w.want("record of the old keys", w.call(changed, "POST", api.PathGrants, stale), api.CodeRejected)
	w.want("key of the old keys", w.call(changed, "POST", api.PathKeys, late.in), api.CodeRejected)
	w.want("revocation of the old keys", w.call(changed, "POST", api.PathRevocations, api.RevokeAccess{Revocation: oldRevocation}), api.CodeRejected)
	w.read(bob, k)
	next := w.rotate(changed, bob)
	staleGrant := w.rotation(changed, abi.GrantFields{}, bob)
	staleGrant.Grants = append(staleGrant.Grants, w.again(alice, alice.collection, bob)...)
	w.want("grant of the old keys", w.call(changed, "POST", api.PathGrants, staleGrant), api.CodeRejected)
	w.read(bob, k)
	fresh := w.deposit(changed, changed)
	if got := w.read(bob, fresh); !bytes.Equal(got.Collection, next.Collection) {
		t.Error("another record")
	}
	if got := decode[api.Key](t, w.get(bob, k.id)); got.Deposited == nil || got.Deposited.Logged.Index >= got.Deposited.Changed.Index {
		t.Error("nothing proves that the old key came before the change")
	}
	if got := decode[api.Keys](t, w.getMany(bob, k.id, fresh.id)); got.Keys[0].Deposited == nil || got.Keys[1].Deposited != nil {
		t.Error("of many keys the old one, and no other, needs a proof")
	}
}

// ledgerOf is the ledger as somebody gets it.
func (w *world) ledgerOf(p *person) (out []*translog.Entry) {
	w.t.Helper()
	page := decode[api.Ledger](w.t, w.call(p, "GET", strings.Replace(api.PathLedger, "{from}", "0", 1), nil))
	for _, line := range page.Entries {
		out = append(out, must(translog.ParseEntry(line.Entry)))
	}
	return out
}

// TestLedgerOfAccess: everything that happens to a collection is recorded once, in order,
// and nothing that had no effect.
func TestLedgerOfAccess(t *testing.T) {
	w := newWorld(t)
	alice, bob, lab := w.join(), w.join(), w.join()
	f := w.fields(alice)
	f.Deposit = abi.DepositOpen
	first := api.GrantAccess{Collection: w.next(alice, f), Grants: []api.Grant{}}
	twice := func(p *person, path string, in any) {
		t.Helper()
		w.want(path, w.call(p, "POST", path, in), "")
		w.want(path+" again", w.call(p, "POST", path, in), "")
	}
	twice(alice, api.PathGrants, first)
	alice.accept(first)
	in := w.proposal(alice, abi.GrantFields{Kind: abi.GrantPending, Wait: 1000}, bob)
	twice(alice, api.PathGrants, in)
	alice.accept(in, bob)
	k := w.newKey(lab, alice.collection)
	twice(lab, api.PathKeys, k.in)
	twice(bob, api.PathRequests, api.Request{Owner: alice.id})
	w.want("veto", w.call(alice, "POST", api.PathVetoes, api.Veto{Reader: bob.id}), "")
	twice(bob, api.PathRequests, api.Request{Owner: alice.id})
	twice(alice, strings.Replace(api.PathAuthors, "{id}", api.FormatID(w.home(alice)), 1), api.AcceptAuthor{Author: lab.id})
	w.advance(2 * time.Second)
	w.read(bob, k)
	w.get(bob, k.id)   // from the cache: a line like any other
	w.get(alice, k.id) // not transformed
	twice(alice, api.PathRevocations, api.RevokeAccess{Revocation: w.revocation(alice, bob)})
	twice(alice, api.PathGrants, w.rotation(alice, abi.GrantFields{}))

	var kinds []string
	for _, e := range w.ledgerOf(alice) {
		kinds = append(kinds, e.Kind.String())
		if e.Owner != alice.identity.ID || e.Collection != w.home(alice) {
			t.Errorf("%s of another collection", e.Kind)
		}
	}
	const want = "grant deposit request veto request acceptance opening opening revocation rotation"
	if got := strings.Join(kinds, " "); got != want {
		t.Errorf("recorded\n%s, want\n%s", got, want)
	}
	for _, e := range w.ledgerOf(bob) {
		if e.Actor != bob.identity.ID {
			t.Errorf("bob sees a line of kind %s", e.Kind)
		}
	}
}
