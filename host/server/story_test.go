package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/engine"
	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/dispatch"
)

// TestStory plays the whole service once per engine.
func TestStory(t *testing.T) {
	t.Run("native", func(t *testing.T) { story(t, dispatch.Native{}) })
	t.Run("wazero", func(t *testing.T) {
		e, err := engine.New(t.Context(), engine.Config{Kind: "wazero", Instances: 1})
		if err != nil {
			t.Skipf("the module is not built: %v", err)
		}
		defer e.Close(context.Background())
		story(t, e)
	})
}

func story(t *testing.T, caller abi.Caller) {
	w := newWorldOn(t, caller)
	alice, bob, charlie := w.join(), w.join(), w.join()
	first := w.grant(alice, bob)
	k := w.deposit(alice, alice)
	if got := w.read(alice, k); got.Level != 0 || got.Grant != nil {
		t.Errorf("the owner got level %d", got.Level)
	}
	got := w.read(bob, k)
	if got.Level != 1 || !bytes.Equal(got.Grant, first.Grants[0].Record) || !bytes.Equal(got.Owner, alice.record) || !bytes.Equal(got.Author, alice.record) {
		t.Error("the reader did not get level 1 with its grant and records")
	}
	w.want("charlie", w.get(charlie, k.id), api.CodeNotFound)

	later := w.deposit(alice, alice) // after the grant
	w.read(bob, later)
	w.restart()
	w.read(bob, k)

	w.grant(alice, charlie)
	w.read(charlie, k)
	r := w.revoke(alice, bob)
	w.want("revoke", r, "")
	if d := decode[api.Receipt](t, r).Destroyed; d != 1 {
		t.Errorf("destroyed %d transform keys", d)
	}
	for _, id := range []string{k.id, later.id} {
		w.want("bob after the revocation", w.get(bob, id), api.CodeNotFound)
	}
	w.restart()
	w.want("bob after a restart", w.get(bob, k.id), api.CodeNotFound)
	w.read(charlie, k)
	w.read(alice, k)
}

func TestIdentities(t *testing.T) {
	w := newWorld(t)
	alice := w.join()
	in := api.CreateIdentity{Record: alice.record}
	w.want("again", w.call(alice, "POST", api.PathIdentities, in), "")

	out := decode[api.Identity](t, w.do(request("GET", "/v1/identities/"+alice.id, nil)))
	if out.ID != alice.id || out.Version != 1 || !bytes.Equal(out.Record, alice.record) {
		t.Errorf("got %+v", out)
	}
	stranger := w.newPerson()
	w.want("unknown", w.do(request("GET", "/v1/identities/"+stranger.id, nil)), api.CodeNotFound)
	w.want("upper case", w.do(request("GET", "/v1/identities/"+strings.ToUpper(alice.id), nil)), api.CodeMalformed)
	w.want("no id", w.do(request("GET", "/v1/identities/x", nil)), api.CodeMalformed)
	w.want("a server's", w.do(request("GET", "/v1/identities/"+w.server.ID(), nil)), api.CodeMalformed)

	// Somebody else's record under one's own name, and the other way round.
	w.want("published by another", w.call(alice, "POST", api.PathIdentities, api.CreateIdentity{Record: stranger.record}), api.CodeSignature)
	liar := *stranger
	liar.id = alice.id
	w.want("another's key id", w.call(&liar, "POST", api.PathIdentities, api.CreateIdentity{Record: stranger.record}), api.CodeSignature)
	w.want("not published", w.do(request("GET", "/v1/identities/"+stranger.id, nil)), api.CodeNotFound)

	bad := bytes.Clone(stranger.record)
	bad[len(bad)-1] ^= 1
	w.want("damaged", w.call(stranger, "POST", api.PathIdentities, api.CreateIdentity{Record: bad}), api.CodeRejected)
	point := bytes.Clone(stranger.record)
	at := bytes.Index(point, stranger.identity.Keys[0].PublicKey)
	point[at+5] ^= 1
	w.want("not on the curve", w.call(stranger, "POST", api.PathIdentities, api.CreateIdentity{Record: point}), api.CodeMalformed)
}

func TestServerAndPages(t *testing.T) {
	w := newWorld(t)
	out := decode[api.Server](t, w.do(request("GET", api.PathServer, nil)))
	if out.ID != w.server.ID() || strings.Join(out.Suites, " ") != "recrypt256 recrypt480" || out.URLs[0] != origin || out.Engine != "native" || out.Time != w.now().UnixMilli() {
		t.Errorf("got %+v", out)
	}
	for _, path := range []string{"/livez", "/readyz", "/openapi.json", api.PathServer} {
		for _, method := range []string{"GET", "HEAD"} {
			r := w.do(request(method, path, nil))
			w.want(method+" "+path, r, "")
			h := r.header
			if h.Get("Content-Type") != api.ContentTypeJSON || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cache-Control") != "no-store" ||
				!strings.Contains(h.Get("Content-Security-Policy"), "default-src 'none'") || h.Get("Link") != "" {
				t.Errorf("%s: header %v", path, h)
			}
		}
	}
	var document struct {
		OpenAPI string `json:"openapi"`
		Paths   map[string]map[string]struct {
			OperationID string `json:"operationId"`
		} `json:"paths"`
	}
	r := w.do(request("GET", "/openapi.json", nil))
	if err := json.Unmarshal(r.body, &document); err != nil || !strings.HasPrefix(document.OpenAPI, "3.1") {
		t.Fatalf("openapi %q: %v", document.OpenAPI, err)
	}
	var ids []string
	for _, methods := range document.Paths {
		for _, op := range methods {
			ids = append(ids, op.OperationID)
		}
	}
	for _, want := range []string{"create_identity", "get_identity", "get_collection", "grant_access", "list_grants", "revoke_access", "create_sym_key", "get_sym_key", "get_sym_keys", "get_server"} {
		if !strings.Contains(" "+strings.Join(ids, " ")+" ", " "+want+" ") {
			t.Errorf("operation %s is missing", want)
		}
	}
	if bytes.Contains(r.body, []byte("$schema")) {
		t.Error("schema links are on")
	}
	for _, path := range []string{"/docs", "/openapi.yaml", "/openapi-3.0.json", "/schemas/Identity.json", "/debug/pprof", "/metrics"} {
		w.want(path, w.do(request("GET", path, nil)), api.CodeNotFound)
	}
}

func TestCollections(t *testing.T) {
	w := newWorld(t)
	alice, bob, mallory := w.join(), w.join(), w.join()
	w.open(alice)
	w.grant(alice, bob)
	id := api.FormatID(must(w.core.DefaultCollection(t.Context(), alice.seed, w.service.ID)))
	path := "/v1/collections/" + id
	for _, p := range []*person{alice, bob} {
		out := decode[api.Collection](t, w.call(p, "GET", path, nil))
		if out.ID != id || out.Owner != alice.id || len(out.Records) != 2 || !bytes.Equal(out.Records[1], alice.collection) {
			t.Errorf("got %+v", out)
		}
	}
	hidden := w.call(mallory, "GET", path, nil)
	absent := w.call(mallory, "GET", "/v1/collections/"+api.FormatID([16]byte{1}), nil)
	w.want("stranger", hidden, api.CodeNotFound)
	same(t, hidden, absent)
	w.want("malformed", w.call(mallory, "GET", "/v1/collections/x", nil), api.CodeMalformed)
	w.want("upper case", w.call(mallory, "GET", "/v1/collections/"+strings.ToUpper(id), nil), api.CodeMalformed)
	w.want("unsigned", w.do(request("GET", path, nil)), api.CodeUnsigned)

	w.want("revoke", w.revoke(alice, bob), "")
	w.want("a revoked reader", w.call(bob, "GET", path, nil), api.CodeNotFound)
}

func TestDeposits(t *testing.T) {
	w := newWorld(t)
	alice, bob, mallory := w.join(), w.join(), w.join()
	fields := w.fields(alice)
	fields.Deposit, fields.Authors = abi.DepositListed, [][32]byte{bob.identity.ID}
	in := api.GrantAccess{Collection: w.next(alice, fields), Grants: []api.Grant{}}
	w.want("open", w.call(alice, "POST", api.PathGrants, in), "")
	alice.accept(in)
	id := api.FormatID(fields.Collection)

	w.want("an author reads the chain", w.call(bob, "GET", "/v1/collections/"+id, nil), "")
	w.want("a stranger does not", w.call(mallory, "GET", "/v1/collections/"+id, nil), api.CodeNotFound)
	k := w.newKey(bob, alice.collection)
	w.want("listed author", w.call(bob, "POST", api.PathKeys, k.in), "")
	w.want("again", w.call(bob, "POST", api.PathKeys, k.in), "")
	if got := w.read(alice, k); got.Level != 0 || !bytes.Equal(got.Author, bob.record) {
		t.Error("the owner does not get the original of the author")
	}
	if r := w.get(bob, k.id); decode[api.Key](t, r).Level != 0 {
		t.Error("the author does not get the original")
	}
	w.want("another reads", w.get(mallory, k.id), api.CodeNotFound)
	w.want("sent by another", w.call(mallory, "POST", api.PathKeys, w.newKey(bob, alice.collection).in), api.CodeMismatch)
	w.want("sent by the owner", w.call(alice, "POST", api.PathKeys, w.newKey(bob, alice.collection).in), api.CodeMismatch)

	// The same id with other content.
	other := w.newKey(bob, alice.collection)
	record := bob.resign(other.in.Record, func(b []byte) { copy(b[23:], k.raw[:]) })
	w.want("id taken", w.call(bob, "POST", api.PathKeys, api.CreateKey{Record: record, Value: other.in.Value}), api.CodeExists)
	w.want("value of another key", w.call(bob, "POST", api.PathKeys, api.CreateKey{Record: k.in.Record, Value: other.in.Value}), api.CodeMismatch)
	cut := api.CreateKey{Record: other.in.Record, Value: other.in.Value[:100]}
	w.want("value cut", w.call(bob, "POST", api.PathKeys, cut), api.CodeMalformed)
	w.want("no value", w.call(bob, "POST", api.PathKeys, api.CreateKey{Record: other.in.Record}), api.CodeMalformed)
	w.want("no record", w.call(bob, "POST", api.PathKeys, api.CreateKey{Value: other.in.Value}), api.CodeMalformed)
	damaged := bob.resign(other.in.Record, func([]byte) {})
	damaged[len(damaged)-1] ^= 1
	w.want("bad signature", w.call(bob, "POST", api.PathKeys, api.CreateKey{Record: damaged, Value: other.in.Value}), api.CodeRejected)
	foreign := bob.resign(other.in.Record, func(b []byte) { b[40] ^= 1 })
	w.want("another server", w.call(bob, "POST", api.PathKeys, api.CreateKey{Record: foreign, Value: other.in.Value}), api.CodeMismatch)
	nowhere := bob.resign(other.in.Record, func(b []byte) { b[23+16+64] ^= 1 })
	w.want("unknown collection", w.call(bob, "POST", api.PathKeys, api.CreateKey{Record: nowhere, Value: other.in.Value}), api.CodeNotFound)
	wrongPoint := bob.resign(other.in.Record, func(b []byte) { b[23+16+64+16+4+32+4+1+9] ^= 1 })
	w.want("malformed point", w.call(bob, "POST", api.PathKeys, api.CreateKey{Record: wrongPoint, Value: other.in.Value}), api.CodeMalformed)
}

func TestEpochs(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.join(), w.join()
	w.grant(alice, bob)
	old := alice.collection
	k := w.deposit(alice, alice)

	// The next epoch starts with nobody in it, or with who has a new grant.
	fields := w.fields(alice)
	fields.Epoch++
	copy(fields.Salt[:], random(32))
	wrong := api.GrantAccess{Collection: w.next(alice, fields), Grants: []api.Grant{}}
	w.want("readers of the old epoch", w.call(alice, "POST", api.PathGrants, wrong), api.CodeRejected)
	in := api.GrantAccess{Collection: wrong.Collection, Grants: []api.Grant{w.grantTo(alice, wrong.Collection, bob, abi.GrantFields{})}}
	w.want("next epoch", w.call(alice, "POST", api.PathGrants, in), "")
	alice.accept(in)

	w.want("deposit into the old one", w.call(alice, "POST", api.PathKeys, w.newKey(alice, old).in), api.CodeConflict)
	w.read(bob, k) // the old grant still serves the old epoch
	later := w.deposit(alice, alice)
	if got := w.read(bob, later); !bytes.Equal(got.Grant, in.Grants[0].Record) {
		t.Error("another grant was applied")
	}
	w.want("revoke", w.revoke(alice, bob), "")
	w.want("old epoch", w.get(bob, k.id), api.CodeNotFound)
	w.want("new epoch", w.get(bob, later.id), api.CodeNotFound)
}

func TestExpiry(t *testing.T) {
	w := newWorld(t)
	alice, bob, charlie := w.join(), w.join(), w.join()
	ms := func(d time.Duration) uint64 { return uint64(w.now().Add(d).UnixMilli()) }
	in := w.proposal(alice, abi.GrantFields{Expires: ms(time.Hour)}, bob)
	w.want("grant", w.call(alice, "POST", api.PathGrants, in), "")
	alice.accept(in, bob)
	in = w.proposal(alice, abi.GrantFields{NotBefore: ms(30 * time.Minute)}, charlie)
	w.want("grant for later", w.call(alice, "POST", api.PathGrants, in), "")
	alice.accept(in, charlie)
	k := w.deposit(alice, alice)
	w.read(bob, k)
	w.want("too early", w.get(charlie, k.id), api.CodeNotFound)
	w.advance(31 * time.Minute)
	w.read(charlie, k)
	w.advance(30 * time.Minute)
	w.want("expired", w.get(bob, k.id), api.CodeNotFound)
	list := decode[api.ListGrants](t, w.call(bob, "GET", api.PathGrants, nil))
	if len(list.Received) != 1 || list.Received[0].Status != api.GrantExpired || len(list.Issued) != 0 {
		t.Errorf("list %+v", list)
	}
	// A clock that is set back does not bring it to life, a restart does not either.
	w.advance(-2 * time.Hour)
	w.want("clock set back", w.get(bob, k.id), api.CodeNotFound)
	w.restart()
	w.want("and restarted", w.get(bob, k.id), api.CodeNotFound)
	w.read(charlie, k)
	w.advance(2 * time.Hour)
	past := w.proposal(alice, abi.GrantFields{Expires: ms(-time.Second)}, bob)
	w.want("expired already", w.call(alice, "POST", api.PathGrants, past), api.CodeRejected)
}

// same fails unless two answers are equal in every byte but the date.
func same(t *testing.T, a, b reply) {
	t.Helper()
	a.header.Del("Date")
	b.header.Del("Date")
	if a.status != b.status || !bytes.Equal(a.body, b.body) || len(a.header) != len(b.header) {
		t.Errorf("answers differ: %d %s, %d %s", a.status, a.body, b.status, b.body)
	}
	for name := range a.header {
		if a.header.Get(name) != b.header.Get(name) {
			t.Errorf("header %s differs", name)
		}
	}
}
