package server_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/server"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

func TestRevocations(t *testing.T) {
	w := newWorld(t)
	alice, bob, charlie := w.join(), w.join(), w.join()
	w.grant(alice, bob, charlie)
	k := w.deposit(alice, alice)
	record := w.revocation(alice, bob)
	in := api.RevokeAccess{Revocation: record}
	first := w.call(alice, "POST", api.PathRevocations, in)
	w.want("revoke", first, "")
	receipt := decode[api.Receipt](t, first)
	service := must(w.core.NewService(t.Context(), w.seed))
	at, destroyed, err := w.core.OpenReceipt(t.Context(), service, record, receipt.Receipt)
	if err != nil || destroyed != 1 || receipt.Destroyed != 1 || int64(at) != w.now().UnixMilli() {
		t.Errorf("receipt: %d at %d, %v", destroyed, at, err)
	}
	w.advance(time.Second)
	second := w.call(alice, "POST", api.PathRevocations, in)
	w.want("again", second, "")
	if !bytes.Equal(first.body, second.body) {
		t.Error("another receipt for the same revocation")
	}
	w.restart()
	if third := w.call(alice, "POST", api.PathRevocations, in); !bytes.Equal(first.body, third.body) {
		t.Error("another receipt after a restart")
	}
	w.read(charlie, k)

	list := decode[api.ListGrants](t, w.call(bob, "GET", api.PathGrants, nil))
	if len(list.Received) != 1 || list.Received[0].Status != api.GrantRevoked || !bytes.Equal(list.Received[0].Receipt, receipt.Receipt) || !bytes.Equal(list.Received[0].Revocation, record) {
		t.Errorf("list %+v", list)
	}
	none := w.revoke(alice, w.join())
	if w.want("nothing to revoke", none, ""); decode[api.Receipt](t, none).Destroyed != 0 {
		t.Error("destroyed something")
	}

	// Granted again, an old revocation has no effect any more; a new one has.
	in2 := w.rotation(alice, abi.GrantFields{}, charlie, bob)
	in2.Grants = append(in2.Grants, w.again(alice, alice.collection, bob)...)
	w.want("grant again", w.call(alice, "POST", api.PathGrants, in2), "")
	alice.readers = nil
	alice.accept(in2, charlie, bob)
	w.read(bob, k)
	w.want("old revocation", w.call(alice, "POST", api.PathRevocations, in), "")
	w.read(bob, k)

	bad := func(change func([]byte)) api.RevokeAccess {
		return api.RevokeAccess{Revocation: alice.resign(record, change)}
	}
	w.want("same id, other content", w.call(alice, "POST", api.PathRevocations, bad(func(b []byte) {
		copy(b[bytes.Index(b, bob.identity.ID[:]):], charlie.identity.ID[:])
	})), api.CodeExists)
	w.want("another server", w.call(alice, "POST", api.PathRevocations, bad(func(b []byte) { b[bytes.Index(b, w.service.ID[:])] ^= 1 })), api.CodeMismatch)
	w.want("sequence of the future", w.call(alice, "POST", api.PathRevocations, bad(func(b []byte) {
		b[bytes.Index(b, alice.identity.ID[:])+32+4+16] = 1
	})), api.CodeMismatch)
	damaged := bytes.Clone(record)
	damaged[len(damaged)-1] ^= 1
	w.want("bad signature", w.call(alice, "POST", api.PathRevocations, api.RevokeAccess{Revocation: damaged}), api.CodeRejected)
	w.want("another type of record", w.call(alice, "POST", api.PathRevocations, api.RevokeAccess{Revocation: alice.record}), api.CodeMalformed)
	w.want("by its reader", w.call(charlie, "POST", api.PathRevocations, in), api.CodeMismatch)
	w.read(charlie, k)
}

// TestRevokeRace: a transform that begins after the revocation was answered never
// succeeds, however the two interleave.
func TestRevokeRace(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.join(), w.join()
	w.open(alice)
	first := alice.collection
	k := w.deposit(alice, alice)
	rounds, tries := 12, 30
	if testing.Short() {
		rounds = 2
	}
	for range rounds {
		in := w.rotation(alice, abi.GrantFields{}, bob)
		in.Grants = append(in.Grants, w.again(alice, first, bob)...)
		w.want("grant", w.call(alice, "POST", api.PathGrants, in), "")
		alice.accept(in)
		var (
			mu       sync.Mutex
			answered bool // the revocation was answered
			wait     sync.WaitGroup
		)
		for range 3 {
			wait.Go(func() {
				for range tries / 3 {
					mu.Lock()
					late := answered
					mu.Unlock()
					r := w.get(bob, k.id)
					if late && r.problem.Code != api.CodeNotFound {
						t.Errorf("a transform after the revocation: %d %q", r.status, r.problem.Code)
					}
					if r.problem.Code != "" && r.problem.Code != api.CodeNotFound {
						t.Errorf("code %q", r.problem.Code)
					}
				}
			})
		}
		wait.Go(func() {
			r := w.revoke(alice, bob)
			mu.Lock()
			answered = true
			mu.Unlock()
			w.want("revoke", r, "")
		})
		wait.Wait()
		w.want("afterwards", w.get(bob, k.id), api.CodeNotFound)
	}
}

// TestRevokeTwiceAtOnce: one receipt, whoever asks.
func TestRevokeTwiceAtOnce(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.join(), w.join()
	w.grant(alice, bob)
	in := api.RevokeAccess{Revocation: w.revocation(alice, bob)}
	const n = 8
	bodies := make(chan string, n)
	for range n {
		go func() { bodies <- string(w.call(alice, "POST", api.PathRevocations, in).body) }()
	}
	first := <-bodies
	for range n - 1 {
		if other := <-bodies; other != first {
			t.Errorf("two receipts:\n%s%s", first, other)
		}
	}
}

// brokenStore is the real store that fails where a crash is to happen.
type brokenStore struct {
	store.Store
	failPut, failRevoke, failFinish bool
}

var errCrash = errors.New("crash")

func (b *brokenStore) PutCollection(ctx context.Context, rec store.CollectionRecord, previous [32]byte, grants []store.Grant, log []store.LogEntry) ([][16]byte, error) {
	if b.failPut {
		return nil, errCrash
	}
	return b.Store.PutCollection(ctx, rec, previous, grants, log)
}

func (b *brokenStore) Collection(ctx context.Context, id [16]byte) ([]store.CollectionRecord, error) {
	return b.Store.Collection(ctx, id)
}

func (b *brokenStore) Revoke(ctx context.Context, r store.Revocation, log []store.LogEntry) (store.Revocation, [][16]byte, error) {
	stored, ids, err := b.Store.Revoke(ctx, r, log)
	if b.failRevoke {
		return store.Revocation{}, nil, errCrash // it took place, but nobody learns it
	}
	return stored, ids, err
}

func (b *brokenStore) FinishRevocation(ctx context.Context, id [16]byte, receipt []byte, destroyed uint32) error {
	if b.failFinish {
		return errCrash
	}
	return b.Store.FinishRevocation(ctx, id, receipt, destroyed)
}

// breakWith lets the server run on a store that fails, until the next restart.
func (w *world) breakWith(b *brokenStore) {
	b.Store = w.store
	w.server = must(server.New(context.Background(), w.config(b)))
}

func TestCrashes(t *testing.T) {
	w := newWorld(t)
	alice, bob, charlie := w.join(), w.join(), w.join()
	w.grant(alice, bob)
	k := w.deposit(alice, alice)

	// Between sealing the keys and storing the grants.
	in := w.proposal(alice, abi.GrantFields{}, charlie)
	w.breakWith(&brokenStore{failPut: true})
	w.want("grant", w.call(alice, "POST", api.PathGrants, in), api.CodeInternal)
	w.restart()
	w.want("not granted", w.get(charlie, k.id), api.CodeNotFound)
	w.want("grant again", w.call(alice, "POST", api.PathGrants, in), "")
	alice.accept(in, charlie)
	w.read(charlie, k)

	// After marking the revocation, before destroying the keys.
	revoke := api.RevokeAccess{Revocation: w.revocation(alice, bob)}
	w.breakWith(&brokenStore{failRevoke: true})
	w.want("revoke", w.call(alice, "POST", api.PathRevocations, revoke), api.CodeInternal)
	w.want("not answered, but in force", w.get(bob, k.id), api.CodeNotFound)
	w.restart()
	w.want("after the restart", w.get(bob, k.id), api.CodeNotFound)
	r := w.call(alice, "POST", api.PathRevocations, revoke)
	if w.want("revoke again", r, ""); decode[api.Receipt](t, r).Destroyed != 1 {
		t.Error("the receipt does not count the key")
	}

	// After destroying the keys, before storing the receipt.
	revoke = api.RevokeAccess{Revocation: w.revocation(alice, charlie)}
	w.breakWith(&brokenStore{failFinish: true})
	w.want("revoke", w.call(alice, "POST", api.PathRevocations, revoke), api.CodeInternal)
	w.restart()
	w.want("after the restart", w.get(charlie, k.id), api.CodeNotFound)
	r = w.call(alice, "POST", api.PathRevocations, revoke)
	if w.want("revoke again", r, ""); decode[api.Receipt](t, r).Destroyed != 1 {
		t.Error("the receipt does not count the key")
	}
	w.read(alice, k)
}

// TestCanary plays with recognisable secrets and looks for them in every answer,
// in the log, and in every file of the server.
func TestCanary(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.join(), w.join()
	in := w.grant(alice, bob)
	k := w.deposit(alice, alice)
	w.read(bob, k)
	w.read(alice, k)
	w.want("get keys", w.getMany(bob, k.id, api.FormatID([16]byte{1})), "")
	w.want("get keys", w.getMany(alice, k.id), "")
	if w.server.Prepared() != 1 {
		t.Error("nothing is prepared, so nothing of it could leak")
	}
	id := api.FormatID(must(w.core.DefaultCollection(t.Context(), alice.seed, w.service.ID)))
	for _, p := range []*person{alice, bob} {
		w.call(p, "GET", api.PathGrants, nil)
		w.call(p, "GET", "/v1/collections/"+id, nil)
		w.call(p, "POST", api.PathGrants, in)
	}
	bad := api.GrantAccess{Collection: in.Collection, Grants: []api.Grant{{Record: in.Grants[0].Record[:50], TransformKey: in.Grants[0].TransformKey}}}
	w.call(alice, "POST", api.PathGrants, bad)
	for _, page := range []string{"/openapi.json", "/livez", "/readyz", api.PathServer, "/v1/identities/" + alice.id} {
		w.do(request("GET", page, nil))
	}
	key := in.Grants[0].TransformKey
	secrets := map[string][]byte{
		"alice's seed": alice.seed, "bob's seed": bob.seed, "server's seed": w.seed, "document key": k.secret,
		// The scheme puts the first 512 bytes of a transform key into every value it
		// transforms; the hashed temp key is what makes it one, and the rest is its
		// signature.
		"hashed temp key": key[hashedAt : hashedAt+128], "transform key's signature": key[672:],
	}
	haystacks := map[string][]byte{"log": []byte(w.log.String()), "answers": bytes.Join(w.answers, []byte("\n"))}
	files := func(when string) {
		for _, f := range must(os.ReadDir(w.dir)) {
			haystacks[f.Name()+" "+when] = must(os.ReadFile(filepath.Join(w.dir, f.Name())))
		}
	}
	files("before")
	w.want("revoke", w.revoke(alice, bob), "")
	files("after")
	w.stop()
	files("closed")
	for what, secret := range secrets {
		// An inner part, so that base64 is found at any of its three alignments.
		for where, text := range haystacks {
			for _, form := range forms(secret[:32]) {
				if bytes.Contains(text, form) {
					t.Errorf("%s is in %s", what, where)
				}
			}
		}
	}
}

// forms are the spellings of a secret: raw, hex and base64 at each alignment.
func forms(secret []byte) [][]byte {
	out := [][]byte{secret, []byte(hex.EncodeToString(secret)), bytes.ToUpper([]byte(hex.EncodeToString(secret)))}
	for shift := range 3 {
		padded := append(make([]byte, shift), secret...)
		for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			text := e.EncodeToString(padded)
			out = append(out, []byte(text[4:len(text)-4]))
		}
	}
	return out
}
