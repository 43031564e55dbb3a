package server_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// An attempt is a request before it is signed.
type attempt struct {
	who    *person // nil: not signed
	method string
	path   string
	body   []byte // nil: none
	header http.Header
	good   func() // the server has taken it; nil: nothing to note
}

// request makes the request of an attempt, signed.
func (c *contract) request(a attempt) *http.Request {
	r := request(a.method, a.path, nil)
	if a.body != nil {
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(a.body)), int64(len(a.body))
		r.Header.Set("Content-Type", api.ContentTypeJSON)
	}
	for name, values := range a.header {
		r.Header[name] = values
	}
	if a.who != nil {
		c.sign(a.who, r, a.body)
	}
	return r
}

func get(who *person, path string, values ...string) attempt {
	return attempt{who: who, method: http.MethodGet, path: fill(path, values...)}
}

func post(who *person, path string, body any, values ...string) attempt {
	a := attempt{who: who, method: http.MethodPost, path: fill(path, values...)}
	if body != nil {
		a.body = must(json.Marshal(body))
	}
	return a
}

func put(path string, body []byte, header http.Header, values ...string) attempt {
	h := http.Header{"Content-Type": {"application/octet-stream"}}
	for name, v := range header {
		h[name] = v
	}
	return attempt{method: http.MethodPut, path: fill(path, values...), body: body, header: h}
}

// fill puts values into the braces of a path.
func fill(path string, values ...string) string {
	for _, v := range values {
		head, rest, _ := strings.Cut(path, "{")
		_, tail, _ := strings.Cut(rest, "}")
		path = head + v + tail
	}
	return path
}

// another is one more collection of a person.
func another(p *person) *person {
	q := *p
	q.home, q.collection, q.readers = [16]byte(random(16)), nil, nil
	return &q
}

func (c *contract) home26() string { return api.FormatID(c.home(c.alice)) }

// samples make a request that must be answered with 200 for each operation. n chooses among
// the ways in which it can be.
var samples = map[string]func(c *contract, n int) attempt{
	"create_identity": func(c *contract, n int) attempt {
		p := c.alice
		if n%2 == 1 {
			p = c.newPerson()
		}
		return post(p, api.PathIdentities, api.CreateIdentity{Record: p.record})
	},
	"get_identity": func(c *contract, n int) attempt { return get(nil, api.PathIdentity, []*person{c.alice, c.bob}[n%2].id) },
	"get_identities": func(c *contract, n int) attempt {
		return post(c.bob, api.PathLookUp, api.LookUp{IDs: []string{c.alice.id, c.nobody.id, c.eve.id}[:n%4]})
	},
	"list_open_collections": func(c *contract, n int) attempt {
		return get(c.lab, api.PathOpenTo, []*person{c.alice, c.nobody}[n%2].id)
	},
	"get_collection": func(c *contract, n int) attempt {
		return get([]*person{c.alice, c.bob, c.lab}[n%3], api.PathCollection, c.home26())
	},
	"list_collections": func(c *contract, n int) attempt { return get([]*person{c.alice, c.eve}[n%2], api.PathCollections) },
	"list_collections_after": func(c *contract, n int) attempt {
		return get([]*person{c.alice, c.eve}[n%2], api.PathCollectionsAfter, api.FirstPage)
	},
	"list_readers": func(c *contract, n int) attempt { return get(c.alice, api.PathReaders, c.home26()) },
	"grant_access": func(c *contract, n int) attempt {
		p := another(c.eve)
		var readers []*person
		if n%3 == 0 {
			readers = []*person{c.bob}
		}
		return post(p, api.PathGrants, c.proposal(p, abi.GrantFields{}, readers...))
	},
	"list_grants": func(c *contract, n int) attempt { return get([]*person{c.alice, c.bob, c.eve}[n%3], api.PathGrants) },
	"list_issued_grants": func(c *contract, n int) attempt {
		return get([]*person{c.alice, c.bob}[n%2], api.PathIssued, api.FirstPage)
	},
	"list_received_grants": func(c *contract, n int) attempt {
		return get([]*person{c.alice, c.bob}[n%2], api.PathReceived, api.FirstPage)
	},
	"revoke_access": func(c *contract, n int) attempt {
		return post(c.alice, api.PathRevocations, api.RevokeAccess{Revocation: c.revoked})
	},
	"request_access": func(c *contract, n int) attempt {
		return post(c.carol, api.PathRequests, api.Request{Owner: c.alice.id})
	},
	"veto_request": func(c *contract, n int) attempt {
		c.call(c.carol, "POST", api.PathRequests, api.Request{Owner: c.alice.id})
		return post(c.alice, api.PathVetoes, api.Veto{Reader: c.carol.id})
	},
	"create_sym_key": func(c *contract, n int) attempt {
		return post(c.alice, api.PathKeys, c.newKey(c.alice, c.alice.collection).in)
	},
	"get_sym_key": func(c *contract, n int) attempt {
		return post([]*person{c.alice, c.bob}[n%2], api.PathTransform, nil, c.key.id)
	},
	"get_sym_keys": func(c *contract, n int) attempt {
		return post([]*person{c.alice, c.bob}[n%2], api.PathTransforms, api.GetKeys{Keys: []string{c.key.id, api.FormatID([16]byte{9})}[:1+n%2]})
	},
	"get_edge_jobs": func(c *contract, n int) attempt {
		return post([]*person{c.alice, c.bob}[n%2], api.PathEdgeJobs, anEdge().asks([]string{c.key.id, api.FormatID([16]byte{9})}[:1+n%2]...))
	},
	"list_deposits": func(c *contract, n int) attempt { return get([]*person{c.alice, c.eve}[n%2], api.PathDeposits) },
	"accept_author": func(c *contract, n int) attempt {
		return post(c.alice, api.PathAuthors, api.AcceptAuthor{Author: c.bob.id}, c.home26())
	},
	"refuse_author": func(c *contract, n int) attempt {
		return post(c.alice, api.PathRefusals, api.RefuseAuthor{Author: c.eve.id}, c.home26())
	},
	"get_server": func(c *contract, n int) attempt { return get(nil, api.PathServer) },
	"list_ledger": func(c *contract, n int) attempt {
		return get([]*person{c.alice, c.bob, c.eve}[n%3], api.PathLedger, fmt.Sprint(n%4))
	},
	"get_consistency": func(c *contract, n int) attempt { return get(nil, api.PathConsistency, fmt.Sprint(n%5), "7") },
	"watch_events": func(c *contract, n int) attempt {
		return get([]*person{c.alice, c.bob, c.eve}[n%3], api.PathEvents, fmt.Sprint(n%9))
	},
	"checkpoint": func(c *contract, n int) attempt { return get(nil, api.PathCheckpoint) },
	"tile": func(c *contract, n int) attempt {
		return get(nil, []string{"/log/tile/0/000.p/7", "/log/tile/entries/000.p/3"}[n%2])
	},
	"restart":      func(c *contract, n int) attempt { return get(nil, api.PathRestart) },
	"link_page":    func(c *contract, n int) attempt { return get(nil, api.PathLink) },
	"livez":        func(c *contract, n int) attempt { return get(nil, "/livez") },
	"readyz":       func(c *contract, n int) attempt { return get(nil, "/readyz") },
	"openapi":      func(c *contract, n int) attempt { return get(nil, "/openapi.json") },
	"put_document": func(c *contract, n int) attempt { return put(api.PathDocument, c.document, nil, c.documentID) },
	"get_document": func(c *contract, n int) attempt {
		a := get(nil, api.PathDocument, c.stored())
		a.header = []http.Header{nil, {"Range": {"bytes=0-99"}}, {"Range": {"bytes=-5"}}}[n%3]
		return a
	},
	"head_document": func(c *contract, n int) attempt {
		return attempt{method: http.MethodHead, path: fill(api.PathDocument, c.stored())}
	},
	"preflight_document": func(c *contract, n int) attempt {
		return attempt{method: http.MethodOptions, path: fill(api.PathDocument, c.documentID), header: http.Header{"Origin": {"https://a.example"}, "Access-Control-Request-Method": {"GET"}}}
	},
	"put_document_part": func(c *contract, n int) attempt {
		size := len(c.document)
		return put(api.PathParts, c.document, http.Header{"Content-Range": {fmt.Sprintf("bytes 0-%d/%d", size-1, size)}}, c.documentID, api.FormatID([16]byte{byte(n)}))
	},
	"get_upload": func(c *contract, n int) attempt {
		id, content := document(c.t, 12<<20)
		part := put(api.PathParts, content[:8<<20], http.Header{"Content-Range": {fmt.Sprintf("bytes 0-%d/%d", 8<<20-1, len(content))}}, id, api.FormatID([16]byte{1}))
		c.answer(c.request(part))
		return get(nil, api.PathParts, id, api.FormatID([16]byte{1}))
	},
}

// stored makes sure that the document is in the repository.
func (c *contract) stored() string {
	c.answer(c.request(put(api.PathDocument, c.document, nil, c.documentID)))
	return c.documentID
}
