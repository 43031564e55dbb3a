package server_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/translog"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// policy appends a record to p's collection that says who may deposit.
func (w *world) policy(p *person, deposit uint8, authors ...*person) {
	w.t.Helper()
	f := w.fields(p)
	f.Deposit, f.Authors = deposit, nil
	for _, a := range authors {
		f.Authors = append(f.Authors, a.identity.ID)
	}
	in := api.GrantAccess{Collection: w.next(p, f), Grants: []api.Grant{}}
	w.want("policy", w.call(p, "POST", api.PathGrants, in), "")
	p.accept(in)
}

func (w *world) openTo(p, owner *person) reply {
	return w.call(p, "GET", strings.Replace(api.PathOpenTo, "{id}", owner.id, 1), nil)
}

// TestWaiting: what somebody who is not accepted deposits is for the owner and himself,
// and not more than a few, until the owner accepts him.
func TestWaiting(t *testing.T) {
	w := newWorld(t)
	alice, bob, lab, other := w.join(), w.join(), w.join(), w.join()
	w.policy(alice, abi.DepositOpen)
	w.grant(alice, bob)
	first := w.deposit(lab, alice)
	w.advance(time.Millisecond) // lists are in the order of time
	for _, p := range []*person{alice, lab} {
		got := w.get(p, first.id)
		if k := decode[api.Key](t, got); !k.Waiting || k.Level != 0 {
			t.Errorf("waiting %t, level %d", k.Waiting, k.Level)
		}
	}
	same(t, w.get(bob, first.id), w.get(bob, api.FormatID([16]byte{5})))
	if own := decode[api.Key](t, w.get(alice, w.deposit(alice, alice).id)); own.Waiting {
		t.Error("the owner waits for herself")
	}
	for range api.MaxWaiting - 1 {
		w.deposit(lab, alice)
	}
	extra := w.newKey(lab, alice.collection)
	w.want("one too many", w.call(lab, "POST", api.PathKeys, extra.in), api.CodeQuota)
	w.want("one that is there already", w.call(lab, "POST", api.PathKeys, first.in), "")
	w.advance(time.Millisecond)
	second := w.deposit(other, alice) // has a quota of his own

	accept := func(p *person, collection [16]byte, author string) reply {
		return w.call(p, "POST", strings.Replace(api.PathAuthors, "{id}", api.FormatID(collection), 1), api.AcceptAuthor{Author: author})
	}
	list := decode[api.Deposits](t, w.call(alice, "GET", api.PathDeposits, nil)).Waiting
	if len(list) != 2 || list[1].Author != lab.id || len(list[1].Keys) != store.MaxWaitingShown || list[1].Count != api.MaxWaiting || list[1].Keys[0] != first.id ||
		list[0].Author != other.id || list[0].Keys[0] != second.id || list[0].Count != 1 || list[0].Collection != api.FormatID(w.home(alice)) {
		t.Errorf("%+v", list)
	}
	if body := w.call(lab, "GET", api.PathDeposits, nil).body; string(bytes.TrimSpace(body)) != `{"waiting":[]}` {
		t.Errorf("the author sees %s", body)
	}
	same(t, accept(bob, w.home(alice), lab.id), accept(bob, [16]byte{5}, lab.id))
	w.want("by the author himself", accept(lab, w.home(alice), lab.id), api.CodeNotFound)
	w.want("somebody unknown", accept(alice, w.home(alice), w.newPerson().id), api.CodeRejected)
	w.want("a server", accept(alice, w.home(alice), w.server.ID()), api.CodeMalformed)
	w.want("not an id", accept(alice, w.home(alice), "x"), api.CodeMalformed)
	w.want("herself", accept(alice, w.home(alice), alice.id), "")

	r := accept(alice, w.home(alice), lab.id)
	if w.want("accept", r, ""); decode[api.AcceptAuthorAnswer](t, r).Accepted != api.MaxWaiting {
		t.Errorf("accepted %s", r.body)
	}
	if again := accept(alice, w.home(alice), lab.id); decode[api.AcceptAuthorAnswer](t, again).Accepted != 0 {
		t.Errorf("again accepted %s", again.body)
	}
	if got := w.read(bob, first); got.Waiting || got.Level != 1 || !bytes.Equal(got.Author, lab.record) {
		t.Error("a reader does not get it as the author's")
	}
	w.want("more of his", w.call(lab, "POST", api.PathKeys, extra.in), "")
	w.read(bob, extra)
	w.want("another's still waits", w.get(bob, second.id), api.CodeNotFound)
	// In a collection that lists its authors none of them waits.
	w.policy(alice, abi.DepositListed, other)
	w.read(bob, w.deposit(other, alice))
	w.want("who is not listed", w.call(lab, "POST", api.PathKeys, w.newKey(alice, alice.collection).in), api.CodeMismatch)
	w.want("who is not listed", w.call(lab, "POST", api.PathKeys, w.forcedKey(lab, alice, w.home(alice))), api.CodeNotFound)
}

// TestOpenCollections: somebody sees where he may deposit, and otherwise what he would see
// with somebody who is not here.
func TestOpenCollections(t *testing.T) {
	w := newWorld(t)
	alice, lab, mallory := w.join(), w.join(), w.join()
	w.open(alice)
	w.advance(time.Millisecond)
	listed := *alice
	listed.home, listed.collection = [16]byte{7}, nil
	w.policy(&listed, abi.DepositListed, lab)
	nothing := w.openTo(mallory, w.newPerson())
	w.want("nobody", nothing, "")
	same(t, nothing, w.openTo(mallory, alice))
	same(t, nothing, w.openTo(mallory, lab))
	for what, heads := range map[string][]api.CollectionHead{
		"before": decode[api.Collections](t, w.openTo(lab, alice)).Collections,
		"after": func() []api.CollectionHead {
			w.restart()
			return decode[api.Collections](t, w.openTo(lab, alice)).Collections
		}(),
	} {
		if len(heads) != 1 || heads[0].ID != api.FormatID(listed.home) || !bytes.Equal(heads[0].Record, listed.collection) || heads[0].Logged == nil || heads[0].Readers != 0 {
			t.Errorf("%s a restart: %d collections", what, len(heads))
		}
	}
	w.policy(&listed, abi.DepositClosed)
	same(t, nothing, w.openTo(lab, alice))
	w.want("not an id", w.call(lab, "GET", "/v1/identities/x/collections", nil), api.CodeMalformed)

	all := decode[api.Collections](t, w.call(alice, "GET", api.PathCollections, nil))
	if len(all.Collections) != 2 || all.Collections[0].ID != api.FormatID(w.home(alice)) || all.Checkpoint == "" || all.More {
		t.Errorf("her own: %d, the first is %s", len(all.Collections), all.Collections[0].ID)
	}
	w.grant(alice, lab)
	all = decode[api.Collections](t, w.call(alice, "GET", api.PathCollections, nil))
	if all.Collections[0].Readers != 1 || !bytes.Equal(all.Collections[0].Record, alice.collection) {
		t.Errorf("her own: %d readers", all.Collections[0].Readers)
	}
	same(t, w.call(mallory, "GET", api.PathCollections, nil), w.call(lab, "GET", api.PathCollections, nil))
}

// TestRefuse: an owner gets rid of what waits of an author, who has room again. What was
// accepted stays, and nobody else can.
func TestRefuse(t *testing.T) {
	w := newWorld(t)
	alice, bob, lab, mallory := w.join(), w.join(), w.join(), w.join()
	w.policy(alice, abi.DepositOpen)
	w.grant(alice, bob)
	labs := w.deposit(lab, alice)
	w.advance(time.Millisecond)
	var flood []aKey
	for range api.MaxWaiting {
		flood = append(flood, w.deposit(mallory, alice))
	}
	extra := w.newKey(mallory, alice.collection)
	w.want("one too many", w.call(mallory, "POST", api.PathKeys, extra.in), api.CodeQuota)
	refuse := func(p *person, collection [16]byte, author string) reply {
		return w.call(p, "POST", strings.Replace(api.PathRefusals, "{id}", api.FormatID(collection), 1), api.RefuseAuthor{Author: author})
	}
	same(t, refuse(bob, w.home(alice), lab.id), refuse(bob, [16]byte{5}, lab.id))
	w.want("by himself", refuse(mallory, w.home(alice), mallory.id), api.CodeNotFound)
	w.want("a server", refuse(alice, w.home(alice), w.server.ID()), api.CodeMalformed)
	w.want("not an id", refuse(alice, w.home(alice), "x"), api.CodeMalformed)
	for author, want := range map[string]int{mallory.id: api.MaxWaiting, w.newPerson().id: 0, alice.id: 0, bob.id: 0} {
		r := refuse(alice, w.home(alice), author)
		if w.want("refuse", r, ""); decode[api.RefuseAuthorAnswer](t, r).Refused != want {
			t.Errorf("refused %s, want %d", r.body, want)
		}
	}
	for _, p := range []*person{alice, mallory} {
		same(t, w.get(p, flood[3].id), w.get(p, api.FormatID([16]byte{5})))
	}
	list := decode[api.Deposits](t, w.call(alice, "GET", api.PathDeposits, nil)).Waiting
	if len(list) != 1 || list[0].Author != lab.id {
		t.Errorf("%+v", list)
	}
	w.want("there is room again", w.call(mallory, "POST", api.PathKeys, extra.in), "")
	w.want("accept", w.call(alice, "POST", strings.Replace(api.PathAuthors, "{id}", api.FormatID(w.home(alice)), 1), api.AcceptAuthor{Author: lab.id}), "")
	if r := refuse(alice, w.home(alice), lab.id); decode[api.RefuseAuthorAnswer](t, r).Refused != 0 {
		t.Errorf("refused %s", r.body)
	}
	w.read(bob, labs)
	kinds := map[translog.Kind]int{}
	for _, e := range w.ledgerOf(alice) {
		kinds[e.Kind]++
		if e.Kind == translog.Refused && (e.Subject != mallory.identity.ID || e.Actor != alice.identity.ID || e.Collection != w.home(alice)) {
			t.Errorf("%+v", e)
		}
	}
	if kinds[translog.Refused] != 1 || kinds[translog.Accepted] != 1 || kinds[translog.Deposited] != api.MaxWaiting+2 {
		t.Errorf("ledger: %v", kinds)
	}
}

// TestClosed: a revocation that ends a grant closes the epoch to deposits by anybody and to
// records, until its owner opens the next one, which gets a receipt.
func TestClosed(t *testing.T) {
	w := newWorld(t)
	alice, bob, charlie, lab := w.join(), w.join(), w.join(), w.join()
	w.policy(alice, abi.DepositListed, lab)
	w.grant(alice, bob, charlie)
	k := w.deposit(lab, alice)
	mine, theirs := w.newKey(alice, alice.collection), w.newKey(lab, alice.collection)
	w.want("nothing to end", w.revoke(alice, w.join()), "")
	w.deposit(lab, alice)

	w.want("revoke", w.revoke(alice, bob), "")
	w.want("her deposit", w.call(alice, "POST", api.PathKeys, mine.in), api.CodeClosed)
	w.want("another's", w.call(lab, "POST", api.PathKeys, theirs.in), api.CodeClosed)
	w.want("one that is there", w.call(lab, "POST", api.PathKeys, k.in), "")
	w.want("a grant", w.call(alice, "POST", api.PathGrants, w.proposal(alice, abi.GrantFields{}, w.join())), api.CodeClosed)
	w.read(charlie, k)
	path := "/v1/collections/" + api.FormatID(w.home(alice))
	isClosed := func(want bool) {
		t.Helper()
		if got := decode[api.Collection](t, w.call(lab, "GET", path, nil)); got.Closed != want {
			t.Errorf("closed: %t", got.Closed)
		}
		if got := decode[api.Readers](t, w.call(alice, "GET", readersPath(w.home(alice)), nil)); got.Closed != want {
			t.Errorf("closed, readers: %t", got.Closed)
		}
		if got := decode[api.Collections](t, w.call(alice, "GET", api.PathCollections, nil)); got.Collections[0].Closed != want {
			t.Errorf("closed, list: %t", got.Collections[0].Closed)
		}
	}
	isClosed(true)
	w.restart() // as if everything ended between the two steps
	isClosed(true)
	w.want("after a restart", w.call(alice, "POST", api.PathKeys, mine.in), api.CodeClosed)
	w.want("another revocation", w.revoke(alice, charlie), "")

	next := w.rotation(alice, abi.GrantFields{})
	r := w.call(alice, "POST", api.PathGrants, next)
	w.want("rotate", r, "")
	receipt := decode[api.GrantAccessAnswer](t, r).Receipt
	service := must(w.core.NewService(t.Context(), w.seed))
	at, destroyed, err := w.core.OpenReceipt(t.Context(), service, next.Collection, receipt)
	if err != nil || destroyed != 0 || int64(at) != w.now().UnixMilli() {
		t.Errorf("receipt: %d at %d, %v", destroyed, at, err)
	}
	alice.accept(next)
	alice.readers = nil
	isClosed(false)
	w.want("into the old epoch", w.call(alice, "POST", api.PathKeys, mine.in), api.CodeConflict)
	w.deposit(lab, alice)
}
