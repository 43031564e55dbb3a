package server_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/server"
	"github.com/recrypt-service/recrypt/host/translog"
	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/dispatch"
)

// An edge is one that the server of every world has enrolled.
type edge struct {
	seed, record []byte
	id           string
}

// anEdge is the same in all worlds: making one takes a while.
var anEdge = sync.OnceValue(func() *edge { return newEdge() })

func newEdge() *edge {
	ctx, core := context.Background(), abi.Client{Caller: dispatch.Native{}}
	e := &edge{seed: random(32)}
	e.record = must(core.NewIdentity(ctx, e.seed, random(32), []byte{abi.Suite256, abi.Suite480}))
	e.id = must(core.FormatID(ctx, abi.KindPerson, must(core.OpenIdentity(ctx, e.record)).ID))
	return e
}

// text is how a server is given the edge.
func (e *edge) text() string { return base64.RawURLEncoding.EncodeToString(e.record) }

func (e *edge) asks(ids ...string) api.GetEdgeJobs { return api.GetEdgeJobs{Edge: e.id, Keys: ids} }

// getJobs asks as a reader through the edge does.
func (w *world) getJobs(p *person, ids ...string) reply {
	return w.call(p, "POST", api.PathEdgeJobs, anEdge().asks(ids...))
}

func (w *world) serviceRecord() []byte {
	return must(w.core.NewService(context.Background(), w.seed))
}

// work is what an edge does with an answer.
func (e *edge) work(w *world, answer *api.Keys) {
	w.t.Helper()
	jobs := make([][]abi.EdgeOutcome, len(answer.Jobs))
	for i, job := range answer.Jobs {
		jobs[i] = must(w.core.RunEdgeJob(w.t.Context(), e.seed, e.record, w.serviceRecord(), uint64(w.now().UnixMilli()), job))
	}
	for i := range answer.Keys {
		item := &answer.Keys[i]
		if item.Job == 0 {
			continue
		}
		out := jobs[item.Job-1][item.Place]
		if out.Err != nil || item.Value != nil || item.Level != 1 {
			w.t.Fatalf("item %d: %v, or a value beside the job", i, out.Err)
		}
		item.Value, item.Ticket, item.Job, item.Place = out.Value, out.Ticket, 0, 0
	}
	answer.Jobs = nil
}

// openEdge opens the keys of an answer as a reader.
func (w *world) openEdge(p *person, answer api.Keys) []abi.Outcome {
	w.t.Helper()
	items := make([]abi.KeyItem, len(answer.Keys))
	for i, k := range answer.Keys {
		if k.Code == "" {
			items[i] = abi.KeyItem{Author: answer.Records[k.Author-1], Collection: answer.Records[k.Collection-1], Record: k.Record, Value: k.Value, Ticket: k.Ticket}
		}
	}
	return must(w.core.OpenEdgeKeys(w.t.Context(), p.seed, p.record, w.serviceRecord(), items))
}

// TestEdge plays it from end to end: the reader asks, the server seals, the edge
// transforms, the reader opens.
func TestEdge(t *testing.T) {
	w := newWorld(t)
	alice, bob, carol, mallory := w.join(), w.join(), w.join(), w.join()
	w.grant(alice, bob)
	w.grant(carol, bob)
	w.open(bob)
	w.open(mallory)
	keys := []aKey{
		w.deposit(alice, alice), w.deposit(carol, carol), w.deposit(mallory, mallory), w.deposit(alice, alice),
		w.deposit(bob, bob), {id: api.FormatID([16]byte{1})},
	}
	var ids []string
	for _, k := range keys {
		ids = append(ids, k.id)
	}
	r := w.getJobs(bob, ids...)
	w.want("jobs", r, "")
	answer := decode[api.Keys](t, r)
	if len(answer.Jobs) != 2 {
		t.Errorf("%d jobs of two grants", len(answer.Jobs))
	}
	for i, k := range answer.Keys {
		direct := decode[api.Keys](t, w.getMany(bob, k.ID)).Keys[0]
		if sealed := k.Job != 0; sealed != (direct.Level == 1 && direct.Code == "") || k.Code != direct.Code || (sealed || k.Code != "") == (k.Value != nil) {
			t.Errorf("item %d: %+v", i, k)
		}
	}
	anEdge().work(w, &answer)
	for i, o := range w.openEdge(bob, answer) {
		if want := keys[i].secret; answer.Keys[i].Code == "" && (o.Err != nil || !bytes.Equal(o.Value, want)) {
			t.Errorf("item %d: %v", i, o.Err)
		}
	}
	if got := decode[api.Server](t, w.do(request("GET", api.PathServer, nil))).Edges; !slices.Equal(got, []string{anEdge().id}) {
		t.Errorf("edges are %v", got)
	}
	if log := w.log.String(); !strings.Contains(log, "operation=get_edge_jobs") || !strings.Contains(log, " keys=6 ") {
		t.Error("the log does not tell")
	}
}

// TestEdgeRefusals: what is not asked for as it has to be.
func TestEdgeRefusals(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.join(), w.join()
	w.grant(alice, bob)
	k := w.deposit(alice, alice)
	many := make([]string, api.MaxEdgeKeys+1)
	for i := range many {
		many[i] = api.FormatID([16]byte{byte(i)})
	}
	body := []byte(`{"edge":"` + anEdge().id + `","keys":["` + k.id + `"]}`)
	w.want("another edge", w.call(bob, "POST", api.PathEdgeJobs, newEdge().asks(k.id)), api.CodeRejected)
	w.want("no edge", w.call(bob, "POST", api.PathEdgeJobs, api.GetEdgeJobs{Keys: []string{k.id}}), api.CodeRejected)
	w.want("too many", w.getJobs(bob, many...), api.CodeTooLarge)
	w.want("no keys", w.getJobs(bob), api.CodeMalformed)
	w.want("twice", w.getJobs(bob, k.id, k.id), api.CodeMalformed)
	w.want("unsigned", w.do(request("POST", api.PathEdgeJobs, body)), api.CodeUnsigned)
	w.want("as get_sym_keys", w.raw(bob, "POST", api.PathTransforms, body), api.CodeMalformed)
	signed := w.sign(bob, request("POST", api.PathEdgeJobs, body), body)
	again := signed.Clone(t.Context())
	again.Body = request("POST", api.PathEdgeJobs, body).Body
	w.want("once", w.do(signed), "")
	w.want("again", w.do(again), api.CodeReplay)
	if n := w.openings(alice); n != 1 {
		t.Errorf("%d openings", n)
	}
}

// openings counts what the owner's ledger says.
func (w *world) openings(owner *person) (n int) {
	for _, l := range w.ledger(owner) {
		if l.Kind == translog.Opened {
			n++
		}
	}
	return n
}

// TestEdgeCounts: a job is an opening: the ledger has it, with the request as evidence,
// use limits count it, and a revocation ends it at once.
func TestEdgeCounts(t *testing.T) {
	w := newWorld(t)
	alice, bob, dora, link := w.join(), w.join(), w.join(), w.join()
	w.grant(alice, bob)
	w.give(dora, abi.GrantFields{Kind: abi.GrantLink, Uses: 3}, link)
	first, second := w.deposit(alice, alice), w.deposit(alice, alice)

	answer := decode[api.Keys](t, w.getJobs(bob, first.id, second.id))
	if len(answer.Jobs) != 1 || answer.Keys[1].Place != 1 {
		t.Errorf("%d jobs of one grant", len(answer.Jobs))
	}
	if n := w.openings(alice); n != 2 {
		t.Errorf("%d openings are in the ledger", n)
	}
	for _, l := range w.ledger(alice) {
		if l.Kind == translog.Opened && (l.evidence.Path != api.PathEdgeJobs || !strings.Contains(l.evidence.Body, first.id)) {
			t.Errorf("evidence is %+v", l.evidence)
		}
	}

	third, fourth := w.deposit(dora, dora), w.deposit(dora, dora)
	uses := decode[api.Keys](t, w.getJobs(link, third.id, fourth.id))
	if len(uses.Jobs) != 2 || uses.Keys[0].Job == uses.Keys[1].Job {
		t.Errorf("%d jobs of two uses", len(uses.Jobs))
	}
	last := decode[api.Keys](t, w.getJobs(link, third.id, fourth.id))
	if codes := []string{last.Keys[0].Code, last.Keys[1].Code}; !slices.Contains(codes, "") || !slices.Contains(codes, api.CodeNotFound) || len(last.Jobs) != 1 {
		t.Errorf("after three uses: %q", codes)
	}
	if w.want("used up", w.get(link, third.id), api.CodeNotFound); w.openings(dora) != 3 {
		t.Errorf("%d openings", w.openings(dora))
	}

	w.want("revoke", w.revoke(alice, bob), "")
	gone := decode[api.Keys](t, w.getJobs(bob, first.id, second.id))
	if len(gone.Jobs) != 0 || gone.Keys[0].Code != api.CodeNotFound || gone.Keys[0].Value != nil || w.openings(alice) != 2 {
		t.Errorf("after the revocation: %+v", gone.Keys)
	}
}

// TestEdgeJobs: an edge can do nothing with what is not for it, and a reader takes nothing
// that is not for him.
func TestEdgeJobs(t *testing.T) {
	w := newWorld(t)
	alice, bob, carol := w.join(), w.join(), w.join()
	w.grant(alice, bob)
	w.grant(alice, carol)
	first, second := w.deposit(alice, alice), w.deposit(alice, alice)
	answer := decode[api.Keys](t, w.getJobs(bob, first.id, second.id))
	other := decode[api.Keys](t, w.getJobs(carol, first.id))
	job, e, now := answer.Jobs[0], anEdge(), uint64(w.now().UnixMilli())
	run := func(what string, by *edge, service []byte, at uint64, job []byte, want *abi.Error) {
		out, err := w.core.RunEdgeJob(t.Context(), by.seed, by.record, service, at, job)
		if !errors.Is(err, want) || out != nil {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	minute := uint64(time.Minute.Milliseconds())
	if _, err := w.core.RunEdgeJob(t.Context(), e.seed, e.record, w.serviceRecord(), now+minute-1, job); err != nil {
		t.Errorf("just in time: %v", err)
	}
	run("too late", e, w.serviceRecord(), now+minute, job, abi.ErrMismatch)
	run("another edge", newEdge(), w.serviceRecord(), now, job, abi.ErrMismatch)
	run("another service", e, must(w.core.NewService(t.Context(), random(32))), now, job, abi.ErrMismatch)
	changed := bytes.Clone(job)
	changed[len(changed)-100] ^= 1
	run("changed", e, w.serviceRecord(), now, changed, abi.ErrSignature)

	e.work(w, &answer)
	e.work(w, &other)
	for what, change := range map[string]func(k []api.KeyItem){
		"swapped tickets":         func(k []api.KeyItem) { k[0].Ticket, k[1].Ticket = k[1].Ticket, k[0].Ticket },
		"swapped values":          func(k []api.KeyItem) { k[0].Value, k[1].Value = k[1].Value, k[0].Value },
		"a changed value":         func(k []api.KeyItem) { k[0].Value = bytes.Clone(k[0].Value); k[0].Value[300] ^= 1 },
		"another reader's ticket": func(k []api.KeyItem) { k[0].Ticket = other.Keys[0].Ticket },
		"another reader's value":  func(k []api.KeyItem) { k[0].Value = other.Keys[0].Value },
		"another reader's answer": func(k []api.KeyItem) { k[0].Value, k[0].Ticket = other.Keys[0].Value, other.Keys[0].Ticket },
		"no ticket":               func(k []api.KeyItem) { k[0].Ticket = nil },
	} {
		bad := answer
		bad.Keys = slices.Clone(answer.Keys)
		change(bad.Keys)
		if o := w.openEdge(bob, bad)[0]; o.Err == nil || o.Value != nil {
			t.Errorf("%s: opened", what)
		}
	}
	for i, o := range w.openEdge(bob, answer) {
		if o.Err != nil {
			t.Errorf("item %d: %v", i, o.Err)
		}
	}
}

// TestEdgeSuite: an edge without a key of the collection's suite gets no job, and nothing is
// counted.
func TestEdgeSuite(t *testing.T) {
	w := newWorld(t)
	weak := &edge{seed: random(32)}
	weak.record = must(w.core.NewIdentity(t.Context(), weak.seed, random(32), []byte{abi.Suite256}))
	weak.id = must(w.core.FormatID(t.Context(), abi.KindPerson, must(w.core.OpenIdentity(t.Context(), weak.record)).ID))
	cfg := w.config(w.store)
	cfg.Edges = []string{weak.text()}
	w.server.Close()
	w.server = must(server.New(t.Context(), cfg))
	w.suite = abi.Suite480
	alice, bob := w.join(), w.join()
	w.grant(alice, bob)
	k := w.deposit(alice, alice)
	got := decode[api.Keys](t, w.call(bob, "POST", api.PathEdgeJobs, weak.asks(k.id)))
	if got.Keys[0].Code != api.CodeRejected || len(got.Jobs) != 0 || w.openings(alice) != 0 {
		t.Errorf("%+v", got)
	}
}

// TestEnrol: an edge is given by its identity, or by the id of a published one.
func TestEnrol(t *testing.T) {
	w := newWorld(t)
	p, stranger := w.join(), w.newPerson()
	for name, c := range map[string]struct {
		edges []string
		want  string
	}{
		"published":      {[]string{p.id}, ""},
		"with space":     {[]string{" " + anEdge().text() + "\n"}, ""},
		"two":            {[]string{anEdge().text(), p.id}, ""},
		"twice":          {[]string{p.id, base64.RawURLEncoding.EncodeToString(p.record)}, "twice"},
		"not published":  {[]string{stranger.id}, "not published"},
		"a service":      {[]string{w.server.ID()}, "neither"},
		"nothing":        {[]string{""}, "identity of an edge"},
		"a seed":         {[]string{base64.RawURLEncoding.EncodeToString(random(32))}, "identity of an edge"},
		"not base64":     {[]string{"edge.identity"}, "neither"},
		"a bad identity": {[]string{base64.RawURLEncoding.EncodeToString(p.record[:len(p.record)-1])}, "identity of an edge"},
	} {
		cfg := w.config(w.store)
		cfg.Edges = c.edges
		s, err := server.New(t.Context(), cfg)
		if s != nil {
			s.Close()
		}
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestAllowOrigin: pages of the origins that are named may use the server, others not.
func TestAllowOrigin(t *testing.T) {
	w := newWorld(t)
	cfg := w.config(w.store)
	cfg.AllowOrigins, cfg.App = []string{"https://app.example"}, site()
	w.server.Close()
	w.server = must(server.New(t.Context(), cfg))
	ask := func(method, path, from string) reply {
		r := request(method, path, nil)
		r.Header.Set("Origin", from)
		if method == http.MethodOptions {
			r.Header.Set("Access-Control-Request-Method", "POST")
			r.Header.Set("Access-Control-Request-Headers", "content-digest,signature,signature-input")
		}
		return w.do(r)
	}
	got := ask("OPTIONS", api.PathTransforms, "https://app.example")
	h := got.header
	if got.status != http.StatusNoContent || h.Get("Access-Control-Allow-Origin") != "https://app.example" || h.Get("Vary") != "Origin" ||
		!strings.Contains(h.Get("Access-Control-Allow-Methods"), "POST") || !strings.Contains(h.Get("Access-Control-Allow-Headers"), "signature-input") ||
		h.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("preflight: %d %v", got.status, h)
	}
	for _, path := range []string{api.PathServer, "/v1/nothing", api.PathCheckpoint} {
		if h := ask("GET", path, "https://app.example").header; h.Get("Access-Control-Allow-Origin") != "https://app.example" ||
			!strings.Contains(h.Get("Access-Control-Expose-Headers"), "retry-after") {
			t.Errorf("%s: %v", path, h)
		}
	}
	if vary := strings.Join(ask("GET", "/favicon.svg", "https://app.example").header.Values("Vary"), ", "); vary != "Accept, Accept-Encoding, Origin" {
		t.Errorf("a file of the page depends on %q", vary)
	}
	for _, from := range []string{"https://app.example:8443", "http://app.example", "https://evil.example", "null", ""} {
		if h := ask("GET", api.PathServer, from).header; h.Get("Access-Control-Allow-Origin") != "" || h.Get("Vary") != "Origin" {
			t.Errorf("%q: %v", from, h)
		}
		w.want(from, ask("OPTIONS", api.PathTransforms, from), api.CodeMethod)
	}
	w.restart() // without the setting
	if h := ask("GET", api.PathServer, "https://app.example").header; h.Get("Access-Control-Allow-Origin") != "" || h.Get("Vary") != "" {
		t.Errorf("off: %v", h)
	}
	for _, bad := range []string{"*", "null", "app.example", "https://app.example/", "https://APP.example", "https://app.example:443", "https://app.example/path"} {
		if err := server.CheckOrigin(bad); err == nil {
			t.Errorf("%q is taken for an origin", bad)
		}
	}
}
