package server_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/host/blobs"
	"github.com/recrypt-service/recrypt/host/server"
	"github.com/recrypt-service/recrypt/host/store"
)

// burningStore fails where everything has to pass.
type burningStore struct {
	store.Store
	err error
}

func (b *burningStore) ClaimNonce(ctx context.Context, signer [32]byte, nonce string, expires int64) error {
	if b.err != nil {
		return b.err
	}
	return b.Store.ClaimNonce(ctx, signer, nonce, expires)
}

func (b *burningStore) Identity(ctx context.Context, id [32]byte) ([]store.Identity, error) {
	if b.err != nil && b.err != store.ErrFull {
		return nil, b.err
	}
	return b.Store.Identity(ctx, id)
}

func (b *burningStore) LogSize(ctx context.Context) (int64, error) {
	if b.err != nil && b.err != store.ErrFull {
		return 0, b.err
	}
	return b.Store.LogSize(ctx)
}

func (b *burningStore) Collections(ctx context.Context, owner [32]byte) ([][16]byte, error) {
	if b.err != nil {
		return nil, b.err
	}
	return b.Store.Collections(ctx, owner)
}

// brokenBlobs fails.
type brokenBlobs struct {
	blobs.Store
	err error
}

func (b *brokenBlobs) Size(context.Context, blobs.ID) (int64, error) { return 0, b.err }
func (b *brokenBlobs) Put(context.Context, blobs.ID, int64, io.Reader) (bool, error) {
	return false, b.err
}
func (b *brokenBlobs) Append(context.Context, blobs.ID, blobs.UploadID, blobs.Part, io.Reader) (blobs.Progress, error) {
	return blobs.Progress{}, b.err
}
func (b *brokenBlobs) Progress(context.Context, blobs.ID, blobs.UploadID) (blobs.Progress, error) {
	return blobs.Progress{}, b.err
}

var errFire = errors.New("the disk is on fire")

// sendAll sends a request of each operation, changed, and compares each answer with the document.
func (c *contract) sendAll(t *testing.T, change func(name string, a attempt) *http.Request) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(samples)) {
		a := samples[name](c, 1)
		if r := change(name, a); r != nil {
			if _, wrong := c.send(r, a.body); wrong != nil {
				t.Errorf("%s: %v", name, wrong)
			}
		}
	}
}

// provoke sends a request that must be answered with a code.
func (c *contract) provoke(t *testing.T, code string, a attempt) {
	t.Helper()
	out, wrong := c.send(c.request(a), a.body)
	if wrong != nil {
		t.Errorf("%s %s: %v", a.method, a.path, wrong)
	}
	if got := out.problem.Code; got != code && !(code == fmt.Sprint(out.status) && got == "") {
		t.Errorf("%s %s: %d %q (%s), want %q", a.method, a.path, out.status, got, out.problem.Detail, code)
	}
}

// TestContractCodes: each code that the document lists for an operation is answered by it as
// it says, and each operation can be done.
func TestContractCodes(t *testing.T) {
	c := newContract(t)
	plain := func(_ string, a attempt) *http.Request { return c.request(a) }
	for n := range 3 {
		c.sendAll(t, func(name string, a attempt) *http.Request { return c.request(samples[name](c, n)) })
	}
	c.gateCodes(t)
	c.operationCodes(t)
	c.documentCodes(t)

	c.with(func(cfg *server.Config) { cfg.ProxySecret = []byte("shown by the proxy only") })
	c.sendAll(t, plain)
	c.with(func(cfg *server.Config) { cfg.Limits.Address = server.Rate{PerSecond: 1e-9, Burst: 1} })
	c.answer(request("GET", api.PathServer, nil))
	c.sendAll(t, plain)
	c.broken = true
	for _, err := range []error{errFire, store.ErrFull, store.ErrUnavailable} {
		broken := &burningStore{Store: c.store}
		c.with(func(cfg *server.Config) { cfg.Store = broken })
		broken.err = err
		c.sendAll(t, func(name string, a attempt) *http.Request { broken.err = err; return c.request(a) })
	}
	for _, err := range []error{errFire, blobs.ErrUnavailable, blobs.ErrQuota} {
		c.with(func(cfg *server.Config) { cfg.Blobs = &brokenBlobs{c.blobs, err} })
		for _, name := range []string{"put_document", "put_document_part", "get_document", "head_document"} {
			if err != blobs.ErrQuota || strings.HasPrefix(name, "put") {
				c.provokeAny(t, samples[name](c, 0))
			}
		}
		if err != blobs.ErrQuota {
			c.provokeAny(t, get(nil, api.PathParts, c.documentID, api.FormatID([16]byte{})))
		}
	}
	c.broken = false
	c.with(func(cfg *server.Config) { cfg.Blobs = nil })
	c.sendAll(t, plain)
	c.coverage(t)
}

// provokeAny sends a request, whatever is answered.
func (c *contract) provokeAny(t *testing.T, a attempt) {
	t.Helper()
	if _, wrong := c.send(c.request(a), a.body); wrong != nil {
		t.Errorf("%s %s: %v", a.method, a.path, wrong)
	}
}

// gateCodes provokes what the gate answers, for each operation.
func (c *contract) gateCodes(t *testing.T) {
	signed := func(change func(a *attempt)) func(string, attempt) *http.Request {
		return func(_ string, a attempt) *http.Request {
			if a.who == nil {
				return nil
			}
			change(&a)
			return c.request(a)
		}
	}
	c.sendAll(t, func(_ string, a attempt) *http.Request {
		a.path += "?" + echoed
		return c.request(a)
	})
	c.sendAll(t, func(_ string, a attempt) *http.Request {
		r := c.request(a)
		r.Header.Set("Content-Encoding", "gzip")
		return r
	})
	c.sendAll(t, signed(func(a *attempt) { a.who = nil }))
	c.sendAll(t, signed(func(a *attempt) { a.who = c.nobody }))
	c.sendAll(t, func(_ string, a attempt) *http.Request { // signed too long ago
		if a.who == nil {
			return nil
		}
		who := a.who
		a.who = nil
		return c.signAt(who, c.request(a), a.body, c.now().Add(-10*time.Minute))
	})
	c.sendAll(t, func(_ string, a attempt) *http.Request { // and twice
		if a.who == nil {
			return nil
		}
		r := c.request(a)
		c.answer(r)
		return again(r, a.body)
	})
	c.sendAll(t, func(name string, a attempt) *http.Request { // too large
		if a.body == nil {
			return nil
		}
		a.body = []byte(`{"x":"` + strings.Repeat("A", api.MaxGrantsBody) + `"}`)
		return c.request(a)
	})
	c.sendAll(t, func(_ string, a attempt) *http.Request { // the client has gone
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		return c.request(a).WithContext(ctx)
	})
	c.sendAll(t, func(_ string, a attempt) *http.Request { // and has the newest state already
		first := c.answer(c.request(a))
		if a.method != http.MethodGet && a.method != http.MethodHead || first.header.Get("ETag") == "" {
			return nil
		}
		a.header = http.Header{"If-None-Match": {first.header.Get("ETag")}}
		return c.request(a)
	})
	for _, name := range slices.Sorted(maps.Keys(samples)) { // one key for two requests
		a, b := samples[name](c, 1), samples[name](c, 0)
		if a.who == nil || a.body == nil {
			continue
		}
		key := http.Header{api.IdempotencyHeader: {"again-" + name}}
		a.header, b.header, b.who = key, key, a.who
		c.provokeAny(t, a)
		b.body = append([]byte(" "), a.body...) // means the same, and is another request
		c.provokeAny(t, b)
	}
}
