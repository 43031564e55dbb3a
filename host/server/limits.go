package server

import (
	"container/list"
	"context"
	"errors"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/store"
)

// A Rate is how often something may happen: Burst times at once, and PerSecond in the long
// run. The zero value is no limit.
type Rate struct {
	PerSecond float64
	Burst     int
}

// Limits are what one identity and one address may ask of a server. Beyond them the answer
// is [api.CodeLimited], 429, with Retry-After. An address of IPv6 is a network of 64 bits.
// Limits are counted by monotonic time, whatever the clock does, and in this process
// only: several servers of one database allow each their own.
//
// A request costs one, and one more for every 4 KiB of its body. It is counted for its identity
// after its signature has been verified, so that nobody uses up what is another's.
type Limits struct {
	Identity      Rate // requests of one identity
	Address       Rate // requests from one address
	Registrations Rate // identities that are new here, from one address
	// What was refused because of its form, signature or content, by verified identities
	// and from addresses. Who has used that up at an address is refused before
	// anything is verified; identities that were verified there lately are not.
	BadIdentity, BadAddress Rate
}

// DefaultLimits are far above what people need, and bound what a flood costs.
var DefaultLimits = Limits{
	Identity:      Rate{100, 1000},
	Address:       Rate{500, 5000},
	Registrations: Rate{200.0 / 3600, 500},
	BadIdentity:   Rate{1, 100},
	BadAddress:    Rate{5, 500},
}

// maxBuckets is how many identities or addresses are counted at once. Whoever was longest
// away is forgotten for a new one, and then has his burst again.
const maxBuckets = 100_000

// bodyUnit is how many bytes of a body cost as much as a request.
const bodyUnit = 4 << 10

// A bucket is a limiter in the list of its table.
type bucket[K comparable] struct {
	key     K
	limiter *rate.Limiter
}

// buckets limit a rate for each of many keys, in bounded memory.
type buckets[K comparable] struct {
	rate Rate

	mu      sync.Mutex
	entries map[K]*list.Element // of *bucket[K]
	recent  list.List           // the one used last first
}

func newBuckets[K comparable](r Rate) *buckets[K] {
	return &buckets[K]{rate: r, entries: map[K]*list.Element{}}
}

func (b *buckets[K]) enabled() bool { return b.rate.Burst > 0 }

// limiter returns that of a key, or makes it.
func (b *buckets[K]) limiter(key K) *rate.Limiter {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.entries[key]; e != nil {
		b.recent.MoveToFront(e)
		return e.Value.(*bucket[K]).limiter
	}
	if len(b.entries) >= maxBuckets {
		oldest := b.recent.Back()
		delete(b.entries, b.recent.Remove(oldest).(*bucket[K]).key)
	}
	l := rate.NewLimiter(rate.Limit(b.rate.PerSecond), b.rate.Burst)
	b.entries[key] = b.recent.PushFront(&bucket[K]{key, l})
	return l
}

// take takes n out of a key's bucket, or says how long to wait until that can be.
func (b *buckets[K]) take(key K, n int) (wait time.Duration, ok bool) {
	if !b.enabled() {
		return 0, true
	}
	l, now := b.limiter(key), time.Now()
	n = min(n, b.rate.Burst)
	if l.AllowN(now, n) {
		return 0, true
	}
	return b.until(l, n, now), false
}

// until is how long it is until there are n in a bucket.
func (b *buckets[K]) until(l *rate.Limiter, n int, now time.Time) time.Duration {
	seconds := (float64(n) - l.TokensAt(now)) / b.rate.PerSecond
	return time.Duration(min(max(seconds, 0), 3600) * float64(time.Second))
}

// spend takes one out, if there is one.
func (b *buckets[K]) spend(key K) {
	if b.enabled() {
		b.limiter(key).AllowN(time.Now(), 1)
	}
}

// spent reports whether a bucket is empty, and how long to wait then.
func (b *buckets[K]) spent(key K) (wait time.Duration, spent bool) {
	if !b.enabled() {
		return 0, false
	}
	b.mu.Lock()
	e := b.entries[key]
	b.mu.Unlock()
	if e == nil {
		return 0, false
	}
	l, now := e.Value.(*bucket[K]).limiter, time.Now()
	if l.TokensAt(now) >= 1 {
		return 0, false
	}
	return b.until(l, 1, now), true
}

// limiter keeps the limits of a server.
type limiter struct {
	identity      *buckets[[32]byte]
	address       *buckets[netip.Addr]
	registrations *buckets[netip.Addr]
	badIdentity   *buckets[[32]byte]
	badAddress    *buckets[netip.Addr]
	known         *marks // flows that were verified lately
	resting       *marks // flows whose identity is over its limit
}

func newLimiter(l Limits) *limiter {
	return &limiter{
		identity: newBuckets[[32]byte](l.Identity), address: newBuckets[netip.Addr](l.Address),
		registrations: newBuckets[netip.Addr](l.Registrations),
		badIdentity:   newBuckets[[32]byte](l.BadIdentity), badAddress: newBuckets[netip.Addr](l.BadAddress),
		known: newMarks(), resting: newMarks(),
	}
}

// knownFor is how long an identity counts as verified at an address.
const knownFor = 10 * time.Minute

// What a limit was about, as metrics name it.
const (
	limitIdentity      = "identity"
	limitAddress       = "address"
	limitRegistrations = "registrations"
	limitBadIdentity   = "bad_identity"
	limitBadAddress    = "bad_address"
)

// limited refuses, and says when to come back.
func (s *Server) limited(by string, wait time.Duration) *problem {
	s.metrics.limited.WithLabelValues(by).Inc()
	p := refuse(api.CodeLimited, map[string]string{
		limitIdentity:      "this identity asks too much; slow down",
		limitAddress:       "too much is asked from this address; slow down",
		limitRegistrations: "too many identities were published from this address; come back later",
		limitBadIdentity:   "too many requests of this identity were refused; come back later",
		limitBadAddress:    "too many requests from this address were refused; come back later",
	}[by])
	p.retryAfter = strconv.Itoa(max(int(math.Ceil(wait.Seconds())), 1))
	return p
}

// flow is whose work a request is, from what its signature claims.
func (x *exchange) flow(c *claim, rt route) flow {
	if c == nil || rt.selfMade {
		return flow{address: x.address}
	}
	return flow{c.ID, x.address}
}

// greet looks at where a request comes from, before anything of it is read. Health is told
// to everybody.
func (s *Server) greet(r *http.Request, from netip.Addr) error {
	if r.URL.Path == "/livez" || r.URL.Path == "/readyz" {
		return nil
	}
	if !s.proxies.shows(r) {
		return refuse(api.CodeUnsigned, "come by the public url of this server")
	}
	return s.arrive(from)
}

// arrive counts a request for its address, before anything of it is read.
func (s *Server) arrive(from netip.Addr) error {
	if wait, ok := s.limits.address.take(from, 1); !ok {
		return s.limited(limitAddress, wait)
	}
	return nil
}

// claimed refuses a flow before its signature is verified: if its identity is over its limit
// and was verified at this address, or if too much from this address was refused and it
// was not.
func (s *Server) claimed(f flow) error {
	if wait, ok := s.limits.resting.until(f); ok {
		return s.limited(limitIdentity, wait)
	}
	if wait, spent := s.limits.badAddress.spent(f.address); spent {
		if _, known := s.limits.known.until(f); f.signer == "" || !known {
			return s.limited(limitBadAddress, wait)
		}
	}
	return nil
}

// verified refuses a request whose signature was just verified, if its identity has used up
// its part. f.signer is its name.
func (s *Server) verified(f flow, who [32]byte) error {
	if wait, spent := s.limits.badIdentity.spent(who); spent {
		s.limits.resting.set(f, wait)
		return s.limited(limitBadIdentity, wait)
	}
	if wait, spent := s.limits.identity.spent(who); spent {
		s.limits.resting.set(f, wait)
		return s.limited(limitIdentity, wait)
	}
	return nil
}

// counted counts a request for its identity, once its nonce has been claimed: a copy of a
// request, which anybody on its way may have, costs its signer nothing.
func (s *Server) counted(f flow, who [32]byte, body int) error {
	if wait, ok := s.limits.identity.take(who, 1+body/bodyUnit); !ok {
		s.limits.resting.set(f, wait)
		return s.limited(limitIdentity, wait)
	}
	if s.limits.badAddress.enabled() {
		s.limits.known.set(f, knownFor)
	}
	return nil
}

// registers counts a new identity for the address it comes from.
func (s *Server) registers(ctx context.Context, from netip.Addr, who [32]byte) error {
	if !s.limits.registrations.enabled() {
		return nil
	}
	if _, err := s.newest(ctx, who); !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if wait, ok := s.limits.registrations.take(from, 1); !ok {
		return s.limited(limitRegistrations, wait)
	}
	return nil
}

// badCodes are what counts as bad input: what no honest client sends.
var badCodes = map[string]bool{
	api.CodeMalformed: true, api.CodeMismatch: true, api.CodeUnsigned: true, api.CodeSignature: true,
	api.CodeReplay: true, api.CodeTooLarge: true, api.CodeMediaType: true, api.CodeMethod: true, api.CodeRejected: true,
}

// charge counts what was refused.
func (s *Server) charge(x *exchange) {
	switch {
	case !badCodes[x.code]:
	case x.signer != nil:
		s.limits.badIdentity.spend(x.signer.id)
	default:
		s.limits.badAddress.spend(x.address)
	}
}

// marks remember flows for a time, in bounded memory.
type marks struct {
	mu    sync.Mutex
	ends  map[flow]time.Time
	swept time.Time
}

func newMarks() *marks { return &marks{ends: map[flow]time.Time{}} }

// set remembers a flow.
func (m *marks) set(f flow, d time.Duration) {
	now := time.Now()
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.ends) >= maxBuckets {
		if now.Sub(m.swept) < time.Second {
			return
		}
		m.swept = now
		for other, end := range m.ends {
			if !end.After(now) {
				delete(m.ends, other)
			}
		}
		if len(m.ends) >= maxBuckets {
			clear(m.ends)
		}
	}
	m.ends[f] = now.Add(d)
}

// until says how long a flow is still remembered.
func (m *marks) until(f flow) (time.Duration, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	end, ok := m.ends[f]
	left := time.Until(end)
	if ok && left <= 0 {
		delete(m.ends, f)
	}
	return left, ok && left > 0
}
