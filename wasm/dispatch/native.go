package dispatch

import (
	"context"

	"github.com/recrypt-service/recrypt/wasm/abi"
)

// Native is the core without WebAssembly: an [abi.Caller] that calls [Handle].
// The zero value is ready, and safe for concurrent use.
type Native struct{}

// Call runs op. The context is only looked at before it starts: a running
// operation is not interrupted.
func (Native) Call(ctx context.Context, op abi.Op, request []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return abi.Result(Handle(op, request))
}
