package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/bench/load/openloop"
	"github.com/recrypt-service/recrypt/host/httpsig"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// A person is an identity with its seed.
type person struct {
	seed, record []byte
	id           [32]byte
	signing      [32]byte
	text, keyID  string
}

// A folder is a collection of one suite with its readers and documents' keys.
type folder struct {
	suite   uint8
	id      [16]byte
	record  []byte
	owner   *person
	readers []*person // all with a grant
	keys    []string  // deposited by the owner
	firstID [16]byte
	first   []byte // what the first key opens to

}

// A world is who and what is on a server: made through the API, as clients would.
type world struct {
	core    abi.Client
	service *abi.Service
	record  []byte // of the service
	readers []*person
	folders map[uint8]*folder
}

// size says how large a world is.
type size struct{ readers, keys int }

// makeWorld fills an empty server: one folder for each suite, all readers in each.
func makeWorld(ctx context.Context, core abi.Client, address string, n size, suites []uint8) (*world, error) {
	w := &world{core: core, folders: map[uint8]*folder{}}
	if err := w.learn(ctx, address); err != nil {
		return nil, err
	}
	people, err := w.people(ctx, address, n.readers+len(suites))
	if err != nil {
		return nil, fmt.Errorf("publish identities: %w", err)
	}
	w.readers = people[len(suites):]
	for i, suite := range suites {
		f := &folder{suite: suite, owner: people[i], readers: w.readers}
		if err := w.share(ctx, address, f); err != nil {
			return nil, fmt.Errorf("grant %s to readers: %w", abi.SuiteName(suite), err)
		}
		if err := w.deposit(ctx, address, f, n.keys); err != nil {
			return nil, fmt.Errorf("deposit keys of %s: %w", abi.SuiteName(suite), err)
		}
		w.folders[suite] = f
	}
	return w, nil
}

// learn asks the server who it is.
func (w *world) learn(ctx context.Context, address string) error {
	var out api.Server
	raw := rawRequest(http.MethodGet, address, api.PathServer, nil, nil)
	if err := w.exchange(ctx, openloop.NewWire(address, callTimeout), raw, &out); err != nil {
		return fmt.Errorf("ask the server for its record: %w", err)
	}
	var err error
	w.record = out.Record
	w.service, err = w.core.OpenService(ctx, out.Record)
	return err
}

// people publishes n new identities with keys of both suites.
func (w *world) people(ctx context.Context, address string, n int) ([]*person, error) {
	all := make([]*person, n)
	err := each(n, func(wire *openloop.Wire, i int) (err error) {
		if all[i], err = newPerson(ctx, w.core); err != nil {
			return err
		}
		return w.call(ctx, wire, all[i], http.MethodPost, api.PathIdentities, api.CreateIdentity{Record: all[i].record}, nil)
	}, address)
	return all, err
}

func newPerson(ctx context.Context, core abi.Client) (*person, error) {
	p := &person{seed: random(32)}
	var err error
	if p.record, err = core.NewIdentity(ctx, p.seed, random(32), []uint8{abi.Suite256, abi.Suite480}); err != nil {
		return nil, err
	}
	v, err := core.OpenIdentity(ctx, p.record)
	if err != nil {
		return nil, err
	}
	p.id, p.signing = v.ID, v.SigningKey
	if p.text, err = core.FormatID(ctx, abi.KindPerson, v.ID); err != nil {
		return nil, err
	}
	p.keyID = fmt.Sprintf("%s/%d", p.text, v.Version)
	return p, nil
}

// share makes the folder's collection with a grant to every reader, in one request.
func (w *world) share(ctx context.Context, address string, f *folder) error {
	f.id = [16]byte(random(16))
	fields := abi.CollectionFields{
		Service: w.service.ID, Collection: f.id, Suite: f.suite, Salt: [32]byte(random(32)), Deposit: abi.DepositClosed,
	}
	items := make([]abi.NewGrant, len(f.readers))
	for i, r := range f.readers {
		fields.Readers = append(fields.Readers, abi.ReaderRef{ID: r.id, Version: 1})
		items[i] = abi.NewGrant{Reader: r.record, GrantFields: abi.GrantFields{Grant: [16]byte(random(16)), Kind: abi.GrantDirect}}
	}
	var err error
	if f.record, err = w.core.NewCollection(ctx, f.owner.seed, f.owner.record, nil, &fields); err != nil {
		return err
	}
	outcomes, err := w.core.NewGrants(ctx, f.owner.seed, f.owner.record, f.record, items)
	if err != nil {
		return err
	}
	in := api.GrantAccess{Collection: f.record, Grants: []api.Grant{}}
	for _, o := range outcomes {
		if o.Err != nil {
			return o.Err
		}
		in.Grants = append(in.Grants, api.Grant{Record: o.Grant, TransformKey: o.TransformKey})
	}
	return w.call(ctx, openloop.NewWire(address, api.GrantSeconds*time.Second), f.owner, http.MethodPost, api.PathGrants, in, nil)
}

// deposit stores n keys of the owner.
func (w *world) deposit(ctx context.Context, address string, f *folder, n int) error {
	f.keys = make([]string, n)
	var mu sync.Mutex
	return each(n, func(wire *openloop.Wire, i int) error {
		id := [16]byte(random(16))
		key, value, err := w.core.NewKey(ctx, f.owner.seed, f.owner.record, f.record, id)
		if err != nil {
			return err
		}
		record, err := w.core.NewKeyRecord(ctx, f.owner.seed, f.owner.record, f.record, id, value, nil, abi.Extensions{})
		if err != nil {
			return err
		}
		in := api.CreateKey{Record: record, Value: value}
		mu.Lock()
		if f.keys[i] = api.FormatID(id); i == 0 {
			f.firstID, f.first = id, key
		}
		mu.Unlock()
		return w.call(ctx, wire, f.owner, http.MethodPost, api.PathKeys, in, nil)
	}, address)
}

// check opens the folder's first key as a reader does who trusts nobody, so that what is
// measured is the real thing.
func (w *world) check(ctx context.Context, address string, f *folder) error {
	var out api.Key
	reader := f.readers[0]
	wire := openloop.NewWire(address, callTimeout)
	if err := w.call(ctx, wire, reader, http.MethodPost, transformPath(f.keys[0]), nil, &out); err != nil {
		return err
	}
	if out.Level != 1 {
		return fmt.Errorf("the answer is of level %d, not transformed", out.Level)
	}
	key, err := w.core.OpenKey(ctx, reader.seed, reader.record, out.Author, out.Collection, w.record, out.Record, out.Value)
	if err != nil {
		return fmt.Errorf("open what the server transformed: %w", err)
	}
	if !bytes.Equal(key, f.first) {
		return errors.New("the server's answer opens to another key")
	}
	return nil
}

// callTimeout is for one request, and as long as the server's own patience with a queue, and more.
const callTimeout = 20 * time.Second

// call sends a signed request and decodes its answer into out, unless that is nil.
func (w *world) call(ctx context.Context, wire *openloop.Wire, p *person, method, path string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	raw, err := w.sign(ctx, p, method, wire.Address(), path, body, time.Now())
	if err != nil {
		return err
	}
	return w.exchange(ctx, wire, raw, out)
}

func (w *world) exchange(ctx context.Context, wire *openloop.Wire, raw []byte, out any) error {
	a, body := wire.Fetch(ctx, raw)
	if a.Err != nil {
		return a.Err
	}
	if a.Status != http.StatusOK {
		var problem api.Problem
		_ = json.Unmarshal(body, &problem)
		return fmt.Errorf("the server answers %d %s", a.Status, problem.Code)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(body, out)
}

// sign writes a request down, signed as of a time, ready to be sent around then.
func (w *world) sign(ctx context.Context, p *person, method, address, path string, body []byte, at time.Time) ([]byte, error) {
	r, err := http.NewRequest(method, "http://"+address+path, nil)
	if err != nil {
		return nil, err
	}
	if err := httpsig.Sign(ctx, w.core, p.seed, p.keyID, r, body, at); err != nil {
		return nil, err
	}
	return rawRequest(method, address, path, r.Header, body), nil
}

// rawRequest is a request as it goes over the wire.
func rawRequest(method, address, path string, header http.Header, body []byte) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, path, address)
	_ = header.Write(&b) // a buffer
	if body != nil {
		fmt.Fprintf(&b, "Content-Type: %s\r\nContent-Length: %d\r\n", api.ContentTypeJSON, len(body))
	} else if method == http.MethodPost {
		b.WriteString("Content-Length: 0\r\n")
	}
	b.WriteString("\r\n")
	b.Write(body)
	return b.Bytes()
}

func transformPath(key string) string { return strings.Replace(api.PathTransform, "{id}", key, 1) }

// each calls do for 0 to n-1, eight at once, each with a connection from an address of its
// own; the first error ends it.
func each(n int, do func(wire *openloop.Wire, i int) error, address string) error {
	var mu sync.Mutex
	var failed error
	next := 0
	take := func() int {
		mu.Lock()
		defer mu.Unlock()
		if failed != nil || next == n {
			return -1
		}
		next++
		return next - 1
	}
	var working sync.WaitGroup
	for w := range min(8, n) {
		working.Go(func() {
			wire := openloop.NewWireFrom(home(w), address, callTimeout)
			defer wire.Close()
			for i := take(); i >= 0; i = take() {
				if err := do(wire, i); err != nil {
					mu.Lock()
					failed = errors.Join(failed, err)
					mu.Unlock()
				}
			}
		})
	}
	working.Wait()
	return failed
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return b
}
