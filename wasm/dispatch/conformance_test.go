package dispatch_test

import (
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi/abitest"
	"github.com/recrypt-service/recrypt/wasm/dispatch"
)

func TestConformance(t *testing.T) {
	if testing.Short() {
		t.Skip("as WebAssembly, package host/engine runs it on the module itself")
	}
	abitest.Run(t, dispatch.Native{})
}
