// Package dispatch is the one function behind every engine: [Handle] takes the
// number of an operation and a packed request and returns a packed response, as
// package abi describes them.
//
// The guest (wasm/guest) exports it from the WebAssembly module; the native
// engine of host/engine calls it directly, other programs through [Native]. It
// does what every operation has in common: it bounds the request, checks the
// number and the lengths of the arguments before anything is computed, turns errors into statuses with
// constant messages, turns a panic of ours into [abi.StatusInternal], and
// overwrites keys that were decoded on the way. It never keeps or changes the
// request.
//
// What it does not do: decide who may do what. Every operation works on its
// arguments alone.
package dispatch

import (
	"sync/atomic"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// An operation is one row of the tables. (Maps would be filled by code when the program
// starts; these are data.)
type operation struct {
	op     abi.Op
	args   int                             // number of argument frames
	secret bool                            // the results are freshly made secrets, to be wiped once packed
	run    func(a *args) ([][]byte, error) // returns the result frames
}

// stop is the stop word. It is only ever written by the host of a WebAssembly
// module, which finds it by [StopWord].
var stop uint32

// StopWord returns the address of the stop word. While it is not zero, a
// running operation ends with [abi.StatusStopped] before its next costly
// argument or step, and no operation starts. Steps are bounded, not
// interruptible.
func StopWord() *uint32 { return &stop }

// stopped reports whether the host has asked to stop.
func stopped() bool { return atomic.LoadUint32(&stop) != 0 }

// Handle runs one operation and returns its response: a status byte, then result
// frames or a short message. It does not panic. The response shares no memory
// with the request.
func Handle(op abi.Op, request []byte) (response []byte) {
	defer func() {
		if recover() != nil {
			response = failure(abi.ErrInternal)
		}
	}()
	if stopped() {
		return failure(abi.ErrStopped)
	}
	o, ok := lookUp(op)
	if !ok {
		return failure(abi.ErrOperation)
	}
	if len(request) > abi.MaxRequest {
		return failure(abi.ErrTooLarge)
	}
	a := newArgs(request, o.args)
	defer a.wipe()
	if a.failed() {
		return failure(a.check())
	}
	results, err := o.run(a)
	if err == nil {
		err = a.check()
	}
	if err == nil {
		response = success(results)
	}
	if o.secret {
		for _, f := range results {
			clear(f)
		}
	}
	if err != nil {
		return failure(err)
	}
	return response
}

// lookUp finds an operation by number.
func lookUp(op abi.Op) (*operation, bool) {
	for _, table := range [...][]operation{schemeOperations, recordOperations, identityOperations, logOperations, edgeOperations} {
		for i := range table {
			if table[i].op == op {
				return &table[i], true
			}
		}
	}
	return nil, false
}

// success packs result frames behind StatusOK.
func success(results [][]byte) []byte {
	n := 1
	for _, f := range results {
		n += abi.FrameSize(len(f))
	}
	response := make([]byte, 1, n)
	response[0] = byte(abi.StatusOK)
	for _, f := range results {
		response = abi.AppendFrame(response, f)
	}
	return response
}

// failure packs an error: its status and its message.
func failure(err error) []byte {
	e := status(err)
	return append([]byte{byte(e.Status)}, e.Message...)
}
