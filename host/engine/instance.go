package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"unsafe"

	"github.com/tetratelabs/wazero/api"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// Bounds of an instance.
const (
	maxResponse = 1 + abi.MaxRequest // longest response in bytes
	maxCalls    = 10_000             // calls before it is replaced
	maxMemory   = 16 << 20           // memory in bytes at which it is replaced: it never shrinks
)

// An instance is one running module. It serves one call at a time.
type instance struct {
	module  api.Module
	region  *region
	random  *switchedReader
	log     *tail
	stop    *uint32 // the stop word, in region
	calls   int
	failed  bool
	stack   [3]uint64
	alloc   api.Function
	release api.Function
	invoke  api.Function
}

var errMisbehaved = errors.New("the module broke the rules of the boundary")

// prepare checks the version and finds the stop word.
func (i *instance) prepare(ctx context.Context) error {
	i.alloc = i.module.ExportedFunction("alloc")
	i.release = i.module.ExportedFunction("release")
	i.invoke = i.module.ExportedFunction("call")
	version, err := i.module.ExportedFunction("abi_version").Call(ctx)
	if err != nil {
		return errMisbehaved
	}
	if uint32(version[0]) != abi.Version {
		return fmt.Errorf("the module has version %d of the boundary, this program version %d", uint32(version[0]), abi.Version)
	}
	word, err := i.module.ExportedFunction("stop_word").Call(ctx)
	if err != nil {
		return errMisbehaved
	}
	p := uint32(word[0])
	if p == 0 || p%4 != 0 || uint64(p)+4 > uint64(i.module.Memory().Size()) {
		return errMisbehaved
	}
	i.stop = (*uint32)(unsafe.Pointer(&i.region.b[p]))
	return nil
}

// call runs one operation and returns a copy of its response. After an error the
// instance must not be used again.
func (i *instance) call(ctx context.Context, op abi.Op, request []byte) (response []byte, err error) {
	i.calls++
	i.failed = true // until the call has gone well
	p, err := i.hand(ctx, request)
	if err != nil {
		return nil, err
	}
	i.stack = [3]uint64{uint64(op), uint64(p), uint64(len(request))}
	if err := i.invoke.CallWithStack(ctx, i.stack[:]); err != nil {
		return nil, err
	}
	q, n := uint32(i.stack[0]>>32), uint32(i.stack[0])
	if n == 0 || n > maxResponse {
		return nil, errMisbehaved
	}
	view, ok := i.module.Memory().Read(q, n)
	if !ok {
		return nil, errMisbehaved
	}
	response = bytes.Clone(view)
	for _, buffer := range []uint32{p, q} {
		i.stack[0] = uint64(buffer)
		if err := i.release.CallWithStack(ctx, i.stack[:1]); err != nil {
			return nil, err
		}
	}
	i.failed = false
	return response, nil
}

// selfTest runs the core's self-test.
func (i *instance) selfTest(ctx context.Context) error {
	response, err := i.call(ctx, abi.OpSelfTest, nil)
	if err != nil {
		return errors.New("the module does not work: its first call failed")
	}
	_, err = abi.Result(response)
	return err
}

// hand copies a request into a buffer of the instance and returns its address, 0
// for an empty one.
func (i *instance) hand(ctx context.Context, request []byte) (uint32, error) {
	if len(request) == 0 {
		return 0, nil
	}
	i.stack[0] = uint64(len(request))
	if err := i.alloc.CallWithStack(ctx, i.stack[:1]); err != nil {
		return 0, err
	}
	p := uint32(i.stack[0])
	if p == 0 || !i.module.Memory().Write(p, request) {
		return 0, errMisbehaved
	}
	return p, nil
}

// worn reports whether the instance has failed or done its share.
func (i *instance) worn() bool {
	return i.failed || i.calls >= maxCalls || i.module.Memory().Size() > maxMemory
}

// halt writes the stop word. It may be used while a call runs: the memory of an
// instance does not move.
func (i *instance) halt() { atomic.StoreUint32(i.stop, 1) }

// close frees the instance and overwrites its memory. No call may be running.
func (i *instance) close() {
	if i.module != nil {
		i.module.Close(context.Background())
	}
	if i.region != nil {
		i.region.Free() // again, in case starting failed half-way
	}
}
