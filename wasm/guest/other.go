//go:build !wasip1

// Command guest is only meaningful as a WebAssembly module: build it with
// GOOS=wasip1 GOARCH=wasm.
package main

import "os"

func main() {
	os.Stderr.WriteString("guest: build it with GOOS=wasip1 GOARCH=wasm -buildmode=c-shared\n")
	os.Exit(2)
}
