package statespace

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/store"
)

// A fault is what happens in the middle of a command.
type fault int

const (
	none    fault = iota
	lose          // the answer to a request that writes
	die           // the device, before a request that writes
	crash         // the server, at a change of its store
	between       // another command, before a request that writes
)

// A plan is a fault at a place.
type plan struct {
	fault fault
	at    int     // number of the request that writes, or of the change, from 0
	after bool    // crash: after the change
	retry bool    // lose: the device tries again
	other *action // between
	name  string  // of the action, once it runs
	lets  pair    // whom the action lets in
	posts int     // requests that write, so far
	hit   bool    // the place was reached
	dead  bool    // the device
}

var errLost = errors.New("no answer came")

// A wire takes the requests of one device to the server.
type wire struct {
	w    *world
	plan *plan
}

// writes are the paths whose POST changes something beside a ledger.
var writes = map[string]bool{
	api.PathGrants: true, api.PathRevocations: true, api.PathKeys: true, api.PathRequests: true, api.PathVetoes: true,
}

// RoundTrip implements http.RoundTripper.
func (x *wire) RoundTrip(r *http.Request) (*http.Response, error) {
	p := x.plan
	if p.dead || x.w.crash.dead {
		return nil, errLost
	}
	var body []byte
	if r.Body != nil {
		body, _ = io.ReadAll(r.Body)
		r.Body.Close()
	}
	here := false
	var before map[pair]bool // revoked before another command ran
	if r.Method == http.MethodPost && writes[r.URL.Path] {
		here = p.posts == p.at
		p.posts++
		if here && p.fault == die {
			p.hit, p.dead = true, true
			return nil, errLost
		}
		if here && p.fault == between {
			p.hit = true
			before = maps.Clone(x.w.ghost.revoked)
			x.w.run(p.other, &plan{})
		}
		x.w.watch(r.URL.Path, body)
	}
	answer := x.w.deliver(r, body)
	if before != nil && answer != nil && answer.StatusCode == http.StatusOK {
		x.w.overtaken(r.URL.Path, body, before)
	}
	if answer != nil && answer.StatusCode == http.StatusOK && r.URL.Path == api.PathGrants {
		delete(x.w.ghost.revoked, p.lets) // it is done, also if a revocation came in between
	}
	if answer == nil {
		p.hit = true
		return nil, errLost
	}
	if here && p.fault == lose && !p.hit {
		p.hit = true
		return nil, errLost
	}
	if x.w.midway != nil && r.Method == http.MethodPost && writes[r.URL.Path] {
		x.w.midway(fmt.Sprintf("%s in %s, answer %d: %d\n%s", p.name, r.URL.Path, p.posts, answer.StatusCode, x.w.describe()))
	}
	return answer, nil
}

// deliver has the server answer, nil if it died.
func (w *world) deliver(r *http.Request, body []byte) *http.Response {
	in := httptest.NewRequest(r.Method, r.URL.RequestURI(), bytes.NewReader(body))
	in.Host, in.Header = r.URL.Host, r.Header.Clone()
	if len(body) == 0 {
		in.Body, in.ContentLength = http.NoBody, 0
	}
	recorder := httptest.NewRecorder()
	w.server.ServeHTTP(recorder, in)
	if w.crash.dead {
		return nil
	}
	return recorder.Result()
}

// watch remembers the collection records that are sent, whatever becomes of them: no
// two may open an epoch with one key.
func (w *world) watch(path string, body []byte) {
	if path != api.PathGrants {
		return
	}
	var in api.GrantAccess
	if err := json.Unmarshal(body, &in); err != nil {
		w.broken("a grant_access request is not JSON")
		return
	}
	for _, p := range w.people {
		v, err := core.OpenCollection(ctx, p.record, in.Collection, nil)
		if err != nil {
			continue
		}
		g := w.ghost
		previous, known := g.epochs[v.Previous]
		g.epochs[v.Hash] = v.Epoch
		if v.Sequence != 0 && known && previous == v.Epoch {
			return
		}
		first, taken := g.keys[string(v.PublicKey)]
		if taken && first != v.Hash {
			w.broken("two attempts to open an epoch share its key")
		}
		g.keys[string(v.PublicKey)] = v.Hash
		return
	}
	w.broken("a collection record of nobody was sent")
}

// overtaken judges a grant_access request that was made before another command ran, and
// taken after it: it must not let in whom that command has revoked.
func (w *world) overtaken(path string, body []byte, before map[pair]bool) {
	var in api.GrantAccess
	if path != api.PathGrants || json.Unmarshal(body, &in) != nil {
		return
	}
	for _, item := range in.Grants {
		for p := range w.ghost.revoked {
			g, err := core.OpenGrant(ctx, w.people[p.owner].record, nil, nil, item.Record, nil)
			if err == nil && !before[p] && g.Reader == w.people[p.reader].raw {
				w.broken("a grant to " + p.reader + " that was under way came after the revocation")
			}
		}
	}
}

// A crasher is a store that dies at the n-th change, like the process around it.
type crasher struct {
	store.Store
	armed bool
	left  int
	after bool
	dead  bool
	lie   lie
}

// A lie is a deliberate fault of the store: the rules have to see it.
type lie int

const (
	honest   lie = iota
	leaveOut     // one grant of those that open an epoch
	keepKeys     // of grants that were revoked
)

// died is what a dead store panics with: nothing after it runs but deferred calls.
type died struct{}

func (c *crasher) step(change func() error) error {
	if c.dead {
		panic(died{})
	}
	if !c.armed || c.left > 0 {
		c.left--
		return change()
	}
	c.dead = true
	if c.after {
		_ = change()
	}
	panic(died{})
}
