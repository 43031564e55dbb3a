//go:build wasip1

// The guest is the core as a WebAssembly module: a wasip1 reactor whose exports
// are the ones that package abi describes. It only moves bytes; package dispatch
// does the work.
//
// Pointers from the host are looked up among the buffers that are alive, never
// turned into Go pointers.
package main

import (
	"unsafe"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/dispatch"
)

func main() {}

// live holds every buffer between alloc (or call) and release, by address. The
// collector does not move them.
var live = map[int32][]byte{}

// keep makes b alive and returns its address.
func keep(b []byte) int32 {
	p := int32(uintptr(unsafe.Pointer(unsafe.SliceData(b))))
	live[p] = b
	return p
}

//go:wasmexport abi_version
func abiVersion() int32 { return abi.Version }

//go:wasmexport alloc
func alloc(n int32) int32 {
	if n <= 0 || n > abi.MaxRequest {
		return 0
	}
	return keep(make([]byte, n))
}

//go:wasmexport release
func release(p int32) {
	clear(live[p])
	delete(live, p)
}

//go:wasmexport call
func call(op, p, n int32) int64 {
	scrub() // for its size: from here on the stack does not grow, and leaves no copies
	response := answer(abi.Op(op), p, n)
	scrub()
	tidy(n)
	return int64(keep(response))<<32 | int64(len(response))
}

// answer runs op on the first n bytes of the live buffer at p. No bytes at
// address 0 are an empty request.
func answer(op abi.Op, p, n int32) []byte {
	request := live[p]
	if n < 0 || int(n) > len(request) || request == nil && p != 0 {
		return append([]byte{byte(abi.StatusMalformed)}, abi.ErrMalformed.Message...)
	}
	return dispatch.Handle(op, request[:n])
}

//go:wasmexport stop_word
func stopWord() int32 { return int32(uintptr(unsafe.Pointer(dispatch.StopWord()))) }
