package server_test

import (
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/server"
)

// limit restarts the world's server with limits.
func (w *world) limit(l server.Limits, trusted ...string) {
	w.server.Close()
	c := w.config(w.store)
	c.Limits = l
	c.TrustedProxies = must(server.ParseProxies(trusted))
	w.server = must(server.New(w.t.Context(), c))
}

// from sends a request from an address.
func from(r *http.Request, address string) *http.Request {
	r.RemoteAddr = address + ":1234"
	if strings.Contains(address, ":") {
		r.RemoteAddr = "[" + address + "]:1234"
	}
	return r
}

// limited checks that an answer refuses for a limit and says for how long.
func (w *world) limited(what string, r reply, most int) {
	w.t.Helper()
	w.want(what, r, api.CodeLimited)
	if n, err := strconv.Atoi(r.header.Get("Retry-After")); r.status != http.StatusTooManyRequests || err != nil || n < 1 || n > most {
		w.t.Errorf("%s: status %d, Retry-After %q", what, r.status, r.header.Get("Retry-After"))
	}
}

// TestIdentityRate: an identity has so many requests, whatever its address, and nobody else
// can use them up.
func TestIdentityRate(t *testing.T) {
	w := newWorld(t)
	alice, bob := w.join(), w.join()
	w.limit(server.Limits{Identity: server.Rate{PerSecond: 0.1, Burst: 5}})
	ask := func(p *person, address string) reply {
		return w.do(from(w.sign(p, request("GET", api.PathGrants, nil), nil), address))
	}
	// Somebody claims to be alice.
	for range 10 {
		r := w.sign(bob, request("GET", api.PathGrants, nil), nil)
		r.Header.Set("Signature-Input", strings.Replace(r.Header.Get("Signature-Input"), bob.id, alice.id, 1))
		w.want("as alice", w.do(from(r, "192.0.2.9")), api.CodeSignature)
	}
	for i := range 5 {
		w.want("within", ask(alice, fmt.Sprintf("192.0.2.%d", i%2)), "")
	}
	w.limited("over", ask(alice, "192.0.2.1"), 10)
	w.limited("over, elsewhere", ask(alice, "192.0.2.77"), 10)
	w.want("bob", ask(bob, "192.0.2.1"), "")
	// A body costs more than none.
	body := []byte(`{"revocation":"` + strings.Repeat("A", 40<<10) + `"}`)
	w.limited("a large body", w.do(from(w.sign(bob, request("POST", api.PathRevocations, body), body), "192.0.2.1")), 100)
}

// TestLimitedIsCheap: who is over his limit at an address is told before anything is
// verified, read or stored.
func TestLimitedIsCheap(t *testing.T) {
	w, l := newLedger(t)
	alice := w.join()
	c := w.config(l)
	c.Limits = server.Limits{Identity: server.Rate{PerSecond: 0.1, Burst: 1}, BadAddress: server.Rate{PerSecond: 0.1, Burst: 2}}
	w.server = must(server.New(t.Context(), c))
	ask := func() reply {
		l.take()
		return w.do(from(w.sign(alice, request("GET", api.PathGrants, nil), nil), "192.0.2.1"))
	}
	w.want("first", ask(), "")
	w.limited("second", ask(), 10)
	w.limited("third", ask(), 10)
	if did := l.take(); did != "" {
		t.Errorf("a request over the limit costs %s", did)
	}
	// The same for an address from which too much was refused.
	for range 2 {
		w.want("unsigned", w.do(from(request("GET", api.PathGrants, nil), "192.0.2.2")), api.CodeUnsigned)
	}
	stranger := w.newPerson()
	l.take()
	w.limited("a stranger there", w.do(from(w.sign(stranger, request("GET", api.PathGrants, nil), nil), "192.0.2.2")), 10)
	body := &countingReader{}
	r := from(w.sign(stranger, request("POST", api.PathRevocations, []byte("{}")), []byte("{}")), "192.0.2.2")
	r.Body = io.NopCloser(body)
	w.limited("with a body", w.do(r), 10)
	if did := l.take(); did != "" || body.n != 0 {
		t.Errorf("it costs %s, and %d bytes were read", did, body.n)
	}
}

// TestAddressRate: an address has so many requests, signed or not; health is told to
// everybody. IPv6 counts by networks.
func TestAddressRate(t *testing.T) {
	w := newWorld(t)
	w.limit(server.Limits{Address: server.Rate{PerSecond: 0.1, Burst: 3}})
	get := func(path, address string) reply { return w.do(from(request("GET", path, nil), address)) }
	for range 3 {
		w.want("within", get(api.PathServer, "192.0.2.1"), "")
	}
	w.limited("over", get(api.PathServer, "192.0.2.1"), 10)
	w.limited("as IPv4 in IPv6", get(api.PathServer, "::ffff:192.0.2.1"), 10)
	w.limited("what is not there", get("/v1/nothing", "192.0.2.1"), 10)
	w.want("health", get("/livez", "192.0.2.1"), "")
	w.want("health", get("/readyz", "192.0.2.1"), "")
	w.want("elsewhere", get(api.PathServer, "192.0.2.2"), "")
	for i := range 3 {
		w.want("IPv6", get(api.PathServer, fmt.Sprintf("2001:db8::%d", i)), "")
	}
	w.limited("the same network", get(api.PathServer, "2001:db8::ffff"), 10)
	w.want("another network", get(api.PathServer, "2001:db8:0:1::1"), "")
}

// TestRegistrations: of so many identities that come from one address few are new.
func TestRegistrations(t *testing.T) {
	w := newWorld(t)
	old := w.join()
	w.limit(server.Limits{Registrations: server.Rate{PerSecond: 1.0 / 3600, Burst: 3}})
	publish := func(p *person) reply { return w.publish(p) }
	taken := 0
	for range 8 {
		if r := publish(w.newPerson()); r.problem.Code == "" {
			taken++
		} else {
			w.limited("registration", r, 3600)
		}
	}
	if taken != 3 {
		t.Errorf("%d identities were taken", taken)
	}
	w.want("who is here already", publish(old), "")
	w.want("his next version", publish(w.later(old)), "")
}

// TestBadInput: who sends what is refused has used up his budget after a while, he alone: an
// identity its own, an address that of strangers there.
func TestBadInput(t *testing.T) {
	w := newWorld(t)
	alice, mallory := w.join(), w.join()
	w.limit(server.Limits{BadIdentity: server.Rate{PerSecond: 0.1, Burst: 4}, BadAddress: server.Rate{PerSecond: 0.1, Burst: 4}})
	bad := func(p *person) reply {
		return w.do(from(w.sign(p, request("POST", api.PathRevocations, []byte(`{"revocation":"AAAA"}`)), []byte(`{"revocation":"AAAA"}`)), "192.0.2.1"))
	}
	w.want("alice", w.do(from(w.sign(alice, request("GET", api.PathGrants, nil), nil), "192.0.2.1")), "")
	for range 4 {
		w.want("bad", bad(mallory), api.CodeMalformed)
	}
	w.limited("bad, too often", bad(mallory), 10)
	w.limited("and anything else of hers", w.do(from(w.sign(mallory, request("GET", api.PathGrants, nil), nil), "192.0.2.8")), 10)
	// Unsigned, from the address of both.
	for range 4 {
		w.want("unsigned", w.do(from(request("GET", api.PathGrants, nil), "192.0.2.1")), api.CodeUnsigned)
	}
	w.limited("a stranger there", w.do(from(w.sign(w.newPerson(), request("GET", api.PathGrants, nil), nil), "192.0.2.1")), 10)
	w.want("alice, who was verified there", w.do(from(w.sign(alice, request("GET", api.PathGrants, nil), nil), "192.0.2.1")), "")
	// What is absent is no bad input.
	for range 10 {
		w.want("absent", w.do(from(w.sign(alice, request("GET", "/v1/collections/"+api.FormatID([16]byte{1}), nil), nil), "192.0.2.1")), api.CodeNotFound)
	}
}

// TestProxies: X-Forwarded-For counts if it comes from a proxy, and of it what the proxies
// wrote.
func TestProxies(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		peer    string
		forward []string
		want    string // who is limited afterwards
	}{
		"no proxy":              {"192.0.2.1", []string{"198.51.100.1"}, "192.0.2.1"},
		"proxy":                 {"10.0.0.1", []string{"198.51.100.1"}, "198.51.100.1"},
		"two proxies":           {"10.0.0.1", []string{"198.51.100.1, 10.9.9.9"}, "198.51.100.1"},
		"two headers":           {"10.0.0.1", []string{"203.0.113.5", "198.51.100.1"}, "198.51.100.1"},
		"the client lies":       {"10.0.0.1", []string{"203.0.113.5, 198.51.100.1"}, "198.51.100.1"},
		"the client lies more":  {"10.0.0.1", []string{"10.0.0.1, 198.51.100.1"}, "198.51.100.1"},
		"garbage before":        {"10.0.0.1", []string{"evil\x1b, 198.51.100.1"}, "198.51.100.1"},
		"garbage":               {"10.0.0.1", []string{"198.51.100.1, garbage"}, "10.0.0.1"},
		"with a port":           {"10.0.0.1", []string{"198.51.100.1:80"}, "10.0.0.1"},
		"empty":                 {"10.0.0.1", nil, "10.0.0.1"},
		"only proxies":          {"10.0.0.1", []string{"10.0.0.2, 10.0.0.3"}, "10.0.0.2"},
		"a proxy of IPv6":       {"fd00::1", []string{"198.51.100.1"}, "198.51.100.1"},
		"a client of IPv6":      {"fd00::1", []string{"2001:db8::1"}, "2001:db8::2"},
		"very many":             {"10.0.0.1", []string{strings.Repeat("10.0.0.7, ", 100) + "10.0.0.8"}, "10.0.0.7"},
		"a network beside ours": {"11.0.0.1", []string{"198.51.100.1"}, "11.0.0.1"},
	} {
		w.limit(server.Limits{Address: server.Rate{PerSecond: 0.001, Burst: 1}}, "10.0.0.0/8", "fd00::1")
		r := from(request("GET", api.PathServer, nil), c.peer)
		r.Header["X-Forwarded-For"] = c.forward
		w.want(name, w.do(r), "")
		same := from(request("GET", api.PathServer, nil), "10.0.0.1")
		same.Header.Set("X-Forwarded-For", c.want)
		w.limited(name, w.do(same), 3600)
	}
	for _, bad := range []string{"", "a", "10.0.0.0/99", "10.0.0.1:80", "::ffff:10.0.0.0/104", "fe80::1%eth0/64"} {
		if _, err := server.ParseProxies([]string{bad}); err == nil {
			t.Errorf("%q is a proxy", bad)
		}
	}
}

// TestProxySecret: behind a proxy with a secret nobody comes past it.
func TestProxySecret(t *testing.T) {
	w := newWorld(t)
	c := w.config(w.store)
	c.ProxySecret = []byte("0123456789abcdef")
	w.server = must(server.New(t.Context(), c))
	for value, code := range map[string]string{"0123456789abcdef": "", "0123456789abcdeF": api.CodeUnsigned, "": api.CodeUnsigned} {
		r := request("GET", api.PathServer, nil)
		if value != "" {
			r.Header.Set(server.ProxyHeader, value)
		}
		w.want("secret "+value, w.do(r), code)
		r.Header.Add(server.ProxyHeader, value)
		w.want("twice", w.do(r), api.CodeUnsigned)
	}
	w.want("health", w.do(request("GET", "/livez", nil)), "")
}

// TestLimitsClock: limits are counted by monotonic time: a clock that is stepped neither
// opens nor closes them.
func TestLimitsClock(t *testing.T) {
	w := newWorld(t)
	w.limit(server.Limits{Address: server.Rate{PerSecond: 0.001, Burst: 2}})
	get := func() reply { return w.do(from(request("GET", api.PathServer, nil), "192.0.2.1")) }
	w.want("first", get(), "")
	w.advance(-400 * 24 * time.Hour)
	w.want("a year before", get(), "")
	w.advance(800 * 24 * time.Hour)
	w.limited("a year after", get(), 3600)
	w.advance(-400 * 24 * time.Hour)
}

// TestManyAddresses: who is counted is bounded.
func TestManyAddresses(t *testing.T) {
	w := newWorld(t)
	w.limit(server.Limits{Address: server.Rate{PerSecond: 0.001, Burst: 1}, BadAddress: server.Rate{PerSecond: 1, Burst: 1}})
	n := 20_000
	before := heap()
	for i := range n {
		a := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		w.do(from(request("GET", "/v1/nothing", nil), a.String()))
	}
	if each := (int64(heap()) - int64(before)) / int64(n); each > 2000 {
		t.Errorf("an address takes %d bytes", each)
	}
}

// heap is how much of it is in use.
func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
