package engine

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/recrypt-service/recrypt/wasm/abi/abitest"
)

var vectorsDir = flag.String("vectors", "", "folder of vector files for TestPeerVectors")

// TestPeerVectors runs other files than the embedded ones, which are part of the
// conformance tests, on the module:
//
//	go test ./host/engine -run TestPeerVectors -args -vectors DIR
//
// A relative path is looked up from this folder and then from the module's root.
func TestPeerVectors(t *testing.T) {
	if *vectorsDir == "" {
		t.Skip("no -vectors DIR")
	}
	dir := *vectorsDir
	if _, err := os.Stat(dir); err != nil && !filepath.IsAbs(dir) {
		dir = filepath.Join("..", "..", dir)
	}
	abitest.RunVectors(t, newEngine(t, Config{}), os.DirFS(dir))
}
