// Package abitest is the conformance suite of the boundary: what every engine
// must do, whichever language it is written in.
//
// [Run] runs it on an [abi.Caller]. It goes through every operation with good and
// bad arguments, through the recorded answers of the upstream library, and
// through the whole story of the protocol, from seeds to a revocation.
//
// [Record] runs the reproducible part of it on the native core under a fixed
// random stream and writes down every request and response. [Transcript.Replay]
// repeats the requests on another engine, whose randomness must be a fresh
// [NewStream] of the same seed, and compares the responses byte for byte. The
// transcript is JSON, so that an engine in another language can do the same:
//
//	go run ./wasm/abi/abitest/transcript -out FILE
package abitest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// Run checks that caller behaves as the boundary says. With -short it leaves out
// most of the recorded cases, which repeat each other. Of those cases the native core
// repeats the whole chains, other engines the first transform.
func Run(t *testing.T, caller abi.Caller) { run(t, caller, scenarios()) }

func run(t *testing.T, caller abi.Caller, scenarios []scenario) {
	for _, s := range scenarios {
		if s.long && testing.Short() {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			if err := s.check(t.Context(), caller); err != nil {
				t.Error(err)
			}
		})
	}
}

// A scenario is a sequence of calls with what is expected of them.
type scenario struct {
	name     string
	long     bool // not with -short
	recorded bool // part of the transcript
	run      func(s suite)
}

// scenarios returns all scenarios in a fixed order.
func scenarios() []scenario {
	all := []scenario{
		{name: "info", recorded: true, run: info},
		{name: "frames", recorded: true, run: frames},
		{name: "bounds", run: bounds},
		{name: "lengths", recorded: true, run: lengths},
		{name: "signatures", recorded: true, run: signatures},
		{name: "ids", recorded: true, run: ids},
		{name: "sealed", recorded: true, run: sealed},
		{name: "requests", recorded: true, run: requests},
		{name: "headers", recorded: true, run: headers},
		{name: "story", recorded: true, run: func(s suite) { story(s, suite256) }},
		{name: "story of recrypt480", recorded: true, run: func(s suite) { story(s, suite480) }},
		{name: "versions", recorded: true, run: versions},
		{name: "mixed suites", recorded: true, run: mixed},
		{name: "damage", recorded: true, run: damage},
		{name: "checkpoints", recorded: true, run: checkpoints},
		{name: "log", recorded: true, run: followLog},
		{name: "changes of keys", recorded: true, run: life},
		{name: "safety numbers", recorded: true, run: safety},
		{name: "links", recorded: true, run: links},
	}
	for _, v := range []variant{variants[suite256], variants[suite480]} {
		of := " of " + abi.SuiteName(v.number)
		all = append(all,
			scenario{name: "keys" + of, recorded: true, run: func(s suite) { keys(s, v) }},
			scenario{name: "schnorr" + of, recorded: true, run: func(s suite) { schnorr(s, v) }},
			scenario{name: "levels" + of, recorded: true, run: func(s suite) { levels(s, v) }},
			scenario{name: "batches" + of, recorded: true, run: func(s suite) { batches(s, v) }},
			scenario{name: "fresh" + of, run: func(s suite) { fresh(s, v) }})
	}
	for _, name := range embedded() {
		all = append(all, embeddedFile(name).scenarios()...)
	}
	return all
}

// A suite is what a scenario works with.
type suite struct {
	ctx context.Context
	abi.Client
}

// check runs the scenario and returns the first thing that is wrong.
func (s scenario) check(ctx context.Context, caller abi.Caller) (err error) {
	defer func() {
		if r := recover(); r != nil {
			f, ok := r.(failure)
			if !ok {
				panic(r)
			}
			err = f
		}
	}()
	s.run(suite{ctx, abi.Client{Caller: caller}})
	return nil
}

// A failure ends a scenario.
type failure struct {
	where string
	error
}

func (f failure) Error() string { return f.where + ": " + f.error.Error() }
func (f failure) Unwrap() error { return f.error }

// fail ends the scenario; the place that is named is two calls up.
func fail(format string, args ...any) {
	_, file, line, _ := runtime.Caller(2)
	panic(failure{fmt.Sprintf("%s:%d", filepath.Base(file), line), fmt.Errorf(format, args...)})
}

// get returns v unless there is an error.
func get[T any](v T, err error) T {
	if err != nil {
		fail("%w", err)
	}
	return v
}

// get2 is get for two results.
func get2[A, B any](a A, b B, err error) (A, B) {
	if err != nil {
		fail("%w", err)
	}
	return a, b
}

// ok ends the scenario if there is an error.
func ok(err error) {
	if err != nil {
		fail("%w", err)
	}
}

// same ends the scenario unless two values are equal.
func same[T comparable](got, want T) {
	if got != want {
		fail("got %v, want %v", got, want)
	}
}

// equal ends the scenario unless two byte strings are equal.
func equal(got, want []byte) {
	if !bytes.Equal(got, want) {
		fail("got %x, want %x", got, want)
	}
}

// differ ends the scenario if two byte strings are equal.
func differ(a, b []byte) {
	if bytes.Equal(a, b) {
		fail("the same bytes twice")
	}
}

// refused ends the scenario unless err is the core's answer with the status of
// want. Call it as refused(abi.ErrX)(client.Op(…)) for operations with a result.
func refused(want *abi.Error, err error) {
	if err == nil {
		fail("accepted, want %q", want)
	}
	if !errors.Is(err, want) {
		fail("status %d (%v), want %d", statusOf(err), err, want.Status)
	}
}

// statusOf returns the status of an error, 255 if it has none.
func statusOf(err error) abi.Status {
	if e, ok := errors.AsType[*abi.Error](err); ok {
		return e.Status
	}
	return 255
}

// second returns the error of an operation with one result.
func second[T any](_ T, err error) error { return err }

// third returns the error of an operation with two results.
func third[A, B any](_ A, _ B, err error) error { return err }

// raw runs an operation on a request that is not packed by the client.
func (s suite) raw(op abi.Op, request []byte) ([]byte, error) {
	return s.Caller.Call(s.ctx, op, request)
}
