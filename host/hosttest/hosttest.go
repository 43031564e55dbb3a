// Package hosttest gives tests the real parts: a server on a temporary folder
// with its real store, keyring and engine, people with identities, and clients
// of them. Nothing here is a mock.
//
//	s := hosttest.NewServer(t, hosttest.Options{})
//	alice, bob := hosttest.NewPerson(t, "alice"), hosttest.NewPerson(t, "bob")
//	a := alice.Client(t, s.URL)
//	a.Publish(ctx)
//
// [Collection] makes records by hand, for states and requests that a client does not make.
package hosttest

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/blobs"
	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/engine"
	"github.com/recrypt-service/recrypt/host/server"
	"github.com/recrypt-service/recrypt/host/store/pgtest"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// EngineEnv names the environment variable that chooses the engine of the tests:
// "wazero", or "native", which is the default.
const EngineEnv = "RECRYPT_TEST_ENGINE"

// DatabaseEnv names the environment variable that lets the servers of tests keep their data
// in PostgreSQL: "postgres".
const DatabaseEnv = "RECRYPT_TEST_DATABASE"

// Caller returns the engine that all tests of a process share.
func Caller(t testing.TB) abi.Caller {
	t.Helper()
	e, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return e
}

var shared = sync.OnceValues(func() (*engine.Engine, error) {
	kind := engine.Native
	if k := os.Getenv(EngineEnv); k != "" {
		kind = k
	}
	return engine.New(context.Background(), engine.Config{Kind: kind})
})

// Options change a test server. The zero value is the usual one.
type Options struct {
	Dir   string                          // data folder; "": a temporary one
	Seed  []byte                          // the server's seed; nil: random
	Clock func() time.Time                // nil: time.Now
	Log   *slog.Logger                    // nil: discarded
	Wrap  func(http.Handler) http.Handler // put in front of the server; nil: nothing
	Addr  string                          // address to listen on; "": a free port

	// Database is the URL of a PostgreSQL database. "": a new one if DatabaseEnv asks for it,
	// else the file of an embedded database in Dir.
	Database string

	Witnesses []string    // see server.Config
	Blobs     blobs.Store // see server.Config; the test closes it

	KeyringLost bool // see server.Config
}

// A Server is a running server.
type Server struct {
	*server.Server
	URL      string
	Dir      string
	Seed     []byte
	Database string // URL; "": in Dir

	options Options
	clock   func() time.Time
	web     *httptest.Server
	now     atomic.Pointer[server.Server] // who answers
	parts   server.Parts
	stop    sync.Once
	ending  context.CancelFunc
	running sync.WaitGroup
}

// NewServer starts a server that stops with the test.
func NewServer(t testing.TB, o Options) *Server {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	if o.Seed == nil {
		o.Seed = Random(32)
	}
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", o.Addr)
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{options: o, Dir: o.Dir, Seed: o.Seed, Database: o.Database, URL: "http://" + listener.Addr().String(), clock: o.Clock}
	if s.clock == nil {
		s.clock = time.Now
	}
	if s.Database == "" && os.Getenv(DatabaseEnv) == "postgres" {
		s.Database = pgtest.Start(t, pgtest.Options{}).Database(t)
	}
	s.open(t)
	var handler http.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.now.Load().ServeHTTP(w, r) })
	if o.Wrap != nil {
		handler = o.Wrap(handler)
	}
	s.web = httptest.NewUnstartedServer(handler)
	s.web.Listener.Close()
	s.web.Listener = listener
	s.web.Start()
	t.Cleanup(func() { s.Stop(t) })
	return s
}

// open opens the data and makes the server of it.
func (s *Server) open(t testing.TB) {
	t.Helper()
	e, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	ctx, ending := context.WithCancel(context.Background())
	s.ending = ending
	if s.parts, err = open(ctx, s); err != nil {
		t.Fatal(err)
	}
	s.Server, err = server.New(ctx, server.Config{
		Store: s.parts.Store, Keyring: s.parts.Keyring, Shared: s.parts.Shared, Caller: e, EngineKind: e.Kind(),
		Seed: s.Seed, PublicURLs: []string{s.URL}, Version: "test", Clock: s.options.Clock, Log: s.options.Log,
		PreparedBytes: server.DefaultPreparedBytes, TransformedBytes: server.DefaultTransformedBytes,
		Witnesses: s.options.Witnesses, Blobs: s.options.Blobs, KeyringLost: s.options.KeyringLost,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.now.Store(s.Server)
	if s.parts.Shared { // it has to follow the others
		s.running.Go(func() { s.Run(ctx) })
	}
}

// close ends the server and closes its data.
func (s *Server) close(t testing.TB) {
	s.ending()
	s.running.Wait()
	s.Server.Close()
	if err := s.parts.Close(); err != nil {
		t.Errorf("close store and keyring: %v", err)
	}
}

// Stop stops the server and closes its files. A second call has no effect.
func (s *Server) Stop(t testing.TB) {
	s.stop.Do(func() {
		s.web.CloseClientConnections()
		s.web.Close()
		s.close(t)
	})
}

// Restart stops s and starts another server with the same data, seed and
// address.
func (s *Server) Restart(t testing.TB, o Options) *Server {
	t.Helper()
	s.Stop(t)
	o.Dir, o.Seed, o.Database, o.Addr = s.Dir, s.Seed, s.Database, s.web.Listener.Addr().String()
	return NewServer(t, o)
}

// LoseKeyring stops s and starts another server with the same data, but without its keyring.
func (s *Server) LoseKeyring(t testing.TB, o Options) *Server {
	t.Helper()
	s.Stop(t)
	if s.Database != "" {
		truncate(t, s.Database)
		o.KeyringLost = true
		return s.Restart(t, o)
	}
	for _, end := range []string{"", "-journal"} {
		if err := os.Remove(filepath.Join(s.Dir, "keyring.db"+end)); err != nil {
			t.Fatal(err)
		}
	}
	return s.Restart(t, o)
}

// A Person is an identity with its secrets.
type Person struct {
	Name   string
	Seed   []byte // 32 bytes
	Record []byte // identity
	ID     string // rid1…
	State  *client.MemoryState
}

// NewPerson makes an identity with random seeds and keys of suites, ascending; none
// means recrypt256, which costs the least.
func NewPerson(t testing.TB, name string, suites ...uint8) *Person {
	t.Helper()
	return PersonOf(t, name, Random(32), suites...)
}

// PersonOf makes the identity of a seed.
func PersonOf(t testing.TB, name string, seed []byte, suites ...uint8) *Person {
	t.Helper()
	if len(suites) == 0 {
		suites = []uint8{abi.Suite256}
	}
	ctx := context.Background()
	core := abi.Client{Caller: Caller(t)}
	record, err := core.NewIdentity(ctx, seed, Random(32), suites)
	if err != nil {
		t.Fatal(err)
	}
	v, err := core.OpenIdentity(ctx, record)
	if err != nil {
		t.Fatal(err)
	}
	id, err := core.FormatID(ctx, abi.KindPerson, v.ID)
	if err != nil {
		t.Fatal(err)
	}
	return &Person{Name: name, Seed: seed, Record: record, ID: id, State: client.NewMemoryState()}
}

// Config returns the configuration of a client of p for the server at url.
func (p *Person) Config(t testing.TB, url string) client.Config {
	return client.Config{
		Caller: Caller(t), Server: url, Seed: p.Seed, Identity: p.Record, State: p.State,
	}
}

// Client returns a client of p for the server at url.
func (p *Person) Client(t testing.TB, url string) *client.Client {
	t.Helper()
	c, err := client.New(p.Config(t, url))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Publish returns a client of p whose identity is published.
func (p *Person) Publish(t testing.TB, url string) *client.Client {
	t.Helper()
	c := p.Client(t, url)
	if err := c.Publish(context.Background()); err != nil {
		t.Fatalf("publish %s: %v", p.Name, err)
	}
	return c
}

// Random returns n random bytes.
func Random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}
