package engine

import (
	"flag"
	"os"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi/abitest"
)

var vectorsDir = flag.String("vectors", "", "folder of vector files for TestPeerVectors")

// TestPeerVectors runs other files than the embedded ones, which are part of the
// conformance tests, on the module:
//
//	go test ./host/engine -run TestPeerVectors -args -vectors DIR
func TestPeerVectors(t *testing.T) {
	if *vectorsDir == "" {
		t.Skip("no -vectors DIR")
	}
	abitest.RunVectors(t, newEngine(t, Config{}), os.DirFS(*vectorsDir))
}
