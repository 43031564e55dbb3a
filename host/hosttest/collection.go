package hosttest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/httpsig"
	"github.com/recrypt-service/recrypt/wasm/abi"
)

// A Clock is one for Options.Clock that stands still until a test moves it.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock returns a clock that shows the present time.
func NewClock() *Clock { return &Clock{now: time.Now()} }

// Now returns what the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Call sends a request signed by p, with in as its body (nil: none), and decodes the
// answer into out unless that is nil. It returns the code of the problem that was
// answered, empty for success.
func (s *Server) Call(t testing.TB, p *Person, method, path string, in, out any) (code string) {
	t.Helper()
	var body []byte
	if in != nil {
		body = must(json.Marshal(in))
	}
	r := must(http.NewRequest(method, s.URL+path, bytes.NewReader(body)))
	if in != nil {
		r.Header.Set("Content-Type", api.ContentTypeJSON)
	} else {
		r.Body, r.GetBody = nil, nil
	}
	core := abi.Client{Caller: Caller(t)}
	keyID := fmt.Sprintf("%s/%d", p.ID, p.opened(t).Version)
	if err := httpsig.Sign(context.Background(), core, p.Seed, keyID, r, body, s.clock()); err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		var problem api.Problem
		if err := json.NewDecoder(answer.Body).Decode(&problem); err != nil || problem.Code == "" {
			t.Fatalf("%s %s: %d without a problem", method, path, answer.StatusCode)
		}
		return problem.Code
	}
	if out == nil {
		_, err = io.Copy(io.Discard, answer.Body)
	} else {
		err = json.NewDecoder(answer.Body).Decode(out)
	}
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	return ""
}

// opened is the newest version of p's identity.
func (p *Person) opened(t testing.TB) *abi.Identity {
	t.Helper()
	v, err := abi.Client{Caller: Caller(t)}.OpenIdentity(context.Background(), p.Record)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Terms are what each reader is granted. The zero value is a direct grant of everything.
type Terms map[*Person]abi.GrantFields

// A Collection is one whose records a test makes by hand, without a client and its
// precautions: to bring a server into any state, or to ask it for what it must refuse.
//
//	c := s.NewCollection(t, alice, abi.DepositOpen)
//	c.Grant(t, hosttest.Terms{bob: {Kind: abi.GrantPending, Wait: 1000}})
//	c.Rotate(t, nil)
type Collection struct {
	Owner   *Person
	Record  []byte               // newest record
	Fields  abi.CollectionFields // of the newest record, but for the readers
	Readers map[[32]byte]uint32  // of the newest record, with their versions

	s *Server
}

// NewCollection stores the first record of a new collection of recrypt256. Owner and
// authors are published.
func (s *Server) NewCollection(t testing.TB, owner *Person, deposit uint8, authors ...*Person) *Collection {
	t.Helper()
	core := abi.Client{Caller: Caller(t)}
	service, err := core.OpenService(context.Background(), must(core.NewService(context.Background(), s.Seed)))
	if err != nil {
		t.Fatal(err)
	}
	c := &Collection{Owner: owner, s: s, Fields: abi.CollectionFields{
		Service: service.ID, Collection: [16]byte(Random(16)), Suite: abi.Suite256, Salt: [32]byte(Random(32)), Deposit: deposit,
	}}
	for _, a := range authors {
		c.Fields.Authors = append(c.Fields.Authors, a.opened(t).ID)
	}
	c.Send(t, c.Next(t, false, nil))
	return c
}

// Next makes a grant_access request that follows the newest record, and does not send it. In the
// same epoch the readers are added to those who are there; the next epoch has them
// only, and a fresh salt.
func (c *Collection) Next(t testing.TB, epoch bool, readers Terms) api.GrantAccess {
	t.Helper()
	ctx, core := context.Background(), abi.Client{Caller: Caller(t)}
	f, versions := c.Fields, map[[32]byte]uint32{}
	if epoch {
		f.Epoch, f.Salt = f.Epoch+1, [32]byte(Random(32))
	} else {
		maps.Copy(versions, c.Readers)
	}
	for r := range readers {
		v := r.opened(t)
		versions[v.ID] = v.Version
	}
	for id, version := range versions {
		f.Readers = append(f.Readers, abi.ReaderRef{ID: id, Version: version})
	}
	record, err := core.NewCollection(ctx, c.Owner.Seed, c.Owner.Record, c.Record, &f)
	if err != nil {
		t.Fatal(err)
	}
	out := api.GrantAccess{Collection: record, Grants: []api.Grant{}}
	for r, terms := range readers {
		if terms.Kind == 0 {
			terms.Kind = abi.GrantDirect
		}
		terms.Grant = [16]byte(Random(16))
		grant, key, err := core.NewGrant(ctx, c.Owner.Seed, c.Owner.Record, record, r.Record, &terms)
		if err != nil {
			t.Fatal(err)
		}
		out.Grants = append(out.Grants, api.Grant{Record: grant, TransformKey: key})
	}
	return out
}

// Send sends what Next has made, which must be accepted.
func (c *Collection) Send(t testing.TB, in api.GrantAccess) *api.GrantAccessAnswer {
	t.Helper()
	var out api.GrantAccessAnswer
	if code := c.s.Call(t, c.Owner, http.MethodPost, api.PathGrants, in, &out); code != "" {
		t.Fatalf("grant_access: %s", code)
	}
	v, err := abi.Client{Caller: Caller(t)}.OpenCollection(context.Background(), c.Owner.Record, in.Collection, nil)
	if err != nil {
		t.Fatal(err)
	}
	if v.Epoch != c.Fields.Epoch {
		c.Readers = nil
	}
	if c.Readers == nil {
		c.Readers = map[[32]byte]uint32{}
	}
	for _, g := range in.Grants {
		if g := must(abi.Client{Caller: Caller(t)}.OpenGrant(context.Background(), c.Owner.Record, nil, nil, g.Record, nil)); g.Epoch == v.Epoch {
			c.Readers[g.Reader] = g.ReaderVersion
		}
	}
	c.Record, c.Fields.Epoch, c.Fields.Salt = in.Collection, v.Epoch, v.Salt
	return &out
}

// Grant lets readers into the newest epoch.
func (c *Collection) Grant(t testing.TB, readers Terms) *api.GrantAccessAnswer {
	t.Helper()
	return c.Send(t, c.Next(t, false, readers))
}

// Rotate opens the next epoch for readers, and nobody else.
func (c *Collection) Rotate(t testing.TB, readers Terms) *api.GrantAccessAnswer {
	t.Helper()
	return c.Send(t, c.Next(t, true, readers))
}

// Revoke ends all grants of a reader. If there was one, Rotate has to follow.
func (c *Collection) Revoke(t testing.TB, reader *Person) *api.Receipt {
	t.Helper()
	core := abi.Client{Caller: Caller(t)}
	record, err := core.NewRevocation(context.Background(), c.Owner.Seed, c.Owner.Record, c.Record, reader.opened(t).ID, [16]byte(Random(16)), uint64(c.s.clock().UnixMilli()))
	if err != nil {
		t.Fatal(err)
	}
	var out api.Receipt
	if code := c.s.Call(t, c.Owner, http.MethodPost, api.PathRevocations, api.RevokeAccess{Revocation: record}, &out); code != "" {
		t.Fatalf("revoke_access: %s", code)
	}
	return &out
}

// Deposit stores a new bare key of an author, and returns its id or the code of the
// problem.
func (c *Collection) Deposit(t testing.TB, author *Person) (id, code string) {
	t.Helper()
	ctx, core, key := context.Background(), abi.Client{Caller: Caller(t)}, [16]byte(Random(16))
	_, value, err := core.NewKey(ctx, author.Seed, author.Record, c.Record, key)
	if err != nil {
		t.Fatal(err)
	}
	record, err := core.NewKeyRecord(ctx, author.Seed, author.Record, c.Record, key, value, nil, abi.Extensions{})
	if err != nil {
		t.Fatal(err)
	}
	return api.FormatID(key), c.s.Call(t, author, http.MethodPost, api.PathKeys, api.CreateKey{Record: record, Value: value}, nil)
}

// Get asks for a key, as p, and returns the code of the problem.
func (s *Server) Get(t testing.TB, p *Person, key string) (code string) {
	t.Helper()
	return s.Call(t, p, http.MethodPost, "/v1/keys/"+key+"/transform", nil, nil)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
