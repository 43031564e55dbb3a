package server_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/server"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// scrape reads /metrics of the handler for operators.
func scrape(t *testing.T, s *server.Server) string {
	t.Helper()
	recorder := httptest.NewRecorder()
	s.Ops().ServeHTTP(recorder, httptest.NewRequest("GET", "/metrics", nil))
	if recorder.Code != http.StatusOK {
		t.Fatalf("metrics: %d %s", recorder.Code, recorder.Body)
	}
	return recorder.Body.String()
}

// figure is the value of a metric with its labels, as Prometheus writes it.
func figure(t *testing.T, text, name string) float64 {
	t.Helper()
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, name+" "); ok {
			return must(strconv.ParseFloat(strings.TrimSpace(rest), 64))
		}
	}
	t.Errorf("no %s", name)
	return 0
}

// TestMetrics: what happens is counted, everything that is told is in the table, with its
// type and labels, and no label is an id.
func TestMetrics(t *testing.T) {
	w := newWorld(t)
	w.limit(server.Limits{Address: server.Rate{PerSecond: 0.001, Burst: 100}})
	alice, bob := w.join(), w.join()
	w.grant(alice, bob)
	k := w.deposit(alice, alice)
	w.read(bob, k)
	w.read(bob, k)
	w.want("absent", w.call(bob, "GET", "/v1/collections/"+api.FormatID([16]byte{1}), nil), api.CodeNotFound)
	for range 100 {
		w.do(from(request("GET", "/evil/%0a{}%22"+alice.id, nil), "192.0.2.3"))
	}
	w.limited("limit", w.do(from(request("GET", api.PathServer, nil), "192.0.2.3")), 3600)
	if err := w.server.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	text := scrape(t, w.server)
	for name, least := range map[string]float64{
		`recrypt_requests_total{code="",operation="get_sym_key",status="200"}`:             2,
		`recrypt_requests_total{code="not_found",operation="get_collection",status="404"}`: 1,
		`recrypt_request_seconds_count{operation="get_sym_key"}`:                           2,
		`recrypt_queue_seconds_count{outcome="admitted"}`:                                  6,
		`recrypt_store_seconds_count{method="ClaimNonce"}`:                                 6,
		`recrypt_limited_total{limit="address"}`:                                           1,
		`recrypt_queue_slots`:                                                              4,
		`recrypt_log_entries`:                                                              3,
		`recrypt_info{engine="native",version="test"}`:                                     1,
		`recrypt_ready`: 1, `go_goroutines`: 1,
		`recrypt_cache_entries{cache="prepared"}`: 1,
		`recrypt_budget_bytes{kind="bodies"}`:     1 << 20,
	} {
		if got := figure(t, text, name); got < least {
			t.Errorf("%s is %v, want %v", name, got, least)
		}
	}
	for _, name := range []string{`recrypt_requests_in_flight`, `recrypt_queue_working`, `recrypt_queue_waiting`, `recrypt_held_bytes{kind="answers"}`, `recrypt_panics_total`} {
		if got := figure(t, text, name); got != 0 {
			t.Errorf("%s is %v", name, got)
		}
	}
	table := map[string]server.Metric{}
	for _, m := range server.Metrics() {
		if table[m.Name].Name != "" || m.Help == "" || !slices.Contains([]string{"counter", "gauge", "histogram"}, m.Type) {
			t.Errorf("%+v", m)
		}
		table[m.Name] = m
	}
	for line := range strings.Lines(text) {
		checkMetricLine(t, table, strings.TrimSpace(line))
	}
	for _, id := range []string{alice.id, bob.id, api.FormatID(w.home(alice)), k.id, "192.0.2", "evil"} {
		if strings.Contains(text, id) {
			t.Errorf("%s stands in the metrics", id)
		}
	}
}

var metricLine = regexp.MustCompile(`^([a-z_]+?)(?:_(bucket|sum|count))?(?:\{(.*)\})? [-+0-9.e]+(?:Inf)?$`)

// checkMetricLine compares a line with the table.
func checkMetricLine(t *testing.T, table map[string]server.Metric, line string) {
	t.Helper()
	if !strings.HasPrefix(line, "recrypt_") {
		if f := strings.Fields(line); len(f) > 3 && f[1] == "TYPE" && strings.HasPrefix(f[2], "recrypt_") && table[f[2]].Type != f[3] {
			t.Errorf("%s is %s, not %s", f[2], f[3], table[f[2]].Type)
		}
		return
	}
	m := metricLine.FindStringSubmatch(line)
	if m == nil {
		t.Errorf("line %s", line)
		return
	}
	about, ok := table[m[1]]
	if !ok {
		t.Errorf("%s is not in the table", m[1])
		return
	}
	var labels []string
	for _, pair := range strings.Split(m[3], ",") {
		if name, value, ok := strings.Cut(pair, "="); ok && name != "le" {
			labels = append(labels, name)
			if len(value) > 40 {
				t.Errorf("a long label in %s", line)
			}
		}
	}
	want := slices.Sorted(slices.Values(about.Labels))
	if slices.Sort(labels); !slices.Equal(labels, want) {
		t.Errorf("%s has labels %q, not %q", m[1], labels, want)
	}
}

// fullStore is a store whose disk is full.
type fullStore struct {
	store.Store
	full bool
}

func (f *fullStore) ClaimNonce(ctx context.Context, signer [32]byte, nonce string, expires int64) error {
	if f.full {
		return fmt.Errorf("claim nonce: %w", store.ErrFull)
	}
	return f.Store.ClaimNonce(ctx, signer, nonce, expires)
}

func (f *fullStore) HighWater(ctx context.Context, now int64) (int64, error) {
	if f.full {
		return 0, fmt.Errorf("raise the clock: %w", store.ErrFull)
	}
	return f.Store.HighWater(ctx, now)
}

func (f *fullStore) PutIdentity(ctx context.Context, identity store.Identity, change store.IdentityChange) error {
	if f.full {
		return fmt.Errorf("put identity: %w", store.ErrFull)
	}
	return f.Store.PutIdentity(ctx, identity, change)
}

// TestDiskFull: writing is answered "full", reading goes on, signed or not, and a request
// is taken once all the same; afterwards everything is as before.
func TestDiskFull(t *testing.T) {
	w := newWorld(t)
	f := &fullStore{Store: w.store}
	w.server = must(server.New(t.Context(), w.config(f)))
	alice, bob := w.join(), w.join()
	w.grant(alice, bob)
	k := w.deposit(alice, alice)
	f.full = true
	w.advance(time.Second)
	full := func(what string, r reply) {
		t.Helper()
		w.want(what, r, api.CodeFull)
		if r.status != http.StatusInsufficientStorage {
			t.Errorf("%s: status %d", what, r.status)
		}
	}
	full("publish", w.publish(w.newPerson()))
	full("grant", w.call(alice, "POST", api.PathGrants, w.proposal(alice, abi.GrantFields{}, bob)))
	full("open", w.get(bob, k.id))
	w.want("identity", w.do(request("GET", "/v1/identities/"+alice.id, nil)), "")
	w.want("checkpoint", w.do(request("GET", api.PathCheckpoint, nil)), "")
	good := w.sign(alice, request("GET", api.PathGrants, nil), nil)
	w.want("list", w.do(good), "")
	w.want("again", w.do(again(good, nil)), api.CodeReplay)
	if got := figure(t, scrape(t, w.server), "recrypt_store_full"); got != 1 {
		t.Error("the metrics do not tell")
	}
	f.full = false
	w.want("open", w.get(bob, k.id), "")
	if got := figure(t, scrape(t, w.server), "recrypt_store_full"); got != 0 {
		t.Error("the metrics do not tell that there is room again")
	}
	w.want("later", w.do(again(good, nil)), api.CodeReplay)
}

// TestOps: metrics and health are told at the address for operators and nowhere else;
// there is nothing for debugging anywhere.
func TestOps(t *testing.T) {
	free := must(net.Listen("tcp", "127.0.0.1:0"))
	ops := free.Addr().String()
	free.Close()
	url, stop := run(t, server.ServeConfig{DataDir: t.TempDir(), Ops: ops})
	get := func(url string) (int, string) {
		r := must(http.Get(url))
		defer r.Body.Close()
		return r.StatusCode, string(must(io.ReadAll(r.Body)))
	}
	if status, text := get("http://" + ops + "/metrics"); status != http.StatusOK || figure(t, text, "recrypt_connections_limit") != 1000 ||
		figure(t, text, "recrypt_data_free_bytes") <= 0 {
		t.Errorf("metrics: %d", status)
	}
	for _, path := range []string{"/livez", "/readyz"} {
		if status, _ := get("http://" + ops + path); status != http.StatusOK {
			t.Errorf("%s: %d", path, status)
		}
	}
	for _, path := range []string{"/metrics", "/debug/pprof/", "/debug/pprof/heap", "/debug/vars", "/admin"} {
		if status, _ := get(url + path); status != http.StatusNotFound && status != http.StatusBadRequest {
			t.Errorf("%s is answered %d to everybody", path, status)
		}
		if status, _ := get("http://" + ops + path); path != "/metrics" && status != http.StatusNotFound {
			t.Errorf("%s is answered %d to operators", path, status)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if conn, err := net.Dial("tcp", ops); err == nil {
		conn.Close()
		t.Error("it goes on after the stop")
	}
}
