package server_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/recrypt-service/recrypt/host/api"
)

// TestMatrix lets every actor try every operation in every state, and compares what he is
// told with the policy below. Whatever is refused leaves no trace in the store, and what is
// refused as not found looks, in every byte but the date, as if it were not there. No answer
// to anybody contains a transform key.
func TestMatrix(t *testing.T) {
	states := []string{none, opened, closed, rotated}
	if testing.Short() {
		states = []string{none, rotated}
	}
	var n counts
	for _, state := range states {
		a := newArena(newWorld(t), state)
		defer a.close()
		demands := a.server.Operations()
		n.operations = len(demands)
		before := a.hash()
		for _, operation := range slices.Sorted(maps.Keys(demands)) {
			if operation == "watch_events" {
				continue // its answer does not end; TestEvents judges who gets what
			}
			if attempts[operation] == nil {
				t.Errorf("nobody tries %s", operation)
				continue
			}
			keys := []string{present}
			if strings.HasPrefix(operation, "get_sym_key") || operation == "get_edge_jobs" {
				keys = []string{present, other, absent, waiting}
			}
			for _, actor := range actors {
				for _, key := range keys {
					c := &cell{arena: a, actor: actor, operation: operation, signed: demands[operation], key: key}
					c.judge(t, before, &n)
				}
			}
		}
		a.noSecrets(t)
	}
	t.Logf("%d actors, %d operations, %d states of a collection, 4 of a key: %d cells, %d refused, %d with an effect",
		len(actors), n.operations, len(states), n.cells, n.refused, n.effects)
}

// counts are the size of the table.
type counts struct{ operations, cells, refused, effects int }

// judge makes the attempt and compares what comes of it with the policy. It leaves the
// arena as it was.
func (c *cell) judge(t *testing.T, before string, n *counts) {
	name := strings.Join([]string{c.state, c.actor, c.operation, c.key}, ", ")
	got := c.try()
	n.cells++
	if want := c.want(); got.code != want {
		t.Errorf("%s: got %q, want %q", name, got.code, want)
	}
	if got.code != "" {
		n.refused++
	}
	if got.code == api.CodeNotFound {
		gone := *c
		gone.gone = true
		same(t, got.reply, gone.try().reply)
	}
	changed := c.hash() != before
	if changed && got.code != "" {
		t.Errorf("%s: refused, but something has changed", name)
	}
	if effect := c.hasEffect(got.code); changed != effect {
		t.Errorf("%s: effect %t, want %t", name, changed, effect)
	}
	if !changed {
		return
	}
	n.effects++
	c.restore()
	if c.hash() != before {
		t.Fatal("the arena is not what it was")
	}
}

// noSecrets looks for the transform keys in every answer that was given.
func (a *arena) noSecrets(t *testing.T) {
	answers := bytes.Join(a.answers, []byte("\n"))
	for _, secret := range a.secrets {
		for _, form := range forms(secret) {
			if bytes.Contains(answers, form) {
				t.Errorf("%s: a transform key is in an answer", a.state)
			}
		}
	}
}

// A cell is one attempt.
type cell struct {
	*arena
	actor, operation, key string
	signed                bool
	gone                  bool // what it is about does not exist
}

// want is the policy: the code that the actor gets, empty for success.
func (c *cell) want() string {
	if c.operation == "restart" {
		return api.CodeNotFound // the log was never begun anew
	}
	if !c.signed {
		return ""
	}
	switch c.actor {
	case anonymous:
		return api.CodeUnsigned
	case ownerOld:
		if c.operation == "create_identity" {
			return api.CodeConflict // the server knows more than he sends
		}
		return api.CodeSignature
	case unpublished:
		if c.operation == "create_identity" {
			return ""
		}
		return api.CodeSignature
	}
	exists, owns := c.state != none, c.actor == owner
	allowed := true
	switch c.operation {
	case "get_collection":
		allowed = exists && (owns || c.sees() || c.writes())
	case "list_readers", "accept_author", "refuse_author", "revoke_access", "veto_request":
		allowed = exists && owns
	case "grant_access":
		allowed = owns
	case "create_sym_key":
		allowed = exists && (owns || c.writes())
	case "request_access":
		allowed = exists && (c.actor == pendingRuns || c.actor == pendingOver)
	case "get_sym_key", "get_sym_keys", "get_edge_jobs":
		allowed = exists && c.opens()
	}
	switch {
	case !allowed:
		return api.CodeNotFound
	case c.state == closed && (c.operation == "grant_access" || c.operation == "create_sym_key"):
		return api.CodeClosed
	}
	return ""
}

// sees: who has a grant that is good, or will be, may see the chain.
func (c *cell) sees() bool {
	return slices.Contains([]string{direct, scoped, pendingRuns, pendingOver, later, linkReader}, c.actor)
}

// writes: who may deposit in the collection that he tries.
func (c *cell) writes() bool { return c.actor == listedAuthor || c.actor == openAuthor }

// opens: who gets the key.
func (c *cell) opens() bool {
	switch c.key {
	case present:
		return slices.Contains([]string{owner, direct, scoped, pendingOver, linkReader}, c.actor)
	case other:
		return slices.Contains([]string{owner, direct, pendingOver}, c.actor)
	case waiting:
		return c.actor == owner || c.actor == openAuthor
	}
	return false
}

// hasEffect: what is allowed and changes something. Readers' openings are recorded; what
// was there already is not stored again.
func (c *cell) hasEffect(code string) bool {
	switch c.operation {
	case "create_identity":
		return code == "" && c.actor == unpublished
	case "grant_access", "revoke_access", "accept_author", "refuse_author", "create_sym_key", "veto_request":
		return code == ""
	case "get_sym_key", "get_sym_keys", "get_edge_jobs":
		return code == "" && c.actor != owner && c.actor != openAuthor
	}
	return false
}

// An outcome is a reply with its code, or with that of its only key.
type outcome struct {
	reply
	code string
}

// try makes the request and sends it.
func (c *cell) try() outcome {
	method, path, body := attempts[c.operation](c)
	var raw []byte
	if body != nil {
		raw = must(json.Marshal(body))
	}
	r := request(method, path, raw)
	if c.signed && c.actor != anonymous {
		c.sign(c.who(), r, raw)
	}
	got := c.do(r)
	out := outcome{got, got.problem.Code}
	if (c.operation == "get_sym_keys" || c.operation == "get_edge_jobs") && out.code == "" {
		item := decode[api.Keys](c.t, got).Keys[0]
		out.code = item.Code
		out.body = bytes.ReplaceAll(out.body, []byte(item.ID), nil) // it is what was asked for
	}
	return out
}

// who acts; an anonymous one uses what the owner would send.
func (c *cell) who() *person {
	if c.actor == anonymous {
		return c.people[owner]
	}
	return c.people[c.actor]
}

// target is the collection that the actor tries, as its owner has it at hand.
func (c *cell) target() *person {
	if c.state == none || c.gone {
		p := *c.people[owner]
		p.home = [16]byte(random(16))
		return &p
	}
	switch c.actor {
	case linkReader:
		return c.links
	case openAuthor:
		return c.inbox
	}
	return c.main
}

// chain is the newest record of the target for its owner; anybody else makes one of his
// own under its id.
func (c *cell) chain() *person {
	target := c.target()
	if c.actor == owner && target.collection != nil {
		return target
	}
	return c.phantom(c.who(), target.home)
}

func (c *cell) keyID() string {
	if c.state == none || c.gone || c.key == absent {
		return api.FormatID([16]byte(random(16)))
	}
	if c.key == present {
		switch c.actor {
		case linkReader:
			return c.linkKey.id
		case openAuthor:
			return c.openKey.id
		}
	}
	return c.keys[c.key].id
}

// somebody is an identity that a request names: it is not there if nothing is to be.
func (c *cell) somebody(p *person) string {
	if c.gone {
		return c.newPerson().id
	}
	return p.id
}

// deposit is a key by the actor for the target.
func (c *cell) deposit() api.CreateKey {
	target := c.target()
	if target.collection != nil && (c.actor == owner || c.writes()) {
		return c.newKey(c.who(), target.collection).in
	}
	return c.forcedKey(c.who(), c.people[owner], target.home)
}

func (c *cell) next() api.GrantAccess {
	if c.actor == owner && c.state == none {
		p := *c.people[owner]
		p.home = [16]byte{1}
		return api.GrantAccess{Collection: c.world.next(&p, c.fields(&p)), Grants: []api.Grant{}}
	}
	p := c.chain()
	f := c.fields(p)
	if c.actor == owner {
		for _, name := range []string{direct, scoped, pendingRuns, pendingOver, later, suspended} {
			if c.state == rotated && (name == scoped || name == suspended) {
				continue
			}
			f.Readers = append(f.Readers, readerRef(c.people[name], name == suspended))
		}
		if c.state == opened {
			f.Readers = append(f.Readers, readerRef(c.dummy, false))
		}
	}
	return api.GrantAccess{Collection: c.world.next(p, f), Grants: []api.Grant{}}
}

// about is where an owner decides about the author of what waits in the inbox.
func (c *cell) about(path string) string {
	id := c.target().home
	if c.actor == owner && c.state != none && !c.gone {
		id = c.inbox.home
	}
	return strings.Replace(path, "{id}", api.FormatID(id), 1)
}

// attempts makes the request of each operation.
var attempts = map[string]func(c *cell) (method, path string, body any){
	"create_identity": func(c *cell) (string, string, any) {
		return "POST", api.PathIdentities, api.CreateIdentity{Record: c.who().record}
	},
	"get_identity": func(c *cell) (string, string, any) { return "GET", "/v1/identities/" + c.people[owner].id, nil },
	"get_identities": func(c *cell) (string, string, any) {
		return "POST", api.PathLookUp, api.LookUp{IDs: []string{c.people[owner].id}}
	},
	"get_collection": func(c *cell) (string, string, any) {
		return "GET", strings.Replace(api.PathCollection, "{id}", api.FormatID(c.target().home), 1), nil
	},
	"list_readers":     func(c *cell) (string, string, any) { return "GET", readersPath(c.target().home), nil },
	"list_collections": plainGet(api.PathCollections),
	"list_grants":      plainGet(api.PathGrants),

	"list_issued_grants":     plainGet(strings.Replace(api.PathIssued, "{cursor}", api.FirstPage, 1)),
	"list_received_grants":   plainGet(strings.Replace(api.PathReceived, "{cursor}", api.FirstPage, 1)),
	"list_collections_after": plainGet(strings.Replace(api.PathCollectionsAfter, "{cursor}", api.FirstPage, 1)),

	"list_deposits": plainGet(api.PathDeposits),
	"list_ledger":   plainGet(strings.Replace(api.PathLedger, "{from}", "0", 1)),
	"list_open_collections": func(c *cell) (string, string, any) {
		return "GET", strings.Replace(api.PathOpenTo, "{id}", c.people[owner].id, 1), nil
	},
	"accept_author": func(c *cell) (string, string, any) {
		return "POST", c.about(api.PathAuthors), api.AcceptAuthor{Author: c.people[openAuthor].id}
	},
	"refuse_author": func(c *cell) (string, string, any) {
		return "POST", c.about(api.PathRefusals), api.RefuseAuthor{Author: c.people[openAuthor].id}
	},
	"grant_access": func(c *cell) (string, string, any) { return "POST", api.PathGrants, c.next() },
	"revoke_access": func(c *cell) (string, string, any) {
		reader := c.people[direct]
		if c.actor == direct {
			reader = c.people[scoped] // nobody can revoke himself
		}
		return "POST", api.PathRevocations, api.RevokeAccess{Revocation: c.revocation(c.chain(), reader)}
	},
	"create_sym_key": func(c *cell) (string, string, any) { return "POST", api.PathKeys, c.deposit() },
	"get_sym_key":    func(c *cell) (string, string, any) { return "POST", transformPath(c.keyID()), nil },
	"get_sym_keys": func(c *cell) (string, string, any) {
		return "POST", api.PathTransforms, api.GetKeys{Keys: []string{c.keyID()}}
	},
	"get_edge_jobs": func(c *cell) (string, string, any) {
		return "POST", api.PathEdgeJobs, anEdge().asks(c.keyID())
	},
	"request_access": func(c *cell) (string, string, any) {
		return "POST", api.PathRequests, api.Request{Owner: c.somebody(c.people[owner])}
	},
	"veto_request": func(c *cell) (string, string, any) {
		return "POST", api.PathVetoes, api.Veto{Reader: c.somebody(c.people[pendingRuns])}
	},
	"get_server":      plainGet(api.PathServer),
	"link_page":       plainGet(api.PathLink),
	"get_consistency": plainGet("/v1/log/consistency/1/2"),
	"checkpoint":      plainGet(api.PathCheckpoint),
	"restart":         plainGet(api.PathRestart),
	"tile":            plainGet("/log/tile/entries/000.p/1"),
	"livez":           plainGet("/livez"),
	"readyz":          plainGet("/readyz"),
	"openapi":         plainGet("/openapi.json"),
}

func plainGet(path string) func(*cell) (string, string, any) {
	return func(*cell) (string, string, any) { return http.MethodGet, path, nil }
}
