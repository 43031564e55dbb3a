package server_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/recrypt-service/recrypt/host/api"
	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/dispatch"
)

// faulty is the core with an operation that fails in a given way.
type faulty struct {
	dispatch.Native
	op   abi.Op
	fail func() ([]byte, error)
}

func (f *faulty) Call(ctx context.Context, op abi.Op, request []byte) ([]byte, error) {
	if op == f.op && f.fail != nil {
		return f.fail()
	}
	return f.Native.Call(ctx, op, request)
}

// TestFaults: what goes wrong inside is told to the log, not to the client.
func TestFaults(t *testing.T) {
	for name, c := range map[string]struct {
		op    abi.Op
		cache int
	}{
		"transform": {abi.OpTransformKeyValue, 0}, "prepare": {abi.OpPrepareTransformKey, 1 << 20},
		"transform prepared": {abi.OpTransformKeyValues, 1 << 20}, "prepare, not kept": {abi.OpPrepareTransformKey, 1},
	} {
		t.Run(name, func(t *testing.T) { testFaults(t, c.op, c.cache) })
	}
}

func testFaults(t *testing.T, op abi.Op, cache int) {
	core := &faulty{op: op}
	w := newWorldOn(t, core)
	w.cache = cache
	w.restart()
	alice, bob := w.join(), w.join()
	w.grant(alice, bob)
	k := w.deposit(alice, alice)
	const inside = "trap at 0xdead"
	for name, c := range map[string]struct {
		fail func() ([]byte, error)
		want string
	}{
		"engine":            {func() ([]byte, error) { return nil, errors.New(inside) }, api.CodeInternal},
		"internal":          {func() ([]byte, error) { return nil, abi.ErrInternal }, api.CodeInternal},
		"stored value":      {func() ([]byte, error) { return nil, abi.ErrMalformed }, api.CodeInternal},
		"stopped":           {func() ([]byte, error) { return nil, abi.ErrStopped }, api.CodeBusy},
		"hung up":           {func() ([]byte, error) { return nil, context.Canceled }, api.CodeBusy},
		"panic":             {func() ([]byte, error) { panic(inside) }, api.CodeInternal},
		"nil dereference":   {func() ([]byte, error) { var e *abi.Error; return []byte(e.Message), nil }, api.CodeInternal},
		"answer not frames": {func() ([]byte, error) { return []byte{1}, nil }, api.CodeInternal},
	} {
		core.fail = c.fail
		r := w.get(bob, k.id)
		w.want(name, r, c.want)
		if strings.Contains(string(r.body), inside) || strings.Contains(string(r.body), "goroutine") || strings.Contains(string(r.body), ".go") {
			t.Errorf("%s: the answer tells too much: %s", name, r.body)
		}
		if c.want == api.CodeBusy && r.header.Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", name)
		}
	}
	if !strings.Contains(w.log.String(), inside) || !strings.Contains(w.log.String(), "panic") {
		t.Errorf("the log does not tell: %s", w.log)
	}
	core.fail = nil
	w.read(bob, k)

	w.store.Close()
	w.want("store is gone", w.get(bob, k.id), api.CodeInternal)
	w.want("not ready", w.do(request("GET", "/readyz", nil)), api.CodeBusy)
	w.want("still alive", w.do(request("GET", "/livez", nil)), "")
}
