package statespace

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/client"
	"github.com/recrypt-service/recrypt/host/keyring"
	"github.com/recrypt-service/recrypt/host/keystore"
	"github.com/recrypt-service/recrypt/host/server"
	"github.com/recrypt-service/recrypt/host/store/sqlite"
	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/dispatch"
)

const origin = "http://recrypt.test"

var (
	ctx   = context.Background()
	epoch = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	core  = abi.Client{Caller: &memo{inner: dispatch.Native{}}}
)

// A memo remembers what the core has answered. All steps from one state draw the same
// random bytes, so that most of what they compute is the same.
type memo struct {
	inner   abi.Caller
	mu      sync.Mutex
	answers map[[sha256.Size]byte][]byte
}

// maxMemo bounds the memory of a memo, which then forgets everything.
const maxMemo = 500_000

// Call implements abi.Caller.
func (m *memo) Call(ctx context.Context, op abi.Op, request []byte) ([]byte, error) {
	name := sha256.Sum256(append(binary.BigEndian.AppendUint32(nil, uint32(op)), request...))
	m.mu.Lock()
	answer, ok := m.answers[name]
	m.mu.Unlock()
	if ok {
		return bytes.Clone(answer), nil
	}
	answer, err := m.inner.Call(ctx, op, request)
	if err == nil {
		m.mu.Lock()
		if m.answers == nil || len(m.answers) > maxMemo {
			m.answers = map[[sha256.Size]byte][]byte{}
		}
		m.answers[name] = bytes.Clone(answer)
		m.mu.Unlock()
	}
	return answer, err
}

// A person is an identity of the cast.
type person struct {
	name   string
	seed   []byte
	record []byte
	id     string
	raw    [32]byte
	home   [16]byte // default collection
}

// The cast is the same in all worlds.
type cast struct {
	seed    []byte // the server's
	people  map[string]*person
	devices map[string]*person // by name: "a1" and "a2" are alice's
}

var theCast = sync.OnceValue(func() *cast {
	c := &cast{seed: random(32), people: map[string]*person{}, devices: map[string]*person{}}
	service := must(core.OpenService(ctx, must(core.NewService(ctx, c.seed))))
	for _, name := range []string{"alice", "bob", "carol", "dave"} {
		p := &person{name: name, seed: random(32)}
		p.record = must(core.NewIdentity(ctx, p.seed, random(32), []byte{abi.Suite256}))
		p.raw = must(core.OpenIdentity(ctx, p.record)).ID
		p.id = must(core.FormatID(ctx, abi.KindPerson, p.raw))
		p.home = must(core.DefaultCollection(ctx, p.seed, service.ID))
		c.people[name] = p
		c.devices[name[:1]+"1"] = p
	}
	c.devices["a2"] = c.people["alice"]
	return c
})

// A world is a running server on a folder of its own, and the devices.
type world struct {
	*cast
	dir     string
	clock   time.Duration // since epoch
	store   *sqlite.Store
	rows    *rows
	high    time.Duration // the latest that the open store may have seen
	keyring keyring.Keyring
	crash   *crasher
	server  *server.Server
	ghost   *ghost
	notes   []string           // broken rules
	midway  func(state string) // told of every answer to a request that writes; may be nil
}

// newWorld makes an empty folder, in memory where there is such a place.
func newWorld(t testing.TB) *world {
	parent := ""
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		parent = "/dev/shm"
	}
	dir, err := os.MkdirTemp(parent, "statespace")
	if err != nil {
		dir = t.TempDir()
	}
	w := &world{cast: theCast(), dir: dir, ghost: newGhost()}
	t.Cleanup(func() { w.stop(); os.RemoveAll(dir) })
	return w
}

func (w *world) now() time.Time { return epoch.Add(w.clock) }

// start opens the files, those that are not open, and the server.
func (w *world) start() error {
	var err error
	if w.store == nil {
		path := filepath.Join(w.dir, "server", "recrypt.db")
		if w.store, err = sqlite.Open(ctx, path); err != nil {
			return err
		}
		if w.rows, err = openRows(path); err != nil {
			return err
		}
		w.high = w.clock
	}
	if w.keyring, err = keyring.Open(filepath.Join(w.dir, "server", "keyring.db")); err != nil {
		return err
	}
	w.crash = &crasher{Store: w.store}
	w.server, err = server.New(ctx, server.Config{
		Store: w.crash, Keyring: w.keyring, Caller: core.Caller, EngineKind: "native", Seed: w.seed,
		PublicURLs: []string{origin}, Version: "test", Clock: w.now,
	})
	return err
}

func (w *world) stop() {
	w.halt()
	if w.store != nil {
		w.rows.Close()
		w.store.Close()
	}
	w.store, w.rows = nil, nil
}

// halt stops all but the store, which takes longest to open.
func (w *world) halt() {
	if w.server != nil {
		w.server.Close()
	}
	if w.keyring != nil {
		w.keyring.Close()
	}
	w.server, w.keyring = nil, nil
}

func (w *world) restart() error { w.stop(); return w.start() }

// device returns a client of a device; what it remembers is in a file.
func (w *world) device(name string, plan *plan) *client.Client {
	home := must(keystore.Open(filepath.Join(w.dir, "devices")))
	dir := filepath.Join(w.dir, "devices", "identities", name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		panic(err)
	}
	p := w.devices[name]
	return must(client.New(client.Config{
		Caller: core.Caller, Server: origin, Seed: p.seed, Identity: p.record, State: home.State(name), Now: w.now,
		HTTP: &http.Client{Transport: &wire{w: w, plan: plan}},
	}))
}

// A snapshot is a world at rest: the rows of its store, and its other files.
type snapshot struct {
	tables tables
	files  map[string][]byte
}

// snapshot halts the world.
func (w *world) snapshot() snapshot {
	w.halt()
	s := snapshot{tables: must(w.rows.dump()), files: map[string][]byte{}}
	err := filepath.WalkDir(w.dir, func(path string, d fs.DirEntry, err error) error {
		name := filepath.Base(path)
		if err != nil || d.IsDir() || filepath.Ext(path) == ".lock" || name == "lock" || strings.HasPrefix(name, "recrypt.db") {
			return err
		}
		content, err := os.ReadFile(path)
		s.files[must(filepath.Rel(w.dir, path))] = content
		return err
	})
	if err != nil {
		panic(err)
	}
	return s
}

// restore makes a world that has begun what it was at a snapshot, and halts it. The store
// remembers how late it was, so it is opened anew before it goes back.
func (w *world) restore(s snapshot, clock time.Duration) {
	w.halt()
	if clock < w.high {
		w.stop()
		w.rows = must(openRows(filepath.Join(w.dir, "server", "recrypt.db")))
		defer func() { w.rows.Close(); w.rows = nil }()
	}
	if err := w.rows.load(s.tables); err != nil {
		panic(err)
	}
	for _, part := range []string{"devices", "server/keyring.db", "server/keyring.db-journal", "server/checkpoint"} {
		if err := os.RemoveAll(filepath.Join(w.dir, part)); err != nil {
			panic(err)
		}
	}
	for name, content := range s.files {
		path := filepath.Join(w.dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, content, 0o600)); err != nil {
			panic(err)
		}
	}
}

// A ghost is what nobody in the world knows as a whole, and rules are about.
type ghost struct {
	revoked map[pair]bool       // acknowledged, and no grant tried since
	docs    []doc               // deposited, as far as authors know
	heads   map[[16]byte]seen   // what was acknowledged to owners
	epochs  map[[32]byte]uint32 // epoch of every collection record ever sent, by hash
	keys    map[string][32]byte // epoch key → the record that opened an epoch with it
	logSize int64
	logRoot [32]byte
}

type pair struct{ owner, reader string }

type doc struct {
	owner, key string
	epoch      uint32
}

type seen struct {
	sequence uint64
	hash     [32]byte
}

func newGhost() *ghost {
	return &ghost{revoked: map[pair]bool{}, heads: map[[16]byte]seen{}, epochs: map[[32]byte]uint32{}, keys: map[string][32]byte{}}
}

func (g *ghost) clone() *ghost {
	out := *g
	out.revoked, out.heads = maps.Clone(g.revoked), maps.Clone(g.heads)
	out.epochs, out.keys = maps.Clone(g.epochs), maps.Clone(g.keys)
	out.docs = append([]doc(nil), g.docs...)
	return &out
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
