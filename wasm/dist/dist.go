// Package dist carries the built WebAssembly module, recrypt.wasm, so that a
// program is one file.
//
// The module is a build product and not under version control. The placeholder
// beside it keeps this package compiling before it is built; [Module] then says
// what to do. host/engine/build builds it.
package dist

import (
	"embed"
	"errors"
)

// Name is the file name of the module in this folder.
const Name = "recrypt.wasm"

//go:embed recrypt.wasm*
var files embed.FS

// Module returns the bytes of the embedded module. The error says that it has
// not been built.
func Module() ([]byte, error) {
	b, err := files.ReadFile(Name)
	if err != nil {
		return nil, errors.New("the WebAssembly module is not part of this build: run \"make wasm\" and build again")
	}
	return b, nil
}
