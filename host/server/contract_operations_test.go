package server_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// operationCodes provokes what single operations answer.
func (c *contract) operationCodes(t *testing.T) {
	none := api.FormatID([16]byte{9})
	c.identityCodes(t)
	c.grantCodes(t)
	c.revocationCodes(t)
	c.keyCodes(t)
	c.provoke(t, api.CodeNotFound, get(c.eve, api.PathReaders, c.home26()))
	c.provoke(t, api.CodeNotFound, post(c.eve, api.PathTransform, nil, c.key.id))
	c.provoke(t, api.CodeNotFound, post(c.eve, api.PathAuthors, api.AcceptAuthor{Author: c.bob.id}, c.home26()))
	c.provoke(t, api.CodeRejected, post(c.alice, api.PathAuthors, api.AcceptAuthor{Author: c.nobody.id}, c.home26()))
	c.provoke(t, api.CodeRejected, post(c.bob, api.PathEdgeJobs, api.GetEdgeJobs{Edge: c.nobody.id, Keys: []string{c.key.id}}))
	c.provoke(t, api.CodeNotFound, post(c.eve, api.PathRefusals, api.RefuseAuthor{Author: c.bob.id}, c.home26()))
	c.provoke(t, api.CodeNotFound, post(c.eve, api.PathRequests, api.Request{Owner: c.alice.id}))
	c.provoke(t, api.CodeNotFound, post(c.alice, api.PathVetoes, api.Veto{Reader: c.eve.id}))
	c.provoke(t, api.CodeNotFound, get(nil, api.PathConsistency, "1", "99999"))
	c.provoke(t, api.CodeNotFound, get(nil, "/log/tile/0/009.p/7"))
	c.provoke(t, api.CodeNotFound, get(c.eve, api.PathEvents, "99999"))
	c.provoke(t, api.CodeNotFound, get(c.eve, api.PathCollection, none))

	dora := another(c.lab) // whose wait is over
	in := c.proposal(dora, abi.GrantFields{Kind: abi.GrantPending, Wait: 1}, c.eve)
	c.provoke(t, "200", post(dora, api.PathGrants, in))
	c.provoke(t, "200", post(c.eve, api.PathRequests, api.Request{Owner: c.lab.id}))
	c.advance(time.Second)
	c.provoke(t, api.CodeConflict, post(dora, api.PathVetoes, api.Veto{Reader: c.eve.id}))
}

func (c *contract) identityCodes(t *testing.T) {
	publish := func(p *person) attempt { return post(p, api.PathIdentities, api.CreateIdentity{Record: p.record}) }
	first := c.join()
	second := c.later(first)
	c.provoke(t, "200", publish(second))
	c.provoke(t, api.CodeConflict, publish(first))
	mixed := *second
	mixed.record = append(bytes.Clone(c.bob.record), second.record[len(first.record):]...)
	c.provoke(t, api.CodeMismatch, publish(&mixed))
	damaged := *c.nobody
	damaged.record = bytes.Clone(c.nobody.record)
	damaged.record[len(damaged.record)-1] ^= 1
	c.provoke(t, api.CodeRejected, publish(&damaged))
	c.provoke(t, api.CodeNotFound, get(nil, api.PathIdentity, c.nobody.id))
}

func (c *contract) grantCodes(t *testing.T) {
	rita := another(c.alice)
	in := c.proposal(rita, abi.GrantFields{}, c.bob)
	send := func(code string, who *person, in api.GrantAccess) {
		t.Helper()
		c.provoke(t, code, post(who, api.PathGrants, in))
	}
	send(api.CodeMismatch, c.eve, in)
	send("200", rita, in)
	taken := another(c.eve)
	taken.home = rita.home
	send(api.CodeExists, taken, c.proposal(taken, abi.GrantFields{}))
	foreign := c.proposal(taken, abi.GrantFields{})
	taken.collection = foreign.Collection
	send(api.CodeNotFound, taken, c.proposal(taken, abi.GrantFields{}))
	other := c.proposal(rita, abi.GrantFields{}, c.carol)
	send(api.CodeConflict, rita, other)
	rita.accept(in, c.bob)
	unknown := c.proposal(rita, abi.GrantFields{}, c.nobody)
	send(api.CodeRejected, rita, unknown)
	c.provoke(t, "200", post(rita, api.PathRevocations, api.RevokeAccess{Revocation: c.revocation(rita, c.bob)}))
	send(api.CodeClosed, rita, c.proposal(rita, abi.GrantFields{}, c.carol))
}

func (c *contract) revocationCodes(t *testing.T) {
	revoke := func(code string, who *person, record []byte) {
		t.Helper()
		c.provoke(t, code, post(who, api.PathRevocations, api.RevokeAccess{Revocation: record}))
	}
	rita := another(c.alice)
	c.grant(rita, c.bob)
	old := c.revocation(rita, c.bob)
	c.grant(rita, c.carol)
	revoke(api.CodeConflict, rita, old)
	record := c.revocation(rita, c.bob)
	revoke(api.CodeMismatch, c.eve, record)
	damaged := bytes.Clone(record)
	damaged[len(damaged)-1] ^= 1
	revoke(api.CodeRejected, rita, damaged)
	revoke("200", rita, record)
	revoke(api.CodeExists, rita, rita.resign(record, func(b []byte) { copy(b[bytes.Index(b, c.bob.identity.ID[:]):], c.carol.identity.ID[:]) }))
	mine := another(c.eve) // a collection of her own under the id of another's
	mine.home = rita.home
	mine.collection = c.proposal(mine, abi.GrantFields{}).Collection
	revoke(api.CodeNotFound, mine, c.revocation(mine, c.bob))
}

func (c *contract) keyCodes(t *testing.T) {
	deposit := func(code string, who *person, k aKey) { t.Helper(); c.provoke(t, code, post(who, api.PathKeys, k.in)) }
	rita := another(c.alice)
	c.policy(rita, abi.DepositOpen)
	k := c.newKey(rita, rita.collection)
	deposit(api.CodeMismatch, c.eve, k)
	deposit("200", rita, k)
	deposit(api.CodeExists, rita, c.newKeyOf(rita, rita.collection, k.raw))
	for range api.MaxWaiting {
		deposit("200", c.lab, c.newKey(c.lab, rita.collection))
	}
	deposit(api.CodeQuota, c.lab, c.newKey(c.lab, rita.collection))
	bad := c.newKey(rita, rita.collection)
	bad.in.Record = bytes.Clone(bad.in.Record)
	bad.in.Record[len(bad.in.Record)-1] ^= 1
	deposit(api.CodeRejected, rita, bad)
	before := c.newKey(rita, rita.collection)
	c.grant(rita, c.bob)
	c.want("revoke", c.revoke(rita, c.bob), "")
	deposit(api.CodeClosed, rita, before)
	c.rotate(rita)
	deposit(api.CodeConflict, rita, before)
	hidden := another(c.alice)
	hidden.collection = c.proposal(hidden, abi.GrantFields{}).Collection
	deposit(api.CodeNotFound, hidden, c.newKey(hidden, hidden.collection))
	for range api.MaxStreams { // one is as good as another
		leave, err := c.server.Enter(c.bob.identity.ID)
		if err != nil {
			t.Fatal(err)
		}
		defer leave()
	}
	c.provoke(t, api.CodeLimited, get(c.bob, api.PathEvents, "0"))
}

// documentCodes provokes what the repository answers.
func (c *contract) documentCodes(t *testing.T) {
	id, upload, size := c.documentID, api.FormatID([16]byte{7}), len(c.document)
	fresh, content := document(t, 9<<20)
	span := func(from, to, all int) http.Header {
		return http.Header{"Content-Range": {fmt.Sprintf("bytes %d-%d/%d", from, to-1, all)}}
	}
	c.provoke(t, "200", put(api.PathParts, content[:api.MaxPart], span(0, api.MaxPart, len(content)), fresh, upload))
	c.provoke(t, "200", get(nil, api.PathParts, fresh, upload))
	changed := bytes.Clone(content)
	changed[api.MaxPart+5] ^= 1
	c.provoke(t, api.CodeMismatch, put(api.PathParts, changed[api.MaxPart:], span(api.MaxPart, len(content), len(content)), fresh, upload))
	c.provoke(t, api.CodeConflict, put(api.PathParts, content[api.MaxPart:], span(api.MaxPart, len(content), len(content)), fresh, upload))
	c.provoke(t, api.CodeMalformed, put(api.PathParts, c.document, span(5, size+5, 2*size), id, upload))
	c.provoke(t, api.CodeTooLarge, put(api.PathParts, content, span(0, len(content), len(content)), fresh, upload))
	c.provoke(t, api.CodeRejected, put(api.PathParts, []byte(echoed), span(0, len(echoed), len(echoed)), fresh, upload))
	c.provoke(t, api.CodeMediaType, put(api.PathParts, c.document, http.Header{"Content-Type": {"text/plain"}, "Content-Range": {fmt.Sprintf("bytes 0-%d/%d", size-1, size)}}, id, upload))
	c.provoke(t, api.CodeMismatch, put(api.PathDocument, c.document, nil, fresh))
	c.provoke(t, api.CodeTooLarge, put(api.PathDocument, content, nil, fresh))
	c.provoke(t, api.CodeRejected, put(api.PathDocument, []byte(echoed), nil, id))
	c.provoke(t, api.CodeMediaType, put(api.PathDocument, c.document, http.Header{"Content-Type": {"text/plain"}}, id))
	c.provoke(t, api.CodeMalformed, put(api.PathDocument, c.document, nil, strings.ToUpper(id)))
	c.provoke(t, "201", put(api.PathDocument, smaller(t), nil, idOf(small)))
	c.provoke(t, api.CodeNotFound, get(nil, api.PathDocument, fresh))
	c.provoke(t, api.CodeNotFound, get(nil, api.PathParts, fresh, upload))
	ranged := get(nil, api.PathDocument, c.stored())
	ranged.header = http.Header{"Range": {"bytes=99999-"}}
	c.provoke(t, api.CodeRange, ranged)
	for _, method := range []string{http.MethodHead, http.MethodOptions} {
		c.provokeAny(t, attempt{method: method, path: fill(api.PathDocument, fresh)})
		c.provokeAny(t, attempt{method: method, path: fill(api.PathDocument, echoed)})
	}
}

// small is a document that was made by smaller.
var small []byte

func smaller(t *testing.T) []byte {
	_, small = document(t, 10)
	return small
}

// unprovoked lists what the document promises and this test does not see, with the reason: by
// operation and code, either of which may be "*".
var unprovoked = map[[2]string]string{
	{"preflight_document", "*"}: "it does nothing that could fail; the codes are those of all requests to the repository",
	{"get_server", "busy"}:      "it needs nothing that could be busy",
	{"get_server", "internal"}:  "it needs nothing that could fail",
	{"link_page", "busy"}:       "it needs nothing that could be busy",
	{"link_page", "internal"}:   "it needs nothing that could fail",
	{"openapi", "busy"}:         "it needs nothing that could be busy",
	{"restart", "busy"}:         "it needs nothing that could be busy",
	{"restart", "internal"}:     "it needs nothing that could fail",
	{"restart", "not_found"}:    "the log of this test was lost once",
	{"openapi", "internal"}:     "it needs nothing that could fail",
}

// coverage compares what was seen with what the document says.
func (c *contract) coverage(t *testing.T) {
	for pattern, at := range c.at {
		id := at.op.OperationID
		want := []string{}
		for status, response := range at.op.Responses.Map() {
			if status == "200" {
				want = append(want, "2xx")
			} else if status < "400" {
				if status != "201" && status != "204" {
					want = append(want, status)
				}
			} else {
				schema := response.Value.Content.Get(api.ContentTypeFault).Schema.Value
				for _, code := range schema.AllOf[1].Value.Properties["code"].Value.Enum {
					want = append(want, code.(string))
				}
			}
		}
		for _, code := range want {
			if c.seen[id][code] == 0 && unprovoked[[2]string{id, code}] == "" && unprovoked[[2]string{id, "*"}] == "" && unprovoked[[2]string{"*", code}] == "" {
				t.Errorf("%s (%s): %s was not seen; seen %v", id, pattern, code, c.seen[id])
			}
		}
	}
	for key, reason := range unprovoked {
		if key[0] != "*" && key[1] != "*" && c.seen[key[0]][key[1]] > 0 {
			t.Errorf("%s %s was seen, but is listed: %s", key[0], key[1], reason)
		}
	}
}
