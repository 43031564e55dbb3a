package engine

import (
	"bytes"
	"errors"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi"
	"github.com/recrypt-service/recrypt/wasm/abi/abitest"
	"github.com/recrypt-service/recrypt/wasm/dispatch"
)

// stretches tells requests that stretch a passphrase, which is slow by design.
func stretches(op abi.Op, request []byte) bool {
	frames, err := abi.Unpack(request, -1)
	return (op == abi.OpSealSeed || op == abi.OpOpenSeed) && err == nil && len(frames) > 0 && len(frames[0]) > 0
}

// FuzzEngines sends the same to the native core and to the module. Both answer with
// the same status and message, and, where nothing is drawn at random, with the same
// result. The requests are those of the conformance suite with one frame replaced.
func FuzzEngines(f *testing.F) {
	transcript, err := abitest.Record("seeds")
	if err != nil {
		f.Fatal(err)
	}
	calls := transcript.Calls
	for i := 0; i < len(calls); i += 1 + len(calls)/60 {
		if frames, err := abi.Unpack(calls[i].Request, -1); err == nil && len(frames) > 0 {
			k := i % len(frames)
			f.Add(uint16(i), uint8(k), frames[k])
			f.Add(uint16(i), uint8(k), frames[k][:len(frames[k])/2])
		}
	}
	module := newEngine(f, Config{Instances: 1})
	f.Fuzz(func(t *testing.T, which uint16, argument uint8, content []byte) {
		c := calls[int(which)%len(calls)]
		request := c.Request
		if frames, err := abi.Unpack(request, -1); err == nil && len(frames) > 0 {
			frames[int(argument)%len(frames)] = content
			request = abi.Pack(frames...)
		}
		if stretches(c.Op, request) {
			return
		}
		want, wantErr := abi.Result(dispatch.Handle(c.Op, request))
		got, err := module.Call(t.Context(), c.Op, bytes.Clone(request))
		var a, b *abi.Error
		switch {
		case wantErr != nil || err != nil:
			if !errors.As(wantErr, &a) || !errors.As(err, &b) || *a != *b {
				t.Errorf("operation %#x: %v, native: %v", c.Op, err, wantErr)
			}
		case len(got) != len(want):
			t.Errorf("operation %#x: %d bytes, native: %d", c.Op, len(got), len(want))
		case !bytes.Equal(got, want):
			if again, err := abi.Result(dispatch.Handle(c.Op, request)); err == nil && bytes.Equal(again, want) {
				t.Errorf("operation %#x: other bytes than the native core's", c.Op)
			}
		}
	})
}

// FuzzPointers calls the module with any operation, address and length. Every call is
// answered from memory of the module, and the instance goes on working.
func FuzzPointers(f *testing.F) {
	i, err := newEngine(f, Config{Instances: 1}).backend.(*machine).boot(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(i.close)
	f.Add(uint32(abi.OpInfo), int32(0), int32(0), uint32(0), []byte{})
	f.Add(uint32(abi.OpParseID), int32(0), int32(0), uint32(8), abi.Pack([]byte("rid1")))
	f.Add(uint32(abi.OpParseID), int32(1), int32(-1), uint32(1<<31), abi.Pack([]byte("rid1")))
	f.Add(uint32(abi.OpOpenHeader), int32(-1<<31), int32(1<<30), ^uint32(0), []byte{1})
	f.Fuzz(func(t *testing.T, op uint32, address, length int32, wild uint32, request []byte) {
		if stretches(abi.Op(op), request) || len(request) > abi.MaxRequest {
			return
		}
		p := uint32(export(t, i, "alloc", uint32(len(request))))
		if (p == 0) != (len(request) == 0) || !i.module.Memory().Write(p, request) {
			t.Fatalf("alloc(%d) = %#x", len(request), p)
		}
		status := respond(t, i, abi.Op(op), p+uint32(address), uint32(len(request))+uint32(length))
		if status > abi.StatusStopped || status == abi.StatusInternal {
			t.Errorf("status %d", status)
		}
		export(t, i, "release", wild)
		export(t, i, "release", p)
		if s := respond(t, i, abi.OpInfo, 0, 0); s != abi.StatusOK {
			t.Errorf("afterwards: status %d", s)
		}
	})
}
