package server_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/server"
	"github.com/recrypt-service/recrypt/host/store"
)

// An onlooker reads a stream of live updates.
type onlooker struct {
	t        *testing.T
	response *http.Response
	cancel   context.CancelFunc
	messages chan sse
}

// sse is one message of a stream.
type sse struct {
	id          int64 // -1: none
	name        string
	event       api.Event
	gap         api.Gap
	raw         string
	aliveSignal bool
}

// serveHTTP puts the world's server behind a real connection.
func (w *world) serveHTTP(t *testing.T) *httptest.Server {
	web := httptest.NewServer(w.server)
	t.Cleanup(func() { w.server.CloseStreams(); web.Close() })
	return web
}

// watch opens a stream as p. The request names the world's public origin.
func (w *world) watch(t *testing.T, url string, p *person, from int64) *onlooker {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	path := eventsPath(from)
	signed := w.sign(p, request("GET", path, nil), nil)
	r := must(http.NewRequestWithContext(ctx, "GET", url+path, nil))
	r.Host, r.Header = "recrypt.test", signed.Header
	client := http.DefaultClient
	if strings.HasPrefix(url, "https:") {
		client = insecure
	}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	o := &onlooker{t: t, response: resp, cancel: cancel, messages: make(chan sse, 10_000)}
	if resp.StatusCode == http.StatusOK {
		go o.read()
	}
	t.Cleanup(func() { resp.Body.Close() })
	return o
}

// insecure speaks HTTP/2 to servers whose certificate nobody knows.
var insecure = &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}

func eventsPath(from int64) string {
	return strings.Replace(api.PathEvents, "{from}", strconv.FormatInt(from, 10), 1)
}

// code is the code of the problem that was answered, empty for a stream.
func (o *onlooker) code() string {
	if o.response.StatusCode == http.StatusOK {
		return ""
	}
	var p api.Problem
	body := must(io.ReadAll(o.response.Body))
	if err := json.Unmarshal(body, &p); err != nil {
		o.t.Fatalf("%d %s", o.response.StatusCode, body)
	}
	return p.Code
}

func (o *onlooker) read() {
	defer close(o.messages)
	scanner := bufio.NewScanner(o.response.Body)
	m := sse{id: -1}
	for scanner.Scan() {
		line := scanner.Text()
		m.raw += line + "\n"
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line == "":
			m.aliveSignal = m.name == ""
			o.messages <- m
			m = sse{id: -1}
		case name == "id":
			m.id = must(strconv.ParseInt(value, 10, 64))
		case name == "event":
			m.name = value
		case name == "data":
			var into any = &m.event
			if m.name == api.EventGap {
				into = &m.gap
			}
			if err := json.Unmarshal([]byte(value), into); err != nil {
				o.t.Errorf("data is not JSON: %v", err)
			}
		}
	}
}

// next returns the next message that is not a mere sign of life; nil if there is none.
func (o *onlooker) next(patience time.Duration) *sse {
	timer := time.After(patience)
	for {
		select {
		case m, ok := <-o.messages:
			if !ok {
				return nil
			}
			if !m.aliveSignal {
				return &m
			}
		case <-timer:
			return nil
		}
	}
}

const patience = 20 * time.Second

// expect reads messages of these kinds, in this order.
func (o *onlooker) expect(kinds ...string) (out []sse) {
	o.t.Helper()
	for i, kind := range kinds {
		m := o.next(patience)
		if m == nil {
			o.t.Fatalf("message %d (%s) did not come", i, kind)
		}
		if got := m.name + " " + m.event.Kind; got != kind {
			o.t.Fatalf("message %d is %q, want %q: %s", i, got, kind, m.raw)
		}
		if m.id != m.event.Index && m.name != api.EventGap {
			o.t.Errorf("id %d, index %d", m.id, m.event.Index)
		}
		out = append(out, *m)
	}
	return out
}

// silent fails the test if a message comes.
func (o *onlooker) silent(d time.Duration) {
	o.t.Helper()
	if m := o.next(d); m != nil {
		o.t.Errorf("a message that is none of his business: %s", m.raw)
	}
}

func (w *world) logSize() int64 { return must(w.store.LogSize(context.Background())) }

// TestEvents: owner, reader and stranger see what is theirs, and nothing else.
func TestEvents(t *testing.T) {
	w := newWorld(t)
	w.server.SetEvents(50*time.Millisecond, 5*time.Millisecond)
	web := w.serveHTTP(t)
	alice, bob, eve := w.join(), w.join(), w.join()
	w.open(alice)
	a, b, e := w.watch(t, web.URL, alice, 0), w.watch(t, web.URL, bob, 0), w.watch(t, web.URL, eve, 0)
	if h := a.response.Header; h.Get("Content-Type") != "text/event-stream; charset=utf-8" || h.Get("X-Accel-Buffering") != "no" ||
		!strings.Contains(h.Get("Cache-Control"), "no-store") || h.Get("Content-Encoding") != "" || h.Get("Date") == "" {
		t.Errorf("header %v", h)
	}
	w.grant(alice, bob)
	key := w.deposit(alice, alice)
	w.read(bob, key)
	w.want("revoke", w.revoke(alice, bob), "")
	w.rotate(alice)
	own := a.expect("entry grant", "entry deposit", "entry opening", "entry revocation", "entry rotation")
	if v := own[0].event; v.Owner != alice.id || v.Subject != bob.id || v.Actor != alice.id || v.Grant == "" {
		t.Errorf("%+v", v)
	}
	if v := own[2].event; v.Key != key.id || v.Actor != bob.id {
		t.Errorf("%+v", v)
	}
	theirs := b.expect("notice grant", "entry opening", "notice revocation")
	if v := theirs[0].event; v.Owner != alice.id || v.Subject != "" || v.Actor != "" || v.Key != "" || v.Epoch != 0 || v.Grant != own[0].event.Grant {
		t.Errorf("a notice says more than the fact: %+v", v)
	}
	for _, o := range []*onlooker{a, b, e} {
		o.silent(100 * time.Millisecond)
	}

	// Resumed in the middle, none is lost and none comes again.
	again := w.watch(t, web.URL, alice, own[1].id+1)
	again.expect("entry opening", "entry revocation", "entry rotation")
	a.cancel()

	w.want("beyond the log", w.call(alice, "GET", eventsPath(w.logSize()+1), nil), api.CodeNotFound)
	for _, from := range []string{"x", "-1", "01", "1e3", "99999999999999999999"} {
		w.want(from, w.call(alice, "GET", strings.Replace(api.PathEvents, "{from}", from, 1), nil), api.CodeMalformed)
	}
	w.want("unsigned", w.do(request("GET", eventsPath(0), nil)), api.CodeUnsigned)
	if r := w.do(w.sign(alice, request("HEAD", eventsPath(0), nil), nil)); r.status != 200 || len(r.body) != 0 {
		t.Errorf("HEAD: %d %q", r.status, r.body)
	}
}

// TestEventsRestart: who resumes after a restart gets what came meanwhile, once.
func TestEventsRestart(t *testing.T) {
	w := newWorld(t)
	w.server.SetEvents(time.Second, 5*time.Millisecond)
	web := w.serveHTTP(t)
	alice, bob := w.join(), w.join()
	w.grant(alice, bob)
	b, a := w.watch(t, web.URL, bob, 0), w.watch(t, web.URL, alice, 0)
	last := b.expect("notice grant")[0].id
	a.expect("entry grant")
	w.server.CloseStreams()
	if m := b.next(patience); m != nil {
		t.Errorf("after the end: %s", m.raw)
	}
	w.want("while it stops", w.call(bob, "GET", eventsPath(last+1), nil), api.CodeBusy)
	w.restart()
	w.server.SetEvents(time.Second, 5*time.Millisecond)
	w.want("revoke", w.revoke(alice, bob), "")
	web = w.serveHTTP(t)
	b, a = w.watch(t, web.URL, bob, last+1), w.watch(t, web.URL, alice, last+1)
	w.rotate(alice, bob)
	b.expect("notice revocation", "notice grant")
	a.expect("entry revocation", "entry rotation", "entry grant")
	b.silent(50 * time.Millisecond)
}

// TestEventsGap: what is too old for the memory comes from the ledger, as far as it is the
// caller's own, and the rest is said to be missing.
func TestEventsGap(t *testing.T) {
	w := newWorld(t)
	w.server.SetEvents(time.Second, 5*time.Millisecond)
	web := w.serveHTTP(t)
	alice, bob := w.join(), w.join()
	w.grant(alice, bob)
	w.read(bob, w.deposit(alice, alice))
	filler := make([]store.LogEntry, 3000)
	for range 6 {
		for i := range filler {
			filler[i] = store.LogEntry{Leaf: random(64)}
		}
		if err := w.store.AppendLog(t.Context(), filler); err != nil {
			t.Fatal(err)
		}
	}
	a, b := w.watch(t, web.URL, alice, 0), w.watch(t, web.URL, bob, 0)
	if gap := a.expect("gap ")[0]; gap.id != -1 || gap.gap.From != 0 || gap.gap.To == 0 || gap.gap.To > w.logSize() {
		t.Errorf("%+v", gap)
	}
	a.expect("entry grant", "entry deposit", "entry opening")
	b.expect("gap ", "entry opening")
	w.rotate(alice, bob)
	a.expect("entry rotation", "entry grant")
	b.expect("notice grant")
}

// TestEventsBounds: an identity has some streams, and all together have more.
func TestEventsBounds(t *testing.T) {
	w := newWorld(t)
	w.server.SetEvents(20*time.Millisecond, 5*time.Millisecond)
	web := w.serveHTTP(t)
	alice := w.join()
	var streams []*onlooker
	for range api.MaxStreams {
		streams = append(streams, w.watch(t, web.URL, alice, 0))
	}
	refused := w.watch(t, web.URL, alice, 0)
	if code := refused.code(); code != api.CodeLimited || refused.response.Header.Get("Retry-After") == "" {
		t.Errorf("one more: %q, %v", code, refused.response.Header)
	}
	if n := w.server.Streams(); n != api.MaxStreams {
		t.Errorf("%d streams", n)
	}
	if code := w.watch(t, web.URL, w.join(), 0).code(); code != "" {
		t.Errorf("somebody else: %q", code)
	}
	streams[0].cancel()
	until(t, "a place is free", func() bool { return w.watch(t, web.URL, alice, 0).code() == "" })
	if server.MaxStreams > 1000/2 {
		t.Error("streams may take most of the connections")
	}
}

// until waits for something to become true.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: it does not come", what)
		}
	}
}

// TestEventsMany: 200 who watch, each with his own events, and the server works on.
func TestEventsMany(t *testing.T) {
	w := newWorld(t)
	w.server.SetEvents(time.Second, 20*time.Millisecond)
	web := w.serveHTTP(t)
	alice := w.join()
	w.open(alice)
	from := w.logSize()
	var people []*person
	var streams []*onlooker
	for range 25 {
		p := w.join()
		people = append(people, p)
		for range api.MaxStreams {
			streams = append(streams, w.watch(t, web.URL, p, from))
		}
	}
	w.grant(alice, people...)
	seen := map[string]bool{}
	for _, o := range streams {
		seen[o.expect("notice grant")[0].event.Grant] = true
		o.silent(time.Millisecond)
	}
	if len(seen) != len(people) {
		t.Errorf("%d grants were seen, of %d", len(seen), len(people))
	}
	w.want("the server works", w.call(alice, "GET", api.PathGrants, nil), "")
	w.server.CloseStreams()
	until(t, "all are gone", func() bool { return w.server.Streams() == 0 })
}

// TestEventsNewVersion: a stream ends when its identity gets a new version, because the keys
// that signed may be in other hands; but not on one that was there before.
func TestEventsNewVersion(t *testing.T) {
	w := newWorld(t)
	w.server.SetEvents(20*time.Millisecond, 5*time.Millisecond)
	web := w.serveHTTP(t)
	alice := w.join()
	o := w.watch(t, web.URL, alice, 0)
	if m := <-o.messages; !m.aliveSignal {
		t.Errorf("%s", m.raw)
	}
	if err := w.store.AppendLog(t.Context(), []store.LogEntry{{Leaf: random(64), Ref: identityRef(alice.identity.ID, 2)}}); err != nil {
		t.Fatal(err)
	}
	if m := o.next(patience); m != nil {
		t.Errorf("%s", m.raw)
	}
	select {
	case <-o.messages:
	default:
		t.Error("the stream goes on")
	}
	after := w.watch(t, web.URL, alice, 0)
	time.Sleep(50 * time.Millisecond)
	select {
	case _, open := <-after.messages:
		if !open {
			t.Error("the next one ends at once")
		}
	default:
	}
}

func identityRef(id [32]byte, version uint32) []byte {
	return append(slices.Clone(id[:]), byte(version>>24), byte(version>>16), byte(version>>8), byte(version))
}

// TestEventsOtherServer: what one server does is seen by who watches at another.
func TestEventsOtherServer(t *testing.T) {
	w := newWorld(t)
	cfg := w.config(w.store)
	cfg.Shared = true
	other := must(server.New(t.Context(), cfg))
	other.SetEvents(time.Second, 5*time.Millisecond)
	web := httptest.NewServer(other)
	t.Cleanup(func() { other.Close(); web.Close() })
	alice, bob := w.join(), w.join()
	a, b := w.watch(t, web.URL, alice, 0), w.watch(t, web.URL, bob, 0)
	w.grant(alice, bob)
	w.read(bob, w.deposit(alice, alice))
	a.expect("entry grant", "entry deposit", "entry opening")
	b.expect("notice grant", "entry opening")
}

// TestEventsShutdown: a server that stops ends its streams, and does not wait for them.
func TestEventsShutdown(t *testing.T) {
	w := newWorld(t)
	url, stop := run(t, server.ServeConfig{DataDir: filepath.Join(t.TempDir(), "data"), PublicURLs: []string{origin}})
	alice := w.newPerson()
	body := must(json.Marshal(api.CreateIdentity{Record: alice.record}))
	signed := w.sign(alice, request("POST", api.PathIdentities, body), body)
	r := must(http.NewRequest("POST", url+api.PathIdentities, bytes.NewReader(body)))
	r.Host, r.Header = "recrypt.test", signed.Header
	if resp, err := http.DefaultClient.Do(r); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%v %v", resp, err)
	}
	o := w.watch(t, url, alice, 0)
	if m := <-o.messages; o.code() != "" || !m.aliveSignal {
		t.Fatalf("%+v", m)
	}
	begin := time.Now()
	if err := stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("stopping took %s", took)
	}
	if m := o.next(patience); m != nil {
		t.Errorf("%s", m.raw)
	}
}
