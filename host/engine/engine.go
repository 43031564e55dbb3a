// Package engine runs the core: it gives a program an [abi.Caller].
//
//	e, err := engine.New(ctx, engine.Config{CacheDir: dir})
//	…
//	defer e.Close(ctx)
//	client := abi.Client{Caller: e}
//
// The default engine, "wazero", runs the WebAssembly module that is embedded in
// the program (package wasm/dist), the same bytes that browsers run. The engine
// "native" calls the same Go code directly; it is about four times as fast and
// has no sandbox. Both give the same answers.
//
// # What the sandbox does
//
// The module is compiled once and refused unless it has exactly the exports and
// at most the imports that are expected. Every instance has its own memory with
// an upper limit, system randomness, and no files, environment, arguments or
// network. An instance serves one call at a time and is thrown away after any
// error of the call itself (a trap, for example when its memory is used up),
// after a number of calls, and when its memory has grown; its memory is then
// overwritten. Answers of the core that are errors keep the instance.
//
// # What it does not do
//
// A running call is not interrupted when its context ends: the work of a call is
// bounded by the size of its request. Go's collector waits for running calls, see
// RATIONALE.md. The sandbox keeps a fault of the core away
// from the rest of the process. It does not protect the core's secrets from the
// process, which owns the memory of every instance.
package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/dispatch"
)

// The engines for Config.Kind.
const (
	Wazero = "wazero"
	Native = "native"
)

// ErrClosed is the error of a call to a closed engine.
var ErrClosed = errors.New("engine: closed")

// Config says which engine to make. The zero value is the usual one.
type Config struct {
	// Kind is "wazero", which is the default, or "native".
	Kind string

	// Module is the WebAssembly module. The default is the embedded one.
	Module []byte

	// CacheDir is a folder in which compiled code is kept, so that the next start
	// takes a tenth of a second instead of about a second. It is made if it
	// does not exist. It must be as well protected as the program, because what is
	// in it is run: a folder that is somebody else's or that others can write to
	// is not used. An unusable folder is not an error; the engine works without.
	// The default is no cache.
	CacheDir string

	// DeferSelfTest leaves the self-test of each suite to its first use. It is for
	// programs that run for a second: they start a sixteenth of a second earlier, and a
	// damaged module gives them an error when they use it. The default is to test
	// everything in New.
	DeferSelfTest bool

	// Instances is the largest number of instances, and so of calls that run at
	// once; others wait. The default is the number of processors. The native
	// engine does not limit calls.
	Instances int

	// Random replaces the system's randomness once an instance has started. It is
	// for tests that compare engines byte for byte, with one instance. The native
	// engine refuses it: there, tests replace the randomness of the core itself.
	Random io.Reader

	// MemoryLimitPages is the largest memory of an instance in pages of 64 KiB.
	// The default is 2048, which is 128 MiB: enough for the strongest accepted
	// key stretching (64 MiB).
	MemoryLimitPages uint32
}

// An Engine runs operations of the core. It is safe for concurrent use.
type Engine struct {
	kind string
	hash string
	backend
}

// A backend runs operations and returns complete responses.
type backend interface {
	run(ctx context.Context, op abi.Op, request []byte) (response []byte, err error)
	close(ctx context.Context) error
}

// New makes an engine. With wazero it compiles the module, checks it, and starts
// two instances to see that it works, that it gives the known answers of its
// self-test, and that their randomness differs.
func New(ctx context.Context, cfg Config) (*Engine, error) {
	switch cfg.Kind {
	case "", Wazero:
		m, hash, err := newMachine(ctx, cfg)
		if err != nil {
			return nil, fmt.Errorf("start the WebAssembly engine: %w", err)
		}
		return &Engine{kind: Wazero, hash: hash, backend: m}, nil
	case Native:
		if cfg.Random != nil {
			return nil, errors.New("the native engine cannot be given randomness")
		}
		e := &Engine{kind: Native, backend: &native{}}
		if cfg.DeferSelfTest {
			return e, nil
		}
		if err := (abi.Client{Caller: e}).SelfTest(ctx); err != nil {
			return nil, fmt.Errorf("start the native engine: %w", err)
		}
		return e, nil
	}
	return nil, fmt.Errorf("unknown engine %q: use %q or %q", cfg.Kind, Wazero, Native)
}

// Call runs an operation and returns its packed results. The error is an
// [*abi.Error] if it is the core's answer, [abi.ErrInternal] also if the
// instance failed, the context's if it ended before the call began, or
// [ErrClosed].
func (e *Engine) Call(ctx context.Context, op abi.Op, request []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(request) > abi.MaxRequest {
		return nil, abi.ErrTooLarge
	}
	response, err := e.run(ctx, op, request)
	if err != nil {
		return nil, err
	}
	return abi.Result(response)
}

// Kind returns "wazero" or "native".
func (e *Engine) Kind() string { return e.kind }

// ModuleHash returns the SHA-256 of the module in hex; it is empty for the native
// engine.
func (e *Engine) ModuleHash() string { return e.hash }

// Close asks running calls to stop, waits for them until ctx ends, and frees
// everything. If ctx ends first its error is returned and the rest happens when
// the last call has returned. Later calls get ErrClosed.
func (e *Engine) Close(ctx context.Context) error { return e.close(ctx) }

// native calls the core directly.
type native struct{ closed atomic.Bool }

func (n *native) run(_ context.Context, op abi.Op, request []byte) ([]byte, error) {
	if n.closed.Load() {
		return nil, ErrClosed
	}
	return dispatch.Handle(op, request), nil
}

func (n *native) close(context.Context) error {
	n.closed.Store(true)
	return nil
}
