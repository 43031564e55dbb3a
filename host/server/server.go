// Package server is the service: an [http.Handler] made from a [Config], and
// [Serve], which runs it on a folder.
//
// # The way of a request
//
// Every request passes one gate (gate.go), in this order, cheapest first:
//
//	address  so many requests, and so much that is refused, from one (limits.go)
//	target   canonical path, known route and method, no query
//	header   content type, no encoding, length; form and times of the signature, host
//	body     at most api.MaxBody bytes (grant_access: api.MaxGrantsBody), and a bounded sum of all bodies
//	slot     a bounded number of requests work at once, a bounded number waits, in fair turns (turnstile.go)
//	signature digest of the body, then the signer's key, so many requests of it, then the nonce
//	JSON     strict: exact names, no duplicates, nothing after the value
//
// and only then its handler, which is thin: it verifies records through the core
// ([abi.Client]), asks the store, and answers. Errors are [api.Problem] documents
// with a stable code; they never contain what was sent, and 404 is one constant
// answer for "absent" and "not yours". The answer is complete before the slot is
// left and sent afterwards, so that nobody holds a slot by reading slowly (answer.go).
//
// Documents do not pass the gate: after the address they are streamed, with slots and times of
// their own (repository.go). Nor do the files of the web app, which cost nothing but sending (app.go).
//
// # What it promises
//
//   - No answer, error or log line contains a transform key, and no handler can
//     read one except to apply it (keys.go).
//   - A revocation is answered after every transform key concerned is destroyed, what
//     is prepared of it (prepared.go) is overwritten, and the facts are on disk
//     (revocations.go). A transform looks at its grant again after the arithmetic, in the
//     transaction that records the opening, so none that starts after the answer succeeds
//     (transform.go). That revocation also closes the epoch: nothing is deposited until
//     the owner has opened the next one.
//   - An epoch opens whole or not at all: record, grants and their lines in the log are one
//     transaction (append.go).
//   - A nonce is claimed on disk before the request has any effect, so a request
//     sent twice is a replay, whatever became of the first.
//
// # What it does not
//
// It enforces expiry, not-before, scope, waiting periods and use limits, and it keeps the
// ledger; a server that does not keep its word, together with a reader, opens the whole
// epoch to which he once had a grant, and may leave that out of the ledger. Without a certificate it
// speaks plain HTTP, on loopback addresses or behind a proxy.
package server

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/blobs"
	"github.com/recrypt-service/recrypt/host/httpsig"
	"github.com/recrypt-service/recrypt/host/keyring"
	"github.com/recrypt-service/recrypt/host/mirror"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/translog"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// Config is what a Server is made of. The caller opens and closes the parts.
type Config struct {
	Store      store.Store
	Keyring    keyring.Keyring
	Caller     abi.Caller       // the core
	EngineKind string           // "wazero" or "native", shown by get_server
	Seed       []byte           // the server's seed, 32 bytes
	PublicURLs []string         // http(s)://host[:port]; at least one; what signatures may name
	Version    string           // software version, shown by get_server
	Clock      func() time.Time // nil: time.Now
	// PreparedBytes is how much memory prepared transform keys may take, see
	// DefaultPreparedBytes; 0: none are kept, each request prepares its own.
	PreparedBytes int
	// TransformedBytes is how much memory transformed values may take, see
	// DefaultTransformedBytes; 0: none are kept.
	TransformedBytes int

	// Shared says that other servers use the same store and keyring, at the same time.
	Shared bool

	Limits         Limits         // of identities and addresses; zero: none
	TrustedProxies []netip.Prefix // whose X-Forwarded-For is believed
	ProxySecret    []byte         // what a proxy shows in ProxyHeader; nil: it need not

	// CheckpointFile is where the newest checkpoint of the log is kept, outside the
	// database, so that an older database is noticed; "": nowhere.
	CheckpointFile string
	// Witnesses are asked to cosign checkpoints: each a verifier key, a space, a URL.
	Witnesses []string
	// AcceptOlderLog goes on with a database whose log is behind CheckpointFile, which New
	// otherwise refuses. Whoever has seen the newer log will refuse this one.
	AcceptOlderLog bool
	// KeyringLost marks the grants in a shared store as lost when the keyring is empty,
	// where New otherwise refuses to start: it may be another one than the other servers use.
	KeyringLost bool
	// Mirror is the folder of a mirror of the log, see package mirror; "": there is none.
	Mirror string

	// Blobs is where the document repository keeps documents; nil: there is none.
	Blobs blobs.Store

	// Edges may transform in the server's place, see getEdgeJobs: each an identity record in
	// unpadded base64url, or the id of an identity that is published here.
	Edges []string
	// AllowOrigins are the origins, scheme://host[:port], whose pages may use the server.
	AllowOrigins []string

	// App is the web app for browsers, shown at / and behind links; nil: there is none.
	App fs.FS

	Log *slog.Logger // nil: discarded
}

// A Server answers the requests of package api. It is safe for concurrent use. What it does
// without being asked is in [Server.Run]; beside that it follows the log while somebody
// watches live updates, and for the mirror, until [Server.Close].
type Server struct {
	store       store.Store
	keyring     keyring.Keyring
	core        abi.Client
	seed        []byte
	clock       func() time.Time
	log         *slog.Logger
	shared      bool
	authorities []string
	urls        []string
	version     string
	engine      string
	suites      []string // by name

	suiteNumbers []uint8

	record  []byte // our own signed record
	service *abi.Service
	id      string

	// What is opened in place of a collection that does not exist.
	standIn      store.CollectionRecord
	standInOwner []byte

	prepared    *preparedCache
	transformed *transformedCache
	longest     int // bytes that an answer with many keys may have
	page        int // items of a page
	policies    policies
	crowds      crowds
	verifying   lanes // batches of grants that are verified

	tree   tree           // the log
	older  atomic.Bool    // the database has gone back behind what was signed: nothing is opened
	mirror *mirror.Mirror // of the log; nil: there is none

	statement []byte // with which the log was begun anew; nil: it is the first

	documents *repository // nil: none
	site      *site       // nil: none
	edges     []*edge
	origins   origins

	recent *recent // its newest part, for live updates

	limits    *limiter
	proxies   proxies
	metrics   *metrics
	ops       operation
	sparseLog *slog.Logger // for what a flood causes
	spare     spare
	time      *watermark

	mux       *http.ServeMux
	routes    map[string]route // by pattern of mux
	described *huma.OpenAPI    // huma's part of the contract
	gate      *turnstile
	bodies    *budget // bytes of bodies that are held
	unsent    *budget // bytes of answers that are under way

	changing locks // collections whose grants are being changed
}

// New makes a Server: it derives the server's record from its seed and destroys
// every transform key that a crash left behind.
func New(ctx context.Context, cfg Config) (*Server, error) {
	if cfg.Store == nil || cfg.Keyring == nil || cfg.Caller == nil || len(cfg.PublicURLs) == 0 {
		return nil, errors.New("server needs a store, a keyring, an engine and a public url")
	}
	s := &Server{
		store: cfg.Store, keyring: cfg.Keyring, core: abi.Client{Caller: cfg.Caller}, seed: cfg.Seed,
		clock: cfg.Clock, log: cfg.Log, shared: cfg.Shared, version: cfg.Version, engine: cfg.EngineKind,
		routes: map[string]route{}, gate: newTurnstile(), bodies: newBudget(maxBodies), unsent: newBudget(maxUnsent),
		prepared: newSecretCache[[16]byte](cfg.PreparedBytes), transformed: newSecretCache[transformedName](cfg.TransformedBytes), longest: api.MaxAnswer, page: api.MaxPage, verifying: newLanes(), time: newWatermark(),
	}
	s.measure(&cfg)
	if s.clock == nil {
		s.clock = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.sparseLog = slog.New(newSparse(s.log.Handler()))
	for _, u := range cfg.PublicURLs {
		url, err := httpsig.NormaliseURL(u)
		if err != nil {
			return nil, fmt.Errorf("public url: %w", err)
		}
		authority, err := httpsig.Authority(url)
		if err != nil {
			return nil, fmt.Errorf("public url: %w", err)
		}
		s.urls, s.authorities = append(s.urls, url), append(s.authorities, authority)
	}
	var err error
	if s.site, err = newSite(cfg.App); err != nil {
		return nil, err
	}
	if s.origins, err = newOrigins(cfg.AllowOrigins); err != nil {
		return nil, err
	}
	if err := s.identify(ctx); err != nil {
		return nil, err
	}
	if err := s.openLog(ctx, &cfg); err != nil {
		return nil, err
	}
	if err := s.openStatement(ctx); err != nil {
		return nil, err
	}
	if err := s.openMirror(ctx, cfg.Mirror); err != nil {
		return nil, err
	}
	if err := s.reconcile(ctx, cfg.KeyringLost); err != nil {
		s.closeMirror()
		return nil, err
	}
	if err := s.enrol(ctx, cfg.Edges); err != nil {
		s.closeMirror()
		return nil, err
	}
	s.recent = newRecent(s.store, s.log)
	s.documents = newRepository(cfg.Blobs)
	s.register()
	return s, nil
}

// identify derives the server's own record.
func (s *Server) identify(ctx context.Context) (err error) {
	if s.record, err = s.core.NewService(ctx, s.seed); err != nil {
		return fmt.Errorf("make server record: %w", err)
	}
	if s.service, err = s.core.OpenService(ctx, s.record); err != nil {
		return fmt.Errorf("open server record: %w", err)
	}
	if s.id, err = s.core.FormatID(ctx, abi.KindService, s.service.ID); err != nil {
		return fmt.Errorf("format server id: %w", err)
	}
	version, suites, err := s.core.Info(ctx)
	if err != nil {
		return fmt.Errorf("ask the engine for its suites: %w", err)
	}
	if version != abi.Version {
		return fmt.Errorf("engine speaks version %d of the boundary, not %d", version, abi.Version)
	}
	if len(suites) == 0 {
		return errors.New("engine has no suite")
	}
	s.suiteNumbers = suites
	for _, number := range suites {
		s.suites = append(s.suites, abi.SuiteName(number))
	}
	return s.makeStandIn(ctx, suites)
}

// ID returns the server's id, "rsv1…".
func (s *Server) ID() string { return s.id }

// sweepEvery is how often Run destroys expired grants' keys. Expiry itself does
// not wait for it: every transform checks the time.
const sweepEvery = time.Minute

// Run sweeps once a minute, asks the witnesses for every new state of the log, and follows
// what other servers do, until ctx ends.
func (s *Server) Run(ctx context.Context) {
	var asking sync.WaitGroup
	defer asking.Wait()
	asking.Go(func() { s.askWitnesses(ctx) })
	if s.shared {
		asking.Go(func() { s.followLog(ctx) })
		asking.Go(func() { s.keepRetaining(ctx) })
	}
	asking.Go(func() { s.sweepUploads(ctx) })
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			start := time.Now()
			err := s.Sweep(ctx)
			s.metrics.sweep(time.Since(start), err)
			if err != nil && ctx.Err() == nil {
				s.log.Error("sweep failed", "error", err)
			}
		}
	}
}

// Sweep destroys the transform keys of expired grants and forgets old nonces.
func (s *Server) Sweep(ctx context.Context) error {
	now, err := s.now(ctx)
	if err != nil {
		return fmt.Errorf("read clock: %w", err)
	}
	expired, err := s.store.ExpireGrants(ctx, now, func(g store.Grant) store.LogEntry {
		return s.entry(ctx, translog.Entry{
			Kind: translog.Expired, Time: now, Owner: g.Owner, Collection: g.Collection, Epoch: g.Epoch,
			Subject: g.Reader, Grant: g.ID, Record: sha256.Sum256(g.Record),
		})
	})
	if err != nil {
		return fmt.Errorf("expire grants: %w", err)
	}
	if err := s.destroy(ctx, expired...); err != nil {
		return fmt.Errorf("destroy expired transform keys: %w", err)
	}
	// Nonces were claimed by the machine's clock, and are forgotten by it: after it
	// was ahead for a while, the other one would forget them at once.
	if err := s.store.PruneNonces(ctx, s.clock().UnixMilli()); err != nil {
		return fmt.Errorf("forget old nonces: %w", err)
	}
	return nil
}

// destroy destroys the transform keys of grants, and then what is made of them.
// In this order nothing can come into the cache afterwards: whoever has not opened a
// transform key by then cannot, and what came of those opened before is refused there.
// That holds too when destroying fails: see [keyring.Keyring].
func (s *Server) destroy(ctx context.Context, grants ...[16]byte) error {
	err := s.keyring.Destroy(ctx, grants...)
	s.forgetGrants(grants...)
	return err
}

// Close ends the mirror and all live updates, and overwrites what the server keeps in memory
// for speed: prepared transform keys and transformed values. Requests are answered without
// them from then on. The parts in the Config stay open.
func (s *Server) Close() {
	s.closeMirror()
	s.CloseStreams()
	if s.prepared.enabled() {
		stats := s.prepared.close()
		s.log.Info("prepared transform keys", "used", stats.hits, "made", stats.misses, "evicted", stats.evicted)
	}
	if s.transformed.enabled() {
		stats := s.transformed.close()
		s.log.Info("transformed values", "used", stats.hits, "made", stats.misses, "evicted", stats.evicted)
	}
}

func init() {
	// Both are package variables of huma. Nullable arrays are a form of our
	// requests that nobody needs, and names differing in case are not our names.
	huma.DefaultArrayNullable = false
	huma.ValidateStrictCasing = true
	huma.NewError = func(status int, _ string, _ ...error) huma.StatusError { return fromStatus(status) }
}
