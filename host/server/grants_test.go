package server_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"sync"
	"testing"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// badHashed are points of the twist outside the subgroup, as x.im x.re y.im y.re.
var badHashed = map[string]string{
	"order 13":   "255d1b683b6590764c89e9c8d98954da4be6b567baed11e98322e19df052a4b38d39c1c3dcf08d5732a60d283c9434e5216605135c434d4bf2eddbf25e6fb1eb661f399b7bf1850ee8a1d1ddd227f268e7ac5ea46884d3fb81197cbfc07005c1834327c3b16566ee2ed063a48ff828d76146a2a64e269b5fce157144106a4a01",
	"order 7369": "170449535da03026d3537714c8cf874e68b0a257639e52e5fa2d0e5ab60c8cbf078864524719d333ce9556b953923fbd2e7970781e5a3ef75a4ba1f772e771855c5fc06495ff5d68e04d409b30a2a52758f23b6fc98d3c909bcc7693a1e9aabb4aed50446986c17dc4cc4082e477196e85662affdfd3a2d0c401a5a63882aa2e",
	"order 13r":  "23ea787884a34426c477d17c5a3def26d94db520869eb51c74da38cc8af37e51070cea7c01ff3291e4f9d1c38b28e3cc01b4271f400510c8cad8a5a9a4fd66e2584d25b3f389df748da6550dd286ce955d5a594c4929e0c81b16f09fa390cc917f6208049448fcde55c564db38c559f7576c74b511a483b061ccd96066fd6497",
	"zero":       strings.Repeat("00", 128),
	"too large":  strings.Repeat("ff", 128),
}

// hashedAt is where the hashed temp key stands in a transform key, 128 bytes.
const hashedAt = 512

// swap replaces the transform key of a grant and signs the grant anew, so that
// everything around it is right.
func (p *person) swap(g api.Grant, key []byte) api.Grant {
	old, fresh := sha256.Sum256(g.TransformKey), sha256.Sum256(key)
	record := p.resign(g.Record, func(b []byte) {
		at := bytes.Index(b, old[:])
		copy(b[at:], fresh[:])
	})
	return api.Grant{Record: record, TransformKey: key}
}

// TestTransformKeys: nothing but the right transform key is ever stored.
func TestTransformKeys(t *testing.T) {
	w := newWorld(t)
	alice, bob, charlie := w.join(), w.join(), w.join()
	in := w.proposal(alice, abi.GrantFields{}, bob)
	good := in.Grants[0]
	try := func(name, code string, g api.Grant) {
		t.Helper()
		w.want(name, w.call(alice, "POST", api.PathGrants, api.GrantAccess{Collection: in.Collection, Grants: []api.Grant{g}}), code)
	}
	for name, point := range badHashed {
		key := bytes.Clone(good.TransformKey)
		copy(key[hashedAt:], must(hex.DecodeString(point)))
		try(name, api.CodeMalformed, alice.swap(good, key))
	}
	for at := 0; at < len(good.TransformKey); at += 61 {
		key := bytes.Clone(good.TransformKey)
		key[at] ^= 1
		g := alice.swap(good, key)
		r := w.call(alice, "POST", api.PathGrants, api.GrantAccess{Collection: in.Collection, Grants: []api.Grant{g}})
		if r.status < 400 || r.status >= 500 {
			t.Errorf("byte %d changed: %d", at, r.status)
		}
	}
	for _, n := range []int{1, 735, 737} {
		key := make([]byte, n)
		copy(key, good.TransformKey)
		try("length", api.CodeMalformed, alice.swap(good, key))
	}
	try("none", api.CodeMalformed, api.Grant{Record: good.Record})
	try("not the one hashed", api.CodeMismatch, api.Grant{Record: good.Record, TransformKey: w.grantTo(alice, in.Collection, bob, abi.GrantFields{}).TransformKey})
	try("leads to another reader", api.CodeMismatch, alice.swap(good, w.grantTo(alice, in.Collection, charlie, abi.GrantFields{}).TransformKey))
	mallory := w.join()
	foreign := w.proposal(mallory, abi.GrantFields{}, bob)
	try("signed by somebody else", api.CodeMismatch, alice.swap(good, foreign.Grants[0].TransformKey))

	// The grant itself.
	ids := bytes.Index(good.Record, bob.identity.ID[:])
	try("another reader's id", api.CodeMismatch, api.Grant{Record: alice.resign(good.Record, func(b []byte) { copy(b[ids:], charlie.identity.ID[:]) }), TransformKey: good.TransformKey})
	try("another reader's key", api.CodeMismatch, api.Grant{Record: alice.resign(good.Record, func(b []byte) {
		copy(b[bytes.Index(b, bob.identity.Keys[0].PublicKey):], charlie.identity.Keys[0].PublicKey)
	}), TransformKey: good.TransformKey})
	try("reader's key not on the curve", api.CodeMalformed, api.Grant{Record: alice.resign(good.Record, func(b []byte) {
		b[bytes.Index(b, bob.identity.Keys[0].PublicKey)] ^= 1
	}), TransformKey: good.TransformKey})
	try("reader's version", api.CodeRejected, api.Grant{Record: alice.resign(good.Record, func(b []byte) { b[ids+35] = 2 }), TransformKey: good.TransformKey})
	try("unknown reader", api.CodeRejected, w.grantTo(alice, in.Collection, w.newPerson(), abi.GrantFields{}))
	try("another server", api.CodeMismatch, api.Grant{Record: alice.resign(good.Record, func(b []byte) { b[bytes.Index(b, w.service.ID[:])] ^= 1 }), TransformKey: good.TransformKey})
	damaged := bytes.Clone(good.Record)
	damaged[len(damaged)-1] ^= 1
	try("bad signature", api.CodeRejected, api.Grant{Record: damaged, TransformKey: good.TransformKey})
	now := uint64(w.now().UnixMilli())
	const century = 101 * 366 * 24 * 3600 * 1000
	for name, f := range map[string]abi.GrantFields{
		"asking without a wait": {Kind: abi.GrantPending},
		"pending and scope":     {Kind: abi.GrantPending, Wait: 1000, Scope: [][16]byte{{1}}}, "pending and uses": {Kind: abi.GrantPending, Wait: 1000, Uses: 3},
		"link and scope": {Kind: abi.GrantLink, Scope: [][16]byte{{1}}}, "uses": {Uses: 3},
		"expired":          {Expires: now},
		"begins far ahead": {NotBefore: now + century}, "ends far ahead": {Expires: now + century}, "waits long": {Kind: abi.GrantPending, Wait: century},
		"year 9999": {Expires: 253370764800000},
	} {
		try(name, api.CodeRejected, w.grantTo(alice, in.Collection, bob, f))
	}
	// What the core does not make.
	terms := func(g api.Grant, at int, bytes ...byte) api.Grant { // after the hash: kind 1, number of key ids 2, not before 8, expires 8, wait 8
		hash := sha256.Sum256(g.TransformKey)
		return api.Grant{TransformKey: g.TransformKey, Record: alice.resign(g.Record, func(b []byte) { copy(b[strings.Index(string(b), string(hash[:]))+32+at:], bytes) })}
	}
	timed := w.grantTo(alice, in.Collection, bob, abi.GrantFields{NotBefore: now + 1000, Expires: now + 2000})
	later := binary.BigEndian.AppendUint64(nil, now+2000)
	try("unknown kind", api.CodeMalformed, terms(good, 0, 4))
	try("no kind", api.CodeMalformed, terms(good, 0, 0))
	try("a wait without asking", api.CodeMalformed, terms(good, 26, 1))
	try("a link that waits", api.CodeMalformed, terms(terms(good, 26, 1), 0, abi.GrantLink))
	try("ends as it begins", api.CodeMalformed, terms(timed, 3, later...))
	try("begins when it has ended", api.CodeMalformed, terms(timed, 3, append(later[:7:7], 255)...))
	try("more key ids than there are", api.CodeMalformed, terms(good, 1, 0, 9))
	try("time out of bounds", api.CodeRejected, w.grantTo(alice, in.Collection, bob, abi.GrantFields{Expires: 1 << 63}))
	other := w.next(alice, w.fields(alice)) // another salt: another record and key
	try("another collection record", api.CodeMismatch, w.grantTo(alice, other, bob, abi.GrantFields{}))

	if _, err := w.store.Collection(t.Context(), must(w.core.DefaultCollection(t.Context(), alice.seed, w.service.ID))); err == nil {
		t.Error("something was stored")
	}
	w.want("the right one", w.call(alice, "POST", api.PathGrants, in), "")
}

func TestChain(t *testing.T) {
	w := newWorld(t)
	alice, bob, charlie, mallory := w.join(), w.join(), w.join(), w.join()
	first := w.grant(alice, bob)
	k := w.deposit(alice, alice)

	w.want("byte-identical again", w.call(alice, "POST", api.PathGrants, first), "")
	w.read(bob, k)
	without := api.GrantAccess{Collection: first.Collection, Grants: []api.Grant{}}
	w.want("again without its grants", w.call(alice, "POST", api.PathGrants, without), api.CodeConflict)
	other := api.GrantAccess{Collection: first.Collection, Grants: []api.Grant{w.grantTo(alice, first.Collection, bob, abi.GrantFields{})}}
	w.want("again with another grant", w.call(alice, "POST", api.PathGrants, other), api.CodeConflict)
	w.read(bob, k)

	// Two devices at once: one wins, the other is told to rebase.
	a, b := w.proposal(alice, abi.GrantFields{}, charlie), w.proposal(alice, abi.GrantFields{}, mallory)
	w.want("one", w.call(alice, "POST", api.PathGrants, a), "")
	w.want("the other", w.call(alice, "POST", api.PathGrants, b), api.CodeConflict)
	w.want("stale sequence", w.call(alice, "POST", api.PathGrants, first), api.CodeConflict)
	alice.accept(a, charlie)
	w.want("an older grant replayed", w.call(alice, "POST", api.PathGrants, api.GrantAccess{Collection: w.next(alice, w.fields(alice)), Grants: first.Grants}), api.CodeExists)
	w.read(bob, k)
	w.read(charlie, k)

	// Readers that do not match the grants.
	fields := w.fields(alice)
	fields.Readers = fields.Readers[:1]
	w.want("a reader left out", w.call(alice, "POST", api.PathGrants, api.GrantAccess{Collection: w.next(alice, fields), Grants: []api.Grant{}}), api.CodeRejected)
	fields.Readers = append(w.fields(alice).Readers, abi.ReaderRef{ID: mallory.identity.ID, Version: 1})
	w.want("a reader without grant", w.call(alice, "POST", api.PathGrants, api.GrantAccess{Collection: w.next(alice, fields), Grants: []api.Grant{}}), api.CodeRejected)
	double := w.proposal(alice, abi.GrantFields{}, mallory)
	double.Grants = append(double.Grants, double.Grants[0])
	w.want("a grant twice", w.call(alice, "POST", api.PathGrants, double), api.CodeRejected)
	many := api.GrantAccess{Collection: first.Collection, Grants: make([]api.Grant, api.MaxGrants+1)}
	for i := range many.Grants {
		many.Grants[i] = api.Grant{Record: []byte{}, TransformKey: []byte{}}
	}
	w.want("too many", w.call(alice, "POST", api.PathGrants, many), api.CodeTooLarge)

	// The server's own id is part of every record.
	f := w.fields(alice)
	f.Service[0] ^= 1
	alone := *alice
	alone.collection = nil
	f.Collection = [16]byte{7}
	w.want("another server", w.call(alice, "POST", api.PathGrants, api.GrantAccess{Collection: w.next(&alone, f), Grants: []api.Grant{}}), api.CodeMismatch)
}

// TestSupersede: a new grant for the same reader replaces the old one and
// destroys its transform key.
func TestSupersede(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.join(), w.join()
	first := w.grant(alice, bob)
	k := w.deposit(alice, alice)
	fields := w.fields(alice)
	in := api.GrantAccess{Collection: w.next(alice, fields)}
	in.Grants = []api.Grant{w.grantTo(alice, in.Collection, bob, abi.GrantFields{})}
	w.want("grant again", w.call(alice, "POST", api.PathGrants, in), "")
	alice.accept(in)
	if got := w.read(bob, k); !bytes.Equal(got.Grant, in.Grants[0].Record) {
		t.Error("the old grant is still applied")
	}
	list := decode[api.ListGrants](t, w.call(alice, "GET", api.PathGrants, nil))
	for _, g := range list.Issued {
		want := api.GrantActive
		if bytes.Equal(g.Record, first.Grants[0].Record) {
			want = api.GrantReplaced
		}
		if g.Status != want {
			t.Errorf("status %s, want %s", g.Status, want)
		}
	}
	if len(list.Issued) != 2 {
		t.Errorf("%d grants listed", len(list.Issued))
	}
	d := decode[api.Receipt](t, w.revoke(alice, bob)).Destroyed
	if d != 1 {
		t.Errorf("%d keys were left to destroy", d)
	}
}

// TestStrangers: nobody touches what is somebody else's, and learns nothing.
func TestStrangers(t *testing.T) {
	w := newWorld(t)
	alice, bob, mallory := w.join(), w.join(), w.join()
	first := w.grant(alice, bob)
	k := w.deposit(alice, alice)
	collection := must(w.core.DefaultCollection(t.Context(), alice.seed, w.service.ID))

	// Alice's own records, sent by Mallory.
	w.want("her request", w.call(mallory, "POST", api.PathGrants, first), api.CodeMismatch)
	w.want("her revocation", w.call(mallory, "POST", api.PathRevocations, api.RevokeAccess{Revocation: w.revocation(alice, bob)}), api.CodeMismatch)
	w.want("her key", w.call(mallory, "POST", api.PathKeys, k.in), api.CodeMismatch)
	w.want("a granted reader deposits", w.call(bob, "POST", api.PathKeys, w.forcedKey(bob, alice, w.home(alice))), api.CodeNotFound)

	// A chain of Mallory's own under Alice's collection id.
	f := w.fields(mallory)
	f.Collection = collection
	mine := api.GrantAccess{Collection: w.next(mallory, f), Grants: []api.Grant{}}
	w.want("her id", w.call(mallory, "POST", api.PathGrants, mine), api.CodeExists)
	mallory.collection = mine.Collection
	w.want("later record", w.call(mallory, "POST", api.PathGrants, api.GrantAccess{Collection: w.next(mallory, f), Grants: []api.Grant{}}), api.CodeNotFound)
	hidden := w.revoke(mallory, bob)
	w.want("revocation there", hidden, api.CodeNotFound)
	f.Collection = [16]byte{1, 2, 3}
	mallory.collection = nil
	mallory.collection = w.next(mallory, f)
	same(t, hidden, w.revoke(mallory, bob))

	// A grant under the id of Alice's grant to Bob must not harm hers.
	mallory.collection = nil
	theft := w.proposal(mallory, abi.GrantFields{Grant: must(api.ParseID(decode[api.ListGrants](t, w.call(bob, "GET", api.PathGrants, nil)).Received[0].ID))}, bob)
	w.want("her grant's id", w.call(mallory, "POST", api.PathGrants, theft), api.CodeExists)
	w.read(bob, k)
	w.restart()
	w.read(bob, k)

	// The same answer for what is absent and what is not yours.
	same(t, w.get(mallory, k.id), w.get(mallory, api.FormatID([16]byte{5})))
	w.want("revoke", w.revoke(alice, bob), "")
	same(t, w.get(bob, k.id), w.get(mallory, api.FormatID([16]byte{5})))
	w.want("her grant's id, later", w.call(mallory, "POST", api.PathGrants, theft), api.CodeExists)
	w.want("malformed id", w.get(bob, strings.ToUpper(k.id)), api.CodeMalformed)
	list := decode[api.ListGrants](t, w.call(mallory, "GET", api.PathGrants, nil))
	if len(list.Issued)+len(list.Received) != 0 {
		t.Error("a stranger sees grants")
	}
}

// TestHammer: many devices of one owner append at once; every record of the chain
// is one that was acknowledged.
func TestHammer(t *testing.T) {
	w := newWorld(t)
	alice := w.join()
	readers := []*person{w.join(), w.join(), w.join(), w.join()}
	w.open(alice)
	var wait sync.WaitGroup
	won := make(chan *person, len(readers))
	for _, r := range readers {
		in := w.proposal(alice, abi.GrantFields{}, r)
		wait.Go(func() {
			switch got := w.call(alice, "POST", api.PathGrants, in); got.problem.Code {
			case "":
				won <- r
			case api.CodeConflict:
			default:
				t.Errorf("code %q", got.problem.Code)
			}
			// A duplicate on the way is the same request, signed anew.
			if got := w.call(alice, "POST", api.PathGrants, in); got.problem.Code != "" && got.problem.Code != api.CodeConflict {
				t.Errorf("again: code %q", got.problem.Code)
			}
		})
	}
	wait.Wait()
	close(won)
	if len(won) != 1 {
		t.Fatalf("%d requests won", len(won))
	}
	alice.collection = must(w.store.Collection(t.Context(), must(w.core.DefaultCollection(t.Context(), alice.seed, w.service.ID))))[1].Record
	w.read(<-won, w.deposit(alice, alice))
}

// TestSameRequestAtOnce: the very same grants sent twice at once are stored once
// and stay usable.
func TestSameRequestAtOnce(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.join(), w.join()
	in := w.proposal(alice, abi.GrantFields{}, bob)
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() { w.want("same", w.call(alice, "POST", api.PathGrants, in), "") })
	}
	wait.Wait()
	alice.accept(in, bob)
	w.read(bob, w.deposit(alice, alice))
	w.restart()
	w.read(bob, w.deposit(alice, alice))
}
