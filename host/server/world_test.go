package server_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/engine"
	"github.com/recrypt-service/recrypt/host/hosttest"
	"github.com/recrypt-service/recrypt/host/httpsig"
	"github.com/recrypt-service/recrypt/host/keyring"
	"github.com/recrypt-service/recrypt/host/server"
	"github.com/recrypt-service/recrypt/host/store"
	"github.com/recrypt-service/recrypt/host/store/pgtest"
	"github.com/recrypt-service/recrypt/host/store/postgres"
	"github.com/recrypt-service/recrypt/host/store/sqlite"
	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/dispatch"
)

const (
	origin = "http://recrypt.test"
	suite  = 1 // recrypt256
)

// A world is a running server with real parts, and what tests need to talk to it.
type world struct {
	t        testing.TB
	dir      string
	database string // URL; "": in dir
	suite    uint8  // of new people and collections
	cache    int    // bytes for prepared transform keys
	kept     int    // bytes for transformed values
	caller   abi.Caller
	core     abi.Client
	seed     []byte
	service  *abi.Service
	store    store.Store
	keyring  keyring.Keyring
	server   *server.Server
	log      *lockedBuffer

	mu      sync.Mutex
	clock   time.Time
	answers [][]byte // every answer: status, header and body
}

func newWorld(t testing.TB) *world { return newWorldOn(t, dispatch.Native{}) }

// chosenEngine is the engine of RECRYPT_TEST_ENGINE, native if it is not set.
func chosenEngine(t testing.TB) abi.Caller {
	kind := os.Getenv("RECRYPT_TEST_ENGINE")
	if kind == "" {
		return dispatch.Native{}
	}
	e := must(engine.New(context.Background(), engine.Config{Kind: kind}))
	t.Cleanup(func() { e.Close(context.Background()) })
	return e
}

func newWorldOn(t testing.TB, caller abi.Caller) *world {
	w := &world{
		t: t, dir: t.TempDir(), suite: suite, cache: server.DefaultPreparedBytes, kept: server.DefaultTransformedBytes, caller: caller, core: abi.Client{Caller: caller},
		seed: random(32), clock: time.Now(), log: &lockedBuffer{},
	}
	record := must(w.core.NewService(context.Background(), w.seed))
	w.service = must(w.core.OpenService(context.Background(), record))
	w.start()
	t.Cleanup(w.stop)
	return w
}

// start opens the files and the server, as after a crash or for the first time.
func (w *world) start() {
	ctx := context.Background()
	w.openData(ctx)
	w.server = must(server.New(ctx, w.config(w.store)))
}

// openData opens store and keyring: files, or a PostgreSQL database if hosttest.DatabaseEnv asks
// for one.
func (w *world) openData(ctx context.Context) {
	if os.Getenv(hosttest.DatabaseEnv) == "postgres" && w.database == "" {
		w.database = pgtest.Start(w.t, pgtest.Options{}).Database(w.t)
	}
	if w.database != "" {
		w.store = must(postgres.Open(ctx, w.database))
		w.keyring = must(keyring.OpenPostgres(ctx, w.database, w.seed))
		return
	}
	w.store = must(sqlite.Open(ctx, filepath.Join(w.dir, "recrypt.db")))
	w.keyring = must(keyring.Open(filepath.Join(w.dir, "keyring.db")))
}

// needFiles skips a test that works on the files of an embedded database.
func (w *world) needFiles() {
	if w.database != "" {
		w.t.Skip("works on the files of an embedded database")
	}
}

func (w *world) config(s store.Store) server.Config {
	return server.Config{
		Store: s, Keyring: w.keyring, Shared: w.database != "", Caller: w.caller, EngineKind: "native", Seed: w.seed,
		PublicURLs: []string{origin}, Version: "test", Clock: w.now, PreparedBytes: w.cache, TransformedBytes: w.kept,
		Log: slog.New(slog.NewTextHandler(w.log, nil)), Edges: []string{anEdge().text()},
	}
}

func (w *world) stop() {
	w.server.Close()
	w.store.Close()
	w.keyring.Close()
}

func (w *world) restart() { w.stop(); w.start() }

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.clock
}

func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clock = w.clock.Add(d)
}

// A reply is an answer of the server.
type reply struct {
	status  int
	header  http.Header
	body    []byte
	problem api.Problem // if it is one
}

// do sends r as it is.
func (w *world) do(r *http.Request) reply {
	recorder := httptest.NewRecorder()
	w.server.ServeHTTP(recorder, r)
	result := recorder.Result()
	out := reply{status: result.StatusCode, header: result.Header, body: recorder.Body.Bytes()}
	if out.header.Get("Content-Type") == api.ContentTypeFault {
		if err := json.Unmarshal(out.body, &out.problem); err != nil && r.Method != http.MethodHead {
			w.t.Errorf("a problem that is not JSON: %v", err)
		}
		if out.problem.Status != out.status || out.problem.Type != "urn:recrypt:error:"+out.problem.Code {
			w.t.Errorf("a problem that contradicts itself: %d %+v", out.status, out.problem)
		}
	} else if out.status >= 400 {
		w.t.Errorf("status %d without a problem document: %s", out.status, out.header.Get("Content-Type"))
	}
	w.mu.Lock()
	w.answers = append(w.answers, fmt.Appendf(nil, "%d %v %s", out.status, out.header, out.body))
	w.mu.Unlock()
	return out
}

// request makes a request as the server receives it; body nil is none.
func request(method, target string, body []byte) *http.Request {
	r := httptest.NewRequest(method, target, nil)
	r.Host = "recrypt.test"
	if body != nil {
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		r.Header.Set("Content-Type", api.ContentTypeJSON)
	}
	return r
}

// sign signs r at the world's time.
func (w *world) sign(p *person, r *http.Request, body []byte) *http.Request {
	return w.signAt(p, r, body, w.now())
}

func (w *world) signAt(p *person, r *http.Request, body []byte, at time.Time) *http.Request {
	out := must(http.NewRequest(r.Method, origin+r.URL.RequestURI(), nil))
	out.Header = r.Header
	if err := httpsig.Sign(context.Background(), w.core, p.seed, fmt.Sprintf("%s/%d", p.id, p.identity.Version), out, body, at); err != nil {
		w.t.Fatal(err)
	}
	return r
}

// call sends a signed request with value as its body; nil is none.
func (w *world) call(p *person, method, target string, value any) reply {
	var body []byte
	if value != nil {
		body = must(json.Marshal(value))
	}
	return w.do(w.sign(p, request(method, target, body), body))
}

// raw sends a signed request with any body.
func (w *world) raw(p *person, method, target string, body []byte) reply {
	return w.do(w.sign(p, request(method, target, body), body))
}

// want fails the test unless the reply has a code; "" is success.
func (w *world) want(what string, r reply, code string) {
	w.t.Helper()
	if r.problem.Code != code || (code == "" && r.status != http.StatusOK) {
		w.t.Errorf("%s: got %d %q (%s), want %q", what, r.status, r.problem.Code, r.problem.Detail, code)
	}
}

// A person has an identity that is published.
type person struct {
	seed, record []byte
	identity     *abi.Identity
	id           string
	home         [16]byte // of the collection at hand; zero: the default one
	collection   []byte   // its newest record
	readers      []abi.ReaderRef
}

// newPerson makes an identity without publishing it.
func (w *world) newPerson() *person {
	ctx := context.Background()
	p := &person{seed: random(32)}
	p.record = must(w.core.NewIdentity(ctx, p.seed, random(32), []byte{w.suite}))
	p.identity = must(w.core.OpenIdentity(ctx, p.record))
	p.id = must(w.core.FormatID(ctx, abi.KindPerson, p.identity.ID))
	return p
}

func (w *world) join() *person {
	p := w.newPerson()
	w.want("create identity", w.call(p, "POST", api.PathIdentities, api.CreateIdentity{Record: p.record}), "")
	return p
}

// fields are those of the default collection's next record.
func (w *world) fields(p *person) *abi.CollectionFields {
	ctx := context.Background()
	f := &abi.CollectionFields{Service: w.service.ID, Suite: w.suite, Readers: p.readers}
	f.Collection = w.home(p)
	if p.collection == nil {
		copy(f.Salt[:], random(32))
		return f
	}
	old := must(w.core.OpenCollection(ctx, p.record, p.collection, nil))
	f.Epoch, f.Salt, f.Deposit, f.Authors = old.Epoch, old.Salt, old.Deposit, old.Authors
	return f
}

// next makes the next record of p's collection.
func (w *world) next(p *person, f *abi.CollectionFields) []byte {
	return must(w.core.NewCollection(context.Background(), p.seed, p.record, p.collection, f))
}

// grantTo makes a grant of p on a collection record.
func (w *world) grantTo(p *person, record []byte, reader *person, f abi.GrantFields) api.Grant {
	if f.Kind == 0 {
		f.Kind = abi.GrantDirect
	}
	if f.Grant == [16]byte{} {
		copy(f.Grant[:], random(16))
	}
	grant, key, err := w.core.NewGrant(context.Background(), p.seed, p.record, record, reader.record, &f)
	if err != nil {
		w.t.Fatal(err)
	}
	return api.Grant{Record: grant, TransformKey: key}
}

// proposal is a grant_access request that lets readers in, beside those who are.
func (w *world) proposal(p *person, f abi.GrantFields, readers ...*person) api.GrantAccess {
	fields := w.fields(p)
	for _, r := range readers {
		fields.Readers = append(fields.Readers[:len(fields.Readers):len(fields.Readers)], abi.ReaderRef{ID: r.identity.ID, Version: r.identity.Version})
	}
	out := api.GrantAccess{Collection: w.next(p, fields), Grants: []api.Grant{}}
	for _, r := range readers {
		out.Grants = append(out.Grants, w.grantTo(p, out.Collection, r, f))
	}
	return out
}

// accept remembers that the server took a proposal.
func (p *person) accept(in api.GrantAccess, readers ...*person) {
	p.collection = in.Collection
	for _, r := range readers {
		p.readers = append(p.readers, abi.ReaderRef{ID: r.identity.ID, Version: r.identity.Version})
	}
}

// grant lets readers in.
func (w *world) grant(p *person, readers ...*person) api.GrantAccess {
	w.t.Helper()
	in := w.proposal(p, abi.GrantFields{}, readers...)
	w.want("grant", w.call(p, "POST", api.PathGrants, in), "")
	p.accept(in, readers...)
	return in
}

// rotation is a grant_access request that opens the next epoch for readers, and nobody
// else.
func (w *world) rotation(p *person, f abi.GrantFields, readers ...*person) api.GrantAccess {
	fields := w.fields(p)
	fields.Epoch++
	copy(fields.Salt[:], random(32))
	fields.Readers = nil
	for _, r := range readers {
		fields.Readers = append(fields.Readers, abi.ReaderRef{ID: r.identity.ID, Version: r.identity.Version})
	}
	out := api.GrantAccess{Collection: w.next(p, fields), Grants: []api.Grant{}}
	for _, r := range readers {
		out.Grants = append(out.Grants, w.grantTo(p, out.Collection, r, f))
	}
	return out
}

// rotate opens the next epoch for readers.
func (w *world) rotate(p *person, readers ...*person) api.GrantAccess {
	w.t.Helper()
	in := w.rotation(p, abi.GrantFields{}, readers...)
	w.want("rotate", w.call(p, "POST", api.PathGrants, in), "")
	p.readers = nil
	p.accept(in, readers...)
	return in
}

// again are grants to readers on an older record of p's collection.
func (w *world) again(p *person, record []byte, readers ...*person) (out []api.Grant) {
	for _, r := range readers {
		out = append(out, w.grantTo(p, record, r, abi.GrantFields{}))
	}
	return out
}

// open opens the default collection without readers.
func (w *world) open(p *person) { w.t.Helper(); w.grant(p) }

// revocation makes a revocation record of p for reader.
func (w *world) revocation(p, reader *person) []byte {
	var id [16]byte
	copy(id[:], random(16))
	return must(w.core.NewRevocation(context.Background(), p.seed, p.record, p.collection, reader.identity.ID, id, uint64(w.now().UnixMilli())))
}

func (w *world) revoke(p, reader *person) reply {
	return w.call(p, "POST", api.PathRevocations, api.RevokeAccess{Revocation: w.revocation(p, reader)})
}

// aKey is a document key that an author made.
type aKey struct {
	id     string
	raw    [16]byte
	secret []byte
	in     api.CreateKey
}

func (w *world) newKey(author *person, collection []byte) aKey {
	return w.newKeyOf(author, collection, [16]byte(random(16)))
}

func (w *world) newKeyOf(author *person, collection []byte, id [16]byte) aKey {
	ctx := context.Background()
	k := aKey{raw: id}
	secret, value, err := w.core.NewKey(ctx, author.seed, author.record, collection, k.raw)
	if err != nil {
		w.t.Fatal(err)
	}
	record := must(w.core.NewKeyRecord(ctx, author.seed, author.record, collection, k.raw, value, nil, abi.Extensions{}))
	k.id, k.secret, k.in = api.FormatID(k.raw), secret, api.CreateKey{Record: record, Value: value}
	return k
}

// deposit makes a key in the owner's collection and stores it.
func (w *world) deposit(author, owner *person) aKey {
	w.t.Helper()
	k := w.newKey(author, owner.collection)
	w.want("deposit", w.call(author, "POST", api.PathKeys, k.in), "")
	return k
}

func transformPath(id string) string { return strings.Replace(api.PathTransform, "{id}", id, 1) }

func (w *world) get(p *person, id string) reply { return w.call(p, "POST", transformPath(id), nil) }

// read gets a key and opens it, as p.
func (w *world) read(p *person, k aKey) api.Key {
	w.t.Helper()
	r := w.get(p, k.id)
	w.want("get key", r, "")
	out := decode[api.Key](w.t, r)
	service := must(w.core.NewService(context.Background(), w.seed))
	secret, err := w.core.OpenKey(context.Background(), p.seed, p.record, out.Author, out.Collection, service, out.Record, out.Value)
	if err != nil || !bytes.Equal(secret, k.secret) {
		w.t.Errorf("the answer does not open: %v", err)
	}
	return out
}

// resign replaces the Ed25519 signature at the end of a record after change has
// edited its body, as its owner could.
func (p *person) resign(record []byte, change func(body []byte)) []byte {
	record = bytes.Clone(record)
	body := record[:len(record)-ed25519.SignatureSize]
	change(body)
	seed := must(hkdf.Key(sha256.New, p.seed, nil, "recrypt-service signing key v1", 32))
	copy(record[len(body):], ed25519.Sign(ed25519.NewKeyFromSeed(seed), body))
	return record
}

func decode[T any](t testing.TB, r reply) T {
	t.Helper()
	var out T
	if err := json.Unmarshal(r.body, &out); err != nil {
		t.Fatalf("answer %d does not decode: %v", r.status, err)
	}
	return out
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// lockedBuffer collects the log.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
