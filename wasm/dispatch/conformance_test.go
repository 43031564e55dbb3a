package dispatch_test

import (
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi/abitest"
	"github.com/recrypt-service/recrypt/wasm/dispatch"
)

func TestConformance(t *testing.T) { abitest.Run(t, dispatch.Native{}) }
