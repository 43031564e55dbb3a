// Command transcript writes the transcript of the reproducible part of the
// conformance suite to a file, for engines in other languages:
//
//	go run ./wasm/abi/abitest/transcript -out FILE
//
// The file is JSON: see abitest.Transcript. To replay it, give the engine the
// random stream of "seed" from its first call on (not while the module
// initialises), make the calls in order and compare the responses.
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"

	"github.com/recrypt-service/recrypt/wasm/abi/abitest"
	"github.com/recrypt-service/recrypt/wasm/dist"
)

func main() {
	out := flag.String("out", "", "file to write")
	seed := flag.String("seed", "recrypt boundary transcript 1", "text that the random stream is made of")
	flag.Parse()
	if *out == "" || flag.NArg() != 0 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(*out, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "transcript:", err)
		os.Exit(1)
	}
}

func run(out, seed string) error {
	t, err := abitest.Record(seed)
	if err != nil {
		return err
	}
	if module, err := dist.Module(); err == nil {
		hash := sha256.Sum256(module)
		t.Module = hex.EncodeToString(hash[:])
	}
	b, err := json.Marshal(t)
	if err != nil {
		return err
	}
	if err := os.WriteFile(out, append(b, '\n'), 0o644); err != nil {
		return err
	}
	fmt.Printf("%d calls, %d bytes of randomness\n", len(t.Calls), t.Drawn)
	return nil
}
